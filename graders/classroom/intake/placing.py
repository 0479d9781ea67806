"""Chooses which of several files counts, and puts it into `submitted/`."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from graders.classroom.intake.left import LeftFiles
from graders.classroom.intake.reader import is_readable
from graders.classroom.intake.records import TIMESTAMP_FILE
from graders.classroom.intake.results import FileStatus
from graders.classroom.intake.times import TIMESTAMP
from graders.classroom.intake.written import Written
from graders.gradebook.timestamps import read_timestamp
from graders.grading.blank import Work

DOUBT = 60.0  # seconds by which a later number may be older: unpacking dates one student's files so closely


@dataclass(frozen=True)
class Candidate:
    """A file that may be a student's hand-in for one notebook.

    Attributes
    ----------
    where : str
        For people.
    path : Path
        The content.
    digest : str
    time : datetime or None
        When it was handed in, with a zone; None if nobody knows.
    local : datetime or None
        The same as the system wrote it, perhaps without a zone: good enough to compare within one layout.
    layout : str
        With the letters of the time's zone, if nobody knows what they stand for.
    order : tuple of int
        By the system's count.
    renamed : tuple of (str, int)
        The file's name and the number that a browser put behind it.
    when : str
        The time, for people.
    problem : str
        Why it cannot be read as a notebook; empty if it can.
    work : Work or None
        What of the student's is in it; None if nobody has looked, as where no other file competes, or can say.
    copied : bool
        Whether its name says that it was made as a copy.
    saved : float or None
        The file's own date, as :class:`Item` has it.
    """

    where: str
    path: Path
    digest: str
    time: datetime | None
    local: datetime | None
    layout: str
    order: tuple[int, ...]
    renamed: tuple[str, int]
    when: str
    problem: str = ""
    work: Work | None = None
    copied: bool = False
    saved: float | None = None

    @property
    def blank(self) -> bool:
        """Whether it is known that nothing is written in it."""
        return self.work is not None and not self.work


def digest_of(path: Path) -> str:
    """Return the digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def latest(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the one handed in last, by systems' records or numbers in names; None if neither tells."""
    for one in candidates:
        if all(other is one or _later(one, other) for other in candidates):
            return one
    return None


def counting(candidates: Sequence[Candidate], *, replace: bool) -> Candidate | None:
    """Return the latest that can be read, or with `replace` the latest; None if nothing tells which that is.

    One in which nothing is written never counts before one with work in it.
    """
    readable = [candidate for candidate in candidates if not candidate.problem]
    pool = candidates if replace or not readable else readable
    if any(not candidate.blank and not candidate.problem for candidate in pool):
        pool = [candidate for candidate in pool if not candidate.blank]
    return latest(pool)


def status_beside(other: Candidate, chosen: Candidate) -> FileStatus:
    """Return the status of a file that does not count because `chosen` does."""
    if other.blank and not chosen.blank:
        return FileStatus.EMPTIED if _by_record(other, chosen) else FileStatus.BLANK
    broken = other.problem and not chosen.problem and not _later(chosen, other)
    return FileStatus.BROKEN if broken else FileStatus.OLDER


def about(status: FileStatus, file: Candidate, target: Path, *, replace: bool) -> str:
    """Say what is wrong with a file that was taken or left, and how it is taken all the same."""
    remedy = "--replace takes this one" if status in (FileStatus.EXISTING, FileStatus.BROKEN) else ""
    if status is FileStatus.EMPTIED or (status is FileStatus.BLANK and replace):  # `replace` does not take it
        remedy = f"to take this one all the same, remove {target} and collect this file by itself"
    return "; ".join(filter(None, ("" if status is FileStatus.OLDER else file.problem, remedy)))


def _by_record(one: Candidate, other: Candidate) -> bool | None:
    if one.time is not None and other.time is not None and one.time != other.time:
        return one.time > other.time
    if one.layout == other.layout:
        with contextlib.suppress(TypeError):  # one with a zone and one without
            if one.local is not None and other.local is not None and one.local != other.local:
                return one.local > other.local
        if one.local == other.local and one.order and other.order and one.order != other.order:
            return one.order > other.order
    return None


def _later(one: Candidate, other: Candidate) -> bool | None:
    """Whether `one` is later by a system's record, or by a browser's number that nothing speaks against."""
    if (recorded := _by_record(one, other)) is not None:
        return recorded
    if one.local != other.local or one.renamed[0] != other.renamed[0] or one.renamed[1] == other.renamed[1]:
        return None
    if one.work is None or one.work != other.work:
        older, newer = sorted((one, other), key=lambda file: file.renamed[1])
        if one.copied or other.copied:  # work may have gone on in the copy, or in what it was made of
            return None
        if older.saved is not None and newer.saved is not None and older.saved - newer.saved > DOUBT:
            return None
    return one.renamed[1] > other.renamed[1]


class Ledger:
    """The record of earlier runs: each folder's owner by the system's number, times of hand-ins, and what is left."""

    def __init__(self, submitted: Path, assignment: str, zone: tzinfo | None = None) -> None:
        self.path, self.assignment = submitted / f".collected-{assignment}.json", assignment
        self.zone = zone
        self.students: dict[str, dict[str, Any]] = {}
        self.left = LeftFiles({})
        if self.path.exists():
            try:
                data = json.loads(self.path.read_text(encoding="utf-8"))
                self.students, self.left = dict(data["students"]), LeftFiles(data.get("left", {}))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ValueError(
                    f"{self.path} must be as `graders collect` wrote it; remove it to begin anew"
                ) from None

    def person(self, student: str) -> str:
        """Return the system's own number of a student; empty if it is not known."""
        return str(self.students.get(student, {}).get("person", ""))

    def note(self, student: str, person: str, notebook: str, chosen: Candidate) -> None:
        """Remember what was taken."""
        entry = self.students.setdefault(student, {"person": "", "notebooks": {}})
        entry["person"] = person or entry["person"]
        if (before := entry["notebooks"].get(notebook, {}).get("digest", chosen.digest)) != chosen.digest:
            self.left.superseded(student, before)
        entry["notebooks"][notebook] = {
            "digest": chosen.digest,
            "time": chosen.time.isoformat() if chosen.time else None,
            "local": chosen.local.isoformat() if chosen.local else None,
            "order": list(chosen.order),
            "layout": chosen.layout,
            "work": None if chosen.work is None else sorted(map(list, chosen.work)),
        }

    def has(self, student: str, notebook: str, digest: str) -> bool:
        """Whether this is the file that counts for a student's notebook."""
        return bool(self.students.get(student, {}).get("notebooks", {}).get(notebook, {}).get("digest") == digest)

    def before(self, student: str, notebook: str, target: Path) -> Candidate:
        """Return the file that is in place as a candidate."""
        said = self.students.get(student, {}).get("notebooks", {}).get(notebook, {})
        digest = digest_of(target)
        if said.get("digest") != digest:  # nbgrader or a person put it there
            said = {}
        time = datetime.fromisoformat(said["time"]) if said.get("time") else None
        local = datetime.fromisoformat(said["local"]) if said.get("local") else None
        if not said:
            time = self._stamped(target.parent)
        order, layout = tuple(said.get("order", ())), str(said.get("layout", ""))
        work = said.get("work")
        work = None if work is None else frozenset((str(name), str(what)) for name, what in work)
        return Candidate(str(target), target, digest, time, local, layout, order, ("", 0), "", work=work)

    def time_of(self, student: str, folder: Path) -> datetime | None:
        """Return when the last of a student's notebooks was handed in, of which it is known; None if it is of none."""
        said, times = self.students.get(student, {}).get("notebooks", {}), list[datetime | None]()
        for name in (path.stem for path in folder.glob("*.ipynb")):
            if name not in said:  # nbgrader or a person put it there
                times.append(self._stamped(folder))
            elif said[name].get("time"):
                times.append(datetime.fromisoformat(said[name]["time"]))
        return max(filter(None, times), default=None)

    def _stamped(self, folder: Path) -> datetime | None:
        """Return the time of a submission that stands in its folder; None if none does."""
        stamp = folder / TIMESTAMP_FILE
        if not stamp.is_file():
            return None
        return read_timestamp(stamp.read_text(encoding="utf-8", errors="replace")[:1000], self.zone)

    def there(self, student: str) -> set[str]:
        """Return the notebooks that are in place for a student; none for an empty name."""
        folder = self.path.parent / student / self.assignment
        return {file.stem for file in folder.glob("*.ipynb")} if student else set()

    def save(self) -> None:
        """Write it, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".part")
        data = {"students": self.students, "left": self.left.to_json()}
        partial.write_text(json.dumps(data, indent=1), encoding="utf-8")  # in ASCII: names of files may be no Unicode
        partial.replace(self.path)


def status_for(
    chosen: Candidate, target: Path, ledger: Ledger, student: str, written: Written, *, replace: bool
) -> FileStatus:
    """Return the status of a file. Another may be in its place; one that cannot be read replaces none that can."""
    taken = FileStatus.DAMAGED if chosen.problem else FileStatus.REPLACED
    if not target.exists():
        return FileStatus.DAMAGED if chosen.problem else FileStatus.TAKEN
    there = ledger.before(student, target.stem, target)
    if there.digest == chosen.digest:
        return FileStatus.UNCHANGED
    later = _later(chosen, there)
    if there.work is None and (chosen.blank or not (replace or later)):
        there = dataclasses.replace(there, work=written.work(target, target.stem))
    if chosen.blank and not there.blank and is_readable(target):
        return status_beside(chosen, there)
    if replace or (there.blank and not chosen.blank and not chosen.problem):
        return taken
    if later and chosen.problem and is_readable(target):
        return FileStatus.BROKEN
    return FileStatus.EXISTING if later is None else taken if later else FileStatus.OLDER


def put(path: Path, target: Path) -> None:
    """Move a copy to its place, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    shutil.copyfile(path, partial)
    os.replace(partial, target)


def write_timestamp(folder: Path, time: datetime | None, *, known: bool) -> str:
    """Write `timestamp.txt`, or remove one that is no longer true; return notes for the user.

    Parameters
    ----------
    folder : Path
    time : datetime or None
        That of the submission; see :meth:`Ledger.time_of`.
    known : bool
        Whether the time of the notebook is known that was put there last.
    """
    stamp = folder / TIMESTAMP_FILE
    if time is not None:
        stamp.write_text(time.strftime(TIMESTAMP), encoding="utf-8")
        if not known:
            return (
                f"its time is not known, and the submission keeps that of its other notebooks, {time:%Y-%m-%d %H:%M} "
                "UTC; collect it with --submitted-at if it came later"
            )
    elif stamp.exists():
        stamp.unlink()
        return (
            f"{TIMESTAMP_FILE} of an older submission was removed: the time of this one is not known, and nbgrader "
            "counts it as on time; collect it with --submitted-at, or write the time into that file"
        )
    return ""
