"""One submission: what was handed in, read with care, and what grading has made of it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graders.grading.active import RUNS, is_active, plain_drawings
from graders.grading.beside import BELOW, BOUNDS, REASON, beside, left_aside, read_beside
from graders.grading.blank import Work, work_in
from graders.grading.elsewhere import Ungraded, notebook_in
from graders.grading.folder import NAMES, TIMESTAMP, TooMuch, is_own, is_plain, names_in
from graders.grading.reading import MAX_FILE
from graders.grading.repair import Repaired, repair, untouched
from graders.grading.results import LEFT_ASIDE, OTHER_ANSWERS, NotebookResult
from graders.lab.filenames import candidates, is_copy, is_notebook, may_be_notebook, plain_name, tidy
from graders.lab.manifest import Course
from graders.sandbox.inside.protocol import encodable
from graders.status import Status

MAX_FILES = 200
MAX_TOGETHER = 128 * 2**20
"""What is read of a submission: so many notebooks, and so many bytes of them together."""
MAX_STAMP = 1000
UNTOUCHED = "no exercise is attempted in what was handed in"
LINKED = "its folder is a link, and none is followed: put the folder itself there, then grade again"
TOO_MANY = f"its folder has more than {NAMES} entries: leave those in it that belong to the notebooks, then grade again"
TOO_LARGE = (
    f"the file has more than the {MAX_FILE // 2**20} MB allowed, or the submission's notebooks have more than "
    f"{MAX_TOGETHER // 2**20} MB together; clear their outputs"
)
NO_FILE = "in its place is a link, a folder or what cannot be opened: put the file itself there, then grade again"
Files = Mapping[str, bytes | None]
"""A submission's files by path; None for what is beyond the bounds and was not read. See :data:`REASON` for more."""


@dataclass(frozen=True)
class Rows:
    """What goes into the gradebook.

    Attributes
    ----------
    scores : mapping of str to float or None
        Points by grade cell, None where a person must give them.
    comments : mapping of str to str or None
        By cell.
    answers : mapping of str to str
        Digests of the answers that the points are for, by grade cell; none where the graders are at fault.
    """

    scores: Mapping[str, float | None]
    comments: Mapping[str, str | None]
    answers: Mapping[str, str]


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
    drawings: frozenset[str] = frozenset()
    """Files beside the notebooks that are pictures by :func:`graders.grading.active.is_plain_drawing`."""

    @property
    def earned(self) -> float:
        """Points that the machine gives."""
        return sum(graded.result.earned for graded in self.notebooks.values())

    @property
    def undecided(self) -> str:
        """Why a person must look at it; empty if the machine has decided all of it."""
        results = [graded.result for graded in self.notebooks.values()]
        told = [r for r in results if r.status is Status.UNREADABLE or (r.status.waits and not r.exercises)]
        why = [f"{r.name}.ipynb: {'; '.join(r.notes)}" for r in told]
        exercises = [e for r in results if r.status is not Status.UNREADABLE for e in r.exercises if e.undecided]
        return "; ".join([*why, *(f"exercise {e.id}: {e.open_question}" for e in exercises[:1])])

    @property
    def untouched(self) -> bool:
        """Whether no exercise is attempted."""
        ends = [exercise.status for graded in self.notebooks.values() for exercise in graded.result.exercises]
        return bool(ends) and all(end.without_work for end in ends)

    @property
    def remarks(self) -> list[str]:
        """What a person should know of it, though the grade stands."""
        notes = [note for graded in self.notebooks.values() for note in graded.result.notes]
        return [note for note in notes if note.startswith(OTHER_ANSWERS)]


def read_files(folder: Path) -> dict[str, bytes | None]:
    """Read a submission: its notebooks and timestamp by name, and what lies beside; nothing behind a link.

    The shortest names come first: a browser's copies and a student's own have longer ones than the course's.
    """
    files: dict[str, bytes | None] = {}
    if not is_own(folder):
        return {REASON: LINKED.encode()}
    if is_plain(folder / TIMESTAMP):
        with contextlib.suppress(OSError), (folder / TIMESTAMP).open("rb") as file:
            files[TIMESTAMP] = file.read(MAX_STAMP)
    try:
        names = [name for name in names_in(folder) if is_notebook(name)]
    except TooMuch:
        return {REASON: TOO_MANY.encode(), **files}
    room, closed, more = MAX_TOGETHER, list[str](), list[str]()
    for name in sorted(names, key=lambda name: (len(name), name)):
        if len(files) > MAX_FILES:
            more.append(name)
            continue
        try:
            files[name] = raw = _notebook(folder / name, room)
        except OSError:
            closed.append(name)
        else:
            room -= len(raw or b"")
    files |= {f"{REASON}{name}": NO_FILE.encode() for name in closed}
    files |= dict.fromkeys([f"{BELOW}{name}" for name in more])
    return dict(sorted(files.items())) | read_beside(folder, room)


def _notebook(path: Path, room: int) -> bytes | None:
    """Read a notebook, None if it is too large; nothing behind a link."""
    if not is_plain(path):
        raise OSError
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return file.read(size) if size <= min(MAX_FILE, room) else None


class _Unclear(Exception):
    """Several files may be a notebook; the text names them."""


