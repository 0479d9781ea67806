"""From a file that claims to be a submission to a notebook that can be graded, with notes on what had to be mended."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from graders.grading.reading import MAX_FILE, Unreadable, plain_cells, read
from graders.grading.skipping import as_given
from graders.lab.filenames import assignment_of
from graders.lab.manifest import Course, Exercise, NotebookSpec
from graders.lab.percent import KERNEL, grade_id, shared_template, template
from graders.sandbox.outputs import Shown, handed_in
from graders.sandbox.sources import Unparsable
from graders.sandbox.sources import parse as parse_python
from graders.status import Status

MAX_READ = 2**20
"""Characters of a notebook's code that are parsed; what is beyond is searched for its functions as plain text."""


@dataclass
class Repaired:
    """A notebook fit for grading.

    Attributes
    ----------
    notebook : NotebookNode
        The student's cells; locked cells as released; every cell that nbgrader needs.
    status : Status
        OK, or why there is nothing of the student's in it.
    notes : list of str
        For the student: what was mended.
    missing : frozenset of str
        grade_ids of solution cells that are not there.
    """

    notebook: NotebookNode
    status: Status = Status.OK
    notes: list[str] = field(default_factory=list)
    missing: frozenset[str] = frozenset()


def repair(raw: bytes, course: Course, spec: NotebookSpec) -> Repaired:
    """Make a submission gradable; a file that is no notebook becomes the untouched release with a status."""
    try:
        data = read(raw)
        cells = plain_cells(data)
    except Unreadable as error:
        return untouched(course, spec, Status.UNREADABLE, str(error))
    if (other := assignment_of(data)) not in ("", course.assignment):
        return untouched(course, spec, Status.FOREIGN, f"it is a notebook of {other[:80]}, not of {course.assignment}")
    return _Mender(cells, shared_template(course, spec), spec).mend()


def untouched(course: Course, spec: NotebookSpec, status: Status, why: str) -> Repaired:
    """Return the release as it is, where there is nothing of the student's."""
    released = template(course, spec)
    return Repaired(released, status, [why], frozenset(_solutions(released)))


def repair_file(path: Path, course: Course, spec: NotebookSpec) -> Repaired:
    """Read and :func:`repair` a file; a missing one is the untouched release with a status."""
    try:
        if path.stat().st_size > MAX_FILE:
            return repair(b" " * (MAX_FILE + 1), course, spec)
        return repair(path.read_bytes(), course, spec)
    except OSError as error:
        return untouched(course, spec, Status.MISSING, f"{path.name}: {error.strerror}")


def _solutions(notebook: NotebookNode) -> list[str]:
    return [grade_id(cell) for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]


class Definitions:
    """What the code cells of one notebook define; each cell is read once, and all of them only so far."""

    def __init__(self) -> None:
        self._left = MAX_READ
        self._known: dict[str, frozenset[str] | None] = {}

    def has(self, source: str, name: str) -> bool:
        """Whether a code cell defines a function or class `name` at its top level; magics are looked past."""
        if source not in self._known:
            self._known[source] = self._read(source)
        found = self._known[source]
        if found is None:
            return f"def {name}(" in source or f"class {name}(" in source
        return name in found

    def _read(self, source: str) -> frozenset[str] | None:
        if len(source) > self._left:
            return None
        self._left -= len(source)
        lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
        try:
            tree = parse_python("\n".join(lines))
        except Unparsable:
            return None
        return frozenset(node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))


