"""The standing of each student: read from the gradebook, the hand-ins and the autograded notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graders.classroom.batch import read_job, students
from graders.classroom.intake.left import Left
from graders.classroom.intake.placing import Ledger
from graders.gradebook import look_again, nbgrader_api
from graders.gradebook.files import shown
from graders.gradebook.marker import fingerprint
from graders.gradebook.record import Recorder, unlisted_students
from graders.gradebook.settings import Settings
from graders.gradebook.states import CellState, State, read_states
from graders.gradebook.writing import read_result
from graders.grading.astray import astray
from graders.grading.results import OTHER_ANSWERS
from graders.lab.manifest import Course
from graders.status import Status


@dataclass(frozen=True)
class Row:
    """One student's standing.

    Attributes
    ----------
    student, last_name, first_name, email : str
    score : float
        The grade: points less the penalty.
    raw, late_penalty, max_score : float
        Points without the penalty, the penalty, and the maximum.
    handed_in : bool
    submitted, due : datetime or None
        In UTC, `due` with this student's extension; None if not known.
    seconds_late : float
    waits : tuple of str
        Why the grade is not final yet; empty if it is.
    undecided : mapping of str to str
        Exercises that no machine could grade and no person has graded since, and why; `waits` names them, too.
    notebooks : dict of str to float
        Points by notebook.
    cells : mapping of str to CellState
    results : dict of str to dict
        What the last grading found, by notebook.
    left : tuple of Left
        Files that `graders collect` did not take, and that a person must look at; `waits` names them, too.
    astray : str
        Why a person must look beside the assignment's folder, where nothing is graded; `waits` says it, too.
    """

    student: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    score: float = 0.0
    raw: float = 0.0
    late_penalty: float = 0.0
    max_score: float = 0.0
    handed_in: bool = False
    submitted: datetime | None = None
    due: datetime | None = None
    seconds_late: float = 0.0
    waits: tuple[str, ...] = ()
    undecided: Mapping[str, str] = field(default_factory=dict)
    notebooks: dict[str, float] = field(default_factory=dict)
    cells: Mapping[str, CellState] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: tuple[Left, ...] = ()
    astray: str = ""

    @property
    def exercises(self) -> list[dict[str, Any]]:
        """All exercises in order, as in :meth:`graders.grading.results.NotebookResult.summary`."""
        return [exercise for result in self.results.values() for exercise in result.get("exercises", [])]

    @property
    def open(self) -> bool:
        """Whether a person must still give a part of the grade, which would be a silent 0 if it went out."""
        return bool(self.undecided or self.left or self.astray)

    @property
    def remarks(self) -> list[str]:
        """What a person should know of it, though the grade stands."""
        notes = [note for result in self.results.values() for note in result.get("notes", [])]
        return [note for note in notes if note.startswith(OTHER_ANSWERS)]

    @property
    def untouched(self) -> bool:
        """Whether something was handed in and no exercise is attempted in it."""
        ends = [Status[exercise["status"]] for exercise in self.exercises]
        return self.handed_in and bool(ends) and all(end.without_work for end in ends)

    @property
    def missing(self) -> list[str]:
        """The notebooks of which nothing was handed in."""
        return [name for name, result in self.results.items() if result.get("status") == Status.MISSING.name]

    @property
    def name(self) -> str:
        """Last name, first name; the id if there are none."""
        return f"{self.last_name}, {self.first_name}".strip(", ") or self.student


@dataclass(frozen=True)
class Class:
    """The whole class.

    Attributes
    ----------
    rows : list of Row
        One per student of the gradebook, by id.
    strangers : list of str
        Students who were graded and are no longer in the gradebook.
    max_score : float
    kept : list of str
        Extensions that were set anew, because the class's due date has moved, as text.
    unlisted : list of str
        Students of the gradebook who are not on the roster.
    ownerless : list of Left
        Files that `graders collect` did not take, and that are nobody's of the class as far as is known.
    """

    rows: list[Row]
    strangers: list[str]
    max_score: float
    kept: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    ownerless: list[Left] = field(default_factory=list)

    @property
    def unfinished(self) -> list[Row]:
        """The students whose grade is not final."""
        return [row for row in self.rows if row.waits]

    @property
    def final(self) -> bool:
        """Whether every grade is final, as far as is known: a file of unknown owner may be anybody's."""
        return not self.unfinished and not self.ownerless


