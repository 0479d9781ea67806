"""Each submission meets its own problems; the same work meets the same, and slow searches are shared by a class."""

from __future__ import annotations

import pytest

from graders.checking.local import LocalStudent
from graders.checking.problems import remembered
from graders.grading.grade import submission_of
from graders.sandbox.values import POOL, Instances
from graders.status import StudentError

PATH = "lab09-1", "1.1", "fresh_values"


def made(student="ada", source="def f(): return 1", secret=b"secret", path=PATH):
    return Instances(secret, *path, submission=submission_of(student, {"1.1": source}))


def first(rng):
    return int(rng.integers(2**62))


def test_the_same_work_meets_the_same_problems():
    assert [first(made().rng("a")), first(made().pooled("a"))] == [first(made().rng("a")), first(made().pooled("a"))]


@pytest.mark.parametrize(
    "other",
    [
        {"student": "bob"},
        {"source": "def f(): return 2"},
        {"secret": b"another"},
        {"path": ("lab09-1", "1.1", "strict_at_zero")},
    ],
    ids=["student", "source", "secret", "check"],
)
def test_another_student_answer_secret_or_check_meets_other_problems(other):
    assert first(made().rng("a")) != first(made(**other).rng("a"))
    assert made().integer("a") != made(**other).integer("a")


def test_the_checks_of_an_exercise_can_share_a_problem_that_no_other_submission_has():
    shared = first(made().of_exercise("a"))
    assert shared == first(made(path=("lab09-1", "1.1", "strict_at_zero")).of_exercise("a"))
    others = [{"student": "bob"}, {"source": "def f(): return 2"}, {"secret": b"another"}, {"path": ("lab09-1", "1.2", "mask")}]
    for rng in (made().of_exercise("b"), made().rng("a"), *(made(**other).of_exercise("a") for other in others)):
        assert first(rng) != shared


def test_an_answer_is_asked_for_once_and_a_call_that_raised_again():
    calls = []

    def answer(x):
        calls.append(x)
        return 1 / x

    student = LocalStudent({"f": answer}, {})
    for _ in range(2):
        assert student.remembered("half", lambda: student.call("f", 2.0)) == 0.5
        with pytest.raises(StudentError):
            student.remembered("none", lambda: student.call("f", 0.0))
    assert calls == [2.0, 0.0, 0.0]


def test_a_student_s_name_and_answer_do_not_run_into_each_other():
    assert submission_of("a", {"1.1": "b"}) != submission_of("a\0" + "1.1\nb", {})


def test_a_class_shares_as_many_searches_as_the_pool_has_places():
    searched = []

    @remembered
    def search(rng):
        searched.append(first(rng))
        return searched[-1]

    met = {search(made(student=f"s{k}").pooled("a")) for k in range(60)}
    assert len(met) == POOL == len(searched)
    assert len({first(made(student=f"s{k}").rng("a")) for k in range(60)}) == 60


def test_without_a_submission_the_secret_alone_decides():
    alone = Instances(b"secret", *PATH)
    assert first(alone.rng("a")) == first(alone.pooled("a")) == first(Instances(b"secret", *PATH).rng("a"))
