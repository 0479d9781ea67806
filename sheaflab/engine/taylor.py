r"""Any shape, one trajectory, no eigendecomposition: Taylor series with certified polynomial events.

In a mode the velocity's derivatives are :math:`v_{k+1} = -L v_k`, products with a matrix of which a switch changes one
row and column. Two facts make a step certain:

- **Remainder.** :math:`\|v_k(t)\|` does not grow along the flow, for `L` is positive definite. So the series of degree
  `K` is within :math:`\|v_K(0)\|\, t^{K+1}/(K+1)!` of the flow: the length of a step follows from its last term.
- **Events** are polynomials up to that remainder: their Bernstein coefficients certify that a step has none, or isolate
  the first one (:mod:`sheaflab.bernstein`).

**Tail.** In the mode of the forward pass :math:`\|c - c^*\|` does not grow, so once it is below every
:math:`|z_i^*|` no wall can be reached any more and the search ends. **Leap.** A mode in which many steps pass without
an event is worth one eigendecomposition: the closed form goes to its next event, or to the end, at once.
"""

from __future__ import annotations

import math

import numpy as np

from sheaflab.bernstein import conversion, first_root
from sheaflab.engine import spectral
from sheaflab.engine.record import (
    ACTIVE,
    EVENT_BUDGET,
    INACTIVE,
    SLIDING,
    CodeArray,
    Event,
    Record,
    first_modes,
    settle,
)
from sheaflab.expsum import EPS
from sheaflab.network import BoolArray, FloatArray
from sheaflab.sheaf import Sheaf

_NOISE = 16 * EPS
_DEGREES = (8, 30)
_PATIENCE = 3
_DENSE = 1200


class Operator:
    """Laplacian of the current mode, dense, brought up to date one row and column at a time."""

    def __init__(self, sheaf: Sheaf, codes: CodeArray) -> None:
        self.h, self.n = sheaf.h, sheaf.n
        ends = np.cumsum([0, *sheaf.net.widths[1:]]).tolist()
        self.after = [
            slice(ends[k + 1], ends[k + 2]) for k in range(len(ends) - 2) for _ in range(ends[k], ends[k + 1])
        ]
        self.all = sheaf.restricted(np.ones(sheaf.h, dtype=np.bool_))  # δ with all neurons active
        self.pull = np.ascontiguousarray((np.eye(self.n) - self.all)[:, : self.h].T)  # takes r to g
        self.b = np.asarray(sheaf.boundary_term)
        self.delta = self.all.copy()
        self.delta[:, : self.h] = np.where(codes == ACTIVE, self.delta[:, : self.h], 0.0)
        here = np.flatnonzero(codes == INACTIVE)
        self.delta[here, here] = 1.0
        # Products with -L / unit, not with -L: thirty of them must not overflow. A power of two, so that it is exact.
        reach = max(float(np.linalg.norm(w)) for w in sheaf.net.weights[1:])
        self.unit = 2.0 ** math.ceil(2 * math.log2(1.0 + reach))
        self.minus = self.delta.T @ self.delta / -self.unit

    def change(self, i: int, code: int) -> None:
        """Put neuron `i` into another mode."""
        after = self.after[i]
        self.delta[i, i] = 0.0 if code == SLIDING else 1.0
        self.delta[after, i] = self.all[after, i] if code == ACTIVE else 0.0
        if code == SLIDING:
            row = np.zeros(self.n)
        else:
            row = self.delta[i].copy()
            if code == ACTIVE:
                row += self.delta[after, i] @ self.delta[after]
        row /= -self.unit
        self.minus[i] = row
        self.minus[:, i] = row

    def residual(self, c: FloatArray) -> FloatArray:
        return np.asarray(self.delta @ c - self.b)


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, max_events: int) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    h = sheaf.h
    codes, repelled = first_modes(sheaf, c0)
    op = Operator(sheaf, codes)
    rest = sheaf.harmonic_extension()
    resting = (rest[:h] > 0).astype(np.int8).tobytes()
    margin = float(np.abs(rest[:h]).min(initial=np.inf))
    size = float(np.abs(rest).max(initial=0.0))
    record = Record([0.0], [c0], [codes.tobytes()])
    c, t, degree, quiet, blur, last = c0.copy(), 0.0, _DEGREES[1] - 6, 0, 1.0, 0.0
    r = op.residual(c)
    g = op.pull @ r
    while t < t_end:
        calm = codes.tobytes() == resting
        tail = calm and float(np.linalg.norm(c - rest)) < 0.999 * margin
        patience = _PATIENCE if calm else 2 * _PATIENCE + sheaf.n // 8
        if sheaf.n <= _DENSE and (tail or quiet >= patience):
            region = spectral.region_of(sheaf, codes.tobytes())
            wait, who, rises = t_end - t, [], []
            if not tail:  # after so many quiet steps no wall has just been left
                wait, found, ups = spectral.first_exit(region, c, t_end - t, np.zeros(h, dtype=np.int64), blur)
                who, rises = found.tolist(), ups.tolist()
            c = np.asarray(region.flow(c, wait))
            if not who:
                break
            t += wait
        else:
            who, rises, c, t, degree = _step(op, codes, c, r, g, t, t_end, degree, size, tail, blur)
            if not who:
                quiet += 1
                r = op.residual(c)
                g = op.pull @ r
                continue
        quiet = 0
        c[who] = 0.0
        r = op.residual(c)
        g = op.pull @ r
        energy = 0.5 * float(r @ r)
        before = codes
        slope = _slope(before, r, g, energy)
        codes = codes.copy()
        for i, up in zip(who, rises, strict=True):
            slid = before[i] == SLIDING
            codes[i] = (ACTIVE if up else INACTIVE) if slid else settle(before[i], -r[i], g[i] - r[i])
            if codes[i] != before[i]:
                op.change(i, int(codes[i]))
        after = _slope(codes, r, g, energy)
        changed = [i for i in who if before[i] != codes[i]]
        # A wall touched within rounding, or no time passed: known less well, so that the run gets on.
        blur = 1.0 if changed and t > last * (1 + 4 * EPS) else 4.0 * blur
        last = t
        if changed:
            record.events += [Event(t, i, int(before[i]), int(codes[i]), energy, slope, after) for i in changed]
            record.times.append(t)
            record.states.append(c.copy())
            record.modes.append(codes.tobytes())
        if len(record.events) >= max_events:
            record.modes.pop()
            record.outcome = EVENT_BUDGET
            return record, repelled
    record.times.append(t_end)
    record.states.append(c)
    return record, repelled


