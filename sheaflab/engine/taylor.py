r"""Any shape, one trajectory, no eigendecomposition: Taylor series with certified polynomial events.

In a mode the velocity's derivatives are :math:`v_{k+1} = -L v_k`, products with a matrix of which a switch changes one
row and column. Two facts make a step certain:

- **Remainder.** :math:`\|v_k(t)\|` does not grow along the flow, for `L` is positive definite. So the series of degree
  `K` is within :math:`\|v_K(0)\|\, t^{K+1}/(K+1)!` of the flow: the length of a step follows from its last term.
- **Events** are polynomials up to that remainder: their Bernstein coefficients certify that a step has none, or isolate
  the first one (:mod:`sheaflab.events.polynomials`). A series in which there is none grows by a few terms, which make
  its step longer, and is searched again: its products are not wasted.

**Tail.** In the mode of the forward pass :math:`\|c - c^*\|` does not grow, so once it is below every
:math:`|z_i^*|` no wall can be reached any more and the search ends. **Leap.** A mode in which many steps pass without
an event is worth one eigendecomposition: the closed form goes to its next event, or to the end, at once.
"""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.engine import spectral
from sheaflab.engine.laplacian import Layered, laplacian
from sheaflab.events.polynomials import NOISE, conversion, first_root
from sheaflab.modes import ACTIVE, SLIDING, settle
from sheaflab.region import region_of
from sheaflab.results import Event, Outcome, Record
from sheaflab.sheaf import Sheaf, log_slope
from sheaflab.walls import AT_END, OVERTIME, Walls, first_modes

_DEGREES = (8, 30)
_LARGE = 500  # coordinates: from here on a product with all weights at once reads too many zeros
_MORE = 4  # terms that a series without an event grows by
_EXPONENTS = np.arange(_DEGREES[1] + 1.0)
_INVERSE = 1.0 / np.maximum(_EXPONENTS, 1.0)
_UNDERFLOW = 1e-300


