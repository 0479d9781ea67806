"""The arguments `--course` and `--assignment`, which every command has."""

from __future__ import annotations

import argparse
from pathlib import Path

from graders.lab.manifest import Course, assignments
from graders.lab.places import find_assignment, find_course
from graders.lab.tables import ManifestError


def add_course_arguments(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    """Add `--course` and `--assignment`; a command without other arguments takes the assignment by its place, too."""
    here = "the one that the current folder lies in"
    parser.add_argument("--course", type=Path, help=f"course directory (default: {here}; else in a checkout its own)")
    parser.add_argument("--assignment", metavar="NAME", help=f"such as lab10 (default: the only one, or {here})")
    if positional:
        parser.add_argument("named", metavar="ASSIGNMENT", nargs="?", help="the same as --assignment")


def chosen_course(options: argparse.Namespace, default: Path | None = None) -> Course:
    """Return the course and assignment of the arguments, or those of the current folder.

    Of several assignments the one that alone has the notebooks of `--notebook` is taken, wherever one stands.

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
    named = getattr(options, "named", None) or options.assignment or _having(root, getattr(options, "notebook", None))
    return Course.load(root, named or find_assignment(root, here))


def _having(root: Path, notebooks: list[str] | None) -> str | None:
    """Return the assignment of the course `root` that alone has all these notebooks, if one has."""
    if not notebooks or len(names := assignments(root)) < 2:
        return None
    having = [name for name in names if set(notebooks) <= {spec.name for spec in Course.load(root, name).notebooks}]
    return having[0] if len(having) == 1 else None


def _found(here: Path, default: Path | None) -> Path:
    try:
        return find_course(here)
    except ManifestError:
        if default is None:
            raise
        return default