class Submission:
    """The notebooks of one submission. Which file is which, the marks of its cells tell, which are read once.

    Parameters
    ----------
    files : Files
    course : Course
    """

    def __init__(self, files: Files, course: Course) -> None:
        self.files, self.course = files, course
        self._beside = beside(files)
        self.drawings = plain_drawings(files)
        self._works: dict[tuple[str, str], Work | None] = {}
        self._known = {f"{spec.name}.ipynb" for spec in course.notebooks}
        self._marked = {file: notebook_in(raw, course) for file, raw in files.items() if may_be_notebook(file)}

    def read(self, name: str) -> Repaired:
        """Return the notebook `name`, mended; the untouched release with a status if it is not there."""
        spec, own = self.course.notebook(name), f"{name}.ipynb"
        if why := self.files.get(REASON):
            return untouched(self.course, spec, Status.GRADER, why.decode())
        try:
            chosen, others = self._choose(name)
        except _Unclear as unclear:
            return untouched(self.course, spec, Status.GRADER, str(unclear))
        if not chosen and (why := self.files.get(f"{REASON}{own}")):
            return untouched(self.course, spec, Status.UNREADABLE, why.decode())
        if not chosen:
            mended = untouched(self.course, spec, Status.MISSING, self._why_missing(own))
            return self._ungraded.leave_to_a_person(mended, spec)
        raw = self.files[chosen]
        if raw is None:
            return untouched(self.course, spec, Status.UNREADABLE, TOO_LARGE)
        mended = repair(raw, self.course, spec, self._beside)
        chosen, others = encodable(chosen), [encodable(file) for file in others]
        left = [encodable(file) for file in left_aside(self.files)]
        active = [encodable(file) for file in self._beside if is_active(file) and file not in self.drawings]
        notes = [f"{chosen} was taken for {own}."] if chosen != own else []
        notes += [f"{', '.join(others[:5])} was left aside: {chosen} is what counts."] if others else []
        notes += [f"{LEFT_ASIDE}{', '.join(left[:5])} ({BOUNDS})."] if left else []
        notes += [f"{', '.join(active[:5])} stayed in submitted/: {RUNS}."] if active else []
        notes += self._ungraded.other_answers(spec) if mended.status is Status.OK else []
        mended.notes[:0] = notes
        return mended if mended.status is Status.UNREADABLE else self._ungraded.leave_to_a_person(mended, spec)

    def _choose(self, name: str) -> tuple[str, list[str]]:
        """Return the file that is the notebook `name`, empty if there is none, and the others that may be it.

        Raises
        ------
        _Unclear
            If nothing tells which of several counts.
        """
        files, marked = self.files, self._marked
        own, known = f"{name}.ipynb", self._known
        named = [file for file in candidates(name, list(files)) if marked.get(file) == "" and file not in known]
        fitting = sorted({file for file, notebook in marked.items() if notebook == name and file != own} | set(named))
        fitting = [file for file in fitting if file not in known or marked[file] != file.removesuffix(".ipynb")]
        rivals = fitting
        if own in files and marked.get(own) in ("", name):
            if not fitting or self._work(own, name) != frozenset() or not (worked := self._worked(fitting, name)):
                return own, fitting
            fitting, rivals = worked, [own, *fitting]
        if not fitting:
            return "", []
        if len(fitting) > 1:
            fitting = self._worked(fitting, name) or fitting
        last = max(fitting, key=lambda file: plain_name(_stem(file))[1])
        stems = [plain_name(_stem(file)) for file in fitting]
        alike = len({self._work(file, name) or files[file] for file in fitting}) == 1
        numbered = len({stem for stem, _ in stems}) == 1 and len({number for _, number in stems}) == len(stems)
        if not alike and (not numbered or any(is_copy(_stem(file)) for file in fitting)):
            several = encodable(", ".join(fitting[:5]))
            raise _Unclear(f"{several} may all be {own}; keep the one that counts, then grade again")
        return last, [file for file in rivals if file != last]

    def _worked(self, files: list[str], name: str) -> list[str]:
        """Return those of some files that have anything of the student's in them."""
        return [file for file in files if self._work(file, name)]

    def _work(self, file: str, name: str) -> Work | None:
        """What of the student's is in a file as this notebook, found once."""
        if (file, name) not in self._works:
            raw, spec = self.files[file], self.course.notebook(name)
            self._works[file, name] = None if raw is None else work_in(raw, self.course, spec)
        return self._works[file, name]

    @cached_property
    def _ungraded(self) -> Ungraded:
        graded = dict[str, str]()
        for spec in self.course.notebooks:
            with contextlib.suppress(_Unclear):
                graded[spec.name] = self._choose(spec.name)[0]
        return Ungraded(self.files, self.course, graded, self._marked, self._work)

    def _why_missing(self, own: str) -> str:
        strange = [encodable(file) for file in self._marked if is_notebook(file) and file not in self._known]
        why = f"there is no {own}"
        if own in self.files:
            why += f"; {own} holds the cells of {self._marked[own]}"
        if strange:
            why += f"; {', '.join(strange[:5])} has no name of this assignment: rename it"
        return why


def _stem(file: str) -> str:
    return re.sub(r"(\.ipynb|\.txt|\.json)+$", "", tidy(file), flags=re.IGNORECASE)
