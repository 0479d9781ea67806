"""Writes graded submissions into nbgrader's gradebook and `autograded/`: each as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from nbgrader.api import BaseCell, Gradebook, MissingEntry, Notebook
from nbgrader.converters import Autograde
from sqlalchemy.exc import InterfaceError, OperationalError
from traitlets.config import Config

from graders.gradebook import extensions, marker
from graders.gradebook.files import (
    NO_TEXT,
    TOO_MUCH,
    SubmissionFolders,
    configured_zone,
    copy_files,
    folder_of,
    is_too_much,
    other_files,
    shown,
    shown_files,
    submission_time,
)
from graders.gradebook.notes import Notes
from graders.gradebook.penalties import SubmissionPenalty
from graders.gradebook.scores import ANSWER, save
from graders.grading.folder import TIMESTAMP
from graders.grading.submission import SubmissionResult
from graders.lab.manifest import Course
from sheaflab.startup import own_programs_first


def is_of_the_machine(error: Exception) -> bool:
    """Whether the gradebook cannot be reached or a disk not be written, which is no student's affair."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return full or is_of_the_database(error)


def is_of_the_database(error: Exception) -> bool:
    """Whether the gradebook cannot be reached, such as one that another program has locked."""
    return isinstance(error, (OperationalError, InterfaceError))


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind if it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


class Recorder:
    """Writes what `nbgrader autograde` would write, for one course; not to be used by two processes at once.

    Parameters
    ----------
    course : Course
    config : Config
        The course's configuration; see :func:`graders.gradebook.nbgrader_api.load_config`.
    """

    def __init__(self, course: Course, config: Config) -> None:
        self.course = course
        self.left = set[str]()
        self.kept = list[str]()
        self.coursedir = SubmissionFolders(config=config, root=str(course.root), assignment_id=course.assignment)
        own_programs_first()
        self.gradebook = Gradebook(self.coursedir.db_url, self.coursedir.course_id)
        self._autograde = Autograde(coursedir=self.coursedir, config=config)
        self._penalty = SubmissionPenalty(config=config)

    def __enter__(self) -> Recorder:
        """Keep the promised extensions, if the class's due date has moved; `kept` says what was done."""
        self.kept = extensions.keep(self.gradebook, self.course.assignment)
        return self

    def __exit__(self, *_: object) -> None:
        self.gradebook.close()

    def _folder(self, step: str, student: str) -> Path:
        return folder_of(self.coursedir, step, student, self.course.assignment)

    def other_files(self, student: str) -> dict[str, Path]:
        """The files of a submission that are copied as they are, by name; no notebooks, and no links."""
        folder = self._folder(self.coursedir.submitted_directory, student)
        if is_too_much(folder, self.coursedir.ignore):
            self.left.add(f"{folder}: {TOO_MUCH}")
        return {str(path.relative_to(folder)): path for path in other_files(folder, self.coursedir.ignore)}

    def release(self) -> Any:
        """Return nbgrader's Assignment of the release.

        Raises
        ------
        ValueError
            If the gradebook has none, such as a new one.
        """
        found = next((one for one in self.gradebook.assignments if one.name == self.course.assignment), None)
        if found is None:
            raise ValueError(f"{self.course.assignment} is not in the gradebook; run `graders build` first")
        return found

    def other_points(self) -> str:
        """Return which exercises have other points in the gradebook than in the manifest; empty if none has.

        Grades are written against the gradebook's points, which are those of the release.
        """
        released = {cell.name: cell.max_score for notebook in self.release().notebooks for cell in notebook.grade_cells}
        exercises = [exercise for spec in self.course.ready for exercise in spec.exercises]
        told = [
            f"{exercise.id} ({_points(released.get(exercise.grade_cell))} in the gradebook, {exercise.points:g})"
            for exercise in exercises
            if released.get(exercise.grade_cell) != exercise.points
        ]
        return ", ".join(told)

    def refusal(self, student: str) -> str:
        """Return why a student's work is not graded, such as a name missing in the gradebook; empty if it is."""
        if shown(student) != student:
            return NO_TEXT
        if self._autograde.create_student:
            return ""
        try:
            self.gradebook.find_student(student)
        except MissingEntry:
            return (
                "the gradebook has no such student and Autograde.create_student is False; "
                f"`nbgrader db student add {student}`, then grade again"
            )
        return ""

    def is_done(self, student: str, digest: str) -> bool:
        """Whether exactly this submission has been graded already, and the gradebook has its grades."""
        folder = self._folder(self.coursedir.autograded_directory, student)
        return marker.is_done(folder, digest, self.gradebook, self.course.assignment, student)

    def update_penalty(self, student: str) -> bool:
        """Bring the penalty of a graded submission to what due date, extension, points and rule now say.

        Returns
        -------
        bool
            Whether it has changed.
        """
        changed = self._penalty.assign(self.gradebook.find_submission(self.course.assignment, student))
        self.gradebook.db.commit()
        return changed

    def penalty_is_stale(self, student: str) -> bool:
        """Whether :meth:`update_penalty` would change anything; it is not changed here."""
        stale = self._penalty.assign(self.gradebook.find_submission(self.course.assignment, student))
        self.gradebook.db.rollback()
        return stale

    def failed(self, error: Exception) -> str:
        """Take back what was begun for the student at whom `error` was raised, so that the next one is not touched.

        Returns
        -------
        str
            What it says, without the statement and the values that a database adds.

        Raises
        ------
        Exception
            The error itself, where the machine has failed: so it would for each of the class.
        """
        if is_of_the_machine(error):
            raise error
        self.gradebook.db.rollback()
        return first_line(error)

    def write(self, result: SubmissionResult) -> str:
        """Write one submission. The marker comes last, so that a killed run is repeated, never skipped.

        Returns
        -------
        str
            Why a person must look at it; empty if nobody need.
        """
        student, assignment = result.student, self.course.assignment
        write_rows(self.gradebook, self._penalty, result, self.course)
        submitted = self._folder(self.coursedir.submitted_directory, student)
        source = folder_of(self.coursedir, self.coursedir.source_directory, ".", assignment)
        target = self._folder(self.coursedir.autograded_directory, student)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=target.parent))
        copy_files(shown_files(self.other_files(student), result.drawings), submitted, fresh)
        excluded = {source / name for name in self._autograde.exclude_overwriting.get(assignment, [])}
        ours = [path for path in other_files(source, self.coursedir.ignore, bounded=False) if path not in excluded]
        copy_files(ours, source, fresh)
        for name, graded in result.notebooks.items():
            (fresh / f"{name}.ipynb").write_text(graded.text, encoding="utf-8")
        marker.write_marker(fresh, result.digest, self.gradebook, assignment, student)
        self._autograde.set_permissions(fresh.name, student)  # to nbgrader, the folder is one more assignment's
        fresh.chmod(fresh.stat().st_mode | 0o755)
        if target.exists():
            aside = Path(tempfile.mkdtemp(prefix=".old-", dir=target.parent))
            os.replace(target, aside / "old")
        os.replace(fresh, target)
        for left in (*target.parent.glob(".old-*"), *target.parent.glob(".fresh-*")):
            shutil.rmtree(left, ignore_errors=True)
        return open_question(self.gradebook, result, self.course)


