r"""The linear law of a mode in floating point, each result with a bound of its error.

Standard model: a sum of `k` products is wrong by at most :math:`\gamma_k = k u / (1 - k u)`, :math:`u = 2^{-53}`,
times the same sum of absolute values, in whatever order it is taken (Higham, *Accuracy and Stability*, section 3.1).
Bounds of matrices are of their 2-norms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray
from sheaflab.sheaf import Sheaf

TINY = 1e-300  # above what underflow may lose in all sums of a step


def gamma(k: int) -> float:
    """Relative error of a sum of `k` rounded products, with room for the rounding of this bound itself."""
    return 0.5 * k * EPS / (1.0 - 0.5 * k * EPS) * (1 + 1e-10)


def norm(x: FloatArray) -> float:
    """Euclidean norm, rounded up."""
    return float(np.sqrt(np.square(x).sum())) * (1 + 1e-10)


def norm_bound(w: FloatArray) -> float:
    r"""Return a bound of :math:`\|W\|_2`, for a thousand rows 3 % too large: :math:`\|(W W^\top)^{64}\|_F^{1/128}`."""
    b = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    log, power = 0.0, 2.0
    for k in range(7):
        size = float(np.linalg.norm(b))
        if size == 0.0:
            return 0.0
        log += math.log(size) / power
        b, power = b / size, 2.0 * power
        b = b @ b if k < 6 else b
    return math.exp(log) * (1 + 1e-6)


def _gain(sizes: list[float]) -> float:
    r"""Return a bound of :math:`\|\delta_\Omega\|` in every mode, from bounds of the layers' norms.

    A row of blocks is at most :math:`\|x_\ell\| + \|W_\ell\|\,\|x_{\ell-1}\|`.
    """
    return norm_bound(np.eye(len(sizes) + 1) + np.diag(sizes, -1)) * (1 + 1e-9)


def exact_drive(sheaf: Sheaf) -> tuple[FloatArray, FloatArray]:
    r"""Return :math:`\tilde b` as a sum of two arrays: exact but for :math:`2^{-106}` of it."""
    parts = [_sums(w, values, biases) for w, values, biases in _drives(sheaf)]
    return np.concatenate([high for high, _ in parts]), np.concatenate([low for _, low in parts])


def _drives(sheaf: Sheaf) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """For each layer what is fixed before it: the weights of that, its values that are not 0, and the biases."""
    fed = [sheaf.x, *(np.maximum(v, 0.0) for v in sheaf.split(np.zeros(sheaf.n))[:-1])]  # 0 where nothing is pinned
    for w, values, biases in zip(sheaf.net.weights, fed, sheaf.net.biases, strict=True):
        drives = values.nonzero()[0]
        yield w[:, drives], values[drives], biases


def _driven(sheaf: Sheaf, doubtful: BoolArray) -> BoolArray:
    """Which of the `doubtful` coordinates are driven by what is fixed, after all: by products that underflow."""
    rows = ((w[k], values, biases[k]) for w, values, biases in _drives(sheaf) for k in range(biases.size))
    driven = [
        ask and sum((Fraction(a) * Fraction(v) for a, v in zip(w.tolist(), values.tolist(), strict=True)), Fraction(b))
        for ask, (w, values, b) in zip(doubtful.tolist(), rows, strict=True)
    ]
    return np.array(driven, dtype=np.bool_)


def _sums(w: FloatArray, x: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``w @ x + b`` as a sum of two arrays."""
    products = w * x
    errors = _low(w, np.broadcast_to(x, w.shape), products)
    rows = [[*p, *e, b] for p, e, b in zip(products.tolist(), errors.tolist(), b.tolist(), strict=True)]
    high = [math.fsum(row) for row in rows]
    return np.array(high), np.array([math.fsum([*row, -total]) for row, total in zip(rows, high, strict=True)])


