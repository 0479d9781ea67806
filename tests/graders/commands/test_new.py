"""A scaffolded lab, beside the course's first and alone in a course of its own, goes through every command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest

from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.record import rows
from graders.gradebook.writing import read_result
from graders.grading.grade import answered
from graders.lab.manifest import Course, assignments
from graders.lab.percent import grade_id, solutions
from graders.lab.places import OUR_COURSE
from graders.publish.release import copy_course
from tests.draws import on_path
from tests.graders.conftest import hand_in

FIRST = "lab09"
FILES = [
    "source/lab10/exercises.toml",
    "source/lab10/lab10-1.py",
    "visible/lab10/__init__.py",
    "visible/lab10/lab10_1.py",
    "checks/lab10/test_lab10_1.py",
    "bank/lab10/lab10-1.toml",
    "bank/lab10/reasons.toml",
    "tests/test_lab10.py",
]
SLIP = "def relu(z):\n    return np.abs(z)"


@pytest.fixture
def run(capsys, one_secret):
    """Run a command in this process and return what it prints; it must end well."""

    def command(*arguments):
        capsys.readouterr()
        status = main([*map(str, arguments)])
        told = capsys.readouterr()
        assert status == 0, told.out + told.err
        return told.out

    return command


def points(course):
    """Points that the machine gave, by assignment and student."""
    with nbgrader_api.quiet():
        found = rows(nbgrader_api.load_config(course.root).CourseDirectory.db_url)
    total = {}
    for assignment, student, _, _, name, earned, *_ in found:
        total[assignment, student] = total.get((assignment, student), 0) + (earned or 0 if name.startswith("grade-") else 0)
    return total


def submission(course, **cells):
    spec = course.notebooks[0]
    return answered(course, spec, {**solutions(course, spec), **{name.replace("_", "-"): s for name, s in cells.items()}})


@pytest.mark.slow
def test_a_second_lab_beside_the_first_goes_through_every_command(tmp_path, run, monkeypatch):
    root = copy_course(Course.load(OUR_COURSE, FIRST), tmp_path / "term").root
    untouched = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    monkeypatch.chdir(root / "checks")
    assert run("new", "lab10").splitlines()[: len(FILES)] == [str(root / name) for name in FILES]
    assert {path: path.read_bytes() for path in untouched} == untouched
    assert set(root.rglob("*")) - set(untouched) >= {root / name for name in FILES}
    assert assignments(root) == (FIRST, "lab10")

    monkeypatch.chdir(root / "source" / "lab10")
    assert "lab10: 1 notebook, 1 exercise, no solution or hidden check in it" in run("build")
    assert "Faults" not in run("selfcheck", "--jobs=2")
    assert "0 wrong verdicts" in run("selfcheck", "--secrets=2", "--jobs=1")
    run("keys", tmp_path / "keys")
    assert "the visible checks pass" in (tmp_path / "keys" / "lab10-1.html").read_text()

    lab10 = Course.load(root, "lab10")
    for student, cells in {"ada": {}, "bob": {"ex_1_1": SLIP}, "cyn": {"ex_1_1": SLIP}}.items():
        (tmp_path / "inbox" / student).mkdir(parents=True)
        (tmp_path / "inbox" / student / "lab10-1 (1).ipynb").write_text(nbformat.writes(submission(lab10, **cells)))
    assert "3 of 3 files taken" in run("collect", tmp_path / "inbox")
    assert "3 of 3 submissions graded" in run("grade", "--workers=2")
    assert points(lab10) == {("lab10", "ada"): 3, ("lab10", "bob"): 0, ("lab10", "cyn"): 0}
    graded = nbformat.read(root / "autograded" / "ada" / "lab10" / "lab10-1.ipynb", as_version=4)
    (check,) = (cell for cell in graded.cells if grade_id(cell) == "check-1-1")
    assert "Exercise 1.1: the visible checks pass" in str(check.outputs)  # the worker has this course's
    assert "No grade changed (3 students)" in run("regrade", "--workers=2")
    run("report", "--out", tmp_path / "report")
    assert '"ada"' in (tmp_path / "report" / "grades.csv").read_text()
    run("similar")
    run("build", "--edition=self-study")  # into the course, wherever one stands

    # the first lab as before, in the same gradebook
    monkeypatch.chdir(root)
    run("build", FIRST)
    first = Course.load(root, FIRST)
    hand_in(first, "ada", submission(first), "lab09-1.ipynb")
    assert "1 of 1 submission graded" in run("grade", FIRST, "--workers=1")
    assert points(first) == {**dict.fromkeys([("lab10", "bob"), ("lab10", "cyn")], 0), ("lab10", "ada"): 3, (FIRST, "ada"): first.notebooks[0].points}
    told = read_result(root / "autograded" / "ada" / FIRST / "lab09-1.ipynb")
    assert {exercise["status"] for exercise in told["exercises"]} == {"OK"}

    learn(tmp_path, root / "dist" / "sheaflab-self-study.zip")


def learn(tmp_path, edition):
    """With the second lab's self-study edition alone, which knows both labs: its reader is the second's."""
    with zipfile.ZipFile(edition) as archive:
        archive.extractall(tmp_path / "unpacked")
    site = tmp_path / "site"
    home = tmp_path / "unpacked" / edition.stem
    readme = (home / "README.md").read_text()
    assert readme.startswith("# A lab of your own: for learning alone\n\nNotebooks: 1. Exercises: 1. Time: about 10 minutes.")
    assert "jupyter lab lab10-1.ipynb" in readme
    for wheel in (home / "wheels").iterdir():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    path = home / "notebooks" / "lab10-1.ipynb"
    data = json.loads(path.read_text())
    for cell in data["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "ex-1-1":
            cell["source"] = "def relu(z):\n    return np.where(z > 0, z, 0.0)\n"
    path.write_text(json.dumps(data))
    code = f"import sys; sys.path.insert(0, {os.fspath(site)!r}); from sheaflab.checks import labs; print(labs()); "
    code += "from sheaflab.cli import main; sys.exit(main(sys.argv[1:]))"
    for place, arguments, said in (
        (home, ["list"], "relu"),  # no notebook here: the edition tells whose lab
        (home / "notebooks", ["check", "1.1"], "✓ fresh_values"),
        (home / "notebooks", ["solution", "1.1", "--yes"], "np.maximum(z, 0.0)"),
    ):
        command = [sys.executable, "-P", "-c", code, *arguments]
        plain = {name: value for name, value in os.environ.items() if name != "SHEAFLAB_COURSE"}
        plain["PYTHONPATH"] = on_path()
        done = subprocess.run(command, cwd=place, env=plain, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"('{FIRST}', 'lab10')" in done.stdout
        assert said in done.stdout


PRIVATE = [
    ".secret", ".problems/lab09/1.json", "gradebook.db", "gradebook.db-journal", "nbgrader_config_local.py", "grades.csv",
    "students.csv", "moodle-export.zip", "submitted/ann/lab10/x.ipynb", "autograded/ann/lab10/x.ipynb", "feedback/ann/lab10/x.html",
    "release/lab10/x.ipynb", "build/report/grades.csv", "dist/sheaflab-self-study.zip", "source/lab10/lab10-1.ipynb", ".regrade-lab10.jsonl",
]  # fmt: skip


def test_git_takes_nothing_private_of_a_copied_or_a_new_course_and_all_that_is_its_own(mini, tmp_path, run):
    copied = copy_course(mini, tmp_path / "copied").root
    shutil.copy(OUR_COURSE / ".gitignore", copied)
    run("new", "lab10", "--into", tmp_path / "new")
    for course in (copied, tmp_path / "new"):
        own = {str(path.relative_to(course)) for path in course.rglob("*") if path.is_file() and path.suffix != ".pyc"}
        for name in PRIVATE:
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            (course / name).write_text("private")
        subprocess.run(["git", "init", "-q"], cwd=course, check=True)
        command = ["git", "ls-files", "--others", "--exclude-standard"]
        found = subprocess.run(command, cwd=course, capture_output=True, text=True, check=True).stdout.splitlines()
        assert set(found) == own


def test_git_ignores_no_file_of_this_repository():
    command = ["git", "ls-files", "-i", "-c", "--exclude-standard"]
    assert subprocess.run(command, cwd=OUR_COURSE.parent, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize(
    ("file", "was", "now", "told"),
    [
        ("source/lab10/exercises.toml", "fresh_values", "fresh_numbers", ": TestExercise_1_1.test_fresh_numbers of the manifest is missing"),
        ("checks/lab10/test_lab10_1.py", "test_fresh_values", "test_others", ": TestExercise_1_1.test_others is not in the manifest"),
        ("checks/lab10/test_lab10_1.py", "class TestExercise_1_1:", "class TestExercise_1_1", " is not Python: line 12: expected ':'"),
    ],
)
def test_selfcheck_says_at_once_that_manifest_and_checks_do_not_fit(file, was, now, told, tmp_path, run, capsys):
    run("new", "lab10", "--into", tmp_path / "new")
    path = tmp_path / "new" / file
    path.write_text(path.read_text().replace(was, now))
    assert main(["selfcheck", f"--course={tmp_path / 'new'}", "--jobs=1"]) == 2
    said = capsys.readouterr()
    assert f"test_lab10_1.py{told}" in said.err
    assert said.out == ""


@pytest.mark.slow
def test_a_course_of_its_own_tests_itself(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run("new", "lab10", "--into", "course 10").splitlines()
    own = ["nbgrader_config.py", "hand-in-from-the-browser.md", ".gitignore"]
    assert told[: len(FILES) + 3] == [f"course 10/{name}" for name in [*FILES, *own]]
    assert told[-2:] == [
        "It grades itself already:  pytest 'course 10/tests/test_lab10.py'",
        "The release:               graders build --course='course 10' --assignment=lab10",
    ]
    assert "lab09" not in "".join((tmp_path / "course 10" / name).read_text() for name in [*FILES, *own[1:]])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "course 10/tests/test_lab10.py"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": on_path(OUR_COURSE.parent)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout
    release = tmp_path / "course 10" / "release" / "lab10" / "lab10-1.ipynb"
    told = run("build", "--course=course 10", "--assignment=lab10", "--wheel")
    (wheel,) = (tmp_path / "course 10" / "dist").iterdir()
    assert f"{wheel}: sheaflab with the visible checks of lab10, no grader in it" in told
    works_alone(wheel, json.loads(release.read_text()), tmp_path / "installed")
    assert "Exercise 1.1: relu" in release.read_text()
    assert "np.maximum(z" not in release.read_text()


def works_alone(wheel, notebook, site):
    """The wheel has what a released notebook of this course begins with, and no other course's checks."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert not list(site.glob("graders*"))
    imports = ["".join(cell["source"]) for cell in notebook["cells"] if "sheaflab.checks" in "".join(cell["source"])]
    assert any("from sheaflab.checks.lab10 import" in source for source in imports)
    code = "from sheaflab.checks.lab10 import check; from sheaflab.checks import labs; print(*labs())"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {os.fspath(site)!r}); {code}"]
    env = {name: value for name, value in os.environ.items() if name != "SHEAFLAB_COURSE"}  # as a student has it
    assert subprocess.run(command, cwd=site, env=env, capture_output=True, text=True, check=True).stdout == "lab10\n"


