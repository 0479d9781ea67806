"""What other systems do with an imported file, as their own importers do it; where each rule was looked up stands beside.

Canvas: lib/gradebook_importer.rb of instructure/canvas-lms. Moodle: grade/import/csv/classes/load_data.php of
moodle/moodle. Gradescope: gradescope-autograders.readthedocs.io/en/latest/specs. JUnit: Jenkins' junit-10.xsd, which
pytest tests its own reports with.
"""

from __future__ import annotations

import csv
import json
import math
from xml.etree import ElementTree

READ_ONLY = ("Current Score", "Current Points", "Current Grade", "Final Score", "Final Points", "Final Grade", "Override")


def canvas(path, students):
    """Return the assignment's name, its maximum and the scores by SIS id; `students` are the ids that Canvas knows."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert "Student" in header[0]  # else "Invalid header row"
    assert "ID" in header[1]
    assert header[2:5] == ["SIS User ID", "SIS Login ID", "Section"]  # the student columns end with a Section
    titles = [name for name in header[5:] if not any(word in name for word in READ_ONLY)]
    assert len(titles) == len(header) - 5 == 1  # these words would make it no assignment
    assert not titles[0].endswith(")") or not titles[0].rpartition("(")[2][:-1].isdigit()  # that would be Canvas' own id
    most, scores = None, {}
    for row in rows:
        assert len(row) == len(header)
        if "Points Possible" in row[0]:
            most = float(row[5])
            continue
        assert row[2] in students  # else a "missing student" for a person to match
        assert row[5]  # an empty cell takes a grade away
        scores[row[2]] = float(row[5])
    return titles[0], most, scores


def moodle(path, students, *, by="ID number", most=100.0):
    """Return percent by student, with mapping from the column `by`; None if Moodle refuses the whole file."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    known, student, grades = {value: name for name, value in students.items()}, None, {}
    grade = next(k for k, name in enumerate(header) if name.endswith("percent"))
    for row in rows:
        if value := row[header.index(by)].strip():  # an empty one leaves the student of the line before in its place
            if value not in known:
                return None  # "user mapping error"
            student = known[value]
        if not math.isfinite(points := float(row[grade])) or points > most:
            return None  # "gradevaluetoobig", whatever the item's own maximum
        grades[student] = points
    return grades


def gradescope(path):
    """Return the score of a results.json, all of whose keys the specification has."""
    data = json.loads(path.read_text(encoding="utf-8"))
    top = {"score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility"}
    assert set(data) <= top | {"stdout_visibility", "extra_data", "tests", "leaderboard"}
    formats = {"text", "html", "simple_format", "md", "ansi"}
    assert data["output_format"] in formats
    keys = {"score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"}
    for test in data["tests"]:
        assert set(test) <= keys | {"visibility", "extra_data"}
        assert test.get("status", "passed") in ("passed", "failed")
        assert test["output_format"] in formats
        assert 0 <= test["score"] <= test["max_score"]
    return data["score"]


def junit(path):
    """Return the numbers of tests, failures and errors, which must be those of the cases."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == "testsuites"
    every = []
    for suite in root:
        assert suite.tag == "testsuite"
        assert suite.get("name")
        assert float(suite.get("time")) >= 0
        cases = suite.findall("testcase")
        assert all(case.get("name") and case.get("classname") for case in cases)
        told = [int(suite.get(name)) for name in ("tests", "failures", "errors")]
        assert told == [len(cases), len(suite.findall("testcase/failure")), len(suite.findall("testcase/error"))]
        every.append(told)
    sums = [sum(column) for column in zip(*every, strict=True)] or [0, 0, 0]
    assert sums == [int(root.get(name)) for name in ("tests", "failures", "errors")]
    return tuple(sums)
