r"""Where the rounding of sums of exponentials is too coarse to tell an event, or its time.

Coefficients of a sum come from eigenvectors, whose rounding is one of the whole state. A function that starts not far
above that, or falls through it slowly, may be known much better by its own row: :func:`sheaflab.engine.taylor.closely`.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray, IntArray
from sheaflab.events.exponentials import NOISE, leave, rates_of

FAR = 1e3  # times its rounding: from here on a root is moved by rounding so little that Newton's method moves it back
SHARP = 1e-10  # absolute, and relative beyond 1: a time known worse is looked at more closely


def start_unclear(
    constants: FloatArray,
    coefficients: FloatArray,
    rates: FloatArray,
    values: FloatArray,
    order: IntArray | None,
    floor: FloatArray | float,
) -> BoolArray:
    """Tell which functions are not well above their rounding at their start, or after it if that is a known root.

    Parameters
    ----------
    constants, coefficients, rates, values, floor
        As for :func:`sheaflab.events.exponentials.first_roots`.
    order : ndarray of int, shape (m,), or None

    Returns
    -------
    ndarray of bool, shape (m,)
    """
    noise = NOISE * (np.abs(constants) + np.abs(coefficients).sum(axis=0)) + floor
    heights, left = values, values != values if order is None else order > 0
    if order is not None and left.any():
        some = left.nonzero()[0]
        lam, high = rates_of(rates, some), coefficients.take(some, axis=1)
        t = leave(high, lam, order[some])
        heights = values.copy()
        heights[some] += (high * np.expm1(-(lam * t))).sum(axis=0)
    # A function that is 0 without a known order belongs to a neuron that rests: it stays 0.
    return np.asarray((heights <= FAR * noise) & (left | (values != 0)))


def times_unclear(
    constants: FloatArray, coefficients: FloatArray, rates: FloatArray, times: FloatArray, floor: FloatArray | float
) -> BoolArray:
    """Tell which roots `times`, shape ``(m,)``, rounding may move by more than `SHARP`."""
    terms = coefficients * np.exp(-(rates * times))
    noise = NOISE * (np.abs(constants) + np.abs(terms).sum(axis=0)) + floor
    return np.asarray(noise > SHARP * np.maximum(times, 1.0) * np.abs((terms * rates).sum(axis=0)))
