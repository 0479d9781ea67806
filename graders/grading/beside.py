"""What was handed in beside the notebooks: modules, data and pictures, for the folder in which they are run."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from graders.grading.folder import DEEPEST, ENTRIES, MOST, PACKAGES, READ, TIMESTAMP, TooMuch, walk
from graders.lab.filenames import is_notebook

SMALL = 2**20  # bytes of a notebook that another one may read or run
ALL = "./"
"""Stands for all files beside the notebooks, where the folder holds more than is looked at."""
REASON = "./why/"
"""No path: with a notebook's name, or none for the whole submission, it stands for the reason why that is not read."""
BELOW = "./below/"
"""No path: with one, it stands for a file that is neither graded nor laid out, and may be work all the same."""
CHECKPOINTS = ".ipynb_checkpoints"
BOUNDS = f"no plain files, or more than {MOST} files, {READ >> 20} MB, {ENTRIES} entries or {DEEPEST} levels of folders"
"""Why a file is left aside."""


def read_beside(folder: Path, room_below: int = READ) -> dict[str, bytes | None]:
    """Read plain files by path, nothing behind a link and nothing hidden; None for what is beyond the bounds.

    Under :data:`BELOW` are the notebooks in folders below, `room_below` bytes of them together, and what is more than
    the files that are taken along, by name only.
    """
    files, room, below = dict[str, bytes | None](), READ, dict[str, bytes | None]()
    try:
        entries = walk(folder, _is_left_out)
    except TooMuch:
        return {ALL: None}
    for path, plain, size in entries:
        place = str(path.relative_to(folder))
        shown = place if place.isprintable() else ascii(place)[1:-1]
        if is_notebook(path.name):
            if path.parent != folder:
                fits = plain and size <= min(room_below, READ) and len(below) < MOST
                below[BELOW + shown] = content = _content(path, room_below) if fits else None
                room_below -= len(content or b"")
            continue
        if place == TIMESTAMP or CHECKPOINTS in path.relative_to(folder).parts:
            continue
        if len(files) > MOST:
            below[BELOW + shown] = None if size or not plain else b""
            continue
        fits = plain and shown == place and len(files) < MOST and size <= room
        files[shown] = content = _content(path, room) if fits else None
        room -= len(content or b"")
    return files | below


def _content(path: Path, most: int) -> bytes | None:
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(most)
    return None


def beside(files: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """Return what is laid out where a submission's notebooks are run: each finds the small ones of the others, too."""
    there = {path: raw for path, raw in files.items() if raw is not None and not path.startswith(ALL)}
    return {path: raw for path, raw in there.items() if _is_beside(path) or len(raw) < SMALL}


def left_aside(files: Mapping[str, bytes | None]) -> list[str]:
    """Return the paths of those that are beyond the bounds."""
    paths = [path for path, raw in files.items() if raw is None and _is_beside(path) and not path.startswith(BELOW)]
    return ["all files beside the notebooks" if path == ALL else path for path in paths]


def _is_left_out(name: str) -> bool:
    if name.startswith("._") or name in ("__pycache__", "__MACOSX", *PACKAGES) or name.endswith(".pyc"):
        return True
    return name.startswith(".") and name != CHECKPOINTS and not is_notebook(name)


def _is_beside(path: str) -> bool:
    return path != TIMESTAMP and not path.endswith(".ipynb")
