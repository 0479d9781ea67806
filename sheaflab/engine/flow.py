"""State, velocity and Laplacian of the current mode of one trajectory, brought up to date one neuron at a time."""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.engine.laplacian import Layered, laplacian
from sheaflab.modes import ACTIVE, SLIDING, settle
from sheaflab.sheaf import Sheaf, log_slope
from sheaflab.walls import Germ, Walls

MOST = 30  # degree of a series
_LARGE = 500  # coordinates: from here on a product with all weights at once reads too many zeros
_UNDERFLOW = 1e-300


class Flow:
    """What the series needs of the current mode.

    Parameters
    ----------
    sheaf : Sheaf
    c0 : ndarray, shape (n,)
    start : Germ
        Its modes; the codes are changed in place.

    Attributes
    ----------
    known : ndarray, shape (n,)
        When each coordinate was last known exactly: at the start, or at its wall.
    left : list of int
        Neurons that have left their wall at the last event.
    eased : list of int
        Those among them that left it with speed zero.
    slid, rigid, still : ndarray of int
        Neurons that slide; these and the pinned ones; these and all pinned coordinates.
    owner : ndarray of int, shape (h + 2 s,)
        The neuron of each event function: the heights of all, then both ways to leave a wall of the `s` that slide.
    """

    def __init__(self, sheaf: Sheaf, c0: FloatArray, start: Germ) -> None:
        self.sheaf, self.h, self.n, self.pull, self.gram = sheaf, sheaf.h, sheaf.n, sheaf.pull, sheaf.gram
        self.codes, self.known = start.codes, np.zeros(self.n)
        self.left, self.eased = start.orders.nonzero()[0].tolist(), (start.orders > 1).nonzero()[0].tolist()
        self.walls = sheaf.shared(Walls)
        self.faint = self.walls.faint(float(np.abs(c0).max()))
        self.rests = not c0[: self.h].all() and bool(self.walls.resting(c0, self.codes).any())
        self.gate = (self.codes == ACTIVE).astype(float)
        self.moving = np.ones(self.n)
        self.moving[: self.h] = self.codes != SLIDING
        self.moving[sheaf.held] = 0.0
        self.sides = 2.0 * self.gate - 1.0
        self._find_still()
        self.laplacian = laplacian(sheaf, self.gate, self.moving)
        self.layered = isinstance(self.laplacian, Layered) or self.n >= _LARGE
        self.unit = self.laplacian.unit
        self.log_unit = math.log(self.unit)
        self.series = np.empty((MOST + 1, self.n))
        self.rows = list(self.series)
        self._leaving: FloatArray | None = None
        self.c = c0.copy()
        self.refresh()

    def refresh(self) -> None:
        """Compute residual, pull and velocity at `c`."""
        gated = self.gate * self.c[: self.h]
        self.r = self.c - self.sheaf.drive
        if self.layered:
            self.g = np.empty(self.h)
            for w, before, after in self.sheaf.layers:
                self.r[after] -= w.dot(gated[before])
                self.g[before] = self.r[after].dot(w)
        else:
            self.r -= gated.dot(self.pull)
            self.g = self.pull.dot(self.r)
        self.v = -self.r
        self.v[: self.h] += self.gate * self.g
        if self.still.size:
            self.v[self.still] = 0.0

    def _find_still(self) -> None:
        self.slid = self.rigid = self.still = (self.codes == SLIDING).nonzero()[0]
        self.owner = np.concatenate([np.arange(self.h), self.slid, self.slid])
        if self.sheaf.pinned:
            self.still = np.concatenate([self.slid, self.sheaf.held])
            self.rigid = self.still[self.still < self.h]

    def change(self, i: int, code: int) -> None:
        """Put neuron `i`, at its wall, into another mode."""
        slides = code == SLIDING or self.codes[i] == SLIDING
        self.codes[i] = code
        self.gate[i], self.sides[i] = (1.0, 1.0) if code == ACTIVE else (0.0, -1.0)
        if slides:
            self.moving[i] = code != SLIDING
            self._find_still()
            self._leaving = None
        self.v[i] = 0.0 if code == SLIDING else self.g[i] - self.r[i] if code == ACTIVE else -self.r[i]
        self.laplacian.change(i)
        if self._leaving is not None:
            down = self.gate[i] * self.pull[i, self.slid]
            up = self.gate[i] * self.gram[i, self.slid] - self.pull[self.slid, i] - down
            self._leaving[i] = np.concatenate([down, up])

    def settle(self, who: list[int], rises: list[bool]) -> list[tuple[int, int, int]]:
        """Change the modes of those at their walls; return neurons with their modes before and after."""
        codes, r, g, faint = self.codes, self.r, self.g, self.faint
        changed, clear = [], not self.rests
        self.left, self.eased = [], []
        for i, rising in zip(who, rises, strict=True):
            before, down = int(codes[i]), -float(r[i])
            up = float(g[i]) + down
            if before == SLIDING:
                self.eased.append(i)
            elif not abs(down) > faint < abs(up):
                clear = False
            if (after := settle(before, down, up, rising)) != before:
                changed.append((i, before, after))
            if after != SLIDING:
                self.left.append(i)
        if clear and self.slid.size:
            for i, f, pull in zip(self.slid.tolist(), r[self.slid].tolist(), g[self.slid].tolist(), strict=True):
                if not abs(f) > faint < abs(pull - f) and i not in who:
                    clear = False
        if not clear:
            downs = -r[: self.h]
            new, orders = self.walls.settle(self.c, codes, zip(who, rises, strict=True), (downs, g + downs))
            changed = [(int(i), int(codes[i]), int(new[i])) for i in (new != codes).nonzero()[0]]
            self.left, self.eased = orders.nonzero()[0].tolist(), (orders > 1).nonzero()[0].tolist()
        for i, _, code in changed:
            self.change(i, code)
        if not clear:
            self.rests = bool(self.walls.resting(self.c, codes).any())
        return changed

    def extend(self, known: int, degree: int) -> float:
        """Fill in the rows after `known`, ``-L / unit`` times the one before; return a bound on the last's norm."""
        self.laplacian.powers(self.rows[known : degree + 1])
        last = self.rows[degree]
        norm = math.sqrt(last.dot(last))
        # Far below `unit` the products, and before them their squares, underflow: a last term of 0 proves nothing.
        return norm if norm > 1e-150 else max(math.sqrt(self.n) * float(np.abs(last).max()), _UNDERFLOW)

    @property
    def leaving(self) -> FloatArray:
        r"""From derivatives of `c` to those of :math:`f^-` and :math:`-f^+` of `s` sliding neurons: ``(n, 2 s)``."""
        if self._leaving is None:
            h, slid, gate = self.h, self.slid, self.gate[:, None]
            self._leaving = both = np.zeros((self.n, 2 * slid.size))
            down, up = both[:, : slid.size], both[:, slid.size :]
            np.multiply(gate, self.pull[:, slid], out=down[:h])
            np.subtract(-self.pull[slid].T, down, out=up)
            up[:h] += gate * self.gram[:, slid]
        return self._leaving

    def slope(self, energy: float) -> float:
        """d(log V)/dt."""
        return log_slope(float(self.v.dot(self.v)), energy)
