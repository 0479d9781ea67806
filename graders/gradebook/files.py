"""The files of a submission beside its notebooks, as nbgrader copies them; no link in a submission is ever followed."""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from graders.grading.submission import TIMESTAMP, is_own, is_plain
from graders.sandbox.inside.protocol import encodable

NO_TEXT = "the name of this folder is not UTF-8: rename it, then grade again"
"""Why a student's work is not graded whose folder has a name that :func:`shown` shows otherwise."""


def shown(name: str) -> str:
    """Return the name of a folder as text that a file can hold, whatever bytes it has."""
    return name if name == encodable(name) else ascii(name)


class SubmissionFolders(CourseDirectory):  # type: ignore[misc]
    """nbgrader's course directory, which reads the time of a submission as :func:`submission_time` does."""

    def get_existing_timestamp(self, dest_path: str) -> datetime | None:
        """Return the time that `dest_path` holds; one that cannot be read is reported."""
        path = Path(dest_path) / TIMESTAMP
        time, problem = submission_time(path.read_bytes() if is_plain(path) else None, path)
        if problem:
            self.log.error(problem)
        return time


def submission_time(raw: bytes | None, path: Path) -> tuple[datetime | None, str]:
    """Return the time in a timestamp file, as nbgrader reads it, and what is wrong with it.

    Parameters
    ----------
    raw : bytes or None
        Its content; None if there is no such file.
    path : Path
        Where it is, for the message.
    """
    if raw is None:
        return (None, f"{path} is no regular file: {_UNKNOWN}") if os.path.lexists(path) else (None, "")
    try:
        text = raw[:100].decode("utf-8").strip()
        return (parse_utc(text), "") if text else (None, f"{path} is empty: {_UNKNOWN}")
    except (ValueError, ArithmeticError):  # thirty digits and an h are a number too large for a decimal one
        return None, f"{path} is no time ({raw[:40]!r}): {_UNKNOWN}"


_UNKNOWN = (
    "whether this submission was late is not known, and it gets no penalty; "
    "write a time like 2026-12-01 23:59:00 UTC into that file, then grade again"
)


MOST, LARGEST, DEEPEST = 100, 64 * 2**20, 20
"""What goes along with the notebooks of one submission: so many files, bytes together, and levels of folders."""
TOO_MUCH = (
    f"it is a link, or more than {MOST} files, {LARGEST // 2**20} MB or {DEEPEST} levels of folders "
    "lie beside the notebooks; none of them was copied"
)


class _TooMuch(Exception):
    """A submission is beyond the bounds, or elsewhere."""


def with_links(folder: Path, ignore: Sequence[str]) -> list[str]:
    """Return nbgrader's patterns of files to ignore, and the names of all that is no regular file in `folder`.

    Where a submission is beyond the bounds the pattern is one for all.
    """
    try:
        found = list(_entries(folder, ignore, bounded=True))
    except _TooMuch:
        return ["*"]
    names = {path.name for path, plain in found if not plain}
    return [*ignore, *map(glob.escape, sorted(names))]


def other_files(folder: Path, ignore: Sequence[str], *, bounded: bool = True) -> list[Path]:
    """Return the files beside the notebooks that are copied with a submission or an assignment.

    Links, FIFOs, devices and sockets are none, at every level; of a submission beyond the bounds there are none at all.
    """
    try:
        return sorted(path for path, plain in _entries(folder, [*ignore, "*.ipynb"], bounded=bounded) if plain)
    except _TooMuch:
        return []


def is_too_much(folder: Path, ignore: Sequence[str]) -> bool:
    """Whether a submission has more beside its notebooks than is copied."""
    return with_links(folder, ignore) == ["*"]


def _entries(folder: Path, ignore: Sequence[str], *, bounded: bool) -> Iterator[tuple[Path, bool]]:
    """Yield what is not ignored in a folder and below, and whether it is a plain file; raise early if it is much."""
    count = files = size = 0
    if bounded and not is_own(folder):
        raise _TooMuch
    waiting = [(folder, 0)]
    while waiting:
        here, depth = waiting.pop()
        with contextlib.suppress(PermissionError), os.scandir(here) as entries:  # closed to us: nothing to copy
            for entry in entries:
                count += 1
                if bounded and (count > 20 * MOST or depth > DEEPEST):  # what is ignored takes its time as well
                    raise _TooMuch
                if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in ignore):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), depth + 1))
                    continue
                plain = entry.is_file(follow_symlinks=False)
                if plain and not entry.name.endswith(".ipynb"):
                    size += entry.stat(follow_symlinks=False).st_size
                    files += 1
                    if bounded and (files > MOST or size > LARGEST):
                        raise _TooMuch
                yield Path(entry.path), plain


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
