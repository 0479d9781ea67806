"""The stretches of a run, followed all at once, each from the state that its log has."""

from __future__ import annotations

from collections.abc import Iterator
from operator import add

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray, IntArray
from sheaflab.proof.closed import Closed, Spectra
from sheaflab.proof.law import Law
from sheaflab.proof.positivity import Doubt
from sheaflab.proof.rows import Steps
from sheaflab.proof.series import LONGEST
from sheaflab.proof.tail import Tail
from sheaflab.proof.weights import ACTIVE, INACTIVE, SLIDING, Blocks, CodeArray, root, squares
from sheaflab.sheaf import Sheaf

_ROOM = 40_000  # numbers of a coefficient of the rows that are done together
_CLOSE = 1e-6  # of the largest number: what margins are looked at more closely
_NEAR = 1e-10  # of the same, where one look costs less
_SETTLED = 1e-8  # of the same: how far off the last state may be
_RIGHT = 1e-11  # of the same: a logged state that is further from the flow than that is not for here
_SIDES = np.array([-1.0, 1.0, 0.0])  # by the code of a mode
_SMALL = 20  # coordinates up to which eigenvectors of each mode are quicker than series
_MOST_ROUNDS = 400
_NONE = np.inf, 0.0  # where nothing begins or ends at 0
_BOUNDS = "speed", "wrong_v", "wrong_speed"


def law_of(sheaf: Sheaf) -> Law:
    """The sizes of a sheaf's law, which ``sheaf.shared`` keeps."""
    return Law(sheaf)


def blocks_of(sheaf: Sheaf) -> Blocks:
    """Its weights for rows of states."""
    return Blocks(sheaf.shared(law_of))


def spectra_of(sheaf: Sheaf) -> Spectra:
    """Its modes' eigenvectors."""
    return Spectra(sheaf.shared(law_of), sheaf.shared(blocks_of))


def tail_of(sheaf: Sheaf) -> Tail:
    """Its forward pass."""
    return Tail(sheaf.shared(law_of))


