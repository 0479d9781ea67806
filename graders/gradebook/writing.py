"""Writes a result into a notebook's cells and metadata, and reads it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from graders.grading.results import NotebookResult
from graders.lab.percent import grade_id

RESULT = "graders"
UNDECIDED = "graders_undecided"
"""Metadata of a cell that a person must grade, or whose answer a person must grade: true, or the digest of what
cannot be read or is not run."""


def leave_to_a_person(nb: NotebookNode, unread: str = "") -> None:
    """Mark all answers of a notebook, and what is given for them: none of these answers is the student's.

    Parameters
    ----------
    nb : NotebookNode
    unread : str
        Digest of the file that could not be read, if that is the reason.
    """
    for cell in nb.cells:
        if is_grade(cell) or is_solution(cell):
            cell.metadata[UNDECIDED] = unread or True


def write_result(nb: NotebookNode, result: NotebookResult) -> None:
    """Write outputs, messages and points of `result` into the cells of `nb`."""
    awards = {f"grade-{exercise.id.replace('.', '-')}": exercise for exercise in result.exercises}
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        run = result.cells.get(index)
        cell.outputs = [nbformat.from_dict(output) for output in run.outputs] if run else []
        cell.execution_count = run.count if run else None
        exercise = awards.get(grade_id(cell))
        if exercise is not None:
            text = exercise.text()
            points = float(cell.metadata.nbgrader.get("points", exercise.points))
            award = min(max(float(exercise.earned), 0.0), points)
            if exercise.undecided:
                cell.metadata.setdefault(UNDECIDED, exercise.unread or True)
            shown = {"output_type": "execute_result", "data": {"text/plain": repr(award)}, "metadata": {}}
            outputs = [{"output_type": "stream", "name": "stdout", "text": text}, {**shown, "execution_count": None}]
            cell.outputs = [nbformat.from_dict(output) for output in outputs]
    nb.metadata[RESULT] = result.summary()


def read_result(path: Path) -> dict[str, Any]:
    """Return the summary that :func:`write_result` left in an autograded notebook; empty if there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        summary = data["metadata"].get(RESULT, {})
    except (OSError, ValueError, KeyError):
        return {}
    return summary if isinstance(summary, dict) else {}
