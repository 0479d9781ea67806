"""Calls of an answer by its visible check: what one call does to its arguments is not there in the next."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


class WithCopies:
    """An answer that is given copies of the arrays and lists that a check passes, and so is what it makes.

    Checks share small problems, and an answer may change its arguments in place: without copies a corrected one would
    go on failing in the same session.

    Parameters
    ----------
    answer : callable
        A function; or a class: then the methods of its instances are given copies, too.
    """

    def __init__(self, answer: Any) -> None:
        functools.update_wrapper(self, answer, updated=())  # messages tell its name, and lines of its module
        self.__wrapped__ = answer

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self.__wrapped__(*copied(args), **copied(kwargs))
        return WithCopies(found) if isinstance(self.__wrapped__, type) else found

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__wrapped__, name)
        return WithCopies(found) if callable(found) else found


def copied(value: Any) -> Any:
    """Return arrays as copies, also those in lists, tuples and dictionaries; everything else as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(copied(part) for part in value)
    if type(value) is dict:
        return {key: copied(part) for key, part in value.items()}
    return value
