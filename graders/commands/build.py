"""`graders build`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from graders.classroom.pool import processes_beside
from graders.commands.choice import add_course_arguments, chosen_course
from graders.lab.leaks import Artefact, refuse_leaks
from graders.lab.manifest import Course, assignments
from graders.lab.printing import counted
from graders.proof.posing import posing
from graders.publish.release import build
from graders.publish.wheel import build_wheel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders build`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument(
        "--edition",
        choices=("student", "self-study"),
        default="student",
        help="student: nbgrader's release; self-study: one folder with wheels, checks and keys (%(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, help="folder of the self-study edition (default: dist/sheaflab-self-study in the course)"
    )
    parser.add_argument(
        "--wheel", action="store_true", help="also the wheel that students install, into dist in the course"
    )


def run(options: argparse.Namespace) -> int:
    """Build, check, say where."""
    if options.edition == "self-study":
        if options.wheel:
            raise ValueError("`--wheel` must not be given with `--edition self-study`, which has its own wheels")
        return _self_study(options)
    course = chosen_course(options)
    with processes_beside(os.cpu_count() or 1) as executor, posing(course, executor):
        folder = build(course)
    exercises = sum(1 for _ in course.exercises())
    notebooks = len(list(folder.glob("*.ipynb")))
    what = f"{counted(notebooks, 'notebook')}, {counted(exercises, 'exercise')}"
    print(f"{folder}: {what}, no solution or hidden check in it")
    if options.wheel:
        labs, wheel = assignments(course.root), build_wheel(course.root / "dist", course.root)
        for lab in labs:
            refuse_leaks(Course.load(course.root, lab), wheel, Artefact.WHEEL)
        print(f"{wheel}: sheaflab with the visible checks of {', '.join(labs)}, no grader in it")
        print(f"Who has an earlier one: pip install --force-reinstall --no-deps {wheel.name}, else pip keeps it")
    return 0


def _self_study(options: argparse.Namespace) -> int:
    from graders.publish.selfstudy import folder as selfstudy  # needs more than the release does

    course = chosen_course(options)
    folder, archive = selfstudy.build(course, options.out or course.root / "dist" / selfstudy.FOLDER)
    print(f"{folder}: {counted(len(course.notebooks), 'notebook')}, two wheels, README.md; also as {archive.name}")
    return 0
