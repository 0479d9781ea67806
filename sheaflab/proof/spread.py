"""Where the true state may be around the logged one: a ball, or a ball and segments, from stretch to stretch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import EPS, FloatArray
from sheaflab.proof.positivity import Doubt
from sheaflab.proof.stretches import Stretches
from sheaflab.proof.weights import ACTIVE, SLIDING, CodeArray

_WIDE = 100  # coordinates a layer from which single precision is quicker by more than it costs

_SMALL = 3e-3  # of the radius: segments no longer than that are no more than ball
_FINE = 1e-4  # of the same: what the law of a segment may leave out in a stretch

Rows = NDArray[np.floating[Any]]


class Ball:
    """All states within a radius."""

    def __init__(self, radius: float) -> None:
        self.radius = radius

    @property
    def size(self) -> float:
        """Bound of its largest element's norm."""
        return self.radius

    def along(self, i: int) -> float:
        """Bound of coordinate `i`."""
        return self.radius

    def widen(self, by: float) -> None:
        """Add a ball."""
        self.radius = (self.radius + by) * (1 + 1e-14)

    def stretch(self, i: int, factor: float) -> None:
        """Multiply coordinate `i`."""
        self.radius *= max(1.0, abs(factor)) * (1 + 1e-14)

    def pin(self, i: int) -> None:
        """Coordinate `i` is known exactly."""

    def carry(self, of: Stretches, k: int) -> None:
        """Follow stretch `k`."""


class Segments(Ball):
    """A ball and segments, as in :class:`sheaflab.proof.cloud.Cloud`.

    Segments of wide networks have single precision, in a unit of their own: what that takes is small beside the ball.
    """

    def __init__(self, of: Stretches) -> None:
        super().__init__(0.0)
        n = of.law.n
        self.single = n > _WIDE * len(of.law.layers)
        self.rows: Rows = np.zeros((0, n), dtype=np.float32 if self.single else np.float64)
        self.unit = EPS * of.scale if self.single else 1.0
        self.rounding = 1e-6 if self.single else 1e-14  # relative error of a few operations
        self._lengths = 0.0

    @property
    def size(self) -> float:
        """Bound of its largest element's norm."""
        return (self.radius + self._lengths) * (1 + 1e-9)

    def along(self, i: int) -> float:
        """Bound of coordinate `i`."""
        return (self.radius + float(np.abs(self.rows[:, i].astype(np.float64)).sum()) * self.unit) * (1 + 1e-9)

    def stretch(self, i: int, factor: float) -> None:
        """Multiply coordinate `i`."""
        self.rows[:, i] *= self.rows.dtype.type(factor)
        self.widen(2.0 * self.rounding * float(np.abs(self.rows[:, i].astype(np.float64)).sum()) * self.unit)
        more = self.radius * (abs(factor) - 1.0) * (1 + self.rounding)
        if more > _SMALL * self.radius:
            row = np.zeros((1, self.rows.shape[1]), dtype=self.rows.dtype)
            row[0, i] = more / self.unit
            self.rows = np.concatenate([self.rows, row])
        elif more > 0:
            self.widen(more)
        self._lengths = float(self._sizes(self.rows).sum())

    def pin(self, i: int) -> None:
        """Coordinate `i` is known exactly."""
        self.rows[:, i] = 0.0

    def carry(self, of: Stretches, k: int) -> None:
        """Follow stretch `k`."""
        for _ in range(1 if of.closed else int(of.steps_of[k])):
            lengths = self._sizes(self.rows)
            small = lengths <= _SMALL * self.radius
            if small.any():
                self.widen(float(lengths[small].sum()) * (1 + 1e-9))
                self.rows, lengths = self.rows[~small], lengths[~small]
            if of.closed and len(self.rows):
                self.rows, relative = of.closed.carry(k, self.rows)
                self.widen(relative * float(lengths.sum()) * (1 + 1e-9))
            elif len(self.rows):
                self._step(of, k, float(of.spans[k] / of.steps_of[k]), lengths)
        self._lengths = float(self._sizes(self.rows).sum())

    def _sizes(self, rows: Rows) -> FloatArray:
        """Bounds of the norms of rows."""
        squares = np.einsum("ij,ij->i", rows, rows).astype(np.float64)
        more, least = (1.001, 1e-17) if self.single else (1 + 1e-9, 1e-150)  # squares of the least numbers are lost
        return np.asarray((np.sqrt(squares) * more + least) * self.unit)

    def _wide(self, of: Stretches, codes: CodeArray) -> Callable[[Rows], Rows]:
        """Products with the Laplacian of all coordinates, by the columns of active neurons alone."""
        parts = [
            (wt[mine], before.start + mine, after)
            for wt, before, after in of.blocks.singles
            for mine in (np.flatnonzero(codes[before] == ACTIVE),)
        ]

        def laplacian(x: Rows) -> Rows:
            r = x.copy()
            for wt, mine, after in parts:
                r[:, after] -= x[:, mine] @ wt
            x = r.copy()
            for wt, mine, after in parts:
                x[:, mine] -= r[:, after] @ wt.T
            return x

        return laplacian

    def _narrow(self, of: Stretches, codes: CodeArray) -> Callable[[Rows], Rows]:
        """The same for layers so narrow that choosing columns costs more than it saves."""
        gate, blocks, hidden = (codes == ACTIVE).astype(np.float64), of.blocks, of.sheaf.h

        def laplacian(x: Rows) -> Rows:
            r = x - blocks.down(x[:, :hidden] * gate)
            pulled = blocks.up(r) * gate
            r[:, :hidden] -= pulled
            return np.asarray(r)

        return laplacian

    def _step(self, of: Stretches, k: int, h: float, lengths: FloatArray) -> None:
        """Follow the segments for a time `h` in one mode, each by as many terms as its length asks for."""
        law, hidden, kind = of.law, of.sheaf.h, self.rows.dtype
        codes, eta = of.codes[k], of.blocks.eta * (2.0**30 if self.single else 2.0)
        if of.laplacians is not None:
            laplacian, eta = of.laplacians[k].T.__rmatmul__, 2.0 * of.blocks.eta_of_matrix
        else:
            laplacian = self._wide(of, codes) if self.single else self._narrow(of, codes)
        minus = np.full(law.n, -h, dtype=kind)
        minus[:hidden][codes == SLIDING] = 0.0
        z, term, todo, degree = law.fastest * h, self.rows, np.arange(len(self.rows)), 0
        left, lost = lengths * z, 0.0
        while True:
            enough = left <= _FINE * self.radius / len(lengths)
            lost += float(left[enough].sum())
            if enough.any():
                term, todo, left = term[~enough], todo[~enough], left[~enough]
            if not todo.size:
                break
            term = laplacian(term)
            degree += 1
            term *= minus / kind.type(degree)
            if degree == 1:
                self.rows = self.rows.copy()
            self.rows[todo] += term
            left = self._sizes(term) * (z / (degree + 1))
            if not np.isfinite(left).all():
                raise Doubt("the size of a state is beyond single precision")
        self.widen(lost + (eta * h * float(np.exp(z)) + 2.0 * self.rounding) * float(lengths.sum()))
