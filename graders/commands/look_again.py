"""`graders look-again`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime

from graders.classroom.changes import cell_names, plain
from graders.commands.choice import add_course_arguments, chosen_course
from graders.gradebook import nbgrader_api
from graders.gradebook.look_again import Request, record, requests
from graders.gradebook.states import State, read_states


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders look-again`."""
    parser.description = (
        "Record that a student asks for another look at an exercise; without a student, list what was asked. A request "
        "stands beside the exercise in formgrader, and the grade is not final, until it is answered with --answer. The "
        "student's feedback page tells the answer."
    )
    parser.add_argument("student", metavar="STUDENT", nargs="?", help="as in the gradebook")
    parser.add_argument("exercise", metavar="EXERCISE", nargs="?", help="such as 1.1 or 3.W")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--note", metavar="TEXT", help="what the student says")
    what.add_argument("--answer", metavar="TEXT", help="what the staff says to the student; closes the request")
    add_course_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Record, answer or list."""
    course = chosen_course(options)
    cells = {name: cell for cell, name in cell_names(course).items()}
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        known = {(found.student, found.exercise): found for found in requests(book, course.assignment)}
        if options.student is None:
            print(listed(list(known.values())))
            return 0
        states = read_states(book, course.assignment)
        if options.student not in states:
            raise ValueError(f"`STUDENT` must have a submission in the gradebook, got {options.student!r}")
        if options.exercise not in cells:
            raise ValueError(f"`EXERCISE` must be one of {', '.join(cells)}, got {options.exercise!r}")
        points = _points(states[options.student], cells[options.exercise])
        key = (options.student, options.exercise)
        if options.answer is not None:
            if key not in known or not known[key].open:
                which = f"{options.student} has no open request about {options.exercise}"
                raise ValueError(f"{which}; `graders look-again` lists them")
            request = replace(known[key], answer=options.answer, answered=now, after=points)
        elif options.note is not None:
            request = Request(*key, options.note, now, points)
        else:
            raise ValueError("give --note TEXT for a new request, or --answer TEXT for the answer to one")
        record(book, course.assignment, request)
        book.db.commit()
        print(listed([request]))
        if request.after == request.before:
            print(
                f"Attention: the points of {request.student} for {request.exercise} are what they were, "
                f"{request.before:g}: an answer gives none. Give them in formgrader first.",
                file=sys.stderr,
            )
        if not request.open:
            again = f"`nbgrader generate_feedback {course.assignment}`"
            print(f"The feedback page of {request.student} tells this answer once {again} has run.")
    return 0


def _points(state: State, cell: str) -> float:
    return state.cells[cell].score if cell in state.cells else 0.0


def listed(entries: list[Request]) -> str:
    """Return requests as Markdown, open ones first."""
    if not entries:
        return "Nobody has asked for another look."
    lines = ["| student | exercise | asked | note | before | after | answer |", "|---|---|---|---|---:|---:|---|"]
    for request in sorted(entries, key=lambda request: (not request.open, request.student, request.exercise)):
        after = "open" if request.after is None else f"{request.after:g}"
        line = [request.student, request.exercise, request.asked, request.note, f"{request.before:g}", after]
        lines.append("| " + " | ".join(plain(part) for part in [*line, request.answer]) + " |")
    return "\n".join(lines)
