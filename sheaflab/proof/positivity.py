r"""Prove that a polynomial stays positive on [0, 1], its own uncertainty included.

On an interval a polynomial lies between its least and its largest Bernstein coefficient there. Intervals are halved
until that shows :math:`f > E_0`. Next to a known zero no value can: there a derivative does. Where :math:`f, \dots,
f^{(p-1)}` vanish at the start and :math:`f^{(p)} > E_p` on :math:`[0, x_1]`, `f` is positive there (Taylor); where
:math:`f' < -E_1` on :math:`[x_2, 1]`, `f` is above its value at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.proof.law import gamma

_DEEPEST = 48


class Doubt(Exception):
    """Something could not be proved."""


class Refutation(Exception):
    """Something is certainly not so."""


@cache
def _bernstein(degree: int) -> FloatArray:
    k = range(degree + 1)
    return np.array([[math.comb(j, i) / math.comb(degree, i) for i in k] for j in k])


@cache
def _binomials(degree: int) -> FloatArray:
    k = range(degree + 1)
    return np.array([[float(math.comb(j, i)) for j in k] for i in k])


def least(f: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least Bernstein coefficients of columns of monomials on [0, 1], and the rounding of that."""
    low = np.minimum.reduce(_bernstein(len(f) - 1) @ f)
    return np.asarray(low), gamma(len(f) + 3) * np.add.reduce(np.abs(f))


def _shift(f: FloatArray, at: float) -> FloatArray:
    """Monomials of f(at + u) in u."""
    degree = len(f) - 1
    j = np.arange(degree + 1)
    powers = at ** np.maximum(j[None, :] - j[:, None], 0)
    return np.asarray((_binomials(degree) * powers) @ f)


def _derivative(f: FloatArray, order: int) -> FloatArray:
    for _ in range(order):
        f = f[1:] * np.arange(1.0, len(f))
    return f


def prove(f: FloatArray, order: int, falls: bool, wrong: Callable[[int], float]) -> None:
    """Prove that `f` is positive on (0, 1], or on (0, 1) where it `falls` to a zero at the end.

    Parameters
    ----------
    f : ndarray, shape (degree + 1,)
        Monomials.
    order : int
        How many of the first derivatives, from the value on, are zero at the start.
    falls : bool
    wrong : callable
        From an order to a bound of the error of that derivative of `f` on the whole interval.

    Raises
    ------
    Doubt, Refutation
        With the fraction at which the proof fails.
    """
    start = _departure(f, order, wrong(order)) if order else 0.0
    stop = 1.0 - _arrival(f, wrong(1)) if falls else 1.0
    limit, sizes, degree = wrong(0), np.abs(f), len(f) - 1
    j = np.arange(degree + 1.0)
    todo = [(start, stop, 0)] if start < stop else []
    while todo:
        left, right, depth = todo.pop()
        b = _bernstein(degree) @ (_shift(f, left) * (right - left) ** j)
        slack = limit + gamma(4 * degree + 8) * float(sizes @ right**j)
        if b.min() > slack:
            continue
        if min(b[0], b[-1]) < -slack:
            raise Refutation(left if b[0] < b[-1] else right)
        if depth == _DEEPEST or min(b[0], b[-1]) <= slack:
            raise Doubt(left)
        middle = 0.5 * (left + right)
        todo += [(middle, right, depth + 1), (left, middle, depth + 1)]


def _departure(f: FloatArray, order: int, wrong: float) -> float:
    d = _derivative(f, order)
    slack = wrong + gamma(2 * len(f)) * float(np.abs(d).sum())
    if d[0] <= slack:
        raise Doubt(0.0)
    x, j = 1.0, np.arange(1.0, len(d))
    while d[0] - np.abs(d[1:]) @ x**j <= slack:
        x *= 0.5
        if x < 1e-300:
            raise Doubt(0.0)
    return x


def _arrival(f: FloatArray, wrong: float) -> float:
    d = _shift(_derivative(f, 1), 1.0)
    sizes = _binomials(len(d) - 1) @ np.abs(_derivative(f, 1))
    slack = wrong + gamma(4 * len(f)) * float(sizes.sum())
    if d[0] >= -slack:
        raise Doubt(1.0)
    x, j = 1.0, np.arange(1.0, len(d))
    while d[0] + np.abs(d[1:]) @ x**j >= -slack:
        x *= 0.5
        if x < 1e-300:
            raise Doubt(1.0)
    return x
