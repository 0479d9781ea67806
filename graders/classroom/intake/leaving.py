"""What a run of `graders collect` leaves for a person, and which files that were left before it has settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graders.classroom.intake.left import BY_THEMSELVES, Left, is_beside
from graders.classroom.intake.placing import Ledger, digest_of
from graders.classroom.intake.reader import is_readable
from graders.classroom.intake.results import FileRow, FileStatus
from graders.classroom.intake.walker import Item
from graders.classroom.intake.written import Written
from graders.lab.manifest import Course, assignments

LISTED = (
    "what is left stands in `graders report`, too, until a later run takes it or you say that it is settled: "
    "`graders collect --settled FILE`"
)


def note_left(
    ledger: Ledger, rows: Sequence[FileRow], places: Mapping[str, tuple[str, Item]], course: Course, written: Written
) -> list[str]:
    """Remember which files a run has left, and forget those that it has settled; return notes for the user.

    Parameters
    ----------
    ledger : Ledger
    rows : sequence of FileRow
    places : mapping of str to (str, Item)
        Path of each of the run's files, and what it is, by the rows' name of it.
    course : Course
    written : Written
    """
    left, missing = list[Left](), list[Left]()
    for row in rows:
        there = ledger.there(row.student)
        if not row.status.left or _needs_nobody(row, there, course):
            continue
        path, item = places[row.where]
        digest = digest_of(Path(item.spool)) if item.spool else item.mark
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


def note_placed(
    rows: Sequence[FileRow], places: Mapping[str, tuple[str, Item]], submitted: Path, course: Course
) -> list[str]:
    """Let other assignments forget the files of this one that a run has found a place for; return notes for the user.

    Parameters
    ----------
    rows, places
        As for :func:`note_left`.
    submitted : Path
    course : Course
    """
    placed, notes = dict(places[row.where] for row in rows if row.notebook and not row.status.left), list[str]()
    for name in assignments(course.root):
        if name == course.assignment:
            continue
        try:
            other = Ledger(submitted, name)  # read at the last moment: another run may have written it
        except ValueError as error:
            notes.append(str(error))
            continue
        theirs = [one for one in other.left.files if one.status == FileStatus.ELSEWHERE.name and one.path in placed]
        if same := [one for one in theirs if one.digest == digest_of(Path(placed[one.path].spool))]:
            other.left.placed(same)
            other.save()
    return notes


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
