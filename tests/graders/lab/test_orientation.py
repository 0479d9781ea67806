"""What the first cell of a notebook says comes from the manifest, and fits the edition."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from graders.lab.manifest import Course
from graders.lab.orientation import orientation
from graders.lab.percent import convert, grade_id, template
from graders.lab.places import OUR_COURSE
from graders.publish.selfstudy.folder import notebook

COURSE = Course.load(OUR_COURSE, "lab09")
every_notebook = pytest.mark.parametrize("spec", COURSE.notebooks, ids=lambda spec: spec.name)


def rows(text):
    """The rows of the table, below its head."""
    table = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[part.strip() for part in re.split(r"(?<!\\)\|", row)] for row in table[2:]]


@every_notebook
def test_a_student_reads_points_time_help_hand_in_and_what_the_checks_see(spec):
    head = template(COURSE, spec).cells[0].source
    *tasks, total = rows(head)
    want = [[e.id, e.title, f"{e.points:g}", str(e.minutes)] for e in spec.exercises]
    want += [[w.id, w.title, f"{w.points:g}", ""] for w in spec.written]
    assert tasks == want
    points = sum(float(task[2]) for task in tasks)
    assert total == ["", "**all, with reading**", f"**{points:g}**", f"**{spec.minutes}**"]
    first = spec.exercises[0].id
    for said in ("**Hidden checks give the points.**", "**To hand in**, save", f"`sheaflab hint {first}`", "`sheaflab progress`"):
        assert said in head
    assert ("is read by a person" in head) == bool(spec.written)
    assert head.startswith("# Lab 09, notebook")


@every_notebook
def test_who_learns_alone_reads_of_no_points_and_no_hand_in(spec):
    cells = json.loads(notebook(COURSE, spec))["cells"]
    head = "".join(cells[0]["source"])
    *tasks, total = rows(head)
    assert [task[0] for task in tasks] == [item.id for item in (*spec.exercises, *spec.written)]
    assert total[-1] == f"**{spec.minutes}**"
    added = head.partition("**Time:**")[2]
    assert not re.search(r"\bpoints?\b|hand in|hidden|instructor|submit", added, re.IGNORECASE)
    assert "tries the answer on fresh problems" in head
    assert "The key is the last resort" in head


@every_notebook
def test_nothing_but_the_first_cell_is_made(spec):
    """Cells with answers and points say what the source says; the text that is added is in a cell without either."""
    cells = convert(COURSE, spec).cells
    assert grade_id(cells[0]) == f"text-{spec.name[-1]}-1"
    info = cells[0].metadata.nbgrader
    assert (info["grade"], info["solution"], info["locked"]) == (False, False, True)
    assert [cell.source for cell in cells if "**To hand in**" in cell.source] == [cells[0].source]


def test_a_course_says_how_it_is_handed_in():
    spec = COURSE.notebooks[0]
    told = orientation(dataclasses.replace(COURSE, hand_in=" send a carrier pigeon.\n"), spec, graded=True)
    assert told.endswith("**To hand in**, send a carrier pigeon.")
    assert "nbgrader" not in told


@every_notebook
@pytest.mark.parametrize("graded", [True, False])
def test_what_holds_in_every_exercise_stands_in_each_notebook(spec, graded):
    told = orientation(dataclasses.replace(COURSE, rules=" mind the minus.\n"), spec, graded=graded)
    assert "\n\n**What holds in every exercise.** mind the minus.\n\n" in told
    assert "every exercise" not in orientation(dataclasses.replace(COURSE, rules=""), spec, graded=graded)
    assert "$10^{-10}$" in orientation(COURSE, spec, graded=graded)


def test_a_notebook_without_a_text_at_its_top_gets_one(tmp_path, mini):
    (tmp_path / "source" / "mini").mkdir(parents=True)
    for path in mini.source.iterdir():
        if path.suffix in (".py", ".toml"):
            text = path.read_text(encoding="utf-8")
            head, *cells = re.split(r"(?=^# %%)", text, flags=re.MULTILINE)
            first_code = next((k for k, cell in enumerate(cells) if not cell.startswith("# %% [markdown]")), 0)
            (tmp_path / "source" / "mini" / path.name).write_text(head + "".join(cells[first_code:]), encoding="utf-8")
    course = Course.load(tmp_path)
    before = convert(mini, mini.notebooks[0]).cells
    first, *others = convert(course, course.notebooks[0]).cells
    assert (first.cell_type, first.source.startswith("**Time:**")) == ("markdown", True)
    assert [cell.source for cell in others] == [cell.source for cell in before][-len(others) :]
