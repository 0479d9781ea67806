"""Problems that tell the right answer from its near misses.

A random problem need not show every mistake: on most networks a run counts the same switches to t = 10 and to t = 20.
A check therefore names the mistakes that its problems have to show, as functions with the arguments of the student's,
and draws until they do.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graders.checking import kept
from graders.checking.verdict import HiddenChecksError

MARGIN = 10.0
"""A near miss is told apart if it is off by so many times the tolerance of the check."""

_ROUNDS = 5
Rng = np.random.Generator
Answer = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """Arguments of a call, and what it has to return."""

    args: tuple[Any, ...]
    expected: Any


def separating(
    rng: Rng,
    draw: Callable[[Rng], tuple[Any, ...] | None],
    truth: Answer,
    near_misses: Mapping[str, Answer],
    *,
    tol: float | Callable[[Any], float] = 0.0,
    least: int = 1,
    most: int = 3,
    fit: Callable[[Any], bool] = lambda expected: True,
    certain: Callable[..., bool] = lambda expected, *args: True,
    tries: int = 2000,
) -> list[Case]:
    """Draw problems until each near miss is off on one of them by ten times the tolerance.

    The problems found first may leave more to the last than any one shows: then the search begins anew.

    Parameters
    ----------
    rng : numpy.random.Generator
    draw : callable
        Takes `rng` and returns the arguments of a call; or None if what it drew has a defect.
    truth : callable
        Takes these arguments and returns what is right.
    near_misses : mapping of str to callable
        Plausible wrong answers by name, called like `truth`. They must not change their arguments.
    tol : float or callable
        What the check allows. A callable takes the expected value.
    least, most : int
        How many problems the check can use.
    fit : callable
        Takes the expected value, and tells whether it is of any use. Asked first: it costs nothing.
    certain : callable
        Takes the expected value and the arguments, and tells whether nobody can doubt that value. Asked last.
    tries : int
        Draws before the search begins anew; it begins five times.

    Returns
    -------
    list of Case

    Raises
    ------
    HiddenChecksError
        If no problems are found: the check is at fault, and no student.
    """
    known = kept.next_part()
    if known is not None and (cases := _drawn_again(rng, draw, truth, kept.read(known, rng))):
        return cases
    left, found, states = dict(near_misses), list[Case](), list[Any]()
    for attempt in range(_ROUNDS * tries):
        if attempt and attempt % tries == 0:
            left, found, states = dict(near_misses), [], []
        args, drawn = kept.noted(draw, rng)
        if args is None:
            continue
        expected = truth(*args)
        if not fit(expected):
            continue
        allowed = tol(expected) if callable(tol) else tol
        told = _told(left, args, expected, allowed, all_of_them=len(found) == most - 1)
        if told is not None and (told or not left) and certain(expected, *args):
            found.append(Case(args, expected))
            states.append(drawn)
            left = {name: near_miss for name, near_miss in left.items() if name not in told}
        if not left and len(found) >= least:
            if known is not None:
                kept.write(known, [*states, [rng.bit_generator.state]])
            return found
    raise HiddenChecksError(
        f"no {most} problems in {_ROUNDS} times {tries} draws tell the right answer from: {', '.join(left) or '–'}"
    )


def once_per_problem(make: Answer) -> Answer:
    """Keep what `make` has made last while its arguments are the same objects: near misses share it."""
    last = list[tuple[tuple[Any, ...], Any]]()

    @functools.wraps(make)
    def again(*args: Any) -> Any:
        entry = last[0] if last else None
        if entry is None or len(entry[0]) != len(args) or any(a is not b for a, b in zip(entry[0], args, strict=True)):
            entry = args, make(*args)
            last[:] = [entry]
        return entry[1]

    return again


def _drawn_again(
    rng: Rng, draw: Callable[[Rng], tuple[Any, ...] | None], truth: Answer, states: list[Any]
) -> list[Case]:
    """Draw what a search has chosen before, from the states of `rng` before each; the last is the one at its end."""
    start, found = rng.bit_generator.state, list[Case]()
    for drawn in states[:-1]:
        args = kept.drawn_again(draw, rng, drawn)
        if args is None:  # not what this search has kept
            rng.bit_generator.state = start
            return []
        found.append(Case(args, truth(*args)))
    if states:
        rng.bit_generator.state = states[-1][0]
    return found


def _told(
    left: dict[str, Answer], args: tuple[Any, ...], expected: Any, tol: float, *, all_of_them: bool
) -> list[str] | None:
    """Return the near misses that this problem tells from the truth; None if it has to be all and is not.

    In that case the one that is not told moves to the front: what hides on one problem often hides on the next.
    """
    if not all_of_them:
        return [name for name, near_miss in left.items() if differs(near_miss, args, expected, tol)]
    for name in left:
        if not differs(left[name], args, expected, tol):
            rest = {other: near_miss for other, near_miss in left.items() if other != name}
            first = {name: left[name]}
            left.clear()
            left.update(first | rest)
            return None
    return list(left)


def differs(near_miss: Answer, args: tuple[Any, ...], expected: Any, tol: float) -> bool:
    """Tell whether a near miss is off by ten times `tol` (by anything, if that is zero) or does not end in numbers."""
    try:
        with warnings.catch_warnings(action="ignore"):  # wrong answers may warn
            got = np.asarray(near_miss(*args), dtype=np.float64)
    except Exception:  # what raises is told apart
        return True
    want = np.asarray(expected, dtype=np.float64)
    if got.shape != want.shape or not np.isfinite(got).all():
        return True
    off = float(np.abs(got - want).max(initial=0.0))
    return off >= MARGIN * tol and off > 0
