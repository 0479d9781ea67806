"""States between the switches of a finished run, from what the engine recorded: its states, modes and times.

No event is looked for, so this costs less than the run did. Which law is used follows from the shape alone, and what is
computed of a stretch from that stretch alone: a state does not depend on what was asked before.

- One hidden layer and one output: the formula of :mod:`sheaflab.engine.shallow`.
- Any other shape: the Taylor series of :mod:`sheaflab.engine.taylor`, whose matrix one neuron changes from a stretch to
  the next, and after as many steps as the engine would take one eigendecomposition. Series are kept for the next call,
  up to a bound of memory.
"""

from __future__ import annotations

import itertools
from typing import Protocol

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray
from sheaflab.engine import eigenbasis, shallow
from sheaflab.engine.flow import MOST, Flow
from sheaflab.engine.taylor import patience, reach
from sheaflab.modes import ACTIVE, INACTIVE
from sheaflab.region import ActivationRegion, region_of
from sheaflab.results import Record
from sheaflab.sheaf import Sheaf
from sheaflab.walls import Germ, Walls

_DEGREES = 12, 18, 24, MOST
_ROOM = 6.4e7  # bytes of series that are kept
_FEW = 8  # neurons: to change more of them, one by one, is slower than to begin anew


def has_formula(sheaf: Sheaf) -> bool:
    """Tell whether there is one hidden layer and one output, and nothing but the input is pinned."""
    return len(sheaf.net.weights) == 2 and sheaf.net.weights[1].shape[0] == 1 and not sheaf.pinned


class Dense(Protocol):
    """The states inside the stretches of a record."""

    def states(self, k: int, times: FloatArray) -> FloatArray:
        """States at `times`, ascending and inside stretch `k`, shape ``(len(times), n)``."""


def dense(sheaf: Sheaf, record: Record) -> Dense:
    """Choose by the widths."""
    return (Formula if has_formula(sheaf) else Series)(sheaf, record)


class Formula:
    r"""One hidden layer and one output.

    From its start, where `u = z - a`, a stretch moves by

    - active: :math:`(u_i - w_i p/s)(e^{-t} - 1) + w_i B_1 (e^{-\lambda_1 t} - 1) + w_i B_2 (e^{-\lambda_2 t} - 1)`;
    - inactive: :math:`u_i (e^{-t} - 1)`;
    - output: :math:`\lambda_2 R_1 (e^{-\lambda_1 t} - 1) + \lambda_1 R_2 (e^{-\lambda_2 t} - 1)`, for
      :math:`R_1 + s B_1 = \lambda_2 R_1` and :math:`R_2 + s B_2 = \lambda_1 R_2`.

    Parameters
    ----------
    sheaf : Sheaf
    record : Record
    """

    def __init__(self, sheaf: Sheaf, record: Record) -> None:
        self._sheaf, self._record = sheaf, record
        self._laws: dict[int, tuple[FloatArray, FloatArray]] = {}

    def states(self, k: int, times: FloatArray) -> FloatArray:
        """States at `times` inside stretch `k`, shape ``(len(times), n)``."""
        if k not in self._laws:
            self._laws[k] = self._law(k)
        rates, amplitudes = self._laws[k]
        decays = np.multiply.outer(rates, times - self._record.times[k])
        return np.asarray(np.expm1(decays, out=decays).T.dot(amplitudes) + self._record.states[k])

    def _law(self, k: int) -> tuple[FloatArray, FloatArray]:
        """The negative rates, shape ``(3,)``, and what moves with each, shape ``(3, n)``."""
        a, w, b, _ = self._sheaf.shared(shallow.numbers)
        mode, c = self._record.modes[k], self._record.states[k].tolist()
        active = [i for i, m in enumerate(mode) if m == ACTIVE]
        s = sum([w[i] * w[i] for i in active])
        p = sum([w[i] * (c[i] - a[i]) for i in active])
        now = shallow.law(s, p, c[-1] - b - sum([w[i] * c[i] for i in active]))
        middle = [c[i] - a[i] if m == INACTIVE else 0.0 for i, m in enumerate(mode)]
        slow, fast = [0.0] * len(c), [0.0] * len(c)
        for i in active:
            middle[i] = c[i] - a[i] - w[i] * now.share
            slow[i], fast[i] = w[i] * now.B1, w[i] * now.B2
        middle.append(0.0)
        slow[-1], fast[-1] = now.l2 * now.R1, now.l1 * now.R2
        return np.array([-now.l1, -1.0, -now.l2]), np.array([slow, middle, fast])


