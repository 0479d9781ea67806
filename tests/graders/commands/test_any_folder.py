"""Every command works by its full path alone, from a folder whose files bear the names of libraries."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import nbformat
import pytest

from graders.commands.cli import COMMANDS
from graders.publish.release import copy_course
from tests.draws import on_path
from tests.draws.sitecustomize import NUMBER
from tests.graders.conftest import hand_in, listed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["signal", "numpy", "random", "json", "matplotlib", "nbgrader", "nbformat", "alembic", "pytest", "conftest"]
NAMES += [
    "graders",
    "sheaflab",
    "sitecustomize",
    "usercustomize",
    "nbgrader_config",
    "nbgrader_config_local",
    "jupyter_config",
    "jupyter_server_config",
    "jupyter_nbconvert_config",
    "ipython_config",
    "struct",
    "socket",
    "string",
    "IPython",
    "traitlets",
    "scipy",
    "tokenize",
    "secrets",
    "hatchling",
]
SETTINGS = [
    "pytest.ini",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    "alembic.ini",
    "matplotlibrc",
    ".env",
    "gradebook.db",
]
SETTINGS += ["jupyter_config.json", "nbgrader_config.json", "jupyter_server_config.json"]


def set_traps(here, marks):
    """Fill a folder with files that tools take for theirs; each module leaves a mark when it is executed."""
    for name in NAMES:
        mark = marks / f"{name}.imported"
        (here / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\nraise ImportError('a trap')\n")
    for name in SETTINGS:
        (here / name).write_bytes(b"\xff\xfe no = settings = [\n")


@pytest.fixture
def folder(tmp_path):
    """A folder full of traps; each module leaves a mark when it is imported."""
    here = tmp_path / "here"
    here.mkdir()
    set_traps(here, tmp_path)
    yield here
    assert sorted(path.name for path in tmp_path.glob("*.imported")) == []


@pytest.fixture
def run(folder):
    """Run a command as a user does who has not activated the environment; return what it prints."""

    def command(program, *arguments, status=0, cwd=folder):
        kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG", NUMBER) if name in os.environ}
        done = subprocess.run(
            [Path(sysconfig.get_path("scripts")) / program, *map(str, arguments)],
            cwd=cwd,
            env={**kept, "PATH": "/usr/bin:/bin", "PYTHONPATH": on_path(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_staff_command(run, name):
    assert f"usage: graders {name}" in run("graders", name, "--help")


def test_the_chain_of_a_class(run, folder, mini, submit, one_secret, tmp_path):
    course = copy_course(mini, tmp_path / "course")
    assert course.secret
    at = f"--course={course.root}"
    assert "no solution or hidden check in it" in run("graders", "build", at)
    for student in ("ada", "bob"):
        hand_in(course, student, submit())
    (folder / "cyn_mini-1.ipynb").write_text(nbformat.writes(submit()))
    run("graders", "collect", "cyn_mini-1.ipynb", "--student=cyn", at)
    assert "3 of 3 submissions graded" in run("graders", "grade", at, "--workers=2")
    assert "3 students" in run("graders", "report", at, "--out=report")
    assert "<h2>Scores</h2>" in (folder / "report" / "class.html").read_text()
    run("graders", "similar", at)
    run("graders", "regrade", at, "--workers=2")


def test_the_folder_of_a_submission_is_as_strange_as_any(run, folder, mini, submit, one_secret, tmp_path):
    course = copy_course(mini, tmp_path / "course")
    run("graders", "build", f"--course={course.root}")
    within = hand_in(course, "eve", submit()).parent
    set_traps(within, tmp_path)
    (within / "source" / "mini").mkdir(parents=True)
    (within / "source" / "mini" / "exercises.toml").write_text("no = course = [")
    for arguments in (
        ["grade", "--workers=1"],
        ["similar"],
        ["regrade", "--workers=1"],
        ["report", "--out", tmp_path / "report"],
    ):
        run("graders", *arguments, cwd=within)
    assert [(row["student"], row["score"]) for row in listed(tmp_path / "report" / "grades.csv")] == [("eve", "10.0")]


def test_the_demonstration(run, folder, one_secret):
    told = run("graders", "demo", "out", "--notebook=lab09-1")
    assert "1/5 build the release" in told
    assert "an endless loop (stopped after 2 s, as it should be)" in told
    opened = [line.split()[0] for line in told.partition("Open first:")[2].splitlines() if "file://" in line]
    assert [Path(link.partition("#")[0].removeprefix("file://")).is_file() for link in opened] == [True] * 3


def test_a_new_course_proves_itself(run, folder, one_secret):
    run("graders", "new", "lab10", "--into=lab10")
    run("graders", "build", "--course=lab10")
    run("graders", "selfcheck", "--course=lab10", "--jobs=2")
    run("graders", "doctor")


def test_selfcheck_and_keys(run, folder):
    at = f"--course={ROOT / 'course'}"
    run("graders", "selfcheck", "--notebook=lab09-1", "--exercise=1.1", "--no-mutants", "--jobs=2", at)
    run("graders", "keys", "keys", at)
    assert (folder / "keys" / "lab09-1.html").is_file()


def test_the_library_s_commands(run, folder):
    assert "figures" in run("sheaflab", "demo", "--help")
    assert "Written:" in run("sheaflab", "demo", "--out=shown")
    assert (folder / "shown" / "trajectory.png").is_file()
    assert re.search(r"^  · 4\.1  \S", run("sheaflab", "list"), re.MULTILINE)
    assert "run the command in the folder with your notebooks" in run("sheaflab", "progress", status=2)
    for name in ("start", "solution"):
        run("sheaflab", name, "--help")


def test_wrong_arguments_get_one_line(run, folder):
    for arguments in (
        ["report", "--course=nowhere"],
        ["demo", "--course=nowhere"],
        ["grade", "lab99"],
        ["new", "no/name"],
        ["selfcheck", f"--course={ROOT / 'course'}", "--exercise=9.9"],
    ):
        (line,) = run("graders", *arguments, status=2).splitlines()
        assert line.startswith(f"graders {arguments[0]}: ")
