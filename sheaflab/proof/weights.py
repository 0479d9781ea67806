"""The weights of a law as rows of states need them: plain products, and products that are right to the last digit."""

from __future__ import annotations

import itertools
import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import EPS, FloatArray
from sheaflab.proof.law import TINY, Law, Product, gamma
from sheaflab.proof.positivity import Doubt

NAMES = "inactive", "active", "sliding"
INACTIVE, ACTIVE, SLIDING = range(3)
CodeArray = NDArray[np.int8]
_DENSE = 64  # coordinates up to which one matrix of all layers is quicker than a matrix each
_ROOM = 4_000_000  # numbers of such matrices that are kept together
_WIDEST = 4096  # columns whose products of slices sum without rounding
_FLAT = 1e-200  # weights and states below that are no matter for slices
_LEAST = 1e-150  # above what squares below the smallest number may lose in a norm


def norms(x: FloatArray) -> FloatArray:
    """Euclidean norms of rows, rounded up."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", x, x)) * (1 + 1e-10) + _LEAST)


def squares(x: FloatArray) -> list[float]:
    """Sums of squares of rows."""
    found: list[float] = np.add.reduce(x * x, axis=1).tolist()
    return found


def root(square: float) -> float:
    """A norm from its square, rounded up."""
    return math.sqrt(square) * (1 + 1e-10) + _LEAST


class Blocks:
    """The weights of a law, in one matrix or in one each layer, as rows of states need them."""

    def __init__(self, law: Law) -> None:
        self.law = law
        if law.n <= _DENSE:
            pull = np.ascontiguousarray(law.sheaf.pull)
            self.parts = [(pull.T, slice(0, law.h), slice(0, law.n))]
            self.products = [(Product(np.ascontiguousarray(pull.T)), Product(pull))]
        else:
            self.parts = [(w, before, after) for w, _, before, after in law.layers]
            self.products = law.products
        self.largest = float(np.abs(law.drive).max())
        eta = (law.sums + law.pulls) * law.bulk * (law.gain + 1e-6 * law.bulk) * (1 + 1e-9)
        self.eta = eta + 5 * EPS * law.fastest
        self.eta_of_matrix = (gamma(law.n + 6) + law.pulls) * law.bulk**2 * (1 + 1e-6) + 6 * EPS * law.bulk**2
        sizes = [float(np.abs(w).max(initial=0.0)) for w, _, _ in law.sheaf.layers]
        wide = max(max(w.shape) for w, _, _ in self.parts) > _WIDEST
        if wide or not self.eta <= 1e-6 * law.fastest < np.inf or min(sizes) < _FLAT:
            raise Doubt("weights too many, too large or too small")

    def laplacians(self, codes: CodeArray) -> FloatArray | None:
        """The Laplacians of modes, shape ``(K, n, n)``, rows of sliding neurons 0; None of wide networks."""
        n, h = self.law.n, self.law.h
        if n > _DENSE or len(codes) * n * n > _ROOM:
            return None
        delta = np.zeros((len(codes), n, n))
        np.multiply(self.law.sheaf.pull.T, -(codes == ACTIVE).astype(np.float64)[:, None, :], out=delta[:, :, :h])
        delta.reshape(len(codes), -1)[:, :: n + 1] += 1.0
        found = delta.transpose(0, 2, 1) @ delta
        found[:, :h][codes == SLIDING] = 0.0
        return np.asarray(found)

    @cached_property
    def singles(self) -> list[tuple[NDArray[np.float32], slice, slice]]:
        """Each layer's transposed weights in single precision."""
        return [(np.ascontiguousarray(w.T, dtype=np.float32), a, b) for w, a, b in self.law.sheaf.layers]

    @cached_property
    def _stacks(self) -> list[tuple[FloatArray, slice, slice]]:
        """Weights of one or more layers in a row that have the same shape, and where they start and end."""
        found = []
        for _, group in itertools.groupby(self.parts, lambda part: part[0].shape):
            layers = list(group)
            stack = np.stack([w for w, _, _ in layers])
            (_, before, after), (_, last_before, last_after) = layers[0], layers[-1]
            found.append((stack, slice(before.start, last_before.stop), slice(after.start, last_after.stop)))
        return found

    def down(self, gated: FloatArray) -> FloatArray:
        """What the weights make of rows of gated hidden states, shape ``(R, n)``."""
        out = np.zeros((len(gated), self.law.n))
        for stack, before, after in self._stacks:
            _products(gated[:, before], stack.transpose(0, 2, 1), out[:, after])
        return out

    def up(self, r: FloatArray) -> FloatArray:
        """The pull of rows of residuals on hidden neurons, shape ``(R, h)``."""
        out = np.empty((len(r), self.law.h))
        for stack, before, after in self._stacks:
            _products(r[:, after], stack, out[:, before])
        return out

    def exactly(self, x: FloatArray, largest: FloatArray, upwards: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what sums to the products of :meth:`down` or :meth:`up`, in two arrays, and what is missing.

        The first array has no rounding, the second is small beside it; missing is a bound for each row.
        """
        rows = len(x)
        cut = _cut(x, largest)
        if len(self.parts) == 1 and self.law.n <= _DENSE:  # one matrix of all layers
            product = self.products[0][1] if upwards else self.products[0][0]
            sums, wrong = (cut.reshape(3 * rows, -1) @ product.cut.T).reshape(3, rows, 3, product.rows), product.wrong
        else:
            sums, wrong = self._by_layers(cut, upwards)
        first, (a, b, c) = sums[0, :, 0], sums
        low = (a[:, 1] + b[:, 0]) + (a[:, 2] + b[:, 1] + c[:, 0]) + (b[:, 2] + c[:, 1]) + c[:, 2]
        return first, low, 1.02 * wrong * np.maximum(largest, _FLAT) + 2.0 * TINY

    def _by_layers(self, cut: FloatArray, upwards: bool) -> tuple[FloatArray, float]:
        """Products of slices, shape ``(3, R, 3, k)``, layer after layer, and what is missing beside the largest."""
        rows, wrong = cut.shape[1], 0.0
        sums = np.zeros((3, rows, 3, self.law.h if upwards else self.law.n))
        for products, (_, before, after) in zip(self.products, self.parts, strict=True):
            product = products[1] if upwards else products[0]
            source, goal = (after, before) if upwards else (before, after)
            found = cut[:, :, source].reshape(3 * rows, -1) @ product.cut.T
            sums[..., goal] = found.reshape(3, rows, 3, product.rows)
            wrong = max(wrong, product.wrong)
        return sums, wrong


def _products(x: FloatArray, stack: FloatArray, out: FloatArray) -> None:
    """Multiply blocks of the columns of `x` by the matrices of a stack."""
    if len(stack) == 1:
        np.matmul(x, stack[0], out=out)
    else:
        blocks = x.reshape(len(x), len(stack), -1).transpose(1, 0, 2)
        out.reshape(len(x), len(stack), -1)[...] = np.matmul(blocks, stack).transpose(1, 0, 2)


def _cut(x: FloatArray, largest: FloatArray) -> FloatArray:
    """Cut each row into three slices of 20 bits, shape ``(3, R, k)``."""
    shift = 1.5 * np.ldexp(1.0, np.frexp(np.maximum(largest, _FLAT))[1] + 32)[:, None]  # 2⁵² of the slice's unit
    out = np.empty((3, *x.shape))
    rest = x
    for part in out:
        np.add(rest, shift, out=part)
        part -= shift
        rest = rest - part
        shift = shift * 2.0**-20
    return out
