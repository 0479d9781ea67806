"""From the instructor's percent text to the notebook that a student gets."""

from __future__ import annotations

import copy
import functools
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from graders.lab.manifest import Course, NotebookSpec

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
TEXT_STUB = "YOUR ANSWER HERE"
SOLUTION_CELL = re.compile(r"ex-(\d+)-(\w+)")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def grade_id(cell: Any) -> str:
    """Return a cell's grade_id, or an empty text."""
    value = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
    return value if isinstance(value, str) else ""


def stub_line(course: Course, cell_id: str) -> str:
    """Return the line that stands in the place of the solution of the cell `cell_id`."""
    for exercise in course.exercises():
        if exercise.solution_cell == cell_id:
            return f'raise NotImplementedError("Exercise {exercise.id}: {exercise.title}")'
    return "raise NotImplementedError()"


def convert(path: Path) -> NotebookNode:
    """Read percent text as a notebook, without outputs and with stable cell ids.

    Raises
    ------
    ValueError
        If two cells share a grade_id.
    """
    notebook = jupytext.read(path)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells):
        name = grade_id(cell)
        if name and name in seen:
            raise ValueError(f"{path.name} has two cells with grade_id {name!r}")
        seen.add(name)
        cell["id"] = name or f"cell-{number}"  # random ids would make two builds of one source differ
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def strip(source: str, stub: str) -> str:
    """Return a cell's source with its solution regions replaced by `stub`, at the indentation of the marker."""
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN in line:
            inside = True
            lines.append(line[: len(line) - len(line.lstrip())] + stub)
        elif END in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


@functools.lru_cache(maxsize=64)
def _template(path: Path, stamp: int, course: Course) -> NotebookNode:
    notebook = convert(path)
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
    return _template(path, path.stat().st_mtime_ns, course)


def solutions(course: Course, spec: NotebookSpec) -> dict[str, str]:
    """Return the instructor's solution cells by grade_id, without the markers; code only."""
    cells = convert(course.source / f"{spec.name}.py").cells
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
            nbformat.write(convert(source), paths[-1])
    return paths