def removed_students(book: Any, assignment: str) -> set[str]:
    """Return the students who were graded in this very gradebook and have been taken out of it since."""
    return {note.student for note in Notes(book, assignment).all(ANSWER)} - {student.id for student in book.students}


def about_removed(student: str) -> str:
    """Say of a student who is not in the gradebook how to have the student back, and how to be done with it."""
    return (
        f"{student} is not in the gradebook. To have the student back, run `graders grade --student {student}`; "
        f"otherwise move submitted/{student}, autograded/{student} and feedback/{student} out of the course, or "
        "`nbgrader generate_feedback` ends with an error"
    )


def unlisted_students(book: Any) -> list[str]:
    """Return the ids without name and address, if others have one: they came with a hand-in and not with the roster."""
    named = {student.id: bool(student.last_name or student.first_name or student.email) for student in book.students}
    return sorted(student for student, known in named.items() if not known) if any(named.values()) else []


def open_question(book: Any, result: SubmissionResult, course: Course) -> str:
    """Return why a person must look at a submission that was written; empty if a person has, at these very files."""
    cells = {exercise.id: exercise.grade_cell for exercise in course.exercises()}
    for notebook in book.find_submission(course.assignment, result.student).notebooks:
        if notebook.name in result.notebooks:
            found = result.notebooks[notebook.name].result
            undecided = {cells.get(exercise.id) for exercise in found.exercises if exercise.undecided}
            for grade in notebook.grades:
                if grade.needs_manual_grade and (found.status.waits or grade.name in undecided):
                    return result.undecided
    return ""


def _points(score: float | None) -> str:
    return "none" if score is None else f"{score:g}"


def write_rows(book: Any, penalty: SubmissionPenalty, result: SubmissionResult, course: Course) -> None:
    """Write scores, comments and penalties of a submission into a gradebook, in one transaction."""
    notes = Notes(book, course.assignment)
    book.update_or_create_student(result.student)
    time, _ = submission_time(result.timestamp, Path(result.student) / TIMESTAMP, configured_zone(penalty.config))
    submission = book.update_or_create_submission(course.assignment, result.student)
    submission.timestamp = time  # also where it is not known: the time of an older submission is not this one's
    ready = {spec.name for spec in course.ready}
    known = book.db.query(BaseCell).join(Notebook).filter(Notebook.assignment == submission.assignment).all()
    for notebook in submission.notebooks:
        graded = result.notebooks.get(notebook.name)
        if graded is not None:
            save(notebook, graded.rows, notes)
        elif notebook.name not in ready:  # released, and no longer in the course
            for grade in notebook.grades:
                grade.auto_score, grade.needs_manual_grade = 0, False
    del known  # as long as they were held, none of them was asked for by itself
    book.db.flush()
    penalty.assign(submission)
    book.db.commit()


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
