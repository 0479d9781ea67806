"""Groups of near-identical solutions. They are a reason to talk, never a proof; only `graders similar` runs it."""

from __future__ import annotations

import ast
import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from graders.classroom.batch import students
from graders.grading.domain import Budget, Domain, DomainEnded
from graders.grading.submission import Submission, read_files
from graders.lab.manifest import Course
from graders.lab.percent import grade_id, solutions, template
from graders.sandbox.sources import Unparsable, parse

READING = Budget(cpu=60.0, wall=600.0)
MIN_NODES = 40
MAX_NODES = 2000
"""Longer solutions are compared by their beginning."""
FEWEST = 7
"""Of fewer answers none is called the usual one."""
WINDOW = 4
"""Number of syntax nodes in a run; the likeness of programs is the share of runs that they have in common."""


@dataclass(frozen=True)
class Group:
    """Students whose solutions of one exercise are nearly the same once names and layout are left out.

    Attributes
    ----------
    exercise : str
    students : tuple of str
        Each is like another one of them.
    likeness : float
        The smallest likeness among the pairs that make the group.
    compared : int
        How many students have an answer of their own to this exercise.
    """

    exercise: str
    students: tuple[str, ...]
    likeness: float
    compared: int

    @property
    def usual(self) -> bool:
        """Whether more than a third of the students have it: then many found it by themselves."""
        return len(self.students) * 3 > self.compared >= FEWEST


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
    submission = Submission(read_files(course.root / "submitted" / student / course.assignment), course)
    found = dict[str, tuple[str, ...]]()
    for spec in course.ready:
        names = {exercise.solution_cell for exercise in spec.exercises}
        for cell in submission.read(spec.name).notebook.cells:
            if (name := grade_id(cell)) in names:
                found[name] = shape(cell.source)
    return found


def likenesses(forms: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Return the likeness of each pair of programs.

    Parameters
    ----------
    forms : sequence of tuple of str

    Returns
    -------
    ndarray of shape (n, n)
        Dice's coefficient of their runs of :data:`WINDOW` nodes, each run counted as often as it occurs; 1 is the same.
    """
    numbers: dict[tuple[tuple[str, ...], int], int] = {}
    rows, columns = [], []
    for row, form in enumerate(forms):
        seen = Counter[tuple[str, ...]]()
        for start in range(max(len(form) - WINDOW + 1, 1)):
            run = form[start : start + WINDOW]
            rows.append(row)
            columns.append(numbers.setdefault((run, seen[run]), len(numbers)))
            seen[run] += 1
    marks = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(forms), max(len(numbers), 1)))
    sizes: np.ndarray = np.asarray(marks.sum(axis=1))
    coefficients: np.ndarray = 2 * (marks @ marks.T).toarray() / (sizes[:, None] + sizes[None, :])
    return coefficients


def groups(exercise: str, forms: Mapping[str, tuple[str, ...]], threshold: float) -> list[Group]:
    """Return the groups of students whose programs are at least as alike as `threshold`."""
    names = sorted(forms)
    if len(names) < 2:
        return []
    distinct = sorted(set(forms.values()))  # many are the very same
    place = {form: k for k, form in enumerate(distinct)}
    alike = likenesses(distinct)
    near = alike >= threshold
    _, labels = connected_components(near.astype(int), directed=False)
    members = defaultdict(list)
    for name in names:
        members[labels[place[forms[name]]]].append(name)
    found = []
    for label, students_ in members.items():
        if len(students_) > 1:
            inside = near & np.equal(labels, label)[:, None]
            found.append(Group(exercise, tuple(students_), float(alike[inside].min()), len(names)))
    return sorted(found, key=lambda group: (-group.likeness, group.students))


def together(groups: Sequence[Group], least: int = 3) -> list[tuple[str, str, list[str]]]:
    """Return the pairs of students who are in one group in at least so many exercises, usual answers left out."""
    shared = defaultdict(list)
    for group in groups:
        if not group.usual:
            for pair in itertools.combinations(group.students, 2):
                shared[pair].append(group.exercise)
    pairs = [(first, second, exercises) for (first, second), exercises in shared.items() if len(exercises) >= least]
    return sorted(pairs, key=lambda pair: (-len(pair[2]), pair[:2]))


def find(course: Course, threshold: float, problems: list[tuple[str, str]]) -> list[Group]:
    """Return all groups, exercise by exercise; stubs, the key itself and short answers are left out.

    Parameters
    ----------
    course : Course
    threshold : float
    problems : list of (str, str)
        Students whose work could not be read, and why, are added to it.
    """
    forms: dict[str, dict[str, tuple[str, ...]]] = {}
    known: dict[str, set[tuple[str, ...]]] = {}
    for spec in course.ready:
        for cell in template(course, spec).cells:
            known.setdefault(grade_id(cell), set()).add(shape(cell.source))
        for name, text in solutions(course, spec).items():
            known.setdefault(name, set()).add(shape(text))
    bar = tqdm(students(course), unit="submission", file=sys.stderr, mininterval=0.5 if sys.stderr.isatty() else 10)
    with Domain(READING) as domain:
        for student in bar:
            try:
                found = domain.call(shapes, course, student)
            except DomainEnded as end:
                problems.append((student, str(end)))
                continue
            for name, form in found.items():
                if len(form) >= MIN_NODES and form not in known[name]:
                    forms.setdefault(name, {})[student] = form
    return [
        group
        for spec in course.ready
        for exercise in spec.exercises
        for group in groups(exercise.id, forms.get(exercise.solution_cell, {}), threshold)
    ]
