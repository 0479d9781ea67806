"""Matrix products for ensembles, whose digits do not depend on how many trajectories share them.

A BLAS rounds a product of matrices differently for different shapes. So rows are multiplied in blocks of one fixed
number of rows, the last one padded: whatever the ensemble, the chunk and the place of a row, it is the same call.
"""

from __future__ import annotations

import numpy as np

from sheaflab.network import FloatArray

BLOCK = 32


def padded(rows: FloatArray) -> FloatArray:
    """Return `rows`, shape ``(m, ...)``, as blocks of shape ``(blocks, BLOCK, ...)``, zeros at the end."""
    blocks = -(-len(rows) // BLOCK)
    if blocks * BLOCK == len(rows):
        return rows.reshape(blocks, BLOCK, *rows.shape[1:])
    full = np.zeros((blocks * BLOCK, *rows.shape[1:]))
    full[: len(rows)] = rows
    return full.reshape(blocks, BLOCK, *rows.shape[1:])


def product(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return ``rows @ matrix``, shape ``(m, k)``."""
    return np.asarray((padded(rows) @ matrix).reshape(-1, matrix.shape[1])[: len(rows)])
