r"""One step of the flow in one mode by its Taylor series, with everything that it may be wrong by.

Derivatives beyond the first are :math:`c^{(k+1)} = -\delta^\top \delta\, c^{(k)}`. Truncation: :math:`\|c^{(k)}\|`,
:math:`k \ge 1`, does not grow along the flow, so what is left out is at most :math:`\|c^{(D+1)}(0)\|\,
h^{D+1}/(D+1)!`. Rounding: an error of one coefficient is passed on to the next by at most :math:`\|\delta\|^2
h/(k+1)`, and each adds that of its own sums.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.proof.law import TINY, Law, norm

LONGEST = 2.5  # of a step, in units of the shortest time scale
_CUT = 1e-19


class Mode:
    """Gates of a mode vector, given as names of modes."""

    def __init__(self, law: Law, modes: tuple[str, ...]) -> None:
        self.law, self.modes = law, modes
        names = np.array(modes)
        self.active: BoolArray = np.asarray(names == "active")
        self.sliding: BoolArray = np.asarray(names == "sliding")
        self.gate = self.active.astype(np.float64)
        self.moving = np.ones(law.n)
        self.moving[: law.h][self.sliding] = 0.0
        self.moving[law.held] = 0.0
        self.slid: IntArray = np.flatnonzero(self.sliding).astype(np.int64)
        self.free: IntArray = np.flatnonzero(self.moving[: law.h]).astype(np.int64)
        self.side = np.where(self.active, 1.0, -1.0)[self.free]
        self.silent = law.silent(self.active)
        self.decays = self.silent.copy()  # which coordinates obey z' = -z
        self.decays[: law.h] &= ~(self.active | self.sliding)

    def speed(self, i: int, down: FloatArray, up: FloatArray) -> float:
        """A hidden neuron's speed in this mode, of its two."""
        return 0.0 if self.sliding[i] else float(up[i] if self.active[i] else down[i])

    def delta(self, x: FloatArray) -> FloatArray:
        """The coboundary of a state or of columns; sliding coordinates are to be 0 in it.

        Of a state it is that of all coordinates, pinned ones included; in differences of states these are 0.
        """
        gate = self.gate if x.ndim == 1 else self.gate[:, None]
        return np.asarray(x - self.law.down(gate * x[: self.law.h]))

    def minus_transposed(self, r: FloatArray, pull: FloatArray) -> FloatArray:
        """Minus the transposed coboundary of `r`, whose pull is given; 0 at sliding and pinned coordinates."""
        v = -r
        if r.ndim == 1:
            v[: self.law.h] += self.gate * pull
            v *= self.moving
        else:
            v[: self.law.h] += self.gate[:, None] * pull
            v *= self.moving[:, None]
        return np.asarray(v)


