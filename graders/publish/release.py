"""Percent text → notebooks → nbgrader's release → proof that nothing leaks."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from graders.gradebook import nbgrader_api
from graders.lab.agreement import release_problems
from graders.lab.manifest import MANIFEST, Course
from graders.lab.percent import write_sources
from graders.lab.places import OUR_COURSE


class ReleaseError(ValueError):
    """The release is not fit to be handed out; the text lists why."""


def copy_course(course: Course, root: Path, only: Sequence[str] = ()) -> Course:
    """Copy a course, without what was made from it, into a directory of its own, emptied first; return the copy.

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
        if not (root / MANIFEST).is_file():
            raise ValueError(f"{root} exists and is no course directory of ours; name another folder")
        shutil.rmtree(root)
    target = root / "source" / course.assignment
    target.mkdir(parents=True)
    shutil.copy(course.root / MANIFEST, root / MANIFEST)
    config = course.root / nbgrader_api.CONFIG
    text = (config if config.is_file() else OUR_COURSE / nbgrader_api.CONFIG).read_text(encoding="utf-8")
    (root / nbgrader_api.CONFIG).write_text(text, encoding="utf-8")
    for spec in course.notebooks:
        path = course.source / f"{spec.name}.py"
        if path.is_file() and (not only or spec.name in only):
            shutil.copy(path, target / path.name)
    made = Course.load(root)
    for source, copied in ((course.checks, made.checks), (course.bank, made.bank), (course.visible, made.visible)):
        if source.is_dir():
            shutil.copytree(source, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def build(course: Course) -> Path:
    """Make `release/<assignment>` through nbgrader and check it; return its path.

    Raises
    ------
    ReleaseError
        If it is not what the manifest says, or holds a line of a solution or hidden check.
    NbGraderError
        If nbgrader refuses.
    """
    made = write_sources(course)
    if not made:
        raise ReleaseError(f"there are no sources in {course.source}")
    api = nbgrader_api.api(course.root)
    with nbgrader_api.quiet():
        outcome = api.generate_assignment(course.assignment, force=True, create=True)
    nbgrader_api.check(outcome, "nbgrader generate_assignment")
    folder = course.root / "release" / course.assignment
    if problems := release_problems(course, folder):
        raise ReleaseError("the release is not fit to be handed out:\n" + "\n".join(f"  - {text}" for text in problems))
    return folder
