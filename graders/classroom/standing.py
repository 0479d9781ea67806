"""Where each student stands: gradebook and autograded notebooks, read together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graders.gradebook import nbgrader_api
from graders.gradebook.writing import read_result
from graders.lab.manifest import Course
from graders.status import Status


@dataclass(frozen=True)
class Row:
    """One student's standing."""

    student: str
    last_name: str
    first_name: str
    email: str
    score: float
    max_score: float
    late_penalty: float
    needs_manual: bool
    notebooks: dict[str, float]
    results: dict[str, dict[str, Any]]

    @property
    def exercises(self) -> list[dict[str, Any]]:
        """All exercises in order, as in :meth:`graders.grading.results.NotebookResult.summary`."""
        return [exercise for result in self.results.values() for exercise in result.get("exercises", [])]

    @property
    def undecided(self) -> dict[str, str]:
        """Exercises that no machine could grade, and why: their points wait for a person."""
        grader = Status.GRADER.name
        return {
            e["id"]: " ".join(str(e["message"] or Status.GRADER.remedy).split())[:300]
            for e in self.exercises
            if grader in (e["status"], *(check["status"] for check in e["checks"]))
        }


def collect(course: Course) -> list[Row]:
    """Read the gradebook and the autograded notebooks."""
    rows = []
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        for submission in book.assignment_submissions(course.assignment):
            student = submission.student
            folder = course.root / "autograded" / student.id / course.assignment
            names = sorted(notebook.name for notebook in submission.notebooks)
            rows.append(
                Row(
                    student.id,
                    student.last_name or "",
                    student.first_name or "",
                    student.email or "",
                    float(submission.score),
                    float(submission.max_score),
                    float(sum(notebook.late_submission_penalty or 0 for notebook in submission.notebooks)),
                    bool(submission.needs_manual_grade),
                    {notebook.name: float(notebook.score) for notebook in submission.notebooks},
                    {name: read_result(folder / f"{name}.ipynb") for name in names},
                )
            )
    return sorted(rows, key=lambda row: row.student)
