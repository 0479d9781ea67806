"""Grades in the forms that other systems read, and a page about the class as a whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from graders.classroom.standing import Row
from graders.lab.manifest import Course
from graders.status import Status


def safe(value: object) -> object:
    """Keep a spreadsheet from taking a text for a formula; some look past spaces and take wide signs."""
    if isinstance(value, str) and (value[:1].isspace() or value.lstrip()[:1] in tuple("=+-@＝＋－＠")):
        return "'" + value
    return value


def _write(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(header)
        writer.writerows([safe(value) for value in line] for line in lines)


def write_csv(rows: Sequence[Row], course: Course, path: Path) -> None:
    """One line a student: total, notebooks, exercises with their status."""
    notebooks = [spec.name for spec in course.ready]
    exercises = [exercise.id for exercise in course.exercises()]
    header = ["student", "last_name", "first_name", "email", "score", "max_score", "late_penalty", "needs_manual_grade"]
    header += [*notebooks, *(f"{number} {kind}" for number in exercises for kind in ("points", "status"))]
    lines = []
    for row in rows:
        told = {exercise["id"]: exercise for exercise in row.exercises}
        line: list[object] = [row.student, row.last_name, row.first_name, row.email]
        line += [_score(row), row.max_score, row.late_penalty, int(row.needs_manual)]
        line += [row.notebooks.get(name, 0.0) for name in notebooks]
        for number in exercises:
            found = told.get(number)
            told_points = "" if number in row.undecided else found["earned"] if found else ""
            line += [told_points, Status[found["status"]].label if found else ""]
        lines.append(line)
    _write(path, header, lines)


def _score(row: Row) -> float | str:
    """The score; empty as long as a person must give some of it, for a 0 would be taken for a grade."""
    return "" if row.undecided else row.score


def write_canvas(rows: Sequence[Row], course: Course, path: Path) -> None:
    """Canvas' gradebook import: a line of possible points, then one line a student."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", course.title]
    top = ["    Points Possible", "", "", "", "", max(row.max_score for row in rows)]
    names = [f"{row.last_name}, {row.first_name}".strip(", ") or row.student for row in rows]
    lines = [[name, "", row.student, row.student, "", _score(row)] for name, row in zip(names, rows, strict=True)]
    _write(path, header, [top, *lines])


def write_moodle(rows: Sequence[Row], path: Path) -> None:
    """Moodle's grade import, matched by ID number or e-mail address."""
    header = ["ID number", "Email address", "Grade", "Feedback comments"]
    _write(path, header, [[row.student, row.email, _score(row), "; ".join(_words(row))] for row in rows])


def _words(row: Row) -> list[str]:
    return [f"{e['id']}: {Status[e['status']].label}" for e in row.exercises if e["status"] != Status.OK.name]


def write_junit(rows: Sequence[Row], course: Course, path: Path) -> None:
    """JUnit XML: a suite a student, a case a hidden check."""
    root = ElementTree.Element("testsuites", name=course.assignment)
    for row in rows:
        suite = ElementTree.SubElement(root, "testsuite", name=row.student)
        failures = tests = 0
        for exercise in row.exercises:
            for check in exercise["checks"]:
                tests += 1
                case = ElementTree.SubElement(suite, "testcase", classname=exercise["id"], name=check["name"])
                if check["status"] != Status.OK.name:
                    failures += 1
                    failure = ElementTree.SubElement(case, "failure", message=Status[check["status"]].label)
                    failure.text = _xml(check["message"])
        suite.set("tests", str(tests))
        suite.set("failures", str(failures))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _xml(text: str) -> str:
    return "".join(
        c for c in text if c in "\n\t" or " " <= c <= "~" or "\xa0" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd"
    )


def write_gradescope(row: Row, path: Path) -> None:
    """Gradescope's results JSON of one submission; output is given as plain text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tests = [
        {
            "name": f"{exercise['id']} {check['name']}: {check['title']}",
            "number": exercise["id"],
            "score": check["earned"],
            "max_score": check["points"],
            "status": "passed" if check["status"] == Status.OK.name else "failed",
            "output": check["message"] or Status[check["status"]].label,
            "output_format": "text",
        }
        for exercise in row.exercises
        for check in exercise["checks"]
    ]
    data = {"score": row.score, "max_score": row.max_score, "output_format": "text", "tests": tests}
    path.write_text(json.dumps(data, indent=1, allow_nan=False), encoding="utf-8")
