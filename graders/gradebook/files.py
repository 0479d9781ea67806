"""The files of a submission beside its notebooks, as nbgrader copies them; no link in a submission is ever followed."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files, parse_utc

from graders.grading.submission import TIMESTAMP, is_plain


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


def with_links(folder: Path, ignore: Sequence[str]) -> list[str]:
    """Return nbgrader's patterns of files to ignore, and the names of all that is no regular file in `folder`."""
    names = {path.name for path in map(Path, find_all_files(str(folder), list(ignore))) if not is_plain(path)}
    return [*ignore, *map(glob.escape, sorted(names))]


def other_files(folder: Path, ignore: Sequence[str]) -> list[Path]:
    """Return the files beside the notebooks that nbgrader copies with a submission or an assignment."""
    return sorted(map(Path, find_all_files(str(folder), [*with_links(folder, ignore), "*.ipynb"])))


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
