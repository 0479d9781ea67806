"""Cells that only show something are left out of grading; whatever an answer may rest on is run."""

from __future__ import annotations

import nbformat
import pytest

from graders.grading.grade import AS_HANDED_IN, answered
from graders.grading.repair import repair
from graders.grading.skipping import as_given, spare
from graders.lab.manifest import Course
from graders.lab.percent import grade_id, solutions, template
from graders.lab.places import OUR_COURSE
from graders.status import Status

SHOW = "start = 2.0\nprint(start * double(3))"
ANSWER = "def double(x):\n    return 2 * x"
CASES = {
    "only shows": (SHOW, ANSWER, True),
    "an argument of the same name": (SHOW, "def double(start):\n    return 2 * start", True),
    "read by the answer": (SHOW, "def double(x):\n    return start * x", False),
    "read by a default": (SHOW, "def double(x, f=start):\n    return f * x", False),
    "read in a class body": (SHOW, "class A:\n    start = start\n" + ANSWER, False),
    "read in a comprehension": (SHOW, "def double(x):\n    return [start * x for _ in range(1)][0]", False),
    "read by name at run time": (SHOW, "def double(x):\n    return globals()['start'] * x", False),
    "read through eval": (SHOW, "def double(x):\n    return eval('start') * x", False),
    "read from the module": (SHOW, "import __main__\ndef double(x):\n    return __main__.start * x", False),
    "read from the history": ("start = 2.0\nstart", "def double(x):\n    return _ * x", False),
    "the answer has a magic": (SHOW, "%matplotlib inline\n" + ANSWER, False),
    "the answer does not parse": (SHOW, "def double(x:\n    return 2 * x", False),
    "defines what is asked for": ("def double(x):\n    return x", "pass", False),
    "binds from inside a function": (
        "def f():\n    global two\n    two = 2\nf()",
        "def double(x):\n    return two * x",
        False,
    ),
    "changes a library": ("import numpy as np\nnp.random.seed(1)", ANSWER, False),
    "changes settings": ("plt.rcParams['lines.linewidth'] = 3", ANSWER, False),
    "changes what it has not made": ("store[0] = 1", "store = [0]\n" + ANSWER, False),
    "advances the answer's generator": (
        "rng.random()",
        "rng = np.random.default_rng(0)\ndef double(x):\n    return x + rng.random()",
        False,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_cell_is_left_out_only_if_nothing_can_rest_on_it(case):
    shown, answer, left_out = CASES[case]
    assert (0 in spare({0: shown, 1: answer}, [0], ["double"])) is left_out


def test_what_a_needed_cell_needs_is_run_too():
    cells = {0: "a = 1", 1: "b = a + 1", 2: "c = 3\nprint(c)", 3: "def double(x):\n    return b * x"}
    assert spare(cells, [0, 1, 2], ["double"]) == {2}


@pytest.mark.parametrize("name", [spec.name for spec in Course.load(OUR_COURSE, "lab09").notebooks])
def test_with_the_key_every_notebook_of_the_course_runs_its_imports_and_answers_only(name):
    course = Course.load(OUR_COURSE, "lab09")
    spec = course.notebook(name)
    notebook = answered(course, spec, solutions(course, spec))
    cells = {
        k: cell.source
        for k, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade")
    }
    given = as_given(template(course, spec))
    shown = [k for k in cells if cells[k].strip() in given]
    run = [k for k in cells if k not in spare(cells, shown, [e.function for e in spec.exercises])]
    assert run == [min(cells), *(k for k in cells if grade_id(notebook.cells[k]).startswith("ex-"))]


@pytest.fixture
def visible(submit):
    """A submission whose visible check was run by the student: its place, and the notebook."""
    notebook = submit()
    place = next(k for k, cell in enumerate(notebook.cells) if grade_id(cell) == "check-1-1")
    told = nbformat.v4.new_output(
        "display_data", data={"text/plain": ["all ", "well"], "text/html": "<script>x</script>"}
    )
    notebook.cells[place].outputs = [told]
    return place, notebook


def test_outputs_of_a_cell_left_out_are_the_students_own_and_say_so(grade, visible):
    place, notebook = visible
    result = grade(notebook)
    assert result.earned == 10
    shown = result.cells[place].outputs
    assert shown == [{"output_type": "display_data", "data": {"text/plain": "all well"}, "metadata": {}}, AS_HANDED_IN]


def test_without_outputs_or_with_another_text_the_cell_is_run(grade, visible):
    place, notebook = visible
    outputs, notebook.cells[place].outputs = notebook.cells[place].outputs, []
    assert grade(notebook).cells[place].outputs == []
    notebook.cells[place].outputs = outputs
    notebook.cells[place].source += "\n"
    assert grade(notebook).cells[place].outputs == []


def test_where_nothing_was_written_nothing_is_shown_anew(grade, mini):
    notebook = template(mini, mini.notebooks[0])
    place = next(k for k, cell in enumerate(notebook.cells) if grade_id(cell) == "check-1-1")
    result = grade(notebook)
    assert result.cells[place].outputs == [AS_HANDED_IN]
    assert result.earned == 0
    next(cell for cell in notebook.cells if grade_id(cell) == "written-1-W").source = "Because."
    assert AS_HANDED_IN not in grade(notebook).cells[place].outputs


def test_an_answer_that_reads_a_cell_left_as_released_gets_the_same_points(grade, visible):
    _, notebook = visible
    for cell in notebook.cells:
        if grade_id(cell) == "ex-1-2":
            cell.source = "def twice(f, x):\n    assert 'double' in globals()\n    return f(f(x))"
    result = grade(notebook)
    assert [exercise.status for exercise in result.exercises] == [Status.OK] * 4
    assert AS_HANDED_IN not in [output for cell in result.cells.values() for output in cell.outputs]


@pytest.mark.parametrize("outputs", [None, "text", [3], [{"output_type": "stream", "text": 5}] * 100, [{"data": []}]])
def test_broken_outputs_of_a_released_cell_are_left_out(mini, visible, outputs):
    import json

    place, notebook = visible
    data = json.loads(nbformat.writes(notebook))
    data["cells"][place]["outputs"] = outputs
    mended = repair(json.dumps(data).encode(), mini, mini.notebooks[0])
    nbformat.validate(mended.notebook)
    assert len(mended.notebook.cells[place].outputs) <= 64
