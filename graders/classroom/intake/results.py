"""What became of each file, and the table that says so."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from graders.lab.printing import counted, printable


class FileStatus(Enum):
    """What became of a file; the text says what to do about it."""

    TAKEN = "taken"
    REPLACED = "taken, in the place of the one collected before"
    DAMAGED = "taken, but it cannot be read as a notebook: a person must look"
    BESIDE = "taken, beside the notebook"
    UNCHANGED = "already there"
    OLDER = "not needed: there is a later one"
    BLANK = "not needed: nothing is written in it"
    EMPTIED = "left: handed in later, but nothing is written in it, and one with work is there; ask the student"
    SAME = "not needed: the same file twice"
    ELSEWHERE = "left: of another assignment"
    FOREIGN = "left: no notebook of this assignment, by its marks or its name"
    MIXED = "left: it has exercises of several notebooks; ask the student for the file of each"
    NOBODY = "left: whose is it?"
    AMBIGUOUS = "left: it may be of several people"
    CONFLICT = "left: two owners for one notebook"
    UNORDERED = "left: several different ones, and nothing says which is the later"
    EXISTING = "left: a different one is already there, and no record says which is the later"
    BROKEN = "left: it cannot be read as a notebook, and one that can be read is there"
    OTHER = "left: a different file of this name is already there"
    KEPT = "left: a copy that a program keeps, with work of which nothing else was handed in; ask the student"
    NOTHING = "left: nothing of the student's is in it"
    LOOSE = "left: no notebook, and it lies beside none that was taken"
    UNREADABLE = "left: it cannot be read"
    RECORD = "a record of the system that cannot be used"

    @property
    def fine(self) -> bool:
        """Whether nobody needs to look at the file."""
        return self in _FINE

    @property
    def taken(self) -> bool:
        """Whether the file is in `submitted/` now and was not before."""
        return self in (FileStatus.TAKEN, FileStatus.REPLACED, FileStatus.DAMAGED, FileStatus.BESIDE)

    @property
    def left(self) -> bool:
        """Whether the file is not in `submitted/`, and a person must say what is to become of it."""
        return not self.fine and not self.taken and self is not FileStatus.RECORD


_FINE = {
    FileStatus.TAKEN,
    FileStatus.REPLACED,
    FileStatus.BESIDE,
    FileStatus.UNCHANGED,
    FileStatus.OLDER,
    FileStatus.SAME,
    FileStatus.BLANK,
}


@dataclass(frozen=True)
class FileRow:
    """What became of one file.

    Attributes
    ----------
    where : str
        The file, for people.
    status : FileStatus
    student, notebook, when : str
        Empty where it is not known.
    more : str
        What the status alone does not say.
    """

    where: str
    status: FileStatus
    student: str = ""
    notebook: str = ""
    when: str = ""
    more: str = ""

    @property
    def explained(self) -> str:
        """What became of the file, and why."""
        return self.status.value + (f": {printable(self.more, 400)}" if self.more else "")


HEAD = ("student", "notebook", "handed in", "what became of it", "file")


def table(rows: Sequence[FileRow], notes: Sequence[str] = (), *, dry: bool = False) -> str:
    """Return the rows as a table, those that somebody has to look at last, then the notes and the sums."""
    ordered = sorted(rows, key=lambda row: (not row.status.fine, row.student, row.notebook, row.where))
    lines = [HEAD] + [
        (
            printable(row.student, 60) or "?",
            printable(row.notebook, 60) or "–",
            row.when or "–",
            row.explained,
            printable(row.where),
        )
        for row in ordered
    ]
    widths = [min(max(_width(line[column]) for line in lines), 50) for column in range(4)]
    text = [
        "  ".join([*(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=False)), line[4]])
        for line in lines
    ]
    left = sum(row.status.left for row in rows)
    sums = f"{sum(row.status.taken for row in rows)} of {counted(len(rows), 'file')} taken, {left} left"
    return "\n".join([*text, *notes, sums + (" (a dry run: nothing was written)" if dry else "")])


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
