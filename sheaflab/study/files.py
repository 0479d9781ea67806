"""Which file is a notebook of the course, and which of its cells is an exercise's, whatever became of their names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sheaflab.checks import PASSES
from sheaflab.study.catalogue import StudyTask

# What is added to a name: by the site in the browser (its version), by browsers and systems for a second copy,
# by Jupyter for a duplicate and for what it keeps of a notebook beside it.
_COPY = re.compile(r"(\.v[0-9a-f]{4})?( ?\(\d+\)|-Copy\d*|-checkpoint| ?-? ?[Cc]opy( ?\(?\d+\)?)?)*")
CHECKPOINTS = ".ipynb_checkpoints"
"""Jupyter's own folder of copies; nobody works in it."""


def notebooks(folder: Path, name: str) -> list[Path]:
    """Return the files that are copies of a notebook, the newest first; of equally new ones the one without additions.

    Parameters
    ----------
    folder : Path
    name : str
        The notebook's name, such as ``"lab10-3"``.
    """
    there = [p for p in folder.glob(f"{name}*.ipynb") if _COPY.fullmatch(p.stem[len(name) :]) and p.is_file()]
    return sorted(there, key=lambda p: (-p.stat().st_mtime_ns, len(p.name), p.name))


def text(cell: dict[str, Any]) -> str:
    """Return a cell's source as one text."""
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def plain(source: str) -> str:
    """Return a cell's source with `pass` in the place of the lines that are IPython's and not Python's."""
    return "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.split("\n"))


def verdict(cell: dict[str, Any], exercise: StudyTask) -> str:
    """Return what the saved output of a cell says of an exercise's visible check: ``pass``, ``fail`` or nothing."""
    outputs = [output for output in cell.get("outputs") or () if isinstance(output, dict)]
    printed = "".join(text({"source": output.get("text", "")}) for output in outputs)  # a kernel may send it in parts
    if any(line.startswith(PASSES.format(exercise.id)) for line in printed.split("\n")):
        return "pass"
    for output in outputs:
        told, kind = str(output.get("evalue", "")), str(output.get("ename", ""))
        if told.startswith(f"Exercise {exercise.id}: ") and kind.endswith("CheckFailed"):
            return "fail"
    return ""


def cell_names(cells: Sequence[dict[str, Any]], exercises: Iterable[StudyTask]) -> list[str]:
    """Return the name of each cell: its grade_id, else its id, else that of the exercise whose function it defines.

    Other programs drop the metadata in which nbgrader keeps names, or the ids, or both.
    """
    names = [_grade_id(cell) or _role(cell) for cell in cells]
    for exercise in exercises:
        if exercise.solution_cell in names:
            continue
        free = [k for k, name in enumerate(names) if not name and cells[k].get("cell_type") == "code"]
        found = [k for k in free if exercise.function and defines(text(cells[k]), exercise.function)]
        if found:
            names[found[0]] = exercise.solution_cell
    return names


def defines(source: str, function: str) -> bool:
    """Tell whether a cell defines a function or class of that name at its top level."""
    try:
        tree = ast.parse(plain(source))
    except (SyntaxError, ValueError):
        return re.search(rf"^(def|class) {function}\b", source, re.MULTILINE) is not None
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == function for node in tree.body)


def lost_cell(exercise: StudyTask, cells: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return an empty cell for an exercise, with an id that none of the other cells has."""
    meta = {"grade": False, "grade_id": exercise.solution_cell, "locked": False, "schema_version": 3, "solution": True}
    taken, name = {cell.get("id") for cell in cells}, exercise.solution_cell
    while name in taken:
        name += "-again"
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"nbgrader": {**meta, "task": False}},
        "outputs": [],
    }


def _role(cell: dict[str, Any]) -> str:
    """The name of a cell without metadata: its id, if that is one of the course's; a check's may be anything."""
    name = str(cell.get("id", ""))
    if re.fullmatch(r"(ex|check|grade)-\d+-\w+", name):
        return name
    return "check-" if re.search(r"^(sheaflab\.)?check\(", text(cell), re.MULTILINE) else ""


def _grade_id(cell: dict[str, Any]) -> str:
    meta = cell.get("metadata", {}).get("nbgrader", {})
    return str(meta.get("grade_id", "")) if isinstance(meta, dict) else ""
