"""Which notebook of the assignment a file is. Its marks tell, or its name if it has no marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from graders.classroom.intake.results import FileStatus
from graders.lab.filenames import SERVED, assignment_of, most_marks, plain_name
from graders.lab.manifest import Course


@dataclass(frozen=True)
class Content:
    """The part of a file's content that collecting needs.

    Attributes
    ----------
    notebook : bool
        Whether it is the JSON of a notebook.
    marks : frozenset of str
        nbgrader's names of its cells.
    assignment : str
        The assignment it was released for; empty if it names none.
    """

    notebook: bool = False
    marks: frozenset[str] = frozenset()
    assignment: str = ""


def inspect(content: bytes) -> Content:
    """Return what a file holds. To be called where memory is limited: a few MB of JSON can be a GB of objects."""
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Content()
    cells = data.get("cells") if isinstance(data, dict) else None
    if not isinstance(cells, list):
        return Content()
    found = set()
    for cell in cells:
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        ours = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        name = ours.get("grade_id") if isinstance(ours, dict) else None
        if isinstance(name, str):
            found.add(name[:100])
    return Content(True, frozenset(found), assignment_of(data)[:80])


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
