"""The heat equation's field at many states at once, each in its own mode, layer after layer."""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.blocks import padded, rows_for
from sheaflab.modes import ACTIVE, SLIDING, CodeArray
from sheaflab.sheaf import Sheaf, log_slopes


def unit(sheaf: Sheaf) -> float:
    """Return the divisor of Laplacians that keeps dozens of products from overflow: a power of two, so it is exact."""
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
        """Put δ s - `shift` into `r`, shape ``(blocks, block, n)``, and its pull into `g`, shaped like `active`.

        That is 1 on active neurons and 0 on others, of shape ``(blocks, block, h)``, or with 0 on outputs
        ``(blocks, block, n)``: to work on rows as a whole is faster than on a part of each.
        """
        np.multiply(s[..., : active.shape[-1]], active, out=g)
        np.subtract(s, shift, out=r)
        for before, after, down, _ in self.pairs:
            r[..., after] -= g[..., before] @ down
        for before, after, _, up in self.pairs:
            np.matmul(r[..., after], up, out=g[..., before])

    def field(
        self, c: FloatArray, codes: CodeArray, drives: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return residuals of states, shape ``(m, n)``, and their pulls, shape ``(m, h)``.

        The boundary term is that of the sheaf, or a row of `drives`, shape ``(m, n)``, for each.
        """
        m = len(c)
        s, active = padded(c, self.block), padded((codes == ACTIVE).astype(np.float64), self.block)
        r, g = np.empty(s.shape), np.empty(active.shape)
        self.apply(s, active, r, g, self.b if drives is None else padded(drives, self.block))
        return r.reshape(-1, self.n)[:m], g.reshape(-1, self.h)[:m]


def velocities(r: FloatArray, g: FloatArray, codes: CodeArray) -> FloatArray:
    """Return velocities, shape ``(m, n)``, from residuals and pulls of rows in modes `codes`."""
    v = -r
    h = codes.shape[1]
    v[:, :h] += np.where(codes == ACTIVE, g, 0.0)
    v[:, :h][codes == SLIDING] = 0.0
    return v


def slopes_in(codes: CodeArray, r: FloatArray, g: FloatArray, energy: FloatArray) -> FloatArray:
    """Return d(log V)/dt, shape ``(m,)``, from residuals, pulls and energies of rows in modes `codes`."""
    return log_slopes(np.square(velocities(r, g, codes)).sum(axis=1), energy)
