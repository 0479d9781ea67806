"""A later cell that changes what an answer's cell has defined costs no points; each case is the key and a cell after it."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from graders.checking.suite import run_checks
from graders.grading.canary import best_isolation
from graders.grading.grade import grade_repaired
from graders.grading.overwritten import overwritten
from graders.grading.repair import repair
from graders.sandbox.notebook import Host
from graders.status import SandboxBroken, Status
from tests.graders.conftest import SHORT

HELPED = "FACTOR = 2\ndef twofold(x): return FACTOR * x\ndef double(x): return twofold(x)"
LATER = {
    "another function of the name": "def double(x): return 3 * x",
    "its value under its name": "double = double(4)",
    "a loop's variable": "for double in range(3): pass",
    "deleted": "del double",
    "an import of the name": "from math import floor as double",
    "a class of the name": "class double: pass",
    "in a dictionary": "globals()['double'] = 3",
    "by a magic": "%reset -f",
    "a helper": "def twofold(x): return 0",
    "a constant of a helper": "FACTOR = 5",
    "an import of its own": "FACTOR = None",
    "inside a function": "def change():\n    global FACTOR\n    FACTOR = 7\nchange()",
    "an error after it": "del double\n1 / 0",
    "an endless one": "def double(x):\n    while True: pass",
}


@pytest.fixture
def later(submit, grade):
    """Grade the key with a cell at its end, and with other cells."""

    def run(*sources, **cells):
        notebook = submit(**cells)
        notebook.cells += [new_code_cell(source) for source in sources]
        return grade(notebook)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("change", LATER)
def test_what_a_later_cell_changes_is_graded_as_its_own_cell_defines_it(change, later):
    result = later(LATER[change], ex_1_1=HELPED)
    assert result.earned == 10, [e.text() for e in result.exercises if e.earned < e.points]


@pytest.mark.slow
def test_the_student_is_told_and_the_rest_stays_as_it_was(later):
    result = later("del double", ex_1_2="def twice(f, x):\n    return f(x)")
    told = "Later cells change what is defined for exercise 1.1; it was graded as its own cell defines it."
    assert told in result.notes
    assert [exercise.notes for exercise in result.exercises] == [(told,), (), (), ()]
    assert [exercise.status for exercise in result.exercises] == [Status.OK, Status.WRONG, Status.OK, Status.OK]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "last", "earned", "told"),
    [
        ("def double(x): return 3 * x", "def double(x): return 2 * x", 10, False),  # mended below its cell
        ("def double(x): return 3 * x", "double = 5", 7, False),
        ("def double(x): return 2 * float(x)", "def double(x): return 2 * float(x)", 8, False),
        ("def double(x): return 2 * float(x)", "def double(x): return np.array(6.0)", 8, True),
        ("import os\nos.mkdir('made')\ndef double(x): return 2 * x", "double = 5", 10, True),
    ],
)
def test_the_better_of_the_two_counts(first, last, earned, told, later):
    result = later(last, ex_1_1=first)
    assert result.earned == earned
    assert bool(result.notes) == told


@pytest.mark.slow
def test_an_answer_that_nobody_changes_is_graded_once(later, monkeypatch):
    looks = []
    monkeypatch.setattr("graders.grading.grade.run_checks", lambda *a: looks.append(a) or run_checks(*a))
    wrong = "def double(x): return 3 * x"
    assert later("y = double(2)\nprint(y)", ex_1_1=wrong).earned == 7
    assert len(looks) == 1
    assert later("double = y = double(2)", ex_1_1=wrong).earned == 7
    assert len(looks) == 3
    assert later("double = y = double(2)", "def double(x): return 2 * x").earned == 10
    assert len(looks) == 4


@pytest.mark.slow
def test_one_that_breaks_its_worker_again_costs_no_other_exercise(later, monkeypatch):
    def broken(*arguments):
        if len(arguments[2].exercises) == 1:
            raise SandboxBroken(Status.KILLED, "the worker is gone")
        return run_checks(*arguments)

    monkeypatch.setattr("graders.grading.grade.run_checks", broken)
    monkeypatch.setattr("graders.grading.grade._blame_no_student_for_the_machine", lambda own: asked.append(own))
    asked = []
    result = later("double = 5")
    assert result.earned == 7
    assert "exercise 1.1; as its own cell defines it, the worker is gone." in result.notes[-1]
    assert asked


@pytest.mark.slow
def test_no_other_notebook_pays_with_its_time(submit, mini, secret):
    notebook = submit()
    notebook.cells.append(new_code_cell("double = 5"))
    with Host(SHORT, best_isolation(limits=SHORT)) as host:
        host.left = SHORT.total_wall / 2 - 1
        (spec,) = mini.notebooks
        result = grade_repaired(repair(nbformat.writes(notebook).encode(), mini, spec), mini, spec, host=host, secret=secret)
    assert result.earned == 7
    assert "exercise 1.1; no time was left to grade it as its own cell defines it." in result.exercises[0].notes[0]


@pytest.mark.slow
def test_a_second_look_has_only_what_the_other_notebooks_do_not_need(submit, mini, secret):
    notebook = submit(**{"ex-1-1": "import time\ntime.sleep(1)\ndef double(x): return 2 * x"})
    notebook.cells.append(new_code_cell("double = 5"))
    with Host(SHORT, best_isolation(limits=SHORT)) as host:
        (spec,) = mini.notebooks
        repaired = repair(nbformat.writes(notebook).encode(), mini, spec)
        host.left = SHORT.total_wall / 2 + 2  # the first look and the beginning of a second
        grade_repaired(repaired, mini, spec, host=host, secret=secret)
        assert host.left > SHORT.total_wall / 2 - 2.5


BEFORE = {0: "import numpy as np\nK = 2", 1: "def helper(x): return K * x", 2: "def f(x): return helper(x)"}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ("y = f(2)", False),
        ("f = 1", True),
        ("del helper", True),
        ("K = 3", True),
        ("np = 1", False),
        ("import numpy as np", False),
        ("%reset -f", True),
        ("def g():\n    global K\n    K = 1", True),
        ("exec('f = 1')", True),
        ("[f for f in range(3)]", False),
        ("def g(f): f = 1", False),
        ("for helper in 'ab': pass", True),
        ("with open('x') as f: pass", True),
        ("from math import *", True),
        ("class A:\n    f = 1", False),
    ],
)
def test_what_may_change_an_answer_can_be_read_off(later, expected):
    assert overwritten({**BEFORE, 5: later}, 2, "f") is expected
    assert not overwritten({**BEFORE, 5: later}, 5, "f")


def test_below_a_magic_any_name_counts():
    assert overwritten({0: "%matplotlib inline", 1: "def f(): pass", 2: "y = 1"}, 1, "f")
    assert not overwritten({0: "%matplotlib inline", 1: "def f(): pass", 2: "print(1)"}, 1, "f")
