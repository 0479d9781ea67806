"""Many runs, of one sheaf or of one network with many inputs: one flat log of all switches, with views for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import FloatArray
from sheaflab.modes import SLIDING
from sheaflab.results import LOG_TYPES, OUTCOMES, Batch, Outcome
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import SwitchLog, switches_of
from sheaflab.walls import first_modes_many

Columns = dict[str, NDArray[Any]]
Part = tuple[FloatArray, FloatArray, NDArray[np.int8], NDArray[np.bool_], Columns]
Work = Callable[[Sheaf, FloatArray, float], Batch]


class Ensemble:
    """The results of many runs of a :class:`~sheaflab.Scheme`. ``ensemble[k]`` is the log of trajectory `k`.

    Attributes
    ----------
    sheaf : Sheaf
        With many inputs a :class:`~sheaflab.sheaves.Sheaves`; ``sheaf.of(k)`` is that of run `k`.
    starts, finals : ndarray, shape (m, n)
        First and last states.
    t_end : float
    ends : ndarray, shape (m,)
        Time that each run reached: `t_end` unless its outcome says otherwise.
    certified : bool
        Whether the logs are, see :class:`~sheaflab.SwitchLog`.
    repelled : ndarray of bool, shape (m,)
        Runs that start on a wall that repels to both sides, where the neuron counts as inactive.
    columns : dict of ndarray, each of shape (k,)
        The switches of all runs, sorted by trajectory and time: "trajectory", "time", "neuron" (through all hidden
        layers), "before", "after" (0 inactive, 1 active, 2 sliding), "energy", "slope_before", "slope_after".
    """

    def __init__(self, sheaf: Sheaf, starts: FloatArray, t_end: float, parts: list[Part], *, certified: bool) -> None:
        self.sheaf, self.starts, self.t_end, self.certified = sheaf, starts, t_end, certified
        self.finals = np.concatenate([part[0] for part in parts])
        self.ends = np.concatenate([part[1] for part in parts])
        self._codes = np.concatenate([part[2] for part in parts])
        self.repelled = np.concatenate([part[3] for part in parts])
        # A part's column goes as soon as it is joined: a million logs are never held twice.
        self.columns: Columns = {name: np.concatenate([part[4].pop(name) for part in parts]) for name in LOG_TYPES}

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def _bounds(self) -> NDArray[np.int64]:
        return np.searchsorted(self.columns["trajectory"], np.arange(len(self) + 1)).astype(np.int64)

    def __getitem__(self, k: int) -> SwitchLog:
        if not -len(self) <= k < len(self):
            raise IndexError(f"`k` must be between {-len(self)} and {len(self) - 1}, got {k}")
        k %= len(self)
        rows = slice(int(self._bounds[k]), int(self._bounds[k + 1]))
        events = zip(*(self.columns[name][rows].tolist() for name in list(LOG_TYPES)[1:]), strict=True)
        return SwitchLog(switches_of(self.sheaf, events), float(self.ends[k]), certified=self.certified)

    def __iter__(self) -> Iterator[SwitchLog]:
        return (self[k] for k in range(len(self)))

    # -- counts, without a loop over trajectories -----------------------------------------------------------------
    def _tally(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        who = self.columns["trajectory"] if mask is None else self.columns["trajectory"][mask]
        return np.bincount(who.astype(np.int64), minlength=len(self))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of switches of each trajectory, shape ``(m,)``."""
        return self._tally()

    @cached_property
    def crossings(self) -> NDArray[np.int64]:
        """Number of switches from one side of a wall straight to the other, shape ``(m,)``."""
        return self._tally((self.columns["before"] != SLIDING) & (self.columns["after"] != SLIDING))

    @cached_property
    def slides(self) -> NDArray[np.int64]:
        """Number of times that a neuron starts to slide, shape ``(m,)``."""
        return self._tally(self.columns["after"] == SLIDING)

    @property
    def kinks(self) -> FloatArray:
        """Jump of d(log V)/dt at every switch of every trajectory, shape ``(k,)``."""
        return np.asarray(self.columns["slope_after"] - self.columns["slope_before"])

    def histogram(self) -> NDArray[np.int64]:
        """How many trajectories have 0, 1, 2, … switches, shape ``(largest count + 1,)``."""
        return np.bincount(self.counts)

    @cached_property
    def sliding_share(self) -> FloatArray:
        """Share of ``[0, end]`` in which at least one neuron slides, shape ``(m,)``."""
        who, before, after = self.columns["trajectory"], self.columns["before"], self.columns["after"]
        time = np.asarray(self.columns["time"], dtype=np.float64)
        change = (after == SLIDING).astype(np.int64) - (before == SLIDING)
        total_before = np.append(np.cumsum(change) - change, 0)[self._bounds[:-1]]
        running = np.cumsum(change) + (self._first_slides - total_before)[who]
        until = np.append(time[1:], 0.0)
        last = np.append(who[1:] != who[:-1], True) if who.size else np.zeros(0, dtype=np.bool_)
        until = np.where(last, self.ends[who], until)
        total = np.bincount(who.astype(np.int64), np.where(running > 0, until - time, 0.0), minlength=len(self))
        lead = np.where(self._bounds[1:] > self._bounds[:-1], np.append(time, 0.0)[self._bounds[:-1]], self.ends)
        return np.asarray((total + np.where(self._first_slides > 0, lead, 0.0)) / self.ends)

    @cached_property
    def _first_slides(self) -> NDArray[np.int64]:
        """Number of neurons that slide from the start on, shape ``(m,)``."""
        return np.asarray((first_modes_many(self.sheaf, self.starts).codes == SLIDING).sum(axis=1, dtype=np.int64))

    # -- energies and outcomes ------------------------------------------------------------------------------------
    @cached_property
    def energies(self) -> FloatArray:
        """Dirichlet energies of the starts and of the finals, shape ``(2, m)``."""
        return np.stack([self.sheaf.energy(self.starts), self.sheaf.energy(self.finals)])

    def outcome(self, k: int) -> Outcome:
        """Return how trajectory `k` ended."""
        return OUTCOMES[int(self._codes[k])]

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """How many trajectories ended in which way."""
        codes, numbers = np.unique(self._codes, return_counts=True)
        return {OUTCOMES[c]: int(k) for c, k in zip(codes, numbers, strict=True)}

    def __repr__(self) -> str:
        kind = "switches" if self.certified else "sign changes"
        ends = ", ".join(f"{k} {outcome.value}" for outcome, k in self.outcomes.items())
        return f"Ensemble({len(self)} runs of {self.sheaf.net.widths}, {self.columns['time'].size} {kind}; {ends})"


