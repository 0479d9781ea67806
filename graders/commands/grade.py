"""`graders grade`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from graders.classroom.batch import students
from graders.classroom.pool import executor
from graders.classroom.session import grade_class
from graders.grading import canary
from graders.lab.manifest import Course
from graders.lab.places import default_course
from graders.sandbox.isolation import LADDER, Isolation, Limits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders grade`."""
    parser.add_argument("assignment", nargs="?", help="by default the course's")
    parser.add_argument("--course", type=Path, default=default_course(), help="course directory (%(default)s)")
    parser.add_argument("--student", action="append", help="only this student; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--scheduler", help="address of a dask scheduler, in the place of local processes")
    parser.add_argument(
        "--since-change",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="skip submissions that have been graded just as they are (default)",
    )
    parser.add_argument("--cpu", type=float, default=Limits.cpu, help="CPU seconds of one cell (%(default)s)")
    parser.add_argument("--wall", type=float, default=Limits.wall, help="seconds of one cell or call (%(default)s)")
    levels = [level.name.lower() for level in LADDER]
    parser.add_argument("--require-isolation", choices=levels, default="rlimits", help="refuse less (%(default)s)")


def run(options: argparse.Namespace, course: Course | None = None) -> int:
    """Grade, write, summarise; status 0 once every submission has a grade and a reason."""
    course = Course.load(options.course) if course is None else course
    if options.assignment not in (None, course.assignment):
        raise ValueError(f"the assignment of {course.root} is {course.assignment!r}, got {options.assignment!r}")
    limits = Limits(cpu=options.cpu, wall=options.wall)
    level = canary.best_isolation(Isolation[options.require_isolation.upper()], limits)
    if level.degraded:
        print(f"Attention: {level.value}.", file=sys.stderr)
    chosen = options.student or students(course)
    if not chosen:
        print(f"Nothing in {course.root / 'submitted'}.")
        return 0
    with executor(options.workers, options.scheduler, level, limits) as pool:
        reasons, graded = grade_class(
            course, chosen, pool, limits, level, since_change=options.since_change, window=2 * options.workers
        )
    print(f"{graded} of {len(chosen)} submissions graded, the others unchanged since they were.")
    for label, count in reasons.most_common():
        print(f"{count:6}  {label}")
    return 0


def main_with(course: Course, *, workers: int, cpu: float, wall: float, force: bool = False) -> int:
    """Grade a course from Python; see `graders grade`."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = [course.assignment, f"--course={course.root}", f"--workers={workers}", f"--cpu={cpu}", f"--wall={wall}"]
    return run(parser.parse_args([*given, *(["--no-since-change"] if force else [])]), course)
