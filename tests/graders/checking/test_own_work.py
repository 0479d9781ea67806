"""What student code uses of the library is noted while a call runs; an exercise is judged without a mistake elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graders.checking.following import following
from graders.checking.local import LocalStudent
from graders.checking.problems import own_work
from graders.checking.sandboxed import SandboxedStudent
from graders.checking.verdict import CheckResult, settle
from graders.grading.canary import best_isolation
from graders.lab.manifest import Check, Course
from graders.proof.selfcheck import judge_here
from graders.sandbox.isolation import Limits
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import Status, StudentError
from sheaflab import Network, Sheaf
from sheaflab.checks.messages import CheckFailed, close

COURSE = Course.load(Path(__file__).parents[3] / "course", "lab09")
SHEAF = Sheaf(Network.random([2, 4, 1], seed=1), [1.0, -1.0])
CELLS = """
import functools, operator, numpy as np
from sheaflab import *
from sheaflab import EventEuler as Borrowed
keep = Sheaf.energy
def direct(sheaf, c): return sheaf.energy(c)
def hidden(sheaf, c): return getattr(sheaf, "en" + "ergy")(c)
def early(sheaf, c): return keep(sheaf, c)
def mapped(sheaf, c): return list(map(sheaf.energy, [c]))[0]
def helper(sheaf, c): return direct(sheaf, c)
def threaded(sheaf, c):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool: return pool.submit(sheaf.energy, c).result()
def handed(sheaf, c): return sheaf.shared(functools.partial(Sheaf.energy, c=c))
def called(sheaf, c): return sheaf.shared(operator.methodcaller("energy", c))
def own(sheaf, c): return 0.5 * float(np.sum((sheaf.restricted(sheaf.pattern(c)) @ c - sheaf.boundary_term) ** 2))
class Mine(Exact): pass
def renamed(sheaf, c): return float(Mine().run(sheaf, c, 1.0).log.count)
def through(sheaf, c): return float(Exact().run(sheaf, c, 1.0).log.count)
class Inherits(EventEuler): pass
class Borrows(Euler):
    tol = 1e-10
    locate = Borrowed.locate
Copies = type("Copies", (Euler,), {"tol": 1e-10, "locate": Borrowed.locate, "__module__": Borrowed.__module__})
class Makes(Euler):
    def locate(self, region, c, h): return EventEuler(self.dt).locate(region, c, h)
class Helper(EventEuler): pass
class Helped(Euler):
    def locate(self, region, c, h): return Helper(self.dt).locate(region, c, h)
class Own(Euler):
    def locate(self, region, c, h):
        a, b = 0.0, h
        while b - a > 1e-10:
            m = (a + b) / 2
            a, b = (m, b) if region.contains(self.advance(region, c, m)) else (a, m)
        return b
def earlier(x): return x + 1
def later(x): return 2 * earlier(x)
def never(x):
    raise NotImplementedError("Exercise 9.8: an earlier one")
