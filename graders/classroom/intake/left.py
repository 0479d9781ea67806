"""What `graders collect` left for a person: kept until a later run settles it, or the person says that it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from graders.classroom.intake.results import FileStatus
from graders.lab.printing import escaped, printable


@dataclass(frozen=True)
class Left:
    """A file that was not taken, and why.

    Attributes
    ----------
    file : str
        The file as the run's table has it, for people.
    path : str
        Where it is, below its source's absolute path.
    digest : str
        Of its content, or what else tells it from another file of its path; empty if nothing does.
    status : str
        Name of its :class:`FileStatus`.
    why : str
        The status and its reason, for people.
    student, notebook : str
        Empty where nobody knows.
    """

    file: str
    path: str
    digest: str
    status: str
    why: str
    student: str = ""
    notebook: str = ""

    @property
    def key(self) -> str:
        """What the file is known by in later runs: one student may have it in two places, two students may share it.

        What has no content, such as folders, links and entries that cannot be read, is another one in another place.
        """
        content = self.digest and " " not in self.digest  # a mark of entries.mark_of has several words
        return f"{self.student if self.student and content else self.path}|{self.digest}"

    @property
    def shown(self) -> str:
        """The file, fit for a terminal."""
        return printable(self.file, 300)

    def __str__(self) -> str:
        command = f"graders collect --settled {shlex.quote(escaped(self.file))}"
        return f"{self.shown} was {self.why}; when it is settled: `{command}`"


class LeftFiles:
    """The files that are left, and those that are no longer, so that no later run lists them again.

    Parameters
    ----------
    data : mapping
        As :meth:`to_json` has written it; empty at first.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self._files = {one.key: one for one in (Left(**entry) for entry in data.get("files", ()))}
        self._settled = {str(key) for key in data.get("settled", ())}
        self._superseded = {str(key) for key in data.get("superseded", ())}

    @property
    def files(self) -> list[Left]:
        """The files, by student."""
        return sorted(self._files.values(), key=lambda one: (one.student, one.notebook, one.file))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        found = {"settled": self._settled, "superseded": self._superseded}
        return {"files": [asdict(one) for one in self.files], **{name: sorted(keys) for name, keys in found.items()}}

    def superseded(self, student: str, digest: str) -> None:
        """Note that a student's file gave way to another: a later run that meets it again has nothing to ask."""
        self._superseded.add(f"{student}|{digest}")

    def placed(self, files: Iterable[Left]) -> None:
        """Note that these found their place in another assignment: a later run that meets them has nothing to ask."""
        for one in files:
            del self._files[one.key]
            self._superseded.add(one.key)

    def update(
        self,
        seen: Iterable[str],
        students: Iterable[str],
        chosen: Iterable[tuple[str, str]],
        left: Iterable[Left],
        missing: Iterable[Left],
    ) -> None:
        """Take in what a run has found.

        Parameters
        ----------
        seen : iterable of str
            Paths of its files: what it says of them is the last word.
        students : iterable of str
            Of whom it took a notebook.
        chosen : iterable of (str, str)
            Student and notebook of the notebooks with work in them that it took: that chooses among those before.
        left : iterable of Left
            The files that it left.
        missing : iterable of Left
            Those of them for whose notebook nothing is in place: what they once gave way to is gone.
        """
        seen, students, chosen = set(seen), set(students), set(chosen)
        for one in self.files:
            gives_way = (one.student, one.notebook) in chosen
            if one.path in seen or gives_way or (one.status in BY_THEMSELVES and one.student in students):
                del self._files[one.key]
            if gives_way and one.path not in seen:
                self._superseded.add(one.key)
        self._superseded -= {one.key for one in missing}
        self._files |= {one.key: one for one in left if one.key not in self._settled | self._superseded}

    def settle(self, name: str) -> list[Left]:
        """Note that a person has settled the files of this name, in which `*` and `?` stand for any; return them.

        Raises
        ------
        ValueError
            If there is none.
        """
        found = [one for one in self.files if name in (one.file, one.path, escaped(one.file))]
        found = found or [one for one in self.files if _matches(one.file, name) or _matches(escaped(one.file), name)]
        if not found:
            raise ValueError(f"`--settled` must be a file that is left, as `graders report` names it, got {name!r}")
        for one in found:
            del self._files[one.key]
            if one.digest:  # else nobody could tell the next file of its path from it
                self._settled.add(one.key)
        return found


def _matches(file: str, pattern: str) -> bool:
    """Tell whether a name fits a pattern in which `*` and `?` stand for any; brackets are part of a name."""
    return fnmatchcase(file, pattern.replace("[", "[[]"))


BY_THEMSELVES = (FileStatus.LOOSE.name, FileStatus.ELSEWHERE.name, FileStatus.NOTHING.name)
"""Files that a person must look at only if there is nothing else of their student: what they are is known."""
_PERHAPS_WORK = (".ipynb", ".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


def is_beside(status: FileStatus, file: str) -> bool:
    """Tell whether nobody needs a file whose student has handed in every notebook: it is none, and holds none."""
    if status is FileStatus.UNREADABLE:
        return not file.lower().endswith(_PERHAPS_WORK)
    return status in (FileStatus.FOREIGN, FileStatus.OTHER)
