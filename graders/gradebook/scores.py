"""nbgrader's own step from graded cells to rows of the gradebook, for a whole submission in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import SaveAutoGrades

from graders.gradebook.writing import UNDECIDED


class SaveScores(SaveAutoGrades):  # type: ignore[misc]
    """nbgrader's SaveAutoGrades, but what the graders could not decide waits for a person and has no score yet."""

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_score(cell, resources)
        if cell.metadata.get(UNDECIDED):
            name = (cell.metadata.nbgrader.grade_id, self.notebook_id, self.assignment_id, self.student_id)
            grade = self.gradebook.find_grade(*name)
            grade.auto_score, grade.needs_manual_grade = None, True
            self.gradebook.db.commit()


class AutoScores(SaveScores):
    """The same, which else asks for a row and commits once per cell, on rows that are loaded already."""

    def save(self, notebook: Any, cells: Sequence[NotebookNode]) -> None:
        """Write the scores of the `cells` of a graded notebook into the rows of a SubmittedNotebook, uncommitted.

        Raises
        ------
        ValueError
            If the gradebook has no row for a cell.
        """
        self.gradebook = _Rows(notebook)
        self.notebook_id = notebook.name
        self.assignment_id, self.student_id = notebook.assignment.name, notebook.student.id
        for index, cell in enumerate(cells):
            self.preprocess_cell(cell, {}, index)


class _Rows:
    """The part of a gradebook that SaveAutoGrades uses, for one submitted notebook."""

    def __init__(self, notebook: Any) -> None:
        self._grades = {grade.name: grade for grade in notebook.grades}
        self._comments = {comment.name: comment for comment in notebook.comments}
        self.db = self

    def find_grade(self, name: str, notebook: str, *_: str) -> Any:
        return _found(self._grades, name, notebook)

    def find_comment(self, name: str, notebook: str, *_: str) -> Any:
        return _found(self._comments, name, notebook)

    def commit(self) -> None:
        """The submission as a whole is committed, or nothing of it."""


def _found(rows: dict[str, Any], name: str, notebook: str) -> Any:
    try:
        return rows[name]
    except KeyError:
        raise ValueError(
            f"the gradebook has no cell {name!r} of {notebook}: the course has changed since; run `graders build`"
        ) from None
