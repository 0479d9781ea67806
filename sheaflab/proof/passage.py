r"""What the true state may be off by from switch to switch, all stretches followed at once: what most runs need.

**Theorem.** *Let the flow start at the first of* `states`. *If* :func:`follow_at_once` *ends without* `Doubt`, *it has
the switches of the log and no other, each within its* `time_errors` *of the logged time.*

*Proof.* By induction over stretches. At the start of each the true state is within a :class:`Cloud` of the logged one,
at equal times. A stretch's flow from its logged state ends next to the logged state of the next one; the distance
between the two, and what the series may be wrong by, is added to the cloud. The same goes for the steps of a stretch,
which start from candidates: inside a mode distances do not grow, so their sum bounds each. No event function vanishes
while states stay within the margin of the stretch (:mod:`sheaflab.proof.rows`), nor while a switch is uncertain, by
3 τ times the speed at which others may drift meanwhile. A function that ends at 0 falls to it: the mean of its
derivative from any place to the end is negative. One that begins at 0 rises. A switch is passed as in
:meth:`sheaflab.proof.walk.Walk.switch`. ∎

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
    """What is known of a switch: who, its modes, speeds beside the wall, the slope of what vanishes, and bounds."""

    i: int
    before: int
    after: int
    down: float
    up: float
    slope: float
    wrong: float
    wrong_speed: float
    wrong_v: float
    speed: float
    span: float


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
        number = len(of.y)
        self._speeds()
        with np.errstate(divide="ignore", invalid="ignore"):
            factors = np.where((of.before == SLIDING) | (of.after == SLIDING), 0.0, self.new / self.old)
        growth = float(np.log(np.maximum(np.abs(factors), 1.0)).sum()) + np.log(of.wrong[:-1].sum() + TINY)
        self.cloud = Ball(0.0) if growth < np.log(_FINE * of.scale) else Segments(of)
        self.robust = 4 * EPS * float(np.abs(of.y[0]).max())
        self.times: list[float] = []
        self.sizes: list[float] = []
        self.off, self.taus = np.zeros(number), np.zeros(number)
        self.sizes_at, self.bend, self.speeds = np.zeros(number - 1), np.zeros(number - 1), np.zeros(number - 1)
        clock = 0.0
        rows = zip(
            of.neurons.tolist(), of.before.tolist(), of.after.tolist(), self.down.tolist(), self.up.tolist(),
            self.slope.tolist(), of.wrong.tolist(), of.wrong_speed[1:].tolist(), of.wrong_v[1:].tolist(),
            of.speed[1:].tolist(), of.spans.tolist(), strict=False,
        )  # fmt: skip
        for k, row in enumerate(rows):
            joint = _Joint._make(row)
            clock += 1.01 * EPS * joint.span
            self._pass(k, joint, clock)
        span, speed = float(of.spans[-1]), float(of.speed[-1])
        if self.times and not span > self.times[-1]:
            raise Doubt("whether the last switch is before the end cannot be said")
        clock += 2.02 * EPS * span
        self.off[-1] = self.cloud.size + of.wrong[-1] + clock * speed  # the end is as uncertain as the clock
        if of.settled and not self.off[-1] + self.robust <= of.settled_within:
            raise Doubt("the end is not known well enough")
        self.sizes.append(self.off[-1] + of.wrong_at_end)
        self._check()

    def _speeds(self) -> None:
        """Of each switch the speeds on both sides of the wall, before and after, and the slope of what vanishes."""
        of, k = self.of, np.arange(1, len(self.of.y))
        i = of.neurons
        self.down = -of.r[k, i]
        self.up = self.down + of.g[k, i]
        speeds = np.array([self.down, self.up, 0.0 * self.up])
        self.old, self.new = speeds[of.before, k - 1], speeds[of.after, k - 1]
        self.slope = np.where(of.before == ACTIVE, self.old, -self.old)
        slid = (of.before == SLIDING).nonzero()[0]
        if slid.size:
            gate, v, mine = (of.codes[slid] == ACTIVE).astype(np.float64), of.v[slid + 1], np.arange(slid.size)
            v[mine, i[slid]] = 0.0
            r = v - of.blocks.down(v[:, : of.sheaf.h] * gate)
            down = -r[mine, i[slid]]
            up = of.blocks.up(r)[mine, i[slid]] + down
            self.slope[slid] = np.where(of.after[slid] == INACTIVE, down, -up)

    def _pass(self, k: int, joint: _Joint, clock: float) -> None:
        """Go to the end of stretch `k` and through its switch, as :meth:`sheaflab.proof.walk.Walk.switch` does."""
        law, cloud = self.law, self.cloud
        i, a, b, down, up, slope, wrong, wrong_speed, wrong_v, speed, _ = joint
        self.off[k] = cloud.size + wrong
        cloud.carry(self.of, k)
        cloud.widen(wrong)
        size, fastest = cloud.size, law.fastest
        old, new = (down, up, 0.0)[a], (down, up, 0.0)[b]
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
        jump, factor = abs(old - new), 0.0 if SLIDING in (a, b) else new / old
        turns = fastest * (abs(old) + abs(new) + 2.0 * (sure + jump)) + 2.0 * rates
        if b == SLIDING:
            cloud.pin(i)
        elif a != SLIDING:
            cloud.stretch(i, factor)
        cloud.widen(2.02 * (1.0 + abs(factor)) * tau * (fastest * size + sure + tau * turns))
        larger = max(size, cloud.size)
        self.taus[k], self.sizes_at[k] = tau, larger + self.robust
        self.bend[k] = 4.0 * fastest * tau * (2.0 * speed + jump + 2.0 * fastest * larger) + wrong_v
        self.speeds[k] = speed + jump
        self.times.append(tau + clock)
        self.sizes.append(larger + clock * (speed + jump))

    @staticmethod
    def _filippov(a: int, b: int, down: float, up: float, sure: float) -> None:
        """The mode that follows is the one that the signs of the speeds ask for, beyond doubt."""
        if a == SLIDING:
            least = -up if b == INACTIVE else down
        else:
            least = (min(-down, -up), min(down, up), min(down, -up))[b]
        if not least > sure:
            raise Doubt("a speed may be 0")

    def _check(self) -> None:
        """Nothing else happens in any stretch, nor while a switch is uncertain."""
        of, off = self.of, self.off + self.robust
        late = np.concatenate([[0.0], self.taus[:-1]]) / of.first, self.taus / of.last
        sure = (late[0] <= _LATE) & (late[1] <= _LATE) & (of.margins > 1.01 * off)
        sure &= of.rises[0] > 1.01 * (off + of.rises[1] * late[0])
        sure &= of.falls[0] > 1.01 * (off + of.falls[1] * late[1])
        if not sure.all():
            raise Doubt("a wall is near")
        self._others_apart()

    def _others_apart(self) -> None:
        """No other function vanishes while a switch is uncertain: a coordinate moves at its speed, residuals at all."""
        of, h, k = self.of, self.of.sheaf.h, np.arange(len(self.of.neurons))
        late = 3.03 * self.taus[:-1, None]
        others, slides = np.ones((len(k), h), dtype=np.bool_), of.codes[1:] == SLIDING
        others[k, of.neurons] = False
        apart = np.abs(of.y[1:, :h]) - late * (np.abs(of.v[1:, :h]) + self.bend[:, None])
        if not (apart > 1.01 * self.sizes_at[:, None])[others & ~slides].all():
            raise Doubt("two switches are near each other")
        rows, i = np.nonzero(others & slides)
        down, up = of.r[rows + 1, i], of.g[rows + 1, i] - of.r[rows + 1, i]
        near = np.minimum(np.abs(down) / self.law.gain, np.abs(up) / self.law.fastest) - of.wrong_speed[rows + 1]
        if not (near > 1.01 * (self.sizes_at + late[:, 0] * (self.speeds + self.bend))[rows]).all():
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
