"""A run's record from its log: the flow is followed through known modes, and no event is looked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.engine.dense import dense
from sheaflab.modes import CodeArray
from sheaflab.results import Event, Outcome, Record
from sheaflab.sheaf import Sheaf


def replay(
    sheaf: Sheaf, c0: FloatArray, codes: CodeArray, events: Sequence[Event], end: float, outcome: Outcome
) -> Record:
    """Return the record of a run from what its log says.

    Parameters
    ----------
    sheaf : Sheaf
    c0 : ndarray, shape (n,)
    codes : ndarray of int8, shape (h,)
        The modes in which it starts.
    events : sequence of Event
        All of its switches, in order.
    end : float
        When it ended.
    outcome : Outcome
    """
    record, codes = Record([0.0], [c0], [codes.tobytes()], list(events), outcome), codes.copy()
    inside = dense(sheaf, record)

    def follow(t: float) -> FloatArray:
        record.times.append(t)
        return np.asarray(inside.states(len(record.modes) - 1, np.array([t]))[0])

    k = 0
    while k < len(events):
        t, met = events[k].time, dict[int, int]()
        # Who switches twice at one instant does so one after the other.
        while k < len(events) and events[k].time == t and events[k].neuron not in met:
            met[events[k].neuron] = events[k].after
            k += 1
        c = follow(t)
        c[list(met)] = 0.0
        codes[list(met)] = list(met.values())
        record.states.append(c)
        record.modes.append(codes.tobytes())
    if outcome is Outcome.EVENT_BUDGET:  # it ended with its last switch
        record.modes.pop()
    else:
        record.states.append(follow(end))
    return record
