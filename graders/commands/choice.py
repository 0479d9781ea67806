"""The arguments `--course` and `--assignment`, which every command has."""

from __future__ import annotations

import argparse
from pathlib import Path

from graders.lab.manifest import Course
from graders.lab.places import find_assignment, find_course
from graders.lab.tables import ManifestError


def add_course_arguments(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    """Add `--course` and `--assignment`; a command without other arguments takes the assignment by its place, too."""
    here = "the one that the current folder lies in"
    parser.add_argument("--course", type=Path, help=f"course directory (default: {here}, else the checkout's own)")
    parser.add_argument("--assignment", metavar="NAME", help=f"such as lab10 (default: the only one, or {here})")
    if positional:
        parser.add_argument("named", metavar="ASSIGNMENT", nargs="?", help="the same as --assignment")


def chosen_course(options: argparse.Namespace, default: Path | None = None) -> Course:
    """Return the course and assignment of the arguments, or those of the current folder.

    Parameters
    ----------
    options : argparse.Namespace
    default : Path, optional
        The course to take if the current folder lies in none.

    Raises
    ------
    ManifestError
        If several fit, or there is no such course or assignment.
    """
    here = Path.cwd()
    root = _found(here, default) if options.course is None else Path(options.course).resolve()
    return Course.load(root, getattr(options, "named", None) or options.assignment or find_assignment(root, here))


def _found(here: Path, default: Path | None) -> Path:
    try:
        return find_course(here)
    except ManifestError:
        if default is None:
            raise
        return default
