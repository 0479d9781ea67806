"""The folder of a submission: one walk through it, within bounds, that follows no link.

A student decides what lies in it: 200,000 hidden files, or folders in folders without end. Each reader of the folder
takes this walk, so that what it costs is decided here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

TIMESTAMP = "timestamp.txt"
MOST, DEEPEST = 100, 20
"""What is taken along with the notebooks of one submission: so many files, from so many levels of folders."""
ENTRIES = 20 * MOST
"""So many entries are looked at for them, with those that are left out."""
NAMES = 20_000
"""So many entries of the folder itself are looked at for the notebooks."""
PACKAGES = ("site-packages", "node_modules")
"""Folders of what was installed: thousands of files, and none of them is the student's."""
COPIED, READ = 64 * 2**20, 16 * 2**20
"""Bytes of the files beside the notebooks that are copied, which costs room on a disk, and that are read, which costs
memory here and in the sandbox."""


class TooMuch(Exception):
    """A folder holds more than the walk looks at, or lies elsewhere."""


class Entry(NamedTuple):
    """What is in the folder and is no folder; `size` is 0 unless it is plain: a regular file and no link."""

    path: Path
    plain: bool
    size: int


def is_plain(path: Path) -> bool:
    """Whether `path` is a regular file and no link, which could name any file of this machine."""
    return path.is_file() and not path.is_symlink()


def is_own(folder: Path) -> bool:
    """Whether a submission is in a folder of its own: neither that folder nor the student's is a link to elsewhere."""
    return not (folder.is_symlink() or folder.parent.is_symlink())


def names_in(folder: Path) -> list[str]:
    """Return the names in the folder itself.

    Raises
    ------
    TooMuch
        If there are more than `NAMES`.
    """
    names = list[str]()
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(names) == NAMES:
                raise TooMuch
            names.append(entry.name)
    return names


def walk(folder: Path, is_left_out: Callable[[str], bool], *, bounded: bool = True) -> list[Entry]:
    """Return what is in a folder and below it, level by level, in the order of the paths.

    Parameters
    ----------
    folder : Path
    is_left_out : callable
        Says by its name whether an entry is left out; of a folder, all that is in it.
    bounded : bool
        False for a folder of the course, which no student writes.

    Raises
    ------
    TooMuch
        If the folder is not the submission's own, has more than `ENTRIES` entries or `DEEPEST` levels, or a part of it
        cannot be listed.
    """
    if bounded and not is_own(folder):
        raise TooMuch
    found, waiting, count = list[Entry](), [(folder, 0)], 0
    while waiting:
        here, depth = waiting.pop()
        try:
            with contextlib.suppress(PermissionError), os.scandir(here) as entries:  # closed to us: nothing to take
                for entry in entries:
                    count += 1
                    if bounded and (count > ENTRIES or depth > DEEPEST):
                        raise TooMuch
                    if is_left_out(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((Path(entry.path), depth + 1))
                    else:
                        found.append(_entry(entry))
        except OSError:  # its path is longer than a path may be
            if not bounded:
                raise
            raise TooMuch from None
    return sorted(found, key=lambda entry: (len(entry.path.parts), entry.path))


def _entry(entry: os.DirEntry[str]) -> Entry:
    try:
        plain = entry.is_file(follow_symlinks=False)
        return Entry(Path(entry.path), plain, entry.stat(follow_symlinks=False).st_size if plain else 0)
    except OSError:  # it is gone, or its path is longer than a path may be
        return Entry(Path(entry.path), plain=False, size=0)
