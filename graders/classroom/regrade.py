"""Grade again after checks or points have changed, and tell whose grade changed, where and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graders.classroom import session
from graders.classroom.batch import require_known, students
from graders.classroom.changes import Snapshot, changes, checks_of, table
from graders.classroom.pool import executor
from graders.gradebook import nbgrader_api
from graders.gradebook.marker import fingerprint
from graders.gradebook.settings import Settings
from graders.gradebook.states import read_states
from graders.grading.canary import best_isolation
from graders.lab.manifest import Course


def snapshots(course: Course, settings: Settings, chosen: Iterable[str]) -> dict[str, Snapshot]:
    """Read where some students stand; who is not in the gradebook is left out."""
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root, settings.config) as book:
        states = read_states(book, course.assignment)
    return {name: Snapshot(states[name], checks_of(course, name)) for name in chosen if name in states}


@dataclass
class Journal:
    """The state before a regrade and who is done, in a file: what was stopped at any point goes on with both.

    Attributes
    ----------
    path : Path
    before : dict of str to Snapshot
        As it was when the regrade was first begun.
    done : set of str
        Students graded since, with the present course, and at whom nobody must look.
    """

    path: Path
    before: dict[str, Snapshot] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, course: Course, mark: str) -> Journal:
        """Read the journal of a regrade that has not ended, or begin one.

        Parameters
        ----------
        course : Course
        mark : str
            Fingerprint of the course; who was graded with another is to be graded again.
        """
        journal = cls(course.root / f".regrade-{course.assignment}.jsonl")
        if journal.path.is_file():
            for line in journal.path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:  # the line that was being written when the machine stopped
                    continue
                if "before" in entry:
                    journal.before[entry["student"]] = Snapshot.from_json(entry["before"])
                elif entry["done"] == mark:
                    journal.done.add(entry["student"])
        return journal

    def begin(self, found: Mapping[str, Snapshot]) -> None:
        """Write down where students stand of whom nothing is written yet."""
        new = {name: snapshot for name, snapshot in found.items() if name not in self.before}
        self._append([{"student": name, "before": snapshot.to_json()} for name, snapshot in new.items()])
        self.before |= new

    def finish(self, student: str, mark: str) -> None:
        """Write down that a student is done."""
        self._append([{"student": student, "done": mark}])
        self.done.add(student)

    def _append(self, entries: list[dict[str, object]]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(entry)}\n" for entry in entries)


@dataclass(frozen=True)
class Regrade:
    """What a regrade has done.

    Attributes
    ----------
    table : str
        Markdown.
    skipped : list of str
        Who has handed in and is not in the gradebook.
    left : list of str
        Who is still to be graded, because the run was stopped.
    undecided : dict of str to str
        Students whose work no machine could grade, and why.
    """

    table: str
    skipped: list[str]
    left: list[str]
    undecided: dict[str, str]
    journal: Path

    def close(self) -> None:
        """Forget the state before, once the table is where it is to be and nobody is left."""
        if not self.left:
            self.journal.unlink(missing_ok=True)


def regrade(
    course: Course, *, workers: int = 1, chosen: list[str] | None = None, settings: Settings | None = None
) -> Regrade:
    """Grade all submissions of students in the gradebook again; points given by hand stay.

    A run that is stopped says what has changed so far. The next one goes on where it was, and says all that has changed
    since the first was begun.

    Parameters
    ----------
    course : Course
    workers : int, optional
        Processes.
    chosen : list of str, optional
        Only these students.
    settings : Settings, optional
        By default the course's.

    Raises
    ------
    ValueError
        If one of `chosen` has handed in nothing.
    """
    settings = Settings.load(course.root) if settings is None else settings
    handed_in = [name for name in students(course) if name not in settings.excluded]
    require_known(chosen or [], students(course), course)
    names = handed_in if chosen is None else chosen
    now = snapshots(course, settings, names)
    mark = fingerprint(course)
    journal = Journal.open(course, mark)
    journal.begin(now)
    left = [name for name in now if name not in journal.done]
    level = best_isolation(settings.required, settings.limits)
    undecided: dict[str, str] = {}
    try:
        with executor(workers, None) as pool:
            done = session.grade_class(
                course, left, pool, settings, level, since_change=False, window=2 * workers,
                settled=lambda name: journal.finish(name, mark),
            )  # fmt: skip
            undecided = done.undecided
    except KeyboardInterrupt:
        pass
    after = snapshots(course, settings, now.keys() | journal.before.keys())
    left = [name for name in now if name not in journal.done and name not in undecided]
    text = table(changes(course, journal.before, after), journal.before, after)
    return Regrade(text, [name for name in names if name not in now], left, undecided, journal.path)
