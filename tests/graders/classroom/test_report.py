"""Grades for other systems, and the page about the class: quoted, escaped, complete."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from graders.classroom import report, similar
from graders.classroom.report_page import write_page
from graders.classroom.standing import Row
from graders.lab.manifest import Course

HERE = Path(__file__).resolve().parents[1]
HOSTILE = '<script>window.pwned=1</script>, "quoted"\n=1+1'


@pytest.fixture
def rows():
    check = {
        "name": "numbers",
        "title": "random numbers",
        "points": 1.0,
        "earned": 0.0,
        "status": "WRONG",
        "message": HOSTILE + "\x00",
    }
    good = {**check, "name": "arrays", "points": 2.0, "earned": 2.0, "status": "OK", "message": ""}
    exercise = {
        "id": "1.1",
        "title": "double",
        "status": "WRONG",
        "earned": 2.0,
        "points": 3.0,
        "checks": [check, good],
    }
    result = {"mini-1": {"exercises": [exercise], "notes": [HOSTILE], "seconds": 1.5, "memory": 150_000}}
    first = Row("=cmd|x", "O'Neil", 'Ann "A"', "a@b.c", 2.0, 13.0, 0.0, True, {"mini-1": 2.0}, result)
    return [first, Row("bob", "", "", "", 0.0, 13.0, 0.0, False, {}, {"mini-1": {}})]


@pytest.fixture
def mini_course():
    return Course.load(HERE / "course")


def test_tables_are_quoted_and_hold_no_formula(rows, mini_course, tmp_path):
    report.write_csv(rows, mini_course, tmp_path / "grades.csv")
    report.write_canvas(rows, mini_course, tmp_path / "canvas.csv")
    report.write_moodle(rows, tmp_path / "moodle.csv")
    for name, lines in (("grades.csv", 3), ("canvas.csv", 4), ("moodle.csv", 3)):
        with (tmp_path / name).open(newline="") as file:
            table = list(csv.reader(file))
        assert len(table) == lines
        assert len({len(line) for line in table}) == 1
        assert not any(cell.startswith(("=", "@")) for line in table for cell in line)
    with (tmp_path / "grades.csv").open(newline="") as file:
        line = next(csv.DictReader(file))
    assert line["first_name"] == 'Ann "A"'
    assert (line["1.1 points"], line["1.1 status"], line["1.2 status"]) == ("2.0", "wrong", "")


def test_junit_and_gradescope_hold_each_check(rows, mini_course, tmp_path):
    report.write_junit(rows, mini_course, tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    report.write_gradescope(rows[0], tmp_path / "one" / "results.json")
    data = json.loads((tmp_path / "one" / "results.json").read_text())
    assert data["score"] == 2.0
    assert [(test["score"], test["status"]) for test in data["tests"]] == [(0.0, "failed"), (2.0, "passed")]
    assert {test["output_format"] for test in data["tests"]} == {"text"}


def test_the_page_about_the_class_escapes_everything(rows, mini_course, tmp_path):
    write_page(rows, mini_course, tmp_path / "class.html")
    page = (tmp_path / "class.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<img alt=") == 4
    assert '<td class="number">1.5</td><td class="number">146</td>' in page  # seconds and MiB


def test_likeness_looks_past_names_comments_and_layout():
    first = "def f(a, b):\n    '''Doc.'''\n    total = 0  # start\n    for x in a:\n        total += x * b\n    return total\n"
    second = "def g(p,q):\n  s=0\n  for item in p: s+=item*q\n  return s"
    without_doc = similar.shape(first.replace("    '''Doc.'''\n", ""))
    assert without_doc == similar.shape(second)
    assert similar.shape("def f(:") == ()
    assert similar.shape(second) != similar.shape(second.replace("0", "1"))
