"""Calls of an answer by its visible check: what one call does to its arguments is not there in the next."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


def with_copies(answer: Any) -> Any:
    """Return a function that is given copies of the arrays and lists that a check passes; a class as it is.

    Checks share small problems, and an answer may change its arguments in place: without copies a corrected one would
    go on failing in the same session. A class's methods are called by the library, too, which must see what they do:
    its check passes copies itself.

    Parameters
    ----------
    answer : callable
    """
    if isinstance(answer, type):
        return answer

    @functools.wraps(answer)  # messages tell its name, and lines of its module
    def called(*args: Any, **kwargs: Any) -> Any:
        return answer(*copied(args), **copied(kwargs))

    return called


def copied(value: Any) -> Any:
    """Return arrays as copies, also those in lists, tuples and dictionaries; everything else as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(copied(part) for part in value)
    if type(value) is dict:
        return {key: copied(part) for key, part in value.items()}
    return value
