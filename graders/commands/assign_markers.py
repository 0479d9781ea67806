"""`graders assign-markers`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
from collections import Counter

from graders.classroom.batch import students
from graders.commands.choice import add_course_arguments, chosen_course
from graders.gradebook import nbgrader_api
from graders.gradebook.markers import assign, deal
from graders.lab.printing import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders assign-markers`."""
    parser.description = (
        "Assign the written answers to markers. Formgrader's list then shows each marker his or her own, once "
        "`jupyter server extension enable graders.gradebook.marking` was run."
    )
    parser.add_argument("markers", metavar="MARKER", nargs="+", help="their names in JupyterHub or in GRADERS_MARKER")
    parser.add_argument(
        "--by",
        choices=("student", "question"),
        default="student",
        help="whether one marker gets all answers of a student, or all answers to a question (%(default)s)",
    )
    add_course_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Assign, write, and print how many answers each marker has."""
    course = chosen_course(options)
    if len(set(options.markers)) < len(options.markers):
        raise ValueError(f"`MARKER` must be named once each, got {' '.join(options.markers)}")
    if not any(spec.written for spec in course.ready):
        raise ValueError(f"{course.assignment} has no written answers to mark")
    dealt = deal(course, students(course), options.markers, by=options.by)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assign(book, course.assignment, dealt)
        book.db.commit()
    counts = Counter(marker for cells in dealt.values() for marker in cells.values())
    for marker in options.markers:
        whose = sum(marker in cells.values() for cells in dealt.values())
        print(f"{marker}: {counted(counts[marker], 'answer')} of {counted(whose, 'student')}")
    return 0
