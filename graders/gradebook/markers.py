"""Who marks what by hand: assigned by student or by question, kept in the gradebook, shown by formgrader's list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graders.gradebook.notes import Notes
from graders.lab.manifest import Course

KIND = "marker"


def deal(course: Course, students: Sequence[str], markers: Sequence[str], *, by: str) -> dict[str, dict[str, str]]:
    """Assign the written answers of a class to markers.

    Parameters
    ----------
    course : Course
    students, markers : sequence of str
    by : {"student", "question"}
        Whether one marker gets all answers of a student, or all answers to a question.

    Returns
    -------
    dict of str to dict of str to str
        Markers by student and cell.
    """
    cells = [item.cell for spec in course.ready for item in spec.written]
    return {
        student: {cell: markers[(k if by == "student" else n) % len(markers)] for n, cell in enumerate(cells)}
        for k, student in enumerate(sorted(students))
    }


def assign(book: Any, assignment: str, dealt: dict[str, dict[str, str]]) -> None:
    """Write who marks what; this replaces what was written before. The caller commits."""
    notes = Notes(book, assignment)
    notes.clear(KIND)
    for student, cells in dealt.items():
        notes.put(student, KIND, cells)


def marker_of(book: Any, assignment: str, student: str, cell: str) -> str:
    """Return who marks a cell of a student; empty if nobody was named."""
    return Notes(book, assignment).of(student, KIND).get(cell, "")


def own_students(book: Any, course: Course, notebook: str, marker: str) -> set[str] | None:
    """Return the students of whom `marker` has something to mark in a notebook; None if `marker` marks nothing at all.

    None means all students: the instructor, for example, is no marker.
    """
    notes = [note for note in Notes(book, course.assignment).all(KIND) if note.text == marker]
    if not notes:
        return None
    cells = {item.cell for spec in course.ready if spec.name == notebook for item in spec.written}
    return {note.student for note in notes if note.name in cells}
