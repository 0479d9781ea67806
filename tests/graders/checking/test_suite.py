"""The hidden checks of one file, run again and again in one process."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sheaflab.checks
from graders.checking.local import LocalStudent
from graders.checking.suite import run_checks
from graders.checking.verdict import HiddenChecksError
from graders.status import Status

CHECK = """
from graders.checking.student import close
class TestExercise_1_4:
    def test_runs(self, student, instances):
        close(student.call("two"), {}, call="two()", tol=0.0)
"""


def test_two_files_of_one_name_are_two_files(mini, one_secret, tmp_path):
    """Courses share names of notebooks, and a course's checks change while the process lives."""
    spec = replace(mini.notebooks[0], exercises=mini.notebooks[0].exercises[3:])
    student = LocalStudent({"two": lambda: 2}, {})
    for folder, expected, status in (("a", 2, Status.OK), ("b", 3, Status.WRONG), ("c", 2, Status.OK)):
        course = replace(mini, checks=tmp_path / folder)
        course.checks.mkdir()
        course.checks_of(spec).write_text(CHECK.format(expected))
        assert run_checks(student, course, spec, one_secret)["1.4", "runs"].status is status, folder


OWN = """
from graders.checking import problems
from graders.checking.visible import forbidden_in
class TestExercise_1_4:
    def test_runs(self, student, instances):
        with problems.own_work(student, "two", forbidden_in("further", "{}"), hint=""):
            assert student.call("two") == 2
"""
VISIBLE = """
from sheaflab.checks.forbidden import forbids
CHECKS = {"1.4": forbids("Sheaf.energy")(lambda two: None)}
"""


@pytest.fixture
def further(mini, tmp_path):
    """A lab of a course that is not this checkout's own, with a visible check."""
    course = replace(mini, root=tmp_path, assignment="further", checks=tmp_path / "checks")
    for folder in (course.checks, course.visible):
        folder.mkdir(parents=True)
    (course.visible / "__init__.py").touch()
    (course.visible / "further_1.py").write_text(VISIBLE)
    return course, replace(mini.notebooks[0], exercises=mini.notebooks[0].exercises[3:])


def test_hidden_checks_see_the_visible_ones_of_their_own_course(further, one_secret):
    course, spec = further
    course.checks_of(spec).write_text(OWN.format("1.4"))
    before = sheaflab.checks.labs()
    found = run_checks(LocalStudent({"two": lambda: 2}, {}), course, spec, one_secret)["1.4", "runs"]
    assert (found.status, found.message) == (Status.OK, "")
    assert sheaflab.checks.labs() == before


@pytest.mark.parametrize(
    ("exercise", "visible", "told"),
    [
        ("9.9", VISIBLE, "exercise 9.9 has no visible check in the lab 'further'"),
        ("1.4", VISIBLE.replace("energy", "enrgy"), "check 'runs' of exercise 1.4: exercise 1.4 forbids `Sheaf.enrgy`, which sheaflab does not have"),
        ("1.4", "from sheaflab import astray", "the visible checks of 'further' cannot be read: ImportError: .*astray"),
    ],
)
def test_what_a_course_lacks_is_no_fault_of_a_student(further, one_secret, exercise, visible, told):
    course, spec = further
    course.checks_of(spec).write_text(OWN.format(exercise))
    (course.visible / "further_1.py").write_text(visible)
    with pytest.raises(HiddenChecksError, match=told):
        run_checks(LocalStudent({"two": lambda: 2}, {}), course, spec, one_secret)
