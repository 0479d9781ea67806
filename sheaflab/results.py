"""What an engine hands back from one run, and the rule at a wall that all engines share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import FloatArray
from sheaflab.sheaf import Sheaf

CodeArray = NDArray[np.int8]

INACTIVE, ACTIVE, SLIDING = 0, 1, 2
"""Codes of the modes, in the order of :data:`sheaflab.region.MODES`."""

REACHED_END, CONVERGED, EVENT_BUDGET, STEP_BUDGET, UNSTABLE = range(5)


class Event(NamedTuple):
    """One neuron's change of mode; `neuron` counts through all hidden layers."""

    time: float
    neuron: int
    before: int
    after: int
    energy: float
    slope_before: float
    slope_after: float


@dataclass
class Record:
    """A run of an engine: stretch `k` lies between `times[k]` and `times[k + 1]`, in the mode `modes[k]`."""

    times: list[float] = field(default_factory=list)
    states: list[FloatArray] = field(default_factory=list)
    modes: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    outcome: int = REACHED_END


def settle(before: int, down: float, up: float) -> int:
    r"""Return the mode of a neuron at its wall by Filippov's rule.

    Parameters
    ----------
    before : int
        The mode in which the neuron reached the wall, never sliding.
    down, up : float
        :math:`f^-` and :math:`f^+`, the neuron's speeds on the inactive and on the active side.

    Notes
    -----
    The side from which the wall was reached tells one sign for certain, so only the other speed is asked: rounding
    cannot make a wall repel.
    """
    if before == INACTIVE:
        return INACTIVE if down <= 0 else ACTIVE if up > 0 else SLIDING
    return ACTIVE if up >= 0 else INACTIVE if down <= 0 else SLIDING


def first_modes(sheaf: Sheaf, c: FloatArray) -> tuple[CodeArray, list[int]]:
    """Return the modes in which a run from `c` starts and the neurons that start on a wall that repels.

    On such a wall both sides pull away and Filippov's solution is not unique: the neuron counts as inactive, as in
    the activation pattern.
    """
    z = c[: sheaf.h]
    modes = (z > 0).astype(np.int8)
    walls = np.flatnonzero(z == 0)
    if not walls.size:
        return modes, []
    down, up = sheaf.wall_speeds(c)
    modes[walls] = [ACTIVE if down[i] > 0 and up[i] > 0 else SLIDING if down[i] > 0 else INACTIVE for i in walls]
    return modes, [int(i) for i in walls if down[i] < 0 < up[i]]


def first_modes_many(sheaf: Sheaf, starts: FloatArray) -> tuple[CodeArray, NDArray[np.bool_]]:
    """Do what :func:`first_modes` does for each row of `starts`: codes ``(m, h)`` and whether any wall repels."""
    modes = (starts[:, : sheaf.h] > 0).astype(np.int8)
    repelled = np.zeros(len(starts), dtype=np.bool_)
    for k in np.flatnonzero((starts[:, : sheaf.h] == 0).any(axis=1)):
        modes[k], neurons = first_modes(sheaf, starts[k])
        repelled[k] = bool(neurons)
    return modes, repelled


LOG_TYPES: dict[str, type[np.generic]] = {
    "trajectory": np.int64,
    "time": np.float64,
    "neuron": np.int32,
    "before": np.int8,
    "after": np.int8,
    "energy": np.float64,
    "slope_before": np.float64,
    "slope_after": np.float64,
}
"""Columns of a flat log, the fields of :class:`Event` after the number of the trajectory."""


class Batch:
    """What an engine found for `m` trajectories: final states, outcomes and one flat log of all switches."""

    def __init__(self, sheaf: Sheaf, m: int, t_end: float) -> None:
        self.finals = np.empty((m, sheaf.n))
        self.ends = np.full(m, t_end)
        self.outcomes = np.zeros(m, dtype=np.int8)
        self.repelled = np.zeros(m, dtype=np.bool_)
        self._parts: list[tuple[NDArray[np.generic], ...]] = []

    def add(
        self,
        who: NDArray[np.int64],
        t: FloatArray,
        before: CodeArray,
        after: CodeArray,
        energy: FloatArray,
        slopes: tuple[FloatArray, FloatArray],
    ) -> NDArray[np.int64]:
        """Log what changed between two arrays of codes of shape ``(h, m)``; return the number of changes of each."""
        column, neuron = np.nonzero((before != after).T)
        rows = (who[column], t[column], neuron, before[neuron, column], after[neuron, column])
        self._parts.append((*rows, energy[column], slopes[0][column], slopes[1][column]))
        return np.bincount(column, minlength=t.size)

    def add_run(self, k: int, final: FloatArray, end: float, outcome: int, events: list[Event]) -> None:
        """Log one trajectory that was run alone."""
        self.finals[k], self.ends[k], self.outcomes[k] = final, end, outcome
        if events:
            columns = zip(*events, strict=True)
            self._parts.append((np.full(len(events), k), *(np.array(column) for column in columns)))

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat log sorted by trajectory, then time."""
        if not self._parts:
            return {name: np.zeros(0, dtype=kind) for name, kind in LOG_TYPES.items()}
        found = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
        order = np.argsort(found[0], kind="stable")
        return {name: column[order].astype(kind) for (name, kind), column in zip(LOG_TYPES.items(), found, strict=True)}
