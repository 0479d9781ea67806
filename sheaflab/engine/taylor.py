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

from sheaflab.bernstein import NOISE, conversion, first_root
from sheaflab.engine import spectral
from sheaflab.engine.blocks import unit
from sheaflab.engine.record import ACTIVE, EVENT_BUDGET, INACTIVE, SLIDING, Event, Record, first_modes, settle
from sheaflab.expsum import EPS
from sheaflab.network import FloatArray
from sheaflab.sheaf import Sheaf

_DEGREES = (8, 30)
_EXPONENTS = np.arange(_DEGREES[1] + 1.0)
_UNDERFLOW = 1e-300
_WIDE = 400  # from here on matrices outgrow the cache, and reading less of them is faster than fewer calls


class _Flow:
    """State, velocity and Laplacian of the current mode, brought up to date one row and column at a time.

    With `gate` 1 on active neurons and `moving` 0 on sliding ones, the coboundary is ``diag(moving) - pull.T @ gate``,
    so all products come from matrices that never change.
    """

    def __init__(self, sheaf: Sheaf, c0: FloatArray) -> None:
        self.sheaf, self.h, self.n, self.pull = sheaf, sheaf.h, sheaf.n, sheaf.pull
        self.codes, self.repelled = first_modes(sheaf, c0)
        self.gate = (self.codes == ACTIVE).astype(float)
        self.moving = np.ones(self.n)
        self.moving[: self.h] = self.codes != SLIDING
        self.sides = 2.0 * self.gate - 1.0
        self.slid = (self.codes == SLIDING).nonzero()[0]
        self.unit = unit(sheaf)
        gated = self.gate[:, None] * self.pull * self.moving
        self.minus = np.diag(-self.moving)
        self.minus[: self.h] += gated
        self.minus[:, : self.h] += gated.T
        self.minus[: self.h, : self.h] -= self.gate[:, None] * sheaf.gram * self.gate
        self.minus /= self.unit
        self.c = c0.copy()
        self.look()

    def look(self) -> None:
        """Work out residual, pull and velocity at `c`."""
        gated = self.gate * self.c[: self.h]
        self.r = self.c - self.sheaf.boundary_term
        if self.n < _WIDE:
            self.r -= gated @ self.pull
            self.g = self.pull @ self.r
        else:
            self.g = np.empty(self.h)
            for w, before, after in self.sheaf.layers:
                self.r[after] -= w @ gated[before]
                self.g[before] = self.r[after] @ w
        self.v = -self.r
        self.v[: self.h] += self.gate * self.g
        if self.slid.size:
            self.v[self.slid] = 0.0

    def change(self, i: int, code: int) -> None:
        """Put neuron `i`, at its wall, into another mode."""
        self.codes[i] = code
        self.gate[i] = code == ACTIVE
        self.moving[i] = code != SLIDING
        self.sides[i] = 1.0 if code == ACTIVE else -1.0
        self.slid = (self.codes == SLIDING).nonzero()[0]
        row = np.zeros(self.n)
        self.v[i] = 0.0
        if code != SLIDING:
            self.v[i] = self.g[i] - self.r[i] if code == ACTIVE else -self.r[i]
            row[: self.h] = self.gate * self.pull[:, i]
            if code == ACTIVE:
                row[: self.h] -= self.gate * self.sheaf.gram[i]
                row += self.moving * self.pull[i]
            row[i] -= 1.0
            row /= self.unit
        self.minus[i] = row
        self.minus[:, i] = row

    def extend(self, series: FloatArray) -> float:
        """Fill in the rows from 2 on, ``-L / unit`` times the one before each; return a bound on the last's norm."""
        last = series[1]
        if self.n < _WIDE:
            for row in series[2:]:
                last = np.dot(self.minus, last, row)
        else:
            from scipy.linalg.blas import dsymv  # when needed: importing sheaflab stays light

            for row in series[2:]:
                last = dsymv(1.0, self.minus.T, last, y=row, overwrite_y=True)
        norm = math.sqrt(float(last @ last))
        # Far below `unit` the products, and before them their squares, underflow: a last term of 0 proves nothing.
        return norm if norm > 1e-150 else max(math.sqrt(self.n) * float(np.abs(last).max()), _UNDERFLOW)

    def leaving(self, series: FloatArray) -> FloatArray:
        r"""Taylor coefficients of :math:`f^-` and of :math:`-f^+` of the sliding neurons, side by side."""
        gated, slid = series[:, : self.h] * self.gate, self.slid
        down = gated @ self.pull[:, slid]
        up = gated @ self.sheaf.gram[:, slid] - series @ self.pull[slid].T - down
        down[0] = -self.r[slid]
        up[0] = self.r[slid] - self.g[slid]
        return np.concatenate([down, up], axis=1)

    def slope(self, energy: float) -> float:
        """d(log V)/dt."""
        return -float(self.v @ self.v) / energy if energy > 0 else math.nan


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, max_events: int) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    flow = _Flow(sheaf, c0)
    codes = flow.codes
    rest = sheaf.harmonic_extension()
    resting = (rest[: flow.h] > 0).astype(np.int8).tobytes()
    margin = float(np.abs(rest[: flow.h]).min(initial=np.inf))
    drive = float(np.abs(sheaf.boundary_term).max())
    record = Record([0.0], [c0], [codes.tobytes()])
    t, degree, quiet, blur, last = 0.0, _DEGREES[1] - 6, 0, 1.0, 0.0
    while t < t_end:
        mode = codes.tobytes()
        calm = mode == resting
        tail = calm and math.dist(flow.c, rest) < 0.999 * margin
        patience = 1 if calm else 6 + flow.n // 8  # quiet steps that are worth one eigendecomposition
        if flow.n <= spectral.DENSE and (tail or quiet >= patience):
            region = spectral.region_of(sheaf, mode)
            if calm:
                region.equilibrium = rest  # known already
            wait, who, rises = t_end - t, [], []
            if not tail:  # after so many quiet steps no wall has just been left
                wait, found, ups = spectral.first_exit(region, flow.c, wait, np.zeros(flow.h, dtype=np.int64), blur)
                who, rises = found.tolist(), ups.tolist()
            flow.c = np.asarray(region.flow(flow.c, wait))
            if not who:
                break
            t += wait
        else:
            who, rises, t, degree = _step(flow, t, t_end, degree, drive, tail, blur)
            if not who:
                quiet += 1
                flow.look()
                continue
        quiet = 0
        flow.c[who] = 0.0
        flow.look()
        energy = 0.5 * float(flow.r @ flow.r)
        slope, before = flow.slope(energy), codes[who].tolist()
        for i, up, code in zip(who, rises, before, strict=True):
            if code == SLIDING:
                flow.change(i, ACTIVE if up else INACTIVE)
            elif (then := settle(code, -flow.r[i], flow.g[i] - flow.r[i])) != code:
                flow.change(i, then)
        changed = [(i, code, int(codes[i])) for i, code in zip(who, before, strict=True) if codes[i] != code]
        # A wall touched within rounding, or no time passed: known less well, so that the run gets on.
        blur = 1.0 if changed and t > last * (1 + 4 * EPS) else 4.0 * blur
        last = t
        if changed:
            after = flow.slope(energy)
            record.events += [Event(t, *change, energy, slope, after) for change in changed]
            record.times.append(t)
            record.states.append(flow.c)
            record.modes.append(codes.tobytes())
        if len(record.events) >= max_events:
            record.modes.pop()
            record.outcome = EVENT_BUDGET
            return record, flow.repelled
    record.times.append(t_end)
    record.states.append(flow.c)
    return record, flow.repelled


