"""After a check has changed: everybody graded again, and a table of whose grade changed, where and why."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from graders.classroom.batch import students
from graders.classroom.regrade import changes, regrade, results, table
from graders.gradebook.nbgrader_api import gradebook
from tests.graders.conftest import hand_in

pytestmark = pytest.mark.slow

CLASS = 20


def check(name, status, earned, points=2.0, message=""):
    return {"name": name, "status": status, "earned": earned, "points": points, "message": message}


def summary(*checks):
    return {"nb": {"exercises": [{"id": "1.1", "checks": list(checks)}]}}


def test_changes_say_why():
    before = {
        "ada": summary(check("a", "OK", 2.0), check("gone", "OK", 1.0)),
        "bob": summary(check("a", "OK", 2.0)),
        "eve": {},
    }
    told = "not right yet\n  call: f(1)\n  returned: 1\n  expected: 2\n  hint: add"
    after = {
        "ada": summary(check("a", "WRONG", 0.0, message=told)),
        "bob": summary(check("a", "OK", 3.0, 3.0)),
        "eve": summary(check("a", "OK", 2.0)),
    }
    found = {(c.student, c.check): (c.before, c.after, c.why) for c in changes(before, after)}
    assert found == {
        ("ada", "a"): (2.0, 0.0, "ok → wrong: returned: 1; expected: 2"),
        ("ada", "gone"): (1.0, 0.0, "the check is gone"),
        ("bob", "a"): (2.0, 3.0, "worth 3 instead of 2"),
        ("eve", "a"): (0.0, 2.0, "the check is new"),
    }
    text = table(changes(before, after), before, after)
    assert "| ada | 3 | 0 |" in text
    assert text.endswith("3 of 3 students have another grade.\n")
    assert table([], after, after) == "No grade changed (3 students).\n"


def test_a_class_of_twenty(course, submit, tmp_path):
    """The old check let `double` pass if it was right for positive numbers only; the new one looks at both signs."""
    ours = replace(course, checks=tmp_path / "checks")
    shutil.copytree(course.checks, ours.checks)
    path = ours.checks / "test_mini_1.py"
    sharp = path.read_text()
    assert " * [1, -1, 1]:" in sharp
    path.write_text(sharp.replace(" * [1, -1, 1]:", ":"))
    slip = "def double(x):\n    return 2 * abs(x)\n"
    slipped = [f"student{k:02}" for k in range(CLASS) if k % 4 == 0]
    for k in range(CLASS):
        name = f"student{k:02}"
        hand_in(ours, name, submit(ex_1_1=slip) if name in slipped else submit())
    first = regrade(ours, workers=2)
    assert first.endswith("20 of 20 students have another grade.\n")  # from none
    before = results(ours, students(ours))
    assert {name: before[name]["mini-1"]["exercises"][0]["checks"][0]["status"] for name in before} == {
        f"student{k:02}": "OK" for k in range(CLASS)
    }
    path.write_text(sharp)
    text = regrade(ours, workers=2)
    found = changes(before, results(ours, students(ours)))
    assert sorted(c.student for c in found) == slipped
    assert {(c.exercise, c.check, c.before, c.after) for c in found} == {("1.1", "numbers", 1.0, 0.0)}
    assert all(c.why.startswith("ok → wrong") for c in found)
    assert "5 of 20 students have another grade." in text
    with gradebook(ours.root) as book:
        scores = {s.student.id: s.score for s in book.assignment_submissions("mini")}
    best = max(scores.values())
    assert {name for name, score in scores.items() if score < best} == set(slipped)
    assert regrade(ours, workers=2) == "No grade changed (20 students).\n"
