r"""The first event of polynomials on [0, 1], certified by the signs of their Bernstein coefficients.

With :math:`f(x) = \sum_j b_j \binom{K}{j} x^j (1 - x)^{K - j}`: if every :math:`b_j \ge 0` and some is positive, `f`
has no root in (0, 1); and the number of sign changes in `b` bounds the number of roots, with equal parity (Descartes'
rule after :math:`y = x/(1-x)`). So one sign change is exactly one root, and more are separated by halving. As in
:mod:`sheaflab.events.exponentials` the theorem is applied to `f` plus its rounding, so halving ends, and each root is
moved back to where `f` itself vanishes.
"""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.events.newton import back

DEEPEST = 60
NOISE = 16 * EPS


@cache
def conversion(degree: int) -> FloatArray:
    """Matrix from monomial to Bernstein coefficients, shape ``(degree + 1, degree + 1)``."""
    k = range(degree + 1)
    matrix = np.array([[math.comb(j, i) / math.comb(degree, i) for i in k] for j in k])
    matrix.setflags(write=False)
    return matrix


@cache
def halves(degree: int) -> tuple[FloatArray, FloatArray]:
    """Matrices that take Bernstein coefficients on [0, 1] to those on its two halves."""
    k = range(degree + 1)
    left = np.array([[math.comb(j, i) / 2.0**j if i <= j else 0.0 for i in k] for j in k])
    return left, np.ascontiguousarray(left[::-1, ::-1])


def first_root(monomials: list[float], lifted: FloatArray, noise: float | list[float], limit: float) -> float:
    """Return the first x in (0, `limit`] where a polynomial falls below zero, ``inf`` if there is none.

    Parameters
    ----------
    monomials : list of float
        Coefficients of `f`, lowest first.
    lifted : ndarray, shape (degree + 1,)
        Bernstein coefficients of `f` + its rounding.
    noise : float or list of float
        The rounding of `f`, not negative: a constant far below what `f` is elsewhere, or monomials.
    limit : float
        At most 1.

    Examples
    --------
    The first root of 1 - 2 x:

    >>> first_root([1.0, -2.0], np.array([1.0, -1.0]), 0.0, 1.0)
    0.5
    """
    if isinstance(noise, float):
        raised = [monomials[0] + noise, *monomials[1:]]
    else:
        raised = [a + e for a, e in zip(monomials, noise, strict=True)]
    todo = [(0.0, 1.0, lifted)]
    while todo:
        start, width, b = todo.pop()
        if start > limit and value(monomials, limit) > 0:
            return math.inf
        signs = (b < 0).tobytes()  # so few that bytes and plain floats are faster than arrays
        first = signs.find(1)
        if first < 0:
            continue
        if first == 0:  # below zero at once, by more than rounding
            return back(partial(_both, monomials), start)
        if 0 not in signs[first:] or width < 2.0**-DEEPEST:  # one change of sign
            if limit < start + width and value(monomials, limit) > 0:  # without its rounding: others compete so
                return math.inf
            above, under = b[first - 1 : first + 1].tolist()
            guess = start + width * (first - 1 + above / (above - under)) / (len(b) - 1)
            root, slope = _newton(raised, start, start + width, guess)
            step = -noise / slope if slope and isinstance(noise, float) else math.inf
            root = root - abs(step) if abs(step) <= 1e-8 * root else back(partial(_both, monomials), root)
            return root if root <= limit else math.inf
        half = 0.5 * width
        left, right = halves(len(monomials) - 1)
        todo += [(start + half, half, right @ b), (start, half, left @ b)]
    return math.inf


def value(monomials: list[float], x: float) -> float:
    """Evaluate a polynomial by Horner's rule."""
    total = 0.0
    for a in reversed(monomials):
        total = total * x + a
    return total


def _both(monomials: list[float], x: float) -> tuple[float, float]:
    total = slope = 0.0
    for a in reversed(monomials):
        slope = slope * x + total
        total = total * x + a
    return total, slope


def _newton(raised: list[float], low: float, high: float, x: float) -> tuple[float, float]:
    """The one root in (low, high], where the polynomial falls, by Newton's method in a shrinking bracket; the slope."""
    if not low < x < high:
        x = 0.5 * (low + high)
    last = 0.0
    for _ in range(200):
        f, slope = _both(raised, x)
        if f > 0:
            low = x
        elif f < 0:
            high = x
        else:
            break
        following = x - f / slope if slope < 0 else low
        step = abs(following - x)
        if not low < following < high:
            following, step = 0.5 * (low + high), 0.0
            done = following in (low, high)
        else:  # Newton's steps shrink quadratically: where the next would be below rounding, it need not be taken
            done = step**3 <= 2e-16 * x * last**2
        x, last = following, step
        if done:
            break
    return x, slope
