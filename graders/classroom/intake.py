"""Downloaded notebooks, whatever browsers and upload forms made of their names, to `submitted/`.

A notebook is known by what is in it: the marks of its exercises. Its file name counts only where it cannot be read, so
that the grader can say so. Of several from one student, the latest is taken.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path, PurePosixPath

from graders.lab.filenames import SERVED, assignment_of, marks, plain_name
from graders.lab.manifest import Course, assignments

LIMIT = 64 * 1024 * 1024  # bytes of one notebook
_TIMESTAMP = "%Y-%m-%d %H:%M:%S UTC"  # as nbgrader reads it
STUDENT = re.compile(r"[A-Za-z0-9][\w.@+-]*", re.ASCII)
_MOODLE = re.compile(r"_\d+_assignsubmission_\w+_?$")


class Status(Enum):
    """What became of a file; the text says what to do about it."""

    TAKEN = "taken"
    REPLACED = "taken, in the place of an older one"
    UNCHANGED = "already there"
    OLDER = "left: there is a later one"
    ELSEWHERE = "left: of another assignment"
    FOREIGN = "left: no notebook of this assignment, by its marks or its name"
    MIXED = "left: it has exercises of several notebooks; ask the student for the file of each"
    NOBODY = "left: whose is it? name the student with --student, or put the file into a folder named for the student"
    TOO_LARGE = f"left: larger than {LIMIT // 2**20} MB; ask the student to clear the outputs"

    @property
    def fine(self) -> bool:
        """Whether nobody needs to look at the file."""
        return self in (Status.TAKEN, Status.REPLACED, Status.UNCHANGED, Status.OLDER)


@dataclass(frozen=True)
class Found:
    """A file that may be a hand-in.

    Attributes
    ----------
    where : str
        For people.
    path : PurePosixPath
        Relative to what was given to look through.
    time : datetime
    content : bytes or None
        None if it is too large to be read.
    """

    where: str
    path: PurePosixPath
    time: datetime
    content: bytes | None


@dataclass(frozen=True)
class Report:
    """What became of one file."""

    found: Found
    student: str | None
    notebook: str | None
    status: Status
    remedy: str = ""

    def __str__(self) -> str:
        whose = f"{self.student or '?'} {self.notebook or '?'}"
        return f"{whose:<28} {self.found.where}: {self.status.value}{self.remedy}"


def other_assignment(content: bytes, course: Course) -> str:
    """Return the name of the other assignment that a notebook was released for; empty if it is none or not told."""
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ""
    name = assignment_of(data) if isinstance(data, dict) else ""
    return "" if name == course.assignment else name


def notebook_name(path: PurePosixPath, content: bytes, course: Course) -> str | Status:
    """Return which notebook of the assignment a file is, or why it is none."""
    if found := grade_ids(content):
        names = {notebook.name for notebook in course.notebooks if marks(notebook) & found}
        if len(names) == 1:
            return names.pop()
        return Status.MIXED if names else Status.FOREIGN
    stem = plain_name(path.stem)[0]
    for notebook in course.notebooks:  # also "someone_lab10-3"
        match = re.search(rf"(?:^|[_\s-]){re.escape(notebook.name)}(?:\.v[0-9a-f]{{4}})?$", stem)
        if match or ((served := SERVED.fullmatch(stem)) and served["name"] == notebook.name):
            return notebook.name
    return Status.FOREIGN


def grade_ids(content: bytes) -> frozenset[str]:
    """Return the nbgrader marks of a notebook's cells; none if it cannot be read as one."""
    try:
        cells = json.loads(content.decode("utf-8-sig"))["cells"]
        return frozenset(str(c["metadata"]["nbgrader"]["grade_id"]) for c in cells if "nbgrader" in c["metadata"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def student_of(path: PurePosixPath, course: Course) -> str | None:
    """Return whose file it is: the name of its outermost folder, or what stands before the notebook's name."""
    if len(path.parts) > 1:
        name = _MOODLE.sub("", path.parts[0]).strip().replace(" ", "-")
    else:
        names = "|".join(re.escape(notebook.name) for notebook in course.notebooks)
        match = re.match(rf"(?P<student>.+?)_(?:.*_)?(?:{names})", path.stem)
        name = match["student"] if match else ""
    return name if STUDENT.fullmatch(name) else None


def look_through(sources: Iterable[Path]) -> Iterator[Found]:
    """Yield the notebooks in files, folders and zip archives.

    Raises
    ------
    ValueError
        If there is no such file, or it is neither a notebook nor a folder nor a zip archive.
    """
    for source in sources:
        if source.is_dir():
            for path in sorted(source.rglob("*.ipynb")):
                if ".ipynb_checkpoints" not in path.parts and path.is_file():
                    yield _found(path, PurePosixPath(path.relative_to(source).as_posix()))
        elif source.suffix.lower() == ".ipynb" and source.is_file():
            yield _found(source, PurePosixPath(source.name))
        elif source.is_file() and zipfile.is_zipfile(source):
            yield from _in_archive(source)
        else:
            raise ValueError(f"`SOURCE` must be a notebook, a folder or a zip archive that is there, got {source}")


def _found(path: Path, relative: PurePosixPath) -> Found:
    stat = path.stat()
    content = path.read_bytes() if stat.st_size <= LIMIT else None
    return Found(str(path), relative, datetime.fromtimestamp(int(stat.st_mtime), UTC), content)


def _in_archive(source: Path) -> Iterator[Found]:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            path = PurePosixPath(info.filename)
            if path.suffix.lower() != ".ipynb" or {"__MACOSX", ".ipynb_checkpoints"} & set(path.parts):
                continue
            # Nothing is unpacked by name: only the content is read, at most as much as the archive says.
            content = archive.read(info) if info.file_size <= LIMIT else None
            yield Found(f"{source}:{path}", path, datetime(*info.date_time, tzinfo=UTC), content)


def collect(found: Iterable[Found], course: Course, submitted: Path, student: str | None = None) -> list[Report]:
    """Put what was handed in where nbgrader looks for it, and say what became of each file.

    Parameters
    ----------
    found : iterable of Found
    course : Course
    submitted : Path
        nbgrader's folder of that name.
    student : str, optional
        Whose the files are; by default read from their folders or names.
    """
    reports: list[Report] = []
    candidates: dict[tuple[str, str], list[tuple[datetime, int, int, Found]]] = {}
    for order, file in enumerate(found):
        owner = student or student_of(file.path, course)
        if file.content is None:
            reports.append(Report(file, owner, None, Status.TOO_LARGE))
            continue
        if other := other_assignment(file.content, course):
            remedy = f": it is a notebook of {other[:80]}, not of {course.assignment}"
            if other in assignments(course.root):
                remedy += f"; collect it with --assignment {other}"
            reports.append(Report(file, owner, None, Status.ELSEWHERE, remedy))
            continue
        name = notebook_name(file.path, file.content, course)
        if isinstance(name, Status):
            reports.append(Report(file, owner, None, name))
        elif owner is None:
            reports.append(Report(file, None, name, Status.NOBODY))
        else:
            number = plain_name(file.path.stem)[1]
            candidates.setdefault((owner, name), []).append((file.time, number, order, file))
    for (owner, name), files in candidates.items():
        *older, latest = (file for *_, file in sorted(files, key=lambda candidate: candidate[:3]))
        target = submitted / owner / course.assignment / f"{name}.ipynb"
        reports.append(Report(latest, owner, name, _put(latest, target)))
        reports += [Report(file, owner, name, Status.OLDER) for file in older]
    return reports


def _put(file: Found, target: Path) -> Status:
    assert file.content is not None
    status = Status.TAKEN
    if target.exists():
        if target.read_bytes() == file.content:
            return Status.UNCHANGED
        if datetime.fromtimestamp(int(target.stat().st_mtime), UTC) > file.time:
            return Status.OLDER
        status = Status.REPLACED
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_bytes(file.content)
    os.utime(partial, (file.time.timestamp(), file.time.timestamp()))
    partial.replace(target)
    stamp = target.with_name("timestamp.txt")
    latest = max(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in target.parent.glob("*.ipynb"))
    stamp.write_text(latest.strftime(_TIMESTAMP), encoding="utf-8")
    return status


def summary(reports: Sequence[Report]) -> str:
    """Return the reports as text, those that somebody has to look at last."""
    counts: Mapping[Status, int] = {status: sum(r.status is status for r in reports) for status in Status}
    lines = [str(report) for report in sorted(reports, key=lambda r: not r.status.fine)]
    lines.append(f"{counts[Status.TAKEN] + counts[Status.REPLACED]} of {len(reports)} files taken")
    return "\n".join(lines)
