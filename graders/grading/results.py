"""What grading finds: plain data, picklable, the same wherever it was computed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from graders.checking.verdict import CheckResult
from graders.lab.printing import counted
from graders.sandbox.isolation import Isolation
from graders.sandbox.outputs import CellRun
from graders.status import Status

LEFT_ASIDE = "Left aside when the notebook was run: "
"""How a note on files begins that a cell may have missed."""
OTHER_ANSWERS = "Other answers, not graded: "
"""How a note on further versions of a notebook begins, of which the staff is told, too."""


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise: its status is that of its first failing check, or a cause of its own.

    `unread` is the digest of what a person must look at instead of its cell; empty if the cell is what counts.
    """

    id: str
    title: str
    status: Status
    checks: tuple[CheckResult, ...]
    message: str = ""
    notes: tuple[str, ...] = ()
    unread: str = ""

    @property
    def points(self) -> float:
        """Points that can be had."""
        return sum(check.points for check in self.checks)

    @property
    def earned(self) -> float:
        """Points for the student: a finite number between 0 and `points`."""
        value = sum(check.earned for check in self.checks)
        return min(max(value, 0.0), self.points) if math.isfinite(value) else 0.0

    @property
    def undecided(self) -> bool:
        """Whether a person must look: the grader is at fault with it, or could not read it."""
        return any(status.waits for status in (self.status, *(check.status for check in self.checks)))

    @property
    def open_question(self) -> str:
        """Why a person must look at it, if it is undecided: of its checks, the first that waits tells."""
        told = [check.message for check in self.checks if check.status.waits and not self.status.waits]
        return next(filter(None, [*told, self.message]), Status.GRADER.remedy)

    def text(self) -> str:
        """The report for the student, plain text."""
        passed, state = sum(check.status is Status.OK for check in self.checks), self.status.label
        if self.status is Status.WRONG:  # which alone would sound like all of it
            state = f"{passed} of {counted(len(self.checks), 'check')} passed"
        lines = [f"Exercise {self.id}: {self.title}", f"{self.earned:g} of {counted(self.points, 'point')}: {state}"]
        if self.status.remedy and self.status is not Status.WRONG:
            lines.append(f"What to do: {self.status.remedy}.")
        if self.message:
            lines += _indent(self.message)
        told = self.message
        for check in self.checks:
            mark = "✓" if check.status is Status.OK else "✗"
            lines.append(f"{mark} {check.name} ({check.earned:g}/{check.points:g}): {check.title}")
            if check.message and check.message != told:
                lines += _indent(check.message)
                told = check.message
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join(lines) + "\n"


def _indent(text: str) -> list[str]:
    return ["    " + line for line in text.rstrip().split("\n")]


@dataclass(frozen=True)
class NotebookResult:
    """One notebook of one student."""

    name: str
    status: Status
    exercises: tuple[ExerciseResult, ...]
    isolation: Isolation | None
    notes: tuple[str, ...] = ()
    cells: dict[int, CellRun] = field(default_factory=dict)
    seconds: float = 0.0
    memory: int = 0
    """The most that one of its processes has held, KiB, as the worker tells it; 0 if nothing was run."""

    @property
    def points(self) -> float:
        """Points that the machine can give."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def earned(self) -> float:
        """Points that the machine gives."""
        return sum(exercise.earned for exercise in self.exercises)

    def summary(self) -> dict[str, Any]:
        """The result without outputs, as JSON data; nothing in it is hidden from the student."""
        return {
            "notebook": self.name,
            "status": self.status.name,
            "isolation": self.isolation.name if self.isolation else None,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "memory": self.memory,
            "exercises": [
                {
                    "id": exercise.id,
                    "title": exercise.title,
                    "status": exercise.status.name,
                    "earned": exercise.earned,
                    "points": exercise.points,
                    "message": exercise.message,
                    "notes": list(exercise.notes),
                    "checks": [
                        {**asdict(check), "status": check.status.name, "earned": check.earned}
                        for check in exercise.checks
                    ],
                }
                for exercise in self.exercises
            ],
        }
