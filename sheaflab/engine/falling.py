"""Rows of an ensemble whose energies fall to what is asked for before their next event: when, and the states there."""

from __future__ import annotations

from collections.abc import Callable, Container

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.engine.layers import Layers
from sheaflab.engine.leap_batch import Leap, Leaps
from sheaflab.modes import CodeArray

Along = Callable[[FloatArray], FloatArray]
"""From a wait of each row to something of each row then."""


def value(series: FloatArray, x: FloatArray) -> FloatArray:
    """Return the values at `x` of series whose second axis counts the powers (Horner)."""
    c = series[:, -1].copy()
    for k in range(series.shape[1] - 2, -1, -1):
        c *= x
        c += series[:, k]
    return np.asarray(c)


def waits_to(energy: Along, t: FloatArray, waits: FloatArray, targets: FloatArray) -> FloatArray:
    """Return how long energies take to fall to their targets, where they have after `waits`; a row on its own each.

    The energy never rises, so intervals are halved until their ends, at times after `t`, are next to each other.
    """
    early, late = np.zeros(len(t)), waits.copy()
    while True:
        middle = 0.5 * (early + late)
        wide = (late - early > 4 * EPS * (t + late)) & (early < middle) & (middle < late)
        if not wide.any():
            return late
        low = energy(middle) <= targets
        early, late = np.where(wide & ~low, middle, early), np.where(wide & low, middle, late)


class Falling:
    """What ends rows of a pool of series and leaps at their targets.

    Parameters
    ----------
    layers : Layers
    leaps : Leaps
    targets : ndarray, shape (m,), or None
        An energy for each trajectory; without them nothing ends.
    """

    def __init__(self, layers: Layers, leaps: Leaps, targets: FloatArray | None) -> None:
        self.layers, self.leaps, self.targets = layers, leaps, targets

    def energies(self, who: IntArray, codes: CodeArray, states: FloatArray) -> FloatArray:
        """Energies of states of trajectories `who` in their modes."""
        drives = self.leaps.drives
        r, _ = self.layers.field(states, codes, None if drives is None else drives[who])
        return np.asarray(0.5 * np.square(r).sum(axis=1))

    def fallen(self, who: IntArray, codes: CodeArray, states: FloatArray) -> BoolArray:
        """Which rows have fallen to their targets."""
        if self.targets is None or not len(who):
            return np.zeros(len(who), dtype=np.bool_)
        return np.asarray(self.energies(who, codes, states) <= self.targets[who])

    def along(self, states: Along, who: IntArray, codes: CodeArray, t: FloatArray, waits: FloatArray) -> FloatArray:
        """Return the waits of rows that have fallen after `waits`, at times after `t`."""
        assert self.targets is not None
        return waits_to(lambda waits: self.energies(who, codes, states(waits)), t, waits, self.targets[who])

    def flow(self, who: IntArray, codes: CodeArray, c: FloatArray) -> Along:
        """The closed form of rows, each in its own mode."""
        keys = [row.tobytes() for row in codes]
        groups = [np.array([k for k, own in enumerate(keys) if own == key]) for key in dict.fromkeys(keys)]
        bases = [self.leaps.basis_over(keys[rows[0]], who[rows]) for rows in groups]

        def states(waits: FloatArray) -> FloatArray:
            found = np.empty_like(c)
            for rows, basis in zip(groups, bases, strict=True):
                found[rows] = basis.flow(c[rows], waits[rows])
            return found

        return states

    def in_step(
        self, who: IntArray, codes: CodeArray, old: FloatArray, new: FloatArray, t: FloatArray, waits: FloatArray,
        series: Callable[[IntArray], Along], beyond: Container[int],
    ) -> tuple[IntArray, FloatArray, FloatArray]:  # fmt: skip
        """Which rows fall to their targets between two states, how long that takes, and the states there.

        By the series of rows, or for rows that are `beyond` the ends of their series by the closed form.
        """
        alive = np.flatnonzero(who >= 0)
        rows = alive[self.fallen(who[alive], codes[alive], new[alive])]
        outside = np.array([row in beyond for row in rows.tolist()], dtype=np.bool_)
        found, states = np.empty(rows.size), np.empty((rows.size, new.shape[1]))
        for mine in (~outside, outside):
            some = rows[mine]
            if some.size:
                along = self.flow(who[some], codes[some], old[some]) if mine is outside else series(some)
                found[mine] = self.along(along, who[some], codes[some], t[some], waits[some])
                states[mine] = along(found[mine])
        return rows, found, states

    def cut(self, leap: Leap, who: IntArray, codes: CodeArray, c: FloatArray, t: FloatArray) -> BoolArray:
        """Which rows fall to their targets in their leap from `c` at times `t`; these end there, without event."""
        low = self.fallen(who, codes, leap.states)
        rows = np.flatnonzero(low)
        if rows.size:
            states = self.flow(who[rows], codes[rows], c[rows])
            leap.waits[rows] = self.along(states, who[rows], codes[rows], t[rows], leap.waits[rows])
            leap.states[rows], leap.hit[rows] = states(leap.waits[rows]), False
        return low
