"""Work of which nothing is graded, because the assignment's folder is not called as it should be, or is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from graders.grading.elsewhere import has_words, is_archive, words
from graders.grading.folder import NAMES, TooMuch, names_in
from graders.lab.filenames import is_never_work, is_notebook, plain_name, tidy
from graders.lab.manifest import Course, assignments
from graders.lab.printing import printable

LOOSE = "{} in submitted/{}/ is not in the folder {}: put it there, or remove it if it is no work, then grade again"
TOO_DEEP = "submitted/{1}/{0} is not graded: put the folder {2} into submitted/{1}/ itself, then grade again"
BESIDE = "submitted/{1}/{0} is not graded, for the folder is called {2}: rename it, or remove it, then grade again"


def astray(course: Course, roster: Collection[str] = ()) -> dict[str, str]:
    """Return the students whose work may lie beside the assignment's folder, where nothing is graded, and why.

    Only names are read, of at most so many entries as of a submission's own folder; no link is followed.

    Parameters
    ----------
    course : Course
    roster : collection of str, optional
        The students of the gradebook. Where there are any, a folder of another name with any archive in it is nobody's.
    """
    found = dict[str, str]()
    submitted = course.root / "submitted"
    for folder in sorted(submitted.iterdir()) if submitted.is_dir() else ():
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            why = _why(folder, sorted(names_in(folder)), course, listed=not roster or folder.name in roster)
        except TooMuch:
            why = f"submitted/{printable(folder.name, 100)}/ has more than {NAMES} entries"
        except OSError as error:  # one that may be listed and not entered is as good as closed
            why = f"submitted/{printable(folder.name, 100)}/ cannot be read: {error.strerror}"
        if why:
            found[folder.name] = why
    return found


def _why(folder: Path, names: list[str], course: Course, *, listed: bool) -> str:
    assignment, known = course.assignment, {*assignments(course.root), course.assignment}
    there = _is_filled_folder(folder / assignment)
    for name in names:
        path = folder / name
        if name.startswith(".") or is_never_work(name) or (name == assignment and path.is_dir()):
            continue
        same = words(plain_name(tidy(name))[0]) == words(assignment)
        if there and not same:
            continue
        place, form = name, ""
        owner = _assignment_of(name, known)
        if path.is_dir() and not path.is_symlink():
            inner = path / assignment
            if owner == assignment:
                form = BESIDE if _is_filled_folder(path) else ""
            elif not owner and not inner.is_symlink() and _is_filled_folder(inner):
                place, form = f"{name}/{assignment}", TOO_DEEP
        elif not there and _may_be_work(name, owner, course, listed=listed) and _is_filled(path):
            form = LOOSE
        if form:
            return form.format(printable(place, 100), printable(folder.name, 100), assignment)
    return ""


def _assignment_of(name: str, known: Iterable[str]) -> str:
    """Return which assignment's name is in another one, such as ``lab10 (1)`` or ``lab10-3.ipynb``."""
    return max((one for one in known if has_words(name, one)), key=lambda one: len(words(one)), default="")


def _may_be_work(name: str, owner: str, course: Course, *, listed: bool) -> bool:
    """Whether a loose file is a reason to look: a notebook, an archive, or what is named as if it were one."""
    if owner not in ("", course.assignment):
        return False
    named = owner or any(has_words(name, spec.name) for spec in course.notebooks)
    return bool(named) or is_notebook(name) or (listed and is_archive(name))


def _is_filled_folder(folder: Path) -> bool:
    """Whether a submission's folder has more in it than what an exchange writes; a link has its own message."""
    if folder.is_symlink() or not folder.is_dir():
        return folder.is_dir()
    try:
        return any(not is_never_work(name) for name in names_in(folder))
    except (OSError, TooMuch):
        return True


def _is_filled(path: Path) -> bool:
    """Whether a file has anything in it, or is none, as a link, which nobody follows."""
    try:
        return path.is_symlink() or not path.is_file() or path.stat().st_size > 0
    except OSError:
        return True
