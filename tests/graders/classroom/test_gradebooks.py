"""One gradebook, whoever has written it: any number of workers, a cluster, another database, a run that was killed."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graders.gradebook import nbgrader_api
from graders.gradebook.marker import MARKER
from graders.gradebook.record import rows
from tests.graders.conftest import copy_built, grade_class, hand_in

pytestmark = pytest.mark.slow

LIMITS = "--cpu=2", "--wall=20"
KILLS = int(os.environ.get("GRADERS_KILLS", "3"))


@pytest.fixture(scope="module")
def classroom(built, submit, tmp_path_factory):
    """A course with six submissions, ungraded; copy it before use."""
    course = copy_built(built, tmp_path_factory.mktemp("class") / "course")
    bad = "def double(x):\n    return x"
    for k, work in enumerate([submit(), submit(ex_1_1=bad), b"nonsense", submit(ex_1_1="import os\nos._exit(0)")]):
        hand_in(course, f"s{k}", work)
    late = hand_in(course, "s4", submit(written_1_W="Because."))
    (late.parent / "timestamp.txt").write_text("2026-01-02 03:04:05 UTC")
    (course.root / "submitted" / "s5" / "mini").mkdir(parents=True)
    return course


def copied(classroom, tmp_path):
    from graders.lab.manifest import Course

    shutil.copytree(classroom.root, tmp_path / "course")
    return Course.load(tmp_path / "course")


def graded(course):
    with nbgrader_api.quiet():
        return rows(nbgrader_api.load_config(course.root).CourseDirectory.db_url)


@pytest.fixture(scope="module")
def truth(classroom, tmp_path_factory):
    """The rows that one worker writes."""
    course = copied(classroom, tmp_path_factory.mktemp("one"))
    assert grade_class(course, "--workers=1", *LIMITS) == 3  # s2: no machine can read it
    found = graded(course)
    assert len({row[1] for row in found}) == 6
    return found


def test_a_repeated_run_changes_nothing_and_does_nothing(classroom, truth, tmp_path, capsys):
    course = copied(classroom, tmp_path)
    for status, said in ((3, "6 of 6 submissions graded"), (0, "0 of 6 submissions graded")):
        assert grade_class(course, "--workers=8", *LIMITS) == status
        assert said in capsys.readouterr().out
        assert graded(course) == truth
    hand_in(course, "s1", (course.root / "submitted" / "s0" / "mini" / "mini-1.ipynb").read_bytes())
    grade_class(course, "--workers=1", *LIMITS)
    assert "1 of 6" in capsys.readouterr().out


def test_a_manual_score_survives_regrading(classroom, tmp_path):
    course = copied(classroom, tmp_path)
    grade_class(course, "--workers=2", *LIMITS)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        grade = book.find_grade("written-1-W", "mini-1", "mini", "s4")
        assert grade.needs_manual_grade
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.db.commit()
    grade_class(course, "--workers=2", "--no-since-change", *LIMITS)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert book.find_grade("written-1-W", "mini-1", "mini", "s4").manual_score == 2.5


def test_a_new_gradebook_asks_for_a_build_before_anything_is_graded(classroom, tmp_path, capsys):
    course = copied(classroom, tmp_path)
    (course.root / "gradebook.db").unlink()
    assert grade_class(course, "--workers=1", *LIMITS) == 2
    assert "mini is not in the gradebook; run `graders build` first" in capsys.readouterr().err
    assert not (course.root / "autograded").exists()


def left_running(mark, others=frozenset()):
    """Processes of a killed grader: its own by their environment, its sandboxes by having lost their parent.

    Those of `others` were there before.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name not in others:
            with contextlib.suppress(OSError):
                own = mark.encode() in (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if own or (parent == "1" and b"bwrap" in command and b"/opt/worker" in command):
                    found[entry.name] = command.replace(b"\0", b" ")[:200]
    return found


def test_killed_at_random_moments_and_run_again(classroom, truth, tmp_path):
    course = copied(classroom, tmp_path)
    draw, mark = random.Random(5), f"graders-killed-{os.getpid()}"
    killed, longest, others = 0, 12.0, frozenset(left_running(mark))
    while killed < KILLS:
        for path in sorted((course.root / "submitted").glob("*/mini/*.ipynb")):
            if draw.random() < 0.7:  # handed in again: something is left to do
                path.write_bytes(path.read_bytes() + b" ")
        run = subprocess.Popen(
            [sys.executable, "-m", "graders.commands.cli", "grade", f"--course={course.root}", "--workers=2", *LIMITS],
            env={**os.environ, "MARK": mark},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        start = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(draw.uniform(0, longest))
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            killed += 1
        else:
            longest = 0.9 * (time.monotonic() - start)  # it was done already: that was no moment to kill it
        assert run.wait() in (0, 3, -signal.SIGKILL)  # 3: one of the class cannot be read
        deadline = time.monotonic() + 20
        while (left := left_running(mark, others)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert left == {}
    grade_class(course, "--workers=2", *LIMITS)
    assert graded(course) == truth
    assert len(list((course.root / "autograded").glob(f"*/mini/{MARKER}"))) == 6
    left = list((course.root / "autograded").glob("*/.*"))
    assert left == []


def test_a_dask_cluster_writes_the_same(classroom, truth, tmp_path, cluster):
    course = copied(classroom, tmp_path)
    assert grade_class(course, "--scheduler", cluster, *LIMITS) == 3
    assert graded(course) == truth


@pytest.mark.postgres
@pytest.mark.needs("postgresql")
def test_postgresql_holds_the_same_rows(classroom, truth, tmp_path, postgres, monkeypatch):
    from graders.publish.release import build

    monkeypatch.setenv("GRADERS_DB_URL", postgres)
    course = copied(classroom, tmp_path)
    build(course)
    assert grade_class(course, "--workers=2", *LIMITS) == 3
    assert graded(course) == truth
