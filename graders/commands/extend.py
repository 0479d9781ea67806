"""`graders extend`: its arguments, and what it prints."""

from __future__ import annotations

import argparse

from graders.classroom.extending import extend
from graders.classroom.intake import times
from graders.commands.choice import add_course_arguments, chosen_course


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders extend`."""
    parser.description = "Give one student another due date; the penalty, if there is one, follows at once."
    parser.add_argument("student", metavar="STUDENT", help="as in the gradebook")
    until = parser.add_mutually_exclusive_group(required=True)
    until.add_argument("--until", metavar="WHEN", help="such as '2026-12-03 23:59 Europe/Berlin'")
    until.add_argument("--none", action="store_true", help="take the extension back")
    parser.add_argument("--zone", metavar="NAME", help="the time zone of WHEN where it names none")
    add_course_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Extend, and say what that has changed."""
    course = chosen_course(options)
    zone = times.zone_of(course.root, options.zone)
    until = None if options.none else times.moment(options.until, zone, "--until")
    print(extend(course, options.student, until))
    return 0
