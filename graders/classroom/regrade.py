"""Grades a class again after checks or points have changed, and lists whose grade changed, where and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graders.classroom import session
from graders.classroom.batch import require_known, students
from graders.classroom.changes import Snapshot, changes, checks_of, other_maximum, table
from graders.classroom.pool import executor
from graders.gradebook import nbgrader_api
from graders.gradebook.marker import fingerprint
from graders.gradebook.settings import Settings
from graders.gradebook.states import read_states
from graders.grading.canary import best_isolation
from graders.lab.manifest import Course


def snapshots(course: Course, settings: Settings, chosen: Iterable[str]) -> dict[str, Snapshot]:
    """Return the snapshots of those of `chosen` who are in the gradebook."""
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root, settings.config) as book:
        states = read_states(book, course.assignment)
    return {name: Snapshot(states[name], checks_of(course, name)) for name in chosen if name in states}


@dataclass
class Journal:
    """A file with the state before a regrade and the students who are done. A stopped regrade goes on from it.

    Attributes
    ----------
    path : Path
    before : dict of str to Snapshot
        As it was when the regrade was first begun.
    done : set of str
        Students graded since then with the present course, at whom no person must look.
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
            Fingerprint of the course; students graded with another one are graded again.
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

    def begin(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Write the snapshots of students who have none in the journal."""
        new = {name: snapshot for name, snapshot in snapshots.items() if name not in self.before}
        self._append([{"student": name, "before": snapshot.to_json()} for name, snapshot in new.items()])
        self.before |= new

    def finish(self, student: str, mark: str) -> None:
        """Note that a student is done."""
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
        Students who have handed in and are not in the gradebook.
    left : list of str
        Students who are still to be graded, because the run was stopped.
    undecided : dict of str to str
        Students whose work no machine could grade, and why.
    problems : list of str
        See :class:`graders.classroom.session.RunSummary`.
    """

    table: str
    skipped: list[str]
    left: list[str]
    undecided: dict[str, str]
    problems: list[str]
    journal: Path

    def close(self) -> None:
        """Delete the journal if nobody is left. Call it when the table is printed or saved."""
        if not self.left:
            self.journal.unlink(missing_ok=True)


def regrade(
    course: Course,
    *,
    workers: int = 1,
    chosen: list[str] | None = None,
    settings: Settings | None = None,
    before: Mapping[str, Snapshot] | None = None,
) -> Regrade:
    """Grade all submissions of students in the gradebook again; points given by hand stay.

    A stopped run lists what has changed so far. The next one goes on from there, and lists all that has changed since
    the first one began.

    Parameters
    ----------
    course : Course
    workers : int, optional
        Processes.
    chosen : list of str, optional
        Only these students.
    settings : Settings, optional
        By default the course's.
    before : mapping of str to Snapshot, optional
        What the gradebook held before the release was built anew, which may have changed the points that can be had; by
        default what it holds now.

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
    journal.begin(now if before is None else {name: before.get(name, found) for name, found in now.items()})
    left = [name for name in now if name not in journal.done]
    level = best_isolation(settings.required, settings.limits)
    undecided, problems = dict[str, str](), list[str]()
    try:
        with executor(workers, None) as pool:
            done = session.grade_class(
                course, left, pool, settings, level, since_change=False, window=2 * workers,
                settled=lambda name: journal.finish(name, mark),
            )  # fmt: skip
            undecided, problems = done.undecided, done.problems
    except KeyboardInterrupt:
        pass
    after = snapshots(course, settings, now.keys() | journal.before.keys())
    left = [name for name in now if name not in journal.done and name not in undecided]
    maximum = other_maximum(course, journal.before, after)
    text = f"{maximum}\n" * bool(maximum) + table(changes(course, journal.before, after), journal.before, after)
    return Regrade(text, [name for name in names if name not in now], left, undecided, problems, journal.path)
