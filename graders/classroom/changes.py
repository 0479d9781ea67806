"""Compares two states of the gradebook: whose grade has changed, where and why."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graders.gradebook.states import CellState, State
from graders.gradebook.writing import read_result
from graders.lab.manifest import Course
from graders.lab.printing import counted, printable
from graders.status import Status

LONGEST = 120
"""Characters of what a check says that could not be run."""
Summaries = Mapping[str, Mapping[str, Any]]
"""Results of grading one submission: the checks by name, for each exercise."""


@dataclass(frozen=True)
class Snapshot:
    """One student's entries in the gradebook, and the results of the last grading."""

    state: State
    checks: Summaries

    def to_json(self) -> dict[str, Any]:
        """Plain data that :meth:`from_json` reads."""
        return {"state": self.state.to_json(), "checks": self.checks}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Snapshot:
        """The snapshot that :meth:`to_json` has written."""
        return cls(State.from_json(data["state"]), data["checks"])


def checks_of(course: Course, student: str) -> Summaries:
    """Read the results of a student's last grading from the autograded notebooks."""
    folder = course.root / "autograded" / student / course.assignment
    found = {}
    for spec in course.notebooks:
        for exercise in read_result(folder / f"{spec.name}.ipynb").get("exercises", []):
            found[exercise["id"]] = {check["name"]: check for check in exercise["checks"]}
    return found


@dataclass(frozen=True)
class Change:
    """A change of points, or of what waits for a person: one exercise, written answer or penalty of one student.

    Attributes
    ----------
    student, exercise : str
    before, after : float
        Points that count in the gradebook.
    why : str
    """

    student: str
    exercise: str
    before: float
    after: float
    why: str


def changes(course: Course, before: Mapping[str, Snapshot], after: Mapping[str, Snapshot]) -> list[Change]:
    """Compare two states of a class; students in order, then exercises as the gradebook has them, then penalties."""
    changed, names = [], cell_names(course)
    nothing = Snapshot(State({}), {})
    for student in sorted(after):
        old, new = before.get(student, nothing), after[student]
        for cell in dict.fromkeys([*old.state.cells, *new.state.cells]):
            was, now = old.state.cells.get(cell), new.state.cells.get(cell)
            had, has = (0.0 if state is None else state.score for state in (was, now))
            exercise = names.get(cell, cell)
            reason = _why(old.checks.get(exercise), new.checks.get(exercise))
            by_hand, waiting = _by_hand(was, now), _waiting(was, now)
            if had != has or by_hand or waiting:
                why = "; ".join(filter(None, [by_hand, waiting, reason]))
                changed.append(Change(student, exercise, had, has, why))
        if old.state.penalty != new.state.penalty:
            changed.append(Change(student, "late penalty", -old.state.penalty, -new.state.penalty, "points off"))
    return changed


def cell_names(course: Course) -> dict[str, str]:
    """Return the id of the exercise or written answer of each graded cell."""
    names = {exercise.grade_cell: exercise.id for exercise in course.exercises()}
    return names | {item.cell: item.id for spec in course.notebooks for item in spec.written}


def _by_hand(was: CellState | None, now: CellState | None) -> str:
    """Say that points given by hand stay, where the machine's points have changed."""
    if was is None or now is None or now.manual is None or was.auto == now.auto:
        return ""
    machine = ["no points" if auto is None else f"{auto:g}" for auto in (was.auto, now.auto)]
    stay = f"{counted(now.manual, 'point')} given by hand {'stays' if now.manual == 1 else 'stay'}"
    return f"{stay}; the machine says {machine[1]}, it said {machine[0]}"


def _waiting(was: CellState | None, now: CellState | None) -> str:
    """Say that what only a person could decide is decided, or the other way round: the points may be 0 both times."""
    if was is None or now is None or (was.auto is None) == (now.auto is None):
        return ""
    return "waits for a person" if now.auto is None else "waited for a person"


