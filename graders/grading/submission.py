"""One submission: what was handed in, read with care, and what grading has made of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graders.grading.beside import LARGEST, MOST, beside, left_aside, read_beside
from graders.grading.beside import TIMESTAMP as TIMESTAMP
from graders.grading.beside import is_plain as is_plain
from graders.grading.reading import MAX_FILE
from graders.grading.repair import Repaired, repair, untouched
from graders.grading.results import LEFT_ASIDE, NotebookResult
from graders.lab.filenames import candidates
from graders.lab.manifest import Course
from graders.sandbox.inside.protocol import encodable
from graders.status import Status

MAX_FILES = 200
MAX_TOGETHER = 128 * 2**20
"""What is read of a submission: so many notebooks, and so many bytes of them together."""
MAX_STAMP = 1000
TOO_LARGE = (
    f"the file has more than the {MAX_FILE // 2**20} MB allowed, or the submission's notebooks have more than "
    f"{MAX_TOGETHER // 2**20} MB together; clear their outputs"
)
Files = Mapping[str, bytes | None]
"""A submission's files by path; None for what is beyond the bounds and was not read."""


@dataclass(frozen=True)
class Rows:
    """What goes into the gradebook: points by grade cell, None where a person must give them, and comments by cell."""

    scores: Mapping[str, float | None]
    comments: Mapping[str, str | None]


@dataclass(frozen=True)
class Graded:
    """One notebook as it goes into `autograded/`, what was found, and what goes into the gradebook."""

    text: str
    result: NotebookResult
    rows: Rows


@dataclass(frozen=True)
class SubmissionResult:
    """One submission, graded."""

    student: str
    digest: str
    notebooks: dict[str, Graded]
    timestamp: bytes | None
    seconds: float

    @property
    def earned(self) -> float:
        """Points that the machine gives."""
        return sum(graded.result.earned for graded in self.notebooks.values())

    @property
    def undecided(self) -> str:
        """Why a person must look at it; empty if the machine has decided all of it."""
        exercises = [exercise for graded in self.notebooks.values() for exercise in graded.result.exercises]
        return next((f"exercise {e.id}: {e.message or e.status.remedy}" for e in exercises if e.undecided), "")


def is_own(folder: Path) -> bool:
    """Whether a submission is in a folder of its own: neither that folder nor the student's is a link to elsewhere."""
    return not (folder.is_symlink() or folder.parent.is_symlink())


def read_files(folder: Path) -> dict[str, bytes | None]:
    """Read a submission: its notebooks and timestamp by name, and what lies beside; nothing behind a link.

    The shortest names come first: a browser's copies and a student's own have longer ones than the course's.
    """
    files: dict[str, bytes | None] = {}
    if not is_own(folder):
        return files
    room = MAX_TOGETHER
    for name in sorted(os.listdir(folder), key=lambda name: (name != TIMESTAMP, len(name), name)):
        path = folder / name
        if not (path.suffix == ".ipynb" or name == TIMESTAMP) or not is_plain(path):
            continue
        if len(files) > MAX_FILES:
            break
        with contextlib.suppress(OSError), path.open("rb") as file:
            if name == TIMESTAMP:
                files[name] = file.read(MAX_STAMP)
                continue
            size = os.fstat(file.fileno()).st_size
            raw = file.read(size) if size <= min(MAX_FILE, room) else None
            files[name] = raw
            room -= len(raw or b"")
    return dict(sorted(files.items())) | read_beside(folder)


def read_notebook(files: Files, course: Course, name: str) -> Repaired:
    """Return the notebook `name` of a submission, mended; the untouched release with a status if it is not there."""
    spec, own = course.notebook(name), f"{name}.ipynb"
    others = candidates(name, list(files))
    notes = []
    if own not in files and len(others) == 1:
        own = others[0]
        notes.append(f"{own} was taken for {name}.ipynb.")
    elif own in files and others:
        notes.append(f"{', '.join(others[:5])} was left aside: {own} is what counts.")
    if own not in files:
        known = {f"{s.name}.ipynb" for s in course.notebooks}
        strange = [encodable(file) for file in files if file.endswith(".ipynb") and file not in known]
        why = f"there is no {name}.ipynb"
        if strange:
            why += f"; {', '.join(strange[:5])} has no name of this assignment: rename it"
        return untouched(course, spec, Status.MISSING, why)
    raw = files[own]
    if raw is None:
        return untouched(course, spec, Status.UNREADABLE, TOO_LARGE)
    mended = repair(raw, course, spec, beside(files))
    bounds = f"no plain files, or more than {MOST} files or {LARGEST >> 20} MB"
    notes += [f"{LEFT_ASIDE}{', '.join(left[:5])} ({bounds})." for left in [left_aside(files)] if left]
    mended.notes[:0] = notes
    return mended
