"""Answers that a later cell of the notebook changes: the name itself, or what is looked up when it is called.

A student tries something out below the answer, `energy = energy(c)`, or ends with `%reset`. In Jupyter the check below
the answer has passed by then; what is called here is what the last cell leaves. What that is worth counts, for an
answer may be mended below its cell; where that is not all, the answer is tried as its own cell has left it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from graders.checking.verdict import CheckResult
from graders.grading.skipping import names, opaque
from graders.lab.manifest import NotebookSpec
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import SandboxBroken, Status

_STAR = re.compile(r"\bimport\s*\*")
Found = dict[tuple[str, str], CheckResult]
"""Results by exercise and check."""


@dataclass
class Again:
    """What a second look has found.

    Attributes
    ----------
    ends : list of (Status, str)
        How all checks of both looks have ended.
    notes : list of str
        For the student.
    memory : int
        The most memory that it took, in KiB.
    """

    ends: list[tuple[Status, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    memory: int = 0


def look_again(
    found: Found,
    cells: Mapping[int, str],
    places: Mapping[str, int],
    spec: NotebookSpec,
    look: Callable[[Mapping[int, str], NotebookSpec], tuple[NotebookRun, Found]],
    host: Host,
) -> Again:
    """Grade what later cells may have changed with the cells down to its own, and keep that if it is worth more.

    Parameters
    ----------
    found : dict
        What the whole notebook is worth; results that are worth more take their places.
    cells : mapping of int to str
        The code cells that were run, by their place in the notebook.
    places : mapping of str to int
        Places of the cells with an answer in them, by grade_id.
    spec : NotebookSpec
    look : callable
        Runs cells and the checks of a notebook.
    host : Host
        Provides the worker.
    """
    again = Again([(check.status, check.message) for check in found.values()])
    for exercise in spec.exercises:
        first = {key: result for key, result in found.items() if key[0] == exercise.id}
        place = places.get(exercise.solution_cell)
        if all(result.status is Status.OK for result in first.values()) or place is None:
            continue
        if not overwritten(cells, place, exercise.function):
            continue
        told = f"Later cells change what is defined for exercise {exercise.id}; "
        kept = host.limits.total_wall / 2  # for the submission's other notebooks
        if host.left < kept:
            again.notes.append(f"{told}no time was left to grade it as its own cell defines it.")
            continue
        host.discard()  # the cells run as for the first time, with no file of theirs there
        host.left -= kept
        try:
            run, second = look({k: cells[k] for k in cells if k <= place}, replace(spec, exercises=(exercise,)))
        except SandboxBroken as error:
            host.discard()
            again.ends.append((error.status, error.message))
            again.notes.append(f"{told}as its own cell defines it, {error.message}.")
            continue
        finally:
            host.left += kept
        again.ends += [(check.status, check.message) for check in second.values()]
        again.memory = max(again.memory, run.memory)
        if _earned(second) > _earned(first):
            found |= second
            again.notes.append(f"{told}it was graded as its own cell defines it.")
    return again


def _earned(found: Found) -> float:
    return sum(result.earned for result in found.values())


def overwritten(cells: Mapping[int, str], place: int, function: str) -> bool:
    """Tell whether a cell after the one at `place` may change the function that this one defines; in doubt it may.

    Parameters
    ----------
    cells : mapping of int to str
        Sources of the code cells by their place in the notebook.
    place : int
    function : str
    """
    later = [source for k, source in cells.items() if k > place]
    if any(opaque(source) or _STAR.search(source) for source in later):
        return True
    before = [names(source) for k, source in cells.items() if k <= place]
    changed = frozenset[str]().union(*(found.bound for source in later if (found := names(source)) is not None))
    if any(found is None for found in before):  # magics: it may look up anything
        return bool(changed)
    needed, reached = {function}, set[str]()
    while needed != reached:
        reached = set(needed)
        needed.update(*(found.read for found in before if found is not None and found.bound & reached))
    return not changed.isdisjoint(needed)
