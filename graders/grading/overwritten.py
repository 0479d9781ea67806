"""Answers that a later cell of the notebook changes: the name itself, or what is looked up when it is called.

A student tries something out below the answer, `energy = energy(c)`, or ends with `%reset`. In Jupyter the check below
the answer has passed by then; what is called here is what the last cell leaves. What that is worth counts, for an
answer may be mended below its cell; where that is not all, the answer is tried as its own cell has left it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        told, best = f"Later cells change what is defined for exercise {exercise.id}; ", first
        for number, state in enumerate(states(cells, place, exercise.function)):
            how = BEFORE if number else OWN
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
    known = [own for own in found.values() if own is not None]
    blind = any(found[k] is None for k in found if k <= place)  # the answer may look up anything
    needed = _reached({function}, [(own.bound, own.read) for own in known])
    setters = (own.bound - own.later for own in known if own.later & needed)  # functions with `global`
    calling = _reached(set[str]().union(*setters), [(own.read, own.bound) for own in known])

    def may(source: str, own: Names | None) -> bool:
        if own is None or opaque(_python(source)) or _STAR.search(source):
            return True
        return bool(own.bound & needed or own.read & calling or (own.bound and blind))

    return [k for k in cells if k > place and may(cells[k], found[k])]


def _reached(wanted: Iterable[str], ways: Sequence[tuple[frozenset[str], frozenset[str]]]) -> set[str]:
    """Return names, and all to which a way leads from any of them."""
    begin = dict[str, list[int]]()
    for number, (here, _) in enumerate(ways):
        for name in here:
            begin.setdefault(name, []).append(number)
    found, ahead, gone = set[str](), set(wanted), set[int]()
    while ahead:  # each way is gone once: a notebook may have thousands of cells that call each other
        found |= ahead
        new = {number for name in ahead for number in begin.get(name, ())} - gone
        gone |= new
        ahead = set[str]().union(*(ways[number][1] for number in new)) - found
    return found


def _python(source: str) -> str:
    """Return a cell without its magics, if these bind nothing."""
    return source if names(source) is not None else as_python(source) or source


def _names(source: str) -> Names | None:
    return names(_python(source))
