"""Problems that tell a right answer from its near misses, calls that share objects, the visible check among the hidden."""

from __future__ import annotations

import numpy as np
import pytest

from graders.checking.local import LocalStudent
from graders.checking.sandboxed import SandboxedStudent
from graders.checking.separation import once_per_problem, separating
from graders.checking.verdict import MAX_MESSAGE, CheckResult, HiddenChecksError, judge
from graders.checking.visible import visible
from graders.grading.canary import best_isolation
from graders.lab.manifest import Check
from graders.sandbox.isolation import Limits
from graders.sandbox.notebook import Host, NotebookRun
from graders.sandbox.values import Seed
from graders.status import Status, StudentError, StudentFault
from sheaflab import Network, Sheaf
from sheaflab.checks.figures import Bar
from sheaflab.checks.messages import CheckFailed, close, fail

CELLS = """
import collections, array, numpy as np
kept = {}
def remembers(sheaf, c):
    return kept.setdefault(id(sheaf), c.sum())
def overwrites(c):
    c[0] = 5.0
    return 1.0
buffer = np.zeros(2)
def buffered(c):
    buffer[:] = c
    return 1.0, buffer
def lists(c):
    kept["list"] = kept.get("list", [])
    kept["list"].append(float(c[0]))
    return kept["list"]
def draws(rng):
    return rng.standard_normal()
def activation_pattern(z):
    return z > 1e-6
class Numbers:
    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0])
KINDS = [collections.deque([1, 2]), array.array("d", [1, 2]), memoryview(np.array([1.0, 2])), np.uint64([1, 2]),
         np.float32([1, 2]), Numbers(), [np.float32(1), np.uint64(2)], (1, 2), range(1, 3),
         np.array([1, 2.0], dtype=object)]
def kind(k):
    return KINDS[k]
def first_of(times, dt=0.1):
    return times[0]
class Runs:
    def __init__(self, dt):
        self.dt = dt
        self.total = 0.0
    def run(self, c):
        raise ValueError("never")
    def add(self, c):
        self.total += self.dt * c.sum()
        return self.total
def hangs(c):
    while True:
        pass
networks = []
def seen_before(sheaf):
    networks.append(sheaf.net)
    return sum(net is sheaf.net for net in networks[:-1])
"""


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
        return sandboxed
    names = {}
    exec(CELLS, names)
    return LocalStudent(names, {})


def draw(rng):
    x = float(rng.uniform(0, 10))
    return None if x < 5 else (x, 2.0)


def test_each_near_miss_is_off_by_ten_times_the_tolerance_on_one_of_the_problems():
    near = {"x − 1 above 9": lambda x, y: x * y - (x > 9), "never far": lambda x, y: x * y + (0.2 if x > 8 else 0.05)}
    found = separating(np.random.default_rng(0), draw, lambda x, y: x * y, near, tol=0.01, most=2)
    assert len(found) <= 2
    assert all(case.args[0] >= 5 for case in found)  # None is drawn again
    for miss in near.values():
        assert any(abs(miss(*case.args) - case.expected) >= 0.1 for case in found)


def test_a_near_miss_that_no_problem_shows_is_the_fault_of_the_check_and_named():
    near = {"equal to the truth": lambda x, y: x * y}
    with pytest.raises(HiddenChecksError, match="equal to the truth"):
        separating(np.random.default_rng(0), draw, lambda x, y: x * y, near, tries=50)


def test_a_search_that_has_chosen_badly_begins_anew():
    drawn = iter([1, *[2, 4] * 10, 6, 5])  # bits: the near misses that a problem shows; after 1 one has to show two
    near = {f"bit {k}": lambda bits, k=k: bits ^ (1 << k) & bits for k in range(3)}
    cases = separating(np.random.default_rng(0), lambda rng: (next(drawn),), lambda bits: bits, near, most=2, tries=21)
    assert [case.args for case in cases] == [(6,), (5,)]


