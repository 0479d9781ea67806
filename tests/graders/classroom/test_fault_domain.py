"""One submission is one fault domain: what ends the process that grades it is its own status, and the class goes on."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from graders.classroom import batch
from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.writing import read_result
from graders.grading.canary import best_isolation
from graders.sandbox.isolation import IsolationError, Limits
from graders.status import Status
from tests.graders.conftest import hand_in

pytestmark = pytest.mark.slow


def graded_or_dead(job):
    """In the place of the grader: it dies of one student's work."""
    if job.student == "eve":
        os.kill(os.getpid(), signal.SIGKILL)
    return REAL(job)


def graded_or_broken(job):
    if job.student == "eve":
        raise ValueError("a fault of ours")
    return REAL(job)


def machine_fails(job):
    raise IsolationError("no level today")


REAL = batch.grade_submission


@pytest.mark.parametrize(
    ("grader", "reason"), [(graded_or_dead, "signal 9"), (graded_or_broken, "ValueError: a fault of ours")]
)
def test_what_ends_the_grader_of_one_is_its_status_and_waits_for_a_person(
    course, submit, monkeypatch, capsys, grader, reason
):
    for student in ("ada", "eve", "zoe"):
        hand_in(course, student, submit())
    monkeypatch.setattr(batch, "grade_submission", grader)
    assert main(["grade", f"--course={course.root}", "--workers=2"]) == 3
    said = capsys.readouterr()
    assert "3 of 3 submissions graded" in said.out
    assert "A person must look at eve" in said.err
    assert reason in said.err
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        scores = {s.student.id: s for s in book.assignment_submissions("mini")}
        assert scores["ada"].score == scores["zoe"].score == 10
        grades = [g for n in scores["eve"].notebooks for g in n.grades if g.name.startswith("grade-")]
        assert grades
        assert all(grade.auto_score is None and grade.needs_manual_grade for grade in grades)
    told = read_result(course.root / "autograded" / "eve" / "mini" / "mini-1.ipynb")
    assert {exercise["status"] for exercise in told["exercises"]} == {Status.GRADER.name}
    monkeypatch.setattr(batch, "grade_submission", REAL)  # mended
    assert main(["grade", f"--course={course.root}", "--workers=2"]) == 0
    assert "1 of 3 submissions graded" in capsys.readouterr().out
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert book.find_submission("mini", "eve").score == 10


def test_the_process_that_serves_the_class_decodes_nothing(course, submit, monkeypatch):
    hand_in(course, "ada", submit())
    job = batch.read_job(course, "ada", "", Limits(), best_isolation())

    def here(*_):
        raise AssertionError("decoded by the process that serves the class")

    monkeypatch.setattr("graders.grading.submission.repair", here)
    with ThreadPoolExecutor(1) as pool:
        assert next(batch.run_jobs(iter([job]), pool, 1)).earned == 10


def test_a_failure_of_the_machine_stops_the_class_and_grades_nobody(course, submit, monkeypatch, capsys):
    hand_in(course, "ada", submit())
    monkeypatch.setattr(batch, "grade_submission", machine_fails)
    assert main(["grade", f"--course={course.root}"]) == 2
    assert "no level today" in capsys.readouterr().err
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert book.assignment_submissions("mini") == []
