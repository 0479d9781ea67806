"""What was handed in beside the notebooks: modules, data and pictures, for the folder in which they are run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

MOST, LARGEST = 100, 16 * 2**20  # files, bytes of all of them
SMALL = 2**20  # bytes of a notebook that another one may read or run
TIMESTAMP = "timestamp.txt"


def is_plain(path: Path) -> bool:
    """Whether `path` is a regular file and no link, which could name any file of this machine."""
    return path.is_file() and not path.is_symlink()


def read_beside(folder: Path) -> dict[str, bytes | None]:
    """Read plain files by path, nothing hidden and nothing behind a link; None for what is beyond the bounds."""
    files, room = dict[str, bytes | None](), LARGEST
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(top, name)
            place = str(path.relative_to(folder))
            if place == TIMESTAMP or name.startswith(".") or path.suffix in (".ipynb", ".pyc"):
                continue
            if len(files) > MOST:
                return files
            readable = place.isprintable() and is_plain(path)
            files[place if readable else ascii(place)[1:-1]] = None
            with contextlib.suppress(OSError):
                if readable and len(files) <= MOST and path.stat().st_size <= room:
                    files[place] = content = path.read_bytes()[:room]
                    room -= len(content)
    return files


def beside(files: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """Return what is laid out where a submission's notebooks are run: each finds the small ones of the others, too."""
    small = {path for path, raw in files.items() if raw is not None and len(raw) < SMALL}
    return {path: raw for path, raw in files.items() if raw is not None and (_is_beside(path) or path in small)}


def left_aside(files: Mapping[str, bytes | None]) -> list[str]:
    """Return the paths of those that are beyond the bounds."""
    return [path for path, raw in files.items() if raw is None and _is_beside(path)]


def _is_beside(path: str) -> bool:
    return path != TIMESTAMP and not path.endswith(".ipynb")
