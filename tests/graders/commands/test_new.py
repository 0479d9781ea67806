"""A scaffolded lab grades itself, and its release builds through nbgrader."""

from __future__ import annotations

import importlib.util

import pytest

from graders.commands.cli import main
from graders.lab.manifest import Course
from graders.publish.release import build

pytestmark = pytest.mark.slow


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_new_lab_is_scaffolded_and_graded(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "lab10", "--into", "course10"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("course10/exercises.toml\ncourse10/source/lab10/lab10-1.py\n")
    assert out.endswith("The release:               graders build --course course10\n")
    tests = load(tmp_path / "course10" / "tests" / "test_lab10.py")
    tests.test_manifest_and_checks_fit()
    tests.test_the_key_has_full_marks_and_the_stub_none("lab10-1")
    assert len(tests.BANK) == 3
    for entry in tests.BANK:
        tests.test_the_bank(*entry)


def test_its_release_holds_neither_solution_nor_checks(tmp_path):
    assert main(["new", "lab-x", "--into", str(tmp_path / "course")]) == 0
    release = build(Course.load(tmp_path / "course"))
    text = (release / "lab-x-1.ipynb").read_text(encoding="utf-8")
    assert "Exercise 1.1: relu" in text
    assert "np.maximum(z" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Lab 10"], "graders new: `NAME` must be lower-case letters, digits and single hyphens, like lab10, got 'Lab 10'\n"),
        (["lab10", "--into", "."], "graders new: `--into` must be a new or an empty folder, got .; name another\n"),
        ([], "the following arguments are required: NAME\n"),
    ],
)
def test_bad_arguments(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").touch()
    try:
        status = main(["new", *arguments])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert capsys.readouterr().err.endswith(message)
