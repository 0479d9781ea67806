"""`graders similar`: its arguments, and what it prints."""

from __future__ import annotations

import argparse

from graders.classroom.similar import find
from graders.commands.choice import add_course_arguments, chosen_course
from graders.commands.grade import told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders similar`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument("--threshold", type=float, default=0.95, help="likeness from 0 to 1 (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Print the pairs, most alike first; status 3 if somebody's work could not be compared."""
    if not 0 < options.threshold <= 1:
        raise ValueError(f"`--threshold` must be above 0 and at most 1, got {options.threshold}")
    problems: list[tuple[str, str]] = []
    pairs = sorted(find(chosen_course(options), options.threshold, problems), key=lambda pair: -pair.likeness)
    print("Likeness is no proof: short exercises have few different answers, and working together may be allowed.")
    for pair in pairs:
        print(f"{pair.likeness:6.1%}  {pair.exercise:5} {pair.first}  {pair.second}")
    return told(dict(problems))
