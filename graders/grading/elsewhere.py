"""Work that may lie where nothing is graded: below the folder, in an archive, in another format, in an odd place.

Where an exercise has no work of its own, such a file is a reason for a person to look: nobody knows that it is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from graders.grading.beside import ALL, BELOW, CHECKPOINTS, REASON
from graders.grading.blank import Work
from graders.grading.reading import Unreadable, plain_cells, read
from graders.grading.repair import Repaired
from graders.grading.results import OTHER_ANSWERS
from graders.lab.filenames import assignment_in, is_never_work, is_notebook, marks_in, most_marks, tidy
from graders.lab.manifest import Course, NotebookSpec
from graders.lab.printing import printable
from graders.sandbox.inside.protocol import encodable
from graders.status import Status

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".txz", ".7z", ".rar", ".zst")
DOCUMENTS = (".py", ".html", ".htm", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".tex", ".pages")
"""Ends of files that may be a whole hand-in by themselves, where no notebook has any work in it."""
LOOKED_AT, READ_FOR_WORK, PARTS = 20, 8 * 2**20, 40_000
"""So many files that nothing marks, and so many bytes of them, are read for work, which what is more may be; for all
notebooks together so many braces, of which each cell has one or more: cells are what takes time."""
_REQUIREMENTS, _README = "requirements.txt", "readme"


def _given(course: Course) -> dict[str, Path]:
    """Return the files that are handed out with the notebooks, by path."""
    folder, found = course.root / "release" / course.assignment, dict[str, Path]()
    with contextlib.suppress(OSError):
        found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {_REQUIREMENTS: folder / _REQUIREMENTS, **found}


def is_archive(path: str) -> bool:
    """Whether a file is an archive by its name."""
    return tidy(path).lower().endswith(ARCHIVES)


def is_document(path: str) -> bool:
    """Whether a file may be a hand-in by itself, whatever its name is."""
    name = tidy(PurePosixPath(path).name).lower()
    return name.endswith(DOCUMENTS) and not name.startswith(_README)


def is_named_like(path: str, name: str, assignment: str) -> bool:
    """Whether a file's name has that of a notebook in it, or is that of the assignment, in any spelling.

    >>> [is_named_like(path, "lab10-1", "lab10") for path in ("x/Lab 10_1 (final).py", "lab10-1", "lab10-12.py")]
    [True, True, False]
    """
    stem, dot, _ = PurePosixPath(path).name.rpartition(".")
    stem = stem if dot else PurePosixPath(path).name
    return has_words(stem, name) or words(stem) == words(assignment)


def has_words(text: str, name: str) -> bool:
    """Whether the words of a name stand in a text, one after the other."""
    there, wanted = words(text), words(name)
    return any(there[k : k + len(wanted)] == wanted for k in range(len(there)))


def words(text: str) -> list[str]:
    """Return the words and numbers of a name, whatever stands between them."""
    found = re.findall(r"[^\W\d_]+|\d+", tidy(text).casefold())
    return [word.lstrip("0") or "0" if word.isdigit() else word for word in found]


def notebook_in(raw: bytes | None, course: Course) -> str:
    """Return which notebook a file is by the marks of its cells; empty if they do not tell."""
    if raw is None or _is_foreign(raw, course):
        return ""
    name, clear = most_marks(marks_in(raw), course.notebooks)
    return name if clear else ""


def _is_foreign(raw: bytes, course: Course) -> bool:
    return assignment_in(raw) not in ("", course.assignment)


class Ungraded:
    """The files of a submission that are not graded, as far as a notebook's work may be in them.

    Parameters
    ----------
    files : mapping of str to bytes or None
    course : Course
    graded : mapping of str to str
        The file that is graded, by notebook; empty where there is none.
    marked : mapping of str to str
        Which notebook a file is by its cells' marks, as far as that is known.
    work : callable
        Returns what of the student's is in a file as the notebook of this name; None if it cannot be read.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | None],
        course: Course,
        graded: Mapping[str, str],
        marked: Mapping[str, str],
        work: Callable[[str, str], Work | None],
    ) -> None:
        self.files = {file: raw for file, raw in files.items() if not is_never_work(file)}
        self.course, self.work = course, work
        self._chosen, self._graded = graded, set(filter(None, graded.values()))
        self._given = _given(course)
        self._marks, self._room, self._parts = dict[str, frozenset[str]](), READ_FOR_WORK, PARTS
        self._looked_into, self._blank = dict[str, bool](), dict[str, bool]()
        below = [file for file in files if file.startswith(BELOW) and is_notebook(file)]
        self._marked = {**marked, **{file: notebook_in(files[file], course) for file in below}}

    @cached_property
    def _idle(self) -> bool:
        """Whether there is no work in anything that is graded."""
        return not any(self.work(file, name) for name, file in self._chosen.items() if file)

    def may_hold(self, spec: NotebookSpec) -> list[str]:
        """Return the files in which a notebook's work may be that has none in the file that is graded."""
        chosen = self._chosen.get(spec.name, "")
        others = [file for file in self.files if file not in (chosen, REASON) and not self._is_settled(spec, file)]
        if not others or not _cells(spec) or (chosen and self.work(chosen, spec.name)):
            return []
        return [file for file in others if self._may_hold(spec, file)]

    def _is_settled(self, spec: NotebookSpec, file: str) -> bool:
        """Whether a file is graded as another notebook, and has no cell of this one: all that most submissions hold."""
        return file in self._graded and is_notebook(_path(file)) and not self._own(spec, file)

    def _may_hold(self, spec: NotebookSpec, file: str) -> bool:
        path, raw = _path(file), self.files[file]
        if file == ALL:
            return True
        if file.startswith(REASON):  # a link or the like, which is another notebook's reason if it has its name
            return path not in {f"{one.name}.ipynb" for one in self.course.notebooks}
        if raw == b"":
            return False
        if is_notebook(path) or self._marked.get(file) or self._own(spec, file):
            return self._is_work(spec, file, raw)
        if self._is_given(path, raw):
            return False
        if is_named_like(path, spec.name, self.course.assignment):
            return True
        if not self._graded and not any(map(is_notebook, self.files)):
            return True
        return (is_archive(path) or is_document(path)) and self._idle

    def _own(self, spec: NotebookSpec, file: str) -> frozenset[str]:
        """Return which of a notebook's cells a file has by their marks, whatever the file is called."""
        if file not in self._marks:
            self._marks[file] = marks_in(self.files[file] or b"")
        return self._marks[file] & _cells(spec)

    def _is_given(self, path: str, raw: bytes | None) -> bool:
        """Whether a file was handed out: by its path, or by its name and content where it was put into a folder."""
        if path in self._given:
            return True
        with contextlib.suppress(OSError):
            name = PurePosixPath(path).name
            return any(given.read_bytes() == raw for given in self._given.values() if raw and given.name == name)
        return False

    def _is_looked_into(self, file: str) -> bool:
        """Whether a file that is not graded is within what is read for work; it counts once for all notebooks."""
        if file not in self._looked_into:
            raw = self.files[file] or b""
            fits = len(raw) <= self._room and sum(self._looked_into.values()) < LOOKED_AT
            self._room -= len(raw) if fits else 0
            self._looked_into[file] = fits
        return self._looked_into[file]

    def _work_in(self, spec: NotebookSpec, file: str, raw: bytes) -> Work | None:
        """Return the work in a file, None where that cannot be read or is not looked for."""
        if file not in self._graded and self._marked.get(file) != spec.name:
            self._parts -= raw.count(b"{")
            if self._parts < 0 or not self._is_looked_into(file):
                return None
        return self.work(file, spec.name)

    def _is_anothers(self, spec: NotebookSpec, file: str) -> bool:
        """Whether a file has the name of another notebook alone, which decides where its content cannot."""
        named = [one.name for one in self.course.notebooks if is_named_like(_path(file), one.name, "")]
        return bool(named) and spec.name not in named

    def _is_work(self, spec: NotebookSpec, file: str, raw: bytes | None) -> bool:
        """Whether the work of a notebook may stand in another one."""
        if raw is None:
            return file not in self._graded and not self._is_anothers(spec, file)
        own, marked = self._own(spec, file), self._marked.get(file, "")
        if not own and (file in self._graded or marked not in ("", spec.name) or _is_foreign(raw, self.course)):
            return False
        if not own and self._is_looked_into(file) and self._is_blank(file):
            return False
        if not own and not marked and self._idle and not self._is_anothers(spec, file):
            return True  # whatever stands in it
        work = self._work_in(spec, file, raw)
        if work is None:
            unknown = file not in self._graded and not _is_foreign(raw, self.course)
            return unknown and not self._is_anothers(spec, file)
        return bool(work)

    def _is_blank(self, file: str) -> bool:
        if file not in self._blank:
            self._blank[file] = _is_blank(self.files[file] or b"")
        return self._blank[file]

    def leave_to_a_person(self, mended: Repaired, spec: NotebookSpec) -> Repaired:
        """Have a person look at a notebook without work, if there are files in which it may be."""
        if files := self.may_hold(spec):
            mended.notes.insert(
                0,
                f"{_listed(files)} may be the work and was not graded, for in {spec.name}.ipynb there is none: put it "
                "into the folder itself as a notebook of that name, then grade again, or give the points",
            )
            digest = hashlib.sha256()
            for file in files:
                digest.update(os.fsencode(file) + b"\0" + hashlib.sha256(self.files[file] or b"").digest())
            mended.status, mended.unread = Status.GRADER, digest.hexdigest()
        return mended

    def other_answers(self, spec: NotebookSpec) -> list[str]:
        """Return a note on further versions of a notebook in which something else is answered than in the graded one.

        What Jupyter keeps by itself is no version of the student's.
        """
        likely = [
            file
            for file, raw in self.files.items()
            if raw is not None
            and file not in self._graded
            and is_notebook(file)
            and CHECKPOINTS not in file.split("/")
            and (self._marked.get(file) == spec.name or is_named_like(file, spec.name, self.course.assignment))
        ]
        chosen = self._chosen[spec.name]
        own = (self.work(chosen, spec.name) if likely else None) or frozenset()
        found = {file: self._work_in(spec, file, self.files[file] or b"") for file in likely if own}
        more = [file for file, work in found.items() if (work or frozenset()) - own]
        return [f"{OTHER_ANSWERS}{_listed(more)}; {_listed([chosen])} is what counts."] if more else []


def _is_blank(raw: bytes) -> bool:
    """Whether a notebook has no cells, or none with anything in it, such as a new one."""
    try:
        data = read(raw)
        cells = plain_cells(data) if data.get("cells") != [] else []
        return not any(cell["source"].strip() or cell["pictures"] for cell in cells)
    except Unreadable:
        return not raw.strip()


def _cells(spec: NotebookSpec) -> frozenset[str]:
    """Return the names of the cells in which a notebook's work stands."""
    return frozenset({exercise.solution_cell for exercise in spec.exercises} | {item.cell for item in spec.written})


def _path(file: str) -> str:
    return file.removeprefix(REASON).removeprefix(BELOW)


def _listed(files: list[str]) -> str:
    names = ["more than is looked at" if file == ALL else printable(encodable(_path(file)), 200) for file in files[:5]]
    return ", ".join([*names, *([f"{len(files) - 5} more"] if len(files) > 5 else [])])
