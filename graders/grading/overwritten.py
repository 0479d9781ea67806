"""Answers that a later cell of the notebook changes: the name itself, or what is looked up when it is called.

A student tries something out below the answer, `energy = energy(c)`, or ends with `%reset`. In Jupyter the check below
the answer has passed by then; what is called here is what the last cell leaves. What that is worth counts, for an
answer may be mended below its cell; where that is not all, the answer is tried as its own cell has left it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from graders.checking.verdict import CheckResult
from graders.grading.magics import as_python
from graders.grading.skipping import Names, names, opaque
from graders.lab.manifest import NotebookSpec
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import SandboxBroken, Status

OWN, BEFORE = "as its own cell defines it", "as it is before one of them"
MOST = 3  # looks at one exercise; each runs the notebook's cells anew
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
        if _right(first) or place is None:
            continue
        told, best, how = f"Later cells change what is defined for exercise {exercise.id}; ", first, OWN
        for state in states(cells, place, exercise.function):
            kept = host.limits.total_wall / 2  # for the submission's other notebooks
            if host.left < kept:
                again.notes.append(f"{told}no time was left to grade it {how}.")
                break
            host.discard()  # the cells run as for the first time, with no file of theirs there
            host.left -= kept
            try:
                run, second = look({k: cells[k] for k in state}, replace(spec, exercises=(exercise,)))
            except SandboxBroken as error:
                host.discard()
                again.ends.append((error.status, error.message))
                again.notes.append(f"{told}{how}, {error.message}.")
                continue
            finally:
                host.left += kept
            again.ends += [(check.status, check.message) for check in second.values()]
            again.memory = max(again.memory, run.memory)
            if _earned(second) > _earned(best):
                best, graded = second, f"{told}it was graded {how}."
            if _right(second):
                break
            how = BEFORE
        if best is not first:
            found |= best
            again.notes.append(graded)
    return again


def _earned(found: Found) -> float:
    return sum(result.earned for result in found.values())


def _right(found: Found) -> bool:
    return all(result.status is Status.OK for result in found.values())


def states(cells: Mapping[int, str], place: int, function: str) -> list[list[int]]:
    """Return the cells down to the one at `place`, and those before each later change of what its answer calls.

    Where nothing changes it there are none. Of many changes these are the first and the last few: a helper may stand
    below the answer, or the answer itself in a cell of its own.

    Parameters
    ----------
    cells : mapping of int to str
        Sources of the code cells by their place in the notebook.
    place : int
    function : str
    """
    order = sorted(cells)
    changes = _changes({k: cells[k] for k in order}, place, function)
    before = [[j for j in order if j < k] for k in changes[1:][1 - MOST :]]
    return [[k for k in order if k <= place], *before] if changes else []


def _changes(cells: Mapping[int, str], place: int, function: str) -> list[int]:
    """Return which cells after the one at `place` may change what `function` is or looks up; in doubt a cell may."""
    found = {k: _names(source) for k, source in cells.items()}
    known = {k: own for k, own in found.items() if own is not None}
    blind = any(found[k] is None for k in found if k <= place)  # the answer may look up anything
    needed, changes = _reached({function}, known.values()), list[int]()
    for k in (k for k in cells if k > place):
        if (own := known.get(k)) is None or opaque(_python(cells[k])) or _STAR.search(cells[k]):
            changes.append(k)
            continue
        called = _reached(own.read, [other for j, other in known.items() if j <= k])
        bound = own.bound.union(*(other.later for j, other in known.items() if j <= k and other.bound & called))
        if bound & needed or (bound and blind):
            changes.append(k)
    return changes


def _reached(wanted: Iterable[str], cells: Iterable[Names]) -> set[str]:
    """Return names, and all that the cells that bind them look up."""
    needed, reached, every = set(wanted), set[str](), list(cells)
    while needed != reached:
        reached = set(needed)
        needed.update(*(own.read for own in every if own.bound & reached))
    return needed


def _python(source: str) -> str:
    """Return a cell without its magics, if these bind nothing."""
    return source if names(source) is not None else as_python(source) or source


def _names(source: str) -> Names | None:
    return names(_python(source))
