"""`graders report`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from graders.classroom.report import write_canvas, write_csv, write_gradescope, write_junit, write_moodle
from graders.classroom.standing import collect
from graders.commands.choice import add_course_arguments, chosen_course


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders report`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument("--out", type=Path, default=Path("build/report"), help="folder (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Write every form; say where."""
    from graders.classroom.report_page import write_page

    course = chosen_course(options)
    rows = collect(course)
    if not rows:
        raise ValueError(f"no submission of {course.assignment} in the gradebook; run `graders grade` first")
    options.out.mkdir(parents=True, exist_ok=True)
    write_csv(rows, course, options.out / "grades.csv")
    write_canvas(rows, course, options.out / "canvas.csv")
    write_moodle(rows, options.out / "moodle.csv")
    write_junit(rows, course, options.out / "junit.xml")
    for row in rows:
        write_gradescope(row, options.out / "gradescope" / row.student / "results.json")
    write_page(rows, course, options.out / "class.html")
    others = "grades.csv, canvas.csv, moodle.csv, junit.xml, gradescope/"
    print(f"{len(rows)} students: {options.out / 'class.html'} and {others}")
    for row in rows:
        if why := row.undecided:
            print(f"A person must look at {row.student}, exercises {', '.join(why)}: {next(iter(why.values()))}")
    return 0
