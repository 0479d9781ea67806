r"""One hidden layer and one output, one trajectory: the closed form without an eigendecomposition, in plain floats.

Let :math:`a = W^1 x + b^1`, `w` the row :math:`W^2` and :math:`s = \sum_{\text{active}} w_i^2`. In every mode the
output's residual is :math:`r(t) = R_1 e^{-\lambda_1 t} + R_2 e^{-\lambda_2 t}` with
:math:`\lambda_{1,2} = (2 + s \mp q)/2`, :math:`q = \sqrt{s^2 + 4 s}`, :math:`\lambda_1 \lambda_2 = 1`, and with
:math:`u = z - a`, :math:`p = \sum_{\text{active}} w_i u_i`, :math:`d_1 = 1 - \lambda_1`, :math:`d_2 = \lambda_2 - 1`:

- :math:`R_1 = (p + d_1 r)/q,\ R_2 = (d_2 r - p)/q`;
- active: :math:`z_i(t) = a_i + (u_i - w_i p/s) e^{-t} + w_i (B_1 e^{-\lambda_1 t} + B_2 e^{-\lambda_2 t})` with
  :math:`B_1 = R_1/d_1,\ B_2 = -R_2/d_2`;
- inactive: :math:`z_i(t) = a_i + u_i e^{-t}`, so its event has a formula;
- sliding: :math:`z_i = 0`, :math:`f^-_i = a_i`, :math:`f^+_i = a_i + w_i r(t)`. It ends only by going active.

*Proof.* :math:`\dot u_i = -u_i + w_i r` for active neurons and :math:`\dot r = -(1 + s) r + p`, hence
:math:`\dot p = -p + s r`: a linear system in `(r, p)` with trace :math:`-(2 + s)` and determinant 1. ∎
The `R` and `d` are written without cancellation: :math:`d_1 = 2 s/(s + q)`, :math:`d_2 = (s + q)/2`.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.engine.doubt import Blur, doubted
from sheaflab.engine.taylor import closely
from sheaflab.events.closeness import FAR, SHARP
from sheaflab.events.exponentials import NOISE
from sheaflab.events.newton import back
from sheaflab.modes import ACTIVE, INACTIVE, SLIDING, settle
from sheaflab.results import Event, Record, Stop
from sheaflab.sheaf import Sheaf, log_slope
from sheaflab.walls import AT_END, OVERTIME, Walls, first_modes, settle_germs

_Terms = tuple[float, float, float, float]
_PATIENCE, _SLOW = 2000, 12
_TIE, _PAST = 4 * EPS, 1 + 1e-6  # times as near as that are one; how far to look for one, with the rounding


class Law(NamedTuple):
    """The two time scales of a mode and the amplitudes of the output's residual (`R`) and of its pull (`B`)."""

    l1: float
    l2: float
    R1: float
    R2: float
    B1: float
    B2: float
    share: float  # p / s


