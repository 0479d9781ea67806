"""Whether exactly this submission has been graded already: the gradebook and the autograded folder must both say so."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, MissingEntry, SubmittedNotebook

from graders.grading.beside import REASON
from graders.grading.submission import Files, read_files
from graders.lab.manifest import Course

MARKER = ".graders.json"
AGAIN = "again "
"""Prefix of the digest of a submission that no machine could grade: each run tries again until a person grades it."""


def fingerprint(course: Course) -> str:
    """Return a digest of all else that a grade depends on: manifest, sources, checks, graders, library, secret."""
    import sheaflab

    digest = hashlib.sha256(course.secret)
    roots = [
        course.source,
        course.checks,
        course.visible,
        Path(__file__).resolve().parents[1],
        Path(sheaflab.__file__).resolve().parent,
    ]
    paths = {course.manifest, *(path for root in roots for path in root.rglob("*.py"))}
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def read_submission(folder: Path, others: Mapping[str, Path], mark: str) -> tuple[Files, str]:
    """Return a submission as it is graded, and its digest; where it cannot be read, the reason for a person to look.

    Parameters
    ----------
    folder : Path
    others, mark
        See :func:`digest_of`.
    """
    try:
        files: Files = read_files(folder)
        return files, digest_of(files, others, mark)
    except Exception as error:  # a student decides what lies there, and no fault of one may end the class
        files = {REASON: f"its files cannot be read: {error}".encode(errors="backslashreplace")}
        return files, digest_of(files, {}, mark)


def digest_of(files: Files, others: Mapping[str, Path], mark: str) -> str:
    """Return a digest of a submission and of what its grade depends on.

    Parameters
    ----------
    files : Files
        Its notebooks and timestamp, as far as they are read.
    others : mapping of str to Path
        Its other files, which are copied with it, by name.
    mark : str
        See :func:`fingerprint`.
    """
    digest = hashlib.sha256(mark.encode())
    for name, raw in files.items():
        digest.update(b"\0".join([b"", os.fsencode(name), b"-" if raw is None else b"%d" % len(raw), raw or b""]))
    for name, path in others.items():
        with path.open("rb") as file:
            digest.update(b"\0%b\0" % os.fsencode(name) + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def state(gradebook: Any, assignment: str, student: str) -> str | None:
    """Return a digest of what autograding has written into a gradebook; None if the submission is not in it.

    Points, comments and marks of "needs grading" that a person has changed since do not count, nor does the penalty,
    which depends on them.
    """
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None
    values = [("submission", submission.student.id, str(submission.timestamp))]
    for table, value in ((Grade, Grade.auto_score), (Comment, Comment.auto_comment)):
        rows = (
            gradebook.db.query(BaseCell.name, value)
            .select_from(table)
            .join(SubmittedNotebook, SubmittedNotebook.id == table.notebook_id)
            .join(BaseCell, BaseCell.id == table.cell_id)
            .filter(SubmittedNotebook.assignment_id == submission.id)
        )
        values += [(table.__name__, name, repr(value)) for name, value in rows]
    return hashlib.sha256(repr(sorted(values)).encode()).hexdigest()


def write_marker(folder: Path, digest: str, gradebook: Any, assignment: str, student: str) -> None:
    """Note in an autograded `folder` the digest of its submission, and the state of the gradebook."""
    path = folder / MARKER
    path.unlink(missing_ok=True)  # nbgrader leaves its files read-only
    path.write_text(json.dumps({"digest": digest, "gradebook": state(gradebook, assignment, student)}))


def is_done(folder: Path, digest: str, gradebook: Any, assignment: str, student: str) -> bool:
    """Tell whether `folder` and the gradebook both hold the grades of the submission with this digest."""
    try:
        noted = json.loads((folder / MARKER).read_text())
        if noted["gradebook"] != state(gradebook, assignment, student):
            return False
        if noted["digest"] == AGAIN + digest:
            return not gradebook.find_submission(assignment, student).needs_manual_grade
        return bool(noted["digest"] == digest)
    except (OSError, ValueError, KeyError, TypeError):
        return False
