"""One submission: what was handed in, read with care, and what grading has made of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graders.grading.reading import MAX_FILE
from graders.grading.repair import Repaired, repair, untouched
from graders.grading.results import LEFT_ASIDE, NotebookResult
from graders.lab.filenames import candidates
from graders.lab.manifest import Course
from graders.status import Status

TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class Graded:
    """One notebook as it goes into `autograded/`, and what was found."""

    text: str
    result: NotebookResult


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


def is_plain(path: Path) -> bool:
    """Whether `path` is a regular file and no link, which could name any file of this machine."""
    return path.is_file() and not path.is_symlink()


def is_own(folder: Path) -> bool:
    """Whether a submission is in a folder of its own: neither that folder nor the student's is a link to elsewhere."""
    return not (folder.is_symlink() or folder.parent.is_symlink())


def read_files(folder: Path) -> dict[str, bytes]:
    """Read the notebooks and the timestamp of a submission, by name; nothing else of it, and nothing behind a link."""
    files: dict[str, bytes] = {}
    if not is_own(folder):
        return files
    for path in sorted(folder.iterdir()):
        if (path.suffix == ".ipynb" or path.name == TIMESTAMP) and is_plain(path):
            with contextlib.suppress(OSError), path.open("rb") as file:
                files[path.name] = file.read(MAX_FILE + 1)
    return files


@dataclass(frozen=True)
class Beside:
    """What was handed in beside the notebooks.

    Attributes
    ----------
    files : dict of str to bytes
        Content by path, for the working directory in which the notebooks are run.
    left : tuple of str
        For people: what is not there, and why.
    """

    files: dict[str, bytes]
    left: tuple[str, ...] = ()


NOTHING = Beside({})
MOST_BESIDE, LARGEST_BESIDE = 100, 16 * 2**20  # files, bytes of all of them


def read_beside(folder: Path) -> Beside:
    """Read modules, data and pictures of a submission, within bounds: nothing hidden, nothing behind a link."""
    files, left, room, seen = dict[str, bytes](), list[str](), LARGEST_BESIDE, 0
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(top, name)
            place = path.relative_to(folder)
            if name.startswith(".") or path.suffix in (".ipynb", ".pyc") or place == Path(TIMESTAMP):
                continue
            if (seen := seen + 1) > MOST_BESIDE:
                return Beside(files, (*left, f"more than {MOST_BESIDE} files beside the notebooks"))
            with contextlib.suppress(OSError):
                if not is_plain(path) or not str(place).isprintable():
                    left.append(f"{str(place)!a}, which is no plain file")
                elif (size := path.stat().st_size) > room:
                    left.append(f"{place} ({size / 2**20:.1f} MB; {LARGEST_BESIDE >> 20} MB in all are allowed)")
                else:
                    files[str(place)] = content = path.read_bytes()[:room]
                    room -= len(content)
    return Beside(files, tuple(left))


def read_notebook(files: Mapping[str, bytes], course: Course, name: str, beside: Beside = NOTHING) -> Repaired:
    """Return the notebook `name` of a submission, mended; the untouched release with a status if it is not there."""
    spec, raw = course.notebook(name), files.get(f"{name}.ipynb")
    others = candidates(name, list(files))
    notes = []
    if raw is None and len(others) == 1:
        raw = files[others[0]]
        notes.append(f"{others[0]} was taken for {name}.ipynb.")
    elif raw is not None and others:
        notes.append(f"{', '.join(others)} was left aside: {name}.ipynb is what counts.")
    if raw is None:
        known = {f"{s.name}.ipynb" for s in course.notebooks}
        strange = [file for file in files if file.endswith(".ipynb") and file not in known]
        why = f"there is no {name}.ipynb"
        if strange:
            why += f"; {', '.join(strange[:5])} has no name of this assignment: rename it"
        return untouched(course, spec, Status.MISSING, why)
    mended = repair(raw, course, spec)
    mended.notes[:0] = [*notes, *(f"{LEFT_ASIDE}{text}." for text in beside.left)]
    return mended
