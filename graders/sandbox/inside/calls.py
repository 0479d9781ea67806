"""A call of what a notebook defines: the same code behind the wall and, for answers of our own, here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


def perform(namespace: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"value": …}``, or ``{"missing": …}`` with the type of what is not callable; raise what it raises."""
    name = request["name"]
    function = namespace.get(name)
    if not callable(function):
        return {"missing": type(function).__name__ if name in namespace else ""}
    with replaced(namespace, request.get("instead", {})):
        if "watch" not in request:
            return {"value": called(function, request)}
        with watching(request["watch"]) as used:
            value = called(function, request)
    return {"value": {"value": value, "used": sorted({*used, *inherited(function, request["watch"])})}}


@contextmanager
def replaced(namespace: dict[str, Any], instead: Mapping[str, Any]) -> Iterator[None]:
    """Let some names of a notebook stand for something else: for a name of the library, or for a function."""
    from pkgutil import resolve_name

    before = {name: namespace[name] for name in instead if name in namespace}
    namespace.update({name: resolve_name(v) if isinstance(v, str) else v for name, v in instead.items()})
    try:
        yield
    finally:
        for name in instead:
            namespace.pop(name, None)
        namespace.update(before)


def called(function: Any, request: Mapping[str, Any]) -> Any:
    """Return what a request's call returns."""
    args, kwargs = request["args"], request["kwargs"]
    if request["op"] == "run":
        return getattr(function(**request["init"]), request["method"])(*args, **kwargs)
    if request["op"] == "series":
        return series(function, request["objects"], request["calls"])
    if request["op"] == "draw":
        return draw(function, *args, **kwargs)
    return function(*args, **kwargs)


def codes_of(thing: Any) -> set[Any]:
    """The code of a function, a property, or of all that a class defines itself."""
    if isinstance(thing, type):
        return set().union(*(codes_of(part) for part in vars(thing).values() if not isinstance(part, type)))
    for name in ("fget", "func", "__func__"):
        thing = getattr(thing, name, None) or thing
    code = getattr(thing, "__code__", None)
    return {code} if code is not None else set()


@contextmanager
def watching(names: list[str]) -> Iterator[set[str]]:
    """Note which of the library's functions and classes code outside the library calls, however it came by them.

    The names are such as ``sheaflab:Sheaf.energy``. This runs in the process of what it watches: advice, and no proof.
    """
    from pkgutil import resolve_name

    used, functions, classes = set[str](), dict[Any, str](), dict[type, tuple[str, set[Any]]]()
    for name in names:
        thing = resolve_name(name)
        if isinstance(thing, type):
            classes[thing] = name, codes_of(thing)
        else:
            functions.update(dict.fromkeys(codes_of(thing), name))
    of_classes = {code for kind in classes for base in kind.__mro__[:-1] for code in codes_of(base)}

    def note(frame: Any, event: str, _argument: Any) -> None:
        code, caller = frame.f_code, frame.f_back
        if event != "call" or caller is None or (code not in functions and code not in of_classes):
            return
        if str(caller.f_globals.get("__name__", "")).partition(".")[0] == "sheaflab":
            return
        if code in functions:
            used.add(functions[code])
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        for kind, (name, own) in classes.items():  # instances of the student's own subclasses are not meant
            if type(first) is kind or (code in own and not isinstance(first, kind)):
                used.add(name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield used
    finally:
        sys.setprofile(before)


def inherited(function: Any, names: list[str]) -> set[str]:
    """Which of the library's classes a class inherits from, or borrows a function from."""
    from pkgutil import resolve_name

    if not isinstance(function, type):
        return set()
    found, own = set(), [base for base in function.__mro__ if base.__module__.partition(".")[0] != "sheaflab"]
    parts = set().union(*(codes_of(base) for base in own))
    for name in names:
        thing = resolve_name(name)
        if isinstance(thing, type) and (thing in function.__mro__ or codes_of(thing) & parts):
            found.add(name)
    return found


def series(function: Any, objects: list[Any], calls: list[list[int]]) -> dict[str, Any]:
    """Call a function on objects that its calls share; what it returns, and its arrays and lists as they are then."""
    values = [function(*(objects[place] for place in call)) for call in calls]
    return {"values": values, "after": after(objects)}


def after(objects: Sequence[Any]) -> list[list[Any]]:
    """Return the arrays and lists among some objects as they are now, each with its number."""
    return [[place, value] for place, value in enumerate(objects) if type(value).__name__ in ("ndarray", "list")]


def draw(function: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Let a function draw on fresh axes, not pyplot's current ones, as visible checks do; close what it has opened.

    Returns the figure, and the arguments that are arrays or lists as they are then.
    """
    from dataclasses import asdict

    import matplotlib.pyplot as plt

    from sheaflab.checks.figures import blank, read

    before = set(plt.get_fignums())
    try:
        ax = blank()
        function(ax, *args, **kwargs)
        return {"figure": asdict(read(ax)), "after": after(args)}
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
