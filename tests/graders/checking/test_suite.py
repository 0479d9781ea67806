"""The hidden checks of one file, run again and again in one process."""

from __future__ import annotations

from dataclasses import replace

from graders.checking.local import LocalStudent
from graders.checking.suite import run_checks
from graders.status import Status

CHECK = """
from graders.checking.student import close
class TestExercise_1_4:
    def test_runs(self, student, instances):
        close(student.call("two"), {}, call="two()", tol=0.0)
"""


def test_two_files_of_one_name_are_two_files(mini, secret, tmp_path):
    """Courses share names of notebooks, and a course's checks change while the process lives."""
    spec = replace(mini.notebooks[0], exercises=mini.notebooks[0].exercises[3:])
    student = LocalStudent({"two": lambda: 2}, {})
    for folder, expected, status in (("a", 2, Status.OK), ("b", 3, Status.WRONG), ("c", 2, Status.OK)):
        course = replace(mini, checks=tmp_path / folder)
        course.checks.mkdir()
        course.checks_of(spec).write_text(CHECK.format(expected))
        assert run_checks(student, course, spec, secret)["1.4", "runs"].status is status, folder
