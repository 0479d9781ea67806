"""The first roots of many polynomials at once, by the theorem of :mod:`sheaflab.events.polynomials`.

All intervals of one depth are examined together, breadth first; those with one sign change wait for one run of
Halley's method over all of them.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import FloatArray, IntArray
from sheaflab.blocks import product
from sheaflab.events.newton import back_all
from sheaflab.events.polynomials import DEEPEST, halves

_CLOSE = 1e-9  # relative: what is left is cubed, and squared by the step back to the root of `f` itself


def first_roots(
    monomials: FloatArray, noise: FloatArray, groups: IntArray, limits: FloatArray, b: FloatArray
) -> FloatArray:
    """Return the first x in (0, 1] where each polynomial falls below zero, ``inf`` if there is none.

    Polynomials compete within groups: one whose root lies past its group's limit may get ``inf``.

    Parameters
    ----------
    monomials : ndarray, shape (m, degree + 1)
        Coefficients, lowest first.
    noise : ndarray, shape (m,)
        Rounding of each polynomial, not negative.
    groups : ndarray of int, shape (m,)
    limits : ndarray, shape (g,)
        At most 1; lowered in place to the first root of each group.
    b : ndarray, shape (m, degree + 1)
        Bernstein coefficients of the polynomials + `noise`.

    Returns
    -------
    ndarray, shape (m,)
    """
    size, degree = len(monomials), monomials.shape[1] - 1
    first = np.full(size, np.inf)
    if not size:
        return first
    left, right = halves(degree)
    owners = np.flatnonzero((b < 0).any(axis=1))
    b, start = b[owners], np.zeros(owners.size)
    brackets: list[tuple[IntArray, FloatArray, FloatArray, FloatArray]] = []
    for depth in range(DEEPEST + 1):
        if not owners.size:
            break
        width = 0.5**depth
        signs = b < 0
        below = signs[:, 0]
        if below.any():  # below zero at once, or a root in the interval before, which is then the lesser one
            np.minimum.at(first, owners[below], start[below])
        changes = np.count_nonzero(signs[:, 1:] != signs[:, :-1], axis=1)
        one = ~below & (changes > 0 if depth == DEEPEST else changes == 1)
        if one.any():
            j = signs[one].argmax(axis=1)
            row = np.arange(j.size)
            high, low = b[one][row, j - 1], b[one][row, j]
            guess = start[one] + width * (j - 1 + high / (high - low)) / degree
            brackets.append((owners[one], start[one], start[one] + width, guess))
        more = ~below & ~one & (changes > 1) & (start < first[owners]) & (start <= limits[groups[owners]])
        owners, start, b = owners[more], start[more], b[more]
        if owners.size:
            b = np.concatenate([product(b, left.T), product(b, right.T)])
            owners, start = np.concatenate([owners, owners]), np.concatenate([start, start + 0.5 * width])
    if brackets:
        owner, lows, highs, guesses = (np.concatenate(parts) for parts in zip(*brackets, strict=True))
        raised = monomials[owner]
        raised[:, 0] += noise[owner]
        np.minimum.at(first, owner, _back(monomials[owner], _halley(raised, lows, highs, guesses)))
    first[first > 1.0] = np.inf
    np.minimum.at(limits, groups, first)
    return first


def _powers(x: FloatArray, degree: int) -> FloatArray:
    """1, x, x², … of each number, shape ``(m, degree + 1)``."""
    powers = np.empty((x.size, degree + 1))
    powers[:, 0], powers[:, 1:] = 1.0, x[:, None]
    return np.multiply.accumulate(powers, axis=1, out=powers)


def _halley(raised: FloatArray, low: FloatArray, high: FloatArray, x: FloatArray) -> FloatArray:
    """The one root in each (low, high], where the polynomial falls: Halley's method inside a shrinking bracket."""
    degree = raised.shape[1] - 1
    k = np.arange(degree + 1.0)
    pairs = k * (k - 1.0)
    x = np.where((low < x) & (x < high), x, 0.5 * (low + high))
    root, alive = x.copy(), np.arange(x.size)
    for _ in range(200):
        terms = raised * _powers(x, degree)
        f, first, second = (np.add.reduce(part, axis=1) for part in (terms, terms * k, terms * pairs))
        low, high = np.where(f > 0, x, low), np.where(f < 0, x, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # x f' and x² f'' are at hand
            newton = f / first
            following = x - x * newton / (1.0 - 0.5 * np.maximum(np.minimum(newton * second / first, 1.0), -1.0))
        inside = (first < 0) & (low < following) & (following < high)
        following = np.where(f == 0, x, np.where(inside, following, 0.5 * (low + high)))
        going = (np.abs(following - x) > _CLOSE * x) & (following != low) & (following != high)
        x = following
        if going.all():
            continue
        root[alive] = following
        if not going.any():
            break
        alive, x, low, high, raised = alive[going], x[going], low[going], high[going], raised[going]
    return root


def _back(monomials: FloatArray, x: FloatArray) -> FloatArray:
    """From the roots of `f` + rounding to those of `f`."""
    k = np.arange(1.0, monomials.shape[1])

    def function(x: FloatArray, alive: IntArray) -> tuple[FloatArray, FloatArray]:
        powers, a = _powers(x, k.size), monomials[alive]
        return (a * powers).sum(axis=1), (a[:, 1:] * k * powers[:, :-1]).sum(axis=1)

    return back_all(function, x)