def law(s: float, p: float, r: float) -> Law:
    """The closed form of a mode from the strength `s`, the pull `p` and the output's residual `r` at its start."""
    q = math.sqrt(s * s + 4.0 * s)
    if q < 1e-150:  # no active neuron is connected to the output
        return Law(1.0, 1.0, r, 0.0, 0.0, 0.0, 0.0)
    d1, d2 = 2.0 * s / (s + q), 0.5 * (s + q)
    l1 = 2.0 / (2.0 + s + q)
    R1, R2 = (p + d1 * r) / q, (d2 * r - p) / q
    return Law(l1, 1.0 + d2, R1, R2, R1 / d1, -R2 / d2, p / s)


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, stop: Stop) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    h = sheaf.h
    a, w, b, floor = sheaf.shared(numbers)
    z, repelled, walls = c0[:h].tolist(), [], sheaf.shared(Walls)
    mode, fresh = [ACTIVE if v > 0 else INACTIVE for v in z], {}
    if not all(z):
        codes, orders, repels = first_modes(sheaf, c0)
        mode, repelled = codes.tolist(), repels.nonzero()[0].tolist()
        fresh = {i: int(orders[i]) for i in range(h) if z[i] == 0.0}
    r = float(c0[h]) - b - sum(w[i] * z[i] for i in range(h) if mode[i] == ACTIVE)
    record, t, faint = Record([0.0], [c0], [bytes(mode)]), 0.0, walls.faint(max(map(abs, z)))
    blur: Blur = 1.0
    known = rounding, least = floor, [0.0] * h  # of each neuron's sums with its drive; what a drive must exceed
    while True:
        active = [i for i in range(h) if mode[i] == ACTIVE]
        now = law(sum([w[i] * w[i] for i in active]), sum([w[i] * (z[i] - a[i]) for i in active]), r)
        wait, who = _first(a, w, z, mode, now, rounding, least, fresh, t, t_end)
        closer = None
        if wait < 0:
            orders = np.array([fresh.get(i, 0) for i in range(h)])
            codes, horizon = np.array(mode, dtype=np.int8), t_end * AT_END - t
            closer = closely(sheaf, _state(w, b, z, mode, r), codes, orders, horizon, blur)
            if closer is None:
                wait, who = _first(a, w, z, mode, now, rounding, least, fresh, t, t_end, near=-1.0)
            else:
                wait, who = closer[0], closer[1].tolist()
        if not who or t + wait > t_end * AT_END:
            wait, who = t_end - t, []
        (l1, l2, R1, R2, B1, B2, share), drop = now, math.expm1(-wait)
        # Measured from the state where it moves little, so that short stretches cost no digits.
        moved = B1 * math.expm1(-l1 * wait) + B2 * math.expm1(-l2 * wait)
        z = [
            x + ((x - c - v * share) * drop + v * moved) if m == ACTIVE else x if m == SLIDING else x + (x - c) * drop
            for x, c, v, m in zip(z, a, w, mode, strict=True)
        ]
        r = R1 * math.exp(-l1 * wait) + R2 * math.exp(-l2 * wait)
        if closer is not None:
            z = closer[3][:h].tolist()
            r = float(closer[3][h]) - b - sum([w[i] * z[i] for i in active])
        if not who:
            t = t_end
            break
        t = min(t + wait, t_end)
        for i in who:
            z[i] = 0.0
        before = mode[:]
        for i in who:
            mode[i] = settle(before[i], a[i], a[i] + w[i] * r, True)
        fresh = {i: 2 if before[i] == SLIDING else 1 for i in who}
        unclear = [i for i in who if before[i] != SLIDING and min(abs(a[i]), abs(a[i] + w[i] * r)) <= faint]
        if unclear:
            germ = settle_germs(sheaf, _state(w, b, z, mode, r), np.array(mode, dtype=np.int8), unclear)
            mode = germ.codes.tolist()
            fresh.update((i, int(germ.orders[i])) for i in unclear)
        # A wall touched within rounding, or no time passed: more uncertainty is assumed, so that the run goes on.
        if mode == before or wait <= 4 * EPS * t:
            blur = doubted(blur, who, h)
            rounding, least = (blur * floor).tolist(), np.where(blur > 1.0, blur * floor, 0.0).tolist()
        else:
            blur, (rounding, least) = 1.0, known
        if mode == before:
            continue
        energy, squares = _sizes(a, w, z, before, r)
        slope = log_slope(r * r + sum(squares), energy)
        for i in who:
            v = 0.0 if mode[i] == SLIDING else a[i] + w[i] * r if mode[i] == ACTIVE else a[i]
            squares[i] = v * v
        slopes = slope, log_slope(r * r + sum(squares), energy)
        record.events += [Event(t, i, before[i], mode[i], energy, *slopes) for i in who if before[i] != mode[i]]
        record.times.append(t)
        record.states.append(_state(w, b, z, mode, r))
        if (outcome := stop(record)) is not None:
            record.outcome = outcome
            return record, repelled
        record.modes.append(bytes(mode))
    record.times.append(t)
    record.states.append(_state(w, b, z, mode, r))
    return record, repelled


def numbers(sheaf: Sheaf) -> tuple[list[float], list[float], float, list[float]]:
    """Return `a`, `w`, the output's bias, and the rounding of sums with `a`."""
    h, net = sheaf.h, sheaf.net
    floor = 2 * EPS * (np.abs(net.weights[0]) @ np.abs(sheaf.x) + np.abs(net.biases[0]))
    return sheaf.boundary_term[:h].tolist(), net.weights[1][0].tolist(), float(sheaf.boundary_term[h]), floor.tolist()


