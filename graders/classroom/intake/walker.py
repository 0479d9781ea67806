"""Reads every file in folders and archives, one after the other, within bounds, in a process of its own.

Nothing is unpacked by a name from an archive: what may be a hand-in is copied to a numbered file.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from graders.classroom.intake.entries import FAULTS, Place, date_of, decoded, kind_of, mark_of, pieces_of, reason_of
from graders.classroom.intake.notebooks import Content, inspect
from graders.classroom.intake.passing import FOLDERS, LEVELS, environments_in, is_copy, is_environment, passed_over
from graders.classroom.intake.records import METADATA_FILE, TIMESTAMP_FILE, Refused, record_of
from graders.grading.reading import MAX_FILE

MIB = 2**20
BESIDE = 16 * MIB  # of one file beside it
ARCHIVE = 256 * MIB  # of an archive in an archive, and of all that one holds
ENTRIES = 10_000  # in an archive in an archive
OUTER_ENTRIES = 300_000  # in an archive that was named as a source
DEPTH = 4  # archives in archives
NAME = 1000  # characters of a path
_OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True, eq=False)
class Item:
    """One file, as it was found.

    Attributes
    ----------
    source : int
        Number of the source.
    parts : tuple of str
        Its path below the source. An archive is one of them, like a folder.
    archives : tuple of int
        Which of `parts` are archives.
    kind : str
        "notebook", "beside", "record", "dropped" (of a system or an editor), "empty" (an archive), or "left".
    problem : str
        Why it is left.
    passed : int
        Of a dropped one, how many of `parts` lead to what is passed over.
    spool : str
        A copy of the content.
    record : object
        What a system wrote down, for a "record".
    saved : float or None
        The file's own date, in seconds: good for a doubt only, as any copying may change it. Those of one archive, or
        of one folder, have one zone.
    mark : str
        What tells a file that is left from another at its place; empty if nothing does.
    """

    source: int
    parts: tuple[str, ...]
    archives: tuple[int, ...]
    kind: str
    problem: str = ""
    passed: int = 0
    spool: str = ""
    content: Content = field(default_factory=Content)
    record: Any = None
    saved: float | None = None
    mark: str = ""


@dataclass
class Walker:
    """Walks through sources and reports each file before it reads it, so that a new process can go on after it.

    Parameters
    ----------
    tell : callable
        Receives ``("begin", number, source, parts, archives)`` and ``("item", Item)``.
    spool : Path
        Folder for the copies.
    resume : int
        Number of the first file that has not been reported.
    bad : set of int
        Numbers of files not to touch.
    """

    tell: Callable[[tuple[Any, ...]], None]
    spool: Path
    resume: int = 0
    bad: frozenset[int] = frozenset()
    number: int = field(default=-1, init=False)
    source: int = field(default=0, init=False)

    def walk(self, source: int, path: Path) -> None:
        """Walk through a file, a folder or a zip archive."""
        self.source = source
        if path.is_dir():
            self._folder(path, (), ())
        elif zipfile.is_zipfile(path) and path.suffix.lower() != ".ipynb":
            self._guarded((), (), lambda: self._archive(path, (), ()), path)
        else:
            self._file(path, (path.name,), ())

    def _guarded(
        self,
        parts: tuple[str, ...],
        archives: tuple[int, ...],
        work: Callable[[], Item | None],
        at: Place,
        passed: int = 0,
    ) -> None:
        """Read one file; an error makes it a file that is left, with the reason, unless it is passed over."""
        self.number += 1
        if self.number in self.bad:
            return
        fresh = self.number >= self.resume
        if fresh:
            self.tell(("begin", self.number, self.source, parts, archives))
        try:
            item = work()
        except FAULTS as error:
            kind = "dropped" if passed else "left"
            item = Item(self.source, parts, archives, kind, problem=reason_of(error), passed=passed)
        if fresh and item is not None:
            marked = item.kind in ("left", "dropped", "empty") and not item.spool
            self.tell(("item", replace(item, mark=mark_of(at)) if marked else item))

    def _folder(self, folder: Path, parts: tuple[str, ...], archives: tuple[int, ...]) -> None:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        if parts and is_environment(folder, names):
            self._pass(folder, parts, archives)
            return
        for name in names:
            path, below = folder / name, (*parts, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode) and name in FOLDERS:
                self._pass(path, below, archives)
            elif stat.S_ISDIR(mode) and not name.lower().endswith(".ipynb"):
                if len(below) > LEVELS:
                    self._left(below, archives, f"more than {LEVELS} folders deep", path)
                else:
                    self._enter(path, below, archives)
            elif stat.S_ISDIR(mode):
                self._left(below, archives, "a folder with the name of a notebook", path)
            elif stat.S_ISREG(mode):
                self._file(path, below, archives)
            else:
                self._left(below, archives, f"{kind_of(mode)}, not a plain file", path)

    def _pass(self, folder: Path, parts: tuple[str, ...], archives: tuple[int, ...]) -> None:
        """Pass over a folder; only notebooks are read in it, for a copy may have the work that is nowhere else."""
        passed = len(parts)
        item = Item(self.source, parts, archives, "dropped", passed=passed)
        self._guarded(parts, archives, lambda: item, folder)
        for here, folders, files in os.walk(folder):
            below = (*parts, *Path(here).relative_to(folder).parts)
            folders[:] = sorted(folders) if len(below) < LEVELS else []
            for name in sorted(filter(is_copy, files)):
                self._file(Path(here, name), (*below, name), archives, passed)

    def _enter(self, path: Path, parts: tuple[str, ...], archives: tuple[int, ...]) -> None:
        try:
            self._folder(path, parts, archives)
        except OSError as error:
            self._left(parts, archives, reason_of(error), path)

    def _left(self, parts: tuple[str, ...], archives: tuple[int, ...], problem: str, at: Place) -> None:
        self._guarded(parts, archives, lambda: Item(self.source, parts, archives, "left", problem=problem), at)

    def _file(self, path: Path, parts: tuple[str, ...], archives: tuple[int, ...], passed: int = 0) -> None:
        passed = passed or passed_over(parts)

        def work() -> Item | None:
            # No link is followed, and nothing is waited for: what was a plain file may be a FIFO by now.
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(number, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise Refused(f"{kind_of(status.st_mode)}, not a plain file")
                return self._take(file, status.st_size, parts, archives, status.st_mtime, passed)

        self._guarded(parts, archives, work, path, passed)

    def _take(
        self,
        file: IO[bytes],
        size: int,
        parts: tuple[str, ...],
        archives: tuple[int, ...],
        saved: float | None,
        passed: int,
    ) -> Item | None:
        """Read one file of a folder or an archive into an item."""
        name = parts[-1]
        lower = name.lower()
        if passed and not is_copy(name):
            return Item(self.source, parts, archives, "dropped", passed=passed)
        if lower.endswith(".zip"):
            if len(archives) >= DEPTH:
                raise Refused(f"more than {DEPTH} archives inside each other")
            copy = self._copy(file, size, ARCHIVE)
            try:
                return self._archive(copy, parts, (*archives, len(parts) - 1))
            finally:
                copy.unlink()
        if lower.endswith(_OTHER_ARCHIVES):
            raise Refused("an archive that is no zip; unpack it into a folder of the student's name")
        if name in (TIMESTAMP_FILE, METADATA_FILE):
            return Item(self.source, parts, archives, "record", record=record_of(name, file, size))
        maybe = lower.endswith((".ipynb", ".json", ".txt")) or ".ipynb" in lower or "." not in lower
        copy = self._copy(file, size, MAX_FILE if maybe else BESIDE)
        try:
            content = inspect(copy.read_bytes()) if maybe else Content()
        except MemoryError as error:
            content = Content(problem=reason_of(error))
        kind = "notebook" if content.notebook or lower.endswith(".ipynb") else "beside"
        kind = "dropped" if passed else kind
        return Item(self.source, parts, archives, kind, "", passed, str(copy), content, saved=saved)

    def _copy(self, file: IO[bytes], size: int, limit: int) -> Path:
        too_large = Refused(f"larger than {limit // MIB} MB; ask the student to clear the outputs")
        if size > limit:
            raise too_large
        target, copied = self.spool / str(self.number), 0
        try:
            with target.open("wb") as out:
                while block := file.read(MIB):
                    copied += len(block)
                    if copied > limit:  # an archive may say less than it holds
                        raise too_large
                    out.write(block)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return target

    def _archive(self, path: Path, parts: tuple[str, ...], archives: tuple[int, ...]) -> Item | None:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            limit = ENTRIES if archives else OUTER_ENTRIES
            if len(entries) > limit:
                raise Refused(f"an archive with more than {limit} entries")
            room = ARCHIVE if archives else None
            environments = environments_in([pieces for info in entries if (pieces := pieces_of(info))])
            below = {(*parts, *folder) for folder in environments}
            for info in entries:
                room = self._entry(archive, info, parts, archives, room, below)
            if all(info.is_dir() and not is_copy(info.filename.rstrip("/")) for info in entries):
                return Item(self.source, parts, archives[:-1], "empty", problem="an archive with nothing in it")
        return None

    def _entry(
        self,
        archive: zipfile.ZipFile,
        info: zipfile.ZipInfo,
        parts: tuple[str, ...],
        archives: tuple[int, ...],
        room: int | None,
        environments: set[tuple[str, ...]],
    ) -> int | None:
        name, pieces = decoded(info), pieces_of(info)
        if len(name) > NAME:
            self._left((*parts, name[:200]), archives, f"a name of {len(name)} characters; {NAME} are enough", info)
            return room
        if info.is_dir() or name.replace("\\", "/").endswith("/") or not pieces:
            if pieces and pieces[-1].lower().endswith(".ipynb"):
                self._left((*parts, *pieces), archives, "a folder with the name of a notebook", info)
            return room
        below = (*parts, *pieces)
        passed = passed_over(below, environments)
        mode = info.external_attr >> 16
        if name.startswith("/") or ".." in pieces or (len(name) > 1 and name[1] == ":"):
            self._left(below, archives, "its path leads out of the archive", info)
        elif passed and not (is_copy(pieces[-1]) and (room is None or info.file_size <= room)):
            item = Item(self.source, below, archives, "dropped", passed=passed)
            self._guarded(below, archives, lambda: item, info)
        elif len(below) > LEVELS:
            self._left(below, archives, f"more than {LEVELS} folders deep", info)
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            self._left(below, archives, f"{kind_of(mode)}, not a plain file", info)
        elif info.flag_bits & 0x1:
            self._left(below, archives, "encrypted; ask the student for it without a password", info)
        elif room is not None and info.file_size > room:
            self._left(below, archives, f"the archive holds more than {ARCHIVE // MIB} MB", info)
        else:

            def work() -> Item | None:
                with archive.open(info) as file:
                    return self._take(file, info.file_size, below, archives, date_of(info), passed)

            self._guarded(below, archives, work, info, passed)
            return None if room is None else room - info.file_size
        return room