def _low(a: FloatArray, b: FloatArray, product: FloatArray) -> FloatArray:
    """What rounding has taken from a product: Dekker's, by Veltkamp's halves."""

    def halves(v: FloatArray) -> tuple[FloatArray, FloatArray]:
        big = v * 134217729.0
        high = big - (big - v)
        return high, v - high

    (a1, a2), (b1, b2) = halves(a), halves(b)
    return np.asarray(((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2)


_BITS = 20


def slices(v: FloatArray) -> FloatArray:
    """Cut numbers of one scale into three of 20 bits each, whose products sum without rounding; first axis the slices.

    What is left out is at most :math:`2^{-60}` of the largest, or all where that is below 1e-250.
    """
    largest = float(np.abs(v).max(initial=0.0))
    out = np.zeros((3, *v.shape))
    if largest > 1e-250:
        unit, rest = 2.0 ** (math.frexp(largest)[1] - _BITS), v
        for part in out:
            part[...] = np.rint(rest / unit) * unit
            rest, unit = rest - part, unit / 2.0**_BITS
    return out


class Product:
    """Products with one matrix that are right to the last digit."""

    def __init__(self, w: FloatArray) -> None:
        self.rows, self.columns = w.shape
        self.cut = slices(w).reshape(-1, self.columns)
        self.wrong = float(np.abs(w).max(initial=0.0)) * self.columns * 2.0**-57
        self.least = TINY + 1e-249 * self.wrong * 2.0**57  # of a vector too small to be cut

    def terms(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Return what sums to ``w @ x``, shape ``(rows, 9)``, each without rounding, and a bound of what is missing."""
        found = (self.cut @ slices(x).T).reshape(3, self.rows, 3)
        return found.transpose(1, 0, 2).reshape(self.rows, 9), self.wrong * float(
            np.abs(x).max(initial=0.0)
        ) + self.least


class Law:
    r"""Sizes of a network that bounds need.

    Attributes
    ----------
    gain : float
        Bound of :math:`\|\delta_\Omega\|` in every mode, and `gain` squared of the largest rate.
    bulk : float
        The same of the matrix of absolute values.
    sums, pulls : float
        Relative errors of a row of the coboundary and of its transpose.
    drive, rest : ndarray, shape (n,)
        :math:`\tilde b` and what is missing in it.
    """

    def __init__(self, sheaf: Sheaf) -> None:
        self.sheaf, self.h, self.n = sheaf, sheaf.h, sheaf.n
        inner = [w for w, _, _ in sheaf.layers]
        self.held = sheaf.held
        sizes, bulks = [norm_bound(w) for w in inner], [norm_bound(np.abs(w)) for w in inner]
        self.weight, self.weight_bulk = max(sizes), max(bulks)
        self.gain, self.bulk = _gain(sizes), _gain(bulks)
        self.fastest = self.gain**2
        self.sums = gamma(max(w.shape[1] for w in inner) + 4)
        self.pulls = gamma(max(w.shape[0] for w in inner) + 2)
        self.drive, self.rest = exact_drive(sheaf)
        self.undriven: BoolArray = (self.drive == 0) & (self.rest == 0)
        self.undriven &= ~_driven(sheaf, self.undriven)
        self.layers = [(w, np.abs(w), before, after) for w, before, after in sheaf.layers]
        self.pull = np.asarray(sheaf.pull) if sheaf.n <= 200 else None
        self.pull_sizes = np.abs(self.pull) if self.pull is not None else None

        self.products = [(Product(w), Product(np.ascontiguousarray(w.T))) for w in inner]

    def residual(self, y: FloatArray, gate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The residual of a state to the last digit, and a bound of the error of each entry, shapes ``(n,)``."""
        r, wrong = (y - self.drive) - self.rest, np.full(self.n, TINY)
        first = self.layers[0][2]
        columns = np.stack([y, -self.drive, -self.rest], axis=1)
        r[first] = [math.fsum(row) for row in columns[first].tolist()]
        for (product, _), (_, _, before, after) in zip(self.products, self.layers, strict=True):
            terms, missing = product.terms(gate[before] * y[before])
            r[after] = [math.fsum(row) for row in np.concatenate([columns[after], -terms], axis=1).tolist()]
            wrong[after] += missing
        return r, wrong + 0.51 * EPS * np.abs(r)

    def pulled(self, r: FloatArray, wrong: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The pull of residuals known up to `wrong`, and a bound of its errors, shapes ``(h,)``."""
        g, off = np.empty(self.h), self.up(wrong, sizes=True) * (1 + 1e-9) + TINY
        for (_, product), (_, _, before, after) in zip(self.products, self.layers, strict=True):
            terms, missing = product.terms(r[after])
            g[before] = [math.fsum(row) for row in terms.tolist()]
            off[before] += missing
        return g, off + 0.51 * EPS * np.abs(g)

    def down(self, gated: FloatArray, sizes: bool = False) -> FloatArray:
        """What the weights make of gated hidden states, shape ``(n, ...)``; with `sizes` the absolute weights."""
        if self.pull is not None and self.pull_sizes is not None:
            return np.asarray((self.pull_sizes if sizes else self.pull).T @ gated)
        out = np.zeros((self.n, *gated.shape[1:]))
        for w, size, before, after in self.layers:
            out[after] = (size if sizes else w) @ gated[before]
        return out

    def up(self, r: FloatArray, sizes: bool = False) -> FloatArray:
        """The pull of residuals on hidden neurons, shape ``(h, ...)``; with `sizes` by the absolute weights."""
        if self.pull is not None and self.pull_sizes is not None:
            return np.asarray((self.pull_sizes if sizes else self.pull) @ r)
        out = np.empty((self.h, *r.shape[1:]))
        for w, size, before, after in self.layers:
            out[before] = (size if sizes else w).T @ r[after]
        return out

    def silent(self, active: BoolArray) -> BoolArray:
        r"""Which coordinates, shape ``(n,)``, have :math:`f^-_i = -z_i`: without drive or active neuron before them.

        Such an inactive neuron obeys :math:`\dot z_i = -z_i`: it keeps its sign, and rests where it is 0.
        """
        quiet = self.undriven.copy()
        for w, before, after in self.sheaf.layers:
            quiet[after] &= ~(w[:, active[before]] != 0).any(axis=1)
        return quiet
