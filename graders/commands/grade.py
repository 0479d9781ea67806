"""`graders grade`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from graders.classroom.batch import require_known, students
from graders.classroom.pool import executor
from graders.classroom.session import grade_class
from graders.commands.choice import add_course_arguments, chosen_course
from graders.gradebook import nbgrader_api
from graders.gradebook.doors import A_PERSON_MUST_LOOK
from graders.gradebook.files import shown
from graders.gradebook.record import about_removed
from graders.gradebook.settings import Settings
from graders.grading import canary
from graders.grading.astray import astray
from graders.grading.submission import UNTOUCHED
from graders.lab.manifest import Course
from graders.lab.printing import counted
from graders.sandbox.isolation import LADDER


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders grade`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument("--student", action="append", help="only this student; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--scheduler", help="address of a dask scheduler, to use instead of local processes")
    parser.add_argument(
        "--since-change",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="skip submissions that have been graded just as they are (default)",
    )
    add_overrides(parser)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Declare the options that replace values of the course's configuration."""
    says = "by default as the course's nbgrader_config.py says"
    parser.add_argument("--cpu", type=float, help=f"CPU seconds of one cell; {says}")
    parser.add_argument("--wall", type=float, help=f"seconds of one cell or call; {says}")
    levels = [level.name.lower() for level in LADDER]
    parser.add_argument("--require-isolation", choices=levels, help=f"refuse to grade with less; {says}")


def overridden(options: argparse.Namespace, root: Path) -> Settings:
    """Return the settings of the course at `root` with the given options, and print which values they replace."""
    settings = Settings.load(root)
    settings = settings.override(cpu=options.cpu, wall=options.wall, required=options.require_isolation)
    for override in settings.overridden:
        print(f"Attention: {override}.", file=sys.stderr)
    return settings


def run(options: argparse.Namespace) -> int:
    """Grade, write, summarise; status 0 once every submission has a grade and a reason, 3 if a person must look."""
    course = chosen_course(options)
    settings = overridden(options, course.root)
    course = settings.apply(course)
    require_known(options.student or [], students(course), course)
    level = canary.best_isolation(settings.required, settings.limits)
    if level.degraded:
        print(f"Attention: {level.value}.", file=sys.stderr)
    chosen = options.student or [name for name in students(course) if name not in settings.excluded]
    lost = {} if options.student else strays(course, settings)
    if not chosen:
        print(f"Nothing in {course.root / 'submitted'}.")
        return report_undecided(lost)
    with executor(options.workers, options.scheduler) as pool:
        done = grade_class(
            course,
            chosen,
            pool,
            settings,
            level,
            since_change=options.since_change,
            removed_too=bool(options.student),
            window=2 * options.workers,
        )
    for problem in done.problems:
        print(f"Attention: {problem}.", file=sys.stderr)
    for student in done.skipped:
        report_skipped(student)
    number = len(chosen) - len(done.skipped)
    others = ", the others have not changed" if done.graded < number else ""
    print(f"{done.graded} of {counted(number, 'submission')} graded{others}.")
    if done.penalties:
        print(f"Another penalty for late work now: {done.penalties} of the others.")
    if done.reasons:
        print("Exercises of these submissions, all students together:")
    for label, count in done.reasons.most_common():
        print(f"{count:6}  {label}")
    report_untouched(done.untouched)
    report_unlisted(done.unlisted)
    for student, why in done.undecided.items():
        lost[student] = f"{why}; {lost[student]}" if student in lost else why
    return report_undecided(lost)


def strays(course: Course, settings: Settings) -> dict[str, str]:
    """Return the students whose work may lie beside the assignment's folder, and why, as they are shown."""
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root, settings.config) as book:
        found = astray(course, {student.id for student in book.students})
    return {shown(name): why for name, why in found.items() if name not in settings.excluded}


def report_unlisted(names: Sequence[str]) -> None:
    """Print who is in the gradebook and not on the roster."""
    if names:
        print(
            f"{len(names)} not on the roster (in the gradebook without name and address, unlike others): "
            f"{', '.join(names)}. All exports have them. Name each by `nbgrader db student add ID --last-name NAME`; "
            "if an id is nobody's, collect the files with --roster or --student; for it, and for whoever is not of the "
            "class, run `nbgrader db student remove ID --force` and move submitted/ID, autograded/ID and feedback/ID "
            "out of the course.",
            file=sys.stderr,
        )


def report_untouched(names: Sequence[str]) -> None:
    """Print in whose hand-in no exercise is attempted."""
    if names:
        print(
            f"{len(names)} handed in, and {UNTOUCHED}: {', '.join(sorted(names))}. Their grade stands; where you "
            "expect work, ask for the right file.",
            file=sys.stderr,
        )


def report_skipped(student: str) -> None:
    """Print that a student is not graded, and what to do."""
    print(f"Skipped: {about_removed(student)}.", file=sys.stderr)


def report_undecided(undecided: Mapping[str, str]) -> int:
    """Print the students at whom a person must look; return the exit status."""
    for student, why in undecided.items():
        print(f"A person must look at {student}: {why}", file=sys.stderr)
    return A_PERSON_MUST_LOOK if undecided else 0
