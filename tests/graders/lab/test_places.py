"""Which course and which assignment a command is about, from where it is run; the same in every command."""

from __future__ import annotations

import argparse
import importlib

import pytest

from graders.commands.choice import add_course_arguments, chosen_course
from graders.commands.cli import COMMANDS, main
from graders.lab.places import OUR_COURSE, find_assignment, find_course
from graders.lab.tables import ManifestError

MANIFEST = """
[assignment]
title = "A lab"
[[notebook]]
name = "{0}-1"
title = "One"
[[notebook.exercise]]
id = "1.1"
title = "an exercise"
function = "solve"
hints = ["look"]
[[notebook.exercise.check]]
name = "right"
title = "whether it is right"
points = 2
"""
ABOUT_A_COURSE = {
    "assign-markers": ["anna"],
    "build": [],
    "collect": ["inbox"],
    "extend": ["s1", "--none"],
    "grade": [],
    "keys": ["keys"],
    "look-again": [],
    "regrade": [],
    "report": [],
    "selfcheck": [],
    "similar": [],
    "site": ["site"],
}  # and `demo`, which has the checkout's own where there is none; `new`, which adds to a course
BARE = {"pyodide", "doctor"}


def make(root, *labs):
    for lab in labs:
        (root / "source" / lab).mkdir(parents=True)
        (root / "source" / lab / "exercises.toml").write_text(MANIFEST.format(lab))
    return root


@pytest.fixture
def course(tmp_path):
    return make(tmp_path / "term" / "course", "lab11", "lab12")


@pytest.mark.parametrize(
    ("place", "assignment"),
    [
        ("source/lab11", "lab11"),
        ("source/lab12", "lab12"),
        ("checks/lab12", "lab12"),
        ("release/lab11", "lab11"),
        ("submitted/ada/lab12", "lab12"),
        ("feedback/ada/lab11/deeper", "lab11"),
    ],
)
def test_course_and_assignment_are_those_one_stands_in(course, place, assignment):
    here = course / place
    here.mkdir(parents=True, exist_ok=True)
    assert (find_course(here), find_assignment(course, here)) == (course, assignment)


@pytest.mark.parametrize("place", ["", "source", "submitted/ada", "submitted/lab11/lab12"])
def test_where_it_is_not_clear_the_choices_are_named(course, place):
    here = course / place
    here.mkdir(parents=True, exist_ok=True)
    with pytest.raises(ManifestError, match="has several assignments: name lab11 or lab12"):
        find_assignment(course, here)


def test_the_only_assignment_needs_no_name(tmp_path):
    root = make(tmp_path / "course", "lab11")
    assert find_assignment(root, tmp_path) == "lab11"


@pytest.mark.parametrize("place", ["submitted/ada", "autograded/ada", "feedback/ada", "inbox", "release", "source/lab11"])
def test_what_lies_in_a_course_is_never_one_itself(course, place):
    """A hand-in may hold whatever its owner likes, also the files of a course."""
    inner = make(course / place, "lab66")
    (inner / "nbgrader_config.py").write_text("raise SystemExit('run')")
    assert find_course(inner) == course
    assert find_course(inner / "source" / "lab66") == course


def test_a_folder_of_everybody_s_is_no_course(tmp_path):
    shared = make(tmp_path / "shared", "lab66")
    (shared / "mine").mkdir()
    shared.chmod(0o1777)
    with pytest.raises(ManifestError, match="is in no course directory; go into one, or name it with --course"):
        find_course(shared / "mine")
    assert find_course(make(shared / "mine", "lab11")) == shared / "mine"


def test_elsewhere_in_the_checkout_its_own_course_is_meant(tmp_path):
    assert find_course(OUR_COURSE.parent) == OUR_COURSE
    assert find_course(OUR_COURSE.parent / "graders") == OUR_COURSE
    with pytest.raises(ManifestError):
        find_course(tmp_path)


def test_every_command_finds_them_in_the_same_way():
    plain = argparse.ArgumentParser()
    add_course_arguments(plain)
    for name in set(COMMANDS) - BARE - {"new"}:
        parser = argparse.ArgumentParser()
        importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
        assert f"{find_options(plain)}" == f"{find_options(parser)}", name


def find_options(parser):
    return [vars(action) | {"container": None} for action in parser._actions if action.dest in ("course", "assignment")]


@pytest.mark.parametrize("name", ABOUT_A_COURSE)
def test_no_command_falls_back_on_another_course(name, tmp_path, course, monkeypatch, capsys):
    (tmp_path / "inbox").mkdir()
    monkeypatch.chdir(tmp_path / "inbox")
    assert main([name, *ABOUT_A_COURSE[name]]) == 2
    assert capsys.readouterr().err == (
        f"graders {name}: {tmp_path / 'inbox'} is in no course directory; go into one, or name it with --course\n"
    )
    monkeypatch.chdir(course)
    assert main([name, *ABOUT_A_COURSE[name]]) == 2
    assert capsys.readouterr().err == f"graders {name}: {course} has several assignments: name lab11 or lab12\n"
    assert main([name, *ABOUT_A_COURSE[name], "--assignment", "lab13"]) == 2
    told = f"graders {name}: {course}/source/lab13/exercises.toml does not exist; the assignments of {course}: lab11, lab12\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("name", ["selfcheck", "demo"])
@pytest.mark.parametrize("place", ["", "source/lab11"])
def test_a_notebook_that_one_assignment_alone_has_names_it(name, place, course, monkeypatch):
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
    monkeypatch.chdir(course / place)
    assert chosen_course(parser.parse_args(["--notebook", "lab12-1"])).assignment == "lab12"
    assert chosen_course(parser.parse_args(["--notebook", "lab12-1", "--assignment", "lab11"])).assignment == "lab11"
    manifest = course / "source" / "lab11" / "exercises.toml"
    manifest.write_text(MANIFEST.format("lab12"))
    if place:
        assert chosen_course(parser.parse_args(["--notebook", "lab12-1"])).assignment == "lab11"
    else:
        with pytest.raises(ManifestError, match="has several assignments"):
            chosen_course(parser.parse_args(["--notebook", "lab12-1"]))


def test_an_assignment_is_named_by_its_place_too(course, monkeypatch):
    parser = argparse.ArgumentParser()
    add_course_arguments(parser, positional=True)
    monkeypatch.chdir(course)
    assert chosen_course(parser.parse_args(["lab12"])).assignment == "lab12"
    assert chosen_course(parser.parse_args(["--assignment", "lab11"])).assignment == "lab11"
