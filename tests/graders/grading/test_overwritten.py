"""A later cell that changes what an answer's cell has defined costs no points; each case is the key and a cell after it."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from graders.checking.suite import run_checks
from graders.grading.canary import best_isolation
from graders.grading.grade import grade_repaired
from graders.grading.magics import as_python
from graders.grading.overwritten import states
from graders.grading.repair import repair
from graders.lab.percent import grade_id, template
from graders.sandbox.notebook import Host
from graders.status import SandboxBroken, Status
from tests.graders.conftest import SHORT

HELPED = "FACTOR = 2\ndef change():\n    global FACTOR\n    FACTOR = 7\ndef twofold(x): return FACTOR * x\ndef double(x): return twofold(x)"
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
    "a function from above": "change()",
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


ELSEWHERE = {
    "in an extra cell, its own as released": (None, ["def double(x): return 2 * x", "double = double(4)"]),
    "in an extra cell, its own empty": ("", ["def double(x): return 2 * x", "double = double(4)"]),
    "in an extra cell, its own with a remark": ("# see below", ["def double(x): return 2 * x", "double = double(4)"]),
    "with a helper below": ("def double(x): return twofold(x)", ["def twofold(x): return 2 * x", "twofold = twofold(4)"]),
    "with more below": (
        "def double(x): return twofold(x)",
        ["def twofold(x): return FACTOR * x", "FACTOR = 2", "FACTOR = 3", "FACTOR = 4"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("place", ELSEWHERE)
def test_an_answer_that_is_whole_only_below_its_cell_is_graded_before_it_is_changed(place, later, mini):
    own, cells = ELSEWHERE[place]
    (released,) = (c.source for c in template(mini, mini.notebooks[0]).cells if grade_id(c) == "ex-1-1")
    result = later(*cells, ex_1_1=released if own is None else own)
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
def test_no_other_notebook_pays_with_its_time(submit, mini, one_secret):
    notebook = submit()
    notebook.cells.append(new_code_cell("double = 5"))
    with Host(SHORT, best_isolation(limits=SHORT)) as host:
        host.left = SHORT.total_wall / 2 - 1
        (spec,) = mini.notebooks
        result = grade_repaired(repair(nbformat.writes(notebook).encode(), mini, spec), mini, spec, host=host, secret=one_secret)
    assert result.earned == 7
    assert "exercise 1.1; no time was left to grade it as its own cell defines it." in result.exercises[0].notes[0]


@pytest.mark.slow
def test_a_second_look_has_only_what_the_other_notebooks_do_not_need(submit, mini, one_secret):
    notebook = submit(**{"ex-1-1": "import time\ntime.sleep(1)\ndef double(x): return 2 * x"})
    notebook.cells.append(new_code_cell("double = 5"))
    with Host(SHORT, best_isolation(limits=SHORT)) as host:
        (spec,) = mini.notebooks
        repaired = repair(nbformat.writes(notebook).encode(), mini, spec)
        host.left = SHORT.total_wall / 2 + 2  # the first look and the beginning of a second
        grade_repaired(repaired, mini, spec, host=host, secret=one_secret)
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
    assert states({**BEFORE, 5: later}, 2, "f") == ([[0, 1, 2]] if expected else [])
    assert states({**BEFORE, 5: later}, 5, "f") == []


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["def f(): return g()", "def g(): pass", "x = 1", "g = 2"], [[0], [0, 1, 2]]),
        (["def f(): pass", "x = 1", "f = 2", "f = 3", "f = 4", "f = 5"], [[0], [0, 1, 2, 3], [0, 1, 2, 3, 4]]),
        (["def f(): return K", "def g():\n    global K\n    K = 1", "x = 1"], [[0]]),
        (["def f(): return K", "K = 1", "def g():\n    global K\n    K = 2\ndef h(): g()", "x = 1", "h()"], [[0], [0, 1], [0, 1, 2, 3]]),
        (["def g():\n    global K\n    K = 1\ndef f(): return K", "h = g", "h()"], [[0], [0, 1]]),
        (["def f(): return K", "def g():\n    global L\n    L = 1", "g()"], []),
        (["def f(): return K", "def g():\n    global K\n    K = 1", "K = 2", "%timeit g()", "f(1)"], [[0], [0, 1], [0, 1, 2]]),
    ],
)
def test_states_before_each_change_are_few(cells, found):
    assert states(dict(enumerate(cells)), 0, "f") == found


def test_below_what_may_bind_anything_any_name_counts():
    assert states({0: "%run other.py", 1: "def f(): pass", 2: "y = 1"}, 1, "f")
    assert not states({0: "%run other.py", 1: "def f(): pass", 2: "print(1)"}, 1, "f")
    assert not states({0: "%matplotlib inline", 1: "def f(): pass", 2: "y = 1"}, 1, "f")


@pytest.mark.parametrize(
    ("magic", "expected"),
    [
        *((text, []) for text in (
            "%timeit f(2)", "t = %timeit -o f(2)", "%matplotlib inline", "%pip install x", "!pip install x", "pip install x",
            "files = !ls", "%config InlineBackend.figure_format = 'svg'", "%time f(2)", "%time y = f(2)", "%%time\ny = f(2)",
            "%%timeit\nf = 1", "%%timeit x = 1\nf(x)", "%%bash\nf=1", "%%writefile f.py\nf = 1", "%%capture out\nf(2)",
            "f?", "?f", "f??", "for k in range(3):\n    %time f(k)", "%load_ext autoreload\n%autoreload 2", "%cd ..", "%who",
            "%%time\n%matplotlib inline\nf(2)", "%env A=1", "%%html\n<b>f = 1</b>", "%prun f(2)", "",
        )),
        *((text, [[0]]) for text in (
            "%reset -f", "%run other.py", "%load other.py", "%store -r f", "%time f = 1", "%%time\nf = 1", "%%capture f\nf(2)",
            "%%capture\nf = 1", "f = !ls", "f = %timeit -o g()", "%xdel f", "%pylab", "%sc f=ls", "%macro f 1", "%unheard_of",
            "%%unheard_of\n1", "%%bash --out f\nls", "%load_ext other", "%%time\n%reset -f", "%timeit global f; f = 1", "1 +",
            "%%timeit\nglobal f\nf = 1", "%matplotlib inline\nf = 1", "for k in range(3):\n    %time f = k", "%edit", "%rerun",
        )),
    ],
)  # fmt: skip
def test_a_magic_counts_for_what_it_can_do_to_names(magic, expected):
    assert states({0: "def f(x): return x", 5: magic}, 0, "f") == expected


def test_what_stands_in_a_text_is_no_magic():
    assert as_python("%timeit f() if x else y\n%who\nx = 1") == "[f, x, y]\npass\nx = 1"
    assert states({0: "def f(): pass", 1: "x = '''\n%reset\n'''"}, 0, "f") == []
