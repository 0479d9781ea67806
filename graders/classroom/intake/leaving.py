"""What a run of `graders collect` leaves for a person, and which files that were left before it has settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graders.classroom.intake.left import BY_THEMSELVES, Left, is_beside
from graders.classroom.intake.placing import Ledger, digest_of
from graders.classroom.intake.reader import is_readable
from graders.classroom.intake.results import FileRow
from graders.classroom.intake.written import Written
from graders.lab.manifest import Course

LISTED = (
    "what is left stands in `graders report`, too, until a later run takes it or you say that it is settled: "
    "`graders collect --settled FILE`"
)


def note_left(
    ledger: Ledger, rows: Sequence[FileRow], places: Mapping[str, tuple[str, str]], course: Course, written: Written
) -> list[str]:
    """Remember which files a run has left, and forget those that it has settled; return notes for the user.

    Parameters
    ----------
    ledger : Ledger
    rows : sequence of FileRow
    places : mapping of str to (str, str)
        Path of each of the run's files, and of its copy if there is one, by the rows' name of it.
    course : Course
    written : Written
    """
    left, missing = list[Left](), list[Left]()
    for row in rows:
        there = ledger.there(row.student)
        if not row.status.left or _needs_nobody(row, there, course):
            continue
        path, spool = places[row.where]
        digest = digest_of(Path(spool)) if spool else ""
        one = Left(row.where, path, digest, row.status.name, row.explained, row.student, row.notebook)
        if row.notebook and row.notebook not in there:
            missing.append(one)
        elif ledger.has(row.student, row.notebook, digest):
            continue
        left.append(one)
    taken = {(row.student, row.notebook) for row in rows if row.status.taken and row.notebook}
    seen = [path for path, _ in places.values()]
    ledger.left.update(seen, (student for student, _ in taken), _chosen(ledger, taken, written), left, missing)
    return [LISTED] if {one.key for one in left} & {one.key for one in ledger.left.files} else []


def _needs_nobody(row: FileRow, there: set[str], course: Course) -> bool:
    """Tell whether what a file that was left is, and what else its student has handed in, leaves nothing to ask."""
    if row.status.name in BY_THEMSELVES:
        return not row.student or bool(there)
    return {spec.name for spec in course.notebooks} <= there and is_beside(row.status, row.where)


def _chosen(ledger: Ledger, taken: set[tuple[str, str]], written: Written) -> set[tuple[str, str]]:
    """Return those of the notebooks taken, by student and name, that have work in them and of which one was left."""
    chosen = set[tuple[str, str]]()
    for student, name in taken & {(one.student, one.notebook) for one in ledger.left.files}:
        target = ledger.path.parent / student / ledger.assignment / f"{name}.ipynb"
        if is_readable(target) and written.work(target, name) != frozenset():
            chosen.add((student, name))
    return chosen