class Series:
    """Taylor coefficients of a step of length `h` in the fraction of it, with bounds of their errors.

    Attributes
    ----------
    c, r, g : ndarray, shapes (D + 1, n), (D + 1, n), (D + 1, h)
        Of the state, its residual and the pull on hidden neurons.
    wrong_c, wrong_r, wrong_g : ndarray, shape (D + 2,)
        Bounds of the norms of their errors; the last entry is what the series leaves out.
    speed : float
        Bound of the norm of the velocity, at the start and ever after.
    """

    def __init__(self, mode: Mode, y: FloatArray, h: float) -> None:
        law = mode.law
        self.mode, self.h = mode, h
        z = law.fastest * h
        term, degree = z, 1
        while term > _CUT and degree < 60:
            degree += 1
            term *= z / degree
        self.degree = degree = max(degree, 4)
        self.c, self.r = np.empty((degree + 1, law.n)), np.empty((degree + 1, law.n))
        self.g = np.empty((degree + 1, law.h))
        self.wrong_c, self.wrong_r, self.wrong_g = np.zeros(degree + 2), np.zeros(degree + 2), np.zeros(degree + 2)
        c, r, g = self.c, self.r, self.g
        c[0] = y
        r[0], wrong = law.residual(y, mode.gate)
        g[0], wrong_pull = law.pulled(r[0], wrong)
        self.wrong_r[0], self.wrong_g[0] = norm(wrong), norm(wrong_pull)
        v = mode.minus_transposed(r[0], g[0])
        self.wrong_speeds = wrong_pull + wrong[: law.h] + EPS * (np.abs(r[0, : law.h]) + np.abs(g[0]))
        wrong_v = norm(wrong) + norm(self.wrong_speeds)
        self.speed = norm(v) + wrong_v
        self.velocity = v
        c[1], self.wrong_c[1] = h * v, h * wrong_v
        for k in range(1, degree + 1):
            r[k] = mode.delta(c[k])
            g[k] = law.up(r[k])
            own, pulled = norm(c[k]), norm(r[k])
            self.wrong_r[k] = law.gain * self.wrong_c[k] + law.sums * law.bulk * own + TINY
            self.wrong_g[k] = law.weight * self.wrong_r[k] + law.pulls * law.weight_bulk * pulled + TINY
            wrong_next = law.gain * self.wrong_r[k] + law.pulls * law.bulk * (pulled + self.wrong_r[k])
            if k < degree:
                c[k + 1] = (h / (k + 1)) * mode.minus_transposed(r[k], g[k])
                self.wrong_c[k + 1] = (h / (k + 1)) * wrong_next + 4e-16 * norm(c[k + 1])
        left = (h / (degree + 1)) * law.fastest * (norm(c[degree]) + self.wrong_c[degree])
        self.wrong_c[degree + 1] = left
        self.wrong_r[degree + 1], self.wrong_g[degree + 1] = law.gain * left, law.weight * law.gain * left

    @cached_property
    def _factors(self) -> FloatArray:
        k = np.arange(self.degree + 2.0)
        rows = [np.ones(self.degree + 2)]
        for p in range(8):
            rows.append(rows[-1] * np.maximum(k - p, 0.0))
        return np.array(rows)

    def wrong(self, order: int) -> tuple[float, float, float]:
        """Bounds on the whole step of the errors of the derivatives of that order of `c`, `r` and `g`."""
        f = self._factors[order]
        c, r, g = (float(f @ w) * (1 + 1e-10) for w in (self.wrong_c, self.wrong_r, self.wrong_g))
        return c, r, g

    def wrong_in(self, kind: str, order: int) -> float:
        """The same for an event function: "z" a coordinate, "down" and "up" the speeds of a sliding neuron."""
        c, r, g = self.wrong(order)
        return c if kind == "z" else r if kind == "down" else r + g

    def end(self, x: float = 1.0) -> tuple[FloatArray, float]:
        """The state at a fraction of the step and a bound of its error."""
        powers = x ** np.arange(self.degree + 1.0)
        wrong = self.wrong(0)[0] + (self.degree + 4) * 2.3e-16 * norm(np.abs(self.c[1:]).sum(axis=0))
        state = self.c[0] + powers[1:] @ self.c[1:]
        return state, wrong + 1.2e-16 * norm(state)

    def carry(self, columns: FloatArray) -> tuple[FloatArray, float]:
        """Where the mode takes columns of small differences in this step, and the relative error of that."""
        mode, law, z = self.mode, self.mode.law, self.mode.law.fastest * self.h
        total, term, k, size = columns.copy(), columns, 1, z
        while size > 1e-11 and k < 60:
            r = mode.delta(term)
            term = (self.h / k) * mode.minus_transposed(r, law.up(r))
            total += term
            k += 1
            size *= z / k
        rounding = (law.sums + law.pulls + 1e-15) * law.bulk**2 * self.h * math.exp(z)
        return total * mode.moving[:, None], 2.0 * size + rounding + 1e-15 * k
