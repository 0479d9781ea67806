"""From a file that claims to be a submission to a notebook that can be graded, with notes on what had to be mended."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode

from graders.grading.definitions import Definitions
from graders.grading.fences import code_in, unfenced
from graders.grading.pictures import arranged
from graders.grading.reading import CUT, Unreadable, plain_cells, read
from graders.grading.skipping import as_given
from graders.grading.written import LONG, between, is_prose, joined, split_additions
from graders.lab.filenames import assignment_of
from graders.lab.manifest import Course, Exercise, NotebookSpec
from graders.lab.percent import KERNEL, grade_id, shared_template, template
from graders.sandbox.outputs import Shown, handed_in
from graders.status import Status


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
    unread : str
        Digest of a file that could not be read.
    in_texts : mapping of str to str
        Digest of the texts in which an exercise may be solved whose own cell is empty, by the grade_id of that.
    """

    notebook: NotebookNode
    status: Status = Status.OK
    notes: list[str] = field(default_factory=list)
    missing: frozenset[str] = frozenset()
    unread: str = ""
    in_texts: Mapping[str, str] = field(default_factory=dict)


def repair(raw: bytes, course: Course, spec: NotebookSpec, files: Mapping[str, bytes] | None = None) -> Repaired:
    """Make a submission gradable; a file that is no notebook becomes the untouched release with a status.

    Parameters
    ----------
    raw : bytes
    course : Course
    spec : NotebookSpec
    files : mapping of str to bytes, optional
        What lies beside the notebook, by path.
    """
    notes: list[str] = []
    try:
        data = read(raw, notes)
        cells = plain_cells(data)
    except Unreadable as error:
        mended = untouched(course, spec, Status.UNREADABLE, str(error))
        mended.unread = hashlib.sha256(raw).hexdigest()
        return mended
    if (other := assignment_of(data)) not in ("", course.assignment):
        return untouched(course, spec, Status.FOREIGN, f"it is a notebook of {other[:80]}, not of {course.assignment}")
    return _Mender(cells, shared_template(course, spec), spec, files or {}, notes).mend()


def untouched(course: Course, spec: NotebookSpec, status: Status, why: str) -> Repaired:
    """Return the release as it is, where there is nothing of the student's."""
    released = template(course, spec)
    return Repaired(released, status, [why], frozenset(_solutions(released)))


def _solutions(notebook: NotebookNode) -> list[str]:
    return [grade_id(cell) for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]


