"""Extensions as promised: nbgrader keeps a difference from the class's due date; we note the date itself beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from graders.gradebook.nbgrader_api import quiet
from graders.gradebook.notes import Notes

KIND = "extension"
_NAME = "until"
_FORMAT = "%Y-%m-%d %H:%M UTC"


def promise(book: Any, submission: Any, until: datetime | None) -> None:
    """Set the due date of one student's submission, and note it.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
    submission : nbgrader.api.SubmittedAssignment
    until : datetime or None
        With a zone; None takes the extension back.
    """
    date = None if until is None else until.astimezone(UTC).replace(tzinfo=None)
    notes, due = Notes(book, submission.name), submission.assignment.duedate
    submission.extension = _difference(date, due)
    notes.put(submission.student.id, KIND, {_NAME: _text(date, due)})
    book.db.commit()


def keep(book: Any, assignment: str) -> list[str]:
    """Keep the promised dates where the class's due date has moved; return what was done, as text.

    An extension that was changed by other means since is left as it is.
    """
    told, notes = list[str](), Notes(book, assignment)
    for note in notes.all(KIND):
        until, noted = (datetime.fromisoformat(text) if text else None for text in json.loads(note.text))
        try:
            submission = book.find_submission(assignment, note.student)
        except MissingEntry:
            continue
        due = submission.assignment.duedate
        if until is None or due == noted:
            continue
        notes.put(note.student, KIND, {_NAME: _text(until, due)})
        if submission.extension == _difference(until, noted):
            submission.extension = _difference(until, due)
            told.append(f"{note.student}: {_said(until, due)}")
    book.db.commit()
    return told


def keep_and_log(converter: Any) -> None:
    """Do as :func:`keep` for one of nbgrader's converters, and tell its log."""
    where = converter.coursedir
    with quiet(), Gradebook(where.db_url, where.course_id) as book:
        for text in keep(book, where.assignment_id):
            converter.log.warning("%s", text)


def _said(until: datetime, due: datetime | None) -> str:
    if due is None:
        return f"the class has no due date any more; the extension until {until:{_FORMAT}} counts once it has one again"
    moved = f"the class's due date has moved to {due:{_FORMAT}}"
    if until <= due:
        return f"{moved} and counts, for the extension ended before, {until:{_FORMAT}}"
    return f"{moved}; the extension until {until:{_FORMAT}} stays as promised"


def _difference(until: datetime | None, due: datetime | None) -> timedelta | None:
    return until - due if until is not None and due is not None and until > due else None


def _text(until: datetime | None, due: datetime | None) -> str:
    return json.dumps([None if time is None else time.isoformat() for time in (until, due)])
