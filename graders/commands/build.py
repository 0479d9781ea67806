"""`graders build`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from graders.classroom.pool import processes_beside
from graders.commands.choice import add_course_arguments, chosen_course
from graders.proof.posing import pose_all
from graders.publish.release import build


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


def run(options: argparse.Namespace) -> int:
    """Build, check, say where."""
    if options.edition == "self-study":
        return _self_study(options)
    course = chosen_course(options)
    folder = build(course)
    with processes_beside(os.cpu_count() or 1) as executor:
        pose_all(course, executor)
    exercises = sum(1 for _ in course.exercises())
    notebooks = len(list(folder.glob("*.ipynb")))
    print(f"{folder}: {notebooks} notebooks, {exercises} exercises, no solution or hidden check in it")
    return 0


def _self_study(options: argparse.Namespace) -> int:
    from graders.publish.selfstudy import folder as selfstudy  # needs more than the release does

    course = chosen_course(options)
    folder, archive = selfstudy.build(course, options.out or course.root / "dist" / selfstudy.FOLDER)
    print(f"{folder}: {len(course.notebooks)} notebooks, two wheels, README.md; also as {archive.name}")
    return 0
