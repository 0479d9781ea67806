"""One judgement: sandbox, this process and the self-study edition say the same of an answer, status and message.

The browser has no sandbox: there a notebook's functions are reached in the page's own Python, as here in this process.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from graders.checking import local
from graders.checking.local import LocalStudent
from graders.checking.sandboxed import SandboxedStudent
from graders.checking.suite import run_checks
from graders.checking.verdict import judge
from graders.grading.canary import best_isolation
from graders.lab.percent import solutions
from graders.publish.selfstudy.failures import Asked
from graders.publish.selfstudy.pack import fresh
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import Status
from sheaflab.study import catalogue
from sheaflab.study.checking import execute
from sheaflab.study.edition import Answers
from tests.graders.conftest import SHORT

CHECKS = '''
"""PYTEST_DONT_REWRITE: the pytest of these tests must not"""
import numpy as np
from graders.checking.student import close, fail
from sheaflab import Euler, Network, Sheaf

class TestExercise_1_1:
    def test_numbers(self, student, instances):
        for x in instances.rng("numbers").standard_normal(3):
            close(student.call("double", x), 2 * x, call=f"double({x:.3g})", tol=1e-12, hint="twice")

    def test_arrays(self, student, instances):
        x = instances.rng("arrays").standard_normal((2, 3))
        got = student.call("double", x)
        assert got.shape == x.shape
        close(got, 2 * x, call="double(x)", tol=1e-12)

class TestExercise_1_2:
    def test_composition(self, student, instances):
        shift = instances.rng("shift").uniform(1, 2)
        close(student.call("twice", lambda v: v + shift, x=1.0), 1 + 2 * shift, call="twice(f, 1.0)", tol=1e-12)

    def test_two_calls(self, student, instances):
        def f(v):
            if np.shape(v):
                raise TypeError("f takes one number")
            return v
        close(student.call("twice", f, 1.0), 1.0, call="twice(f, 1.0)", tol=0.0)

class TestExercise_1_3:
    def test_line(self, student, instances):
        x = np.linspace(0, 1, 5)
        shown = student.draw("plot_parabola", x)
        if len(shown.lines) != 1:
            fail(call="plot_parabola(ax, x)", returned=f"{len(shown.lines)} lines", expected="1 line")
        close(shown.lines[0].y, x**2, call="plot_parabola(ax, x)", tol=1e-12)
        told = f"{shown.title!r} {shown.xlabel!r} {shown.xscale} {shown.xlim} {shown.ylim} {shown.legend}"
        told += f" {shown.lines[0].label!r} {shown.bars} {shown.misread}"
        if "parabola" not in told:
            fail(call="plot_parabola(ax, x)", returned=told, expected="a parabola")

class TestExercise_1_4:
    def test_runs(self, student, instances):
        got = student.run("Doubler", {"factor": 3.0}, 2.0)
        close(got, 6.0, call="Doubler(3.0).run(2.0)", tol=1e-12)
'''
DRAWN = "def plot_parabola(ax, x):\n    "
CASES = {
    "right": ("1.1", "def double(x):\n    return 2 * x", Status.OK),
    "warns": ("1.1", "def double(x):\n    import warnings\n    warnings.warn('old')\n    return 2 * x", Status.OK),
    "wrong": ("1.1", "def double(x):\n    return 3 * x", Status.WRONG),
    "raises": ("1.1", "def double(x):\n    y = 1 / 0\n    return y", Status.RAISED),
    "raises without a word": ("1.1", "def double(x):\n    raise ValueError", Status.RAISED),
    "raises in a library": ("1.1", "def double(x):\n    return np.linalg.inv(np.zeros((2, 3)))", Status.RAISED),
    "raises what cannot be shown": (
        "1.1", "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\ndef double(x):\n    raise Odd", Status.RAISED,
    ),
    "stub": ("1.1", 'def double(x):\n    raise NotImplementedError("Exercise 1.1: double")', Status.NOT_ATTEMPTED),
    "missing name": ("1.1", "def dubble(x):\n    return 2 * x", Status.UNDEFINED),
    "no function": ("1.1", "double = 3", Status.UNDEFINED),
    "wrong type": ("1.1", "def double(x):\n    return object()", Status.BAD_VALUE),
    "a huge integer": ("1.1", "def double(x):\n    return 10**399", Status.BAD_VALUE),
    "nothing": ("1.1", "def double(x):\n    2 * x", Status.WRONG),
    "a text": ("1.1", "def double(x):\n    return 'twice'", Status.WRONG),
    "not a number": ("1.1", "def double(x):\n    return x * np.nan", Status.WRONG),
    "equal to all": (
        "1.1", "class Any:\n    def __eq__(self, other):\n        return True\ndef double(x):\n    return Any()", Status.BAD_VALUE,
    ),
    "what the check cannot use": ("1.1", "def double(x):\n    return 2 * x if np.ndim(x) == 0 else [1]", Status.WRONG),
    "a bare assertion fails": ("1.1", "def double(x):\n    return 2 * x if np.ndim(x) == 0 else x[0]", Status.WRONG),
    "changes its argument": ("1.1", "def double(x):\n    x *= 2\n    return x", Status.OK),
    "prints": ("1.1", "def double(x):\n    print(x)\n    return 2 * x", Status.OK),
    "prints without end": ("1.1", "def double(x):\n    while True:\n        print('x' * 10**6)", Status.TOO_MUCH_OUTPUT),
    "exits politely": ("1.1", "import sys\ndef double(x):\n    sys.exit('done')", Status.RAISED),
    "never ends": ("1.1", "def double(x):\n    while True:\n        pass", Status.TIMED_OUT),
    "never ends and catches all": (
        "1.1", "def double(x):\n    while True:\n        try:\n            x + 1\n        except Exception:\n            pass", Status.TIMED_OUT,
    ),
    "too large": ("1.1", "def double(x):\n    return np.ones((10**6, 10**6))", Status.OUT_OF_MEMORY),
    "a function of the check": ("1.2", "def twice(f, x):\n    return f(f(x))", Status.OK),
    "the function of the check raises": ("1.2", "def twice(f, x):\n    return f([x]) if f(0.0) == 0 else f(f(x))", Status.RAISED),
    "the function gets what cannot be sent": ("1.2", "def twice(f, x):\n    return f(object())", Status.RAISED),
    "another parameter": ("1.2", "def twice(f, z):\n    return f(f(z))", Status.RAISED),
    "drawn": ("1.3", DRAWN + "ax.plot(x, x**2, label='parabola')", Status.OK),
    "drawn by pyplot": ("1.3", "import matplotlib.pyplot as plt\n" + DRAWN + "plt.plot(x, x**2, label='parabola')", Status.WRONG),
    "drawn elsewhere": ("1.3", "import matplotlib.pyplot as plt\n" + DRAWN + "plt.figure().gca().plot(x, x**2)", Status.WRONG),
    "drawn with all else": (
        "1.3",
        DRAWN + "ax.plot(x, x**2, label='square'); ax.scatter(x, x); ax.bar([1], [2]); ax.fill_between(x, x); ax.legend();"
        " ax.set(title='T', xlabel='x', xscale='log', xlim=(1, 2))",
        Status.WRONG,
    ),
    "drawing raises": ("1.3", DRAWN + "ax.plot(x, x[:-1])", Status.RAISED),
    "a class": ("1.4", "class Doubler:\n    def __init__(self, factor):\n        self.f = factor\n    def run(self, x):\n        return self.f * x", Status.OK),
    "a class without the method": ("1.4", "class Doubler:\n    def __init__(self, factor):\n        pass", Status.RAISED),
}  # fmt: skip
LIMITS = replace(SHORT, wall=120.0)  # by CPU time, however busy the machine is


@pytest.fixture
def course(mini, tmp_path):
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "test_mini_1.py").write_text(CHECKS)
    return replace(mini, checks=folder)


@pytest.fixture(scope="module")
def host():
    with Host(LIMITS, best_isolation(limits=LIMITS)) as host:
        yield host


def plain(message):
    """A message without what tells where code was kept: names of files and modules, and the marks below a line."""
    message = message.replace("graders.sandbox.inside.protocol.", "protocol.")  # as the worker imports it
    message = re.sub(r'File "[^"]*", line', 'File "…", line', message)
    return re.sub(r"\n[ ~^]+(?=\n|$)", "", message)


def told(results):
    return [(result.name, result.status, plain(result.message)) for result in results]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_one_judgement(course, host, secret, monkeypatch, case):
    monkeypatch.setattr(local, "Limits", lambda: LIMITS)
    spec, (number, source, status) = course.notebooks[0], CASES[case]
    (exercise,) = (e for e in spec.exercises if e.id == number)
    spec = replace(spec, exercises=(exercise,))
    path, cells = course.checks_of(spec), ["import numpy as np", source]
    stub = solutions(course, course.notebooks[0])[exercise.solution_cell]
    names = tuple((check.name, check.title) for check in exercise.checks)
    task = catalogue.StudyTask(number, exercise.title, exercise.function, 1, (), (), names, stub, spec.name, course.assignment)
    with NotebookRun(dict(enumerate(cells)), host) as run:
        behind = SandboxedStudent(run, {number: source})
        graded = told(run_checks(behind, course, spec, secret).values())
        apart = [plain(outcome.message) for outcome in fresh(task, behind, path, secret)]
        behind.next_exercise()
    namespace = {"__name__": "__main__"}
    assert execute(Answers((("", cells[0]), ("ex", source))), "ex", namespace) == ""
    here = LocalStudent(namespace, {number: source})

    assert [s for _, s, _ in graded if s is not Status.OK][:1] == [status][: status is not Status.OK]
    assert told(local.run_checks(here, path, spec.name, number, exercise.checks, secret)) == graded
    judged = local.failures(Asked(here, stub), path, spec.name, number, exercise.checks, secret)
    assert [(check.name, *judge(failure)) for check, failure in judged if failure is None] == [
        entry for entry in graded if entry[1] is Status.OK
    ]
    outcomes = fresh(task, here, path, secret)
    assert [(outcome.name, outcome.passed) for outcome in outcomes] == [(n, s is Status.OK) for n, s, _ in graded]
    messages = [plain(outcome.message) for outcome in outcomes]
    if status is Status.TIMED_OUT:  # what is killed cannot say where it was
        messages = [re.sub(r"\n  line \d:.*", "", message) for message in messages]
    assert messages == apart


def test_a_bare_assertion_says_the_same_under_pytest(course):
    """In a process of its own: the pytest of these tests rewrites assertions wherever it can."""
    script = f"""
from dataclasses import replace
from pathlib import Path
from graders.checking.local import LocalStudent
from graders.checking.suite import run_checks
from graders.lab.manifest import Course
course = Course.load({str(course.root)!r}, checks={str(course.checks)!r})
spec = replace(course.notebooks[0], exercises=course.notebooks[0].exercises[:1])
path = course.checks_of(spec)
path.write_text(path.read_text().replace("PYTEST_DONT_REWRITE", ""))
student = LocalStudent({{"double": lambda x: 2 * x if x.ndim == 0 else x[0]}}, {{}})
print(run_checks(student, course, spec, b"any")["1.1", "arrays"].message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "the check failed\n"
