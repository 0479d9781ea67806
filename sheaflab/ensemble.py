"""Many runs, of one sheaf or of one network with many inputs: one flat log of all switches, with views for each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sheaflab.arrays import FloatArray, as_floats, read_arrays, write_arrays
from sheaflab.engine.choice import follow_many, one_by_one
from sheaflab.engine.replay import replay
from sheaflab.exact_trajectory import ExactTrajectory, trajectory_of
from sheaflab.modes import SLIDING
from sheaflab.network import Network
from sheaflab.results import LOG_TYPES, OUTCOMES, Batch, Event, Outcome
from sheaflab.sheaf import Sheaf
from sheaflab.sheaves import Sheaves
from sheaflab.switchlog import SwitchLog, switches_of
from sheaflab.walls import first_modes, first_modes_many

Columns = dict[str, NDArray[Any]]
Part = tuple[FloatArray, FloatArray, NDArray[np.int8], NDArray[np.bool_], Columns]
Work = Callable[[Sheaf, FloatArray, float], Batch]
_ARRAYS = "starts", "finals", "ends", "repelled"
_ROWS = 16_384  # at once, as in Scheme.ensemble


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
        k = self._place(k)
        return SwitchLog(switches_of(self.sheaf, self._events(k)), float(self.ends[k]), certified=self.certified)

    def _place(self, k: int) -> int:
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise TypeError(f"`k` must be an integer, the number of one run, got {k!r:.80}")
        if not -len(self) <= k < len(self):
            raise IndexError(f"`k` must be between {-len(self)} and {len(self) - 1}, got {k}")
        return k % len(self)

    def _events(self, k: int) -> list[Event]:
        rows = slice(int(self._bounds[k]), int(self._bounds[k + 1]))
        return [Event(*row) for row in zip(*(self.columns[name][rows].tolist() for name in Event._fields), strict=True)]

    def __iter__(self) -> Iterator[SwitchLog]:
        return (self[k] for k in range(len(self)))

    # -- states between the switches ------------------------------------------------------------------------------
    def trajectory(self, k: int) -> ExactTrajectory:
        """Return run `k` as a trajectory, with the ensemble's own log: the flow between is followed anew, not searched.

        Raises
        ------
        IndexError
            If there is no run `k`.
        ValueError
            If the logs are not certified: then they do not say all that happens between.
        """
        self._need_certified("trajectory")
        k = self._place(k)
        sheaf, start = self.sheaf.of(k), first_modes(self.sheaf.of(k), self.starts[k])
        record = replay(sheaf, self.starts[k], start.codes, self._events(k), float(self.ends[k]), self.outcome(k))
        return trajectory_of(sheaf, record, np.flatnonzero(start.repelled).tolist())

    def at(self, times: ArrayLike) -> FloatArray:
        """Return the states of all runs at some times.

        Each time costs an ensemble up to it; for many times of a few runs take :meth:`trajectory`.

        Parameters
        ----------
        times : array_like, shape () or (k,)
            Between 0 and the earliest of :attr:`ends`.

        Returns
        -------
        ndarray, shape (m, n) or (k, m, n)

        Raises
        ------
        ValueError
            If a time lies outside, or the logs are not certified.
        """
        self._need_certified("at")
        requested, last = as_floats("times", times), float(self.ends.min())
        outside = requested[(requested < 0) | (requested > last)]
        if outside.size:
            raise ValueError(f"`times` must lie between 0 and {last}, which all runs reach, got {outside.flat[0]}")
        states = [self.starts if t == 0 else self._finals(t) for t in requested.reshape(-1).tolist()]
        return np.reshape(states, (*requested.shape, *self.starts.shape))

    def _finals(self, t: float) -> FloatArray:
        follow = follow_many if len(self) > 1 else one_by_one
        parts = [slice(k, k + _ROWS) for k in range(0, len(self), _ROWS)]
        most = int(self.counts.max()) + 1  # no run has more
        return np.concatenate([follow(self.sheaf.part(p), self.starts[p], t, most, "auto").finals for p in parts])

    def _need_certified(self, name: str) -> None:
        if not self.certified:
            raise ValueError(
                f"`{name}` needs the certified log of Exact; a time-stepping scheme keeps nothing between its sign "
                "changes: run it anew"
            )

    # -- files ----------------------------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the network, the inputs and all results to an ``.npz`` file, whole or not at all; return its path."""
        arrays = {f"network/{name}": array for name, array in self.sheaf.net.state_dict().items()}
        arrays |= {f"log/{name}": column for name, column in self.columns.items()}
        arrays |= {name: np.asarray(getattr(self, name)) for name in (*_ARRAYS, "t_end", "certified")}
        if self.sheaf.pinned:
            arrays["pinned"] = np.array([(*place, value) for place, value in self.sheaf.pinned.items()])
        return write_arrays(path, arrays | {"x": self.sheaf.x, "outcomes": self._codes})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Ensemble:
        """Read an ensemble written by :meth:`save`.

        Raises
        ------
        ValueError
            If the file is not such an ``.npz`` file.
        """
        arrays = read_arrays(path, "Ensemble.save")
        wanted = [*_ARRAYS, "t_end", "certified", "x", "outcomes", *(f"log/{name}" for name in LOG_TYPES)]
        if lacks := [name for name in wanted if name not in arrays]:
            raise ValueError(f"`path` must be an .npz file written by Ensemble.save, got one without {lacks[0]!r}")
        layers = {name.removeprefix("network/"): array for name, array in arrays.items() if name.startswith("network/")}
        net, columns = Network.from_state_dict(layers), {name: arrays[f"log/{name}"] for name in LOG_TYPES}
        part = arrays["finals"], arrays["ends"], arrays["outcomes"], arrays["repelled"], columns
        pinned = {(int(layer), int(neuron)): value for layer, neuron, value in arrays.get("pinned", [])}
        sheaf = Sheaf(net, arrays["x"], pinned) if arrays["x"].ndim == 1 else Sheaves(net, arrays["x"])
        return cls(sheaf, arrays["starts"], float(arrays["t_end"]), [part], certified=bool(arrays["certified"]))

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
        """Share of ``[0, end]`` in which at least one neuron slides, shape ``(m,)``; 0 where it ends at 0."""
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
        slid = total + np.where(self._first_slides > 0, lead, 0.0)
        return np.asarray(np.divide(slid, self.ends, out=np.zeros(len(self)), where=self.ends > 0))

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
        return OUTCOMES[int(self._codes[self._place(k)])]

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
