"""`graders regrade`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from graders.classroom.regrade import regrade
from graders.commands.choice import add_course_arguments, chosen_course
from graders.commands.grade import add_overrides, overridden, told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `graders regrade`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument("--student", action="append", help="only this student; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    add_overrides(parser)
    parser.add_argument("--out", type=Path, help="also write the table to this Markdown file")


def run(options: argparse.Namespace) -> int:
    """Grade again and print the table; status 3 if a person must look at somebody's work."""
    course = chosen_course(options)
    settings = overridden(options, course.root)
    text, undecided = regrade(
        settings.apply(course), workers=options.workers, chosen=options.student, settings=settings
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return told(undecided)
