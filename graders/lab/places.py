"""Which course and which assignment a command is about, read from where it is run."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import sheaflab.checks
from graders.lab.manifest import Course, assignments, only
from graders.lab.tables import ManifestError

OUR_COURSE = Path(__file__).resolve().parents[2] / "course"
"""The course of this checkout."""


def find_course(start: Path) -> Path:
    """Return the course directory in which `start` lies; anywhere else in this checkout, the checkout's own.

    Courses do not nest. Of several the outermost is taken, so that nothing in `submitted`, `autograded`, `feedback` or
    an inbox below a course is ever one itself. A folder that is everybody's, such as /tmp, is none either: its
    configuration is a program.

    Raises
    ------
    ManifestError
        If there is none.
    """
    above = [folder for folder in (start, *start.parents) if not _is_everybodys(folder)]
    if found := [folder for folder in above if assignments(folder)]:
        return found[-1]
    if OUR_COURSE.parent in above and assignments(OUR_COURSE):
        return OUR_COURSE
    raise ManifestError(f"{start} is in no course directory; go into one, or name it with --course")


def find_assignment(root: Path, start: Path) -> str:
    """Return the assignment of the course `root` in whose folder `start` lies, or the only one.

    Raises
    ------
    ManifestError
        If there are several and `start` is in none of them; it names the choices.
    """
    names = assignments(root)
    if start.is_relative_to(root) and len(here := set(names) & set(start.relative_to(root).parts)) == 1:
        return here.pop()
    return only(names, root)


def environment(root: Path) -> dict[str, str]:
    """Return the environment in which `sheaflab`, run from this checkout, has the labs of the course `root`."""
    return {**os.environ, sheaflab.checks.COURSE: str(root)}


def show_visible_checks(course: Course) -> None:
    """Let `sheaflab` in this very process have the labs of a course, in the place of those of another course."""
    os.environ[sheaflab.checks.COURSE] = str(course.root)
    _search([str(course.visible.parent)])


@contextlib.contextmanager
def visible_checks(course: Course) -> Iterator[None]:
    """Do the same for a block; after it `sheaflab` has the labs that it had before."""
    root, places = os.environ.get(sheaflab.checks.COURSE), sheaflab.checks.__path__[1:]
    show_visible_checks(course)
    try:
        yield
    finally:
        os.environ.pop(sheaflab.checks.COURSE, None)
        if root is not None:
            os.environ[sheaflab.checks.COURSE] = root
        _search(places)


def _search(places: list[str]) -> None:
    """Let labs be found in these folders alone; forget those that were imported from elsewhere."""
    for last in set(sheaflab.checks.__path__[1:]) - set(places):
        for name in [name for name in sys.modules if name.startswith("sheaflab.checks.") and _from(name, last)]:
            del sys.modules[name]
    sheaflab.checks.__path__[1:] = places


def _from(module: str, place: str) -> bool:
    return Path(getattr(sys.modules[module], "__file__", None) or "/").is_relative_to(place)


def _is_everybodys(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_ISVTX)