def test_the_self_study_edition_has_wheels_already(tmp_path, capsys):
    assert main(["build", "--wheel", "--edition=self-study", f"--course={OUR_COURSE}"]) == 2
    assert "`--wheel` must not be given with `--edition self-study`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Lab 10"], "`NAME` must be lower-case letters, digits and _, like lab10, got 'Lab 10'"),
        (["lab-10"], "`NAME` must be lower-case letters, digits and _, like lab10, got 'lab-10'"),
        (["lab10", "--into", "."], "`--into` must be a new or an empty folder, got .; name another"),
        (["lab11"], "{here} is in no course directory; go into one, or name it with --course; or begin one in an empty folder with --into"),
        (["lab11", "--course", "."], "`--course` must be a course directory, got .; begin one with --into"),
        (["lab10", "--course", "mine"], "`NAME` must be new to mine, got 'lab10': mine/source/lab10 is there"),
        (["lab11", "--into", "mine/more"], "`--into` must not lie in a course, got mine/more in {here}/mine; do without it"),
    ],
)  # fmt: skip
def test_bad_arguments(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "source" / "lab10").mkdir(parents=True)
    (tmp_path / "mine" / "source" / "lab10" / "exercises.toml").touch()
    before = sorted(tmp_path.rglob("*"))
    assert main(["new", *arguments]) == 2
    assert capsys.readouterr().err == f"graders new: {message.format(here=tmp_path)}\n"
    assert sorted(tmp_path.rglob("*")) == before
