"""`graders collect`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from graders.classroom.intake import roster, times
from graders.classroom.intake.collecting import Options, collect
from graders.classroom.intake.layouts import LAYOUTS
from graders.classroom.intake.names import student_id
from graders.classroom.intake.owners import FOLDER
from graders.classroom.intake.placing import Ledger
from graders.classroom.intake.results import FileRow, table
from graders.commands.choice import add_course_arguments, chosen_course
from graders.gradebook import nbgrader_api
from graders.lab.manifest import Course
from graders.lab.printing import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `graders collect`."""
    parser.description = (
        "Take downloaded notebooks into the course's submitted folder. Whose they are is read from the names that "
        "Moodle, Canvas, Blackboard, D2L, ILIAS, Gradescope, GitHub Classroom and nbgrader's exchange give, or from "
        "folders named for students. Ends with a table of what became of each file; status 1 if anything was left "
        "or cannot be read."
    )
    parser.add_argument("sources", type=Path, nargs="*", metavar="SOURCE", help="a notebook, a folder, a zip archive")
    parser.add_argument(
        "--roster", action="append", metavar="FILE",
        help="class list: nbgrader's gradebook.db, or a CSV file as Moodle or Canvas gives it; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--layout", choices=(*LAYOUTS, FOLDER), help="how the files are named (default: by their names)"
    )
    parser.add_argument(
        "--pattern", metavar="REGEX",
        help="how they are named, as an expression with the group (?P<student>…), or first_name, last_name, email; "
        "perhaps timestamp",
    )  # fmt: skip
    parser.add_argument("--student", help="whose they all are")
    parser.add_argument(
        "--submitted-at",
        metavar="WHEN",
        help="when they were handed in, where no platform's record tells: 2026-11-20T10:00+01:00",
    )
    parser.add_argument("--zone", metavar="NAME", help="the time zone of times that have none: Europe/Berlin")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also replace collected files where no record says which one is later, and by files that cannot be read; "
        "never one with work by one without",
    )
    parser.add_argument(
        "--settled", action="append", metavar="FILE",
        help="a file that an earlier run left and that waits for nobody any more, as `graders report` names it; may be "
        "repeated, and * and ? stand for any characters",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="say what would become of each file; write nothing")
    add_course_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out `graders collect`: 0 if every file found its place, 1 if somebody has to look."""
    if args.student is not None and student_id(args.student) != args.student:
        raise ValueError(f"`--student` must be letters, digits and any of . _ @ + - ', got {args.student!r}")
    if args.pattern is not None and args.layout is not None:
        raise ValueError("`--pattern` and `--layout` must not be given together")
    course = chosen_course(args)
    if bool(args.sources) == bool(args.settled):
        raise ValueError("give either a `SOURCE` to collect, or `--settled` for a file that an earlier run left")
    if args.settled:
        return _settle(course, args.settled, dry=args.dry_run)
    zone, known = times.zone_of(course.root, args.zone), _roster_ids(course)
    options = Options(
        roster=roster.load(args.roster, known) if args.roster else None,
        student=args.student,
        layout=args.layout,
        pattern=_expression(args.pattern),
        submitted_at=times.submitted_at(args.submitted_at, zone) if args.submitted_at else None,
        zone=zone,
        replace=args.replace,
        dry=args.dry_run,
    )
    rows, notes = collect(args.sources, course, course.root / "submitted", options)
    notes += _not_on_roster(known, rows, listed=bool(args.roster))
    print(table(rows, notes, dry=args.dry_run))
    return 0 if rows and all(row.status.fine for row in rows) else 1


def _settle(course: Course, names: Sequence[str], *, dry: bool) -> int:
    ledger = Ledger(course.root / "submitted", course.assignment)
    for one in [one for name in names for one in ledger.left.settle(name)]:
        print(f"settled: {one.shown}")
    if not dry:
        ledger.save()
    return 0


def _roster_ids(course: Course) -> set[str]:
    """Return the ids in the gradebook that the course uses; none if it has no gradebook yet."""
    if not (course.root / nbgrader_api.CONFIG).is_file():
        return set()
    url = make_url(nbgrader_api.load_config(course.root).CourseDirectory.db_url)
    book = url.render_as_string(hide_password=False)
    if url.drivername.startswith("sqlite"):
        book = url.database or ""
        if not Path(book).is_file():
            return set()
    try:
        return {person.id for person in roster.load([book]).people}
    except ValueError:
        where = f"see db_url in {nbgrader_api.CONFIG}"
        raise ValueError(f"the course's gradebook, {url}, cannot be read: {where}") from None


def _not_on_roster(known: set[str], rows: Sequence[FileRow], *, listed: bool) -> list[str]:
    """Return a note on the ids that are not among those of the gradebook, if it has any."""
    strange = sorted({row.student for row in rows if row.notebook and row.student} - known) if known else []
    if not strange:
        return []
    remedy = "give the class list by --roster"
    if listed:
        number = "nbgrader db student add ID --lms-user-id 1001"
        rest = "with the names and the address, for what it does not name becomes empty"
        remedy = f"if one is there under another id, give that one the platform's number ({number}, {rest})"
    names = ", ".join(map(printable, strange))
    return [f"{len(strange)} not in the gradebook: {names}; {remedy}, or add them: nbgrader db student add ID"]


def _expression(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"`--pattern` must be a regular expression, got {text!r}: {error}") from None
    if not {"student", "student_id", "first_name", "last_name", "email"} & pattern.groupindex.keys():
        raise ValueError(f"`--pattern` must have the group (?P<student>…), got {text!r}")
    return pattern
