"""Types of arrays, and how an argument becomes one: checked, copied, with an error that names it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

EPS = float(np.finfo(np.float64).eps)
"""Distance from 1 to the next larger number of double precision."""


def as_vector(name: str, value: ArrayLike, length: int) -> FloatArray:
    """Return `value` as a finite float64 array of shape `(length,)`, or raise an error that names the argument."""
    if type(value) is np.ndarray and value.dtype == np.float64 and value.shape == (length,):
        array = value.copy()
        # A short list is looked through faster than numpy starts; what fails here gets its error below.
        if all(map(math.isfinite, array.tolist())) if length <= 32 else np.isfinite(array).all():
            return array
    array = as_floats(name, value)
    if array.shape != (length,):
        raise ValueError(f"`{name}` must have shape ({length},), got {array.shape}")
    return array


def as_floats(name: str, value: ArrayLike) -> FloatArray:
    """Return a new float64 array equal to `value`, or raise an error that names the argument."""
    try:
        if np.iscomplexobj(value):  # numpy would drop the imaginary part with no more than a warning
            raise TypeError("complex numbers")
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be a rectangular array of real numbers, got {value!r:.80}") from error
    if not np.isfinite(array).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"`{name}` must be finite, got {array[where]} at index {where}")
    return array


def as_positive(name: str, value: float, *, finite: bool = True) -> float:
    """Return `value` as a float greater than zero, or raise an error that names the argument."""
    if isinstance(value, (str, bytes)) or not np.isscalar(value) or isinstance(value, complex):
        raise TypeError(f"`{name}` must be a number, got {value!r:.80}")
    number = float(value)
    if not number > 0 or (finite and number == float("inf")):
        raise ValueError(f"`{name}` must be {'finite and ' if finite else ''}greater than 0, got {number}")
    return number
