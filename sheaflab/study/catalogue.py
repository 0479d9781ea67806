"""What there is to do: notebooks, exercises, hints. An extract of the course's manifest, the part that is no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from sheaflab.checks import labs
from sheaflab.checks.messages import MessageOnly

EXTRACT = "catalogue.json"
"""File beside a lab's visible checks, in an installed package."""


class StudyError(MessageOnly, ValueError):
    """Something the reader can mend; the text says how."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    id, title : str
    function : str
        Name of the function or class to write; empty for a written answer.
    minutes : int
    requires : tuple of str
        Exercises that come before it.
    hints : tuple of str
        From a nudge to nearly there.
    checks : tuple of (str, str)
        Name and title of each check on fresh problems.
    stub : str
        The cell before anything is written.
    notebook : str
        Name of its notebook.
    """

    id: str
    title: str
    function: str
    minutes: int
    requires: tuple[str, ...]
    hints: tuple[str, ...]
    checks: tuple[tuple[str, str], ...]
    stub: str
    notebook: str

    @property
    def cell(self) -> str:
        """The grade_id of the cell to fill in."""
        return f"{'ex' if self.function else 'written'}-{self.id.replace('.', '-')}"


@dataclass(frozen=True)
class Notebook:
    """One notebook: its name is its file's without ``.ipynb``."""

    name: str
    title: str
    minutes: int
    exercises: tuple[Exercise, ...]
    written: tuple[Exercise, ...]


@dataclass(frozen=True)
class Catalogue:
    """The course."""

    name: str
    title: str
    notebooks: tuple[Notebook, ...]

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """All exercises to program, in order."""
        return tuple(exercise for notebook in self.notebooks for exercise in notebook.exercises)

    def find(self, exercise: str | float) -> Exercise:
        """Return the exercise with this id; the number 1.2 is taken for ``"1.2"``.

        Raises
        ------
        StudyError
            If there is none.
        """
        if isinstance(exercise, bool) or not isinstance(exercise, (str, float, int)):
            kind = type(exercise).__name__
            raise StudyError(f"`exercise` must be the id of an exercise in quotes, such as '1.2', got a {kind}")
        exercise = str(exercise)
        known = [*self.exercises, *(written for notebook in self.notebooks for written in notebook.written)]
        for candidate in known:
            if candidate.id.lower() == exercise.strip().lower():
                return candidate
        same = [e.id for e in known if e.id.partition(".")[0] == exercise.strip().partition(".")[0]]
        remedy = f"this notebook has {', '.join(same)}" if same else "`sheaflab list` shows them all"
        raise StudyError(f"there is no exercise {exercise!r}; {remedy}")

    def task(self, exercise: str | float) -> Exercise:
        """Return the exercise with this id; a written answer is refused.

        Raises
        ------
        StudyError
            If there is none, or it is a written answer.
        """
        found = self.find(exercise)
        if not found.function:
            raise StudyError(f"{found.id} is a written answer: no machine reads it, and it has no hints")
        return found


def parse(data: dict[str, Any]) -> Catalogue:
    """Make a catalogue of JSON data as :func:`sheaflab.study.extract.extract` makes it."""
    notebooks = []
    for entry in data["notebooks"]:
        exercises = tuple(_exercise(item, entry["name"]) for item in entry["exercises"])
        written = tuple(_exercise({"function": "", **item}, entry["name"]) for item in entry["written"])
        notebooks.append(Notebook(entry["name"], entry["title"], entry["minutes"], exercises, written))
    return Catalogue(data["name"], data["title"], tuple(notebooks))


def _exercise(item: dict[str, Any], notebook: str) -> Exercise:
    return Exercise(
        item["id"],
        item["title"],
        item["function"],
        item.get("minutes", 0),
        tuple(item.get("requires", ())),
        tuple(item.get("hints", ())),
        tuple((check["name"], check["title"]) for check in item.get("checks", ())),
        item.get("stub", ""),
        notebook,
    )


@cache
def read(lab: str) -> Catalogue:
    """Return the catalogue of a lab.

    In an installed package it lies beside the lab's visible checks. A checkout has the course that it is made from.

    Raises
    ------
    StudyError
        If there is neither.
    """
    visible = Path(import_module(f"sheaflab.checks.{lab}").__path__[0])
    course = visible.parents[1]
    if (manifest := course / "exercises.toml").is_file():
        from sheaflab.study.extract import extract  # in no wheel

        return parse(extract(manifest, course / "source" / lab, lab))
    if (packed := visible / EXTRACT).is_file():
        return parse(json.loads(packed.read_text(encoding="utf-8")))
    raise StudyError(
        f"{packed} is missing: the checks of {lab} are here, its exercises are not; install sheaflab again"
    )


def catalogue() -> Catalogue:
    """Return the catalogue that ships with the library."""
    return read(labs()[0])
