"""What an answer is, before it is called: a class where one is asked for, of the right kind and complete."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from sheaflab.checks.messages import CheckFailed, rows

Check = Callable[[Any], None]


def asks_for(base: type) -> Callable[[Check], Check]:
    """Mark the visible check of an exercise that asks for a subclass of `base`."""

    def mark(check: Check) -> Check:
        check.asks_for = base  # type: ignore[attr-defined]
        return check

    return mark


def form(answer: object, base: type | None) -> None:
    """Look at what an answer is.

    Parameters
    ----------
    answer : object
    base : type or None
        The class that it has to inherit from; None if the exercise asks for a function.

    Raises
    ------
    CheckFailed
        If it is something else, or lacks a method.
    """
    if base is None:
        return
    name = getattr(answer, "__name__", type(answer).__name__)

    def refuse(found: str, step: str) -> NoReturn:
        raise CheckFailed("not right yet\n" + rows([("found", found), ("next", step)]))

    line = f"`class {name}({base.__name__}):`"
    if not inspect.isclass(answer):
        refuse(f"`{name}` is a {type(answer).__name__}, not a class", f"begin the cell with {line}")
    if not issubclass(answer, base):
        refuse(f"the class `{name}` does not inherit from `{base.__name__}`", f"begin it with {line}")
    if lacking := sorted(getattr(answer, "__abstractmethods__", ())):
        own = [part for part, value in vars(answer).items() if inspect.isfunction(value)]
        found = f"the class `{name}` has no method `{lacking[0]}`" + (f", but `{'`, `'.join(own)}`" if own else "")
        refuse(found, f"write `def {lacking[0]}(…)`, with exactly this name, inside the class")
