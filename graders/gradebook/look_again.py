"""Students' requests for another look at a grade: recorded, listed, and answered."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nbgrader.api import Gradebook

from graders.gradebook.notes import Notes
from graders.lab.manifest import Course
from graders.lab.printing import escaped

KIND = "look-again"
LONGEST = 2000
"""Characters of a note or an answer."""


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
    """Write a request; it replaces the student's last one about this exercise. The caller commits.

    Raises
    ------
    ValueError
        If its note or its answer is too long.
    """
    for name, text in (("note", request.note), ("answer", request.answer)):
        if len(text) > LONGEST:
            raise ValueError(f"`--{name}` must have at most {LONGEST} characters, got {len(text)}: shorten it")
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


def answers(book: Any, assignment: str, student: str) -> list[Request]:
    """Return the student's requests that were answered: what the feedback pages tell."""
    notes = Notes(book, assignment).of(student, KIND)
    found = [Request(student, exercise, **json.loads(text)) for exercise, text in notes.items()]
    return [request for request in found if not request.open]


def answers_panel(resources: Mapping[str, Any], course: Course) -> str:
    """Return a paragraph for each answer about a notebook's exercises, with the answer as plain text.

    Parameters
    ----------
    resources : mapping
        What nbgrader's converter says of the notebook: gradebook, assignment, student, notebook.
    course : Course
    """
    if "db_url" not in resources:
        return ""
    cells = dict[str, str]()
    for spec in course.notebooks:
        if spec.name == resources["notebook"]:
            cells |= {item.id: item.grade_cell for item in spec.exercises}
            cells |= {item.id: item.cell for item in spec.written}
    with Gradebook(resources["db_url"]) as book:
        found = answers(book, resources["assignment"], resources["student"])
    return "".join(
        f'<p><a href="#{cells[one.exercise]}">{html.escape(one.exercise)}</a> was looked at again on '
        f"{html.escape(one.answered)}. The answer:<br>{_lines(one.answer)}</p>"
        for one in found
        if one.exercise in cells
    )


def _lines(text: str) -> str:
    return html.escape(escaped(text.strip(), kept="\n")).replace("\n", "<br>")