"""
FORBIDDEN = "Sheaf.energy", "Exact"


@pytest.fixture(scope="module")
def sandboxed():
    limits = Limits()
    with Host(limits, best_isolation(limits=limits)) as host, NotebookRun({0: CELLS}, host) as run:
        student = SandboxedStudent(run, {})
        yield student
        student.next_exercise()  # ends the last child


@pytest.fixture(params=["sandbox", "local"])
def student(request, sandboxed):
    if request.param == "sandbox":
        sandboxed.next_exercise()
        sandboxed._known.clear()
        return sandboxed
    names = {"__name__": "__main__"}
    exec(CELLS, names)
    return LocalStudent(names, {})


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("direct", "Sheaf.energy"),
        ("hidden", "Sheaf.energy"),
        ("early", "Sheaf.energy"),
        ("mapped", "Sheaf.energy"),
        ("helper", "Sheaf.energy"),
        ("threaded", "Sheaf.energy"),
        ("handed", "Sheaf.energy"),
        ("called", "Sheaf.energy"),
        ("through", "Exact"),
        ("renamed", "Exact"),
        ("own", ""),
    ],
)
def test_a_forbidden_function_is_noted_however_it_is_come_by(student, name, used):
    with student.watching(*(f"sheaflab:{known}" for known in FORBIDDEN)) as noted:
        student.call(name, SHEAF, np.ones(5))
    assert noted == ({f"sheaflab:{used}"} if used else set())


@pytest.mark.parametrize(
    ("name", "fails"), [("Inherits", 1), ("Borrows", 1), ("Copies", 1), ("Makes", 1), ("Helped", 1), ("Own", 0)]
)
def test_classes_are_judged_by_what_they_inherit_borrow_and_make(student, name, fails):
    def judge():
        with own_work(student, name, ["sheaflab:EventEuler"], hint="bisect"):
            student.run(name, {"dt": 0.1}, SHEAF, np.array([1.0, -1, 1, -1, 2]), 2.0)

    if not fails:
        judge()
        return
    with pytest.raises(CheckFailed, match=rf"{name}, while a hidden check calls it\n.*the library's `EventEuler`"):
        judge()


def test_a_stand_in_takes_the_place_of_an_earlier_exercise_alone_and_the_message_says_so(student):
    def judge(expected, right):
        with following(student, "earlier", "9.7", lambda: student.call("earlier", 1) == right, lambda x: x + 10) as own:
            close(student.call("later", 1), expected, call="later(1)", tol=0.0)
            return own

    assert judge(4, 2)  # the student's own version works: it is used
    student._known.clear()
    assert not judge(22, 11)
    assert student.call("later", 1) == 4  # and the stand-in is gone again
    with pytest.raises(
        CheckFailed, match=r"tried: +with a right one in the place of your `earlier`, for exercise 9\.7"
    ):
        judge(4, 11)


def test_an_error_in_the_trial_itself_is_no_verdict_on_the_earlier_exercise(student):
    def works():
        raise ValueError("of ours")

    with pytest.raises(ValueError, match="of ours"), following(student, "earlier", "9.7", works, lambda x: x + 10):
        pass
    student._known.clear()
    with following(student, "never", "9.7", lambda: student.call("never", 1) == 1, lambda x: x + 10) as own:
        assert not own  # what the student's own code raises is a verdict


def test_an_exercise_that_needs_an_empty_one_is_not_the_one_that_is_empty(student):
    check = Check("fresh", "fresh values", 1)
    with pytest.raises(StudentError) as caught:
        student.call("never", 1)
    assert CheckResult.of(check, caught.value, "9.8").status is Status.NOT_ATTEMPTED
    other = CheckResult.of(check, caught.value, "9.9")
    assert other.status is Status.RAISED
    assert "needs exercise 9.8, which is not written yet" in other.message


def test_own_work_is_paid_only_beside_another_check():
    own, other = (Check(name, name, 1) for name in ("own_work", "value"))
    wrong = CheckFailed("wrong")
    assert [r.earned for r in settle([CheckResult.of(other, wrong), CheckResult.of(own, None)])] == [0, 0]
    assert [r.earned for r in settle([CheckResult.of(other, None), CheckResult.of(own, None)])] == [1, 1]


EMPTY = 'raise NotImplementedError("Exercise {}: as handed out")'
STUB_3 = f"def count_switches(states, h):\n    {EMPTY.format('3.1')}\n"
WRONG_3 = "def count_switches(states, h):\n    return int(((states[1:] > 0) != (states[:-1] > 0)).sum())\n"
STRANGE_3 = "def count_switches(states, h):\n    return [states, {'h': h}]\n"
STUB_6 = f"class BisectingEuler(Euler):\n    def locate(self, region, c, h):\n        {EMPTY.format('6.3')}\n"
WRONG_6 = "class BisectingEuler(Euler):\n    pass\n"
STUB_7 = f"def wall_verdict(f_minus, f_plus):\n    {EMPTY.format('7.1')}\n"
STRANGE_6 = "class BisectingEuler(Euler):\n    def run(self, *args):\n        return [1.0, 'two']\n"
STRANGE_7 = "def wall_verdict(f_minus, f_plus):\n    return np.array([f_minus, f_plus])\n"
CALLS_7 = """
def sliding_euler(sheaf, c0, dt, t_end):
    h, c, count = sheaf.h, np.array(c0, dtype=float), 0
    mode = ["on" if z > 0 else "off" for z in c[:h]]
    for _ in range(round(t_end / dt)):
        off, on = sheaf.wall_speeds(c)
        v = sheaf.velocity(c)
        v[:h] = [{"on": on[i], "off": off[i], "slides": 0.0}[mode[i]] for i in range(h)]
        c = c + dt * v
        arrived = [i for i in range(h) if mode[i] != "slides" and (c[i] > 0) != (mode[i] == "on")]
        c[arrived] = 0.0
        off, on = sheaf.wall_speeds(c)
        for i in range(h):
            new = mode[i]
            if i in arrived:
                told = wall_verdict(off[i], on[i])
                came = "off" if mode[i] == "on" else "on"
                new = {"turns on": "on", "turns off": "off", "slides": "slides", "repels": came}[told]
            elif mode[i] == "slides" and off[i] <= 0:
                new = "off"
            elif mode[i] == "slides" and on[i] >= 0:
                new = "on"
            count += new != mode[i]
            mode[i] = new
    return count, c
"""


@pytest.mark.parametrize(
    ("notebook", "earlier", "source", "exercise", "answer"),
    [
        ("lab09-3", "3.1", STUB_3, "3.2", ""),
        ("lab09-3", "3.1", WRONG_3, "3.2", ""),
        ("lab09-3", "3.1", STRANGE_3, "3.2", ""),
        ("lab09-6", "6.3", STUB_6, "6.4", ""),
        ("lab09-6", "6.3", WRONG_6, "6.4", ""),
        ("lab09-6", "6.3", STRANGE_6, "6.4", ""),
        ("lab09-7", "7.1", STUB_7, "7.4", CALLS_7),
        ("lab09-7", "7.1", STRANGE_7, "7.4", CALLS_7),
    ],
)
@pytest.mark.slow
def test_a_right_answer_loses_nothing_by_an_earlier_one_that_is_empty_or_wrong(
    notebook, earlier, source, exercise, answer
):
    results = judge_here(COURSE, notebook, exercise, answer, b"any", others={earlier: source})
    assert {result.status for result in results} == {Status.OK}, results
