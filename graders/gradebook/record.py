"""The one writer: graded submissions into nbgrader's gradebook and `autograded/`, all or nothing, again or not."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task, parse_utc

from graders.grading.submission import TIMESTAMP, SubmissionResult
from graders.lab.manifest import Course

MARKER = ".graders.json"


class Recorder:
    """Writes results for one course; not to be used by two processes at once.

    Parameters
    ----------
    course : Course
    db_url : str
    """

    def __init__(self, course: Course, db_url: str) -> None:
        self.course = course
        self.gradebook = Gradebook(db_url)
        self.late = LateSubmissionPlugin()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.gradebook.close()

    def folder(self, student: str) -> Path:
        """Where a student's autograded notebooks are."""
        return self.course.root / "autograded" / student / self.course.assignment

    def is_done(self, student: str, digest: str) -> bool:
        """Whether just this submission has been graded and written already."""
        try:
            return bool(json.loads((self.folder(student) / MARKER).read_text())["digest"] == digest)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write(self, result: SubmissionResult) -> None:
        """Write one submission. The marker comes last, so that a killed run is repeated, never skipped."""
        self._scores(result)
        target = self.folder(result.student)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=target.parent))
        for name, graded in result.notebooks.items():
            (fresh / f"{name}.ipynb").write_text(graded.text, encoding="utf-8")
        if result.timestamp is not None:
            (fresh / TIMESTAMP).write_bytes(result.timestamp)
        (fresh / MARKER).write_text(json.dumps({"digest": result.digest}))
        for path in fresh.iterdir():
            path.chmod(0o644)
        fresh.chmod(0o755)
        if target.exists():
            aside = Path(tempfile.mkdtemp(prefix=".old-", dir=target.parent))
            os.replace(target, aside / "old")
        os.replace(fresh, target)
        for left in (*target.parent.glob(".old-*"), *target.parent.glob(".fresh-*")):
            shutil.rmtree(left, ignore_errors=True)

    def _scores(self, result: SubmissionResult) -> None:
        """What nbgrader's SaveAutoGrades and AssignLatePenalties do, in one transaction."""
        book, assignment = self.gradebook, self.course.assignment
        book.update_or_create_student(result.student)
        submission = book.update_or_create_submission(assignment, result.student, timestamp=_time(result.timestamp))
        for notebook in submission.notebooks:
            graded = result.notebooks.get(notebook.name)
            grades = {grade.name: grade for grade in notebook.grades}
            comments = {comment.name: comment for comment in notebook.comments}
            for cell in nbformat.reads(graded.text, as_version=4).cells if graded else []:
                self._cell(cell, grades, comments)
            if graded is None or not graded.handed_in:
                for grade in notebook.grades:
                    grade.auto_score, grade.needs_manual_grade = 0, False
        book.db.flush()
        late = submission.total_seconds_late
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = None
            if late > 0:
                penalty = self.late.late_submission_penalty(result.student, notebook.score, late)
                if penalty is not None:
                    notebook.late_submission_penalty = min(max(penalty, 0), notebook.score)
        book.db.commit()

    def _cell(self, cell: Any, grades: dict[str, Any], comments: dict[str, Any]) -> None:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if is_grade(cell) and name in grades:
            grade = grades[name]
            grade.auto_score = determine_grade(cell)[0]
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        if (is_solution(cell) or is_task(cell)) and name in comments:
            same = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
            comments[name].auto_comment = "No response." if same and not is_task(cell) else None


def _time(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return parse_utc(raw.decode("utf-8").strip())
    except (ValueError, OverflowError):
        return None


def rows(db_url: str) -> list[tuple[Any, ...]]:
    """All grades by name, in order: what must be the same whoever has written the gradebook."""
    found = []
    with Gradebook(db_url) as book:
        for assignment in book.assignments:
            for submission in assignment.submissions:
                for notebook in submission.notebooks:
                    late = notebook.late_submission_penalty
                    key = (assignment.name, submission.student.id, notebook.name, late)
                    found += [
                        (*key, g.name, g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades
                    ]
                    found += [(*key, c.name, c.auto_comment, c.manual_comment, None) for c in notebook.comments]
    return sorted(found, key=repr)
