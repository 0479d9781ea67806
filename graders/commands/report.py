"""`graders report`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from graders.classroom.report import write_canvas, write_csv, write_gradescope, write_junit, write_moodle
from graders.classroom.standing import Class, collect
from graders.commands.choice import add_course_arguments, chosen_course
from graders.commands.grade import report_unlisted, report_untouched
from graders.gradebook.record import about_removed
from graders.lab.printing import counted

SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders report`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument("--out", type=Path, help="folder (default: build/report/NAME in the course)")
    parser.add_argument("--final", action="store_true", help="refuse, with status 3, while a grade is not final")


def run(options: argparse.Namespace) -> int:
    """Write every format; print where, and which grades are not final."""
    from graders.classroom.report_page import write_page

    course = chosen_course(options)
    group = collect(course)
    if not group.rows:
        raise ValueError("the gradebook has no students; run `graders grade` first")
    for text in group.kept:
        print(f"Attention: {text}.", file=sys.stderr)
    for student in group.strangers:
        print(f"Attention: {about_removed(student)}.", file=sys.stderr)
    for row in group.rows:
        for remark in row.remarks:
            print(f"Attention: {row.student}: {remark}", file=sys.stderr)
    if group.unfinished:
        print(unfinished(group), file=sys.stderr)
    if group.ownerless:
        print(ownerless(group), file=sys.stderr)
    if options.final and not group.final:
        print("Nothing was written: --final is for final grades only.", file=sys.stderr)
        return 3
    out = options.out or course.root / "build" / "report" / course.assignment
    out.mkdir(parents=True, exist_ok=True)
    write_csv(group, course, out / "grades.csv")
    write_canvas(group, course, out / "canvas.csv")
    write_moodle(group, course, out / "moodle.csv")
    write_junit(group, course, out / "junit.xml")
    for last in (out / "gradescope").glob("*/results.json"):  # who has left the class, or not handed in, has none
        last.unlink()
        with contextlib.suppress(OSError):  # something else is in it
            last.parent.rmdir()
    for row in group.rows:
        if row.handed_in:
            write_gradescope(row, course, out / "gradescope" / row.student / "results.json")
    write_page(group, course, out / "class.html")
    others = "grades.csv, canvas.csv, moodle.csv, junit.xml, gradescope/"
    report_untouched([row.student for row in group.rows if row.untouched])
    report_unlisted(group.unlisted)
    without = [row.student for row in group.rows if not row.email]
    if 0 < len(without) < len(group.rows):
        print(
            "moodle.csv has no e-mail addresses and is matched by ID number: without one "
            f"{counted(len(without), 'student')}, {', '.join(without[:SHOWN])}{', …' if len(without) > SHOWN else ''}.",
            file=sys.stderr,
        )
    absent = sum(not row.handed_in for row in group.rows)
    if group.unlisted:
        others += f"; not on the roster: {counted(len(group.unlisted), 'student')}"
    of_them = f"{absent} of them have not handed in" if absent else "all have handed in"
    print(f"{counted(len(group.rows), 'student')}, {of_them}: {out / 'class.html'} and {others}")
    return 0


def unfinished(group: Class) -> str:
    """Return the list of those whose grade is not final, and why."""
    rows = [f"{row.student}: {'; '.join(row.waits)}" for row in group.unfinished]
    head = f"No final grade yet: {len(rows)} of {counted(len(group.rows), 'student')}:"
    return _list(head, rows, "as the column waits_for of grades.csv says")


def ownerless(group: Class) -> str:
    """Return the list of files that were handed in and are nobody's, and why."""
    files = [f"{one.student or '?'}: {one}" for one in group.ownerless]
    head = f"Handed in, and of nobody in the class as far as is known ({counted(len(files), 'file')}):"
    return _list(head, files, "as class.html says")


def _list(head: str, entries: Sequence[str], rest: str) -> str:
    """Return a list for the terminal: its head, the first entries, how many more there are and where they stand."""
    lines = [head, *(f"  {entry}" for entry in entries[:SHOWN])]
    if len(entries) > SHOWN:
        lines.append(f"  and {len(entries) - SHOWN} more, {rest}")
    return "\n".join(lines)
