"""Files that were handed in beside a notebook: pictures, modules, data. They go where the notebook goes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from graders.classroom.intake.owners import Owner
from graders.classroom.intake.placing import digest_of, put
from graders.classroom.intake.records import TIMESTAMP_FILE
from graders.classroom.intake.results import FileRow, FileStatus
from graders.classroom.intake.walker import Item
from graders.grading.folder import COPIED, MOST
from graders.lab.manifest import Course


def submission_of(item: Item, owner: Owner) -> tuple[object, ...]:
    """Return the key of a file's submission: a folder of the export, or the person if the export has no folders."""
    claim = owner.claim
    assert claim is not None
    if claim.inside:
        above = item.parts[: claim.level - 2]
        return item.source, claim.layout, claim.person, claim.names, claim.time, above
    return item.source, item.parts[: claim.level - 1]


@dataclass
class Beside:
    """The files without marks, until it is known which notebooks are taken."""

    submitted: Path
    course: Course
    dry: bool = False
    offered: list[tuple[Item, str, Owner]] = field(default_factory=list)
    replace: bool = False
    homes: dict[tuple[object, ...], list[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    newer: set[tuple[str, tuple[object, ...]]] = field(default_factory=set)
    placed: dict[Path, str] = field(default_factory=dict)

    def offer(self, item: Item, where: str, owner: Owner) -> None:
        """Note a file that is no notebook."""
        self.offered.append((item, where, owner))

    def expect(self, student: str, item: Item, owner: Owner, *, newer: bool) -> None:
        """Note that a student's notebook counts: the files in its folder and below belong to it.

        If it is `newer` than the one collected before, and took its place, so do they.
        """
        submission = submission_of(item, owner)
        self.homes.setdefault(submission, []).append((student, _inside(item, owner)[:-1]))
        if newer:
            self.newer.add((student, submission))

    def place(self) -> list[FileRow]:
        """Put the files beside notebooks that count into `submitted/`; return what became of each file."""
        rows, more = list[FileRow](), defaultdict[str, list[str]](list)
        used: dict[str, tuple[int, int]] = {}
        # What lies beside a notebook goes before what lies in folders, of which one may hold thousands of files.
        for item, where, owner in sorted(self.offered, key=lambda offer: len(offer[0].parts)):
            path = _inside(item, owner) if owner.claim else item.parts
            homes = self.homes.get(submission_of(item, owner), []) if owner.claim else []
            fitting = [(student, folder) for student, folder in homes if path[: len(folder)] == folder]
            if not fitting:
                rows.append(FileRow(where, FileStatus.LOOSE, owner.student))
                continue
            student, folder = max(fitting, key=lambda home: len(home[1]))
            below = path[len(folder) :]
            count, size = used.get(student, (0, 0))
            used[student] = count + 1, size + Path(item.spool).stat().st_size
            if used[student][0] > MOST or used[student][1] > COPIED:
                more[student].append(where)
                continue
            status, problem = FileStatus.BESIDE, self._problem(student, below, item)
            if problem:
                status = FileStatus.UNREADABLE
            elif problem := self._conflict(student, below, item, (student, submission_of(item, owner)) in self.newer):
                status = FileStatus.OTHER
            else:
                self.placed[self._target(student, below)] = digest_of(Path(item.spool))
                if not self.dry:
                    put(Path(item.spool), self._target(student, below))
            rows.append(FileRow(where, status, student, more=problem))
        for student, places in more.items():
            bound = f"more than {MOST} files or {COPIED >> 20} MB beside the notebooks; {len(places)} are left"
            rows.append(FileRow(places[0], FileStatus.UNREADABLE, student, more=bound))
        return rows

    def _target(self, student: str, below: tuple[str, ...]) -> Path:
        return self.submitted.joinpath(student, self.course.assignment, *below)

    def _problem(self, student: str, below: tuple[str, ...], item: Item) -> str:
        reserved = below[-1] == TIMESTAMP_FILE or below[-1].lower().endswith((".ipynb", ".part"))
        if reserved or any(not _plain(part) for part in below):
            return "its name is not that of a plain file beside a notebook"
        target = self._target(student, below)
        if any(path.is_symlink() for path in (target, *target.parents)):
            return "a link is in its place"
        folders = [target.parents[k] for k in range(len(below) - 1)]
        if any(folder.exists() and not folder.is_dir() for folder in folders) or any(f in self.placed for f in folders):
            return "a file is in the place of its folder"
        taken = any(target in placed.parents for placed in self.placed)
        return "a folder is in its place" if taken or (target.exists() and not target.is_file()) else ""

    def _conflict(self, student: str, below: tuple[str, ...], item: Item, newer: bool) -> str:
        """Say why a file does not take the place of a different one; empty if there is none, or if it does."""
        target, digest = self._target(student, below), digest_of(Path(item.spool))
        if target in self.placed:
            if self.placed[target] == digest:
                return ""
            return "it came just now, with another notebook of this student; give the two files different names"
        if newer or self.replace or not target.exists() or digest_of(target) == digest:
            return ""
        return "its notebook took no other's place; --replace takes this one"


def _plain(part: str) -> bool:
    return part.isprintable() and not part.startswith((".", "~")) and len(part.encode(errors="replace")) < 200


def _inside(item: Item, owner: Owner) -> tuple[str, ...]:
    """Return a file's path as the student had it."""
    claim = owner.claim
    assert claim is not None
    if claim.inside and not item.archives:
        return (claim.inside,)
    return item.parts[claim.level - 1 :] or item.parts[-1:]
