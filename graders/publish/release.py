"""`graders build`: percent text → notebooks → nbgrader's release → proof that nothing leaks."""

from __future__ import annotations

import argparse
import ast
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat

from graders.checking.suite import check_manifest
from graders.gradebook import nbgrader_api
from graders.lab.manifest import MANIFEST, Course, NotebookSpec
from graders.lab.percent import grade_id, leaks, stub_line, write_sources

OUR_COURSE = Path(__file__).resolve().parents[2] / "course"


class ReleaseError(ValueError):
    """The release is not fit to be handed out; the text lists why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders build`."""
    parser.add_argument("--course", type=Path, default=default_course(), help="course directory (%(default)s)")
    parser.add_argument(
        "--edition",
        choices=("student", "self-study"),
        default="student",
        help="student: nbgrader's release; self-study: one folder with wheels, checks and keys (%(default)s)",
    )
    parser.add_argument("--out", type=Path, help="folder of the self-study edition (dist/sheaflab-self-study)")


def default_course() -> Path:
    """The course of this checkout, or the current directory where that is a course."""
    here = Path.cwd()
    return here if (here / MANIFEST).is_file() else OUR_COURSE


def run(options: argparse.Namespace) -> int:
    """Build, check, say where."""
    if options.edition == "self-study":
        from graders.publish.selfstudy.folder import run as run_self_study

        return run_self_study(options)
    course = Course.load(options.course)
    folder = build(course)
    exercises = sum(1 for _ in course.exercises())
    notebooks = len(list(folder.glob("*.ipynb")))
    print(f"{folder}: {notebooks} notebooks, {exercises} exercises, no solution or hidden check in it")
    return 0


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


def release_problems(course: Course, folder: Path) -> list[str]:
    """Return what is wrong with a release; an empty list is good."""
    ready = course.ready
    problems = [f"leak in {text}" for text in leaks(course, folder)]
    problems += [text for text in check_manifest(course) if any(s.name.replace("-", "_") in text for s in ready)]
    for spec in ready:
        path = folder / f"{spec.name}.ipynb"
        if not path.is_file():
            problems.append(f"{path.name} is missing")
        else:
            problems += [f"{path.name}: {text}" for text in _notebook_problems(course, spec, path)]
    return problems


def _notebook_problems(course: Course, spec: NotebookSpec, path: Path) -> list[str]:
    problems = []
    cells = {grade_id(cell): cell for cell in nbformat.read(path, as_version=4).cells if grade_id(cell)}
    for exercise in spec.exercises:
        solution, award = cells.get(exercise.solution_cell), cells.get(exercise.grade_cell)
        if solution is None or award is None:
            problems.append(f"exercise {exercise.id} needs cells {exercise.solution_cell} and {exercise.grade_cell}")
            continue
        if stub_line(course, exercise.solution_cell) not in solution.source:
            problems.append(f"{exercise.solution_cell} has no stub")
        if award.metadata.nbgrader.get("points") != exercise.points:
            found = award.metadata.nbgrader.get("points")
            problems.append(
                f"{exercise.grade_cell} must have {exercise.points:g} points as in the manifest, got {found}"
            )
        if ast.parse(award.source).body:
            problems.append(f"{exercise.grade_cell} must hold comments only")
    for written in spec.written:
        cell = cells.get(written.cell)
        if cell is None or cell.metadata.nbgrader.get("points") != written.points:
            problems.append(f"written answer {written.id} needs a cell {written.cell} with {written.points:g} points")
    return problems
