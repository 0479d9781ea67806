"""Matrix products for ensembles, whose digits do not depend on how many trajectories share them.

A BLAS rounds a product of matrices differently for different shapes. So rows are multiplied in blocks of one fixed
number of rows, the last one padded: whatever the ensemble, the chunk and the place of a row, it is the same call.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import FloatArray

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