def test_near_misses_meet_no_problem_that_is_of_no_use():
    met = set()
    near = {"one more": lambda x, y: met.add(x) or x * y + 1}
    (case,) = separating(np.random.default_rng(0), draw, lambda x, y: x * y, near, most=1, fit=lambda xy: xy > 19)
    assert case.expected > 19
    assert met == {case.args[0]}


def test_near_misses_of_a_problem_share_what_they_need_and_those_of_another_do_not():
    made = list[np.ndarray]()
    doubled = once_per_problem(lambda c, *more: made.append(c) or 2 * c)
    one, like_it = np.ones(2), np.ones(2)
    assert doubled(one) is doubled(one)
    doubled(like_it)  # equal is not the same: it may change
    doubled(one, 1)
    assert [c is one for c in made] == [True, False, True]


def test_what_raises_has_another_shape_or_is_no_number_is_told_apart():
    near = {"raises": lambda x, y: 1 / 0, "shape": lambda x, y: [x * y] * 2, "nan": lambda x, y: np.nan}
    assert len(separating(np.random.default_rng(0), draw, lambda x, y: x * y, near, tol=1e9, most=1)) == 1


def test_an_object_that_calls_share_is_one_object_for_the_student(student):
    shared, other = np.zeros(2), np.zeros(2)
    calls = [(shared, np.array([1.0])), (shared, np.array([2.0])), (other, np.array([3.0]))]
    assert student.series("remembers", *calls) == [1.0, 1.0, 3.0]


def test_sheaves_of_one_network_have_one_network_for_the_student(student):
    net, other = Network.random([2, 3, 1], seed=0), Network.random([2, 3, 1], seed=1)
    sheaves = [Sheaf(net, [1.0, 0.0]), Sheaf(other, [1.0, 0.0]), Sheaf(net, [0.0, 1.0])]
    assert student.series("seen_before", *((sheaf,) for sheaf in sheaves)) == [0, 0, 1]
    assert student.series("seen_before", sheaves[:1]) == [0]  # another request, another object


def test_runs_of_one_object_of_a_class(student):
    calls = [(np.array([1.0]),), (np.array([2.0]),)]
    assert student.series("Runs", *calls, init={"dt": 0.5}, method="add") == [0.5, 1.5]
    assert student.series("Runs", *calls, init={"dt": 0.5}, method="add") == [0.5, 1.5]  # another object


def test_an_argument_that_is_another_one_afterwards_is_told_with_what_it_was(student):
    with pytest.raises(CheckFailed, match=r"(?s)returned: \[5., 2.\].*expected: \[1., 2.\], as before.*work on a copy"):
        student.series("overwrites", (np.array([1.0, 2.0]),))


@pytest.mark.parametrize("name", ["buffered", "lists"])
def test_a_result_that_a_later_call_changes_is_told(student, name):
    one, other = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    with pytest.raises(CheckFailed, match="a later call must not change what an earlier one returned"):
        student.series(name, (one,), (other,))


def test_what_no_call_changes_may_be_one_object(student):
    c = np.array([1.0, 2.0])
    assert len(student.series("buffered", (c,), (c,))) == 2


def test_an_answer_that_fails_the_visible_check_fails_it_here_too(student):
    with pytest.raises(CheckFailed, match="1e-300"):
        visible(student, "lab09", "1.1", "activation_pattern")


def test_what_a_call_raises_in_the_visible_check_stays_what_it_is(sandboxed):
    sandboxed.next_exercise()
    with pytest.raises(StudentFault, match="there is no `velocity`"):
        visible(sandboxed, "lab09", "2.1", "velocity")


def test_a_generator_goes_on_from_where_it_is(student):
    rng = np.random.default_rng(7)
    rng.standard_normal(3)
    expected = np.random.default_rng(7).standard_normal(4)[3]
    assert student.call("draws", rng) == expected


@pytest.mark.parametrize("k", range(10))
def test_whatever_numpy_takes_for_numbers_can_be_read(sandboxed, k):
    np.testing.assert_array_equal(np.asarray(sandboxed.call("kind", k), dtype=float), [1, 2])


def told(ask):
    with pytest.raises(StudentFault) as raised:
        ask()
    return judge(raised.value)[1].split("\n")[0]