class _Flow:
    """State, velocity and Laplacian of the current mode, brought up to date one neuron at a time."""

    def __init__(self, sheaf: Sheaf, c0: FloatArray) -> None:
        self.sheaf, self.h, self.n, self.pull, self.gram = sheaf, sheaf.h, sheaf.n, sheaf.pull, sheaf.gram
        start = first_modes(sheaf, c0)
        self.codes, self.repelled = start.codes, start.repelled.nonzero()[0].tolist()
        self.walls = sheaf.shared(Walls)
        self.faint = self.walls.faint(float(np.abs(c0).max()))
        self.rests = bool(self.walls.resting(c0, self.codes).any())
        self.gate = (self.codes == ACTIVE).astype(float)
        self.moving = np.ones(self.n)
        self.moving[: self.h] = self.codes != SLIDING
        self.sides = 2.0 * self.gate - 1.0
        self.slid = (self.codes == SLIDING).nonzero()[0]
        self.laplacian = laplacian(sheaf, self.gate, self.moving)
        self.layered = isinstance(self.laplacian, Layered) or self.n >= _LARGE
        self.unit = self.laplacian.unit
        self.log_unit = math.log(self.unit)
        self.series = np.empty((_DEGREES[1] + 1, self.n))
        self.rows = list(self.series)
        self._leaving: FloatArray | None = None
        self.c = c0.copy()
        self.refresh()

    def refresh(self) -> None:
        """Compute residual, pull and velocity at `c`."""
        gated = self.gate * self.c[: self.h]
        self.r = self.c - self.sheaf.boundary_term
        if self.layered:
            self.g = np.empty(self.h)
            for w, before, after in self.sheaf.layers:
                self.r[after] -= w.dot(gated[before])
                self.g[before] = self.r[after].dot(w)
        else:
            self.r -= gated.dot(self.pull)
            self.g = self.pull.dot(self.r)
        self.v = -self.r
        self.v[: self.h] += self.gate * self.g
        if self.slid.size:
            self.v[self.slid] = 0.0

    def change(self, i: int, code: int) -> None:
        """Put neuron `i`, at its wall, into another mode."""
        slides = SLIDING in (code, self.codes[i])
        self.codes[i] = code
        self.gate[i] = code == ACTIVE
        self.sides[i] = 1.0 if code == ACTIVE else -1.0
        if slides:
            self.moving[i] = code != SLIDING
            self.slid = (self.codes == SLIDING).nonzero()[0]
            self._leaving = None
        self.v[i] = 0.0
        if code != SLIDING:
            self.v[i] = self.g[i] - self.r[i] if code == ACTIVE else -self.r[i]
        self.laplacian.change(i)
        if self._leaving is not None:
            down = self.gate[i] * self.pull[i, self.slid]
            up = self.gate[i] * self.gram[i, self.slid] - self.pull[self.slid, i] - down
            self._leaving[i] = np.concatenate([down, up])

    def settle(self, who: list[int], rises: list[bool]) -> list[tuple[int, int, int]]:
        """Change the modes of those at their walls; return neurons with their modes before and after."""
        codes, r, g = self.codes, self.r, self.g
        changed, clear = [], not self.rests
        for i, up in zip(who, rises, strict=True):
            f, before = float(r[i]), int(codes[i])
            pull = float(g[i])
            clear = clear and (before == SLIDING or min(abs(f), abs(pull - f)) > self.faint)
            if (after := settle(before, -f, pull - f, up)) != before:
                changed.append((i, before, after))
        if clear and self.slid.size:
            others = np.minimum(np.abs(r[self.slid]), np.abs(g[self.slid] - r[self.slid])) > self.faint
            clear = bool(others.all()) or set(self.slid[~others].tolist()) <= set(who)
        if not clear:
            down = -r[: self.h]
            new, _ = self.walls.settle(self.c, codes, zip(who, rises, strict=True), (down, g + down))
            changed = [(int(i), int(codes[i]), int(new[i])) for i in (new != codes).nonzero()[0]]
        for i, _, code in changed:
            self.change(i, code)
        if not clear:
            self.rests = bool(self.walls.resting(self.c, codes).any())
        return changed

    def extend(self, known: int, degree: int) -> float:
        """Fill in the rows after `known`, ``-L / unit`` times the one before; return a bound on the last's norm."""
        self.laplacian.powers(self.rows[known : degree + 1])
        last = self.rows[degree]
        norm = math.sqrt(last.dot(last))
        # Far below `unit` the products, and before them their squares, underflow: a last term of 0 proves nothing.
        return norm if norm > 1e-150 else max(math.sqrt(self.n) * float(np.abs(last).max()), _UNDERFLOW)

    @property
    def leaving(self) -> FloatArray:
        r"""From derivatives of `c` to those of :math:`f^-` and :math:`-f^+` of `s` sliding neurons: ``(n, 2 s)``."""
        if self._leaving is None:
            slid = self.slid
            down = np.zeros((self.n, slid.size))
            down[: self.h] = self.gate[:, None] * self.pull[:, slid]
            up = -self.pull[slid].T - down
            up[: self.h] += self.gate[:, None] * self.gram[:, slid]
            self._leaving = np.concatenate([down, up], axis=1)
        return self._leaving

    def slope(self, energy: float) -> float:
        """d(log V)/dt."""
        return log_slope(float(self.v.dot(self.v)), energy)


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, max_events: int) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    flow = _Flow(sheaf, c0)
    codes = flow.codes
    home = sheaf.shared(spectral.Home)
    settled = home.codes.tobytes()
    drive = flow.walls.drive
    record = Record([0.0], [c0], [codes.tobytes()])
    t, degree, quiet, blur, last = 0.0, _DEGREES[1] - 6, 0, 1.0, 0.0
    while t < t_end:
        mode = codes.tobytes()
        calm = mode == settled
        tail = calm and math.dist(flow.c, home.rest) < 0.999 * home.margin
        patience = 1 if calm else 6 + flow.n // 8  # quiet steps that are worth one eigendecomposition
        if flow.n <= spectral.DENSE and (tail or quiet >= patience):
            basis = home.basis if calm else spectral.Eigenbasis(region_of(sheaf, mode))
            wait, who, rises = t_end * OVERTIME - t, [], []
            if not tail:  # after so many quiet steps no wall has just been left
                wait, owners, upward = spectral.first_exit(basis, flow.c, wait, np.zeros(flow.h, dtype=np.int64), blur)
                who, rises = owners.tolist(), upward.tolist()
            if not who or t + wait > t_end * AT_END:
                wait, who = t_end - t, []
            rests = flow.walls.resting(flow.c, codes)
            flow.c = np.asarray(basis.region.flow(flow.c, wait))
            flow.c[: flow.h][rests] = 0.0
            if not who:
                break
            t = min(t + wait, t_end)
        else:
            who, rises, t, degree = _step(flow, t, t_end, degree, drive, tail, blur)
            if not who:
                quiet += 1
                flow.refresh()
                continue
        quiet = 0
        for i in who:
            flow.c[i] = 0.0
        flow.refresh()
        energy = 0.5 * float(flow.r.dot(flow.r))
        slope = flow.slope(energy)
        changed = flow.settle(who, rises)
        # A wall touched within rounding, or no time passed: more uncertainty is assumed, so that the run goes on.
        blur = 1.0 if changed and t > last * (1 + 4 * EPS) else 4.0 * blur
        last = t
        if changed:
            slopes = slope, flow.slope(energy)
            record.events += [Event(t, *change, energy, *slopes) for change in changed]
            record.times.append(t)
            record.states.append(flow.c)
            record.modes.append(codes.tobytes())
        if len(record.events) >= max_events:
            record.modes.pop()
            record.outcome = Outcome.EVENT_BUDGET
            return record, flow.repelled
    record.times.append(t_end)
    record.states.append(flow.c)
    return record, flow.repelled


