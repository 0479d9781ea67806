"""Damaged notebooks through the whole chain: file, sandbox, gradebook. All thousand: ``GRADERS_DAMAGED=1000 pytest``."""

from __future__ import annotations

import itertools
import math
import os

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from graders.classroom.batch import read_job
from graders.gradebook import nbgrader_api
from graders.gradebook.apart import grade_submission
from graders.gradebook.record import Recorder
from graders.gradebook.writing import read_result
from graders.grading.canary import best_isolation
from graders.sandbox.isolation import Limits
from graders.status import Status
from tests.graders.conftest import copy_built, hand_in
from tests.graders.damage import damaged, intact

pytestmark = pytest.mark.slow

DAMAGED = int(os.environ.get("GRADERS_DAMAGED", "25"))


@pytest.fixture(scope="module")
def chain(built, tmp_path_factory):
    """Hand in bytes, grade them, write them down; returns the student's name and points by cell from the gradebook."""
    course = copy_built(built, tmp_path_factory.mktemp("damaged") / "course")
    names = (f"d{number:04}" for number in itertools.count())
    config = nbgrader_api.load_config(course.root)

    def run(raw):
        student = next(names)
        hand_in(course, student, raw)
        with nbgrader_api.quiet(), Recorder(course, config) as recorder:
            recorder.write(grade_submission(read_job(course, student, "", Limits(), best_isolation())))
            notebooks = recorder.gradebook.find_submission("mini", student).notebooks
            points = {grade.name: grade.auto_score for notebook in notebooks for grade in notebook.grades}
        return read_result(course.root / "autograded" / student / "mini" / "mini-1.ipynb"), points

    return run


@given(st.data())
@settings(max_examples=DAMAGED, suppress_health_check=list(HealthCheck))
def test_every_damaged_notebook_ends_with_a_recorded_grade_and_a_reason(mini, submit, key, chain, data):
    raw = damaged(data.draw, submit())
    note(raw.decode("utf-8", "replace"))
    result, points = chain(raw)
    assert {f"grade-1-{k}" for k in (1, 2, 3, 4)} < set(points)
    for exercise, told in zip(mini.notebooks[0].exercises, result["exercises"], strict=True):
        status, score = Status[told["status"]], points[exercise.grade_cell]
        assert status is not Status.GRADER
        if status is Status.UNREADABLE:  # no notebook: a person gives the points
            assert score is None
            assert told["message"]
            continue
        assert math.isfinite(score)
        assert 0 <= score == told["earned"] <= exercise.points
        assert (score == exercise.points) == (status is Status.OK)
        if status in (Status.WRONG, Status.RAISED):  # the remedies of all others say what to do by themselves
            assert told["message"] or any(check["message"] for check in told["checks"])
        if intact(raw, exercise.solution_cell, key[exercise.solution_cell].strip("\n")):
            assert status is Status.OK, (exercise.id, told, result["notes"])
