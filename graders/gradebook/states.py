"""The gradebook's entries for each submission of an assignment: points, penalty, and cells that wait for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nbgrader.api import Assignment, Grade, GradeCell, Notebook, Student, SubmittedAssignment, SubmittedNotebook


@dataclass(frozen=True)
class CellState:
    """One graded cell of one student.

    Attributes
    ----------
    notebook : str
    points : float
        What can be had.
    auto, manual : float or None
        Points of the machine; points that a person gave in their place.
    extra : float
        Extra credit.
    waits : bool
        Whether a person must look.
    """

    notebook: str
    points: float
    auto: float | None
    manual: float | None
    extra: float
    waits: bool

    @property
    def score(self) -> float:
        """The points that count."""
        return (self.manual if self.manual is not None else self.auto or 0.0) + self.extra


@dataclass(frozen=True)
class State:
    """One student's submission; `cells` by their grade_id, `penalty` for late work in points."""

    cells: Mapping[str, CellState]
    penalty: float = 0.0

    @property
    def raw(self) -> float:
        """Points without the penalty."""
        return math.fsum(cell.score for cell in self.cells.values())

    @property
    def score(self) -> float:
        """The grade: points less the penalty, at least 0, as nbgrader exports it."""
        return max(0.0, self.raw - self.penalty)

    @property
    def maximum(self) -> float:
        """What can be had."""
        return math.fsum(cell.points for cell in self.cells.values())

    def notebook(self, name: str) -> float:
        """Points of one notebook, without the penalty."""
        return math.fsum(cell.score for cell in self.cells.values() if cell.notebook == name)

    def to_json(self) -> dict[str, Any]:
        """Plain data that :meth:`from_json` reads."""
        return {"penalty": self.penalty, "cells": {name: asdict(cell) for name, cell in self.cells.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state that :meth:`to_json` has written."""
        return cls({name: CellState(**cell) for name, cell in data["cells"].items()}, data["penalty"])


def read_states(book: Any, assignment: str) -> dict[str, State]:
    """Read all submissions of an assignment from a gradebook.

    Returns
    -------
    dict of str to State
        By student.
    """
    penalties: dict[str, float] = {}
    submitted = (
        book.db.query(Student.id, SubmittedNotebook.late_submission_penalty)
        .select_from(SubmittedNotebook)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Student, Student.id == SubmittedAssignment.student_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .filter(Assignment.name == assignment)
    )
    for student, penalty in submitted:
        penalties[student] = penalties.get(student, 0.0) + float(penalty or 0.0)
    cells: dict[str, dict[str, CellState]] = {student: {} for student in penalties}
    grades = (
        book.db.query(
            Student.id, Notebook.name, GradeCell.name, GradeCell.max_score,
            Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade,
        )
        .select_from(Grade)
        .join(GradeCell, GradeCell.id == Grade.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Student, Student.id == SubmittedAssignment.student_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .filter(Assignment.name == assignment)
        .order_by(Student.id, Notebook.name, GradeCell.name)
    )  # fmt: skip
    for student, notebook, name, points, auto, manual, extra, waits in grades:
        cells[student][name] = CellState(notebook, float(points), auto, manual, float(extra or 0.0), bool(waits))
    return {student: State(found, penalties[student]) for student, found in cells.items()}