def _state(w: list[float], b: float, z: list[float], mode: list[int], r: float) -> FloatArray:
    return np.array([*z, r + b + sum([x * y for x, y, m in zip(w, z, mode, strict=True) if m == ACTIVE])])


def _sizes(a: list[float], w: list[float], z: list[float], mode: list[int], r: float) -> tuple[float, list[float]]:
    """The energy, and the squared speeds of the hidden neurons."""
    energy, squares = r * r, []
    for drive, height, weight, m in zip(a, z, w, mode, strict=True):
        u = drive - height
        energy += u * u
        if m == ACTIVE:
            u += weight * r
        squares.append(u * u if m != SLIDING else 0.0)
    return 0.5 * energy, squares


def _first(
    a: list[float], w: list[float], z: list[float], mode: list[int], now: Law, floor: list[float], least: list[float],
    fresh: dict[int, int], clock: float, t_end: float, near: float = FAR,
) -> tuple[float, list[int]]:  # fmt: skip
    """Return the wait until the first event and its neurons (none: the whole horizon).

    The wait is negative where a function comes closer to its rounding than `near` times it, or a time is not sharp.
    Later ones by the rounding of `clock` count as of the same instant, if no height changes by more than its own then.
    """
    best, hits, (l1, l2, R1, R2, B1, B2, share) = t_end * OVERTIME - clock, [], now
    age = min(clock, l1)  # l1 is the time of the fastest rate
    limit = best + _TIE * max(best, age)
    for i, m in enumerate(mode):  # formulas first: what they find clears many of the others
        if m == INACTIVE and a[i] > least[i]:
            t = math.log1p(-z[i] / a[i])
            if t < 0:
                return t, []
            if t <= limit:
                if t < best:
                    best, limit = t, t + _TIE * max(t, age)
                hits.append((t, i))
    for i in [i for i, m in enumerate(mode) if m != INACTIVE]:
        c, v = a[i], w[i]
        if mode[i] == SLIDING:
            t = _root((-c, -v * R1, 0.0, -v * R2), (l1, l2), -c - v * (R1 + R2), floor[i], 0, limit, near)
        else:
            first, third = v * B1, v * B2
            second = z[i] - c - v * share
            sure = 1e-9 * (abs(c) + abs(first) + abs(second)) + FAR * floor[i]
            if (high := z[i] - sure) > 0:  # Theorem 1 at a glance, and the second bound of Theorem 2
                if c >= 0 and c + first >= 0 and c + first + second >= 0:
                    continue
                falls = first * l1 if first > 0 else 0.0
                falls += (second if second > 0 else 0.0) + (third * l2 if third > 0 else 0.0)
                if high > best * falls:
                    continue
            terms, order = (c, first, second, third), fresh.get(i, 0)
            t = _root(terms, (l1, l2), z[i], floor[i], order, limit, near)
        if t < 0:
            return t, []
        if t <= limit:
            if t < best:
                best, limit = t, t + _TIE * max(t, age)
            hits.append((t, i))
    return best, sorted([i for t, i in hits if t <= limit])


