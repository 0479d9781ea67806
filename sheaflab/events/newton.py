"""From the root of `f` plus its rounding back to the root of `f` itself, by Newton's method.

One step is enough unless the rounding is large beside a small root. Where the steps do not shrink (a graze, a multiple
root) no more than one short step is taken: what `f` does there is below its rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray, IntArray

_MOST = 8  # steps
_FAR = 0.25  # relative: a longer step leads nowhere near
_SHORT = 1e-3  # relative: one step as long as this is taken in any case
_CLOSE = 1e-8  # relative: what is left after such a step is below rounding


def back(function: Callable[[float], tuple[float, float]], x: float) -> float:
    """Return the root near `x` of a falling function.

    Parameters
    ----------
    function : callable
        Gives value and slope.
    x : float
        Positive.
    """
    nearer, first, last = x, x, _FAR * x
    for count in range(_MOST):
        f, slope = function(nearer)
        step = f / -slope if slope < 0 else math.inf
        if not abs(step) <= last:
            return first
        nearer += step
        if abs(step) <= _CLOSE * nearer:
            return nearer
        if count == 0 and abs(step) <= _SHORT * x:
            first = nearer
        last = 0.5 * abs(step)
    return first


def back_all(function: Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]], x: FloatArray) -> FloatArray:
    """Do the same for many functions at once.

    Parameters
    ----------
    function : callable
        Gives values and slopes, shape ``(k,)``, of the functions with the indices that are its second argument.
    x : ndarray, shape (m,)
        Positive.
    """
    result, alive, nearer, last = x.copy(), np.arange(x.size), x, _FAR * x
    for count in range(_MOST):
        f, slope = function(nearer, alive)
        step = np.where(slope < 0, f / np.where(slope < 0, -slope, 1.0), np.inf)
        size = np.abs(step)
        going: BoolArray = size <= last
        nearer = np.where(going, nearer + step, nearer)
        close = going & (size <= _CLOSE * nearer)
        taken = close | (going & (size <= _SHORT * nearer)) if count == 0 else close
        result[alive[taken]] = nearer[taken]
        going &= ~close
        if not going.any():
            break
        alive, nearer, last = alive[going], nearer[going], 0.5 * size[going]
    return result
