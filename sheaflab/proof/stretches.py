"""The stretches of a run, followed all at once, each from the state that its log has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray, IntArray
from sheaflab.proof.law import Law
from sheaflab.proof.positivity import Doubt
from sheaflab.proof.rows import Steps
from sheaflab.proof.series import LONGEST
from sheaflab.proof.tail import Tail
from sheaflab.proof.weights import ACTIVE, INACTIVE, NAMES, SLIDING, Blocks, CodeArray, norms
from sheaflab.sheaf import Sheaf

_ROOM = 40_000  # numbers of a coefficient of the rows that are done together
_CLOSE = 1e-6  # of the largest number: what margins are looked at more closely
_SETTLED = 1e-8  # of the same: how far off the last state may be
_RIGHT = 1e-11  # of the same: a logged state that is further from the flow than that is not for here
_SMALL = 20  # coordinates up to which series by a matrix each are quicker than by one for all
_MOST_ROUNDS = 400


def law_of(sheaf: Sheaf) -> Law:
    """The sizes of a sheaf's law, which ``sheaf.shared`` keeps."""
    return Law(sheaf)


def blocks_of(sheaf: Sheaf) -> Blocks:
    """Its weights for rows of states."""
    return Blocks(sheaf.shared(law_of))


def tail_of(sheaf: Sheaf) -> Tail:
    """Its forward pass."""
    return Tail(sheaf.shared(law_of))


