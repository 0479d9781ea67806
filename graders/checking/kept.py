"""Where searches for problems have ended: kept with the course, so that a class, and a later run, search once.

A search draws problems until they tell the right answer from each near miss. What takes its time is to try the near
misses; the problems that were chosen follow from the states of the generator that they were drawn from, and these are
all that is kept.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import sheaflab

T = TypeVar("T")
FOLDER = ".problems"
"""In the course; as private as the secret, for it says which problems are posed."""


class _Place(threading.local):
    """What a thread searches for at this moment: where its draws are kept, and how many parts of it have been begun."""

    folder: Path | None = None
    search: str = ""
    parts: int = 0

    def __init__(self) -> None:
        self.begun, self.known = list[Any](), list[Any]()
        """States that the draws within one problem have ended with: those of this search, and those of one before."""


_place = _Place()


@contextlib.contextmanager
def kept_in(course: Path, checks: Path) -> Iterator[None]:
    """Keep in `course` how the searches of this block end, for the checks in the folder `checks` as they are now."""
    folder = course / FOLDER / checks.name / _digest_of(checks)
    if not folder.is_dir():
        shutil.rmtree(folder.parent, ignore_errors=True)  # those of checks, or of a library, that are no more
        with contextlib.suppress(OSError):  # then each process searches for itself
            (course / FOLDER).mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
    _place.folder = folder
    try:
        yield
    finally:
        _place.folder = None


@contextlib.contextmanager
def searching(key: tuple[object, ...]) -> Iterator[None]:
    """Say what is searched for in this block: `key` decides what is found."""
    before = _place.search, _place.parts
    _place.search, _place.parts = hashlib.sha256(repr(key).encode()).hexdigest(), 0
    try:
        yield
    finally:
        _place.search, _place.parts = before


def next_part() -> Path | None:
    """Return the file for the next part of the search at hand; None if nothing is kept."""
    if _place.folder is None or not _place.search:
        return None
    _place.parts += 1
    return _place.folder / f"{_place.search}-{_place.parts}.json"


def drawn_until(rng: np.random.Generator, make: Callable[[np.random.Generator], T], wanted: Callable[[T], bool]) -> T:
    """Return the first of what `make` draws that is wanted: a part of a problem that few draws have.

    Where a search is drawn again, only the one that it has found is made.

    Parameters
    ----------
    rng : numpy.random.Generator
    make : callable
        Takes `rng`.
    wanted : callable
        Takes what `make` returns.
    """
    if _place.known:
        rng.bit_generator.state = _place.known.pop(0)
        return make(rng)
    while True:
        state = rng.bit_generator.state
        made = make(rng)
        if wanted(made):
            _place.begun.append(state)
            return made


def noted(draw: Callable[[np.random.Generator], T], rng: np.random.Generator) -> tuple[T, list[Any]]:
    """Draw; return what was drawn, and the states of `rng` with which the same is drawn again."""
    with _draws([]) as begun:
        state = rng.bit_generator.state
        return draw(rng), [state, *begun]


def drawn_again(draw: Callable[[np.random.Generator], T], rng: np.random.Generator, states: list[Any]) -> T:
    """Draw what was drawn from these states."""
    with _draws(states[1:]):
        rng.bit_generator.state = states[0]
        return draw(rng)


@contextlib.contextmanager
def _draws(known: list[Any]) -> Iterator[list[Any]]:
    """Draw one problem in this block; yields the list of what is noted meanwhile."""
    before = _place.begun, _place.known
    _place.begun, _place.known = [], list(known)
    try:
        yield _place.begun
    finally:
        _place.begun, _place.known = before


def read(path: Path, rng: np.random.Generator) -> list[list[Any]]:
    """Return the states of `rng` that a search has ended with; none if it is not known, or cannot be read."""
    tried = type(rng.bit_generator)()
    try:
        states: list[list[Any]] = json.loads(path.read_text(encoding="ascii"))
        for state in (state for drawn in states for state in [drawn[0], *drawn]):
            tried.state = state
    except (OSError, ValueError, TypeError, KeyError, IndexError, OverflowError):
        return []
    return states


def write(path: Path, states: list[list[Any]]) -> None:
    """Keep these states; who reads at the same time finds all of them or none."""
    with contextlib.suppress(OSError):  # then whoever needs it searches again
        descriptor, made = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(states, file)
        os.replace(made, path)


def _digest_of(checks: Path) -> str:
    """Digest of all that decides which draws a search chooses."""
    files = sorted(checks.glob("*.py"))
    return _digest(tuple((path, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=16)
def _digest(files: tuple[tuple[Path, int], ...]) -> str:
    digest = hashlib.sha256(np.__version__.encode())
    installed = [Path(__file__).parent, Path(sheaflab.__file__).parent]
    ours = [path for folder in installed for path in sorted(folder.rglob("*.py"))]
    for path in (*(path for path, _ in files), *ours):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]