def test_what_a_call_raises_is_told_with_the_call_itself(student):
    assert told(lambda: student.call("first_of", [], dt=0.2)) == "first_of([], dt=0.2) raised"
    assert told(lambda: student.series("first_of", ([],), ([1.0],))) == "first_of([]), or a later one of 2 calls raised"
    assert told(lambda: student.run("Runs", {"dt": 0.5}, np.zeros(2))) == "Runs(dt=0.5).run([0., 0.]) raised"
    several = lambda: student.series("Runs", (np.zeros(2),), (np.ones(2),), init={"dt": 0.5})  # noqa: E731
    assert told(several) == "Runs(dt=0.5).run([0., 0.]), or a later one of 2 calls raised"
    assert told(lambda: student.call("first_of", Seed(3))) == "first_of(np.random.default_rng(3)) raised"
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, 0.0])
    assert told(lambda: student.call("first_of", sheaf)) == "first_of(Sheaf of widths [2, 4, 1]) raised"
    assert told(lambda: student.call("Runs.run", 1)).startswith("Runs.run(…): there is no")


@pytest.mark.slow
def test_checks_that_are_not_run_after_one_that_took_too_long_say_so(sandboxed):
    sandboxed.next_exercise()
    with pytest.raises(StudentFault) as first:
        sandboxed.call("hangs", np.zeros(1))
    with pytest.raises(StudentFault) as second:
        sandboxed.call("first_of", [1.0])
    assert first.value.status is second.value.status is Status.TIMED_OUT
    assert "not called again" not in first.value.message
    assert second.value.message == f"{first.value.message} (in an earlier call of this exercise: after that it is not called again)"


@pytest.mark.parametrize("text", ["returned", "expected", "call"])
def test_however_long_a_text_is_the_rest_of_the_message_is_there(text):
    parts = {"call": "f()", "returned": "1", "expected": "2", text: "x" * 9000}
    with pytest.raises(CheckFailed) as failed:
        fail(**parts, hint="turn left")
    message = judge(failed.value)[1]
    assert len(message) < MAX_MESSAGE
    for name in ("call", "returned", "expected", "hint"):
        assert f"  {name}:" in message


def test_what_is_raised_at_the_end_of_a_long_traceback_is_not_cut_off():
    failure = StudentError(Status.RAISED, "ValueError", "never", "first\n" + "line\n" * 2000 + "ValueError: never", "f()")
    message = CheckResult.of(Check("a", "title", 1.0), failure).message
    assert len(message) <= MAX_MESSAGE
    assert message.startswith("f() raised\nfirst")
    assert message.endswith("ValueError: never")


@pytest.mark.parametrize(("got", "want"), [([1 / 3], np.array([1 / 3 + 1e-9])), (0.5, 0.5 + 1e-10)])
def test_values_that_look_alike_are_shown_with_all_their_digits(got, want):
    with pytest.raises(CheckFailed) as failed:
        close(got, want, call="f()", tol=1e-12)
    shown = dict(row.strip().split(": ", 1) for row in str(failed.value).split("\n")[1:])
    assert shown["returned"].strip() != shown["expected"].strip()
    assert max(len(shown[name].strip()) for name in ("returned", "expected")) > 11


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (lambda: figure.ylabel, Status.GRADER),  # noqa: F821
        (lambda: np.arrray([1.0]), Status.GRADER),
        (lambda: Bar(0.0, 0.0, 1.0, 1.0, True).hight, Status.GRADER),
        (lambda: (1.0).states, Status.WRONG),
        (lambda: Network.random([1, 1, 1], seed=0).states, Status.WRONG),
        (lambda: [][0], Status.WRONG),
    ],
    ids=["a name", "of a module", "of a figure", "of a number", "of a network", "an index"],
)
def test_what_no_answer_can_cause_is_the_fault_of_the_check(wrong, status):
    with pytest.raises((NameError, AttributeError, IndexError)) as raised:
        wrong()
    found, message = judge(raised.value)
    assert found is status
    assert ("the hidden check itself is at fault" in message) is (status is Status.GRADER)
