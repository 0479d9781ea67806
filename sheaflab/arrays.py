"""Types of arrays, and how an argument becomes one: checked, copied, with an error that names it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

EPS = float(np.finfo(np.float64).eps)
"""Distance from 1 to the next larger number of double precision."""
_TOO_LARGE = "`{}` must be within double precision (1.8e308), got a larger number"  # which may be too long to print


class NotFiniteError(ValueError):
    """An argument holds nan or an infinite number; the text says which, and where."""


def as_vector(name: str, value: ArrayLike, length: int) -> FloatArray:
    """Return `value` as a finite float64 array of shape `(length,)`, or raise an error that names the argument."""
    if type(value) is np.ndarray and value.dtype == np.float64 and value.shape == (length,):
        array = value.copy()
        if is_finite(array):  # or else it gets its error below
            return array
    array = as_floats(name, value)
    if array.shape != (length,):
        raise ValueError(f"`{name}` must have shape ({length},), got {array.shape}")
    return array


def is_finite(array: FloatArray) -> bool:
    """Tell whether all numbers of an array of shape ``(n,)`` are finite."""
    # A short list is looked through faster than numpy starts.
    return all(map(math.isfinite, array.tolist())) if len(array) <= 32 else bool(np.isfinite(array).all())


def as_rows(name: str, value: ArrayLike, length: int) -> FloatArray:
    """Return `value` as a finite float64 array of shape `(m, length)`, or raise an error that names the argument."""
    array = as_floats(name, value)
    if array.ndim != 2 or array.shape[1] != length:
        raise ValueError(f"`{name}` must have shape (m, {length}), got {array.shape}")
    return array


def as_floats(name: str, value: ArrayLike) -> FloatArray:
    """Return a new float64 array equal to `value`, or raise an error that names the argument."""
    if type(value) is float and math.isfinite(value):  # most often of all
        return np.array(value)
    if np.ma.is_masked(value):  # numpy would take what lies under the mask
        where = tuple(int(k) for k in np.argwhere(np.ma.getmaskarray(np.ma.asarray(value)))[0])
        raise ValueError(f"`{name}` must have no masked entry, got one at index {where}; fill it or leave it out")
    try:
        if np.iscomplexobj(value):  # numpy would drop the imaginary part with no more than a warning
            raise TypeError("complex numbers")
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be a rectangular array of real numbers, got {value!r:.80}") from error
    except OverflowError as error:
        raise ValueError(_TOO_LARGE.format(name)) from error
    if not np.isfinite(array).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise NotFiniteError(f"`{name}` must be finite, got {array[where]} at index {where}")
    return array


def as_positive(name: str, value: float, *, finite: bool = True) -> float:
    """Return `value` as a float greater than zero, or raise an error that names the argument."""
    if isinstance(value, (str, bytes)) or not np.isscalar(value) or isinstance(value, complex):
        raise TypeError(f"`{name}` must be a number, got {value!r:.80}")
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError(_TOO_LARGE.format(name)) from error
    if not number > 0 or (finite and number == float("inf")):
        raise ValueError(f"`{name}` must be {'finite and ' if finite else ''}greater than 0, got {number}")
    return number


def as_count(name: str, value: float) -> int:
    """Return `value` as a whole number greater than zero, or raise an error that names the argument."""
    number = as_positive(name, value)
    if not number.is_integer():
        raise ValueError(f"`{name}` must be a whole number, got {number}")
    return int(number)


def mapped(matrix: FloatArray, x: FloatArray) -> FloatArray:
    """Return ``matrix @ x`` of one vector, or of each row of many; `dot` starts sooner than ``@``, the digits agree."""
    return matrix.dot(x) if x.ndim == 1 else (matrix @ x.T).T


def places(mask: BoolArray) -> tuple[IntArray, IntArray]:
    """Return rows and columns of what is true, in this order: several times as fast as :func:`numpy.nonzero`."""
    row, column = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return row, column


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write named arrays to an ``.npz`` file, whole or not at all, and return its path."""
    target = Path(path).with_suffix(".npz")
    partial = target.with_name(target.name + ".part")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy types the keywords as bool
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def read_arrays(path: str | os.PathLike[str], maker: str) -> dict[str, NDArray[Any]]:
    """Read what :func:`write_arrays` wrote for `maker`, which an error names; pickled objects are refused."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (ValueError, AttributeError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"`path` must be an .npz file written by {maker}, got {os.fspath(path)!r}") from error
