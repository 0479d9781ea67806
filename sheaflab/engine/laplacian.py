r"""Products with the Laplacian of a mode, brought up to date when one neuron changes its mode.

With `gate` 1 on active neurons and `moving` 0 on sliding ones, the coboundary is ``diag(moving) - pull.T @ gate``. What
is multiplied with is :math:`-L` over a power of two, so that dozens of products neither overflow nor lose a digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sheaflab.engine.blocks import unit
from sheaflab.network import FloatArray
from sheaflab.sheaf import Sheaf

_WIDE = 250  # coordinates: from here on matrices outgrow the cache, and reading less of them beats fewer calls
_FEW = 4  # layers that are worth a call each


class Dense:
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
        self.sheaf, self.gate, self.moving, self.unit = sheaf, gate, moving, unit(sheaf)
        self.minus = np.diag(-moving / self.unit)
        for w, before, after in sheaf.layers:
            scaled = gate[before, None] / self.unit
            self.minus[before, after] = down = scaled * w.T * moving[after]
            self.minus[after, before] = down.T
            self.minus[before, before] -= scaled * sheaf.gram[before, before] * gate[before]

    def change(self, i: int) -> None:
        """Take over the mode of neuron `i`."""
        sheaf, h, row = self.sheaf, self.sheaf.h, np.zeros(self.sheaf.n)
        if self.moving[i]:
            row[i] = -1.0
            if self.gate[i]:
                row += self.moving * sheaf.pull[i]
                row[:h] += self.gate * (sheaf.pull[:, i] - sheaf.gram[i])
            else:
                row[:h] += self.gate * sheaf.pull[:, i]
            row /= self.unit
        self.minus[i] = row
        self.minus[:, i] = row

    def powers(self, rows: list[FloatArray]) -> None:
        """Fill every row but the first: ``-L / unit`` times the one before."""
        last = rows[0]
        if self.sheaf.n < _WIDE:
            product = self.minus.dot
            for row in rows[1:]:
                last = product(last, row)
        else:
            from scipy.linalg.blas import dsymv  # when needed: importing sheaflab stays light

            for row in rows[1:]:
                last = dsymv(1.0, self.minus.T, last, y=row, overwrite_y=True)


class Layered:
    """The weights of the active neurons, layer after layer: less to read than the Laplacian of a few wide layers.

    Parameters
    ----------
    sheaf, gate, moving
        As for :class:`Dense`.
    """

    def __init__(self, sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> None:
        self.sheaf, self.gate, self.moving, self.unit = sheaf, gate, moving, unit(sheaf)
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


def laplacian(sheaf: Sheaf, gate: FloatArray, moving: FloatArray) -> Dense | Layered:
    """Choose by the widths."""
    kind = Layered if sheaf.n >= _WIDE and len(sheaf.layers) <= _FEW else Dense
    return kind(sheaf, gate, moving)