def _step(
    flow: _Flow, t: float, t_end: float, degree: int, drive: float, tail: bool, blur: float
) -> tuple[list[int], list[bool], float, int]:
    """Go to the next event or to the end of one series: who meets its wall, who rises off it, time, degree."""
    rounding = EPS * max(drive, float(np.maximum.reduce(np.abs(flow.c))), 1e-150)
    series, length = _series(flow, degree, t_end - t, rounding)
    x, who, rises = (1.0, [], []) if tail else _first(flow, series, blur * 4 * rounding)
    if not who:
        flow.c = np.add.reduce(series)
        return who, rises, t + length if t + length < t_end else t_end, min(degree + 4, _DEGREES[1])
    flow.c = x ** _EXPONENTS[: degree + 1] @ series
    return who, rises, min(t + x * length, t_end), max(degree - 2, _DEGREES[0]) if x < 0.3 else degree


def _series(flow: _Flow, degree: int, horizon: float, tolerance: float) -> tuple[FloatArray, float]:
    """Return Taylor coefficients in the fraction of a step, shape ``(degree + 1, n)``, and the step's length."""
    series = np.empty((degree + 1, flow.n))
    series[0], series[1] = flow.c, flow.v
    last = flow.extend(series)
    # One product more would give the remainder; the last term bounds it by λ times, so it is asked to be small itself.
    room = math.log(tolerance) + math.lgamma(degree + 1) - math.log(last)
    length = min(horizon, math.exp((room - (degree - 1) * math.log(flow.unit)) / degree))
    powers = np.empty(degree + 1)
    powers[0], powers[1] = 1.0, length
    powers[2:] = length * flow.unit / _EXPONENTS[2 : degree + 1]
    series *= np.multiply.accumulate(powers)[:, None]
    return series, length


def _first(flow: _Flow, series: FloatArray, floor: float) -> tuple[float, list[int], list[bool]]:
    """Return the fraction of the step until the first event, its neurons, and which of them rise off their wall."""
    h, slid = flow.h, flow.slid
    functions = series[:, :h] * flow.sides
    if slid.size:
        functions[0, slid] = 1.0  # a coordinate that does not move has no event of its own
        functions = np.concatenate([functions, flow.leaving(series)], axis=1)
    noise = NOISE * np.add.reduce(np.abs(functions))
    noise += floor
    b = conversion(len(series) - 1) @ functions
    b += noise
    candidates = (np.minimum.reduce(b) < 0).nonzero()[0]
    best, hits = 1.0, []
    if candidates.size > 1:  # the likely first one first: the others are then cleared by one value
        candidates = candidates[(b[:, candidates] < 0).argmax(axis=0).argsort(kind="stable")]
    for e in candidates.tolist():
        x = first_root(functions[:, e].tolist(), b[:, e], float(noise[e]), best)
        if x <= best:
            best = x
            hits.append((x, e))
    who: dict[int, bool] = {}
    for x, e in hits:
        if x <= best * (1 + 4 * EPS):
            who[e if e < h else int(slid[(e - h) % slid.size])] = e >= h + slid.size
    order = sorted(who)
    return best, order, [who[i] for i in order]
