"""Percent text → notebooks → nbgrader's release → proof that nothing leaks."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from graders.gradebook import nbgrader_api
from graders.lab.agreement import release_problems
from graders.lab.filenames import assignment_of
from graders.lab.manifest import Course, assignments
from graders.lab.percent import write_sources
from graders.lab.places import OUR_COURSE
from sheaflab.checks.machine import versions
from sheaflab.study import extract
from sheaflab.study.catalogue import EXTRACT

ASIDE = ".release-"
"""How the folder begins in which a release is made before it is put in place."""

REQUIREMENTS = "requirements.txt"


class ReleaseError(ValueError):
    """The release is not fit to be handed out; the text lists why."""


def copy_course(course: Course, root: Path, only: Sequence[str] = ()) -> Course:
    """Copy a course's own files, nothing that was made from them, into `root`; it is emptied first. Return the copy.

    Parameters
    ----------
    course : Course
    root : Path
    only : sequence of str
        Names of the notebooks whose sources are copied; all by default.

    Raises
    ------
    ValueError
        If `root` is there and is no course directory.
    """
    if root.exists():
        if not assignments(root):
            raise ValueError(f"{root} exists and is no course directory of ours; name another folder")
        shutil.rmtree(root)
    target = root / "source" / course.assignment
    target.mkdir(parents=True)
    shutil.copy(course.manifest, target / course.manifest.name)
    config = course.root / nbgrader_api.CONFIG
    text = (config if config.is_file() else OUR_COURSE / nbgrader_api.CONFIG).read_text(encoding="utf-8")
    (root / nbgrader_api.CONFIG).write_text(text, encoding="utf-8")
    for page in course.root.glob("*.md"):
        shutil.copy(page, root / page.name)
    for spec in course.notebooks:
        path = course.source / f"{spec.name}.py"
        if path.is_file() and (not only or spec.name in only):
            shutil.copy(path, target / path.name)
    made = Course.load(root, course.assignment)
    for source, copied in ((course.checks, made.checks), (course.bank, made.bank), (course.visible, made.visible)):
        if source.is_dir():
            shutil.copytree(source, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def build(course: Course) -> Path:
    """Make `release/<assignment>` through nbgrader, check it, and put it in place whole; return its path.

    It is made in a temporary folder, first without the gradebook. If it is not fit to be handed out, the last release
    and the gradebook stay as they were.

    Raises
    ------
    ReleaseError
        If it is not what the manifest says, or holds a line of a solution or hidden check.
    NbGraderError
        If nbgrader refuses.
    """
    _clean(course)
    if not write_sources(course):
        raise ReleaseError(f"there are no sources in {course.source}")
    with tempfile.TemporaryDirectory(prefix=ASIDE, dir=course.root) as scratch:
        aside = Path(scratch)
        made = _generate(course, aside, recorded=False)
        if problems := release_problems(course, made):
            listed = "\n".join(f"  - {text}" for text in problems)
            raise ReleaseError(f"the release is not fit to be handed out:\n{listed}")
        made = _generate(course, aside, recorded=True)
        (made / REQUIREMENTS).write_text(_requirements(), encoding="utf-8")
        target = course.root / "release" / course.assignment
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            target.replace(aside / "last")
        made.replace(target)
    if course.visible.is_dir():  # a worker sees the visible checks and what lies beside them, and nothing of the course
        data = extract.extract(course.source)
        (course.visible / EXTRACT).write_text(extract.text(data), encoding="utf-8")
    return target


def _requirements() -> str:
    """Return the versions of the packages that grade the assignment, for others to install."""
    known = versions()
    said = f"# This assignment is graded with Python {known.pop('Python')}, the packages below and what they need,\n"
    said += "# and sheaflab, which is installed apart; with no others.\n"
    return said + "".join(f"{name}=={number}\n" for name, number in known.items())


def _generate(course: Course, aside: Path, *, recorded: bool) -> Path:
    """Let nbgrader make the release in a temporary folder, with or without the gradebook; return the folder."""
    config = nbgrader_api.load_config(course.root)
    config.CourseDirectory.release_directory = aside.name
    if not recorded:
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
    api = nbgrader_api.api(course.root, config)
    with nbgrader_api.quiet():
        outcome = api.generate_assignment(course.assignment, force=True, create=recorded)
    nbgrader_api.check(outcome, "nbgrader generate_assignment")
    return aside / course.assignment


def _clean(course: Course) -> None:
    """Remove what older or killed builds have left: temporary folders, notebooks that the manifest no longer has."""
    for left in course.root.glob(f"{ASIDE}*"):
        shutil.rmtree(left)
    for left in course.source.glob("*.ipynb"):
        if left.stem not in {spec.name for spec in course.ready}:
            if not assignment_of(json.loads(left.read_text(encoding="utf-8"))):
                raise ReleaseError(f"{left} would be released and is not in {course.manifest.name}; remove it")
            left.unlink()
