"""What was handed in beside the notebooks: modules, data and pictures, for the folder in which they are run."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from graders.grading.folder import DEEPEST, ENTRIES, MOST, READ, TIMESTAMP, TooMuch, walk

SMALL = 2**20  # bytes of a notebook that another one may read or run
ALL = "./"
"""Stands for all files beside the notebooks, where the folder holds more than is looked at."""
REASON = "./why/"
"""No path: with a notebook's name, or none for the whole submission, it stands for the reason why that is not read."""
BOUNDS = f"no plain files, or more than {MOST} files, {READ >> 20} MB, {ENTRIES} entries or {DEEPEST} levels of folders"
"""Why a file is left aside."""


def read_beside(folder: Path) -> dict[str, bytes | None]:
    """Read plain files by path, nothing hidden and nothing behind a link; None for what is beyond the bounds."""
    files, room = dict[str, bytes | None](), READ
    try:
        entries = walk(folder, _is_left_out)
    except TooMuch:
        return {ALL: None}
    for path, plain, size in entries:
        place = str(path.relative_to(folder))
        if place == TIMESTAMP:
            continue
        if len(files) > MOST:
            break
        readable = plain and place.isprintable()
        files[place if readable else ascii(place)[1:-1]] = None
        with contextlib.suppress(OSError):
            if readable and len(files) <= MOST and size <= room:
                files[place] = content = path.read_bytes()[:room]
                room -= len(content)
    return files


def beside(files: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """Return what is laid out where a submission's notebooks are run: each finds the small ones of the others, too."""
    there = {path: raw for path, raw in files.items() if raw is not None and not path.startswith(REASON)}
    return {path: raw for path, raw in there.items() if _is_beside(path) or len(raw) < SMALL}


def left_aside(files: Mapping[str, bytes | None]) -> list[str]:
    """Return the paths of those that are beyond the bounds."""
    paths = [path for path, raw in files.items() if raw is None and _is_beside(path)]
    return ["all files beside the notebooks" if path == ALL else path for path in paths]


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in ("__pycache__", "__MACOSX") or name.endswith((".ipynb", ".pyc"))


def _is_beside(path: str) -> bool:
    return path != TIMESTAMP and not path.endswith(".ipynb")
