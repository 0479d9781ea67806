r"""Where a neuron on its wall goes: Filippov's rule for speeds that vanish there.

**The law.** A neuron at :math:`z_i = 0` is in the mode that the signs of :math:`f^-_i` and :math:`f^+_i` *just after*
ask for: a speed that vanishes has the sign of its first derivative that does not.

- :math:`f^-_i < 0` or :math:`f^-_i \equiv 0`: inactive; in the second case it rests on its wall.
- :math:`f^-_i > 0` and :math:`f^+_i > 0` or :math:`f^+_i \equiv 0`: active.
- :math:`f^-_i > 0 > f^+_i`: sliding.

While both signs of a neuron are open its coordinate stays 0 to that order in every mode, so the derivatives of the
others do not depend on it: they follow order by order. A number within its own rounding counts as 0; sums of zeros,
as of a neuron without drive whose predecessors are all inactive, are 0 exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.modes import ACTIVE, INACTIVE, SLIDING, CodeArray, settle
from sheaflab.sheaf import Sheaf

OVERTIME, AT_END = 1 + 1e-12, 1 + 4 * EPS
"""Events are looked for up to `OVERTIME` times the end of a run; those up to `AT_END` times it belong to the run."""
_EXTRA = 3
_ROUNDING = 16 * EPS


class Germ(NamedTuple):
    """What follows at a wall, all of shape ``(h,)``.

    Attributes
    ----------
    codes : ndarray of int8
    orders : ndarray of int
        Order at which the coordinate of a neuron leaves 0, 0 for one that is elsewhere or stays there.
    repelled : ndarray of bool
        Both sides pull away: the solution is not unique, and the neuron counts as inactive.
    """

    codes: CodeArray
    orders: IntArray
    repelled: BoolArray


def settle_germs(sheaf: Sheaf, c: FloatArray, codes: CodeArray, at_walls: Iterable[int]) -> Germ:
    """Return the modes in which the flow goes on from `c`, the neurons `at_walls` taking those of the law above.

    Parameters
    ----------
    sheaf : Sheaf
    c : ndarray, shape (n,)
        Its coordinates of `at_walls` and of sliding neurons are 0.
    codes : ndarray of int8, shape (h,)
        Modes of the others.
    at_walls : iterable of int
    """
    h = sheaf.h
    waiting = np.zeros(h, dtype=np.bool_)
    waiting[list(at_walls)] = True
    after, orders, repelled = codes.copy(), np.zeros(h, dtype=np.int64), np.zeros(h, dtype=np.bool_)
    after[waiting] = INACTIVE
    signs, pull, sizes = np.zeros((2, h)), sheaf.pull, np.abs(sheaf.pull)
    x, size = c, np.abs(c)
    for level in range(len(sheaf.net.weights) + _EXTRA):
        if not waiting.any():
            break
        gate = ((after == ACTIVE) & ~waiting).astype(np.float64)
        r, rough = x - (gate * x[:h]) @ pull, size + (gate * size[:h]) @ sizes
        if level == 0:
            r, rough = r - sheaf.drive, rough + np.abs(sheaf.drive)
        g, rough_g = pull @ r, sizes @ rough
        speeds, errors = np.stack([-r[:h], g - r[:h]]), np.stack([rough[:h], rough[:h] + rough_g])
        clear = np.abs(speeds) > _ROUNDING * (level + 1) * errors
        signs = np.where((signs == 0) & clear, np.sign(speeds), signs)
        down, up = signs
        off, on = waiting & (down < 0), waiting & (down > 0) & (up > 0)
        slides = waiting & (down > 0) & (up < 0)
        repelled |= off & (up > 0)
        after[on], after[slides] = ACTIVE, SLIDING
        orders[off | on] = level + 1
        waiting &= ~(off | on | slides)
        x, size = -r, rough.copy()
        x[:h] += np.where(after == ACTIVE, g, 0.0)
        size[:h] += rough_g
        x[:h][waiting | (after == SLIDING)] = 0.0
        size[:h][waiting | (after == SLIDING)] = 0.0
        x[sheaf.held] = size[sheaf.held] = 0.0
    after[waiting & (signs[0] > 0)] = ACTIVE
    return Germ(after, orders, repelled)


def first_modes(sheaf: Sheaf, c: FloatArray) -> Germ:
    """Return the modes in which a run from `c` starts."""
    z = c[: sheaf.h]
    codes = (z > 0).astype(np.int8)
    if z.all():
        return Germ(codes, np.zeros(sheaf.h, dtype=np.int64), np.zeros(sheaf.h, dtype=np.bool_))
    return settle_germs(sheaf, c, codes, np.setdiff1d(np.flatnonzero(z == 0), sheaf.held))


def first_modes_many(sheaf: Sheaf, starts: FloatArray) -> Germ:
    """Do what :func:`first_modes` does for each row of `starts`; arrays of shape ``(m, h)``."""
    z = starts[:, : sheaf.h]
    codes = (z > 0).astype(np.int8)
    orders, repelled = np.zeros(z.shape, dtype=np.int64), np.zeros(z.shape, dtype=np.bool_)
    for k in np.flatnonzero((z == 0).any(axis=1)):
        codes[k], orders[k], repelled[k] = first_modes(sheaf.of(int(k)), starts[k])
    return Germ(codes, orders, repelled)


class Walls:
    """Filippov's rule at the switches of one sheaf: plain where signs are clear, by :func:`settle_germs` elsewhere.

    Parameters
    ----------
    sheaf : Sheaf
    """

    def __init__(self, sheaf: Sheaf) -> None:
        self.sheaf = sheaf
        self.drive = float(np.abs(sheaf.drive).max())
        self.held: IntArray = sheaf.held[sheaf.held < sheaf.h]
        self.rounding = 64 * EPS * sheaf.gain

    @cached_property
    def _sizes(self) -> list[tuple[FloatArray, slice, slice]]:
        return [(np.abs(w), before, after) for w, before, after in self.sheaf.layers]

    def spread(self, sizes: FloatArray, active: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how large residuals, shape ``(n,)``, and pulls, ``(h,)``, of terms of given sizes may be.

        Parameters
        ----------
        sizes : ndarray, shape (n,)
            Of a coordinate; where its drive is a term too, of both.
        active : ndarray, shape (h,)
            Of an active neuron, 0 for the others.
        """
        r, g = sizes.copy(), np.empty(self.sheaf.h)
        for w, before, after in self._sizes:
            r[after] += w.dot(active[before])
            g[before] = r[after].dot(w)
        return r, g

    def faint(self, largest: float) -> float:
        """Speeds up to this need a closer look, where the largest coordinate has this size."""
        return self.rounding * max(largest, self.drive)

    def settle(
        self, c: FloatArray, codes: CodeArray, hits: Iterable[tuple[int, bool]], speeds: tuple[FloatArray, FloatArray]
    ) -> tuple[CodeArray, IntArray]:
        """Return the modes after a switch, and the orders at which neurons leave their walls, each of shape ``(h,)``.

        Parameters
        ----------
        c : ndarray, shape (n,)
            The state, 0 at the neurons that switch.
        codes : ndarray of int8, shape (h,)
            The modes until now.
        hits : iterable of (int, bool)
            Who has met a wall, or ends its slide, and whether it then rises.
        speeds : (ndarray, ndarray), each of shape (h,)
            :math:`f^-` and :math:`f^+`.
        """
        down, up = speeds
        h = codes.size
        after, orders = codes.copy(), np.zeros(h, dtype=np.int64)
        faint, met, look, number = self.faint(float(np.maximum.reduce(np.abs(c)))), [], False, 0
        for number, (i, rises) in enumerate(hits, 1):  # noqa: B007
            f, g = float(down[i]), float(up[i])
            after[i] = settle(int(codes[i]), f, g, rises)
            orders[i] = 2 if codes[i] == SLIDING else 1
            if codes[i] != SLIDING:
                met.append(i)
                look |= min(abs(f), abs(g)) <= faint
        if h - np.count_nonzero(c[:h]) > number:  # somebody slides, or rests
            still = (c[:h] == 0) & (after == codes)
            still[self.held] = False
            others = still & (np.minimum(np.abs(down), np.abs(up)) <= faint)  # those that rest among them
            more = others.nonzero()[0].tolist()
            look |= bool(more)
            met += more
        if look:
            germ = settle_germs(self.sheaf, c, after, met)
            after = germ.codes
            orders[met] = germ.orders[met]
        return after, orders

    def resting(self, c: FloatArray, codes: CodeArray, drives: FloatArray | None = None) -> BoolArray:
        """Which neurons rest on their walls: inactive at 0, without drive and without an active neuron before them.

        Parameters
        ----------
        c : ndarray, shape (n,) or (m, n)
        codes : ndarray of int8, shape (h,) or (m, h)
        drives : ndarray, shape (m, n), optional
            The boundary term of each row, where it is not that of the sheaf.
        """
        h, drives = self.sheaf.h, self.sheaf.drive if drives is None else drives
        rests = (c[..., :h] == 0) & (codes == INACTIVE)
        if rests.any():
            fed = (codes == ACTIVE).astype(np.float64) @ np.abs(self.sheaf.pull[:, :h])
            rests &= (fed == 0) & (drives[..., :h] == 0)
        return np.asarray(rests)
