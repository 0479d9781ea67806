"""From the instructor's percent text to the notebook that a student gets."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from graders.lab.filenames import STAMP
from graders.lab.manifest import Course, Exercise, NotebookSpec
from graders.lab.orientation import orientation
from graders.lab.printing import counted
from sheaflab.study import extract

BEGIN, END, strip = extract.BEGIN, extract.END, extract.strip
TEXT_STUB = "YOUR ANSWER HERE"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def grade_id(cell: Any) -> str:
    """Return a cell's grade_id, or an empty text."""
    value = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
    return value if isinstance(value, str) else ""


def stub_line(course: Course, cell_id: str) -> str:
    """Return the line that stands in the place of the solution of the cell `cell_id`."""
    for exercise in course.exercises():
        if exercise.solution_cell == cell_id:
            return extract.stub_line(exercise.id, exercise.title)
    return "raise NotImplementedError()"


def convert(course: Course, spec: NotebookSpec) -> NotebookNode:
    """Read a notebook's percent text as the instructor's notebook, without outputs and with stable cell ids.

    What the manifest says is put in: what the first cell tells of the notebook, a grade cell after each exercise, and
    the points of the written answers. The notebook and its cells with a name are marked as the assignment's: other
    assignments have the same names of cells.

    Raises
    ------
    ValueError
        If two cells share a grade_id, a cell of the manifest is not there, or the text has points of its own.
    """
    path = course.source / f"{spec.name}.py"
    notebook = jupytext.read(path)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    cells: dict[str, NotebookNode] = {}
    for cell in notebook.cells:
        if (name := grade_id(cell)) in cells:
            raise ValueError(f"{path.name} has two cells with grade_id {name!r}")
        if name:
            cells[name] = cell
        info = cell.metadata.get("nbgrader", {})
        if "points" in info or (info.get("grade") and info.get("locked")):
            raise ValueError(
                f"{path.name}: the cell {name!r} has points or is a grade cell; points stand in {course.manifest.name} "
                "alone, remove them here"
            )
    for needed in (*(e.solution_cell for e in spec.exercises), *(w.cell for w in spec.written)):
        if needed not in cells:
            raise ValueError(f"{path.name} must have a cell with grade_id {needed!r}, as {course.manifest.name} says")
    for written in spec.written:
        cells[written.cell].metadata.nbgrader["points"] = _number(written.points)
    for exercise in spec.exercises:
        before = cells.get(exercise.check_cell, cells[exercise.solution_cell])
        place = next(k for k, cell in enumerate(notebook.cells) if cell is before)
        notebook.cells.insert(place + 1, _grade_cell(exercise))
    _oriented(notebook, orientation(course, spec, graded=True))
    notebook.metadata[STAMP] = {"assignment": course.assignment}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = grade_id(cell) or f"cell-{number}"  # random ids would make two builds of one source differ
        if grade_id(cell):
            cell.metadata[STAMP] = {"assignment": course.assignment}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _oriented(notebook: NotebookNode, text: str) -> None:
    """Put a text below what the first cell says; no cell whose answer is graded is changed."""
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or first.metadata.get("nbgrader", {}).get("solution"):
        first = nbformat.v4.new_markdown_cell("")
        notebook.cells.insert(0, first)
    first.source = f"{first.source}\n\n{text}".strip()


def _grade_cell(exercise: Exercise) -> NotebookNode:
    """The cell that receives the points, and says what its hidden checks look at; it holds comments only."""
    points = counted(exercise.points, "point")
    lines = [f"# Exercise {exercise.id}, {points}. Hidden checks on fresh problems look at:"]
    lines += [f"#   {check.name} ({check.points:g}): {check.title}" for check in exercise.checks]
    info = {"grade": True, "grade_id": exercise.grade_cell, "locked": True, "points": _number(exercise.points)}
    info |= {"schema_version": 3, "solution": False, "task": False}
    cell: NotebookNode = nbformat.v4.new_code_cell("\n".join(lines), metadata={"nbgrader": info})
    return cell


def _number(points: float) -> float:
    """Whole points as a whole number, as nbgrader's own tools write them."""
    return int(points) if points == int(points) else points


@functools.lru_cache(maxsize=64)
def _template(stamp: int, course: Course, spec: NotebookSpec) -> NotebookNode:
    notebook = convert(course, spec)
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        if meta.get("solution"):
            stub = stub_line(course, grade_id(cell)) if cell.cell_type == "code" else TEXT_STUB
            cell.source = strip(cell.source, stub) if BEGIN in cell.source else stub
        meta["cell_type"] = cell.cell_type
        if meta.get("locked") and not meta.get("solution"):
            cell.metadata["deletable"], cell.metadata["editable"] = False, False
        if meta.get("grade") or meta.get("solution") or meta.get("locked"):
            meta["checksum"] = compute_checksum(cell)
    return nbformat.reads(nbformat.writes(notebook), as_version=4)


def template(course: Course, spec: NotebookSpec) -> NotebookNode:
    """Return the notebook as it is released: stubs in, solutions out."""
    return copy.deepcopy(shared_template(course, spec))


def shared_template(course: Course, spec: NotebookSpec) -> NotebookNode:
    """Return the same, to be read only: one for all submissions."""
    path = course.source / f"{spec.name}.py"
    return _template(path.stat().st_mtime_ns, course, spec)


def solutions(course: Course, spec: NotebookSpec) -> dict[str, str]:
    """Return the instructor's solution cells by grade_id, without the markers; code only."""
    cells = convert(course, spec).cells
    found = {grade_id(cell): cell.source for cell in cells if BEGIN in cell.source and cell.cell_type == "code"}
    return {
        name: "\n".join(line for line in text.split("\n") if BEGIN not in line and END not in line)
        for name, text in found.items()
    }


def write_sources(course: Course) -> list[Path]:
    """Write the instructor's notebooks beside their percent text, for nbgrader; return their paths."""
    paths = []
    for spec in course.notebooks:
        source = course.source / f"{spec.name}.py"
        if source.is_file():
            paths.append(source.with_suffix(".ipynb"))
            nbformat.write(convert(course, spec), paths[-1])
    return paths
