"""Grade again after a check has changed, and tell whose grade changed, where and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graders.classroom import session
from graders.classroom.batch import students
from graders.classroom.intake.names import printable
from graders.classroom.pool import executor
from graders.gradebook.settings import Settings
from graders.gradebook.writing import read_result
from graders.grading.canary import best_isolation
from graders.lab.manifest import Course

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Summaries by student and notebook, as they stand in the autograded notebooks."""


class Regraded(NamedTuple):
    """What grading again has come to: the table, and students whom a person must look at, with reasons."""

    table: str
    undecided: dict[str, str]


@dataclass(frozen=True)
class Change:
    """One check of one student whose points are not what they were.

    Attributes
    ----------
    student, exercise, check : str
    before, after : float
        Points.
    why : str
        Status before and after, or that the check is new, gone or worth something else; then the check's message.
    """

    student: str
    exercise: str
    check: str
    before: float
    after: float
    why: str


def results(course: Course, chosen: Iterable[str]) -> Results:
    """Read what the last grading of some students has found."""
    root = course.root / "autograded"
    return {
        student: {
            spec.name: read_result(root / student / course.assignment / f"{spec.name}.ipynb")
            for spec in course.notebooks
        }
        for student in chosen
    }


def changes(before: Results, after: Results) -> list[Change]:
    """Compare two gradings, check by check; students in order, then exercises and checks as they stand."""
    found = []
    for student in sorted(after):
        old, new = _checks(before.get(student, {})), _checks(after[student])
        for exercise, name in dict.fromkeys([*old, *new]):
            was, now = old.get((exercise, name)), new.get((exercise, name))
            earned, earns = (float(check["earned"]) if check else 0.0 for check in (was, now))
            if earned != earns:
                found.append(Change(student, exercise, name, earned, earns, _why(was, now)))
    return found


def _checks(notebooks: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {
        (exercise["id"], check["name"]): check
        for notebook in notebooks.values()
        for exercise in notebook.get("exercises", [])
        for check in exercise["checks"]
    }


def _why(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    if was is None or now is None:
        return "the check is new" if was is None else "the check is gone"
    if was["status"] == now["status"]:
        return f"worth {now['points']:g} instead of {was['points']:g}"
    words = f"{was['status']} → {now['status']}".lower().replace("_", " ")
    lines = [line.strip() for line in str(now.get("message") or was.get("message") or "").splitlines() if line.strip()]
    told = "; ".join(line for line in lines if line.startswith(("returned:", "expected:")))
    return f"{words}: {told}" if told else words


def table(found: list[Change], before: Results, after: Results) -> str:
    """Return the changes as Markdown: a line a check, then a line a student with the sums."""
    if not found:
        return f"No grade changed ({len(after)} students).\n"
    lines = ["| student | exercise | check | before | after | why |", "|---|---|---|---:|---:|---|"]
    lines += [
        f"| {_cell(c.student)} | {c.exercise} | {c.check} | {c.before:g} | {c.after:g} | {_cell(c.why)} |"
        for c in found
    ]
    lines += ["", "| student | before | after |", "|---|---:|---:|"]
    for student in dict.fromkeys(c.student for c in found):
        sums = [sum(float(check["earned"]) for check in _checks(r.get(student, {})).values()) for r in (before, after)]
        lines.append(f"| {_cell(student)} | {sums[0]:g} | {sums[1]:g} |")
    touched = len({c.student for c in found})
    lines += ["", f"{touched} of {len(after)} students have another grade."]
    return "\n".join(lines) + "\n"


_MARKUP = re.compile(r"[\\`*_<>|@&]|\](?=[(\[])|:(?=//)|(?<=www)\.")
"""What Markdown takes for more than text: emphasis, code, tags, links, pictures, addresses, names to be told of it."""


def _cell(text: str) -> str:
    """Return a text that a table in Markdown, or a terminal, shows as it is."""
    return _MARKUP.sub(r"\\\g<0>", printable(text, 300))


def regrade(
    course: Course, *, workers: int = 1, chosen: list[str] | None = None, settings: Settings | None = None
) -> Regraded:
    """Grade all submissions again; hand-given points stay.

    Parameters
    ----------
    course : Course
    workers : int, optional
        Processes.
    chosen : list of str, optional
        Only these students.
    settings : Settings, optional
        By default the course's.
    """
    settings = Settings.load(course.root) if settings is None else settings
    names = [name for name in students(course) if name not in settings.excluded] if chosen is None else chosen
    before = results(course, names)
    level = best_isolation(settings.required, settings.limits)
    with executor(workers, None) as pool:
        done = session.grade_class(course, names, pool, settings, level, since_change=False, window=2 * workers)
    after = results(course, names)
    return Regraded(table(changes(before, after), before, after), done.undecided)
