"""The visible check of an exercise among its hidden ones: what fails the one cannot pass the others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from graders.checking.verdict import HiddenChecksError
from graders.sandbox.inside.protocol import ProtocolError, Unsendable
from graders.status import StudentFault
from sheaflab import checks
from sheaflab.checks.forbidden import forbidden, listed, unknown
from sheaflab.checks.messages import CheckFailed


@functools.lru_cache(maxsize=16)
def _exercises(lab: str, places: tuple[str, ...]) -> dict[str, Callable[[Any], None]]:
    """The visible checks of a lab, looked for once in each of the `places` where visible checks are."""
    try:
        return checks.exercises(lab)
    except Exception as error:  # what a module of the course raises, while it is imported
        told = f"{type(error).__name__}: {error}"
        raise HiddenChecksError(f"the visible checks of {lab!r} cannot be read: {told}") from error


def _of(lab: str, exercise: str) -> Callable[[Any], None]:
    """The visible check of an exercise."""
    known = _exercises(lab, tuple(checks.__path__))
    if exercise not in known:
        raise HiddenChecksError(f"exercise {exercise} has no visible check in the lab {lab!r}")
    return known[exercise]


def forbidden_in(lab: str, exercise: str) -> tuple[str, ...]:
    """Return what the task of an exercise forbids, as its visible check is marked with it.

    Raises
    ------
    HiddenChecksError
        If that is not in the library: to watch for it would fail every answer.
    """
    check = _of(lab, exercise)
    if strange := unknown(check):
        told = f"forbids {listed(strange)}, which sheaflab does not have"
        raise HiddenChecksError(f"exercise {exercise} {told}; correct the name in @forbids of its visible check")
    return forbidden(check)


def visible(student: Any, lab: str, exercise: str, name: str, *, method: str = "") -> None:
    """Hold an answer against the visible check of its exercise.

    Parameters
    ----------
    student : Student
    lab, exercise : str
        Whose visible check.
    name : str
        Of the function or class that the exercise asks for.
    method : str
        Of a class: the one that the visible check calls.

    Raises
    ------
    CheckFailed
        If the visible check fails.
    StudentFault
        If a call does not end in a value.
    """
    faults = list[Exception]()

    def asked(way: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return way(name, *args, **kwargs)
        except (StudentFault, ProtocolError, Unsendable) as fault:
            faults.append(fault)
            raise

    def called(*args: Any, **kwargs: Any) -> Any:
        return asked(student.call, *args, **kwargs)

    def made(**init: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            return asked(student.run, init, *args, method=method, **kwargs)

        return SimpleNamespace(**{method: run})

    check = _of(lab, exercise)
    try:
        check(made if method else called)
    except CheckFailed:
        if faults:  # the visible check has put it in its own words; its outcome is to stay what it is
            raise faults[0] from None
        raise