class _Step:
    """A Taylor series, shape ``(degree + 1, n)``, in the fraction of a step from `start` on."""

    def __init__(self, start: float, length: float, end: float, series: FloatArray) -> None:
        self.start, self.length, self.end, self.series = start, length, end, series
        self.nbytes = series.nbytes

    def at(self, times: FloatArray) -> FloatArray:
        """States at `times`."""
        powers = np.empty((len(self.series), len(times)))
        powers[0] = 1.0
        powers[1:] = (times - self.start) / self.length
        return np.asarray(np.multiply.accumulate(powers, axis=0, out=powers).T.dot(self.series))


class _Rest:
    """The closed form of a mode from a state on, to the end of the stretch."""

    def __init__(self, start: float, c: FloatArray, end: float, region: ActivationRegion, rests: BoolArray) -> None:
        self.start, self.c, self.end, self.region, self.rests = start, c, end, region, np.flatnonzero(rests)
        self.nbytes = 4 * c.nbytes * c.size

    def at(self, times: FloatArray) -> FloatArray:
        """States at `times`."""
        states = self.region.flow(self.c, times - self.start)
        states[:, self.rests] = 0.0
        return states


class Series:
    """Any shape.

    Parameters
    ----------
    sheaf : Sheaf
    record : Record
    """

    def __init__(self, sheaf: Sheaf, record: Record) -> None:
        self._sheaf, self._record = sheaf, record
        self._parts: dict[int, list[_Step | _Rest]] = {}
        self._bytes = 0
        self._flow: Flow | None = None

    def states(self, k: int, times: FloatArray) -> FloatArray:
        """States at `times`, ascending and inside stretch `k`, shape ``(len(times), n)``."""
        found, done, stop = np.empty((len(times), self._sheaf.n)), 0, self._record.times[k + 1]
        parts = self._parts.setdefault(k, [])
        for number in itertools.count():
            if number == len(parts):
                parts.append(self._next(k, parts))
                self._bytes += parts[-1].nbytes
            part = parts[number]
            upto = len(times) if part.end == stop else int(np.searchsorted(times, part.end, side="right"))
            if upto > done:
                found[done:upto] = part.at(times[done:upto])
                done = upto
            if done == len(times):
                break
        while self._bytes > _ROOM and len(self._parts) > 1:
            oldest = self._parts.pop(next(iter(self._parts)))
            self._bytes -= sum(part.nbytes for part in oldest)
        return found

    def _next(self, k: int, parts: list[_Step | _Rest]) -> _Step | _Rest:
        """What follows `parts`, the first ones of stretch `k`."""
        sheaf, modes, stop = self._sheaf, self._record.modes[k], self._record.times[k + 1]
        t, c = self._record.times[k], self._record.states[k]
        if parts:
            before = parts[-1]
            assert isinstance(before, _Step)  # the rest ends the stretch
            t, c = before.end, np.add.reduce(before.series)
        home, walls = sheaf.shared(eigenbasis.Home), sheaf.shared(Walls)
        calm = modes == home.key
        if sheaf.n <= eigenbasis.DENSE and len(parts) >= patience(sheaf.n, calm):
            region = home.region if calm else region_of(sheaf, modes)
            return _Rest(t, c, stop, region, walls.resting(c, np.frombuffer(modes, dtype=np.int8)))
        flow, horizon, known = self._enter(modes, c), stop - t, 1
        rounding = EPS * max(walls.drive, float(np.abs(c).max()), 1e-150)
        flow.series[0], flow.series[1] = flow.c, flow.v
        for degree in _DEGREES:
            length, scale = reach(flow, degree, flow.extend(known, degree), horizon, rounding)
            if length == horizon:
                break
            known = degree
        series = flow.series[: len(scale)] * scale[:, None]
        return _Step(t, length or 1.0, stop if length == horizon else t + length, series)

    def _enter(self, modes: bytes, c: FloatArray) -> Flow:
        """The flow in a mode at `c`."""
        codes, flow = np.frombuffer(modes, dtype=np.int8), self._flow
        changed = [] if flow is None else (flow.codes != codes).nonzero()[0].tolist()
        if flow is None or len(changed) > _FEW:
            none = np.zeros(codes.size, dtype=np.int64)
            self._flow = Flow(self._sheaf, c, Germ(codes.copy(), none, none > 0))
            return self._flow
        for i in changed:
            flow.change(i, int(codes[i]))
        flow.c = c
        flow.refresh()
        return flow
