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
from sheaflab.engine.choice import Method, follow
from sheaflab.engine.dense import dense
from sheaflab.region import region_of
from sheaflab.results import Outcome, Record, Stop
from sheaflab.sheaf import Sheaf

_FIRST, _FURTHER = 60.0, 16.0
_SECTIONS = 33
_DECAYED = 60.0  # time constants of the slowest mode, after which nothing of a double is left


def rounding_energy(sheaf: Sheaf, c0: FloatArray) -> float:
    """Return an energy that is no more than the rounding of a state of the run from `c0`."""
    size = float(np.abs(c0).max()) + float(np.abs(sheaf.drive).max())
    return 0.5 * sheaf.n * (16 * EPS * sheaf.gain * size) ** 2


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
        decayed = horizon > _DECAYED * (sheaf.largest_condition / sheaf.gain) ** 2
        if math.isinf(t_end) and (decayed or (sheaf.pinned and _settled(sheaf, c0, record))):
            record.outcome = Outcome.CONVERGED
            return record, repelled
        horizon = min(horizon * _FURTHER, t_end)


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
