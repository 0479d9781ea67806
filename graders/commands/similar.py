"""`graders similar`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from graders.classroom.similar import find
from graders.lab.manifest import Course
from graders.lab.places import default_course


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders similar`."""
    parser.add_argument("--course", type=Path, default=default_course(), help="course directory (%(default)s)")
    parser.add_argument("--threshold", type=float, default=0.95, help="likeness from 0 to 1 (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Print the pairs, most alike first."""
    if not 0 < options.threshold <= 1:
        raise ValueError(f"`--threshold` must be above 0 and at most 1, got {options.threshold}")
    pairs = sorted(find(Course.load(options.course), options.threshold), key=lambda pair: -pair.likeness)
    print("Likeness is no proof: short exercises have few different answers, and working together may be allowed.")
    for pair in pairs:
        print(f"{pair.likeness:6.1%}  {pair.exercise:5} {pair.first}  {pair.second}")
    return 0
