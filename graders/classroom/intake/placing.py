"""Chooses which of several files counts, and puts it into `submitted/`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from graders.classroom.intake.reader import is_readable
from graders.classroom.intake.records import TIMESTAMP_FILE
from graders.classroom.intake.results import FileStatus
from graders.classroom.intake.times import TIMESTAMP, read_timestamp


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
    order : tuple of int
        By the system's count.
    renamed : tuple of (str, int)
        The file's name and the number that a browser put behind it.
    when : str
        The time, for people.
    problem : str
        Why it cannot be read as a notebook; empty if it can.
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
    """Return the latest that can be read, or with `replace` the latest; None if nothing tells which that is."""
    readable = [candidate for candidate in candidates if not candidate.problem]
    return latest(candidates if replace or not readable else readable)


def status_beside(other: Candidate, chosen: Candidate) -> FileStatus:
    """Return the status of a file that does not count because `chosen` does."""
    broken = other.problem and not chosen.problem and not _later(chosen, other)
    return FileStatus.BROKEN if broken else FileStatus.OLDER


def _later(one: Candidate, other: Candidate) -> bool | None:
    if one.time is not None and other.time is not None and one.time != other.time:
        return one.time > other.time
    if one.layout == other.layout:
        with contextlib.suppress(TypeError):  # one with a zone and one without
            if one.local is not None and other.local is not None and one.local != other.local:
                return one.local > other.local
        if one.local == other.local and one.order and other.order and one.order != other.order:
            return one.order > other.order
    if one.local == other.local and one.renamed[0] == other.renamed[0] and one.renamed[1] != other.renamed[1]:
        return one.renamed[1] > other.renamed[1]
    return None


class Ledger:
    """The record of earlier runs: each folder's owner by the system's number, and when each notebook was handed in."""

    def __init__(self, submitted: Path, assignment: str) -> None:
        self.path = submitted / f".collected-{assignment}.json"
        self.students: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            try:
                self.students = dict(json.loads(self.path.read_text(encoding="utf-8"))["students"])
            except (ValueError, KeyError, TypeError):
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
        entry["notebooks"][notebook] = {
            "digest": chosen.digest,
            "time": chosen.time.isoformat() if chosen.time else None,
            "local": chosen.local.isoformat() if chosen.local else None,
            "order": list(chosen.order),
            "layout": chosen.layout,
        }

    def before(self, student: str, notebook: str, target: Path) -> Candidate:
        """Return the file that is in place as a candidate."""
        said = self.students.get(student, {}).get("notebooks", {}).get(notebook, {})
        digest = digest_of(target)
        if said.get("digest") != digest:  # nbgrader or a person put it there
            said = {}
        time = datetime.fromisoformat(said["time"]) if said.get("time") else None
        local = datetime.fromisoformat(said["local"]) if said.get("local") else None
        stamp = target.with_name(TIMESTAMP_FILE)
        if not said and stamp.is_file():
            time = read_timestamp(stamp.read_text(encoding="utf-8", errors="replace")[:1000])
        order, layout = tuple(said.get("order", ())), str(said.get("layout", ""))
        return Candidate(str(target), target, digest, time, local, layout, order, ("", 0), "")

    def time_of(self, student: str, folder: Path) -> datetime | None:
        """Return when the last of a student's notebooks was handed in; None unless it is known of all of them."""
        said = self.students.get(student, {}).get("notebooks", {})
        times = [said.get(path.stem, {}).get("time") for path in folder.glob("*.ipynb")]
        return max(map(datetime.fromisoformat, times)) if times and all(times) else None

    def save(self) -> None:
        """Write it, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".part")
        partial.write_text(json.dumps({"students": self.students}, indent=1, ensure_ascii=False), encoding="utf-8")
        partial.replace(self.path)


def status_for(chosen: Candidate, target: Path, ledger: Ledger, student: str, *, replace: bool) -> FileStatus:
    """Return the status of a file. Another may be in its place; one that cannot be read replaces none that can."""
    taken = FileStatus.DAMAGED if chosen.problem else FileStatus.REPLACED
    if not target.exists():
        return FileStatus.DAMAGED if chosen.problem else FileStatus.TAKEN
    there = ledger.before(student, target.stem, target)
    if there.digest == chosen.digest:
        return FileStatus.UNCHANGED
    if replace:
        return taken
    later = _later(chosen, there)
    if later and chosen.problem and is_readable(target):
        return FileStatus.BROKEN
    return FileStatus.EXISTING if later is None else taken if later else FileStatus.OLDER


def put(path: Path, target: Path) -> None:
    """Move a copy to its place, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    shutil.copyfile(path, partial)
    os.replace(partial, target)


def write_timestamp(folder: Path, time: datetime | None) -> str:
    """Write `timestamp.txt`, or remove one that is no longer true; return notes for the user."""
    stamp = folder / TIMESTAMP_FILE
    if time is not None:
        stamp.write_text(time.strftime(TIMESTAMP), encoding="utf-8")
    elif stamp.exists():
        stamp.unlink()
        return f"{TIMESTAMP_FILE} of an older submission was removed: the time of this one is not known"
    return ""