class _Mender:
    """Matches the student's cells with the released ones."""

    def __init__(
        self,
        cells: list[dict[str, Any]],
        released: NotebookNode,
        spec: NotebookSpec,
        files: Mapping[str, bytes],
        notes: list[str],
    ) -> None:
        self.spec, self.files, self.notes, self.given = spec, files, notes, as_given(released)
        self.defined, self.shown = Definitions(), Shown()
        self.released = {grade_id(cell): cell for cell in released.cells if grade_id(cell)}
        self.exercises = {exercise.solution_cell: exercise for exercise in spec.exercises}
        self.texts = frozenset({cell.source.strip() for cell in released.cells})
        self.stubs = {self.released[name].source.strip() for name in self.exercises}
        locked = {n: cell for n, cell in self.released.items() if not cell.metadata.nbgrader.get("solution")}
        self.cells = split_additions(cells, locked)
        own = [plain for plain in self.cells if plain["cell_type"] != "code" and plain["grade_id"] not in locked]
        self.free = [plain["source"] for plain in own if plain["source"].strip() not in self.texts]
        self.place: dict[str, int] = {}
        self.dropped: set[int] = set()
        """Cells whose text stands in another one, and placeholders whose work does."""

    def mend(self) -> Repaired:
        for name, cell in self.released.items():
            index = self._find(name, cell)
            if index is not None:
                self.place[name] = index
        for written in self.spec.written:
            self._find_answer(written.cell)
        owner = {index: name for name, index in self.place.items()}
        made: list[NotebookNode] = []
        for index, plain in enumerate(self.cells):
            if index in self.dropped or (index not in owner and plain["source"].strip() in self.stubs):
                continue
            cell = self._official(owner[index], plain) if index in owner else self._own(plain)
            if cell.cell_type == "code" and cell.source == plain["source"] and cell.source.strip() in self.given:
                outputs = self.shown.outputs(index, handed_in(plain["outputs"]))
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
            made.append(cell)
        missing = self._insert_missing(made)
        for number, cell in enumerate(made):
            cell["id"] = f"c{number}"
        metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
        notebook = nbformat.from_dict({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
        self.notes += [f"{CUT} see the cell that says so]" for plain in self.cells if plain["cut"]][:1]
        return Repaired(notebook, Status.OK, self.notes, frozenset(missing), in_texts=self._in_texts(made))

    def _in_texts(self, made: Iterable[NotebookNode]) -> dict[str, str]:
        """Return where a solution may stand in a text, for its cell is empty or as released."""
        found = {}
        for cell in made:
            exercise = self.exercises.get(grade_id(cell))
            if exercise is not None:
                stub = self.released[exercise.solution_cell].source.strip()
                if cell.source.strip() in ("", stub):
                    found[exercise.solution_cell] = code_in(self.free, exercise.function, stub)
        return {name: digest for name, digest in found.items() if digest}

    def _find(self, name: str, cell: NotebookNode) -> int | None:
        """Index of the student's cell that is the released cell `name`."""
        taken = set(self.place.values())
        hits = [k for k, plain in enumerate(self.cells) if plain["grade_id"] == name and k not in taken]
        given = cell.source.strip()
        exercise = self.exercises.get(name)
        if exercise is None:  # a solution under the name of a cell that is none would be written over
            hits = [k for k in hits if self.cells[k]["source"].strip() == given or not self._solves(self.cells[k])]
            if not hits and not cell.metadata.nbgrader.get("solution"):  # it is what it says
                hits = [
                    k
                    for k, plain in enumerate(self.cells)
                    if k not in taken and plain["source"].strip() == given and plain["grade_id"] not in self.released
                ]
            return hits[0] if hits else None
        changed = [k for k in hits if self.cells[k]["source"].strip() not in ("", given)]
        if len(changed) > 1:
            self.notes.append(
                f"The cell {name} is there {len(changed)} times; as in Jupyter, the last one that defines "
                f"{exercise.function} counts."
            )
        defining = [k for k in changed if self.defined.has(self.cells[k]["source"], exercise.function)]
        if changed:
            return (defining or changed)[-1]
        lost = self._lost(exercise, taken)
        return lost if lost is not None else hits[0] if hits else None

    def _lost(self, exercise: Exercise, taken: Iterable[int]) -> int | None:
        """A cell without the right name that does the work: the last one that does not only change what it is."""
        found = [
            k
            for k, plain in enumerate(self.cells)
            if k not in taken
            and plain["grade_id"] not in self.exercises
            and plain["source"].strip() not in self.texts
            and plain["cell_type"] == "code"
            and self.defined.has(plain["source"], exercise.function)
        ]
        if not found:
            return None
        what = f"Your cell for exercise {exercise.id} had lost its name"
        self.notes.append(f"{what}; it was found by its function {exercise.function}.")
        return ([k for k in found if self.defined.begins(self.cells[k]["source"], exercise.function)] or found)[-1]

    def _find_answer(self, name: str) -> None:
        """Find what was written for `name`, wherever it stands, and put it where it is marked; a person looks at it."""
        placeholder = self.released[name].source.strip()
        others = {index for cell, index in self.place.items() if cell != name}
        hits = [  # the work of an exercise under the name of an answer stays what it is
            k
            for k, plain in enumerate(self.cells)
            if plain["grade_id"] == name and k not in others and not self._solves(plain)
        ]
        found = [k for k in hits if self.cells[k]["source"].split() not in ([], placeholder.split())]
        if not found:
            before, after = between(list(self.released), name, self.place, len(self.cells))
            taken = set(self.place.values())
            free = [
                k
                for k, plain in enumerate(self.cells)
                if k not in taken and plain["grade_id"] not in self.released and is_prose(plain, self.texts)
            ]
            found = [k for k in free if before < k < after]
            by = "its place"
            if not found:  # a text of that length is rarely a remark; one that begins as a given text is an older one
                begins, by = {text[:40] for text in self.texts}, "its length"
                sources = {k: self.cells[k]["source"].strip() for k in free}
                found = [k for k, source in sources.items() if len(source) >= LONG and source[:40] not in begins]
            if found:
                self.notes.append(f"Your answer {name} was not in its cell; it was found by {by}, a person looks.")
        elif len(found) > 1:
            self.notes.append(f"The cell {name} is there {len(found)} times; all that they say is in one now.")
        if found:
            target = (hits or found)[0]
            self.cells[target] = joined(self.cells[k] for k in found)
            self.dropped |= {*hits, *found} - {target}
            self.place[name] = target
        elif hits:
            self.cells[hits[0]]["source"] = self.released[name].source
            self.dropped |= set(hits[1:])

    def _solves(self, plain: dict[str, Any]) -> bool:
        """Whether a cell does the work of an exercise."""
        code = plain["cell_type"] == "code"
        return code and any(
            self.defined.has(plain["source"], exercise.function) for exercise in self.exercises.values()
        )

    def _official(self, name: str, plain: dict[str, Any]) -> NotebookNode:
        cell = copy.deepcopy(self.released[name])
        if cell.metadata.nbgrader.get("solution"):
            cell.source = plain["source"]
            text = name in self.exercises and plain["cell_type"] != "code"
            if text and (code := unfenced(plain["source"])) != plain["source"]:
                cell.source = code
                self.notes.append(f"The cell {name} was a text; the code between its lines of ``` was taken.")
            self._attach(cell, plain)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        return cell

    def _own(self, plain: dict[str, Any]) -> NotebookNode:
        extra: dict[str, Any] = {"outputs": [], "execution_count": None} if plain["cell_type"] == "code" else {}
        source = {"cell_type": plain["cell_type"], "metadata": {}, "source": plain["source"]}
        cell = nbformat.from_dict({**source, **extra})
        self._attach(cell, plain)
        return cell

    def _attach(self, cell: NotebookNode, plain: dict[str, Any]) -> None:
        """Give a text cell its pictures."""
        if cell.cell_type == "markdown" and cell.source.strip() not in self.texts:
            cell.source, attached = arranged(cell.source, plain["pictures"], self.files, self.notes)
            if attached:
                cell.attachments = nbformat.from_dict(attached)

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
                made.insert(at, copy.deepcopy(cell))
            before = name
        return missing