class Stretches:
    """The stretches of a run, followed each from its logged state.

    Attributes
    ----------
    neurons, before, after : ndarray of int, shape (K - 1,)
        Who switches at the end of each stretch but the last, from what into what.
    r, g, v, speed, wrong_v, wrong_speed
        As in :class:`sheaflab.proof.rows.Steps`, the bounds as lists of float.
    wrong : list of float
        How far the flow from each logged state may end from the next logged one.
    margins : list of float
        How far off states may be without an event.
    first, last : list of float
        Lengths of the first and the last step of each stretch.
    rises, falls : list of (float, float)
        Derivatives of what begins and ends at 0, and their changes with the time of that by the length of that step.
    """

    def __init__(self, sheaf: Sheaf, times: FloatArray, states: FloatArray, codes: CodeArray) -> None:
        self.sheaf, self.law, self.blocks = sheaf, sheaf.shared(law_of), sheaf.shared(blocks_of)
        self.times, self.y, self.codes = times, states[: len(codes)], codes
        self.largest = float(np.maximum.reduce(np.abs(self.y), axis=None))
        self.scale = self.largest + self.blocks.largest
        self.settled_within, self.settled, self.wrong_at_end = _SETTLED * self.scale, False, 0.0
        self._joints()
        self.spans = times[1:] - times[:-1]
        if not min(self.spans.tolist()) > 0:
            raise Doubt("switches at one instant")
        self.closed: Closed | None = None
        if self.law.n <= _SMALL:
            self._by_spectra()
        else:
            self._in_rounds()

    def _joints(self) -> None:
        """Who switches, from what into what; refuse what is not simple."""
        codes, h, number = self.codes, self.sheaf.h, len(self.codes)
        joints, self.neurons = (codes[1:] != codes[:-1]).nonzero()
        if joints.tolist() != list(range(number - 1)):
            raise Doubt("neurons switch together")
        # On which side of its wall each neuron has to be: on none at the wall that it has just met, or slides along.
        side = _SIDES[codes]
        side[1:][joints, self.neurons] = 0.0
        if not (all(self.y[0, :h].tolist()) and np.logical_and.reduce(np.sign(self.y[:, :h]) == side, axis=None)):
            raise Doubt("a state is not inside its mode")
        self.before, self.after = codes[:-1][joints, self.neurons], codes[1:][joints, self.neurons]

    # -- small networks -------------------------------------------------------------------------------------------
    def _by_spectra(self) -> None:
        """Follow each stretch whole."""
        closed = Closed(self.sheaf.shared(spectra_of), self.codes, self.y, self.spans, self.largest)
        self.closed, self.first, self.last = closed, self.spans.tolist(), self.spans.tolist()
        self.r, self.g, self.v, self.end = closed.r, closed.g, closed.v, closed.end[-1]
        self.speed, self.wrong_v, self.wrong_speed = closed.speed, closed.wrong_v, closed.wrong_speed
        self.wrong = [*map(add, closed.wrong, self._apart(closed.end[:-1])), closed.wrong[-1]]
        rises, falls, hidden = [_NONE], [], self.law.h
        joints = zip(self.neurons.tolist(), self.before.tolist(), self.after.tolist(), strict=True)
        for k, (i, a, b) in enumerate(joints):
            falls.append(closed.falls(k, hidden + i if a == SLIDING and b == ACTIVE else i))
            rises.append(closed.rises(k + 1, i, 2 if a == SLIDING else 1) if b != SLIDING else _NONE)
        self.rises, self.falls = rises, [*falls, _NONE]
        self.margins = closed.margins(_NEAR * self.scale)

    # -- others ---------------------------------------------------------------------------------------------------
    def _in_rounds(self) -> None:
        """Follow all stretches, step after step, in as many rounds as the longest has steps."""
        number, n = self.y.shape
        self.tail, self.laplacians = self.sheaf.shared(tail_of), self.blocks.laplacians(self.codes)
        self.orders = np.full(number, -1)
        self.orders[1:] = np.where(self.after == SLIDING, -1, np.where(self.before == SLIDING, 2, 1))
        self.kinds = np.where(self.before != SLIDING, 0, np.where(self.after == INACTIVE, 1, 2))
        steps = np.maximum(np.ceil(self.spans / (LONGEST / self.law.fastest)), 1.0)
        if steps[:-1].max(initial=0.0) > _MOST_ROUNDS:
            raise Doubt("rates too far apart")
        again = self.neurons[1:] == self.neurons[:-1]  # what begins and ends at 0 takes two steps
        steps[1:-1][again & (self.orders[1:-1] > 0) & (self.kinds[1:] == 0)] += 1.0
        self.steps_of, h = steps, self.spans / steps
        wrong, self._margins = np.zeros(number), np.full(number, np.inf)
        self._rises, self._falls = np.full((2, number), np.inf), np.full((2, number), np.inf)
        self._rises[1], self._falls[1] = 0.0, 0.0
        self._first, self._last = np.ones(number), np.ones(number)
        self._bounds = {name: np.empty(number) for name in _BOUNDS}
        self.r, self.g, self.v = np.empty((number, n)), np.empty((number, self.law.h)), np.empty((number, n))
        left, y = steps.copy(), self.y.copy()
        alive, done = np.arange(number), 0
        while alive.size:
            if done == _MOST_ROUNDS:
                raise Doubt("rates too far apart")
            for rows in self._parts(alive[np.argsort(h[alive], kind="stable")]):
                taken = Steps(self.blocks, self.codes[rows], y[rows], h[rows])
                self._take_in(rows, taken, done == 0, left[rows] == 1)
                wrong[rows] += taken.wrong_end
                y[rows] = taken.end
            left[alive] -= 1
            done += 1
            alive = alive[left[alive] > 0]
            if alive.size and alive[-1] == number - 1 and self._settles(y[-1], done * h[-1]):
                alive = alive[:-1]
        self.wrong = [*map(add, wrong.tolist(), self._apart(y[:-1])), float(wrong[-1])]
        self.speed, self.wrong_v, self.wrong_speed = (self._bounds[name].tolist() for name in _BOUNDS)
        self.margins, self.first, self.last = self._margins.tolist(), self._first.tolist(), self._last.tolist()
        self.rises, self.falls = (list(zip(*rows.tolist(), strict=True)) for rows in (self._rises, self._falls))
        if not self.settled:
            self.end = y[-1]

    def _apart(self, ends: FloatArray) -> list[float]:
        """How far the ends of stretches are from where the next ones start."""
        apart = [root(square) for square in squares(ends - self.y[1:])]
        if not max(apart, default=0.0) <= _RIGHT * self.scale:
            raise Doubt("a state is not that of the flow")
        return apart

    def _settles(self, y: FloatArray, passed: float) -> bool:
        self.settled = self.tail.codes == self.codes[-1].tolist() and self.tail.holds(y, self.settled_within, True)
        if self.settled:
            self.end, self.wrong_at_end = self.tail.at(y, float(self.times[-1] - self.times[-2]) - passed)
        return self.settled

    def _parts(self, rows: IntArray) -> Iterator[IntArray]:
        size = max(16, _ROOM // self.sheaf.n)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def _take_in(self, of: IntArray, steps: Steps, first: bool, last: BoolArray) -> None:
        """Take in what steps of stretches `of` prove, all of them their first ones or none, some their `last` ones."""
        none = np.zeros(0, dtype=np.int64)
        out = {"z": (none, none), "down": (none, none), "up": (none, none)}
        margins = np.full(of.size, np.inf)
        if first:
            self.r[of], self.g[of], self.v[of] = steps.r, steps.g, steps.v
            for name, bounds in self._bounds.items():
                bounds[of] = getattr(steps, name)
            self._first[of] = steps.h
            leaving = (self.orders[of] > 0).nonzero()[0]
            if leaving.size:
                mine = of[leaving]
                i = self.neurons[mine - 1]
                low, turns, margins[leaving] = steps.departs(leaving, i, self.orders[mine])
                self._rises[:, mine] = low, turns
                out["z"] = leaving, i
        ending = (last & (of < len(self.y) - 1)).nonzero()[0]
        self._last[of[ending]] = steps.h[ending]
        kinds = self.kinds[of[ending]]
        for code, kind in enumerate(out):
            at = ending[kinds == code]
            if at.size:
                mine = of[at]
                i = self.neurons[mine]
                low, turns, margin = steps.falls(at, i, kind)
                self._falls[:, mine] = low, turns
                margins[at] = np.minimum(margins[at], margin)
                out[kind] = np.concatenate([out[kind][0], at]), np.concatenate([out[kind][1], i])
        found = np.minimum(margins, steps.margins(out, _CLOSE * self.scale))
        self._margins[of] = np.minimum(self._margins[of], found)
