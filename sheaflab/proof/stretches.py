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
from sheaflab.proof.weights import ACTIVE, INACTIVE, SLIDING, Blocks, CodeArray, norms
from sheaflab.sheaf import Sheaf

_ROOM = 40_000  # numbers of a coefficient of the rows that are done together
_CLOSE = 1e-6  # of the largest number: what margins are looked at more closely
_SETTLED = 1e-8  # of the same: how far off the last state may be
_RIGHT = 1e-11  # of the same: a logged state that is further from the flow than that is not for here
_SIDES = np.array([-1.0, 1.0, 0.0])  # by the code of a mode
_SMALL = 20  # coordinates up to which series by a matrix each are quicker than by one for all
_MOST_ROUNDS = 400
_MOST_AT_ONCE = 2000  # steps
_CLOSING = 64  # of the last stretch
_MANY = 2.0**30  # steps of the last stretch, which may be endless


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
        self._follow()

    def _joints(self) -> None:
        """Who switches, from what into what; refuse what is not simple."""
        codes, h, number = self.codes, self.sheaf.h, len(self.codes)
        joints, self.neurons = (codes[1:] != codes[:-1]).nonzero()
        if joints.tolist() != list(range(number - 1)):
            raise Doubt("neurons switch together")
        # On which side of its wall each neuron has to be: on none at the wall that it has just met, or slides along.
        side = _SIDES[codes]
        side[joints + 1, self.neurons] = 0.0
        if not (self.y[0, :h].all() and (np.sign(self.y[:, :h]) == side).all()):
            raise Doubt("a state is not inside its mode")
        self.before, self.after = codes[joints, self.neurons], codes[joints + 1, self.neurons]
        self.orders = np.full(number, -1)
        self.orders[1:] = np.where(self.after == SLIDING, -1, np.where(self.before == SLIDING, 2, 1))
        self.kinds = np.where(self.before != SLIDING, 0, np.where(self.after == INACTIVE, 1, 2))

    # -- stretches ------------------------------------------------------------------------------------------------
    def _follow(self) -> None:
        """Follow all stretches: from candidates for the states between their steps, or step after step."""
        longest = LONGEST / self.law.fastest
        spans = np.diff(self.times)
        if (spans <= 0).any():
            raise Doubt("switches at one instant")
        steps = np.maximum(np.ceil(spans / longest), 1.0)
        if steps[:-1].max(initial=0.0) > _MOST_ROUNDS:
            raise Doubt("rates too far apart")
        again = self.neurons[1:] == self.neurons[:-1]  # what begins and ends at 0 takes two steps
        steps[1:-1][again & (self.orders[1:-1] > 0) & (self.kinds[1:] == 0)] += 1.0
        self.spans, self.steps_of, self.settled = spans, steps, False
        if not self._all_at_once(spans / steps):
            self._in_rounds(spans / steps)

    def _all_at_once(self, h: FloatArray) -> bool:
        """Follow all steps at once, where there are matrices for that and the run is seen to settle; tell whether.

        As the states of the log, those between steps are candidates: by how much the flow from one misses the next is
        found, and added to what is wrong. So they need no proof; they come from eigenvectors.
        """
        if self.laplacians is None or self.law.n > _SMALL or self.steps_of[:-1].sum() > _MOST_AT_ONCE:
            return False
        counts, close = np.minimum(self.steps_of, _MANY).astype(np.intp), self.y[:0]  # as `repeat` takes them
        if counts[-1] > 1:
            close = self._closing(h[-1], int(min(counts[-1], _CLOSING)))
            if not len(close) or not self._settles(close[-1], len(close) * h[-1]):
                return False
            counts[-1] = len(close)
        of = np.arange(len(h)).repeat(counts)
        firsts = np.cumsum(counts) - counts
        y = np.concatenate([self.y[of[: firsts[-1]]], self.y[-1:], close[: counts[-1] - 1]])
        place = np.arange(of.size) - firsts[of]
        between = place[: firsts[-1]].nonzero()[0]
        if between.size:
            y[between] = self._between(counts[:-1] - 1, place[between] * h[of[between]])
        ends = np.empty_like(y)
        first, last = place == 0, place == counts[of] - 1
        for rows in self._parts(np.arange(of.size)):
            mine = of[rows]
            taken = Steps(self.blocks, self.codes[mine], y[rows], h[mine], self.laplacians[mine])
            ends[rows] = self._take_in(mine, taken, first[rows], last[rows])
        self._add_misses(of, ends, np.concatenate([y[1:], close[-1:] if self.settled else ends[-1:]]))
        if not self.settled:
            self.end, self.wrong_at_end = ends[-1], 0.0
        return True

    def _closing(self, h: float, most: int) -> FloatArray:
        """States of the last stretch after its steps, up to where it looks settled; none if it does not by then."""
        if not self._at_home():
            return self.y[:0]
        states, sizes = self.tail.after(self.y[-1], h * np.arange(1.0, most))
        held = np.nonzero((sizes + self.settled_within < self.tail.room).all(axis=1))[0]
        return states[: held[0] + 1] if held.size else self.y[:0]

    def _between(self, numbers: IntArray, t: FloatArray) -> FloatArray:
        """States of so many steps of each stretch, some time after its start each."""
        used = numbers.nonzero()[0]
        where = np.arange(used.size).repeat(numbers[used])
        y, hidden = self.y[used], self.law.h
        gate = (self.codes[used] == ACTIVE).astype(np.float64)
        moving = np.ones(y.shape)
        moving[:, :hidden] -= self.codes[used] == SLIDING
        r = y - self.law.drive - self.blocks.down(y[:, :hidden] * gate)
        v = -r
        v[:, :hidden] += gate * self.blocks.up(r)
        assert self.laplacians is not None
        rates, vectors = np.linalg.eigh(self.laplacians[used] * moving[:, None, :])
        along = ((v * moving)[:, None, :] @ vectors)[:, 0][where]
        rates = np.maximum(rates, 1e-12 * self.law.fastest)[where]  # slower ones have hardly moved
        along *= np.expm1(-rates * t[:, None]) / -rates
        return np.asarray((y[where] + (vectors[where] @ along[:, :, None])[:, :, 0]) * moving[where])

    def _in_rounds(self, h: FloatArray) -> None:
        """Follow all stretches, step after step, in as many rounds as the longest has steps."""
        number, left, y = len(h), self.steps_of.copy(), self.y.copy()
        alive, done = np.arange(number), 0
        while alive.size:
            if done == _MOST_ROUNDS:
                raise Doubt("rates too far apart")
            for rows in self._parts(alive[np.argsort(h[alive], kind="stable")]):
                matrices = self.laplacians[rows] if self.laplacians is not None and self.law.n <= _SMALL else None
                taken = Steps(self.blocks, self.codes[rows], y[rows], h[rows], matrices)
                y[rows] = self._take_in(rows, taken, np.full(rows.size, done == 0), left[rows] == 1)
            left[alive] -= 1
            done += 1
            alive = alive[left[alive] > 0]
            if alive.size and alive[-1] == number - 1 and self._settles(y[-1], done * h[-1]):
                alive = alive[:-1]
        self._add_misses(np.arange(number - 1), y[:-1], self.y[1:])
        if not self.settled:
            self.end, self.wrong_at_end = y[-1], 0.0

    def _add_misses(self, of: IntArray, ends: FloatArray, wanted: FloatArray) -> None:
        """Add to what is wrong with stretches `of` how far the ends of steps are from where the next ones start."""
        apart = norms(ends - wanted)
        self.wrong += np.bincount(of, apart, minlength=len(self.wrong))
        if not (apart <= _RIGHT * self.scale).all():
            raise Doubt("a state is not that of the flow")

    def _at_home(self) -> bool:
        return bool(self.tail.codes == self.codes[-1].tolist())

    def _settles(self, y: FloatArray, passed: float) -> bool:
        if not self._at_home():
            return False
        self.settled = self.tail.holds(y, self.settled_within, True)
        if self.settled:
            self.end, self.wrong_at_end = self.tail.at(y, float(self.times[-1] - self.times[-2]) - passed)
        return self.settled

    def _parts(self, rows: IntArray) -> Iterator[IntArray]:
        size = max(16, _ROOM // self.sheaf.n)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def _take_in(self, of: IntArray, steps: Steps, first: BoolArray, last: BoolArray) -> FloatArray:
        """Take in what steps of stretches `of` prove, first and last ones of these among them; return their ends."""
        number, none = len(self.y), np.zeros(0, dtype=np.int64)
        out = {"z": (none, none), "down": (none, none), "up": (none, none)}
        margins = np.full(of.size, np.inf)
        starts = first.nonzero()[0]
        if starts.size:
            mine = of[starts]
            for name in ("r", "g", "v", "wrong_speed", "wrong_v", "speed"):
                getattr(self, name)[mine] = getattr(steps, name)[starts]
            self.first[mine] = steps.h[starts]
            leaving = starts[self.orders[mine] > 0]
            if leaving.size:
                mine = of[leaving]
                i = self.neurons[mine - 1]
                low, turns, margins[leaving] = steps.departs(leaving, i, self.orders[mine])
                self.rises[:, mine] = low, turns
                out["z"] = leaving, i
        ending = (last & (of < number - 1)).nonzero()[0]
        self.last[of[ending]] = steps.h[ending]
        kinds = self.kinds[of[ending]]
        for code, kind in enumerate(out):
            at = ending[kinds == code]
            if at.size:
                mine = of[at]
                i = self.neurons[mine]
                low, turns, margin = steps.falls(at, i, kind)
                self.falls[:, mine] = low, turns
                margins[at] = np.minimum(margins[at], margin)
                out[kind] = np.concatenate([out[kind][0], at]), np.concatenate([out[kind][1], i])
        np.minimum.at(self.margins, of, np.minimum(margins, steps.margins(out, _CLOSE * self.scale)))
        self.wrong += np.bincount(of, steps.wrong_end, minlength=number)
        return np.asarray(steps.end)
