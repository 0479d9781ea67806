"""Whether manifest, source, hidden and visible checks and release say the same."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat

from graders.lab.leaks import leaks
from graders.lab.manifest import Course, Exercise, NotebookSpec
from graders.lab.percent import convert, grade_id, shared_template
from graders.lab.places import visible_checks
from sheaflab.checks import exercises
from sheaflab.checks.forbidden import listed, unknown


def release_problems(course: Course, folder: Path) -> list[str]:
    """Return what is wrong with a release; an empty list is good."""
    problems = [f"leak in {text}" for text in leaks(course, folder)]
    problems += check_manifest(course, course.ready)
    if (folder / course.manifest.name).exists():
        problems.append(f'{course.manifest.name} is in it: nbgrader\'s c.CourseDirectory.ignore must have "*.toml"')
    for spec in course.ready:
        path = folder / f"{spec.name}.ipynb"
        if not path.is_file():
            problems.append(f"{path.name} is missing")
        else:
            problems += [f"{path.name}: {text}" for text in _notebook_problems(course, spec, path)]
    return problems


def _notebook_problems(course: Course, spec: NotebookSpec, path: Path) -> list[str]:
    """Hold a released notebook against the source and the manifest: cells with a name, what they say, their points."""
    problems = []
    cells = {grade_id(cell): cell for cell in nbformat.read(path, as_version=4).cells if grade_id(cell)}
    for meant in shared_template(course, spec).cells:
        if not (name := grade_id(meant)):
            continue
        if (cell := cells.get(name)) is None:
            problems.append(f"the cell {name} is missing")
            continue
        if cell.source != meant.source:
            problems.append(f"the cell {name} does not say what its source and the manifest say")
        points, got = meant.metadata.nbgrader.get("points"), cell.metadata.nbgrader.get("points")
        if points != got:
            problems.append(f"{name} must have {points} points as in the manifest, got {got}")
    return problems


def check_manifest(course: Course, notebooks: Iterable[NotebookSpec] | None = None) -> list[str]:
    """Compare the manifest with the sources and the files of checks, without running one; return what does not fit.

    Parameters
    ----------
    course : Course
    notebooks : iterable of NotebookSpec, optional
        By default all of the course.
    """
    specs = course.notebooks if notebooks is None else tuple(notebooks)
    sources = {spec: _source(course, spec) for spec in specs}
    problems = _visible_problems(course, sources)
    for spec, cells in sources.items():
        problems += _source_problems(course, spec, cells)
        path = course.checks_of(spec)
        if not path.is_file():
            problems.append(f"{path.name} is missing")
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            problems.append(f"{path.name} is not Python: line {error.lineno}: {error.msg}")
            continue
        there = {
            (node.name, item.name.removeprefix("test_"))
            for node in tree.body
            if isinstance(node, ast.ClassDef)
            for item in node.body
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")
        }
        told = {(exercise.test_class, check.name) for exercise in spec.exercises for check in exercise.checks}
        problems += [f"{path.name}: {cls}.test_{name} is not in the manifest" for cls, name in sorted(there - told)]
        problems += [f"{path.name}: {cls}.test_{name} of the manifest is missing" for cls, name in sorted(told - there)]
    return problems


def _source(course: Course, spec: NotebookSpec) -> dict[str, str]:
    """Return the code cells of a notebook's source by grade_id; none if it is still to be written."""
    if not (course.source / f"{spec.name}.py").is_file():
        return {}
    return {grade_id(cell): cell.source for cell in convert(course, spec).cells if cell.cell_type == "code"}


def _source_problems(course: Course, spec: NotebookSpec, cells: Mapping[str, str]) -> Iterator[str]:
    """Hold a notebook's source against the manifest: what its solution cells define, what its check cells check."""
    for exercise in spec.exercises:
        cell = exercise.solution_cell
        defined = _defined(cells.get(cell, ""))
        if cell in cells and defined is not None and exercise.function not in defined:
            meant = f"`{exercise.function}`, the function of exercise {exercise.id} in {course.manifest.name}"
            got = ", ".join(sorted(defined)) or "nothing"
            yield f"{spec.name}.py: the cell {cell} must define {meant}, got {got}; rename one of the two"
        for call in _calls(cells.get(exercise.check_cell, "")):
            if not _checks(call, exercise):
                meant = f'`check("{exercise.id}", {exercise.function})`, as {course.manifest.name} says'
                yield f"{spec.name}.py: the cell {exercise.check_cell} must call {meant}, got `{ast.unparse(call)}`"


def _defined(source: str) -> set[str] | None:
    """Return the names that a cell binds; None if it is no plain Python, which only a notebook can tell."""
    try:
        names = symtable.symtable(source, "cell", "exec").get_symbols()
    except SyntaxError:
        return None
    return {name.get_name() for name in names if name.is_assigned() or name.is_imported()}


def _visible_problems(course: Course, sources: Mapping[NotebookSpec, Mapping[str, str]]) -> list[str]:
    """Import the visible checks as students' notebooks do, and hold them against the exercises of the manifest."""
    known: dict[str, Callable[[Any], None]] = {}
    if course.visible.is_dir():
        try:
            with visible_checks(course):
                known = exercises(course.assignment)
        except (Exception, SystemExit) as error:  # whatever a module of the course raises
            return [f"the visible checks in {course.visible} cannot be imported: {type(error).__name__}: {error}"]
    told = {exercise.id for spec in course.notebooks for exercise in spec.exercises}
    where = f"the visible checks in {course.visible}: CHECKS has"
    problems = [f"{where} an exercise {name} that is not in the manifest" for name in sorted(known.keys() - told)]
    some = any(not path.stem.startswith("_") for path in course.visible.glob("*.py"))  # a lab may do without any
    for spec, cells in sources.items():
        file = f"{spec.name.replace('-', '_')}.py"
        for exercise in spec.exercises:
            if strange := unknown(known.get(exercise.id)):
                meant = f"{listed(strange)}, which sheaflab does not have; correct the name in @forbids of {file}"
                problems.append(f"the visible checks in {course.visible}: exercise {exercise.id} forbids {meant}")
        problems += [
            f"{where} no exercise {exercise.id}; write its visible check in {file}"
            for exercise in spec.exercises
            if exercise.id not in known and (some or _calls(cells.get(exercise.check_cell, "")))
        ]
    return problems


def _calls(source: str) -> list[ast.Call]:
    """Return the calls of visible checks in a cell."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # no plain Python, which only a notebook can tell
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) in ("check", "checks.check", "sheaflab.check")]


def _checks(call: ast.Call, exercise: Exercise) -> bool:
    """Tell whether a call of `check` can be about an exercise and its function."""
    if any(isinstance(node, ast.Starred) for node in call.args):
        return True
    given = dict(zip(("exercise", "answer"), call.args, strict=False))
    given |= {str(keyword.arg): keyword.value for keyword in call.keywords}
    if not given.keys() >= {"exercise", "answer"}:
        return False
    name, answer = given["exercise"], given["answer"]
    if isinstance(name, ast.Constant) and str(name.value) != exercise.id:
        return False
    return not isinstance(answer, ast.Name) or answer.id == exercise.function
