"""`graders keys`: the solution key of every notebook as one HTML page, executed, with its figures and the reasoning."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from graders.bank.answers import answers
from graders.feedback_page import mended
from graders.manifest import Course, NotebookSpec
from graders.release import BEGIN, END, convert, grade_id

SECONDS = 60
"""What a notebook filled with the key may take from top to bottom."""


def executed(course: Course, spec: NotebookSpec, timeout: int = SECONDS) -> NotebookNode:
    """Run the key of one notebook from top to bottom in a kernel.

    Raises
    ------
    nbclient.exceptions.CellExecutionError, CellTimeoutError
        If a cell raises or takes too long: then the key is at fault.
    """
    notebook = convert(course.source / f"{spec.name}.py")
    for cell in notebook.cells:
        cell.source = "\n".join(line for line in cell.source.split("\n") if BEGIN not in line and END not in line)
    # no TCP ports: the kernel is reached through the file system
    kernel = AsyncKernelManager(kernel_name="python3", transport="ipc")
    NotebookClient(notebook, timeout=timeout, km=kernel).execute()
    return notebook


def with_mistakes(course: Course, spec: NotebookSpec, notebook: NotebookNode) -> NotebookNode:
    """Add to each exercise which mistakes are common and which hidden check catches them, from the bank."""
    told: dict[str, list[str]] = {}
    for answer in answers(course, spec):
        if answer.kind == "wrong":
            told.setdefault(answer.exercise, []).append(f"* {answer.label} (caught by `{answer.check}`)")
    exercises = {exercise.grade_cell: exercise for exercise in spec.exercises}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if exercise := exercises.get(grade_id(cell)):
            hints = "\n".join(f"{k}. {hint}" for k, hint in enumerate(exercise.hints, start=1))
            text = f"**Hints, from nudge to nearly there**\n\n{hints}\n\n**Common mistakes**\n\n"
            note = nbformat.v4.new_markdown_cell(text + "\n".join(told.get(exercise.id, ["none in the bank"])))
            note["id"] = f"mistakes-{exercise.slug}"
            cells.append(note)
    notebook.cells = cells
    return notebook


def page(notebook: NotebookNode, title: str) -> str:
    """Render an executed notebook as one page, images inside; formulas are set by MathJax in the reader's browser."""
    exporter = HTMLExporter(template_name="lab")
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return mended(str(html))


def write_keys(course: Course, out: Path, *, mistakes: bool = True) -> dict[str, float]:
    """Write `<notebook>.html` for every notebook into `out`; return the seconds that each took to run."""
    out.mkdir(parents=True, exist_ok=True)
    seconds = {}
    for spec in course.notebooks:
        start = time.monotonic()
        notebook = executed(course, spec)
        seconds[spec.name] = time.monotonic() - start
        if mistakes:
            notebook = with_mistakes(course, spec, notebook)
        (out / f"{spec.name}.html").write_text(page(notebook, f"{spec.title}: key"), encoding="utf-8")
    return seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `graders keys`."""
    parser.add_argument("out", type=Path, help="folder for the pages; not for students before the deadline")
    parser.add_argument("--course", type=Path, default=Path("course"), help="course directory (%(default)s)")
    parser.add_argument("--no-mistakes", action="store_true", help="leave out hints and common mistakes")


def run(options: argparse.Namespace) -> int:
    """Write the pages and say how long each notebook ran."""
    course = Course.load(options.course)
    for name, seconds in write_keys(course, options.out, mistakes=not options.no_mistakes).items():
        print(f"{options.out / name}.html  ran {seconds:.1f} s")
    return 0
