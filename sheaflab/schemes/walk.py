"""A time-stepping run under way."""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray
from sheaflab.region import ActivationRegion
from sheaflab.results import Outcome
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import Switch, SwitchLog
from sheaflab.trajectory import PolygonPiece, Trajectory


class Walk:
    """The states, patterns and sign changes of a run under way."""

    def __init__(self, sheaf: Sheaf, c: FloatArray) -> None:
        self.sheaf, self.t, self.c = sheaf, 0.0, c
        self.times, self.states = [0.0], [c[None]]
        self.calm = 0  # steps since the pattern last changed
        self.switches: list[Switch] = []
        self._regions: dict[bytes, ActivationRegion] = {}
        self.region = self._region(c)
        self.turns: list[tuple[int, ActivationRegion]] = [(0, self.region)]

    def _region(self, c: FloatArray) -> ActivationRegion:
        pattern = c[: self.sheaf.h] > 0
        key = pattern.tobytes()
        if key not in self._regions:
            self._regions[key] = ActivationRegion(self.sheaf, pattern)
        return self._regions[key]

    def stays(self, c: FloatArray) -> bool:
        """Whether `c` has the region's pattern: asked for in each step, and bytes are compared soonest."""
        return (c[: self.sheaf.h] > 0).tobytes() == self.region.key[0]

    def changed(self, c: FloatArray) -> BoolArray:
        return np.asarray((c[: self.sheaf.h] > 0) != self.region.pattern)

    def rest(self, t: float, c: FloatArray) -> None:
        """A step to `c` in the same region."""
        self.t, self.c = t, c
        self.times.append(t)
        self.states.append(c[None])
        self.calm += 1

    def leap(self, times: list[float], states: FloatArray) -> None:
        """Several steps in the same region."""
        self.t, self.c = times[-1], states[-1]
        self.times += times
        self.states.append(states)
        self.calm += len(times)

    def move(self, t: float, c: FloatArray, changed: BoolArray) -> None:
        """A step, perhaps into another region."""
        self.rest(t, c)
        if not changed.any() or not np.isfinite(c).all():
            return
        self.calm = 0
        before, self.region = self.region, self._region(c)
        self.turns.append((len(self.times) - 1, self.region))
        energy = self.sheaf.energy(c)
        slopes = before.slope(c), self.region.slope(c)
        for i in np.flatnonzero(changed):
            self.switches.append(
                Switch(t, *self.sheaf.place(int(i)), before.modes[i], self.region.modes[i], energy, *slopes)
            )

    def finish(self, outcome: Outcome) -> Trajectory:
        if outcome is Outcome.UNSTABLE:  # the last finite state is the end
            self.times.pop()
            self.states.pop()
            if self.turns[-1][0] == len(self.times):
                self.turns.pop()
        times, states = np.array(self.times), np.concatenate(self.states)
        ends = [k for k, _ in self.turns[1:]] + [len(times) - 1]
        pieces = [
            PolygonPiece(region, times[start : end + 1], states[start : end + 1])
            for (start, region), end in zip(self.turns, ends, strict=True)
        ]
        log = SwitchLog(self.switches, times[-1], certified=False)
        return Trajectory(self.sheaf, times, states, pieces, log, outcome)
