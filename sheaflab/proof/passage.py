r"""What the true state may be off by from switch to switch, all stretches followed at once: what most runs need.

**Theorem.** *Let the flow start at the first of* `states`. *If* :func:`follow_at_once` *ends without* `Doubt`, *it has
the switches of the log and no other, each within its* `time_errors` *of the logged time.*

*Proof.* By induction over stretches. At the start of each the true state is within a :class:`Cloud` of the logged one,
at equal times. A stretch's flow from its logged state ends next to the logged state of the next one; the distance
between the two, and what the stretch's end may be wrong by, is added to the cloud. No event function vanishes while
states stay within the margin of the stretch (:mod:`sheaflab.proof.closed`, of larger networks
:mod:`sheaflab.proof.rows`), nor while a switch is uncertain, by 3 τ times the speed at which others may drift
meanwhile. A function that ends at 0 falls to it: the mean of its derivative from any place to the end is negative. One
that begins at 0 rises. A switch is passed as in :meth:`sheaflab.proof.walk.Walk.switch`. ∎

Nothing is refuted here, and little is tried: one neuron a switch, nothing pinned, no start on a wall. Where this does
not decide, :class:`sheaflab.proof.walk.Walk` does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.proof.follow import Findings
from sheaflab.proof.law import TINY
from sheaflab.proof.positivity import Doubt
from sheaflab.proof.spread import Ball, Segments
from sheaflab.proof.stretches import Stretches
from sheaflab.proof.weights import ACTIVE, INACTIVE, SLIDING, CodeArray
from sheaflab.sheaf import Sheaf

_FINE = 5e-13  # of the largest number: an error that needs no segments
_PROMPT = 1e-11  # how late the end of a slide may be in the log
_LATE = 1e-3  # of a step, or of the shortest time scale: how uncertain a switch may be


class _Joint(NamedTuple):
    """A switch: who, its modes, speeds on both sides of the wall, before and after, and the slope of what vanishes."""

    i: int
    before: int
    after: int
    down: float
    up: float
    old: float
    new: float
    factor: float
    slope: float


class Passage:
    """The cloud from switch to switch.

    Attributes
    ----------
    times : list of float
        Errors of the times of the switches.
    sizes : list of float
        Errors of the states at the ends of the stretches.

    Raises
    ------
    Doubt
    """

    def __init__(self, of: Stretches) -> None:
        self.of, self.law = of, of.law
        self.robust = 4 * EPS * of.largest
        self.times: list[float] = []
        self.sizes: list[float] = []
        self.taus: list[float] = []
        self.sizes_at: list[float] = []
        self.bend: list[float] = []
        self.speeds: list[float] = []
        joints, growth = self._joints(), sum(of.wrong[:-1])
        for joint in joints:
            growth *= max(1.0, abs(joint.factor))
        self.cloud = Ball(0.0) if growth < _FINE * of.scale else Segments(of)
        spans, clock = of.spans.tolist(), 0.0
        near = zip(of.margins, of.rises, of.falls, of.first, of.last, strict=True)
        for k, (joint, bounds) in enumerate(zip(joints, near, strict=False)):
            clock += 1.01 * EPS * spans[k]
            off = self.cloud.size + of.wrong[k]
            self._pass(k, joint, clock)
            self._alone(off, bounds)
        if self.times and not spans[-1] > self.times[-1]:
            raise Doubt("whether the last switch is before the end cannot be said")
        clock += 2.02 * EPS * spans[-1]
        off = self.cloud.size + of.wrong[-1] + clock * of.speed[-1]  # the end is as uncertain as the clock
        if of.settled and not off + self.robust <= of.settled_within:
            raise Doubt("the end is not known well enough")
        self.sizes.append(off + of.wrong_at_end)
        self.taus.append(0.0)
        self._alone(off, next(near))
        self._others_apart()

    def _joints(self) -> list[_Joint]:
        of, rows = self.of, np.arange(1, len(self.of.y))
        downs = -of.r[rows, of.neurons]
        ups = downs + of.g[rows, of.neurons]
        before, after = of.before.tolist(), of.after.tolist()
        slid = self._slid().tolist() if SLIDING in before else []
        found = []
        for k, (i, a, b) in enumerate(zip(of.neurons.tolist(), before, after, strict=True)):
            down, up = float(downs[k]), float(ups[k])
            old, new = (down, up, 0.0)[a], (down, up, 0.0)[b]
            slope = slid[k] if a == SLIDING else old if a == ACTIVE else -old
            found.append(_Joint(i, a, b, down, up, old, new, new / old if old and new else 0.0, slope))
        return found

    def _slid(self) -> FloatArray:
        """Of each switch the slope of what vanishes at it, if that ends a slide."""
        of, mine = self.of, np.arange(len(self.of.neurons))
        v = of.v[1:].copy()
        v[mine, of.neurons] = 0.0
        r = v - of.blocks.down(v[:, : of.sheaf.h] * (of.codes[:-1] == ACTIVE))
        down = -r[mine, of.neurons]
        up = of.blocks.up(r)[mine, of.neurons] + down
        return np.asarray(np.where(of.after == INACTIVE, down, -up))

    def _pass(self, k: int, joint: _Joint, clock: float) -> None:
        """Go to the end of stretch `k` and through its switch, as :meth:`sheaflab.proof.walk.Walk.switch` does."""
        law, cloud = self.law, self.cloud
        of, (i, a, b, down, up, old, new, factor, slope) = self.of, joint
        wrong_speed, wrong_v, speed = of.wrong_speed[k + 1], of.wrong_v[k + 1], of.speed[k + 1]
        cloud.carry(of, k)
        cloud.widen(of.wrong[k])
        size, fastest = cloud.size, law.fastest
        speed += abs(old) + wrong_speed
        length, value, bound = 1.0, 0.0, cloud.along(i)
        falls_wrong = wrong_v + fastest * size
        if a == SLIDING:
            length = law.gain if b == INACTIVE else fastest
            value, bound = abs(down if b == INACTIVE else up) + wrong_speed, length * size
            falls_wrong = length * falls_wrong + 4.0 * (law.sums + law.pulls) * law.bulk**2 * speed
        if not slope < 0 or value > -_PROMPT * slope + 10.0 * (bound + wrong_speed):
            raise Doubt("a function does not fall, or not here")
        first = -2.0 * (value + bound) / slope
        if not fastest * first <= _LATE:
            raise Doubt("a wall is met too flatly")
        bend = length * fastest * (speed + fastest * (size + 2.0 * speed * first))
        m = -slope - falls_wrong - 1.01 * first * bend
        if not m > -0.5 * slope:
            raise Doubt("a wall is met too flatly")
        tau = (value + bound) / m * (1 + 1e-9) + TINY
        rates = fastest * (speed + fastest * (size + 2.0 * speed * tau))
        sure = wrong_speed + fastest * size + 1.1 * tau * rates + TINY
        self._filippov(a, b, down, up, sure)
        jump = abs(old - new)
        turns = fastest * (abs(old) + abs(new) + 2.0 * (sure + jump)) + 2.0 * rates
        if b == SLIDING:
            cloud.pin(i)
        elif a != SLIDING:
            cloud.stretch(i, factor)
        cloud.widen(2.02 * (1.0 + abs(factor)) * tau * (fastest * size + sure + tau * turns))
        larger = max(size, cloud.size)
        self.taus.append(tau)
        self.sizes_at.append(1.01 * (larger + self.robust))
        self.bend.append(4.0 * fastest * tau * (2.0 * speed + jump + 2.0 * fastest * larger) + wrong_v)
        self.speeds.append(speed + jump)
        self.times.append(tau + clock)
        self.sizes.append(larger + clock * (speed + jump))

    def _alone(self, off: float, bounds: tuple[float, tuple[float, float], tuple[float, float], float, float]) -> None:
        """Nothing else happens in the last stretch that was passed, where states are off by so much."""
        margin, (rise, rise_turns), (fall, fall_turns), first, last = bounds
        off += self.robust
        begins, ends = (self.taus[-2] if len(self.taus) > 1 else 0.0) / first, self.taus[-1] / last
        sure = begins <= _LATE and ends <= _LATE and margin > 1.01 * off
        if not (sure and rise > 1.01 * (off + rise_turns * begins) and fall > 1.01 * (off + fall_turns * ends)):
            raise Doubt("a wall is near")

    @staticmethod
    def _filippov(a: int, b: int, down: float, up: float, sure: float) -> None:
        """The mode that follows is the one that the signs of the speeds ask for, beyond doubt."""
        if a == SLIDING:
            least = -up if b == INACTIVE else down
        else:
            least = (min(-down, -up), min(down, up), min(down, -up))[b]
        if not least > sure:
            raise Doubt("a speed may be 0")

    def _others_apart(self) -> None:
        """No other function vanishes while a switch is uncertain: a coordinate moves at its speed, residuals at all."""
        of, z = self.of, np.abs(self.of.y[1:, : self.law.h])
        late = [3.03 * tau for tau in self.taus[:-1]]
        # Only who switches and who slides is on its wall.
        gaps = np.minimum.reduce(np.where(z == 0, np.inf, z), axis=1, initial=np.inf).tolist()
        rows = zip(gaps, self.sizes_at, late, of.speed[1:], self.bend, strict=True)
        if not all(gap > size + tau * (speed + bend) for gap, size, tau, speed, bend in rows):
            raise Doubt("two switches are near each other")
        if SLIDING not in of.codes[1:].tobytes():
            return
        slides = of.codes[1:] == SLIDING
        slides[np.arange(len(z)), of.neurons] = False
        k, i = slides.nonzero()
        down, up = np.abs(of.r[k + 1, i]) / self.law.gain, np.abs(of.g[k + 1, i] - of.r[k + 1, i]) / self.law.fastest
        near = np.minimum(down, up) - np.array(of.wrong_speed)[k + 1]
        speeds = np.array(self.speeds) + np.array(self.bend)
        if not (near > (np.array(self.sizes_at) + 1.01 * np.array(late) * speeds)[k]).all():
            raise Doubt("two switches are near each other")


def follow_at_once(sheaf: Sheaf, times: FloatArray, states: FloatArray, codes: CodeArray) -> Findings:
    """Prove a log's switches, all stretches at once; :func:`sheaflab.proof.follow.follow` does where this cannot.

    Parameters
    ----------
    sheaf : Sheaf
    times : ndarray, shape (K + 1,)
        Ends of the stretches.
    states : ndarray, shape (K + 1, n)
        The log's states there.
    codes : ndarray of int8, shape (K, h)
        Modes of the stretches.

    Raises
    ------
    Doubt
        Where this does not decide.
    """
    if sheaf.pinned:
        raise Doubt("coordinates are pinned")
    stretches = Stretches(sheaf, times, states, codes)
    passage = Passage(stretches)
    switches = zip(stretches.neurons.tolist(), passage.times, strict=True)
    return Findings([{i: error} for i, error in switches], [*stretches.y[1:], stretches.end], passage.sizes)
