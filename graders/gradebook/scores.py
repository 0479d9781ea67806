"""nbgrader's own step from graded cells to rows of the gradebook, for a whole submission in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import SaveAutoGrades


class AutoScores(SaveAutoGrades):  # type: ignore[misc]
    """nbgrader's SaveAutoGrades, which asks for a row and commits once per cell, on rows that are loaded already."""

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
