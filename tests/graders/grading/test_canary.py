"""A failure of the machine is never a student's 0: levels that cannot grade are found out before anybody is graded."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import nbformat
import pytest

from graders.gradebook import nbgrader_api
from graders.grading import canary
from graders.grading.canary import refusal
from graders.sandbox.census import descendants
from graders.sandbox.isolation import LADDER, Isolation, IsolationError, Limits
from graders.status import Status
from tests.graders.conftest import SHORT, grade_bytes, grade_class, hand_in
from tests.needs import needs_level

pytestmark = pytest.mark.slow

BROKEN = {
    "processes": {"processes": 1},
    "memory": {"memory": 100 * 2**20},  # well below what the libraries alone take
    "file size": {"file_size": 1000},
    "open files": {"open_files": 8},
}
SHARED = (Isolation.LANDLOCK, Isolation.RLIMITS)
"""Levels at which the kernel counts a worker's processes with all others of the user."""


@pytest.mark.parametrize("level", LADDER, ids=lambda level: level.name)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_level_with_a_broken_limit_is_refused(level, broken):
    needs_level(level)
    assert refusal(level) == ""
    why = refusal(level, replace(Limits(), **BROKEN[broken]))
    assert "canary" in why or "does not start" in why


@pytest.mark.parametrize("level", LADDER, ids=lambda level: level.name)
def test_a_loop_that_nothing_stops_is_refused(level, monkeypatch):
    needs_level(level)
    monkeypatch.setattr(canary, "LOOP_CPU", 1e6)
    monkeypatch.setattr(canary, "LOOP_WALL", 0.0)
    limits = replace(Limits(), wall=2.0)
    monkeypatch.setattr(Limits, "call_cpu", 1e6)
    assert "an endless loop must be stopped" in canary.trial(level, limits)


@pytest.mark.parametrize("level", LADDER, ids=lambda level: level.name)
def test_the_users_other_processes_do_not_count(grade, submit, level):
    needs_level(level)
    others = [subprocess.Popen(["sleep", "600"]) for _ in range(300)]
    try:
        assert grade(submit(), level=level).earned == 10
    finally:
        for other in others:
            other.kill()
            other.wait()


BOMB = """
import os, threading, time
def double(x):
    for _ in range(6):
        {start}
    time.sleep(1000)
"""
START = {
    "processes": "os.fork()",
    "threads": "[threading.Thread(target=time.sleep, args=(1000,)).start() for _ in range(50)]",
    "orphans": "[os._exit(0) if os.fork() else None for _ in range(1) if os.fork() == 0]; "
    "[os.fork() for _ in range(5)]; time.sleep(1000)",
}


@pytest.mark.parametrize("level", SHARED, ids=lambda level: level.name)
@pytest.mark.parametrize("kind", START)
def test_a_bomb_ends_for_its_many_processes_and_costs_nobody_else(mini, submit, one_secret, level, kind):
    needs_level(level)

    def run(work):
        raw = nbformat.writes(work).encode()
        return grade_bytes(raw, mini, limits=SHORT, level=level, secret=one_secret)

    with ThreadPoolExecutor(2) as pool:
        bomb = pool.submit(run, submit(ex_1_1=BOMB.format(start=START[kind])))
        honest = pool.submit(run, submit())
    assert honest.result().earned == 10
    first = bomb.result().exercises[0]
    assert first.earned == 0
    assert first.status in (Status.KILLED, Status.RAISED)
    assert "processes or threads at once" in first.message or "can't start new thread" in first.message
    assert len(descendants(os.getpid())) < 30


def test_where_no_level_may_grade_nothing_is_graded_and_the_reason_is_said(course, submit, monkeypatch, capsys):
    from graders.commands.cli import main

    hand_in(course, "ada", submit())
    monkeypatch.setattr(canary, "refusal", lambda level, limits=None: f"no {level.name} today")
    assert main(["grade", f"--course={course.root}"]) == 2
    said = capsys.readouterr().err
    for level in LADDER:
        assert f"{level.name.lower()}: no {level.name} today" in said
    assert not (course.root / "autograded").exists()
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert book.assignment_submissions("mini") == []


KILLED = "import os\ndef double(x):\n    os.kill(os.getpid(), 9)"
NO_THREAD = 'def double(x):\n    raise RuntimeError("can\'t start new thread")'


@pytest.mark.parametrize("source", [KILLED, NO_THREAD, "import os\nos.kill(os.getppid(), 9)\nos._exit(0)"])
def test_what_may_be_the_machines_failure_is_tried_on_the_canary_again(grade, submit, monkeypatch, source):
    tried = []

    def trial(level, limits, *, loop=True):
        tried.append(level)
        return "no process to be had"

    grade(submit())  # a worker at this level has been found sound
    monkeypatch.setattr(canary, "trial", trial)
    with pytest.raises(IsolationError, match="no process to be had"):
        grade(submit(ex_1_1=source))
    assert tried
    assert grade(submit()).earned == 10  # nothing that honest work does asks for it


def test_a_machine_that_fails_in_the_middle_leaves_what_was_graded_and_no_zero(course, submit, monkeypatch, tmp_path):
    hand_in(course, "ada", submit())
    hand_in(course, "bob", submit(ex_1_1=KILLED))
    failing = tmp_path / "failing"  # every process of the grader's imports it, whoever starts it
    failing.mkdir()
    (failing / "sitecustomize.py").write_text(
        "from graders.grading import canary\n"
        "canary.trial = lambda level, limits, loop=True: '' if loop else 'no process to be had'\n"
    )
    code = (
        "import sys; from graders.commands import cli, grade\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "grade.executor = lambda *a: ThreadPoolExecutor(1)\n"
        f"sys.exit(cli.main(['grade', '--course={course.root}', '--workers=1']))"
    )
    paths = os.pathsep.join([str(failing), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "this submission has no grade yet" in done.stderr
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert [s.student.id for s in book.assignment_submissions("mini")] == ["ada"]
    assert grade_class(course, "--workers=1", "--cpu=1", "--wall=10") == 0  # on a sound machine
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert sorted(s.student.id for s in book.assignment_submissions("mini")) == ["ada", "bob"]
