"""A class for the benchmarks: whole submissions of mixed quality, run once by their students, as they are handed in."""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import suppress

import nbformat
import numpy as np

from graders.commands.demo import read_samples, run_cells
from graders.grading.canary import best_isolation
from graders.grading.grade import answered
from graders.lab.bank import Answer, answers
from graders.lab.manifest import Course
from graders.sandbox.isolation import Limits
from graders.sandbox.notebook import Host
from graders.status import SandboxBroken

# How often an exercise is answered by the course's key, another right answer, a wrong one, or not at all.
KINDS = ("key", "right", "wrong", "stub")
QUALITIES = {
    "strong": (0.5, 0.4, 0.1, 0.0),
    "middling": (0.3, 0.3, 0.3, 0.1),
    "weak": (0.1, 0.1, 0.4, 0.4),
    "untouched": (0.0, 0.0, 0.0, 1.0),
}
ODD = ("loop", "untouched", "broken", "cleared")
"""One answer that never ends; the release as it was; one file cut in half; all outputs cleared before handing in."""
NEVER_RUN = ("untouched", "cleared")


def qualities(count: int) -> list[str]:
    """Return the quality of each of `count` submissions; four of them are odd, each in its own way."""
    cycle = ["strong", "middling", "weak", "strong", "middling"]
    found = [cycle[k % len(cycle)] for k in range(count)]
    if count >= len(ODD):
        for k, what in enumerate(ODD):
            found[count * (2 * k + 1) // (2 * len(ODD))] = what
    return found


def hand_in(course: Course, count: int, executor: Executor, seed: int = 0) -> dict[str, str]:
    """Write `count` submissions into the course; return the quality of each student's."""
    students = {f"s{k:03d}": quality for k, quality in enumerate(qualities(count))}
    jobs = [
        executor.submit(_write, course, name, quality, seed + k) for k, (name, quality) in enumerate(students.items())
    ]
    for job in jobs:
        job.result()
    return students


def _write(course: Course, student: str, quality: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folder = course.root / "submitted" / student / course.assignment
    folder.mkdir(parents=True)
    sample = read_samples(course).get(quality)
    for spec in course.ready:
        cells: dict[str, str] = {}
        pool = answers(course, spec)
        for exercise in spec.exercises:
            kind = rng.choice(KINDS, p=QUALITIES.get(quality, QUALITIES["strong"]))
            mine: list[Answer] = [a for a in pool if a.exercise == exercise.id and a.kind == kind]
            if sample is not None and exercise.solution_cell in sample.cells:
                cells[exercise.solution_cell] = sample.cells[exercise.solution_cell]
            elif mine:
                cells[exercise.solution_cell] = mine[rng.integers(len(mine))].source
        if quality != "untouched":
            cells |= {written.cell: "Because $V$ never rises along the flow." for written in spec.written}
        notebook = answered(course, spec, cells)
        if quality not in NEVER_RUN:
            with suppress(SandboxBroken), Host(Limits(cpu=10.0, wall=60.0), best_isolation()) as host:
                run_cells(notebook, host)
        text = nbformat.writes(notebook)
        if quality == "broken" and spec is course.ready[0]:
            text = text[: len(text) // 2]
        (folder / f"{spec.name}.ipynb").write_text(text, encoding="utf-8")


def same_small(course: Course, count: int) -> None:
    """Write the key of the first notebook `count` times: for what depends on numbers only."""
    spec = course.ready[0]
    key = read_samples(course)["key"].cells
    names = [exercise.solution_cell for exercise in spec.exercises]
    text = nbformat.writes(answered(course, spec, {name: key[name] for name in names}))
    for k in range(count):
        folder = course.root / "submitted" / f"s{k:03d}" / course.assignment
        folder.mkdir(parents=True)
        (folder / f"{spec.name}.ipynb").write_text(text, encoding="utf-8")
