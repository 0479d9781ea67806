"""From stub to grade: one notebook through the sandbox, and the whole chain through nbgrader."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graders.checking.verdict import CheckResult
from graders.gradebook import nbgrader_api
from graders.gradebook.writing import read_result
from graders.grading.canary import best_isolation
from graders.grading.results import ExerciseResult
from graders.lab.leaks import leaks
from graders.sandbox.isolation import Isolation
from graders.status import Status
from tests.graders.conftest import hand_in
from tests.needs import needs_level

LOOP = "def double(x):\n    while True:\n        pass"


def statuses(result):
    return [exercise.status for exercise in result.exercises]


def test_the_key_gets_full_marks(grade, submit):
    result = grade(submit())
    assert statuses(result) == [Status.OK] * 4
    assert result.earned == result.points == 10
    assert result.isolation is best_isolation()


def test_the_stub_gets_nothing_and_is_told_so(grade, mini):
    from graders.grading.grade import answered

    result = grade(answered(mini, mini.notebooks[0], {}))
    assert result.earned == 0
    assert statuses(result) == [Status.NOT_ATTEMPTED] * 4  # the last is a class: its cell raises when it is run
    assert "raises NotImplementedError" in result.exercises[0].text()


def test_one_is_told_in_the_singular():
    check = CheckResult("numbers", "random numbers", Status.WRONG, 1.0)
    assert "0 of 1 point: 0 of 1 check passed" in ExerciseResult("1.1", "double", Status.WRONG, (check,)).text()
    assert "0 of 2 points: 0 of 2 checks passed" in ExerciseResult("1.1", "double", Status.WRONG, (check,) * 2).text()


def test_a_plausible_slip_loses_exactly_its_check(grade, submit):
    result = grade(submit(ex_1_1="def double(x):\n    return 2 * x if np.ndim(x) == 0 else x"))
    lost = [check.name for exercise in result.exercises for check in exercise.checks if check.status is not Status.OK]
    assert lost == ["arrays"]
    assert result.earned == 8
    text = result.exercises[0].text()
    assert "call:" in text
    assert "expected:" in text


@pytest.mark.slow
def test_the_most_memory_held_is_told(grade, submit):
    small = grade(submit())
    large = grade(submit(ex_1_1="def double(x):\n    return 2 * x * np.ones(25_000_000).mean()"))
    assert small.earned == large.earned == 10
    assert 20 * 1024 < small.memory < large.memory - 150 * 1024  # KiB; the array has 191 MiB
    assert large.summary()["memory"] == large.memory


@pytest.mark.slow
def test_an_endless_loop_costs_its_own_exercise_only(grade, submit):
    result = grade(submit(ex_1_1=LOOP))
    assert statuses(result) == [Status.TIMED_OUT, Status.OK, Status.OK, Status.OK]


@pytest.mark.parametrize("level", Isolation)
@pytest.mark.slow
def test_every_way_of_isolation_gives_the_same_grade_and_says_its_name(grade, submit, level):
    needs_level(level)
    result = grade(submit(ex_1_2="def twice(f, x):\n    return f(x)"), level=level)
    assert statuses(result) == [Status.OK, Status.WRONG, Status.OK, Status.OK]
    assert result.isolation is level
    told = "".join(exercise.text() for exercise in result.exercises) + " ".join(result.notes)
    assert "isolation" not in told  # what the machine lacks is told to staff, who can mend it
    assert "bubblewrap" not in told


CASES = {
    "raises": ("def double(x):\n    return 1 / 0", Status.RAISED, "ZeroDivisionError"),
    "syntax error": ("def double(x:\n    return 2", Status.RAISED, "SyntaxError"),
    "other name": ("def dubble(x):\n    return 2 * x", Status.UNDEFINED, "there is no `double`"),
    "no function": ("double = 3", Status.UNDEFINED, "not a function"),
    "exits": ("import os\ndef double(x):\n    os._exit(0)", Status.KILLED, "exit code 0"),
    "kills itself": ("import os\ndef double(x):\n    os.kill(os.getpid(), 9)", Status.KILLED, "killed"),
    "sleeps": ("import time\ndef double(x):\n    time.sleep(1000)", Status.TIMED_OUT, "no answer within"),
    "eats memory": ("def double(x):\n    return np.ones((10**6, 10**6))", Status.OUT_OF_MEMORY, "allocate"),
    "prints without end": (
        "def double(x):\n    while True:\n        print('x' * 10**6)",
        Status.TOO_MUCH_OUTPUT,
        "MB printed",
    ),
    "returns an object": ("def double(x):\n    return object()", Status.BAD_VALUE, "a value of type object"),
    "returns a huge integer": ("def double(x):\n    return 10**399", Status.BAD_VALUE, "64 bits"),
    "returns nan": ("def double(x):\n    return float('nan')", Status.WRONG, "expected"),
    "returns nothing": ("def double(x):\n    x = 2 * x", Status.WRONG, "return"),
    "returns what equals all": (
        "class Any:\n    def __eq__(self, other):\n        return True\ndef double(x):\n    return Any()",
        Status.BAD_VALUE,
        "a value of type Any",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_end_of_a_call_has_its_status(grade, submit, case):
    source, status, said = CASES[case]
    result = grade(submit(ex_1_1=source))
    assert statuses(result) == [status, Status.OK, Status.OK, Status.OK]
    assert said in result.exercises[0].text()


def test_a_cell_that_dies_costs_neither_the_cells_before_it_nor_those_after(grade, submit):
    notebook = submit()
    extra = notebook.cells[1].copy()
    extra["source"], extra["id"], extra["metadata"] = "import os\nos._exit(1)", "extra", {}
    notebook.cells.insert(4, extra)
    assert grade(notebook).earned == 10


@pytest.mark.slow
def test_grading_by_nbgrader_itself(course, submit, mini):
    from graders.grading.grade import answered

    assert leaks(course, course.root / "release") == []
    hand_in(course, "ada", submit())
    hand_in(course, "bob", submit(ex_1_1=LOOP))
    hand_in(course, "cyn", answered(mini, mini.notebooks[0], {}))
    hand_in(course, "dan", b"\xff\xd8 this is a photograph")
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "mini"],
        cwd=course.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "A person must look at dan: mini-1.ipynb: the file is not UTF-8 text" in done.stderr
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        scores = {s.student.id: (s.score, s.needs_manual_grade) for s in book.assignment_submissions("mini")}
        assert scores == {"ada": (10, True), "bob": (7, True), "cyn": (0, False), "dan": (0, True)}
    told = read_result(course.root / "autograded" / "dan" / "mini" / "mini-1.ipynb")
    assert told["status"] == "UNREADABLE"
    assert "not UTF-8" in told["notes"][0]
    nbgrader_api.feedback(course, "bob")
    page = (course.root / "feedback" / "bob" / "mini" / "mini-1.html").read_text()
    assert "timed out" in page
    assert "look for a loop that never ends" in page
    assert "Stuck on numbers, arrays?" in page
    assert '<a href="#hints-1-1">' in page
    assert page.count('<h3 id="hints-1-1">Exercise 1.1: double</h3>') == 1
    assert "<summary>Hint 1 of 1</summary><p>Multiply.</p>" in page
    assert "hints-1-2" not in page  # all right there
