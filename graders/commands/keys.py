"""`graders keys`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from graders.commands.choice import add_course_arguments, chosen_course
from graders.publish.key_pages import write_keys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `graders keys`."""
    parser.add_argument("out", type=Path, help="folder for the pages; not for students before the deadline")
    add_course_arguments(parser)
    parser.add_argument("--no-notes", action="store_true", help="leave out reasons, hints and common mistakes")


def run(options: argparse.Namespace) -> int:
    """Write the pages and say how long each notebook ran."""
    course = chosen_course(options)
    for name, seconds in write_keys(course, options.out, notes=not options.no_notes).items():
        print(f"{options.out / name}.html  ran {seconds:.1f} s")
    return 0