def collect(
    work: Work,
    sheaf: Sheaf,
    starts: FloatArray,
    t_end: float,
    *,
    certified: bool,
    executor: Executor | None,
    chunk: int,
    progress: bool,
) -> Ensemble:
    """Run `work` on chunks of `starts`, here or in an executor, and put the results together in order."""
    cuts = list(range(0, len(starts), chunk)) or [0]
    bar = _Bar(len(starts) if progress else 0)
    parts: list[Part] = []
    if executor is None:
        for k in cuts:
            rows = slice(k, k + chunk)
            parts.append(_part(work, sheaf.part(rows), starts[rows], t_end, k))
            bar.show(k + chunk)
    else:
        waiting: list[Future[Part]] = []
        for k in cuts:
            rows = slice(k, k + chunk)
            waiting.append(executor.submit(_part, work, sheaf.part(rows), starts[rows], t_end, k))
            if len(waiting) - len(parts) > 64:  # so that a million starts are not all pickled at once
                parts.append(waiting[len(parts)].result())
                bar.show(len(parts) * chunk)
        while len(parts) < len(waiting):
            parts.append(waiting[len(parts)].result())
            bar.show(len(parts) * chunk)
    return Ensemble(sheaf, starts, t_end, parts, certified=certified)


def _part(work: Work, sheaf: Sheaf, starts: FloatArray, t_end: float, offset: int) -> Part:
    batch = work(sheaf, starts, t_end)
    columns = batch.columns()
    columns["trajectory"] = columns["trajectory"] + offset
    return batch.finals, batch.ends, batch.outcomes, batch.repelled, columns


class _Bar:
    """A progress bar on stderr that needs no package."""

    def __init__(self, total: int) -> None:
        self.total = total

    def show(self, done: int) -> None:
        if self.total:
            share = min(done, self.total) / self.total
            end = "\n" if share == 1 else ""
            print(f"\r[{'#' * int(40 * share):<40}] {share:4.0%} of {self.total}", end=end, file=sys.stderr, flush=True)
