"""The solution key of every notebook as one HTML page, executed, with its figures and the reasoning.

The pages need no network: formulas are set by a MathJax that lies beside them.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from html import escape as html_escape
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from graders.gradebook.feedback_page import mended
from graders.gradebook.formulas import FROM_AFAR
from graders.lab.bank import answers, reasons
from graders.lab.manifest import Course, NotebookSpec
from graders.lab.percent import BEGIN, END, convert, grade_id
from graders.lab.places import environment

SECONDS = 60
"""What a notebook filled with the key may take from top to bottom."""

SCRIPT = "tex-svg-full.js"  # one file, fonts inside
_NO_TEXT = 'alt="No description has been provided for this image"'  # nbconvert's
_LOCAL = (
    '<script>window.MathJax = {tex: {inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]]}};</script>\n'
    f'<script src="mathjax/{SCRIPT}" defer></script>\n'
)


def executed(course: Course, spec: NotebookSpec, timeout: int = SECONDS) -> NotebookNode:
    """Run the key of one notebook from top to bottom in a kernel.

    Raises
    ------
    nbclient.exceptions.CellExecutionError, CellTimeoutError
        If a cell raises or takes too long: then the key is at fault.
    """
    notebook = convert(course, spec)
    for cell in notebook.cells:
        cell.source = "\n".join(line for line in cell.source.split("\n") if BEGIN not in line and END not in line)
    with tempfile.TemporaryDirectory() as folder:  # what a kernel works in is on its path; it must hold nothing
        # no TCP ports: the kernel is reached through the file system
        kernel = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(Path(folder) / "kernel"))
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=timeout, km=kernel, resources=place).execute(
            cleanup_kc=True, env=environment(course.root)
        )  # ends it, too
    return notebook


def _described(html: str, notebook: NotebookNode) -> str:
    """Give each figure of a page what a reader who cannot see it is read: the titles that its cell gives it."""
    told = []
    for cell in notebook.cells:
        titles = figure_titles(cell.source) if cell.cell_type == "code" else []
        text = html_escape("Figure: " + "; ".join(titles)) if titles else "figure drawn by this cell"
        told += [text for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    parts = html.split(_NO_TEXT)
    if len(parts) != len(told) + 1:  # there are pictures of another origin
        return html
    return parts[0] + "".join(f'alt="{text}"{part}' for text, part in zip(told, parts[1:], strict=True))


def figure_titles(source: str) -> list[str]:
    """Return the titles that code gives its axes, as far as they stand in it; of ready-made plots what is plotted."""
    found: list[str] = []
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0)):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = [word.value for word in node.keywords if word.arg == "title"]
        given += node.args[:1] if name in ("set_title", "suptitle") else []
        found += [_words(text) for text in given]
        if name.startswith("plot_"):
            found.append(name.removeprefix("plot_").replace("_", " "))
    return [title for title in dict.fromkeys(found) if re.search(r"\w", title)]


def _words(text: ast.expr) -> str:
    """The words of a text; what is put into it when the code runs is three dots."""
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    said = [part.value if isinstance(part, ast.Constant) else "…" for part in parts]
    return "".join(map(str, said)).replace("$", "") if any(part != "…" for part in said) else ""


def with_notes(course: Course, spec: NotebookSpec, notebook: NotebookNode) -> NotebookNode:
    """Add to each exercise why its key is right, the hints, and common mistakes with the check that catches them."""
    why = reasons(course)
    mistakes: dict[str, list[str]] = {}
    for answer in answers(course, spec):
        if answer.kind == "wrong" and not answer.blind:
            mistakes.setdefault(answer.exercise, []).append(f"* {_plain(answer.label)} (caught by `{answer.check}`)")
    exercises = {exercise.grade_cell: exercise for exercise in spec.exercises}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if exercise := exercises.get(grade_id(cell)):
            hints = [f"{k}. {hint}" for k, hint in enumerate(exercise.hints, start=1)]
            parts = {
                "Why": _plain(why.get(exercise.id, "")),
                "Hints, from nudge to nearly there": "\n".join(hints),
                "Common mistakes": "\n".join(mistakes.get(exercise.id, [])),
            }
            text = "\n\n".join(f"**{head}**\n\n{body}" for head, body in parts.items() if body)
            note = nbformat.v4.new_markdown_cell(text)
            note["id"] = f"notes-{exercise.slug}"
            cells.append(note)
    notebook.cells = cells
    return notebook


def _plain(text: str) -> str:
    """Markdown that shows the text as it is: λ* is no emphasis."""
    return re.sub(r"([*_])", r"\\\1", text.strip())


def page(notebook: NotebookNode, title: str) -> str:
    """Render an executed notebook as one page, images inside."""
    exporter = HTMLExporter(template_name="lab")
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return offline(mended(_described(str(html), notebook)))


def offline(html: str) -> str:
    """Return the page so that it loads MathJax from its own folder and nothing from the network."""
    return FROM_AFAR.sub("", html).replace("</head>", _LOCAL + "</head>", 1)


def mathjax() -> Path:
    """Return MathJax's file in the wheel that carries it.

    Raises
    ------
    ValueError
        If the wheel is not installed.
    """
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ValueError('the pages of solutions need MathJax from a wheel; run pip install -e ".[staff]"')
    return Path(spec.origin).parent / "static" / "mathjax" / SCRIPT


Edit = Callable[[NotebookSpec, NotebookNode], NotebookNode]


def write_keys(course: Course, out: Path, *, notes: bool = True, edit: Edit | None = None) -> dict[str, float]:
    """Write `<notebook>.html` for every notebook into `out`; return the seconds that each took to run.

    Parameters
    ----------
    course : Course
    out : Path
    notes : bool
        Whether each exercise is followed by reasons, hints and common mistakes.
    edit : callable, optional
        Changes a solved notebook before its page is made.

    Raises
    ------
    ValueError
        If MathJax is not installed.
    """
    script = mathjax()
    (out / "mathjax").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(script, out / "mathjax" / SCRIPT)
    seconds = {}
    for spec in course.notebooks:
        start = time.monotonic()
        notebook = executed(course, spec)
        seconds[spec.name] = time.monotonic() - start
        if notes:
            notebook = with_notes(course, spec, notebook)
        if edit is not None:
            notebook = edit(spec, notebook)
        (out / f"{spec.name}.html").write_text(page(notebook, f"{spec.title}: key"), encoding="utf-8")
    return seconds
