"""Matrix products and fields for ensembles, whose digits do not depend on how many trajectories share them.

A BLAS rounds a product of matrices differently for different shapes. So rows are multiplied in blocks of one fixed
number of rows, the last one padded: whatever the ensemble, the chunk and the place of a row, it is the same call.
"""

from __future__ import annotations

import math

import numpy as np

from sheaflab.network import FloatArray
from sheaflab.results import ACTIVE, SLIDING, CodeArray
from sheaflab.sheaf import Sheaf

BLOCK, FEW, WIDE = 32, 8, 160


def rows_for(n: int) -> int:
    """Rows of a block: fewer for wide networks, where a few starts must not pay for many."""
    return FEW if n > WIDE else BLOCK


def padded(rows: FloatArray, size: int = BLOCK) -> FloatArray:
    """Return `rows`, shape ``(m, ...)``, as blocks of shape ``(blocks, size, ...)``, zeros at the end."""
    blocks = -(-len(rows) // size)
    if blocks * size == len(rows):
        return rows.reshape(blocks, size, *rows.shape[1:])
    full = np.zeros((blocks * size, *rows.shape[1:]))
    full[: len(rows)] = rows
    return full.reshape(blocks, size, *rows.shape[1:])


def product(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return ``rows @ matrix``, shape ``(m, k)``."""
    blocks = padded(rows, rows_for(max(matrix.shape)))
    return np.asarray((blocks @ matrix).reshape(-1, matrix.shape[1])[: len(rows)])


def unit(sheaf: Sheaf) -> float:
    """What Laplacians are divided by so that dozens of products do not overflow: a power of two, so it is exact."""
    return 2.0 ** math.ceil(2 * math.log2(sheaf.gain))


class Layers:
    """The coboundary of many rows, each in its own mode, and the pull from residuals to hidden neurons."""

    def __init__(self, sheaf: Sheaf) -> None:
        self.h, self.n, self.b = sheaf.h, sheaf.n, np.asarray(sheaf.boundary_term)
        self.block = rows_for(sheaf.n)
        self.pairs = [
            (before, after, np.ascontiguousarray(w.T), np.ascontiguousarray(w)) for w, before, after in sheaf.layers
        ]
        self.unit = unit(sheaf)

    def apply(
        self, s: FloatArray, active: FloatArray, r: FloatArray, g: FloatArray, shift: FloatArray | float = 0.0
    ) -> None:
        """Put δ s - `shift` into `r`, shape ``(blocks, block, n)``, and its pull into `g`, ``(blocks, block, h)``."""
        np.multiply(s[..., : self.h], active, out=g)
        np.subtract(s, shift, out=r)
        for before, after, down, _ in self.pairs:
            r[..., after] -= g[..., before] @ down
        for before, after, _, up in self.pairs:
            np.matmul(r[..., after], up, out=g[..., before])

    def field(self, c: FloatArray, codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Residuals of states, shape ``(m, n)``, and their pulls, shape ``(m, h)``."""
        m = len(c)
        s, active = padded(c, self.block), padded((codes == ACTIVE).astype(np.float64), self.block)
        r, g = np.empty(s.shape), np.empty(active.shape)
        self.apply(s, active, r, g, self.b)
        return r.reshape(-1, self.n)[:m], g.reshape(-1, self.h)[:m]


def velocities(r: FloatArray, g: FloatArray, codes: CodeArray) -> FloatArray:
    """Velocities, shape ``(m, n)``, from residuals and pulls of rows in modes `codes`."""
    v = -r
    h = codes.shape[1]
    v[:, :h] += np.where(codes == ACTIVE, g, 0.0)
    v[:, :h][codes == SLIDING] = 0.0
    return v
