"""The files of a submission beside its notebooks, as nbgrader copies them; no link in a submission is ever followed."""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import os
import shutil
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nbgrader.coursedir import CourseDirectory

from graders.gradebook.timestamps import LONGEST, read_timestamp
from graders.grading.active import is_active
from graders.grading.folder import COPIED, DEEPEST, ENTRIES, MOST, TIMESTAMP, Entry, TooMuch, is_plain, walk
from graders.sandbox.inside.protocol import encodable

NO_TEXT = "the name of this folder is not UTF-8: rename it, then grade again"
"""Why work is not graded: the name of its folder is not UTF-8, and :func:`shown` escapes it."""


def shown(name: str) -> str:
    """Return the name of a folder as text that a file can hold, whatever bytes it has."""
    return name if name == encodable(name) else ascii(name)


class SubmissionFolders(CourseDirectory):  # type: ignore[misc]
    """nbgrader's course directory, which reads the time of a submission as :func:`submission_time` does."""

    def get_existing_timestamp(self, dest_path: str) -> datetime | None:
        """Return the time that `dest_path` holds; one that cannot be read is reported."""
        time, problem = _time_in(Path(dest_path), self.config)
        if problem:
            self.log.error(problem)
        return time


def _time_in(folder: Path, config: Any) -> tuple[datetime | None, str]:
    path, raw = folder / TIMESTAMP, None
    if is_plain(path):
        with contextlib.suppress(OSError), path.open("rb") as file:
            raw = file.read(LONGEST)
    return submission_time(raw, path, configured_zone(config))


def submitted_timestamp(api: Any, assignment: str, student: str) -> datetime | None:
    """Return the time of a submission for formgrader's tables, where one that cannot be read would stop the page."""
    return _time_in(folder_of(api.coursedir, api.coursedir.submitted_directory, student, assignment), api.config)[0]


def configured_zone(config: Any) -> tzinfo | None:
    """Return the zone in which a configuration has nbgrader's exchange write times; None if it names none."""
    with contextlib.suppress(KeyError, OSError, ValueError, TypeError):
        return ZoneInfo(config.Exchange.get("timezone"))
    return None


def submission_time(raw: bytes | None, path: Path, zone: tzinfo | None = None) -> tuple[datetime | None, str]:
    """Return the time in a timestamp file, in UTC as nbgrader keeps it without a zone, and what is wrong with it.

    Parameters
    ----------
    raw : bytes or None
        Its content; None if there is no such file.
    path : Path
        Where it is, for the message.
    zone : tzinfo, optional
        See :func:`read_timestamp`.
    """
    if raw is None:
        return (None, f"{path} is no regular file: {_UNKNOWN}") if os.path.lexists(path) else (None, "")
    text = raw[:LONGEST].decode("utf-8", errors="replace")
    if not text.strip():
        return None, f"{path} is empty: {_UNKNOWN}"
    time = read_timestamp(text, zone)
    return (None, f"{path} is no time ({raw[:40]!r}): {_UNKNOWN}") if time is None else (time.replace(tzinfo=None), "")


_UNKNOWN = (
    "whether this submission was late is not known, and it gets no penalty; "
    "write a time like 2026-12-01 23:59:00 UTC into that file, then grade again"
)


TOO_MUCH = (
    f"it is a link, or more than {MOST} files, {COPIED >> 20} MB, {ENTRIES} entries or {DEEPEST} levels of folders "
    "lie beside the notebooks; none of them was copied"
)


def with_links(folder: Path, ignore: Sequence[str]) -> list[str]:
    """Return nbgrader's patterns of files to ignore, and the names of all in `folder` that are no regular files.

    Of a submission beyond the bounds everything is ignored: ``["*"]``.
    """
    try:
        entries = _entries(folder, ignore)
    except TooMuch:
        return ["*"]
    names = {entry.path.name for entry in entries if not entry.plain}
    return [*ignore, *map(glob.escape, sorted(names))]


def other_files(folder: Path, ignore: Sequence[str], *, bounded: bool = True) -> list[Path]:
    """Return the files beside the notebooks that are copied with a submission or an assignment.

    Links, FIFOs, devices and sockets are left out at every level. Of a submission beyond the bounds nothing is copied.
    """
    try:
        return sorted(entry.path for entry in _entries(folder, ignore, bounded=bounded) if _is_copied(entry))
    except TooMuch:
        return []


def is_too_much(folder: Path, ignore: Sequence[str]) -> bool:
    """Whether a submission has more beside its notebooks than is copied."""
    return with_links(folder, ignore) == ["*"]


def _entries(folder: Path, ignore: Sequence[str], *, bounded: bool = True) -> list[Entry]:
    """Return what is in a folder and below it and is not ignored; raise TooMuch if that is more than may be copied."""
    entries = walk(folder, lambda name: any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore), bounded=bounded)
    sizes = [entry.size for entry in entries if _is_copied(entry)]
    if bounded and (len(sizes) > MOST or sum(sizes) > COPIED):
        raise TooMuch
    return entries


def _is_copied(entry: Entry) -> bool:
    return entry.plain and not entry.path.name.endswith(".ipynb")


def shown_files(files: Mapping[str, Path], drawings: Set[str]) -> list[Path]:
    """Return those of a submission's files, by name, that may lie where a browser gets them."""
    return [path for name, path in files.items() if name in drawings or not is_active(name)]


def copy_files(files: Sequence[Path], source: Path, target: Path) -> None:
    """Copy some `files` of `source` to the same places in `target`, where they replace what is there."""
    for path in files:
        copied = target / path.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.unlink(missing_ok=True)
        shutil.copy(path, copied)


def folder_of(coursedir: Any, step: str, student: str, assignment: str) -> Path:
    """Return the folder of one step, student and assignment."""
    return Path(coursedir.format_path(step, student, assignment))