def _step(
    flow: _Flow, t: float, t_end: float, degree: int, drive: float, tail: bool, blur: float
) -> tuple[list[int], list[bool], float, int]:
    """Go to the next event or to the end of one series: who meets its wall, who rises off it, time, degree."""
    rounding = EPS * max(drive, float(np.maximum.reduce(np.abs(flow.c))), 1e-150)
    horizon, series, known, wanted = t_end * OVERTIME - t, flow.series, 1, degree
    series[0], series[1] = flow.c, flow.v
    while True:
        last = flow.extend(known, degree)
        length, scale = _reach(flow, degree, last, horizon, rounding)
        part = series[: degree + 1]
        x, who, rises = (1.0, [], []) if tail else _first(flow, part, scale, blur * 4 * rounding)
        if who or length == horizon or degree == _DEGREES[1]:
            break
        known, degree = degree, min(degree + _MORE, _DEGREES[1])
    if t + x * length > t_end * AT_END:
        who, x = [], (t_end - t) / length
    elif not who:
        flow.c = scale.dot(part)
        return who, rises, min(t + length, t_end), degree
    flow.c = (x ** _EXPONENTS[: degree + 1] * scale).dot(part)
    return who, rises, min(t + x * length, t_end), max(wanted - 2, _DEGREES[0]) if x < 0.3 else degree


def _reach(flow: _Flow, degree: int, last: float, horizon: float, tolerance: float) -> tuple[float, FloatArray]:
    """Return a step's length and what takes derivatives to Taylor coefficients in the fraction of it."""
    # One product more would give the remainder; the last term bounds it by λ times, so that term has to be small.
    room = math.log(tolerance) + math.lgamma(degree + 1) - math.log(last)
    length = min(horizon, math.exp((room - (degree - 1) * flow.log_unit) / degree))
    scale = (length * flow.unit) * _INVERSE[: degree + 1]
    scale[0], scale[1] = 1.0, length
    return length, np.multiply.accumulate(scale)


def _first(flow: _Flow, series: FloatArray, scale: FloatArray, floor: float) -> tuple[float, list[int], list[bool]]:
    """Return the fraction of the step until the first event, its neurons, and which of them rise off their wall."""
    h, slid = flow.h, flow.slid
    functions = series[:, :h] * flow.sides
    if slid.size:
        functions[0, slid] = 1.0  # a coordinate that does not move has no event of its own
        leaving = series.dot(flow.leaving)
        leaving[0] = np.concatenate([-flow.r[slid], flow.r[slid] - flow.g[slid]])
        functions = np.concatenate([functions, leaving], axis=1)
    b = (conversion(len(series) - 1) * scale).dot(functions)
    noise = (NOISE * scale).dot(np.abs(functions))
    noise += floor
    b += noise
    best, hits = 1.0, []
    # In the order of their first negative ordinate: the likely first one first, the others are cleared by one value.
    for e in dict.fromkeys((b < 0).nonzero()[1].tolist()):
        # A little further than the best so far: lifted by its rounding, an event of the same instant comes later.
        x = first_root((functions[:, e] * scale).tolist(), b[:, e], float(noise[e]), min(1.0, best * (1 + 1e-10)))
        if x <= best * (1 + 4 * EPS):
            best = min(best, x)
            hits.append((x, e))
    if not hits:
        return best, [], []
    who: dict[int, bool] = {}
    for x, e in hits:
        if x <= best * (1 + 4 * EPS):
            who[e if e < h else int(slid[(e - h) % slid.size])] = e >= h + slid.size
    order = sorted(who)
    return best, order, [who[i] for i in order]
