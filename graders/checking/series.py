"""Calls that share objects, and what becomes of the objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graders.sandbox.values import Seed
from sheaflab import Network, Sheaf
from sheaflab.checks.messages import fail, shortened, show

LONGEST = 60
"""Characters of one argument of a call that is told."""
HINT = "leave what you are given as it is: work on a copy, or make a new array"


def numbered(calls: Sequence[Sequence[Any]]) -> tuple[list[Any], list[list[int]]]:
    """Return the objects that some calls are given, each once, and the calls as numbers of objects."""
    objects, places = list[Any](), dict[int, int]()
    for value in (value for call in calls for value in call):
        if id(value) not in places:
            places[id(value)] = len(objects)
            objects.append(value)
    return objects, [[places[id(value)] for value in call] for call in calls]


def described(request: Mapping[str, Any]) -> str:
    """Return the text of a request's call, much as a student would type it; of several, the first and their number.

    Parameters
    ----------
    request : mapping
        As :class:`~graders.checking.student.Student` makes them.
    """
    name, args, more = str(request["name"]), list(request["args"]), 0
    if request["op"] == "series":
        first, *others = request["calls"]
        args, more = [request["objects"][place] for place in first], len(others)
    texts = ["ax"] if request["op"] == "draw" else []
    texts += [_argument(value) for value in args]
    texts += [f"{key}={_argument(value)}" for key, value in request["kwargs"].items()]
    if "init" in request:
        init = ", ".join(f"{key}={_argument(value)}" for key, value in request["init"].items())
        name = f"{name}({init}).{request['method']}"
    return f"{name}({', '.join(texts)})" + (f", or a later one of {more + 1} calls" if more else "")


def _argument(value: Any) -> str:
    if isinstance(value, Seed):
        return f"np.random.default_rng({value.value})"
    if isinstance(value, (Sheaf, Network)):
        return f"{type(value).__name__} of widths {(value.net if isinstance(value, Sheaf) else value).widths}"
    if callable(value):
        return "f"
    text = show(value)
    if isinstance(value, np.ndarray) and len(text) > LONGEST:
        return f"array of shape {value.shape}"
    return shortened(text, LONGEST)


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


def lasting(name: str, changed: object, number: int) -> None:
    """Fail if what one of several calls has returned is something else after a later call.

    Parameters
    ----------
    name : str
        Of the function.
    changed : list of int
        Which results have changed, as the worker says.
    number : int
        Of the calls.

    Raises
    ------
    CheckFailed
        If one has.
    """
    if changed:
        call = f"{name}(…), {number} times, and then a look at what the first calls returned"
        want = "what each call returned, as it was"
        hint = "make a new array or list in each call: a later call must not change what an earlier one returned"
        fail(call=call, returned="other values than before the last call", expected=want, hint=hint)
