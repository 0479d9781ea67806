"""A small course of its own, and short limits, for the tests of the grading chain."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.grading.grade import answered, grade_repaired
from graders.grading.repair import repair
from graders.lab.manifest import SECRET, Course
from graders.lab.percent import solutions
from graders.publish.release import build, copy_course
from graders.sandbox.isolation import Limits

HERE = Path(__file__).resolve().parent
collect_ignore = ["course"]  # its checks are hidden ones: they need a student
SHORT = Limits(cpu=1.0, wall=10.0)


def grade_bytes(raw, course, **how):
    """Grade the content of a file that was handed in as the first notebook."""
    (spec, *_) = course.notebooks
    return grade_repaired(repair(raw, course, spec), course, spec, **how)


def edit(path, old, new):
    """Replace the one place of a file that has `old`."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def grade_class(course, *options):
    """`graders grade`; return its status."""
    return main(["grade", f"--course={course.root}", *options])


def nbgrader(*arguments, cwd, status=0, **environment):
    """Run nbgrader's command line as a person would, with other values in that person's environment; return its log."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    env = {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


def autograde(course, student):
    """Autograde by nbgrader itself, even what was graded before; return its log."""
    with nbgrader_api.quiet():
        outcome = nbgrader_api.api(course.root).autograde(course.assignment, student, force=True)
    return nbgrader_api.check(outcome, f"autograding {student}")


@pytest.fixture(scope="session")
def mini():
    """The small course, where it is."""
    return Course.load(HERE / "course")


@pytest.fixture(scope="session")
def key(mini):
    """The solutions of the small course, by grade_id."""
    return {**solutions(mini, mini.notebooks[0]), "written-1-W": "Because twice the half is the whole."}


@pytest.fixture(scope="session")
def submit(mini, key):
    """Return a submission: the key with some cells replaced."""

    def make(**cells):
        changed = {name.replace("_", "-"): source for name, source in cells.items()}
        return answered(mini, mini.notebooks[0], {**key, **changed})

    return make


@pytest.fixture(scope="session")
def grade(mini, one_secret):
    """Grade a notebook, or a file's bytes, in a real sandbox."""

    def run(work, limits=SHORT, level=None):
        raw = work if isinstance(work, bytes) else nbformat.writes(work).encode()
        return grade_bytes(raw, mini, limits=limits, level=level, secret=one_secret)

    return run


@pytest.fixture(scope="session")
def built(mini, one_secret, tmp_path_factory):
    """The small course with its release built by nbgrader; `copy_built` it before use."""
    made = copy_course(mini, tmp_path_factory.mktemp("built") / "course")
    build(made)
    return made


def copy_built(built, root):
    """Copy a course with its release and its gradebook into `root`, which has a secret of its own; return the copy."""
    shutil.copytree(built.root, root, ignore=shutil.ignore_patterns(SECRET))
    made = Course.load(root, built.assignment)
    assert made.secret  # drawn before another program can draw it
    return made


@pytest.fixture
def course(built, tmp_path):
    """A course directory of this test's own, with its release built by nbgrader."""
    made = copy_built(built, tmp_path / "course")
    config = made.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.TrustedGrader.cpu_seconds = 1.0\nc.TrustedGrader.wall_seconds = 10.0\n")
    return made


def listed(path):
    """The rows of a report's table, by column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def hand_in(course, student, raw, name="mini-1.ipynb"):
    """Put a file into `submitted/`."""
    folder = course.root / "submitted" / student / course.assignment
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(raw if isinstance(raw, bytes) else nbformat.writes(raw).encode())
    return folder / name
