"""What a check comes to: a status, a message safe to show, points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from graders.lab.manifest import Check
from graders.sandbox.inside.protocol import ProtocolError, Unsendable
from graders.sandbox.outputs import text_of
from graders.sandbox.values import Instances
from graders.status import Status, StudentError, StudentFault
from sheaflab.checks.figures import Bar, FigureData, Line, Points

MAX_MESSAGE = 6000
OWN_WORK = "own_work"
"""Name of the check that a student has done a task's work. It rests on what the student's process says about itself, so
it can be bypassed: it is worth a point where it stands, and nothing where no other check of the exercise passes."""


class HiddenChecksError(RuntimeError):
    """The hidden checks themselves are at fault: missing, broken, not those of the manifest, or without a problem."""

    @classmethod
    def no_test(cls, name: str, exercise: str, path: Path) -> HiddenChecksError:
        """A check of the manifest has no test."""
        return cls(f"check {name!r} of exercise {exercise} has no test_{name} in {path.name}")

    def of(self, name: str, exercise: str) -> HiddenChecksError:
        """The same fault, with the check that has it."""
        return type(self)(f"check {name!r} of exercise {exercise}: {self}")


@dataclass(frozen=True)
class CheckResult:
    """One hidden check."""

    name: str
    title: str
    status: Status
    points: float
    message: str = ""

    @classmethod
    def of(cls, check: Check, failure: BaseException | None, exercise: str = "") -> CheckResult:
        """The result of a check that has raised `failure`, or nothing; `exercise` tells its own stub from others."""
        status, message = judge(failure)
        if isinstance(failure, StudentError) and status is Status.NOT_ATTEMPTED:
            empty = failure.message.removeprefix(f"{failure.kind}: ").partition(":")[0]  # a stub says "Exercise 6.3: …"
            if exercise and empty.startswith("Exercise ") and empty != f"Exercise {exercise}":
                status = Status.RAISED
                message = f"{failure.call} needs {empty.lower()}, which is not written yet: write that one first"
        return cls(check.name, check.title, status, check.points, _bounded(message))

    @property
    def earned(self) -> float:
        """Points for the student."""
        return self.points if self.status is Status.OK else 0.0


def _bounded(message: str) -> str:
    """Leave the midst of a long message out: it begins with the call, and ends with what was raised, or with a hint."""
    half = MAX_MESSAGE // 2 - 3
    return message if len(message) <= MAX_MESSAGE else f"{message[:half]}\n …\n{message[-half:]}"


def settle(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Return an exercise's results after the one rule that takes all of them: own work has to do something right."""
    if any(result.status is Status.OK and result.name != OWN_WORK for result in results):
        return list(results)
    told = "this point is for work of your own that does something right; no other check of this exercise passes yet"
    return [
        replace(result, status=Status.WRONG, message=told)
        if result.name == OWN_WORK and result.status is Status.OK
        else result
        for result in results
    ]


def judge(failure: BaseException | None) -> tuple[Status, str]:
    """Status and message, safe to show to the student, of what a check has raised."""
    if failure is None:
        return Status.OK, ""
    if isinstance(failure, StudentError):
        shown = failure.traceback if failure.status is Status.RAISED else failure.message
        return (
            failure.status,
            f"{failure.call} raised {failure.message}" if not shown else f"{failure.call} raised\n{shown}",
        )
    if isinstance(failure, StudentFault):
        return failure.status, f"{failure.call}: {failure.message}" if failure.call else failure.message
    if isinstance(failure, ProtocolError):
        return Status.BAD_VALUE, str(failure)
    if isinstance(failure, Unsendable):
        return Status.GRADER, f"a check passes an argument that cannot be sent: {failure}"
    if isinstance(failure, AssertionError):
        return Status.WRONG, text_of(str(failure)) or "the check failed"
    raised = text_of(str(failure))[:300]
    if _is_of_the_check(failure):
        return Status.GRADER, f"the hidden check itself is at fault ({type(failure).__name__}: {raised})"
    return Status.WRONG, f"the check could not use what your function returned ({type(failure).__name__}: {raised})"


def _is_of_the_check(failure: BaseException) -> bool:
    """Whether no value of a student's can have led to what a check has raised: it asks for a name that there is not."""
    if isinstance(failure, AttributeError):
        return isinstance(failure.obj, (FigureData, Line, Bar, Points, Instances, ModuleType))
    return isinstance(failure, (NameError, ImportError))