def _root(
    terms: _Terms, rates: tuple[float, float], start: float, floor: float, order: int, limit: float, near: float
) -> float:
    """Theorems 1 and 2 of :mod:`sheaflab.events.exponentials` for a constant and rates l1 ≤ 1 ≤ l2.

    Return the first root after one of that `order` at 0, where the function is `start`; ``inf`` if past `limit`, -1 if
    this needs a closer look.
    """
    (c, a1, a2, a3), (l1, l2) = terms, rates
    exp, sqrt = math.exp, math.sqrt
    t, height, n = 0.0, start, NOISE * abs(c) + floor
    n1, n2, n3 = NOISE * abs(a1), NOISE * abs(a2), NOISE * abs(a3)
    if order:
        h1, h2, h3 = (-l1) ** order * a1, (-1.0) ** order * a2, (-l2) ** order * a3
        bound = max(h1, 0.0) * l1 + max(h2, 0.0) + max(h3, 0.0) * l2
        if bound > 0:
            t = 0.5 * (order + 1) * max(h1 + h2 + h3, 0.0) / bound
            height = c + a1 * exp(-l1 * t) + a2 * exp(-t) + a3 * exp(-l2 * t)
    if height <= near * (n + n1 + n2 + n3):
        return -1.0
    g, g1, g2, g3 = c + n, a1 + n1, a2 + n2, a3 + n3
    for count in itertools.count(1):
        if count % _PATIENCE == 0:  # terms that cancel: known less well, as in first_roots
            k = NOISE * 4.0 ** (count // _PATIENCE)
            g, g1, g2, g3 = c + k * abs(c) + k / NOISE * floor, a1 + k * abs(a1), a2 + k * abs(a2), a3 + k * abs(a3)
        x1, x2, x3 = (g1 * exp(-l1 * t), g2 * exp(-t), g3 * exp(-l2 * t)) if t else (g1, g2, g3)
        p1 = g + x1
        p2 = p1 + x2
        value = p2 + x3
        if g >= 0 and p1 >= 0 and p2 >= 0 and value > 0:
            return math.inf
        if value <= 0:
            break
        s1, s3 = x1 * l1, x3 * l2
        slope = -s1 - x2 - s3
        down = (s1 if s1 > 0 else 0.0) + (x2 if x2 > 0 else 0.0) + (s3 if s3 > 0 else 0.0)
        bend = (0.0 if s1 > 0 else -s1 * l1) + (0.0 if x2 > 0 else -x2) + (0.0 if s3 > 0 else -s3 * l2)
        root = sqrt(slope * slope + 2.0 * bend * value)
        step = 2.0 * value / (root - slope) if slope < 0 else (slope + root) / bend if bend > 0 else math.inf
        if down > 0 and value > step * down:
            step = value / down
        if count > _SLOW:
            step = max(step, _shifted(g, (x1, x2, x3), (l1, 1.0, l2), value))
        t += step
        if step <= 2 * EPS * t:
            break
        if t > _PAST * limit:
            return math.inf
    x1, x2, x3 = a1 * exp(-l1 * t), a2 * exp(-t), a3 * exp(-l2 * t)
    slope = -(x1 * l1 + x2 + x3 * l2)
    if slope < 0:
        step = (c + x1 + x2 + x3) / -slope
        if near > 0 and NOISE * (abs(c) + abs(x1) + abs(x2) + abs(x3)) + floor > -SHARP * slope * max(t, 1.0):
            return -1.0
        t = t + step if abs(step) <= 1e-12 * t else _back(terms, rates, start, t)
    return t if t <= limit else math.inf


def _back(terms: _Terms, rates: tuple[float, float], start: float, t: float) -> float:
    """Move to where the function itself vanishes, as `_polish` of :mod:`sheaflab.events.exponentials` does."""
    (c, a1, a2, a3), (l1, l2) = terms, rates

    def function(t: float) -> tuple[float, float]:
        x1, x2, x3 = a1 * math.exp(-l1 * t), a2 * math.exp(-t), a3 * math.exp(-l2 * t)
        m1, m2, m3 = a1 * math.expm1(-l1 * t), a2 * math.expm1(-t), a3 * math.expm1(-l2 * t)
        early = abs(start) + abs(m1) + abs(m2) + abs(m3) < abs(c) + abs(x1) + abs(x2) + abs(x3)
        return (start + m1 + m2 + m3 if early else c + x1 + x2 + x3), -(x1 * l1 + x2 + x3 * l2)

    return back(function, t)


def _shifted(c: float, terms: tuple[float, ...], rates: tuple[float, ...], value: float) -> float:
    size = sum([abs(a) for a in terms])
    if size == 0.0:
        return 0.0
    mu = sum([abs(a) * rate for a, rate in zip(terms, rates, strict=True)]) / size
    slope, bend = c * mu, max(-c, 0.0) * mu * mu
    for a, rate in zip(terms, rates, strict=True):
        slope -= a * (rate - mu)
        bend += max(-a, 0.0) * (rate - mu) * (rate - mu)
    bend *= math.e
    root = math.sqrt(slope * slope + 2.0 * bend * value)
    step = 2.0 * value / (root - slope) if slope < 0 else (slope + root) / bend if bend > 0 else math.inf
    return min(step, 1.0 / mu)
