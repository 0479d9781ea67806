"""An exercise that builds on another: judged with the student's own version of it where that works, else without it.

A right answer is not to lose points for a mistake elsewhere that has cost its points there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graders.checking.student import Student
from graders.sandbox.inside.protocol import ProtocolError
from graders.status import StudentFault
from sheaflab.checks.messages import CheckFailed, rows


@contextmanager
def following(
    student: Student, name: str, exercise: str, works: Callable[[], bool], instead: str | Callable[..., Any]
) -> Iterator[bool]:
    """Run a block with the student's own version of an earlier exercise, or with a stand-in if that does not work.

    Parameters
    ----------
    student : Student
    name : str
        Of the function or class that the earlier exercise asks for.
    exercise : str
        The earlier exercise.
    works : callable
        Tries the student's version; asked once for each student. It must bear with whatever comes back: what else it
        raises than the fault of a call or a check's failure is an error of ours, no verdict, and goes on upwards.
    instead : str or callable
        The stand-in: a class of the library, such as ``"EventEuler"``, or a function, which runs here. No key crosses
        into the student's process.

    Yields
    ------
    bool
        Whether the student's own version is used.
    """

    def tried() -> bool:
        try:
            return works()
        except (StudentFault, ProtocolError, AssertionError):
            student.next_exercise()  # what has hung or died there is not to end this exercise, too
            return False

    if student.remembered(name, tried):
        yield True
        return
    told = f"the library's `{instead}`" if isinstance(instead, str) else "a right one"
    with student.instead(name, f"sheaflab:{instead}" if isinstance(instead, str) else instead):
        try:
            yield False
        except CheckFailed as failure:
            note = f"with {told} in the place of your `{name}`, for exercise {exercise} is not right yet"
            raise CheckFailed(f"{failure}\n{rows([('tried', note)])}") from None
