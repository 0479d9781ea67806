"""Read the bank: for every exercise its key, independent right answers, and wrong ones with their misconceptions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.lab.manifest import Course, NotebookSpec
from graders.lab.percent import BEGIN, END, convert, grade_id
from graders.lab.tables import Table

BLIND = "blind"
"""Folder of the bank with answers by others."""


class BankError(ValueError):
    """An entry of the bank breaks a rule; the text says which and where."""


@dataclass(frozen=True)
class Answer:
    """One answer to one exercise.

    Attributes
    ----------
    exercise : str
    kind : {"key", "right", "wrong", "mutant", "stub"}
    label : str
        Style of a right answer, misconception of a wrong one, the change of a mutant.
    source : str
        Text of the solution cell.
    check : str
        The named check that must catch a wrong answer; otherwise empty.
    blind : str
        Date of the round in which somebody wrote it who had seen the release alone; empty for the course's own.
    """

    exercise: str
    kind: str
    label: str
    source: str
    check: str = ""
    blind: str = ""


@dataclass(frozen=True)
class Solved:
    """The solved notebook, as far as an answer needs it.

    Attributes
    ----------
    spec : NotebookSpec
    setup : str
        The notebook's first code cell: its imports.
    heads, bodies : dict of str to str
        By exercise: the part of the solution cell that students get, and the solution itself.
    """

    spec: NotebookSpec
    setup: str
    heads: dict[str, str]
    bodies: dict[str, str]

    @property
    def keys(self) -> dict[str, str]:
        """Whole solution cells by exercise, without the markers."""
        return {exercise: self.heads[exercise] + self.bodies[exercise] for exercise in self.heads}


def solved(course: Course, spec: NotebookSpec) -> Solved:
    """Read the key of one notebook from its source."""
    cells = [cell for cell in convert(course, spec).cells if cell.cell_type == "code"]
    by_id = {grade_id(cell): cell.source for cell in cells}
    heads, bodies = {}, {}
    for exercise in spec.exercises:
        head, begin, rest = by_id[exercise.solution_cell].partition(BEGIN)
        body, end, _ = rest.partition(END)
        if not begin or not end:
            raise BankError(f"{spec.name}: the cell {exercise.solution_cell} has no {BEGIN} … {END}")
        heads[exercise.id], bodies[exercise.id] = head.rstrip(" "), body.strip("\n").rstrip()
    return Solved(spec, cells[0].source, heads, bodies)


def answers(course: Course, spec: NotebookSpec) -> list[Answer]:
    """Return every answer of the bank to one notebook, the key of each exercise first.

    Raises
    ------
    BankError
        If an entry lacks something or names an unknown exercise or check, or an edit does not fit its key at exactly
        one place.
    """
    key, found = solved(course, spec), list[Answer]()
    for exercise in spec.exercises:
        found.append(Answer(exercise.id, "key", "the course's own", key.keys[exercise.id]))
    found += _planted(key, course.bank / f"{spec.name}.toml")
    if (blind := course.bank / BLIND / f"{spec.name}.toml").is_file():
        found += _planted(key, blind)
    order = [exercise.id for exercise in spec.exercises]
    return sorted(found, key=lambda answer: order.index(answer.exercise))


def _planted(key: Solved, path: Path) -> Iterator[Answer]:
    """Yield the answers of one file of the bank."""
    checks = {exercise.id: {check.name for check in exercise.checks} for exercise in key.spec.exercises}
    entries = [(entry.text("id"), entry) for entry in _entries(path, "exercise")]
    if unknown := {exercise for exercise, _ in entries} - set(checks):
        raise BankError(f"{path.name}: no exercise {', '.join(sorted(unknown))} in the manifest")
    for exercise, entry in entries:
        entry.where = f"exercise {exercise} in {path.name}"
        for right in entry.tables("right"):
            source, blind = right.text("code").strip("\n"), str(right.data.get("blind", ""))
            yield Answer(exercise, "right", right.text("style"), source, blind=blind)
        known = checks[exercise]
        for wrong in entry.tables("wrong"):
            label, check = wrong.text("misconception"), wrong.text("check")
            where = f"{path.name}: exercise {exercise}, {label!r}"
            if check not in known:
                raise BankError(f"{where} names check {check!r}; the manifest has {', '.join(sorted(known))}")
            source, blind = _edited(key, exercise, wrong.data, where), str(wrong.data.get("blind", ""))
            yield Answer(exercise, "wrong", label, source, check, blind)


def _entries(path: Path, name: str) -> list[Table]:
    """Read the tables called `name` of a file of the bank."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BankError(f"{path.name} is not TOML: {error}") from error
    if not (found := Table(data, path.name, BankError).tables(name)):
        raise BankError(f"{path.name} must have at least one [[{name}]]")
    return found


def idle_checks(course: Course, spec: NotebookSpec) -> dict[str, list[str]]:
    """Tell by exercise of the checks that no answer of the bank must fail: nobody knows whether they catch anything."""
    named = {(answer.exercise, answer.check) for answer in answers(course, spec)}
    file = (course.bank / f"{spec.name}.toml").relative_to(course.root).as_posix()
    told = "no answer of the bank must be caught by it; plant one with"
    return {
        exercise.id: [
            f"* {exercise.id} check *{check.name}*: {told} check = \"{check.name}\" in {file}"
            for check in exercise.checks
            if (exercise.id, check.name) not in named
        ]
        for exercise in spec.exercises
    }


def reasons(course: Course) -> dict[str, str]:
    """Return why each key is right, by exercise."""
    return tomllib.loads((course.bank / "reasons.toml").read_text(encoding="utf-8"))


def equivalents(course: Course) -> dict[tuple[str, str], str]:
    """Return the mutants that were judged, in writing, to be right answers: (exercise, label) → reason."""
    path = course.bank / "equivalent.toml"
    if not path.is_file():
        return {}
    entries = _entries(path, "equivalent")
    return {(entry.text("exercise"), entry.text("mutant")): entry.text("reason") for entry in entries}


def _edited(key: Solved, exercise: str, wrong: dict[str, Any], where: str) -> str:
    if "code" in wrong:
        return str(wrong["code"]).strip("\n")
    match wrong.get("edit"):
        case [str(old), str(new)]:
            pass
        case other:
            needed = "must have `code`, or `edit` with an old and a new text of the key"
            raise BankError(f"{where} {needed}, got {other!r:.60}")
    body = key.bodies[exercise]
    if body.count(old) != 1:
        raise BankError(f"{where}: {old!r} is {body.count(old)} times in the key, must be once")
    return key.heads[exercise] + body.replace(old, new)