def collect(course: Course, settings: Settings | None = None, now: datetime | None = None) -> Class:
    """Read the standing of the class.

    Parameters
    ----------
    course : Course
    settings : Settings, optional
        By default the course's.
    now : datetime, optional
        With a zone; by default the present.

    Raises
    ------
    ValueError
        If the assignment is not in the gradebook.
    """
    settings = Settings.load(course.root) if settings is None else settings
    course, now = settings.apply(course), now or datetime.now(UTC)
    mark, rows, left = fingerprint(course), dict[str, Row](), _left(course, settings)
    handed_in = {name for name in students(course) if name not in settings.excluded}
    with nbgrader_api.quiet(), Recorder(course, settings.config) as recorder:
        book = recorder.gradebook
        found = astray(course, {student.id for student in book.students})
        lost = {name: why for name, why in found.items() if name not in settings.excluded}
        release = recorder.release()
        again = "regrade" if recorder.other_points() else "grade"
        states, asked = read_states(book, course.assignment), look_again.open_requests(book, course.assignment)
        submissions = {found.student_id: found for found in book.assignment_submissions(course.assignment)}
        for student in book.students:
            if student.id in settings.excluded:
                continue
            submission, state = submissions.get(student.id), states.get(student.id, State({}))
            due = _utc(release.duedate if submission is None else submission.duedate)
            late = 0.0 if submission is None else float(submission.total_seconds_late)
            waits = [f"asked for another look at {exercise}" for exercise in asked.get(student.id, [])]
            folder, undecided = course.root / "autograded" / student.id / course.assignment, dict[str, str]()
            results = {spec.name: read_result(folder / f"{spec.name}.ipynb") for spec in course.ready}
            if student.id in handed_in:  # else nbgrader has every cell wait, once there is an extension
                undecided = _undecided(course, state, results)
                waits[:0] = _waits(course, state, undecided)
                others = recorder.other_files(student.id)
                job = read_job(course, student.id, mark, settings.limits, settings.required, others)
                if not recorder.is_done(student.id, job.digest):
                    waits.insert(0, f"handed in, and not graded as it is now: run `graders {again}`")
                elif (late or state.penalty) and recorder.penalty_is_stale(student.id):
                    waits.append("the penalty for late work is not up to date: run `graders grade`")
            elif due is not None and due > now:
                waits.append(f"may hand in until {due:%Y-%m-%d %H:%M} UTC")
            waits += [*map(str, left.get(student.id, ())), *([lost[student.id]] if student.id in lost else [])]
            rows[student.id] = Row(
                student.id,
                student.last_name or "",
                student.first_name or "",
                student.email or "",
                state.score,
                state.raw,
                min(state.penalty, state.raw),
                float(release.max_score),
                student.id in handed_in,
                None if submission is None else _utc(submission.timestamp),
                due,
                late,
                tuple(waits),
                undecided,
                {spec.name: state.notebook(spec.name) for spec in course.ready},
                state.cells,
                results,
                tuple(left.pop(student.id, ())),
                lost.pop(student.id, ""),
            )
        missing = sorted(handed_in - rows.keys())
        graded = [name for name in missing if (course.root / "autograded" / name / course.assignment).is_dir()]
        for name in sorted(set(missing) - set(graded)):
            why = recorder.refusal(name) or "handed in, and not graded: run `graders grade`"
            files, most = tuple(left.pop(name, ())), float(release.max_score)
            told = why, *map(str, files)
            rows[shown(name)] = Row(shown(name), max_score=most, handed_in=True, waits=told, left=files)
        for name in sorted(lost.keys() - set(missing)):
            files = tuple(left.pop(name, ()))
            told, most = (lost[name], *map(str, files)), float(release.max_score)
            rows[shown(name)] = Row(shown(name), max_score=most, waits=told, left=files, astray=lost[name])
        unlisted = [name for name in unlisted_students(book) if name in rows]
        ordered = [rows[name] for name in sorted(rows)]
        ownerless = [one for files in left.values() for one in files]
        return Class(ordered, graded, float(release.max_score), recorder.kept, unlisted, ownerless)


def _left(course: Course, settings: Settings) -> dict[str, list[Left]]:
    """Return what `graders collect` left, by student, under an empty name where nobody knows whose it is."""
    found: dict[str, list[Left]] = {}
    for one in Ledger(course.root / "submitted", course.assignment).left.files:
        if one.student not in settings.excluded:
            found.setdefault(one.student, []).append(one)
    return found


def _undecided(course: Course, state: State, results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    cells = {exercise.id: exercise.grade_cell for exercise in course.exercises()}
    return {
        exercise["id"]: " ".join(str(exercise["message"] or Status.GRADER.remedy).split())[:300]
        for result in results.values()
        for exercise in result.get("exercises", [])
        if any(Status[name].waits for name in (exercise["status"], *(check["status"] for check in exercise["checks"])))
        and (cell := state.cells.get(cells.get(exercise["id"], ""))) is not None
        and cell.waits
    }


def _waits(course: Course, state: State, undecided: Mapping[str, str]) -> list[str]:
    names = {item.cell: f"written answer {item.id}" for spec in course.notebooks for item in spec.written}
    again = dict[str, str]()
    for exercise in course.exercises():
        names[exercise.grade_cell] = f"exercise {exercise.id}"
        if why := undecided.get(exercise.id):
            likewise = any(told.endswith(why) for told in again.values())
            again[exercise.grade_cell] = "" if likewise else f", or by machine again: {why}"
    return [
        f"{names.get(cell, cell)} to grade by hand{again.get(cell, '')}"
        for cell, entry in state.cells.items()
        if entry.waits
    ]


def _utc(time: datetime | None) -> datetime | None:
    """A gradebook's times are in UTC and have no zone."""
    return None if time is None else time.replace(tzinfo=UTC)
