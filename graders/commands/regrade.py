"""`graders regrade`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from graders.classroom.batch import students
from graders.classroom.regrade import regrade, snapshots
from graders.commands.choice import add_course_arguments, chosen_course
from graders.commands.grade import add_overrides, overridden, report_skipped, report_undecided, strays
from graders.lab.printing import counted
from graders.publish.release import build


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `graders regrade`."""
    parser.description = (
        "Build the release again, grade everybody again, and print whose grade has changed, where and why. "
        "A stopped run goes on when it is run again. Status 3 if a person must look, 130 if it was stopped."
    )
    add_course_arguments(parser, positional=True)
    parser.add_argument("--student", action="append", help="only this student; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    add_overrides(parser)
    parser.add_argument("--out", type=Path, help="also add the table to this Markdown file; what is there stays")


def run(options: argparse.Namespace) -> int:
    """Grade again and print the table; status 3 if a person must look at somebody's work."""
    course = chosen_course(options)
    settings = overridden(options, course.root)
    before = snapshots(course, settings, students(course))
    build(course)  # points go into the gradebook; what cannot be released is not regraded either
    done = regrade(
        settings.apply(course), workers=options.workers, chosen=options.student, settings=settings, before=before
    )
    for problem in done.problems:
        print(f"Attention: {problem}.", file=sys.stderr)
    for student in done.skipped:
        report_skipped(student)
    text = done.table
    if done.left:
        text += f"\nStopped: {counted(len(done.left), 'student')} still to be graded. Run it again to go on.\n"
    print(text)
    if options.out:
        with options.out.open("a", encoding="utf-8") as file:
            file.write(f"## {course.assignment}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n{text}\n")
    done.close()
    lost = {} if options.student else strays(course, settings)
    status = report_undecided(lost | done.undecided)
    return 130 if done.left else status
