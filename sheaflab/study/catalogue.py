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

GROUP = "sheaflab.edition"
"""Entry points by which a self-study edition is found; each has the name of its lab."""
EXTRACT = "catalogue.json"
"""File beside a lab's visible checks, in an installed package."""


class StudyError(MessageOnly, ValueError):
    """Something the reader can mend; the text says how."""


@dataclass(frozen=True)
class Task:
    """What students and staff alike know of an exercise.

    The catalogue adds what a student works with (:class:`StudyTask`), the staff's manifest the checks and their points.

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
    """

    id: str
    title: str
    function: str
    minutes: int
    requires: tuple[str, ...]
    hints: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The id as it stands in cell names: ``1-1``."""
        return self.id.replace(".", "-")

    @property
    def solution_cell(self) -> str:
        """grade_id of the cell that the student fills in."""
        return f"{'ex' if self.function else 'written'}-{self.slug}"


@dataclass(frozen=True)
class StudyTask(Task):
    """An exercise as a student without staff works on it: with its stub, and without points.

    Attributes
    ----------
    checks : tuple of (str, str)
        Name and title of each check on fresh problems.
    stub : str
        The cell before anything is written.
    notebook : str
        Name of its notebook.
    lab : str
        Name of its lab.
    """

    checks: tuple[tuple[str, str], ...]
    stub: str
    notebook: str
    lab: str


@dataclass(frozen=True)
class Notebook:
    """One notebook: its name is its file's without ``.ipynb``."""

    name: str
    title: str
    minutes: int
    exercises: tuple[StudyTask, ...]
    written: tuple[StudyTask, ...]


@dataclass(frozen=True)
class Catalogue:
    """A lab."""

    name: str
    title: str
    notebooks: tuple[Notebook, ...]

    @property
    def exercises(self) -> tuple[StudyTask, ...]:
        """All exercises to program, in order."""
        return tuple(exercise for notebook in self.notebooks for exercise in notebook.exercises)

    def find(self, exercise: str | float) -> StudyTask:
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

    def task(self, exercise: str | float) -> StudyTask:
        """Return the exercise with this id; a written answer is refused.

        Raises
        ------
        StudyError
            If there is none, or it is a written answer.
        """
        found = self.find(exercise)
        if not found.function:
            raise StudyError(
                f"{found.id} is a written answer, which no program reads: it has no check, no hint and no reset (to "
                "begin anew, empty its cell). A person reads it; in the self-study edition that is you, and "
                f"`sheaflab solution {found.id}` shows what a good answer has"
            )
        return found


def parse(data: dict[str, Any]) -> Catalogue:
    """Make a catalogue of JSON data as :func:`sheaflab.study.extract.extract` makes it."""
    notebooks = []
    for entry in data["notebooks"]:
        exercises = tuple(_exercise(item, entry["name"], data["name"]) for item in entry["exercises"])
        written = tuple(_exercise({"function": "", **item}, entry["name"], data["name"]) for item in entry["written"])
        notebooks.append(Notebook(entry["name"], entry["title"], entry["minutes"], exercises, written))
    return Catalogue(data["name"], data["title"], tuple(notebooks))


def _exercise(item: dict[str, Any], notebook: str, lab: str) -> StudyTask:
    return StudyTask(
        item["id"],
        item["title"],
        item["function"],
        item.get("minutes", 0),
        tuple(item.get("requires", ())),
        tuple(item.get("hints", ())),
        tuple((check["name"], check["title"]) for check in item.get("checks", ())),
        item.get("stub", ""),
        notebook,
        lab,
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
    if (source := visible.parents[1] / "source" / lab).is_dir():
        from sheaflab.study.extract import extract  # in no wheel

        return parse(extract(source))
    if (packed := visible / EXTRACT).is_file():
        return parse(json.loads(packed.read_text(encoding="utf-8")))
    raise StudyError(
        f"{packed} is missing: the checks of {lab} are here, its exercises are not; install sheaflab again"
    )


def catalogue() -> Catalogue:
    """Return the catalogue of the reader's lab.

    That is the only one there is, or the one whose notebooks lie in the current folder or in the nearest one above it,
    or that of the self-study edition.

    Raises
    ------
    StudyError
        If there is none, or there are several and nothing tells which.
    """
    names = labs()
    if not names:
        raise StudyError("this sheaflab has no lab in it; install the one that came with your notebooks")
    return read(names[0] if len(names) == 1 else _reader_s(names))


def _reader_s(names: tuple[str, ...]) -> str:
    here = Path.cwd()
    for folder in (here, *here.parents):
        found = [name for name in names if any(n for n in read(name).notebooks if [*folder.glob(f"{n.name}*.ipynb")])]
        if len(found) > 1:
            told = " and ".join(found)
            raise StudyError(f"{folder} has notebooks of {told}; put those of each lab into a folder of its own")
        if found:
            return found[0]
    from importlib.metadata import entry_points  # its parts cost more than the rest of the import

    installed = [point.name for point in entry_points(group=GROUP) if point.name in names]
    if len(installed) == 1:
        return installed[0]
    raise StudyError(f"there are the labs {', '.join(names)}; run the command in the folder with the notebooks of one")
