"""Whether manifest, hidden checks and release say the same."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat

from graders.lab.leaks import leaks
from graders.lab.manifest import Course, NotebookSpec
from graders.lab.percent import grade_id, stub_line


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


def check_manifest(course: Course) -> list[str]:
    """Compare the manifest with the files of hidden checks, without running one; return what does not fit."""
    import ast

    problems = []
    for spec in course.notebooks:
        path = course.checks_of(spec)
        if not path.is_file():
            problems.append(f"{path.name} is missing")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
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
