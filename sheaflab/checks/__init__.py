"""Teaching checks of the lab's exercises: quiet on success, and if not, a message to learn from.

In a notebook ``check("1.1", activation_pattern)`` tries the function on small problems with known answers. These are
the *visible* checks: the hidden checks that give points look at fresh problems, and at what each grade cell names.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from sheaflab.checks.messages import CheckFailed, NotWritten, close, fail
from sheaflab.checks.raised import describe

__all__ = ["CheckFailed", "NotWritten", "check", "close", "exercises", "fail"]

_NOTEBOOKS = 7


def exercises() -> dict[str, Callable[[Any], None]]:
    """Return the visible check of every exercise, by exercise id."""
    found: dict[str, Callable[[Any], None]] = {}
    for notebook in range(1, _NOTEBOOKS + 1):
        found.update(_load(notebook))
    return found


def check(exercise: str | float, answer: object) -> None:
    """Try an answer on small problems with known results.

    Parameters
    ----------
    exercise : str
        Its id, such as ``"1.1"``; the number 1.1 is taken for it.
    answer : callable
        The function or class that the exercise asks for.

    Raises
    ------
    CheckFailed
        If the answer is not right yet; the message shows the call, what it returned and what was expected, or what
        it raised and the line of the answer that was at work.
    NotWritten
        A kind of CheckFailed: if there is no answer yet.
    ValueError
        If there is no such exercise.
    """
    exercise = str(exercise)
    head = exercise.partition(".")[0]
    known = _load(int(head)) if head.isdecimal() and 1 <= int(head) <= _NOTEBOOKS else {}
    if exercise not in known:
        raise ValueError(f"`exercise` must be the id of an exercise, such as '1.1', got {exercise!r}")
    try:
        known[exercise](answer)
    except NotWritten as stub:
        raise _unwritten(exercise, str(stub)) from None
    except CheckFailed as failure:
        raise CheckFailed(f"Exercise {exercise}: {failure}") from None
    except Exception as error:
        told = f"the check could not use what your code returned\n  raised:   {describe(error)}"
        raise CheckFailed(f"Exercise {exercise}: {told}") from None
    print(f"Exercise {exercise}: the visible checks pass. Hidden checks use fresh problems.")


def _unwritten(exercise: str, placeholder: str) -> CheckFailed:
    """Say whose placeholder was met; an earlier exercise's text begins with its number."""
    other = placeholder.partition(":")[0].removeprefix("Exercise ")
    if placeholder.startswith("Exercise ") and other != exercise:
        told = f"it needs exercise {other}, which is not written yet"
        return CheckFailed(f"Exercise {exercise}: {told}\n  next:     write {other}, run its cell, then this one again")
    return NotWritten(
        f"Exercise {exercise}: not written yet\n"
        "  next:     replace the line `raise NotImplementedError(…)` by your answer, run that cell, then this one again"
    )


def _load(notebook: int) -> dict[str, Callable[[Any], None]]:
    checks: dict[str, Callable[[Any], None]] = import_module(f"sheaflab.checks.lab09.lab09_{notebook}").CHECKS
    return checks
