"""Calls that share objects, and what becomes of the objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sheaflab.checks.messages import fail, show

HINT = "leave what you are given as it is: work on a copy, or make a new array"


def numbered(calls: Sequence[Sequence[Any]]) -> tuple[list[Any], list[list[int]]]:
    """Return the objects that some calls are given, each once, and the calls as numbers of objects."""
    objects, places = list[Any](), dict[int, int]()
    for value in (value for call in calls for value in call):
        if id(value) not in places:
            places[id(value)] = len(objects)
            objects.append(value)
    return objects, [[places[id(value)] for value in call] for call in calls]


def unchanged(name: str, objects: Sequence[Any], after: Sequence[tuple[int, Any]]) -> None:
    """Fail if an array or list that a student's function was given is not what it was.

    Parameters
    ----------
    name : str
        Of the function.
    objects : sequence
        What the calls were given.
    after : sequence of (int, array)
        Number of an object, and what it is after the calls.

    Raises
    ------
    CheckFailed
        If one of them has changed.
    """
    for number, now in after:
        before = np.asarray(objects[number])
        if before.shape != np.shape(now) or not np.array_equal(before, np.asarray(now)):
            call = f"{name}(…), and then a look at its arguments"
            fail(call=call, returned=show(now), expected=f"{show(before)}, as before the call", hint=HINT)
