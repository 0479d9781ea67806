"""Students' requests for another look at a grade: recorded, listed, and answered."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from graders.gradebook.notes import Notes

KIND = "look-again"


@dataclass(frozen=True)
class Request:
    """One student's request about one exercise.

    Attributes
    ----------
    student, exercise : str
    note : str
        What the student says.
    asked : str
        When, in UTC.
    before : float
        Points of the exercise at that time.
    answer, answered : str
        What the staff said, and when; empty while it is open.
    after : float or None
        Points when it was answered.
    """

    student: str
    exercise: str
    note: str
    asked: str
    before: float
    answer: str = ""
    answered: str = ""
    after: float | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has answered yet."""
        return not self.answered


def requests(book: Any, assignment: str) -> list[Request]:
    """Return all requests, by student and exercise."""
    return [Request(n.student, n.name, **json.loads(n.text)) for n in Notes(book, assignment).all(KIND)]


def record(book: Any, assignment: str, request: Request) -> None:
    """Write a request; it replaces the student's last one about this exercise. The caller commits."""
    values = {name: value for name, value in asdict(request).items() if name not in ("student", "exercise")}
    text = json.dumps(values, ensure_ascii=False)
    Notes(book, assignment).put(request.student, KIND, {request.exercise: text})


def open_requests(book: Any, assignment: str) -> dict[str, list[str]]:
    """Return the exercises that students have asked about and that nobody has answered, by student."""
    exercises: dict[str, list[str]] = {}
    for request in requests(book, assignment):
        if request.open:
            exercises.setdefault(request.student, []).append(request.exercise)
    return exercises
