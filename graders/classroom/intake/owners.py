"""The owner of each file: by the layouts, by folders of students, and by the class list."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from graders.classroom.intake.layouts import Claim, Surroundings, Visible, by_pattern, claim_of
from graders.classroom.intake.names import student_id
from graders.classroom.intake.results import FileStatus
from graders.classroom.intake.roster import Person, Roster
from graders.classroom.intake.walker import Item
from graders.lab.manifest import Course, assignments

FOLDER = "folder"
HOW = "name the student with --student, the layout with --layout, or give a class list with --roster"
HOW_LISTED = "name the student with --student, or the layout with --layout"
_AROUND = {"submitted", "submissions", "inbound", "downloads"}  # folders that are never a student


@dataclass(frozen=True)
class Owner:
    """A file's owner, or why it has none.

    Attributes
    ----------
    claim : Claim or None
        What the path says.
    student : str
        The id; empty if it has no owner.
    person : Person or None
        The student, by the class list.
    status : FileStatus or None
        Why it has no owner.
    more : str
    """

    claim: Claim | None
    student: str = ""
    person: Person | None = None
    status: FileStatus | None = None
    more: str = ""


@dataclass
class Owners:
    """Finds the owners of the files of one run.

    Attributes
    ----------
    course : Course
    names : list of str
        Of the sources; a source's own name may be that of a student's folder or archive.
    packed : list of bool
        Whether each source is an archive.
    roster : Roster or None
    student : str or None
        Whose all files are.
    layout : str or None
        The only layout to look for.
    pattern : re.Pattern or None
    """

    course: Course
    names: list[str]
    packed: list[bool]
    roster: Roster | None = None
    student: str | None = None
    layout: str | None = None
    pattern: re.Pattern[str] | None = None
    around: Surroundings = field(default_factory=Surroundings)
    _wrappers: dict[tuple[int, str], bool | None] = field(default_factory=dict)

    def look_around(self, items: Iterable[Item], notebooks: Mapping[Item, str]) -> None:
        """Read what a single path does not tell: systems' records, other names, and which folders hold students.

        Parameters
        ----------
        items : iterable of Item
        notebooks : mapping
            Which notebook each of the notebooks is.
        """
        folders: dict[tuple[int, Visible], set[str]] = defaultdict(set)
        records = {}
        below: dict[tuple[int, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        direct = set()
        for item in items:
            path = self._full(item)
            if item.kind == "record" and not item.archives:  # what a student packed is no record of a system
                records[item.source, path[:-1]] = item.record
            for level in range(1, len(path) - 1):
                folders[item.source, path[:level]].add(path[level])
            if item in notebooks:
                plain = self._plain(path)
                if len(plain) > 2:
                    below[item.source, plain[0]][plain[1]].add(notebooks[item])
                elif len(plain) == 2:
                    direct.add((item.source, plain[0]))
        self.around = Surroundings(records, folders, forced=self.layout is not None)
        for key, inner in below.items():
            every = [name for names in inner.values() for name in names]
            # One student has each notebook once: the same one in two folders is that of two students.
            twice = len(every) > len(set(every))
            self._wrappers[key] = key not in direct and (twice or (None if len(inner) > 1 else False))

    def _full(self, item: Item) -> Visible:
        """Return an item's path with its source's name, down to the archive that a student packed, if any."""
        parts = item.parts[: item.archives[0] + 1] if item.archives else item.parts
        return (self.names[item.source], *parts)

    def _plain(self, path: Visible) -> Visible:
        """Return a path below the folders that say nothing of a student."""
        path = path[1:]
        nothing = _AROUND | {name.casefold() for name in assignments(self.course.root)}
        while len(path) > 1 and path[0].casefold() in nothing:
            path = path[1:]
        return path

    def of(self, item: Item) -> Owner:
        """Return the owner of an item."""
        if self.student is not None:
            return Owner(self._claim(item) or Claim(FOLDER, (self.student,), level=1), self.student)
        claim = self._claim(item)
        if claim is None:
            more = HOW if self.roster is None else HOW_LISTED
            return Owner(None, status=FileStatus.NOBODY, more=more)
        if claim.refused:
            return Owner(claim, status=FileStatus.NOBODY, more=claim.refused)
        if self.roster is not None:
            return self._by_roster(item, claim, self.roster)
        made = student_id(claim.names[0])
        if not made:
            return Owner(claim, status=FileStatus.NOBODY, more=f"{claim.names[0]!r} cannot be an id; {HOW}")
        return Owner(claim, made)

    def _by_roster(self, item: Item, claim: Claim, roster: Roster) -> Owner:
        people = roster.who(claim)
        shown = claim.shown or claim.names[0] + (f" ({claim.person})" if claim.person else "")
        if not people:
            return Owner(claim, status=FileStatus.NOBODY, more=f"{shown} fits nobody on the class list")
        if len(people) > 1 or people[0].rivals:
            fits = ", ".join(name for person in people for name in (person.id, *person.rivals))
            return Owner(claim, status=FileStatus.AMBIGUOUS, more=f"{shown} fits {fits} on the class list")
        owner = people[0]
        path = self._full(item)
        for part in (*path[1 : claim.level - 1], *(path[claim.level : -1] if claim.layout == FOLDER else ())):
            other = roster.has(part)
            if other is not None and other is not owner:
                return Owner(claim, status=FileStatus.CONFLICT, more=f"by its path it is {other.id}'s and {owner.id}'s")
        if student_id(owner.id) != owner.id:
            return Owner(claim, status=FileStatus.NOBODY, more=f"the class list's id {owner.id!r} cannot name a folder")
        return Owner(claim, owner.id, owner)

    def _claim(self, item: Item) -> Claim | None:
        self.around.source = item.source
        path = self._full(item)
        if self.pattern is not None:
            return by_pattern(path[1:], self.pattern)
        if self.packed[item.source] and (claim := claim_of(path[:1], self.around, self.layout)):
            return replace(claim, inside="")  # one student's archive, named by itself
        claim = claim_of(path, self.around, self.layout)
        if claim is None and self.layout in (None, FOLDER):
            claim = self._folder_claim(path, item)
        return claim

    def _folder_claim(self, path: Visible, item: Item) -> Claim | None:
        """Return what a folder named for a student says, or what stands before the notebook's name in the file's."""
        plain = self._plain(path)
        start = len(path) - len(plain)
        if not plain:  # a source that is an archive, of which nothing can be read
            return None
        if len(plain) == 1:
            return self._file_claim(plain[0], start, packed=bool(item.archives))
        if self.roster is not None:
            for level, part in enumerate(plain[:-1]):
                if self.roster.who(Claim(FOLDER, (part,))):
                    return Claim(FOLDER, (part,), level=start + level + 1)
            return Claim(FOLDER, (plain[0],), level=start + 1)
        wrapped = self._wrappers.get((item.source, plain[0]), False)
        if wrapped is None:
            reason = (
                f"is {plain[0]} one student, or a folder of students? Give {plain[0]} itself as SOURCE, or a --roster"
            )
            return Claim(FOLDER, (plain[0],), level=start + 1, refused=reason)
        if wrapped and len(plain) > 2:
            return Claim(FOLDER, (plain[1],), level=start + 2)
        return Claim(FOLDER, (plain[0],), level=start + 1)

    def _file_claim(self, name: str, start: int, *, packed: bool) -> Claim | None:
        stem = PurePosixPath(name).stem
        ours = "|".join(re.escape(notebook.name) for notebook in self.course.notebooks)
        if (match := re.search(rf"_(?:{ours})(?![0-9])", stem)) and match.start():
            return Claim(FOLDER, (stem[: match.start()],), level=start + 1)
        known = self.roster is not None and self.roster.who(Claim(FOLDER, (stem,)))
        # An archive of any other name may be an export, or a student's: only the one who downloaded it knows.
        return Claim(FOLDER, (stem,), level=start + 1) if packed and (known or self.layout == FOLDER) else None

    def number_apart(self, owner: Owner) -> Owner:
        """Return the owner with the system's number in the id: two people have this name."""
        assert owner.claim is not None
        number = owner.claim.person.rpartition(":")[2].rpartition(" ")[2]
        return owner if owner.student.endswith(f"-{number}") else replace(owner, student=f"{owner.student}-{number}")
