"""Work of which nothing is graded, because the assignment's folder is not called as it should be, or is not there."""

from __future__ import annotations

import os
from pathlib import Path

from graders.grading.elsewhere import words
from graders.grading.folder import NAMES, TooMuch, names_in
from graders.lab.manifest import Course
from graders.lab.printing import printable

LOOSE = "{} in submitted/{}/ is not in the folder {}: put it there, or remove it if it is no work, then grade again"
BESIDE = "submitted/{1}/{0} is not graded, for the folder is called {2}: rename it, or remove it, then grade again"


def astray(course: Course) -> dict[str, str]:
    """Return the students whose work may lie beside the assignment's folder, where nothing is graded, and why.

    Only names are read, of at most so many entries as of a submission's own folder; no link is followed.
    """
    found = dict[str, str]()
    submitted = course.root / "submitted"
    for folder in sorted(submitted.iterdir()) if submitted.is_dir() else ():
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            names = sorted(names_in(folder))
        except TooMuch:
            found[folder.name] = f"submitted/{printable(folder.name, 100)}/ has more than {NAMES} entries"
            continue
        except OSError as error:
            found[folder.name] = f"submitted/{printable(folder.name, 100)}/ cannot be listed: {error.strerror}"
            continue
        if why := _why(folder, names, course.assignment):
            found[folder.name] = why
    return found


def _why(folder: Path, names: list[str], assignment: str) -> str:
    there = (folder / assignment).is_dir()
    for name in names:
        path = folder / name
        alike = words(name) == words(assignment) and (name != assignment or not there)
        if name.startswith(".") or not (alike or not there):
            continue
        if path.is_dir() and not path.is_symlink():
            form = BESIDE if alike and _has_any(path) else ""
        else:
            form = LOOSE if not there and _is_filled(path) else ""
        if form:
            return form.format(printable(name, 100), printable(folder.name, 100), assignment)
    return ""


def _has_any(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return True


def _is_filled(path: Path) -> bool:
    """Whether a file has anything in it, or is none, as a link, which nobody follows."""
    try:
        return path.is_symlink() or not path.is_file() or path.stat().st_size > 0
    except OSError:
        return True
