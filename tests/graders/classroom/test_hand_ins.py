"""What real hand-ins met, through both doors: each arrives, is known, and has the points that its work earns."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from graders.commands.cli import main
from graders.gradebook.nbgrader_api import gradebook
from graders.gradebook.record import rows
from graders.lab.percent import TEXT_STUB, grade_id
from tests.graders.conftest import hand_in
from tests.graders.grading.test_mending import PNG, WORDS

pytestmark = pytest.mark.slow

NAMES = {
    "copy-of": ["Copy of mini-1.ipynb"],
    "txt": ["mini-1.ipynb.txt"],
    "json": ["mini-1.ipynb.json"],
    "kopie": ["mini-1 - Kopie.ipynb"],
    "jupyter": ["mini-1-Copy1.ipynb"],
    "underscore": ["mini-1_1.ipynb"],
    "bracketed": ["mini-1(1).ipynb"],
    "hyphen": ["mini-1-1.ipynb"],
    "mac": ["mini-1 copy.ipynb"],
    "capital": ["Mini-1.ipynb"],
    "upper": ["MINI-1.IPYNB"],
    "own-name": ["WMS q3.ipynb"],  # nbgrader#1302
    "safari": ["mini-1.json"],
}


def at(notebook, name):
    return next(k for k, cell in enumerate(notebook.cells) if grade_id(cell) == name)


def markdown_code(notebook):  # nbgrader#92, #1941
    place = at(notebook, "ex-1-1")
    old = notebook.cells[place]
    notebook.cells[place] = new_markdown_cell(old.source, metadata=old.metadata)


def fenced(notebook):
    place = at(notebook, "ex-1-1")
    old = notebook.cells[place]
    notebook.cells[place] = new_markdown_cell(f"```python\n{old.source}\n```", metadata=old.metadata)


def no_grade_cells(notebook):  # nbgrader#1682
    notebook.cells = [cell for cell in notebook.cells if not grade_id(cell).startswith(("grade-", "check-"))]


def no_metadata(notebook):  # nbgrader#1398, vscode-jupyter#2325
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    notebook.metadata = nbformat.from_dict({})


def duplicated(notebook):  # nbgrader#1083
    notebook.cells += [nbformat.from_dict(cell) for cell in notebook.cells]


def split(notebook):  # ananke#12
    place = at(notebook, "ex-1-4")
    cell = nbformat.from_dict(notebook.cells[place])
    cell.source = "import functools\n"
    notebook.cells.insert(place, cell)


def large(notebook):
    flood = new_output("stream", text=["flood\n"] * 1_200_000)
    notebook.cells[at(notebook, "ex-1-1")].outputs = [flood]


def pool(notebook):
    cell = notebook.cells[at(notebook, "ex-1-1")]
    cell.source = (
        "from concurrent.futures import ThreadPoolExecutor\nPOOL = ThreadPoolExecutor(2)\nPOOL.submit(int).result()\n"
        "def double(x): return POOL.submit(lambda: 2 * x).result()"
    )


def module(notebook):
    notebook.cells[at(notebook, "ex-1-1")].source = "from tools import double"


def tagged_picture(notebook):  # nbconvert#1057
    cell = notebook.cells[at(notebook, "written-1-W")]
    cell.source = '<img src="attachment:image.png" width="300"/>'
    cell.attachments = {"image.png": {"image/png": base64.b64encode(PNG).decode()}}


def lost_picture(notebook):  # nbgrader#1782: nbconvert makes no page of it
    notebook.cells[at(notebook, "written-1-W")].source = "![](attachment:image.png) " + WORDS


def typed_below(notebook):  # resonance#109
    place = at(notebook, "written-1-W")
    notebook.cells[place].source = TEXT_STUB
    notebook.cells.insert(place + 1, new_markdown_cell(WORDS))


def slow_widget(notebook):  # cocalc#6137
    notebook.cells.insert(2, new_code_cell("import ipywidgets\nipywidgets.IntSlider()"))


MENDED = [
    markdown_code, fenced, no_grade_cells, no_metadata, duplicated, split, large, pool, module, tagged_picture, lost_picture,
    typed_below, slow_widget,
]  # fmt: skip
WAITING = {"typed_below", "tagged_picture", "lost_picture"}


@pytest.fixture
def classroom(course, submit):
    """A class whose every member has handed in the same right work, each in another odd way."""
    for student, names in NAMES.items():
        for name in names:
            hand_in(course, student, submit(), name)
    wrong = submit(ex_1_1="def double(x): return 3 * x")
    hand_in(course, "numbered", wrong, "mini-1 (1).ipynb")
    hand_in(course, "numbered", submit(), "mini-1 (2).ipynb")
    hand_in(course, "unclear", wrong, "draft.ipynb")
    hand_in(course, "unclear", submit(), "final.ipynb")
    for change in MENDED:
        notebook = submit()
        change(notebook)
        hand_in(course, change.__name__, json.dumps(notebook).encode())
    (course.root / "submitted" / "module" / "mini" / "tools.py").write_text("def double(x): return 2 * x")
    return course


def check(course):
    scores, waiting = {}, set()
    with gradebook(course.root) as book:
        for submission in book.find_assignment("mini").submissions:
            notebook = submission.notebooks[0]
            scores[submission.student.id] = sum(grade.auto_score or 0 for grade in notebook.grades)
            if any(grade.needs_manual_grade for grade in notebook.grades):
                waiting.add(submission.student.id)
    full = dict.fromkeys((*NAMES, "numbered", *(change.__name__ for change in MENDED)), 10)
    assert scores == {**full, "unclear": 0}
    assert waiting >= WAITING | {"unclear"}
    return rows(f"sqlite:///{course.root}/gradebook.db")


def test_every_odd_hand_in_has_its_points_at_both_doors(classroom, tmp_path, monkeypatch):
    monkeypatch.chdir(classroom.root)
    main(["grade", "--course", str(classroom.root)])
    ours = check(classroom)
    (classroom.root / "gradebook.db").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", "mini", "--force"],
        cwd=classroom.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "mini", "--force"],
        cwd=classroom.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "unclear" in done.stderr
    assert check(classroom) == ours
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_feedback", "mini", "--force"],
        cwd=classroom.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (classroom.root / "feedback" / "tagged_picture" / "mini" / "mini-1.html").read_text()
    assert f"data:image/png;base64,{base64.b64encode(PNG).decode()}" in page
    assert (classroom.root / "feedback" / "lost_picture" / "mini" / "mini-1.html").is_file()
