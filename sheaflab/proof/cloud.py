r"""Where the true state may be around the computed one: a ball and some segments.

:math:`e \in s B + \sum_j [-1, 1] u_j`. Inside a mode differences obey :math:`\dot e = -\delta^\top\delta\, e`, so a
ball stays inside itself, and segments are carried along. At a wall of neuron `i` only :math:`e_i` changes, by the
factor :math:`\rho = f'_i / f_i` of its speeds after and before (to first order; the rest is added to the ball): a
ball of radius `s` becomes a subset of the ball and a segment of length :math:`s(|\rho| - 1)` along coordinate `i`.
That is how an error that a switch enlarges is enlarged in one direction only, and forgotten at the rate at which the
flow forgets it.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.proof.series import Series

_SMALL = 1e-3


class Cloud:
    """The set around a state of `n` coordinates."""

    def __init__(self, n: int, radius: float) -> None:
        self.radius, self.segments = radius, np.zeros((n, 0))

    @property
    def size(self) -> float:
        """Bound of its largest element's norm."""
        return (self.radius + float(self._lengths().sum())) * (1 + 1e-10)

    def _lengths(self) -> FloatArray:
        return np.asarray(np.sqrt(np.square(self.segments).sum(axis=0)))

    def along(self, i: int) -> float:
        """Bound of coordinate `i`."""
        return (self.radius + float(np.abs(self.segments[i]).sum())) * (1 + 1e-10)

    def against(self, row: FloatArray, length: float) -> float:
        """Bound of the product with a row of norm `length`."""
        return (self.radius * length + float(np.abs(row @ self.segments).sum())) * (1 + 1e-9)

    def widen(self, by: float) -> None:
        """Add a ball."""
        self.radius = (self.radius + by) * (1 + 1e-15)

    def after(self, series: Series) -> Cloud:
        """The set at the end of a step."""
        out = Cloud(len(self.segments), self.radius)
        if not self.segments.shape[1]:
            return out
        lengths = self._lengths()
        small = lengths <= _SMALL * self.radius
        if small.any():
            out.widen(float(lengths[small].sum()) * (1 + 1e-10))
        out.segments, relative = series.carry(self.segments[:, ~small])
        out.widen(relative * float(lengths[~small].sum()))
        return out

    def stretch(self, i: int, factor: float) -> None:
        """Multiply coordinate `i`."""
        self.segments[i] *= factor
        more = self.radius * (abs(factor) - 1.0)
        if more <= 0:
            return
        if more <= _SMALL * self.radius:
            self.widen(more)
            return
        column = np.zeros((len(self.segments), 1))
        column[i] = more * (1 + 1e-10)
        self.segments = np.concatenate([self.segments, column], axis=1)

    def pin(self, i: int) -> None:
        """Coordinate `i` is known exactly."""
        self.segments[i] = 0.0
