"""A run to the time at which the energy has fallen far enough, however late that is.

The energy never rises, so it is enough to look at the end of a run: while it is too large, the run is made anew to a
later one. That costs little, for most switches are early and the rest of a run is one closed form. The time itself is
then found between the two switches around it. With pinned coordinates the energy need not fall to 0: a run without end
is over where it has settled, within rounding of an equilibrium whose mode it can no longer leave.
"""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.engine.choice import Method, each, engine_of_many, follow
from sheaflab.engine.dense import dense
from sheaflab.engine.layers import Layers
from sheaflab.region import region_of
from sheaflab.results import OUTCOMES, Batch, Outcome, Record, Stop, budget
from sheaflab.sheaf import Sheaf
from sheaflab.walls import first_modes_many

_FIRST, _FURTHER = 60.0, 16.0
_SECTIONS = 33
_DECAYED = 60.0  # time constants of the slowest mode, after which nothing of a double is left


def rounding_energy(sheaf: Sheaf, c0: FloatArray) -> FloatArray:
    """Return an energy that is no more than the rounding of a state of the run from `c0`, or from each row of it."""
    size = np.abs(c0).max(axis=-1) + np.abs(sheaf.drive).max(axis=-1)
    return np.asarray(0.5 * sheaf.n * (16 * EPS * sheaf.gain * size) ** 2)


def follow_until(
    sheaf: Sheaf, c0: FloatArray, t_end: float, energy: float, stop: Stop, method: Method
) -> tuple[Record, list[int]]:
    """Follow the flow from `c0` until `V <= energy`, at most to `t_end`.

    Parameters
    ----------
    sheaf : Sheaf
    c0 : ndarray, shape (n,)
    t_end : float
        May be infinite.
    energy : float
        With an infinite `t_end` not below :func:`rounding_energy`.
    stop : callable
    method : {"auto", "closed", "taylor"}

    Returns
    -------
    (Record, list of int)
        The record and the neurons that start on a repelling wall.
    """
    horizon = min(t_end, _FIRST)
    while True:
        record, repelled = follow(sheaf, c0, horizon, stop, method)
        energies = np.asarray(sheaf.energy(np.array(record.states)))
        if (energies <= energy).any():
            return _cut(sheaf, record, energies, energy), repelled
        if record.outcome is not Outcome.REACHED_END or horizon == t_end:
            return record, repelled
        if math.isinf(t_end) and (_decayed(sheaf, horizon) or (sheaf.pinned and _settled(sheaf, c0, record))):
            record.outcome = Outcome.CONVERGED
            return record, repelled
        horizon = min(horizon * _FURTHER, t_end)


def converge_many(
    sheaf: Sheaf, starts: FloatArray, t_end: float, until: float, max_events: int, method: Method, alone: bool = False
) -> Batch:
    """Follow the flow from each row of `starts` as :func:`follow_until` does, each to its own end.

    Parameters
    ----------
    sheaf : Sheaf
    starts : ndarray, shape (m, n)
    t_end : float
        May be infinite.
    until : float
        The energy at which a run ends. 0 for none: then `t_end` is infinite.
    max_events : int
    method : {"auto", "closed", "taylor"}
    alone : bool
        By single runs.
    """
    together = engine_of_many(sheaf, starts, method)  # refuses sizes whose squares are no numbers
    targets = np.full(len(starts), until)
    if math.isinf(t_end):
        targets = np.maximum(targets, rounding_energy(sheaf, starts))
    if together is None or alone:
        energies = iter(targets.tolist())
        return each(
            sheaf, starts, t_end,
            lambda one, c0: follow_until(one, c0, t_end, next(energies), budget(max_events), method),
        )  # fmt: skip
    batch = Batch(sheaf, len(starts), t_end)
    batch.repelled = np.asarray(first_modes_many(sheaf, starts).repelled.any(axis=1))
    drives = sheaf.boundary_term if sheaf.boundary_term.ndim == 2 else None
    r, _ = Layers(sheaf).field(starts, (starts[:, : sheaf.h] > 0).astype(np.int8), drives)
    ended = 0.5 * np.square(r).sum(axis=1) <= targets
    batch.finish(np.flatnonzero(ended), starts[ended], Outcome.CONVERGED, 0.0)
    runs, horizon = np.flatnonzero(~ended), min(t_end, _FIRST)
    while runs.size:
        part = together(sheaf.part(runs), starts[runs], horizon, max_events, targets[runs])
        going = part.outcomes == OUTCOMES.index(Outcome.REACHED_END)
        if math.isinf(t_end) and _decayed(sheaf, horizon):
            part.outcomes[going] = OUTCOMES.index(Outcome.CONVERGED)
            going[:] = False
        if horizon == t_end:
            going[:] = False
        batch.adopt(part, runs, ~going)
        runs, horizon = runs[going], min(horizon * _FURTHER, t_end)
    return batch


def _decayed(sheaf: Sheaf, t: float) -> bool:
    """Tell whether nothing of a double is left after so long, whatever the modes."""
    return t > _DECAYED * (sheaf.largest_condition / sheaf.gain) ** 2


def _settled(sheaf: Sheaf, c0: FloatArray, record: Record) -> bool:
    """Tell whether a run stays in its last mode, and has come to rest there."""
    region = region_of(sheaf, record.modes[-1])
    away = record.states[-1] - region.equilibrium
    more = region.matrix @ away[region.moving]
    return bool(np.linalg.norm(away) < region.margin and 0.5 * more @ more <= rounding_energy(sheaf, c0))


def _cut(sheaf: Sheaf, record: Record, energies: FloatArray, target: float) -> Record:
    """The record up to the time at which the energy is `target`."""
    k = int(np.flatnonzero(energies <= target)[0]) - 1
    if k < 0:
        return Record([0.0, 0.0], record.states[:1] * 2, record.modes[:1], [], Outcome.CONVERGED)
    inside, early, late = dense(sheaf, record), record.times[k], record.times[k + 1]
    while late - early > 4 * EPS * late:
        times = np.linspace(early, late, _SECTIONS)
        low = sheaf.energy(inside.states(k, times)) <= target
        low[-1] = True
        i = int(np.flatnonzero(low[1:])[0])
        early, late = float(times[i]), float(times[i + 1])
    state = inside.states(k, np.array([late]))[0]
    events = [event for event in record.events if event.time <= record.times[k]]
    until = slice(k + 1)
    return Record(
        [*record.times[until], late], [*record.states[until], state], record.modes[until], events, Outcome.CONVERGED
    )
