"""`graders collect`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from graders.classroom.intake import STUDENT, collect, look_through, summary
from graders.commands.choice import add_course_arguments, chosen_course


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `graders collect`."""
    parser.description = (
        "Take downloaded notebooks into the course's submitted folder. Whose they are is read from the folder that "
        "each lies in, or from the file's name before the notebook's (jane_lab10-3.ipynb)."
    )
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE", help="a notebook, a folder, a zip archive")
    parser.add_argument("--student", help="whose they all are")
    add_course_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out `graders collect`: 0 if every file found its place, 1 if somebody has to look."""
    if args.student is not None and not STUDENT.fullmatch(args.student):
        raise ValueError(f"`--student` must be letters, digits and any of . _ @ + -, got {args.student!r}")
    course = chosen_course(args)
    reports = collect(look_through(args.sources), course, course.root / "submitted", args.student)
    print(summary(reports))
    return 0 if reports and all(report.status.fine for report in reports) else 1
