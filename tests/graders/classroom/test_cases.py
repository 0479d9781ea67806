"""Hand-ins of the real lab, built after public reports: one class, both doors, and the points that Jupyter would give."""

from __future__ import annotations

import base64
import copy
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from graders.gradebook.nbgrader_api import gradebook
from graders.gradebook.record import rows
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.lab.percent import TEXT_STUB, grade_id, solutions
from graders.publish.release import build, copy_course
from tests.graders.conftest import grade_class, hand_in
from tests.graders.grading.test_mending import PNG, at
from tests.graders.hostile import cell_of

pytestmark = pytest.mark.slow

CASES = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))["case"]
NOTEBOOKS = ("lab09-1", "lab09-2", "lab09-3")
WRITTEN = "written-3-W"
WORDS = (
    "I compared 0.1, 1, 4 and 16. Most runs have 1 to 4 switches whatever the magnitude: which neurons start on the wrong "
    "side depends on the direction of the start, not on its length."
)
MAKE = {"code": new_code_cell, "raw": new_raw_cell, "markdown": new_markdown_cell}


def paste(notebook, course):
    first = course.notebook("lab09-1")
    key = answered(course, first, solutions(course, first))
    notebook.cells.insert(2, cell_of(key, "ex-1-2"))


def colab(notebook, course):
    notebook.nbformat_minor = 0
    notebook.metadata = nbformat.from_dict(
        {"colab": {"name": "Copy of lab09-1.ipynb", "provenance": [], "toc_visible": True}, "accelerator": "GPU"}
    )
    for cell in notebook.cells:
        cell.metadata |= {"id": cell.pop("id"), "colab": {"base_uri": "https://localhost:8080/", "height": 300}}
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", text="x\n")]
    button = new_markdown_cell("<a href='https://colab.example/x' target='_parent'>open</a>")
    button.metadata = nbformat.from_dict({"id": button.pop("id"), "colab_type": "text"})
    notebook.cells.insert(0, button)


def put_magics(notebook, course):
    for name, magic in (("ex-1-1", "%%time"), ("ex-1-2", "%%capture out"), ("ex-1-3", "%%prun -q")):
        cell = cell_of(notebook, name)
        cell.source = f"{magic}\n{cell.source}"


def put_exits(notebook, course):
    for name, end in (("ex-1-1", "exit()"), ("ex-1-2", "quit"), ("ex-1-3", "import sys\nsys.exit(0)")):
        cell_of(notebook, name).source += f"\n{end}\n"


def lose_metadata(notebook, course):
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def lose_written(notebook, course):
    cell_of(notebook, WRITTEN).metadata = nbformat.from_dict({})


def merge(notebook, course):
    place = at(notebook, "ex-1-1")
    names = [grade_id(cell) for cell in notebook.cells[place : place + 3]]
    assert names == ["ex-1-1", "check-1-1", "grade-1-1"]
    notebook.cells[place].source = "\n".join(cell.source for cell in notebook.cells[place : place + 3])
    del notebook.cells[place + 1 : place + 3]


def attach(notebook, course):
    cell = cell_of(notebook, WRITTEN)
    cell.source = "My derivation on paper:\n\n![photo.png](attachment:photo.png)\n"
    cell.attachments = {"photo.png": {"image/png": base64.b64encode(PNG).decode()}}


def write_into_question(notebook, course):
    cell_of(notebook, "task-1-1").source += "\n\ndef activation_pattern(z):\n    return z > 0\n"


CHANGES = {
    change.__name__: change
    for change in (paste, colab, put_magics, put_exits, lose_metadata, lose_written, merge, attach, write_into_question)
}


