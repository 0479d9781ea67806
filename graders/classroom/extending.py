"""Extensions: another due date for one student, in the gradebook, where nbgrader finds it."""

from __future__ import annotations

from datetime import UTC, datetime

from graders.gradebook import extensions, nbgrader_api
from graders.gradebook.record import Recorder
from graders.gradebook.settings import Settings
from graders.lab.manifest import Course


def extend(course: Course, student: str, until: datetime | None) -> str:
    """Set the due date of one student and update the penalty; return what has changed, as text.

    Parameters
    ----------
    course : Course
    student : str
        The id in the gradebook; a submission is not needed.
    until : datetime or None
        With a zone; None takes the extension back.

    Raises
    ------
    ValueError
        If there is no such student, no due date, or `until` is before it.
    """
    settings = Settings.load(course.root)
    with nbgrader_api.quiet(), Recorder(course, settings.config) as recorder:
        book, assignment = recorder.gradebook, course.assignment
        if not any(found.id == student for found in book.students):
            alike = [found.id for found in book.students if found.id.casefold() == student.casefold()]
            remedy = f"add the student: nbgrader db student add {student}"
            remedy = f"the gradebook has {' and '.join(map(repr, alike))}" if alike else remedy
            raise ValueError(f"`STUDENT` must be in the gradebook, got {student!r}; {remedy}")
        release = next((found for found in book.assignments if found.name == assignment), None)
        if release is None or release.duedate is None:
            raise ValueError(
                f"{assignment} must have a due date; set it first: "
                f'nbgrader db assignment add {assignment} --duedate "2026-12-01 23:59 UTC"'
            )
        due = release.duedate.replace(tzinfo=UTC)
        if until is not None and until < due:
            raise ValueError(f"`--until` must not be before the due date {due:{_FORMAT}}, got {until:{_FORMAT}}")
        submission = book.update_or_create_submission(assignment, student)
        before = submission.late_submission_penalty or 0.0
        extensions.promise(book, submission, until)
        recorder.update_penalty(student)
        after = submission.late_submission_penalty or 0.0
        message = f"{student}: {assignment} is due {submission.duedate:%Y-%m-%d %H:%M} UTC."
        if before != after:
            message += f" The penalty, in points, was {before:g} and is {after:g}."
        return "\n".join([message, *(f"Attention: {text}." for text in recorder.kept)])


_FORMAT = "%Y-%m-%d %H:%M %Z"
