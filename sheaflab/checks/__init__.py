"""Teaching checks of the lab's exercises: quiet on success, and if not, a message to learn from.

In a notebook ``check("1.1", activation_pattern)`` tries the function on small problems with known answers. These are
the *visible* checks: the hidden checks that give points look at fresh problems, and at what each grade cell names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from sheaflab.checks.copies import with_copies
from sheaflab.checks.forbidden import forbidden, listed, watching
from sheaflab.checks.forms import form
from sheaflab.checks.messages import CheckFailed, NotWritten, close, fail
from sheaflab.checks.raised import describe

__all__ = ["CheckFailed", "NotWritten", "check", "close", "exercises", "fail", "labs"]

COURSE = "SHEAFLAB_COURSE"
"""Environment variable that names another course directory than the checkout's, for who writes one."""
PASSES = "Exercise {}: the visible checks pass."
"""What is printed for a right answer; progress is read from it in saved notebooks."""
failed: dict[str, str] = {}
"""What the last check of an exercise said in this process, by the exercise's id; nothing of one that passed."""
# An installed package has a subpackage per lab. In a checkout they stand in the course, two folders up and beside.
_IN_CHECKOUT = Path(os.environ.get(COURSE) or Path(__file__).parents[2] / "course") / "visible"
if _IN_CHECKOUT.is_dir():
    __path__.append(str(_IN_CHECKOUT))


def labs() -> tuple[str, ...]:
    """Return the names of the labs that have visible checks here, such as ``("lab10",)``."""
    return tuple(sorted({module.name for module in iter_modules(__path__) if module.ispkg}))


def exercises(lab: str | None = None) -> dict[str, Callable[[Any], None]]:
    """Return the visible check of every exercise of a lab, by exercise id.

    Parameters
    ----------
    lab : str, optional
        One of :func:`labs`. By default the first.

    Raises
    ------
    ValueError
        If there is no such lab.
    """
    name = next(iter(labs()), "") if lab is None else lab
    return {exercise: known for checks in _files(name) for exercise, known in checks.items()}


def check(exercise: str | float, answer: object, *, lab: str | None = None) -> None:
    """Try an answer on small problems with known results.

    :func:`sheaflab.check` does the same, and prints and remembers what it finds where this function raises.

    Parameters
    ----------
    exercise : str
        Its id, such as ``"1.1"``; the number 1.1 is taken for it.
    answer : callable
        The function or class that the exercise asks for.
    lab : str, optional
        One of :func:`labs`. By default the one that has this exercise.

    Raises
    ------
    CheckFailed
        If the answer is not right yet; the message shows the call, what it returned and what was expected, or what
        it raised and the line of the answer that was at work.
    NotWritten
        A kind of CheckFailed: if there is no answer yet.
    ValueError
        If there is no such exercise, or several labs have it and none is named.

    Examples
    --------
    >>> check("1.1", lambda z: z >= 0)
    Traceback (most recent call last):
    ...
    CheckFailed: Exercise 1.1: not right yet
    """
    exercise = str(exercise)
    found = judge(exercise, answer, lab=lab)
    if isinstance(found, CheckFailed):  # raised here: a Python prompt shows each line of ours on the way
        raise found from None
    print(f"{PASSES.format(exercise)} Go on with the next cell: it is about fresh problems.")
    if found:
        print(found)


def judge(exercise: str, answer: object, *, lab: str | None = None) -> str | CheckFailed:
    """Do the same in silence; return the failure, or what else is to be said of a right answer, mostly nothing."""
    found = _judged(exercise, answer, lab)
    failed.pop(exercise, None)
    if isinstance(found, CheckFailed):
        failed[exercise] = str(found)
    return found


def _judged(exercise: str, answer: object, lab: str | None) -> str | CheckFailed:
    known = _find(exercise, labs() if lab is None else (lab,))
    if not callable(answer):
        reason = f"`check` takes the function itself, and was given a {type(answer).__name__}"
        return CheckFailed(f"Exercise {exercise}: {reason}\n  next:     name it without calling it: not `f(z)` but `f`")
    try:
        form(answer, getattr(known, "asks_for", None))
        with watching(answer, forbidden(known)) as used:
            known(with_copies(answer))
    except NotWritten as stub:
        return _unwritten(exercise, str(stub))
    except CheckFailed as failure:
        return CheckFailed(f"Exercise {exercise}: {failure}")
    except Exception as error:
        reason = f"the check could not use what your code returned\n  raised:   {describe(error)}"
        return CheckFailed(f"Exercise {exercise}: {reason}")
    return f"It uses {listed(used)}; the task asks for your own, and a point is paid for that." if used else ""


def _unwritten(exercise: str, placeholder: str) -> CheckFailed:
    """Say whose placeholder was met; an earlier exercise's text begins with its number."""
    other = placeholder.partition(":")[0].removeprefix("Exercise ")
    if placeholder.startswith("Exercise ") and other != exercise:
        reason = f"it needs exercise {other}, which is not written yet"
        step = f"write {other}, run its cell, then this one again"
        return CheckFailed(f"Exercise {exercise}: {reason}\n  next:     {step}")
    return NotWritten(
        f"Exercise {exercise}: not written yet, or the line `raise NotImplementedError(…)` is still there\n"
        "  next:     replace this line by your answer, run that cell, then this one again"
    )


def _find(exercise: str, among: tuple[str, ...]) -> Callable[[Any], None]:
    matches = {}
    for lab in among:
        for checks in _files(lab, first=exercise.partition(".")[0]):
            if exercise in checks:
                matches[lab] = checks[exercise]
                break
    if len(matches) > 1:
        raise ValueError(f"exercise {exercise!r} is in {' and in '.join(matches)}; name one with `lab`")
    if not matches:
        raise ValueError(f"`exercise` must be the id of an exercise, such as '1.1', got {exercise!r}")
    return next(iter(matches.values()))


def _files(lab: str, first: str = "") -> Iterator[dict[str, Callable[[Any], None]]]:
    """The checks of a lab, a file at a time and imported only then; those of the notebook `first` come first.

    A module whose name begins with `_` has no checks, but what several of them use.
    """
    if lab not in labs():
        raise ValueError(f"`lab` must be one of {', '.join(labs()) or 'the labs, but there is none'}, got {lab!r}")
    package = import_module(f"{__name__}.{lab}")
    names = sorted(module.name for module in iter_modules(package.__path__) if not module.name.startswith("_"))
    for name in sorted(names, key=lambda name: name.rpartition("_")[2] != first):
        yield import_module(f"{package.__name__}.{name}").CHECKS
