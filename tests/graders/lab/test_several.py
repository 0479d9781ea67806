"""Two assignments in one course directory: one gradebook, one configuration, the same names of cells."""

from __future__ import annotations

import json

import nbformat
import pytest

from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.record import rows
from graders.gradebook.writing import read_result
from graders.grading.grade import answered
from graders.grading.repair import repair
from graders.lab.filenames import assignment_of
from graders.lab.manifest import Course
from graders.lab.percent import solutions
from graders.publish.release import build
from graders.status import Status
from tests.graders.conftest import autograde, hand_in, listed

FILES = ("source/{0}/{0}-1.py", "source/{0}/exercises.toml", "checks/{0}/test_{0}_1.py")


@pytest.fixture
def both(mini, course):
    """The small course, and the same again under another name, beside it."""
    for place in FILES:
        target = course.root / place.format("maxi")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((mini.root / place.format("mini")).read_text().replace("mini-1", "maxi-1"))
    made = Course.load(course.root, "maxi")
    build(made)
    return Course.load(course.root, "mini"), made


def solved(course):
    return answered(course, course.notebooks[0], solutions(course, course.notebooks[0]))


def stripped(notebook, of=("notebook", "cells")):
    """Without the marks of the assignment, as some front ends leave it."""
    for part in [*([notebook] if "notebook" in of else []), *(notebook.cells if "cells" in of else [])]:
        part.metadata.pop("sheaflab", None)
    return notebook


@pytest.mark.parametrize("of", [(), ("notebook",), ("cells",)])
def test_a_notebook_tells_its_assignment_by_its_cells_or_as_a_whole(mini, submit, of):
    assert assignment_of(json.loads(nbformat.writes(stripped(submit(), of)))) == "mini"


def test_a_pasted_cell_does_not_make_a_notebook_another_s(mini, submit):
    work = submit()
    work.cells[2].metadata["sheaflab"] = {"assignment": "maxi"}
    work.metadata["sheaflab"] = {"assignment": "maxi"}
    assert repair(nbformat.writes(work).encode(), mini, mini.notebooks[0]).status is Status.OK


@pytest.mark.parametrize("strange", [None, [], {"assignment": 3}, {"assignment": None}, {"assignment": ["mini"]}, {}])
def test_strange_marks_tell_nothing(mini, submit, strange):
    work = submit()
    for part in (work, *work.cells):
        part.metadata["sheaflab"] = strange
    assert assignment_of(json.loads(nbformat.writes(work))) == ""
    assert assignment_of({"cells": strange, "metadata": strange}) == ""
    assert repair(nbformat.writes(stripped(work)).encode(), mini, mini.notebooks[0]).status is Status.OK


@pytest.mark.slow
def test_a_notebook_of_the_other_is_refused_by_name_at_every_door(both, tmp_path, monkeypatch, capsys):
    mini, maxi = both
    inbox = tmp_path / "inbox"
    (inbox / "ada").mkdir(parents=True)
    (inbox / "ada" / "mini-1.ipynb").write_text(nbformat.writes(solved(maxi)))  # renamed
    (inbox / "bob_maxi-1.ipynb").write_text(nbformat.writes(solved(maxi)))
    monkeypatch.chdir(mini.source)
    assert main(["collect", str(inbox)]) == 1
    said = capsys.readouterr().out
    remedy = "left: of another assignment: it is a notebook of maxi, not of mini; collect it with --assignment maxi"
    assert said.count(remedy) == 2
    assert not list((mini.root / "submitted").glob("[!.]*"))  # nothing but the record of what was left
    assert main(["collect", str(inbox), "--assignment", "maxi"]) == 0
    assert sorted(p.parent.parent.name for p in mini.root.glob("submitted/*/maxi/maxi-1.ipynb")) == ["ada", "bob"]
    for student in ("cyn", "dan"):
        hand_in(mini, student, solved(maxi))
    assert main(["grade", "--student=cyn", "--workers=1"]) == 0
    with nbgrader_api.quiet():
        autograde(mini, "dan")
    for student in ("cyn", "dan"):
        told = read_result(mini.root / "autograded" / student / "mini" / "mini-1.ipynb")
        assert {exercise["status"] for exercise in told["exercises"]} == {Status.FOREIGN.name}
        assert "it is a notebook of maxi, not of mini" in json.dumps(told)
        assert sum(exercise["earned"] for exercise in told["exercises"]) == 0


@pytest.mark.slow
def test_both_are_graded_in_one_gradebook(both, monkeypatch, capsys):
    for course in both:
        hand_in(course, "ada", solved(course), f"{course.assignment}-1.ipynb")
        hand_in(course, "bob", stripped(solved(course)), f"{course.assignment}-1.ipynb")
        monkeypatch.chdir(course.source)
        assert main(["grade", "--workers=1", "--student=ada"]) == 0
        with nbgrader_api.quiet():
            autograde(course, "bob")
            nbgrader_api.feedback(course, "bob")
        assert main(["report", "--out", str(course.root / course.assignment)]) == 0
    with nbgrader_api.quiet():
        found = rows(nbgrader_api.load_config(both[0].root).CourseDirectory.db_url)
    points = {(row[0], row[1]): 0.0 for row in found}
    for row in found:
        points[row[0], row[1]] += row[5] or 0 if row[4].startswith("grade-") else 0
    assert points == {(name, who): 10.0 for name in ("mini", "maxi") for who in ("ada", "bob")}
    for course in both:
        page = (course.root / "feedback" / "bob" / course.assignment / f"{course.assignment}-1.html").read_text()
        assert "Exercise 1.1: double" in page
        found = listed(course.root / course.assignment / "grades.csv")
        assert [(row["student"], row["score"]) for row in found] == [("ada", "10.0"), ("bob", "10.0")]


@pytest.mark.slow
def test_a_release_does_not_hold_its_manifest(course):
    assert not list((course.root / "release").rglob("*.toml"))
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text().replace(', "*.toml"]', "]"))
    with pytest.raises(ValueError, match=r"exercises\.toml is in it"):
        build(course)
