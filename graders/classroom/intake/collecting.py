"""From downloads to `submitted/`: read the files, recognise and choose them, put them, and list what became of each."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from graders.classroom.intake.beside import Beside
from graders.classroom.intake.leaving import note_left, note_placed
from graders.classroom.intake.notebooks import notebook_of
from graders.classroom.intake.owners import Owner, Owners
from graders.classroom.intake.passed import PassedOver
from graders.classroom.intake.placing import (
    Candidate,
    Ledger,
    about,
    counting,
    digest_of,
    put,
    status_beside,
    status_for,
    write_timestamp,
)
from graders.classroom.intake.reader import read
from graders.classroom.intake.records import METADATA_FILE, TIMESTAMP_FILE
from graders.classroom.intake.results import FileRow, FileStatus
from graders.classroom.intake.roster import Roster
from graders.classroom.intake.times import Zone
from graders.classroom.intake.timing import Timing
from graders.classroom.intake.walker import Item
from graders.classroom.intake.written import Written
from graders.gradebook.timestamps import read_timestamp
from graders.lab.filenames import is_copy, plain_name
from graders.lab.manifest import Course

NUMBERED = ("moodle", "canvas")  # layouts whose number is a person's, for sure


@dataclass(frozen=True)
class Options:
    """How to collect; see `graders collect --help`."""

    roster: Roster | None = None
    student: str | None = None
    layout: str | None = None
    pattern: re.Pattern[str] | None = None
    submitted_at: datetime | None = None
    zone: Zone = field(default_factory=Zone)
    replace: bool = False
    dry: bool = False


@dataclass(frozen=True)
class _File:
    item: Item
    where: str
    notebook: str
    owner: Owner


def collect(
    sources: Sequence[Path], course: Course, submitted: Path, options: Options | None = None
) -> tuple[list[FileRow], list[str]]:
    """Put hand-ins where nbgrader finds them.

    Parameters
    ----------
    sources : sequence of Path
        Notebooks, folders and zip archives.
    course : Course
    submitted : Path
        nbgrader's folder of that name.
    options : Options

    Returns
    -------
    rows : list of FileRow
        What became of each file.
    notes : list of str
        What else there is to say.

    Raises
    ------
    ValueError
        If a source is not there, or is none of these.
    """
    for source in sources:
        good = source.is_dir() or (source.is_file() and source.suffix.lower() in (".ipynb", ".zip"))
        if not good:
            raise ValueError(f"`SOURCE` must be a notebook, a folder or a zip archive that is there, got {source}")
    with tempfile.TemporaryDirectory(prefix="collect-") as spool:
        return _Collection(sources, course, submitted, options or Options()).run(Path(spool))


@dataclass
class _Collection:
    sources: Sequence[Path]
    course: Course
    submitted: Path
    options: Options
    rows: list[FileRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self, spool: Path) -> tuple[list[FileRow], list[str]]:
        resolved = [source.resolve() for source in self.sources]
        items = list(read(resolved, spool))
        found = [item for item in items if item.kind == "notebook" or item.content.notebook]
        named = {item: notebook_of(item.parts[-1], item.content, self.course) for item in found}
        known = {item: name for item, name in named.items() if isinstance(name, str)}
        options = self.options
        self.owners = Owners(
            self.course,
            [path.name for path in resolved],
            [path.is_file() and path.suffix.lower() == ".zip" for path in resolved],
            options.roster,
            options.student,
            options.layout,
            options.pattern,
        )
        self.owners.look_around(items, {item: known[item] for item in known if item.kind == "notebook"})
        self.ledger = Ledger(self.submitted, self.course.assignment, self.options.zone.zone)
        self.beside = Beside(self.submitted, self.course, options.dry, replace=options.replace)
        self.timing = Timing(options.zone, options.submitted_at, self.owners)
        self.passed = PassedOver(listed=options.roster is not None or options.student is not None)
        files = []
        for item in items:
            owner = self.owners.of(item)
            if item.kind == "dropped" or self._is_a_systems(item, owner):
                self.passed.add(item, self._where(item), owner)
                continue
            self.passed.fill(item, owner)
            if item.kind == "empty":
                self.rows.append(FileRow(self._where(item), FileStatus.NOTHING, owner.student, more=item.problem))
            elif item.kind == "left":
                self.rows.append(FileRow(self._where(item), FileStatus.UNREADABLE, owner.student, more=item.problem))
            elif item.kind == "record":
                self._check_record(item, owner)
            elif item.kind == "beside":
                self.beside.offer(item, self._where(item), owner)
            elif not isinstance(status := named[item], str):
                self.rows.append(FileRow(self._where(item), status[0], owner.student, more=status[1]))
            elif owner.status is not None:
                self.rows.append(FileRow(self._where(item), owner.status, "", status, more=owner.more))
            else:
                files.append(_File(item, self._where(item), status, owner))
        with contextlib.closing(Written(self.course)) as self.written:
            self._place(self._tell_apart(files))
            self.rows += self.beside.place()
            there = [(one.owner.student, one.notebook, Path(one.item.spool)) for one in files]
            self.rows += self.passed.lost(known, there, self._target, self.written)
            if not options.dry:
                self._note_left(items, resolved)
        self.notes += self.timing.notes() + self.passed.notes()
        return self.rows, self.notes

    def _where(self, item: Item) -> str:
        return _below(self.sources[item.source], item)

    def _note_left(self, items: Sequence[Item], resolved: Sequence[Path]) -> None:
        places = {self._where(item): (_below(resolved[item.source], item), item) for item in items}
        self.notes += note_left(self.ledger, self.rows, places, self.course, self.written)
        if self.rows:
            self.ledger.save()
        self.notes += note_placed(self.rows, places, self.submitted, self.course)

    def _is_a_systems(self, item: Item, owner: Owner) -> bool:
        """Whether a file is the system's own, such as a list or a receipt in its export."""
        if item.kind != "beside" or item.archives:
            return False
        if owner.claim is not None and owner.claim.layout == "blackboard":
            return not owner.claim.inside
        return owner.claim is None and item.parts[-1].lower() in ("index.html", "submission_metadata.csv")

    def _check_record(self, item: Item, owner: Owner) -> None:
        if item.parts[-1] == TIMESTAMP_FILE and read_timestamp(str(item.record), self.options.zone.zone) is None:
            more = f"it must have a time such as 2026-11-20 10:00:00 UTC, got {str(item.record)[:80]!r}"
            self.rows.append(FileRow(self._where(item), FileStatus.RECORD, owner.student, more=more))
        elif item.parts[-1] == METADATA_FILE and not item.record:
            self.rows.append(FileRow(self._where(item), FileStatus.RECORD, more="it names no submissions"))

    def _tell_apart(self, files: list[_File]) -> list[_File]:
        """Keep two people of one name apart by the system's numbers; without these, leave both."""
        people: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file in files:
            claim = file.owner.claim
            for person in (claim.person if claim else "", self.ledger.person(file.owner.student)):
                if person and self.options.student is None:
                    people[file.owner.student][person.partition(":")[0]].add(person)
        kept = []
        for file in files:
            claim, student = file.owner.claim, file.owner.student
            assert claim is not None
            same = people[student].get(claim.person.partition(":")[0], set())
            if len(same) < 2 or (self.options.roster is None and claim.person == self.ledger.person(student)):
                kept.append(file)
            elif self.options.roster is None and claim.layout in NUMBERED:
                kept.append(replace(file, owner=self.owners.number_apart(file.owner)))
                self._note_once(f"several people are called {claim.names[0]}: their ids have the system's number")
            else:
                both = " and ".join(sorted(same))
                more = f"{both} are two people by the system, and by name they are one, {student}"
                self.rows.append(FileRow(file.where, FileStatus.CONFLICT, "", file.notebook, more=more))
        return kept

    def _note_once(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _place(self, files: list[_File]) -> None:
        groups: dict[tuple[str, str], list[tuple[_File, Candidate]]] = defaultdict(list)
        all_late = all(file.owner.claim is not None and file.owner.claim.late for file in files)
        for file in files:
            groups[file.owner.student, file.notebook].append((file, self._candidate(file, all_late)))
        self._look_into(groups)
        for (student, notebook), pairs in groups.items():
            distinct: dict[str, tuple[_File, Candidate]] = {}
            for file, candidate in sorted(
                pairs, key=lambda pair: (pair[1].time is None, pair[1].time or 0, pair[0].where)
            ):
                if candidate.digest in distinct:
                    self.rows.append(FileRow(file.where, FileStatus.SAME, student, notebook, candidate.when))
                else:
                    distinct[candidate.digest] = file, candidate
            found = [candidate for _, candidate in distinct.values()]
            chosen = counting(found, replace=self.options.replace)
            work = next((one for one in found if not one.blank and not one.problem), None)
            for file, candidate in distinct.values():
                if candidate is chosen:
                    status, more = self._put(student, notebook, file, candidate)
                elif counts := chosen or (work if candidate.blank else None):
                    status = status_beside(candidate, counts)
                    more = about(status, candidate, self._target(student, notebook), replace=self.options.replace)
                else:
                    others = ", ".join(other.where for other, _ in distinct.values() if other is not file)
                    status, more = FileStatus.UNORDERED, f"the other: {others}; keep one of them"
                self.rows.append(FileRow(file.where, status, student, notebook, candidate.when, more))

    def _look_into(self, groups: dict[tuple[str, str], list[tuple[_File, Candidate]]]) -> None:
        """Find out what is written in files of one notebook that compete."""
        for (student, notebook), pairs in groups.items():
            target = self._target(student, notebook)
            digests = {candidate.digest for _, candidate in pairs}
            if target.is_file() and not target.is_symlink():
                digests.add(digest_of(target))
            if len(digests) > 1:
                pairs[:] = [(file, replace(one, work=self.written.work(one.path, notebook))) for file, one in pairs]

    def _target(self, student: str, notebook: str) -> Path:
        return self.submitted / student / self.course.assignment / f"{notebook}.ipynb"

    def _put(self, student: str, notebook: str, file: _File, chosen: Candidate) -> tuple[FileStatus, str]:
        target = self._target(student, notebook)
        folder = target.parent
        if any(path.is_symlink() for path in (folder.parent, folder, target)):
            return FileStatus.UNREADABLE, f"{folder} is a link, or has one; nothing is written through links"
        status = status_for(chosen, target, self.ledger, student, self.written, replace=self.options.replace)
        more = about(status, chosen, target, replace=self.options.replace)
        if status.taken or status is FileStatus.UNCHANGED:
            assert file.owner.claim is not None
            self.beside.expect(student, file.item, file.owner, newer=status is FileStatus.REPLACED)
            if not self.options.dry:
                if status is not FileStatus.UNCHANGED:
                    put(chosen.path, target)
                if status is not FileStatus.UNCHANGED or chosen.time is not None:
                    self.ledger.note(student, file.owner.claim.person, notebook, chosen)
                    stamp = write_timestamp(folder, self.ledger.time_of(student, folder), known=bool(chosen.time))
                    more = "; ".join(filter(None, (more, stamp)))
        return status, more

    def _candidate(self, file: _File, all_late: bool) -> Candidate:
        claim = file.owner.claim
        assert claim is not None
        time, local, layout, when = self.timing.of(file.item, file.owner, all_late=all_late)
        stem, number = plain_name(PurePosixPath(claim.inside or file.item.parts[-1]).stem)
        folder = "" if claim.inside else "/".join(file.item.parts[:-1])
        path = Path(file.item.spool)
        return Candidate(
            file.where,
            path,
            digest_of(path),
            time,
            local,
            layout,
            claim.order,
            (f"{folder}/{stem}", number),
            when,
            file.item.content.problem,
            copied=is_copy(PurePosixPath(claim.inside or file.item.parts[-1]).stem),
            saved=file.item.saved,
        )


def _below(source: Path, item: Item) -> str:
    return "/".join((str(source), *(() if item.parts == (source.name,) else item.parts)))
