"""Results of runs, before they become trajectories and ensembles: outcomes, events, records and batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import BoolArray, FloatArray, IntArray, places
from sheaflab.modes import CodeArray
from sheaflab.sheaf import Sheaf


class Outcome(Enum):
    """How a run ended, and what to do about it.

    Examples
    --------
    >>> Outcome("reached t_end").complete
    True
    """

    REACHED_END = "reached t_end"
    CONVERGED = "converged: the energy has fallen to `until`, or falls by no more than rounding"
    EVENT_BUDGET = "stopped before t_end: event budget exhausted; pass a larger max_events or a shorter t_end"
    STEP_BUDGET = "stopped before t_end: step budget exhausted; pass a larger dt, a larger max_steps or a shorter t_end"
    UNSTABLE = "stopped before t_end: the numbers overflowed; choose dt below 2 / (largest eigenvalue of the Laplacian)"
    STOPPED = "stopped before t_end: on_switch asked for it"

    @property
    def complete(self) -> bool:
        """Whether the run covers the whole time asked for."""
        return self in (Outcome.REACHED_END, Outcome.CONVERGED)


OUTCOMES = tuple(Outcome)
"""All outcomes; an outcome's code in an array is its place here."""


class Event(NamedTuple):
    """One neuron's change of mode, as codes of :mod:`sheaflab.modes`; `neuron` counts through all hidden layers."""

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
    outcome: Outcome = Outcome.REACHED_END


Stop = Callable[[Record], Outcome | None]
"""What engines ask after each event: how the run ends now, or None if it goes on."""


def budget(max_events: int) -> Stop:
    """Let a run go on up to so many switches."""
    return lambda record: Outcome.EVENT_BUDGET if len(record.events) >= max_events else None


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
    """Final states, outcomes and one flat log of all switches of `m` trajectories."""

    def __init__(self, sheaf: Sheaf, m: int, t_end: float) -> None:
        self.finals = np.empty((m, sheaf.n))
        self.ends = np.full(m, t_end)
        self.outcomes: CodeArray = np.zeros(m, dtype=np.int8)
        self.repelled: BoolArray = np.zeros(m, dtype=np.bool_)
        self._parts: list[tuple[NDArray[np.generic], ...]] = []

    def add(
        self,
        who: IntArray,
        t: FloatArray,
        before: CodeArray,
        after: CodeArray,
        energy: FloatArray,
        slopes: tuple[FloatArray, FloatArray],
    ) -> IntArray:
        """Log what changed between two arrays of codes of shape ``(h, m)``; return the number of changes of each."""
        neuron, column = places(before != after)
        rows = (who[column], t[column], neuron, before[neuron, column], after[neuron, column])
        self._parts.append((*rows, energy[column], slopes[0][column], slopes[1][column]))
        return np.bincount(column, minlength=t.size)

    def finish(
        self, who: IntArray | int, states: FloatArray, outcome: Outcome, ends: FloatArray | float | None = None
    ) -> None:
        """Set the final states of some trajectories, how they ended and, if not at `t_end`, when."""
        self.finals[who], self.outcomes[who] = states, OUTCOMES.index(outcome)
        if ends is not None:
            self.ends[who] = ends

    def add_run(self, k: int, final: FloatArray, end: float, outcome: Outcome, events: Sequence[Event]) -> None:
        """Log one trajectory that was run alone."""
        self.finish(k, final, outcome, end)
        if events:
            columns = zip(*events, strict=True)
            self._parts.append((np.full(len(events), k), *(np.array(column) for column in columns)))

    def adopt(self, other: Batch, runs: IntArray, which: BoolArray) -> None:
        """Take in `which` runs of another batch, shape ``(k,)``: run `k` of that is run ``runs[k]`` here."""
        mine = runs[which]
        self.finals[mine], self.ends[mine] = other.finals[which], other.ends[which]
        self.outcomes[mine], self.repelled[mine] = other.outcomes[which], other.repelled[which]
        who, *columns = other.columns().values()
        kept = which[who]
        self._parts.append((runs[who[kept]], *(column[kept] for column in columns)))

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat log sorted by trajectory, then time."""
        if not self._parts:
            return {name: np.zeros(0, dtype=kind) for name, kind in LOG_TYPES.items()}
        joined = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        return {
            name: column[order].astype(kind) for (name, kind), column in zip(LOG_TYPES.items(), joined, strict=True)
        }
