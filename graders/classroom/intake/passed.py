"""What a run of `graders collect` has passed over, and the hand-ins in which there is nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from graders.classroom.intake.beside import submission_of
from graders.classroom.intake.owners import FOLDER, Owner
from graders.classroom.intake.placing import digest_of
from graders.classroom.intake.results import FileRow, FileStatus
from graders.classroom.intake.walker import Item
from graders.classroom.intake.written import Written


class PassedOver:
    """The files of systems and editors.

    Parameters
    ----------
    listed : bool
        Whether the instructor says who the students are: else a folder of any name may be no student's.
    """

    def __init__(self, *, listed: bool) -> None:
        self.listed = listed
        self._files = list[tuple[Item, str, Owner]]()
        self._filled = set[tuple[object, ...]]()

    def add(self, item: Item, where: str, owner: Owner) -> None:
        """Note a file that is passed over."""
        self._files.append((item, where, owner))

    def fill(self, item: Item, owner: Owner) -> None:
        """Note that there is something else in a hand-in."""
        if owner.claim is not None:
            self._filled.add(submission_of(item, owner))

    def lost(
        self,
        named: Mapping[Item, str],
        files: Sequence[tuple[str, str, Path]],
        target: Callable[[str, str], Path],
        written: Written,
    ) -> Iterator[FileRow]:
        """Yield what a person must look at: a copy with work that is nowhere else, a hand-in with nothing in it.

        Parameters
        ----------
        named : mapping of Item to str
            Which notebook an item is.
        files : sequence of (str, str, Path)
            Student, notebook and content of the notebooks that were handed in.
        target : callable
            Returns the place of a student's notebook in ``submitted/``.
        written : Written
        """
        for item, where, owner in self._files:
            name = named.get(item, "")
            if not name or not owner.student or not item.content.notebook:
                continue
            there = [path for student, notebook, path in files if (student, notebook) == (owner.student, name)]
            place = target(owner.student, name)
            there += [place] if place.is_file() and not place.is_symlink() else []
            if digest_of(Path(item.spool)) in map(digest_of, there):
                continue
            if any(written.work(path, name) != frozenset() for path in there):
                continue
            if written.work(Path(item.spool), name) != frozenset():
                self.fill(item, owner)
                yield FileRow(where, FileStatus.KEPT, owner.student, name)
        for item, where, owner in self._files:
            if self._is_a_students(item, owner) and submission_of(item, owner) not in self._filled:
                self.fill(item, owner)
                yield FileRow(where, FileStatus.NOTHING, owner.student)

    def _is_a_students(self, item: Item, owner: Owner) -> bool:
        if not owner.student or owner.claim is None or (owner.claim.layout == FOLDER and not self.listed):
            return False
        return item.passed >= owner.claim.level  # else it holds the students' folders

    def notes(self) -> list[str]:
        """Say how many files and folders there were; nothing if there were none."""
        found = {(item.source, item.parts[: item.passed] or item.parts) for item, *_ in self._files}
        what = "files or folders of systems and editors (such as __MACOSX) were passed over"
        return [f"{len(found)} {what}"] if found else []
