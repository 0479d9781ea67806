r"""Follow a log through the flow and prove each of its switches: the quick certificate.

**Theorem.** *Let the flow start at the doubles* `c0`. *If* :func:`follow` *ends without* `Doubt` *and* `Refutation`,
*the flow has on* :math:`[0, t_{end}]` *the switches of the log and no other, and each lies within its* `time_errors`
*of the logged time.*

*Proof.* By induction over steps: at the start of each the true state lies in the mode of the log and in the
:class:`Cloud` around the computed one. Inside a step (:mod:`sheaflab.proof.series`) every event function is shown to
be positive (:mod:`sheaflab.proof.positivity`) for every state of the cloud, so the mode lasts. At a switch of neuron
`i` its function falls through zero at the rate :math:`m` at least on the interval :math:`\hat t \pm \tau`,
:math:`\tau = (|f(\hat t)| + E)/m`, so the true switch is there and nowhere else; the signs of :math:`f^\pm` beyond
their errors say what follows (Filippov); the cloud goes through the wall as :class:`Cloud` says, the second order in
:math:`\tau` added to the ball. ∎
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.proof.law import norm
from sheaflab.proof.positivity import Doubt, Refutation
from sheaflab.proof.series import LONGEST
from sheaflab.proof.tail import Settled, Tail
from sheaflab.proof.walk import Walk
from sheaflab.sheaf import Sheaf

_SURE = 1e3  # a number of the log that is off by so many times what rounding explains is wrong


@dataclass
class Stop:
    """A joint of the log: when, and into which modes."""

    time: float
    modes: tuple[str, ...]


@dataclass
class Findings:
    """What was proved on the way: errors of times, one per neuron that switched, and of states, one per joint."""

    times: list[dict[int, float]] = field(default_factory=list)
    states: list[FloatArray] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)


def follow(sheaf: Sheaf, c0: FloatArray, stops: list[Stop], t_end: float) -> Findings:
    """Follow the flow from `c0` through the joints of a log; raise what :class:`Walk` cannot prove.

    Parameters
    ----------
    sheaf : Sheaf
    c0 : ndarray, shape (n,)
    stops : list of Stop
        The first at time 0, with the modes at the start.
    t_end : float

    Raises
    ------
    Doubt, Refutation
    """
    walk = Walk(sheaf, c0)
    found = Findings()
    for i, (a, b) in enumerate(zip(walk.modes, stops[0].modes, strict=True)):
        if a != b:
            down, up = (float(v[i]) for v in sheaf.wall_speeds(c0))
            clear = min(abs(down), abs(up)) > 1e-9 * float(np.abs(c0).max() + np.abs(sheaf.drive).max())
            text = f"start: {walk.name(i)} is {b}, but with speeds {down:.3g} and {up:.3g} its mode is {a}"
            raise Refutation(text) if clear or c0[i] != 0 else Doubt(f"{text}, or nearly")
    for before, stop in pairwise(stops):
        group = [i for i in range(sheaf.h) if before.modes[i] != stop.modes[i]]
        if not group:
            raise Refutation(f"switch at t = {stop.time:.9g}: no neuron changes its mode")
        walk.leaves = {i: stop.modes[i] for i in group}
        walk.go(stop.time, group)
        errors = walk.switch(group, stop.modes)
        apart = abs(walk.t - stop.time)
        if apart > 1e-10 * max(1.0, walk.t) + _SURE * max(errors.values()):
            raise Refutation(f"switch at t = {stop.time:.9g}: it happens at t = {walk.t:.12g}")
        found.times.append({i: error + apart for i, error in errors.items()})
        found.states.append(walk.y)
        found.sizes.append(walk.cloud.size + apart * norm(walk.mode.delta(walk.y) - walk.law.drive) * walk.law.gain)
        if walk.t - max(errors.values()) > t_end:
            raise Refutation(f"switch at t = {stop.time:.9g}: it happens at t = {walk.t:.12g}, after the end")
        if walk.t + max(errors.values()) > t_end:
            raise Doubt(f"t = {walk.t:.9g}: whether this switch is before the end cannot be said")
    _finish(walk, t_end, found)
    return found


def _finish(walk: Walk, t_end: float, found: Findings) -> None:
    """From the last switch to the end."""
    tail = Settled(walk.law, walk.mode) if walk.law.held.size else Tail(walk.law)
    block, reached = 4, False
    home = tail.modes == walk.mode.modes
    while walk.t < t_end:
        if home and not walk.resting().size and tail.holds(walk.y, walk.cloud.size + walk.robust, block > 4):
            reached = True
            break
        walk.go(min(t_end, walk.t + block * LONGEST / walk.law.fastest), [])
        block = min(2 * block, 64)
    y, wrong = tail.at(walk.y, t_end - walk.t) if reached else (walk.y, 0.0)
    found.states.append(y)
    found.sizes.append(walk.cloud.size + wrong)