def made(case, course):
    """Return the notebook that a case hands in."""
    spec = course.notebook(case.get("notebook", "lab09-1"))
    answers = {**solutions(course, spec), **{written.cell: WORDS for written in spec.written}}
    notebook = answered(course, spec, {name: answers[name] for name in answers.keys() - case.get("untouched", [])})
    for name, source in case.get("answers", {}).items():
        cell_of(notebook, name).source = source.removeprefix("\n")
    place = next(k for k, cell in enumerate(notebook.cells) if grade_id(cell).startswith("task-"))
    notebook.cells[place:place] = [new_code_cell(source) for source in case.get("own", [])]
    for name, source in case.get("below", {}).items():
        twin = copy.deepcopy(cell_of(notebook, name))
        twin.source = source.removeprefix("\n")
        twin.id = f"{twin.id}-below"
        notebook.cells.insert(at(notebook, name) + 1, twin)
    for name, source in case.get("texts", {}).items():
        notebook.cells.insert(at(notebook, name) + 1, new_markdown_cell(source))
    for name, kind in case.get("types", {}).items():
        old = cell_of(notebook, name)
        notebook.cells[at(notebook, name)] = MAKE[kind](old.source, metadata=old.metadata)
    if "change" in case:
        CHANGES[case["change"]](notebook, course)
    return notebook


@pytest.fixture
def classroom(tmp_path, secret):
    """A class on the first notebooks of the real lab; each of its members handed in one case."""
    course = copy_course(Course.load(Path(__file__).parents[3] / "course"), tmp_path / "course", NOTEBOOKS)
    config = course.root / "nbgrader_config.py"  # one case has a cell that runs into the limit
    config.write_text(config.read_text() + "\nc.TrustedGrader.cpu_seconds = 8.0\n")
    build(course)
    for case in CASES:
        hand_in(course, case["name"], made(case, course), f"{case.get('notebook', 'lab09-1')}.ipynb")
        for name, text in case.get("files", {}).items():
            hand_in(course, case["name"], text.encode(), name)
        for folder, count in [case["many"]] if "many" in case else []:
            path = course.root / "submitted" / case["name"] / course.assignment / folder
            path.mkdir(parents=True)
            for number in range(count):
                (path / f"m{number}.py").touch()
    return course


def is_right(case):
    """Tell whether all of a case is right where this runs."""
    return "points" not in case or ("python" in case and sys.version_info >= tuple(case["python"]))


def points_of(case, course):
    """Return the points that the case's exercises give where this runs."""
    full = course.notebook(case.get("notebook", "lab09-1")).points
    return full if is_right(case) else case["points"]


def check(course):
    """Compare points, written answers and who waits with what is expected; return what the gradebook holds."""
    points, waiting, comments = {}, set(), {}
    with gradebook(course.root) as book:
        for submission in book.find_assignment(course.assignment).submissions:
            name = submission.student.id
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            points[name] = sum(grade.auto_score or 0 for grade in grades)
            waiting |= {name for grade in grades if grade.needs_manual_grade}
            comments[name] = {c.name: c.auto_comment for notebook in submission.notebooks for c in notebook.comments}
    assert points == {case["name"]: points_of(case, course) for case in CASES}
    assert waiting == {case["name"] for case in CASES if case.get("waits", case.get("notebook") == "lab09-3")}
    for case in CASES:
        name = case.get("notebook", "lab09-1")
        path = course.root / "autograded" / case["name"] / course.assignment / f"{name}.ipynb"
        graded = nbformat.read(path, as_version=4)
        reasons = [c.outputs[0].text for c in graded.cells if grade_id(c).startswith("grade-")]
        assert is_right(case) or any(case["says"] in reason for reason in reasons), reasons
        if name != "lab09-3":
            continue
        cell = cell_of(graded, WRITTEN)
        assert cell.cell_type == "markdown"
        if case.get("change") == "attach":
            ((name, formats),) = cell.attachments.items()
            assert formats == {"image/png": base64.b64encode(PNG).decode()}
            assert f"(attachment:{name})" in cell.source
        elif case.get("waits", True):
            assert WORDS in cell.source
        else:
            assert cell.source.strip() == TEXT_STUB
            assert comments[case["name"]][WRITTEN] == "No response."
    return rows(f"sqlite:///{course.root}/gradebook.db")


def test_every_case_has_its_points_at_both_doors(classroom, secret, monkeypatch):
    monkeypatch.chdir(classroom.root)
    grade_class(classroom)
    ours = check(classroom)
    if secret != b"secret 0":  # the doors differ by no problem
        return
    (classroom.root / "gradebook.db").unlink()
    build(classroom)
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", classroom.assignment, "--create", "--force"],
        cwd=classroom.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr  # the work of an absent notebook may stand in another one
    assert check(classroom) == ours