class _Mender:
    """Matches the student's cells with the released ones."""

    def __init__(self, cells: list[dict[str, Any]], released: NotebookNode, spec: NotebookSpec) -> None:
        self.cells, self.spec, self.given = cells, spec, as_given(released)
        self.defined, self.shown = Definitions(), Shown()
        self.released = {grade_id(cell): cell for cell in released.cells if grade_id(cell)}
        self.exercises = {exercise.solution_cell: exercise for exercise in spec.exercises}
        self.notes: list[str] = []
        self.place: dict[str, int] = {}

    def mend(self) -> Repaired:
        for name, cell in self.released.items():
            index = self._find(name, cell)
            if index is not None:
                self.place[name] = index
        owner = {index: name for name, index in self.place.items()}
        made: list[NotebookNode] = []
        for index, plain in enumerate(self.cells):
            cell = self._official(owner[index], plain["source"]) if index in owner else self._own(plain)
            if cell.cell_type == "markdown" and plain["pictures"] and cell.source == plain["source"]:
                cell.attachments = nbformat.from_dict(plain["pictures"])
            if cell.cell_type == "code" and cell.source == plain["source"] and cell.source.strip() in self.given:
                outputs = self.shown.outputs(index, handed_in(plain["outputs"]))
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
            made.append(cell)
        missing = self._insert_missing(made)
        for number, cell in enumerate(made):
            cell["id"] = f"c{number}"
        metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
        notebook = nbformat.from_dict({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
        return Repaired(notebook, Status.OK, self.notes, frozenset(missing))

    def _find(self, name: str, cell: NotebookNode) -> int | None:
        """Index of the student's cell that is the released cell `name`."""
        taken = set(self.place.values())
        hits = [k for k, plain in enumerate(self.cells) if plain["grade_id"] == name and k not in taken]
        exercise = self.exercises.get(name)
        if exercise is None:  # a solution under the name of a cell that is none would be written over
            given = cell.source.strip()
            hits = [k for k in hits if self.cells[k]["source"].strip() == given or not self._solves(self.cells[k])]
        if len(hits) > 1 and cell.metadata.nbgrader.get("solution"):
            self.notes.append(
                f"The cell {name} is there {len(hits)} times; the one that counts is the first with your own work."
            )
            changed = [k for k in hits if self.cells[k]["source"].strip() not in ("", cell.source.strip())]
            if exercise is not None:
                changed = [
                    k for k in changed if self.defined.has(self.cells[k]["source"], exercise.function)
                ] or changed
            return (changed or hits)[0]
        if hits:
            return hits[0]
        return self._lost(exercise, taken) if exercise is not None else None

    def _lost(self, exercise: Exercise, taken: Iterable[int]) -> int | None:
        """A cell without the right name that does the work."""
        for k, plain in enumerate(self.cells):
            free = k not in taken and plain["grade_id"] not in self.exercises
            if free and plain["cell_type"] == "code" and self.defined.has(plain["source"], exercise.function):
                what = f"Your cell for exercise {exercise.id} had lost its name"
                self.notes.append(f"{what}; it was found by its function {exercise.function}.")
                return k
        return None

    def _solves(self, plain: dict[str, Any]) -> bool:
        """Whether a cell does the work of an exercise."""
        code = plain["cell_type"] == "code"
        return code and any(
            self.defined.has(plain["source"], exercise.function) for exercise in self.exercises.values()
        )

    def _official(self, name: str, source: str) -> NotebookNode:
        cell = copy.deepcopy(self.released[name])
        if cell.metadata.nbgrader.get("solution"):
            cell.source = source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        return cell

    def _own(self, plain: dict[str, Any]) -> NotebookNode:
        extra: dict[str, Any] = {"outputs": [], "execution_count": None} if plain["cell_type"] == "code" else {}
        return nbformat.from_dict({"cell_type": plain["cell_type"], "metadata": {}, "source": plain["source"], **extra})

    def _elsewhere(self, name: str, made: Iterable[NotebookNode]) -> bool:
        """Whether a missing cell's work is done by another cell; the stub in its place must not undo that."""
        exercise = self.exercises.get(name)
        return exercise is not None and any(
            cell.cell_type == "code" and self.defined.has(cell.source, exercise.function) for cell in made
        )

    def _insert_missing(self, made: list[NotebookNode]) -> list[str]:
        """Add what nbgrader needs; return the solution cells that are not there."""
        missing, before = [], ""
        for name, cell in self.released.items():
            if name not in self.place:
                at = next((k + 1 for k, other in enumerate(made) if before and grade_id(other) == before), len(made))
                if cell.metadata.nbgrader.get("solution"):
                    missing.append(name)
                    self.notes.append(
                        f"The cell {name} is missing from your notebook; the empty one was put in its place."
                    )
                made.insert(at, self._official(name, "" if self._elsewhere(name, made) else cell.source))
            before = name
        return missing
