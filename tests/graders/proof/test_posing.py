"""The problems that a class shares are found when the release is built."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from graders.checking import kept, problems
from graders.checking.local import LocalStudent
from graders.checking.suite import run_checks
from graders.checking.verdict import HiddenChecksError
from graders.lab.bank import solved
from graders.lab.manifest import Course
from graders.lab.places import visible_checks
from graders.proof.posing import pose, posing
from graders.proof.selfcheck import namespace
from graders.publish.release import copy_course
from graders.sandbox.values import POOL

pytestmark = pytest.mark.usefixtures("secret")
OURS = Course.load(Path(__file__).resolve().parents[3] / "course", "lab09")


@pytest.fixture
def course(tmp_path):
    copy = copy_course(OURS, tmp_path / "course", ["lab09-4"])
    with visible_checks(copy):  # this process has its labs while problems are posed, and those that it had after it
        yield copy


@pytest.mark.slow
def test_who_is_graded_meets_what_was_found_before(course, monkeypatch):
    spec = course.notebook("lab09-4")
    for place in range(POOL):
        pose(course, spec.name, place)
    posed = set((course.root / kept.FOLDER).rglob("*.json"))
    assert posed
    problems._known.clear()  # as in a process of its own
    met, read = set(), kept.read
    monkeypatch.setattr(kept, "read", lambda path, rng: met.add(path) or read(path, rng))
    key = solved(course, spec)
    student = LocalStudent(namespace(key, {}), key.keys)
    results = run_checks(student, course, spec, course.secret, b"a submission")
    assert {result.status.label for result in results.values()} == {"ok"}
    assert len(met & posed) >= len(posed) / POOL / 2  # the other set is for others


def test_a_key_that_only_a_notebook_can_run_is_left_alone(course, monkeypatch):
    monkeypatch.setattr("graders.proof.posing.namespace", lambda *_: compile("%matplotlib inline", "cell", "exec"))
    pose(course, "lab09-4", 0)
    assert not (course.root / kept.FOLDER).exists()


@pytest.mark.slow
def test_checks_without_a_test_are_refused(course):
    spec = course.notebook("lab09-4")
    exercise = spec.exercises[-1]
    odd = replace(exercise, checks=(*exercise.checks, replace(exercise.checks[0], name="of_nothing")))
    changed = replace(course, notebooks=(replace(spec, exercises=(odd,)),))
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(HiddenChecksError, match="of_nothing"),
        posing(changed, executor),
    ):
        pass


def test_a_check_that_the_key_does_not_pass_is_refused(course):
    path = course.checks_of(course.notebook("lab09-4"))
    first, name = re.search(r"    def test_(\w+)\(self.*\n", text := path.read_text(encoding="utf-8")).group(0, 1)
    path.write_text(text.replace(first, f"{first}        close(1.0, 1.0, tolerance=0.1)\n", 1), encoding="utf-8")
    told = rf"check '{name}' of exercise 4.1: the key does not pass it \(.*TypeError: .*'tolerance'.*{path.name}"
    with pytest.raises(HiddenChecksError, match=told):
        pose(course, "lab09-4", 0)


def test_nobody_searches_for_a_release_that_has_failed(course, monkeypatch):
    posed, failed = [], threading.Event()
    monkeypatch.setattr("graders.proof.posing.pose", lambda *job: posed.append(job))
    with ThreadPoolExecutor(1) as executor:
        executor.submit(failed.wait)
        with pytest.raises(ZeroDivisionError), posing(course, executor):
            raise ZeroDivisionError
        failed.set()
    assert not posed
