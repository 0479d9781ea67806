"""Pairs of near-identical solutions. A reason to talk, never a proof; nothing runs it unasked."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from graders.classroom.batch import students
from graders.grading.domain import Budget, Domain, DomainEnded
from graders.grading.submission import read_files, read_notebook
from graders.lab.manifest import Course
from graders.lab.percent import grade_id, solutions, template
from graders.sandbox.sources import Unparsable, parse

READING = Budget(cpu=60.0, wall=600.0)
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


def shapes(course: Course, student: str) -> dict[str, tuple[str, ...]]:
    """Return the shapes of a student's solutions, by cell."""
    files = read_files(course.root / "submitted" / student / course.assignment)
    found = dict[str, tuple[str, ...]]()
    for spec in course.ready:
        names = {exercise.solution_cell for exercise in spec.exercises}
        for cell in read_notebook(files, course, spec.name).notebook.cells:
            if (name := grade_id(cell)) in names:
                found[name] = shape(cell.source)
    return found


def find(course: Course, threshold: float, problems: list[tuple[str, str]]) -> Iterator[Pair]:
    """Yield the pairs at least as alike as `threshold`; stubs and short answers are left out.

    Parameters
    ----------
    course : Course
    threshold : float
    problems : list of (str, str)
        Whose work could not be read, and why, is added to it.
    """
    everybody: dict[str, dict[str, tuple[str, ...]]] = {}
    with Domain(READING) as domain:
        for student in students(course):
            try:
                everybody[student] = domain.call(shapes, course, student)
            except DomainEnded as end:
                problems.append((student, str(end)))
    for spec in course.ready:
        stubs = {grade_id(cell): shape(cell.source) for cell in template(course, spec).cells}
        keys = {name: shape(text) for name, text in solutions(course, spec).items()}
        for exercise in spec.exercises:
            name = exercise.solution_cell
            known = (stubs.get(name), keys.get(name))
            forms = {student: own[name] for student, own in everybody.items() if name in own}
            mine = {s: form for s, form in forms.items() if len(form) >= MIN_NODES and form not in known}
            for (a, first), (b, second) in itertools.combinations(mine.items(), 2):
                match = SequenceMatcher(None, first, second, autojunk=False)
                if match.real_quick_ratio() < threshold or match.quick_ratio() < threshold:
                    continue
                if (likeness := match.ratio()) >= threshold:
                    yield Pair(exercise.id, a, b, likeness)
