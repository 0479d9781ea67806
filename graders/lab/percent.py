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
from nbgrader.preprocessors import ClearSolutions as StockClearSolutions
from nbgrader.utils import compute_checksum
from traitlets import Unicode

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


class ClearSolutions(StockClearSolutions):  # type: ignore[misc]
    """nbgrader's ClearSolutions with a stub that names its exercise."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Load the manifest, then do as nbgrader does."""
        self._course = Course.load(Path(self.course or "."))
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> Any:
        """Set this cell's stub, then do as nbgrader does."""
        self.code_stub = {"python": stub_line(self._course, grade_id(cell))}
        return super().preprocess_cell(cell, resources, cell_index)


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


def secret_lines(course: Course) -> set[str]:
    """Lines that must never be in a release: solutions and hidden checks, if long enough to tell anything."""
    files = [*course.checks.rglob("*.py"), *course.bank.rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    public: set[str] = set()
    for spec in course.notebooks:
        path = course.source / f"{spec.name}.py"
        if not path.is_file():
            continue
        for cell in convert(path).cells:
            texts += re.findall(rf"{BEGIN}\n(.*?){END}", cell.source, flags=re.DOTALL)
            public |= {line.strip() for line in strip(cell.source, "").split("\n")}
    lines = {line.strip() for text in texts for line in text.split("\n")}
    return {
        line for line in lines - public if len(line) > 24 and not line.startswith(("from ", "import ", '"""', "def __"))
    }


def leaks(course: Course, folder: Path) -> list[str]:
    """Return where a file below `folder` holds a line of a solution or hidden check; an empty list is good."""
    secret = secret_lines(course)
    found: list[str] = []
    markers = (BEGIN, END, "BEGIN HIDDEN TESTS")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            lines = [line for cell in notebook.cells for line in cell.source.split("\n")]
        else:
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        found += [
            f"{path.relative_to(folder)}: {line.strip()[:100]}"
            for line in lines
            if line.strip() in secret or any(marker in line for marker in markers)
        ]
    return found
