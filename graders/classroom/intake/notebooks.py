"""Which notebook of the assignment a file is. Its marks tell, or its name if it has no marks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from graders.classroom.intake.results import FileStatus
from graders.grading.reading import Unreadable, plain_cells, read
from graders.lab.filenames import SERVED, assignment_of, most_marks, plain_name
from graders.lab.manifest import Course, assignments


@dataclass(frozen=True)
class Content:
    """The part of a file's content that collecting needs.

    Attributes
    ----------
    notebook : bool
        Whether grading can read it as one.
    marks : frozenset of str
        nbgrader's names of its cells.
    assignment : str
        The assignment it was released for; empty if it names none.
    problem : str
        Why grading cannot read it; empty if it can.
    """

    notebook: bool = False
    marks: frozenset[str] = frozenset()
    assignment: str = ""
    problem: str = ""


def inspect(content: bytes) -> Content:
    """Return what a file holds. To be called where memory is limited: a few MB of JSON can be a GB of objects."""
    try:
        data = read(content)
        cells = plain_cells(data)
    except Unreadable as error:
        return Content(problem=str(error))
    marks = frozenset(name[:100] for cell in cells if (name := cell["grade_id"]))
    return Content(True, marks, assignment_of(data)[:80])


def by_marks(found: Iterable[str], course: Course) -> str | FileStatus | None:
    """Return the notebook whose marks a file has, a status if it is of no one notebook, None if it has no marks.

    Most of the marks decide: a cell pasted from another notebook brings its own. Two notebooks in one file are neither.
    """
    found = set(found)
    if not found:
        return None
    name, clear = most_marks(found, course.notebooks)
    return FileStatus.FOREIGN if not name else name if clear else FileStatus.MIXED


def by_name(stem: str, course: Course) -> str | None:
    """Return the notebook that a file's name ends with, as in `someone_lab10-3 (1)`."""
    stem = plain_name(stem)[0]
    if (served := SERVED.fullmatch(stem)) and served["name"] in {notebook.name for notebook in course.notebooks}:
        return served["name"]
    for notebook in course.notebooks:
        if re.search(rf"(?:^|[_\s-]){re.escape(notebook.name)}(?:\.v[0-9a-f]{{4}})?(?:-\d{{1,3}})?$", stem):
            return notebook.name
    return None


def notebook_of(file: str, content: Content, course: Course) -> str | tuple[FileStatus, str]:
    """Return which notebook of the assignment a file of that name is, or the status if it is none, and a remedy."""
    if content.assignment and content.assignment != course.assignment:
        remedy = f"it is a notebook of {content.assignment}, not of {course.assignment}"
        if content.assignment in assignments(course.root):
            remedy += f"; collect it with --assignment {content.assignment}"
        return FileStatus.ELSEWHERE, remedy
    found = by_marks(content.marks, course)
    if found is None:
        stem = re.sub(r"\.ipynb$", "", PurePosixPath(file).stem, flags=re.I)
        found = by_name(stem, course) or FileStatus.FOREIGN
    return found if isinstance(found, str) else (found, "")
