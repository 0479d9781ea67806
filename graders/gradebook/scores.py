"""nbgrader's own step from graded cells to rows of the gradebook, in two: rows are read off, then they are written."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import is_solution

from graders.gradebook.notes import Notes
from graders.gradebook.writing import UNDECIDED
from graders.grading.submission import Rows

ANSWER = "answer"
"""Kind of the notes with the digest of the answer for which a cell was graded."""


class _Reader(SaveAutoGrades):  # type: ignore[misc]
    """nbgrader's SaveAutoGrades on rows that are made up; what the graders could not decide has no score."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.gradebook, self.db = self, self
        self.notebook_id = self.assignment_id = self.student_id = self.answer = ""
        self.grades, self.comments = dict[str, Any](), dict[str, Any]()
        self.answers = dict[str, str]()

    def find_grade(self, name: str, *_: str) -> Any:
        return self.grades.setdefault(name, SimpleNamespace(manual_score=None, auto_score=None))

    def find_comment(self, name: str, *_: str) -> Any:
        return self.comments.setdefault(name, SimpleNamespace(auto_comment=None))

    def commit(self) -> None:
        """There is no database here."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> Any:
        """Remember the answer that a grade cell is about: its own, or that of the solution cell before it."""
        if is_solution(cell):
            self.answer = cell.source
        return super().preprocess_cell(cell, resources, cell_index)

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_score(cell, resources)
        name = cell.metadata.nbgrader.grade_id
        if undecided := cell.metadata.get(UNDECIDED):
            self.find_grade(name).auto_score = None
        if isinstance(undecided, str):  # points of a person are for this file
            self.answers[name] = undecided
        elif not undecided:
            self.answers[name] = hashlib.sha256(self.answer.encode()).hexdigest()

    def _add_comment(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_comment(cell, resources)
        if cell.metadata.get(UNDECIDED):  # there may have been an answer
            self.find_comment(cell.metadata.nbgrader.grade_id).auto_comment = None


def rows_of(cells: Sequence[NotebookNode]) -> Rows:
    """Return what nbgrader would write into the gradebook of the `cells` of a graded notebook."""
    reader = _Reader()
    for index, cell in enumerate(cells):
        reader.preprocess_cell(cell, {}, index)
    return Rows(
        {name: None if row.auto_score is None else float(row.auto_score) for name, row in reader.grades.items()},
        {name: row.auto_comment for name, row in reader.comments.items()},
        reader.answers,
    )


def save(notebook: Any, rows: Rows, notes: Notes) -> None:
    """Write `rows` into a SubmittedNotebook; the caller commits. As in nbgrader, a cell without a score needs a person.

    What a person has graded needs one again only if the answer, or what the machine says of it, is another one, or the
    machine could say nothing; with nbgrader it does after each autograding.

    Raises
    ------
    ValueError
        If the gradebook has no row for a cell, or a score is not between 0 and the cell's points.
    """
    student = notebook.student.id
    graded_for = notes.of(student, ANSWER)
    grades, comments = ({row.name: row for row in found} for found in (notebook.grades, notebook.comments))
    for name, score in rows.scores.items():
        grade = _found(grades, name, notebook.name)
        if score is not None and not (math.isfinite(score) and 0 <= score <= grade.max_score):
            raise ValueError(f"the score of {name!r} must be from 0 to {grade.max_score}, got {score}")
        seen = grade.manual_score is not None and not grade.needs_manual_grade
        same = grade.auto_score == score and name in rows.answers and graded_for.get(name) == rows.answers[name]
        grade.auto_score = score
        grade.needs_manual_grade = not (seen and same) and (grade.manual_score is not None or score is None)
    for name, comment in rows.comments.items():
        _found(comments, name, notebook.name).auto_comment = comment
    notes.put(student, ANSWER, rows.answers)


def _found(rows: dict[str, Any], name: str, notebook: str) -> Any:
    try:
        return rows[name]
    except KeyError:
        raise ValueError(
            f"the gradebook has no cell {name!r} of {notebook}: the course has changed since; run `graders build`"
        ) from None