class Stretches:
    """The stretches of a run, followed each from its logged state.

    Attributes
    ----------
    neurons, orders : ndarray of int, shape (K,)
        Who switches at the end of each stretch, -1 at the last, and how many derivatives of a coordinate that is 0 at
        the start are: -1 if none is known to be.
    wrong : ndarray, shape (K,)
        How far the flow from each logged state may end from the next logged one.
    margins : ndarray, shape (K,)
        How far off states may be without an event.
    rises, falls : ndarray, shape (2, K)
        Derivatives of what begins and ends at 0, and their changes with the time of that by the length of the step.
    """

    def __init__(self, sheaf: Sheaf, times: FloatArray, states: FloatArray, codes: CodeArray) -> None:
        self.sheaf, self.law, self.blocks = sheaf, sheaf.shared(law_of), sheaf.shared(blocks_of)
        self.tail = sheaf.shared(tail_of)
        self.times, self.y, self.codes = times, states[: len(codes)], codes
        number, n = self.y.shape
        self.scale = float(np.abs(self.y[0]).max()) + self.blocks.largest
        self.settled_within = _SETTLED * self.scale
        self._joints()
        self.laplacians = self.blocks.laplacians(codes)
        self.wrong, self.margins = np.zeros(number), np.full(number, np.inf)
        self.rises, self.falls = np.full((2, number), np.inf), np.full((2, number), np.inf)
        self.rises[1], self.falls[1] = 0.0, 0.0
        self.first, self.last = np.ones(number), np.ones(number)  # lengths of first and last steps
        self.r, self.g, self.v = np.empty((number, n)), np.empty((number, sheaf.h)), np.empty((number, n))
        self.wrong_speed, self.wrong_v, self.speed = np.empty(number), np.empty(number), np.empty(number)
        self._follow(states[-1])

    def _joints(self) -> None:
        """Who switches, from what into what; refuse what is not simple."""
        codes, h, number = self.codes, self.sheaf.h, len(self.codes)
        joints, self.neurons = np.nonzero(codes[1:] != codes[:-1])
        if not np.array_equal(joints, np.arange(number - 1)):
            raise Doubt("neurons switch together")
        free = self.y[:, :h]
        at_wall = free == 0
        at_wall[joints + 1, self.neurons] = False
        off = np.where(codes == ACTIVE, free <= 0, free >= 0)
        off[joints + 1, self.neurons] = free[joints + 1, self.neurons] != 0
        slides = codes == SLIDING
        if (free[0] == 0).any() or (at_wall & ~slides).any() or (off & ~slides).any() or (free[slides] != 0).any():
            raise Doubt("a state is not inside its mode")
        self.before, self.after = codes[joints, self.neurons], codes[joints + 1, self.neurons]
        self.orders = np.full(number, -1)
        self.orders[1:] = np.where(self.after == SLIDING, -1, np.where(self.before == SLIDING, 2, 1))
        self.kinds = np.where(self.before != SLIDING, 0, np.where(self.after == INACTIVE, 1, 2))

    # -- stretches ------------------------------------------------------------------------------------------------
    def _follow(self, end: FloatArray) -> None:
        """Follow all stretches, in as many rounds as the longest has steps."""
        number, longest = len(self.y), LONGEST / self.law.fastest
        spans = np.diff(self.times)
        if (spans <= 0).any():
            raise Doubt("switches at one instant")
        steps = np.maximum(np.ceil(spans / longest), 1.0)
        if steps[:-1].max(initial=0.0) > _MOST_ROUNDS:
            raise Doubt("rates too far apart")
        again = self.neurons[1:] == self.neurons[:-1]  # what begins and ends at 0 takes two steps
        steps[1:-1][again & (self.orders[1:-1] > 0) & (self.kinds[1:] == 0)] += 1.0
        h, y = spans / steps, self.y.copy()
        self.spans, self.steps_of = spans, steps
        left = steps.copy()
        self.settled, self.t_settled, alive, done = False, float(self.times[-2]), np.arange(number), 0
        while alive.size:
            if done == _MOST_ROUNDS:
                raise Doubt("rates too far apart")
            for rows in self._parts(alive[np.argsort(h[alive], kind="stable")]):
                matrices = self.laplacians[rows] if self.laplacians is not None and self.law.n <= _SMALL else None
                taken = Steps(self.blocks, self.codes[rows], y[rows], h[rows], matrices)
                self._take_in(rows, taken, y, done == 0, left[rows] == 1)
            left[alive] -= 1
            done += 1
            alive = alive[left[alive] > 0]
            if alive.size and alive[-1] == number - 1 and self._settles(y[-1], done * h[-1]):
                alive = alive[:-1]
        apart = norms(y[:-1] - self.y[1:])
        self.wrong[:-1] += apart
        if (apart > _RIGHT * self.scale).any():
            raise Doubt("a state is not that of the flow")
        if not self.settled:
            self.end, self.wrong_at_end = y[-1], 0.0

    def _settles(self, y: FloatArray, passed: float) -> bool:
        if self.tail.modes != tuple(NAMES[k] for k in self.codes[-1].tolist()):
            return False
        self.settled = self.tail.holds(y, self.settled_within, True)
        if self.settled:
            self.end, self.wrong_at_end = self.tail.at(y, float(self.times[-1] - self.times[-2]) - passed)
        return self.settled

    def _parts(self, rows: IntArray) -> Iterator[IntArray]:
        size = max(16, _ROOM // self.sheaf.n)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def _take_in(self, rows: IntArray, steps: Steps, y: FloatArray, first: bool, last: BoolArray) -> None:
        """Take in what a step of some rows proves."""
        number, none = len(self.y), np.zeros(0, dtype=np.int64)
        out = {"z": (none, none), "down": (none, none), "up": (none, none)}
        found = []
        if first:
            for name in ("r", "g", "v", "wrong_speed", "wrong_v", "speed"):
                getattr(self, name)[rows] = getattr(steps, name)
            self.first[rows] = steps.h
            mine = np.flatnonzero(self.orders[rows] > 0)
            if mine.size:
                i = self.neurons[rows[mine] - 1]
                low, turns, margin = steps.departs(mine, i, self.orders[rows[mine]])
                self.rises[:, rows[mine]] = low, turns
                found.append((rows[mine], margin))
                out["z"] = mine, i
        ending = np.flatnonzero(last & (rows < number - 1))
        self.last[rows[ending]] = steps.h[ending]
        for code, kind in enumerate(out):
            mine = ending[self.kinds[rows[ending]] == code]
            if mine.size:
                i = self.neurons[rows[mine]]
                low, turns, margin = steps.falls(mine, i, kind)
                self.falls[:, rows[mine]] = low, turns
                found.append((rows[mine], margin))
                out[kind] = np.concatenate([out[kind][0], mine]), np.concatenate([out[kind][1], i])
        found.append((rows, steps.margins(out, _CLOSE * self.scale)))
        for places, margin in found:
            self.margins[places] = np.minimum(self.margins[places], margin)
        self.wrong[rows] += steps.wrong_end
        y[rows] = steps.end