def _why(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    """Say which checks end in another way."""
    reasons = []
    for name in dict.fromkeys([*(was or {}), *(now or {})]):
        old, new = (was or {}).get(name), (now or {}).get(name)
        if old is None or new is None:
            reasons.append(f"{name}: the check is {'new' if old is None else 'gone'}")
        elif old["status"] != new["status"]:
            ends = Status[old["status"]], Status[new["status"]]
            words = " → ".join(end.label for end in ends)
            lines = [line.strip() for line in str(new.get("message") or old.get("message") or "").splitlines()]
            kept = [line for line in lines if line.startswith(("returned:", "expected:"))]
            if ends[1].waits:  # what is said is about the check, and no student's
                kept = [line[:LONGEST] for line in lines[:1]]
            elif ends[0].waits and not new.get("message"):
                kept = []
            when = "" if new.get("message") else "said before: "  # what passes now has nothing to say
            reasons.append(f"{name}: {words}" + (f", {when}{'; '.join(kept)}" if kept else ""))
        elif old["points"] != new["points"]:
            reasons.append(f"{name}: worth {new['points']:g} instead of {old['points']:g}")
    return "; ".join(reasons)


def table(changed: list[Change], before: Mapping[str, Snapshot], after: Mapping[str, Snapshot]) -> str:
    """Return the changes as Markdown: a line per exercise, then per student the grades as the gradebook has them."""
    if not changed:
        return f"No grade changed ({counted(len(after), 'student')}).\n"
    lines = ["| student | exercise | before | after | why |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {plain(c.student)} | {c.exercise} | {c.before:g} | {c.after:g} | {plain(c.why) or 'other points'} |"
        for c in changed
    ]
    lines += ["", "| student | grade before | grade after |", "|---|---:|---:|"]
    touched = 0
    for student in dict.fromkeys(c.student for c in changed):
        had = before[student].state.score if student in before else 0.0
        has = after[student].state.score
        touched += had != has
        lines.append(f"| {plain(student)} | {had:g} | {has:g} |")
    lines += ["", f"Another grade: {touched} of {counted(len(after), 'student')}."]
    return "\n".join(lines) + "\n"


def other_maximum(course: Course, before: Mapping[str, Snapshot], after: Mapping[str, Snapshot]) -> str:
    """Return a paragraph on the assignment's maximum and whose share of it has changed; empty if it is what it was.

    With another maximum the percentages change of those, too, whose points are the same.
    """
    both = [(before[name].state, state.state) for name, state in sorted(after.items()) if name in before]
    changed = [(old, new) for old, new in both if old.maximum != new.maximum]
    if not changed:
        return ""
    names, parts = cell_names(course), dict[str, str]()
    for old, new in changed:
        for cell in dict.fromkeys([*old.cells, *new.cells]):
            was, now = (state.cells[cell].points if cell in state.cells else 0.0 for state in (old, new))
            if was != now:
                parts[names.get(cell, cell)] = f"{names.get(cell, cell)} from {was:g} to {now:g}"
    olds, news = (sorted({state.maximum for state in side}) for side in zip(*changed, strict=True))
    points = sum(old.score != new.score for old, new in both)
    shares = sum(not math.isclose(_share(old), _share(new), abs_tol=1e-9) for old, new in both)
    return (
        f"The maximum has changed from {_listed(olds)} to {_listed(news)} points ({', '.join(parts.values())}). "
        f"Students with other points: {points} of {len(both)}; with another percentage: {shares} of {len(both)}.\n"
    )


def _share(state: State) -> float:
    return state.score / (state.maximum or 1.0)


def _listed(values: list[float]) -> str:
    return " or ".join(f"{value:g}" for value in values)


_MARKUP = re.compile(r"[\\`*_<>|@&]|\](?=[(\[])|:(?=//)|(?<=www)\.")
"""What Markdown does not take for plain text: emphasis, code, tags, links, pictures, addresses, mentions of users."""


def plain(text: str) -> str:
    """Return a text that a table in Markdown, or a terminal, shows as it is."""
    return _MARKUP.sub(r"\\\g<0>", printable(text, 300))
