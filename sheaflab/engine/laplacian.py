r"""Products with the Laplacian of a mode, brought up to date when one neuron changes its mode.

With `gate` 1 on active neurons and `moving` 0 on sliding ones, the coboundary is ``diag(moving) - pull.T @ gate``. What
is multiplied with is :math:`-L` over a power of two, so that dozens of products neither overflow nor lose a digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import FloatArray
from sheaflab.engine.layers import unit
from sheaflab.sheaf import Sheaf

_Part = tuple[slice | None, FloatArray | None, slice, FloatArray, slice, FloatArray]
_WIDE = 250  # coordinates: from here on matrices outgrow the cache, and reading less of them beats fewer calls


class _Rows:
    """What all of them know: the gates, and a row of the matrix."""

    def __init__(self, sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> None:
        self.sheaf, self.gate, self.moving, self.unit = sheaf, gate, moving, sheaf.shared(unit)

    def row(self, i: int) -> FloatArray:
        """Row `i`: it meets the layer before, its own and the one after."""
        row = np.zeros(self.sheaf.n)
        if self.moving[i]:
            before, reads, own, square, after, drives = self.sheaf.shared(_parts)[i]
            if before is not None and reads is not None:
                row[before] = self.gate[before] * reads
            if self.gate[i]:
                row[own] = self.gate[own] * square
                row[after] = self.moving[after] * drives
            row[i] -= 1.0 / self.unit
        return row


def _parts(sheaf: Sheaf) -> list[_Part]:
    """What each hidden neuron's row is made of, apart from the gates: over the unit, which is exact."""
    parts: list[_Part] = []
    before: slice | None = None
    reads: Iterable[FloatArray | None] = repeat(None)
    over = 1.0 / sheaf.shared(unit)
    for w, own, after in sheaf.layers:
        scaled, square = over * w, -over * sheaf.gram[own, own]
        rows = zip(reads, square, np.ascontiguousarray(scaled.T), strict=False)
        parts += [(before, row, own, near, after, column) for row, near, column in rows]
        before, reads = own, scaled
    return parts


class Dense(_Rows):
    """The matrix itself, of which a neuron's change is one row and column.

    Parameters
    ----------
    sheaf : Sheaf
    gate : ndarray, shape (h,)
        1 on active neurons, 0 on the others; the owner writes to it, then calls `change`.
    moving : ndarray, shape (n,)
        0 on sliding neurons, 1 elsewhere; likewise.
    """

    def __init__(self, sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> None:
        super().__init__(sheaf, gate, moving)
        self.minus = np.diag(-moving / self.unit)
        for w, before, after in sheaf.layers:
            scaled = gate[before, None] / self.unit
            self.minus[before, after] = down = scaled * w.T * moving[after]
            self.minus[after, before] = down.T
            self.minus[before, before] -= scaled * sheaf.gram[before, before] * gate[before]

    def change(self, i: int) -> None:
        """Take over the mode of neuron `i`."""
        self.minus[i] = self.minus[:, i] = self.row(i)

    def powers(self, rows: list[FloatArray]) -> None:
        """Fill every row but the first: ``-L / unit`` times the one before."""
        product, last = self.minus.dot, rows[0]
        for row in rows[1:]:
            last = product(last, row)


class Banded(Dense):
    """The same of many narrow layers, where only neighbours meet: entry ``(i, j)``, ``i >= j``, at ``[i - j, j]``."""

    def __init__(self, sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> None:
        super().__init__(sheaf, gate, moving)
        self.width = bandwidth(sheaf)
        self.band = np.zeros((self.width + 1, sheaf.n), order="F")
        self.flat = self.band.reshape(-1, order="F")  # a view: entry (i, j) at i + j * width
        for d in range(self.width + 1):
            self.band[d, : sheaf.n - d] = self.minus.diagonal(-d)
        del self.minus

    def change(self, i: int) -> None:
        """Take over the mode of neuron `i`."""
        row, width = self.row(i), self.width
        below = row[i : i + width + 1]
        self.band[: below.size, i] = below
        first = max(i - width, 0)
        self.flat[i + first * width : i + i * width : width] = row[first:i]

    def powers(self, rows: list[FloatArray]) -> None:
        """Fill every row but the first: ``-L / unit`` times the one before."""
        from scipy.linalg.blas import dsbmv  # when needed: importing sheaflab stays light

        last = rows[0]
        for row in rows[1:]:
            last = dsbmv(self.width, 1.0, self.band, last, y=row, overwrite_y=True, lower=True)


class Layered(_Rows):
    """The weights of the active neurons, layer after layer: less to read than the Laplacian of a few wide layers.

    Parameters
    ----------
    sheaf, gate, moving
        As for :class:`Dense`.
    """

    def __init__(self, sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> None:
        super().__init__(sheaf, gate, moving)
        self.weights = [np.ascontiguousarray(w.T) for w, _, _ in sheaf.layers]
        self.parts = [self._part(k) for k in range(len(self.weights))]
        self.slid = (moving == 0).nonzero()[0]

    def _part(self, k: int) -> tuple[slice, NDArray[np.intp], FloatArray]:
        _, before, after = self.sheaf.layers[k]
        active = self.gate[before].nonzero()[0]
        return after, active + before.start, self.weights[k][active]

    def change(self, i: int) -> None:
        """Take over the mode of neuron `i`."""
        k = self.sheaf.place(i)[0] - 1
        self.parts[k] = self._part(k)
        self.slid = (self.moving == 0).nonzero()[0]

    def powers(self, rows: list[FloatArray]) -> None:
        """Fill every row but the first: ``-L / unit`` times the one before."""
        last, scale = rows[0], -1.0 / self.unit
        for row in rows[1:]:
            np.copyto(row, last)
            for after, active, weights in self.parts:
                row[after] -= last[active].dot(weights)
            for after, active, weights in self.parts:  # a layer's residual is read before it is written to
                row[active] -= weights.dot(row[after])
            row *= scale
            if self.slid.size:
                row[self.slid] = 0.0
            last = row


def bandwidth(sheaf: Sheaf) -> int:
    """How far apart two coordinates may be that meet in the Laplacian."""
    widths = sheaf.net.widths
    return max(a + b for a, b in pairwise(widths[1:])) - 1


def laplacian(sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> Dense | Layered:
    """Choose by the widths."""
    if sheaf.n < _WIDE:
        return Dense(sheaf, gate, moving)
    narrow = 4 * bandwidth(sheaf) < sheaf.n
    # A page loads SciPy, a third of all that it loads, for those who import it; without it the other way is as right.
    return (Banded if narrow and find_spec("scipy") else Layered)(sheaf, gate, moving)
