r"""Steps of the flow from many states at once, each in a mode and of a length of its own: a row each.

The same series as in :mod:`sheaflab.proof.series`, with bounds that need no number of a coefficient but the first,
:math:`V = h \|\hat{\dot c}\|`. With :math:`z = \lambda h`, :math:`\lambda` the bound of all rates, and
:math:`\beta` the relative error of one product with :math:`h L`, induction gives for the error of coefficient `j`

.. math:: \|\hat c_j - c_j\| \le \bigl(w z^{j-1} + (j-1) \beta V z^{j-2}\bigr) / j!,

`w` that of the first; sums over `j`, with the factors of a derivative, are at most

.. math:: e^z (w + \beta V), \quad e^z (w + \beta V), \quad e^z (z w + (1 + z) \beta V)

for the value and the first two derivatives. First residuals and pulls are right to the last digit: products of numbers
cut into slices sum without rounding.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.proof.law import TINY, gamma
from sheaflab.proof.positivity import Doubt, least
from sheaflab.proof.weights import ACTIVE, SLIDING, Blocks, CodeArray, norms

_CUT = 2e-18
_LONGEST_SERIES = 60


class Steps:
    """A step of each row: its series, and bounds of their errors.

    Attributes
    ----------
    c : list of ndarray, each of shape (R, n)
        Coefficients of the state in the fraction of the step.
    r, g, v : ndarray, shapes (R, n), (R, h), (R, n)
        Residual, pull and velocity at the start.
    wrong_speed, wrong_v, speed : ndarray, shape (R,)
        Bounds of the error of each entry of `r` and `g` together, and of `v`, and of the norm of the velocity.
    wrong, wrong_slid : ndarray, shape (3, R)
        Errors, everywhere on the step and a little later, of the state and of the speeds of sliding neurons, and of
        their first two derivatives.
    end, wrong_end : ndarray, shapes (R, n), (R,)
    """

    def __init__(self, blocks: Blocks, codes: CodeArray, y: FloatArray, h: FloatArray) -> None:
        self.blocks, self.h, law = blocks, h, blocks.law
        self.active: BoolArray = codes == ACTIVE
        self.sliding: BoolArray = codes == SLIDING
        self.gate = self.active.astype(np.float64)
        moving = np.ones(y.shape)
        moving[:, : law.h] -= self.sliding
        self._start(y, moving)
        self._follow(y, -h[:, None] * moving)
        self._bound(y)

    def _start(self, y: FloatArray, moving: FloatArray) -> None:
        blocks, law, hidden = self.blocks, self.blocks.law, self.blocks.law.h
        largest = np.maximum.reduce(np.abs(y), axis=1)
        first, low, missing = blocks.exactly(y[:, :hidden] * self.gate, largest, upwards=False)
        s, e = _two_sum(y, -law.drive)
        s, f = _two_sum(s, -first)
        r = s + ((e + f) - low - law.rest)
        missing = missing + 2.0**-66 * (largest + blocks.largest)
        size_r = norms(r)
        wrong_r = 0.51 * EPS * size_r + np.sqrt(law.n) * missing
        first, low, missing_g = blocks.exactly(r, np.maximum.reduce(np.abs(r), axis=1), upwards=True)
        g = first + low
        wrong_g = law.weight * wrong_r * (1 + 1e-9) + 0.51 * EPS * norms(g) + np.sqrt(law.h) * missing_g
        v = -r
        v[:, :hidden] += self.gate * g
        v *= moving
        size = norms(v)
        self.r, self.g, self.v = r, g, v
        self.wrong_v = (wrong_r + wrong_g) * (1 + 1e-9) + EPS * size + TINY
        self.wrong_speed = 2.0 * (wrong_r + wrong_g) + TINY
        self.speed = size + self.wrong_v
        self.largest = largest

    def _follow(self, y: FloatArray, minus: FloatArray) -> None:
        """Coefficients until what is left out is small beside the state's rounding."""
        blocks, hidden = self.blocks, self.blocks.law.h
        z, slides = blocks.law.fastest * self.h, bool(self.sliding.any())
        c, rs, gs = [y, self.h[:, None] * self.v], [self.r], [self.g]
        small, degree = _CUT * (float(np.abs(y).max()) + blocks.largest), 1
        while True:
            # Every second time: what this degree leaves out, by its own coefficient.
            if degree % 2 == 0 and float((norms(c[degree]) * z).max()) <= small * (degree + 1):
                break
            if degree == _LONGEST_SERIES:
                raise Doubt("a series does not converge")
            r = c[degree].copy()
            r -= blocks.down(r[:, :hidden] * self.gate)
            g = blocks.up(r)
            if slides:
                rs.append(r)
                gs.append(g)
                r = r.copy()
                g = g * self.gate
            else:
                g *= self.gate
            r[:, :hidden] -= g
            r *= minus
            degree += 1
            r *= 1.0 / degree
            c.append(r)
        if slides:
            r = c[degree] - blocks.down(c[degree][:, :hidden] * self.gate)
            rs.append(r)
            gs.append(blocks.up(r))
        self.c, self.rs, self.gs, self.degree = c, rs, gs, degree

    def _bound(self, y: FloatArray) -> None:
        """The end of the step, and what the series may be wrong by."""
        law, h, c, degree = self.blocks.law, self.h, self.c, self.degree
        z, size = law.fastest * h, h * self.speed
        grown, last = np.exp(1.00001 * z) * (1 + 1e-9), norms(c[degree])
        w, beta = h * self.wrong_v + EPS * size, self.blocks.eta * h * size
        self.rounding = 4 * EPS * (self.largest + size * grown)  # of sums of a coordinate's coefficients
        plain = grown * (w + beta)
        left = z / (degree + 1) * (last + plain)  # of the norm of the first coefficient that is left out
        bends = grown * (z * w + (1 + z) * beta) + degree * (degree + 1) * left
        self.wrong = 1.1 * np.array([plain + left, plain + (degree + 1) * left, bends])
        own = 2.0 * (law.sums + law.pulls) * law.bulk**2 * size * grown * (1 + z)
        self.wrong_slid = 1.01 * law.fastest * self.wrong + 1.1 * own
        self.wrong_slid[0] += self.wrong_speed
        self.end = y + np.add.reduce(c[1:])
        self.turning = np.add.reduce([np.abs(term) for term in c[2:]])
        sums = norms(np.abs(c[1]) + self.turning)
        self.wrong_end = plain + left + 0.51 * (degree + 4) * EPS * sums + 0.6 * EPS * norms(self.end)

    def function(self, rows: IntArray, i: IntArray, kind: str) -> FloatArray:
        """Coefficients of event functions, positive while their modes last, shape ``(D + 1, len(rows))``."""
        if kind == "z":
            return _entries(self.c, rows, i) * np.where(self.active[rows, i], 1.0, -1.0)
        r = _entries(self.rs, rows, i)
        return -r if kind == "down" else r - _entries(self.gs, rows, i)

    def wrong_of(self, kind: str, order: int, rows: IntArray) -> FloatArray:
        """Errors of the derivatives of that order of event functions."""
        return np.asarray((self.wrong if kind == "z" else self.wrong_slid)[order][rows])

    def length(self, kind: str) -> float:
        """The norm of the row of an event function."""
        return {"z": 1.0, "down": self.blocks.law.gain, "up": self.blocks.law.fastest}[kind]

    def margins(self, left_out: dict[str, tuple[IntArray, IntArray]], enough: float) -> FloatArray:
        """How far states may be off, by their norm, before an event function can vanish in a row's step, ``(R,)``.

        Parameters
        ----------
        left_out : dict of (ndarray, ndarray)
            Rows and neurons, by kind, that begin or end at 0.
        enough : float
            What is no smaller than this is not looked at more closely.
        """
        hidden, c = self.blocks.law.h, self.c
        side = 2.0 * self.gate - 1.0
        low = side * c[0][:, :hidden] + np.minimum(side * c[1][:, :hidden], 0.0)
        low -= self.turning[:, :hidden] * (1 + 1e-12)
        low[self.sliding] = np.inf
        low[left_out["z"]] = np.inf
        close = np.nonzero(low <= enough)
        if close[0].size:
            low[close] = self._lowest(close[0], close[1], "z")
        found = np.minimum.reduce(low, axis=1) - self.wrong[0] - self.rounding
        for kind in ("down", "up") if len(self.rs) > 1 else ():
            slides = self.sliding.copy()
            slides[left_out[kind]] = False
            rows, i = np.nonzero(slides)
            f = self._lowest(rows, i, kind) - self.wrong_slid[0][rows]
            np.minimum.at(found, rows, f / self.length(kind))
        return np.asarray(found)

    def _lowest(self, rows: IntArray, i: IntArray, kind: str) -> FloatArray:
        value, rounding = least(self.function(rows, i, kind))
        return value - rounding

    def departs(self, rows: IntArray, i: IntArray, orders: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """For coordinates that begin at 0 with derivatives that are 0 below `orders`, 1 or 2.

        Returns a bound from below of the mean of that derivative from the start to any later place, one of how that
        changes with the start, both divided by the norm of the change of the derivative with the state, and how far
        the state may be off at the end of the step.
        """
        f, j = self.function(rows, i, "z"), np.arange(self.degree + 1.0)[:, None]
        last = np.add.reduce(f) - self.wrong[0][rows] - self.degree * self.rounding[rows]
        low, turns = np.empty(rows.size), np.empty(rows.size)
        rate = self.blocks.law.fastest * self.h[rows] * 1.01
        for order in (1, 2):
            mine = (orders == order).nonzero()[0]
            if mine.size:
                value, rounding = least(order * f[order:, mine])
                per = rate[mine] ** order
                low[mine] = (value - rounding - self.wrong_of("z", order, rows[mine])) / per
                higher = j * (j - 1) * (j - 2 if order == 2 else 1.0)
                turns[mine] = 1.1 * np.add.reduce(higher * np.abs(f[:, mine])) / per
        return low, turns, last

    def falls(self, rows: IntArray, i: IntArray, kind: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The same for functions that end at 0: of minus the mean of the derivative up to the end; at the start."""
        f, j = self.function(rows, i, kind), np.arange(self.degree + 1.0)[:, None]
        means = -np.add.accumulate(f[::-1])[::-1][1:]
        sizes = j * np.abs(f)
        low = least(means)[0] - gamma(4 * self.degree + 20) * np.add.reduce(sizes)
        per = self.blocks.law.fastest * self.h[rows] * self.length(kind) * 1.01
        turns = 1.1 * np.add.reduce((j - 1) * sizes)
        first = (f[0] - self.wrong_of(kind, 0, rows)) / self.length(kind)
        return (low - self.wrong_of(kind, 1, rows)) / per, turns / per, first


def _entries(coefficients: list[FloatArray], rows: IntArray, i: IntArray) -> FloatArray:
    """Entries `i` of `rows` of each coefficient, shape ``(D + 1, len(rows))``."""
    return np.array([c[rows, i] for c in coefficients])


def _two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A sum and its rounding error (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)
