"""Teaching checks of the lab's exercises: quiet on success, and if not, a message to learn from.

In a notebook ``check("1.1", activation_pattern)`` tries the function on small problems with known answers. These are
the *visible* checks: the hidden checks that give points look at fresh problems, and at what each grade cell names.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from sheaflab.checks.messages import CheckFailed, close, fail

__all__ = ["CheckFailed", "check", "close", "exercises", "fail"]

_NOTEBOOKS = 7


def exercises() -> dict[str, Callable[[Any], None]]:
    """Return the visible check of every exercise, by exercise id."""
    found: dict[str, Callable[[Any], None]] = {}
    for notebook in range(1, _NOTEBOOKS + 1):
        found.update(_load(notebook))
    return found


def check(exercise: str, answer: object) -> None:
    """Try an answer on small problems with known results.

    Parameters
    ----------
    exercise : str
        Its id, such as ``"1.1"``.
    answer : callable
        The function or class that the exercise asks for.

    Raises
    ------
    CheckFailed
        If the answer is not right yet; the message shows the call, what it returned and what was expected.
    ValueError
        If there is no such exercise.
    """
    head = exercise.partition(".")[0]
    known = _load(int(head)) if head.isdigit() and 1 <= int(head) <= _NOTEBOOKS else {}
    if exercise not in known:
        raise ValueError(f"`exercise` must be the id of an exercise, such as '1.1', got {exercise!r}")
    try:
        known[exercise](answer)
    except CheckFailed as failure:
        raise CheckFailed(f"Exercise {exercise}: {failure}") from None
    except NotImplementedError:
        raise CheckFailed(
            f"Exercise {exercise}: not written yet\n"
            "  next:     replace the line `raise NotImplementedError(…)` by your answer, then run this cell again"
        ) from None
    print(f"Exercise {exercise}: the visible checks pass. Hidden checks use fresh problems.")


def _load(notebook: int) -> dict[str, Callable[[Any], None]]:
    checks: dict[str, Callable[[Any], None]] = import_module(f"sheaflab.checks.lab09_{notebook}").CHECKS
    return checks
