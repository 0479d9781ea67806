"""Grades in the formats that other systems import; `course/docs/grades-out.md` says how, and which maximum to set."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from graders.classroom.standing import Class, Row
from graders.lab.manifest import Course
from graders.lab.printing import counted
from graders.status import Status

NOT_FINAL = "(not final)"
"""Part of the grade's name while a grade of the class is not final, so that it replaces no final grades elsewhere."""
LOOKED_AT = "a file that was handed in waits for a person"
WHOLE = 100.0
"""Moodle refuses a whole file for one grade above 100, whatever the maximum of the grade item."""


def safe(value: object) -> object:
    """Return a text that no spreadsheet takes for a formula; some skip leading spaces and accept full-width signs."""
    if isinstance(value, str) and (value[:1].isspace() or value.lstrip()[:1] in tuple("=+-@＝＋－＠")):
        return "'" + value
    return value


def _write(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([safe(name) for name in header])
        writer.writerows([safe(value) for value in line] for line in lines)


def _title(group: Class, course: Course) -> str:
    """The name of the grade in other systems."""
    return f"{course.title} {NOT_FINAL}" if not group.final else course.title


def _points(value: float) -> float:
    """Points as other systems keep them: a notebook's share of a penalty has more digits."""
    return round(value, 4)


def write_csv(group: Class, course: Course, path: Path) -> None:
    """One line per student: who, grade, lateness, what waits, notebooks, exercises with their status."""
    notebooks = [spec.name for spec in course.ready]
    exercises = [exercise for spec in course.ready for exercise in spec.exercises]
    written = [item for spec in course.ready for item in spec.written]
    header = ["student", "last_name", "first_name", "email", "score", "max_score", "raw_score", "late_penalty"]
    header += ["handed_in", "submitted_utc", "due_utc", "seconds_late", "waits_for", *notebooks]
    header += [f"{exercise.id} {kind}" for exercise in exercises for kind in ("points", "status")]
    header += [f"{item.id} points" for item in written]
    lines = []
    for row in group.rows:
        graded = {exercise["id"]: exercise for exercise in row.exercises}
        line: list[object] = [row.student, row.last_name, row.first_name, row.email]
        line += [_score(row), *(_points(value) for value in (row.max_score, row.raw, row.late_penalty))]
        line += ["yes" if row.handed_in else "no"]
        line += [f"{time:%Y-%m-%d %H:%M:%S}" if time else "" for time in (row.submitted, row.due)]
        line += [row.seconds_late, "; ".join(row.waits)]
        line += [row.notebooks.get(name, 0.0) for name in notebooks]
        for exercise in exercises:
            result, cell = graded.get(exercise.id), row.cells.get(exercise.grade_cell)
            points = "" if cell is None or exercise.id in row.undecided else cell.score
            line += [points, Status[result["status"]].label if result else ""]
        line += ["" if (cell := row.cells.get(item.cell)) is None or cell.waits else cell.score for item in written]
        lines.append(line)
    _write(path, header, lines)


def _score(row: Row) -> float | str:
    """Return the grade; empty while a person must still give a part of it, because a 0 would be taken for a grade."""
    return "" if row.open else _points(row.score)


def write_canvas(group: Class, course: Course, path: Path) -> None:
    """Canvas' gradebook import: a line of possible points, then one line per student."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", _title(group, course)]
    top = ["    Points Possible", "", "", "", "", group.max_score]
    lines = [[row.name, "", row.student, row.student, "", _score(row)] for row in group.rows]
    _write(path, header, [top, *lines])


def write_moodle(group: Class, course: Course, path: Path) -> None:
    """Moodle's grade import, matched by ID number, or by e-mail address if every student has one.

    Moodle gives the grade of a line without an address to the student of the line before.
    """
    mail = all(row.email for row in group.rows)
    title = _title(group, course)
    who = ["ID number", "Email address"] if mail else ["ID number"]
    header = [*who, f"{title}, percent", "Points", "Of", "Feedback comments"]
    lines = []
    for row in group.rows:
        percent = round(min(row.score / (group.max_score or 1.0), 1.0) * WHOLE, 4)
        grade = ["" if row.open else percent, _score(row)]
        who = [row.student, row.email] if mail else [row.student]
        lines.append([*who, *grade, group.max_score, _comment(row, course)])
    _write(path, header, lines)


def _comment(row: Row, course: Course) -> str:
    """Return the comment beside the grade, which the student may read: what cost points, and the written answers."""
    if not row.handed_in:
        return LOOKED_AT if row.open else "not handed in"
    words = [f"late: {counted(row.late_penalty, 'point')} off"] if row.late_penalty else []
    words += [LOOKED_AT] if row.left or row.astray else []
    words += [f"not handed in: {', '.join(row.missing)}"] if row.missing else []
    for spec in course.ready:
        if spec.name in row.missing:
            continue
        exercises = row.results.get(spec.name, {}).get("exercises", [])
        words += [f"{e['id']}: {Status[e['status']].label}" for e in exercises if e["status"] != Status.OK.name]
        for item in spec.written:
            if (cell := row.cells.get(item.cell)) is not None:
                points = "not graded yet" if cell.waits else f"{cell.score:g} of {cell.points:g}"
                words.append(f"{item.id}: {points}")
    return "; ".join(words)


def write_junit(group: Class, course: Course, path: Path) -> None:
    """JUnit XML: a suite per student, a case per hidden check; what no machine could decide is an error."""
    root, every = ElementTree.Element("testsuites", name=course.assignment), [0, 0, 0]
    for row in group.rows:
        seconds = sum(float(result.get("seconds", 0.0)) for result in row.results.values())
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(row.student), time=f"{seconds:.3f}")
        tests = failures = errors = 0
        for exercise in row.exercises:
            for check in exercise["checks"]:
                tests += 1
                case = ElementTree.SubElement(suite, "testcase", classname=exercise["id"], name=check["name"], time="0")
                status = Status[check["status"]]
                if status is not Status.OK:
                    kind = "error" if status.waits else "failure"
                    errors, failures = errors + (kind == "error"), failures + (kind == "failure")
                    detail = ElementTree.SubElement(case, kind, type=status.name, message=status.label)
                    detail.text = _xml(check["message"])
        _count(suite, tests, failures, errors)
        every = [a + b for a, b in zip(every, (tests, failures, errors), strict=True)]
    _count(root, *every)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _count(element: ElementTree.Element, tests: int, failures: int, errors: int) -> None:
    for name, number in (("tests", tests), ("failures", failures), ("errors", errors)):
        element.set(name, str(number))


def _xml(text: str) -> str:
    return "".join(
        c for c in text if c in "\n\t" or " " <= c <= "~" or "\xa0" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd"
    )


def write_gradescope(row: Row, course: Course, path: Path) -> None:
    """Gradescope's results.json of one submission: hidden checks and written answers; all output is plain text.

    Its `score` counts, not the sum of the tests: it has the points given by hand and the penalty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tests = [_test(exercise, check) for exercise in row.exercises for check in exercise["checks"]]
    for spec in course.ready:
        for item in spec.written:
            cell = row.cells.get(item.cell)
            done = cell is not None and not cell.waits
            entry = {"name": f"{item.id}: {item.title}", "number": item.id, "max_score": item.points}
            entry |= {"score": cell.score if cell is not None and done else 0.0, "output_format": "text"}
            tests.append(entry | {"output": "graded by hand" if done else "waits for a person"})
    words = [f"{counted(row.late_penalty, 'point')} off for handing in late"] if row.late_penalty else []
    told = {*map(str, row.left), row.astray}  # where a file lies is the staff's business
    words += [f"not final: {why}" for why in row.waits if why not in told]
    words += [f"not final: {LOOKED_AT}"] if row.left or row.astray else []
    data = {"score": _points(row.score), "output": "\n".join(words), "output_format": "text", "tests": tests}
    path.write_text(json.dumps(data, indent=1, allow_nan=False), encoding="utf-8")


def _test(exercise: Mapping[str, Any], check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{exercise['id']} {check['name']}: {check['title']}",
        "number": exercise["id"],
        "score": check["earned"],
        "max_score": check["points"],
        "status": "passed" if check["status"] == Status.OK.name else "failed",
        "output": check["message"] or Status[check["status"]].label,
        "output_format": "text",
    }