def _step(
    op: Operator,
    codes: CodeArray,
    c: FloatArray,
    r: FloatArray,
    g: FloatArray,
    t: float,
    t_end: float,
    degree: int,
    size: float,
    tail: bool,
    blur: float,
) -> tuple[list[int], list[bool], FloatArray, float, int]:
    """Go to the next event or to the end of one series: who meets its wall, who rises off it, state, time, degree."""
    sliding = codes == SLIDING
    v = -r
    v[: op.h] += np.where(codes == ACTIVE, g, 0.0)
    v[: op.h][sliding] = 0.0
    series, length = _series(op, c, v, degree, t_end - t, EPS * max(size, float(np.abs(c).max())))
    x, who, rises = (1.0, [], []) if tail else _first(op, series, codes, sliding, r, g, blur * 4 * EPS * size)
    if not who:
        return who, rises, series.sum(axis=0), t + length if t + length < t_end else t_end, min(degree + 4, _DEGREES[1])
    c = x ** np.arange(degree + 1) @ series
    return who, rises, c, min(t + x * length, t_end), max(degree - 2, _DEGREES[0]) if x < 0.3 else degree


def _slope(codes: CodeArray, r: FloatArray, g: FloatArray, energy: float) -> float:
    v = -r
    h = len(codes)
    v[:h] += np.where(codes == ACTIVE, g, 0.0)
    v[:h][codes == SLIDING] = 0.0
    return -float(v @ v) / energy if energy > 0 else math.nan


def _series(
    op: Operator, c: FloatArray, v: FloatArray, degree: int, horizon: float, tolerance: float
) -> tuple[FloatArray, float]:
    """Return Taylor coefficients in the fraction of a step, shape ``(degree + 1, n)``, and the step's length."""
    series = np.empty((degree + 1, len(c)))
    series[0], series[1] = c, v
    for k in range(1, degree):
        np.dot(op.minus, series[k], out=series[k + 1])
    # One product more would give the remainder; the last term bounds it by λ times, so it is asked to be small itself.
    last = math.sqrt(float(series[degree] @ series[degree]))
    length = horizon
    if last > 0:
        room = math.log(tolerance) + math.lgamma(degree + 1) - math.log(last)
        length = min(horizon, math.exp((room - (degree - 1) * math.log(op.unit)) / degree))
    powers = np.empty(degree + 1)
    powers[0], powers[1] = 1.0, length
    powers[2:] = length * op.unit / np.arange(2, degree + 1)
    series *= np.multiply.accumulate(powers)[:, None]
    return series, length


def _first(
    op: Operator,
    series: FloatArray,
    codes: CodeArray,
    sliding: BoolArray,
    r: FloatArray,
    g: FloatArray,
    floor: float,
) -> tuple[float, list[int], list[bool]]:
    """Return the fraction of the step until the first event, its neurons, and which of them rise off their wall."""
    h, degree = op.h, len(series) - 1
    sides = np.where(codes == ACTIVE, 1.0, -1.0)
    functions = series[:, :h] * sides
    slid = sliding.nonzero()[0]
    if slid.size:
        functions[0, slid] = 1.0  # a coordinate that does not move has no event of its own
        residuals = series @ op.delta.T
        residuals[0] = r
        down = -residuals[:, slid]
        up = residuals @ op.pull[slid].T + down
        functions = np.concatenate([functions, down, -up], axis=1)
    noise = _NOISE * np.abs(functions).sum(axis=0) + floor
    b = conversion(degree) @ functions + noise
    candidates = (b.min(axis=0) < 0).nonzero()[0]
    best, hits = 1.0, []
    if candidates.size > 1:  # the likely first one first: the others are then cleared by one value
        candidates = candidates[(b[:, candidates] < 0).argmax(axis=0).argsort(kind="stable")]
    for e in candidates.tolist():
        x = first_root(functions[:, e].tolist(), b[:, e], float(noise[e]), best)
        if x <= best:
            best = x
            hits.append((x, int(e)))
    hits = [(x, e) for x, e in hits if x <= best * (1 + 4 * EPS)]
    who: dict[int, bool] = {}
    for _, e in hits:
        who[e if e < h else int(slid[(e - h) % slid.size])] = e >= h + slid.size
    order = sorted(who)
    return best, order, [who[i] for i in order]
