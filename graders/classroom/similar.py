"""Pairs of near-identical solutions. A reason to talk, never a proof; nothing runs it unasked."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from graders.classroom.batch import students
from graders.grading.repair import repair_file
from graders.lab.manifest import Course
from graders.lab.percent import grade_id, solutions, template
from graders.sandbox.sources import Unparsable, parse

MIN_NODES = 40
MAX_NODES = 2000
"""Longer solutions are compared by their beginning: the time that a comparison takes grows with the square."""


@dataclass(frozen=True)
class Pair:
    """Two students whose solutions of one exercise are nearly the same once names and layout are left out."""

    exercise: str
    first: str
    second: str
    likeness: float


def shape(source: str) -> tuple[str, ...]:
    """Return a program's syntax nodes and constants, without names, comments, docstrings and layout."""
    try:
        tree = parse(source)
    except Unparsable:
        return ()
    found = list[str]()
    for node in ast.walk(tree):
        if len(found) == MAX_NODES:
            break
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value = ast.Constant("")
        if isinstance(node, (ast.Load, ast.Store, ast.expr_context, ast.arguments, ast.arg)):
            continue
        found.append(f"{type(node).__name__} {node.value!r}" if isinstance(node, ast.Constant) else type(node).__name__)
    return tuple(found)


def find(course: Course, threshold: float) -> Iterator[Pair]:
    """Yield the pairs at least as alike as `threshold`; stubs and short answers are left out."""
    for spec in course.ready:
        stubs = {grade_id(cell): shape(cell.source) for cell in template(course, spec).cells}
        keys = {name: shape(text) for name, text in solutions(course, spec).items()}
        shapes: dict[str, dict[str, tuple[str, ...]]] = {}
        for student in students(course):
            path = course.root / "submitted" / student / course.assignment / f"{spec.name}.ipynb"
            for cell in repair_file(path, course, spec).notebook.cells:
                if (name := grade_id(cell)) in keys:
                    shapes.setdefault(name, {})[student] = shape(cell.source)
        for exercise in spec.exercises:
            name = exercise.solution_cell
            known = (stubs.get(name), keys.get(name))
            mine = {s: form for s, form in shapes.get(name, {}).items() if len(form) >= MIN_NODES and form not in known}
            for (a, first), (b, second) in itertools.combinations(mine.items(), 2):
                match = SequenceMatcher(None, first, second, autojunk=False)
                if match.real_quick_ratio() >= threshold and (likeness := match.ratio()) >= threshold:
                    yield Pair(exercise.id, a, b, likeness)
