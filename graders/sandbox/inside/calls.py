"""A call of what a notebook defines: the same code behind the wall and, for answers of our own, here."""

from __future__ import annotations

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
        from sheaflab.checks.forbidden import watching

        with watching(function, request["watch"]) as used:
            value = called(function, request)
    return {"value": {"value": value, "used": sorted(used)}}


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
        if "init" in request:  # a class: the calls are of a method of one object
            function = getattr(function(**request["init"]), request["method"])
        return series(function, request["objects"], request["calls"])
    if request["op"] == "draw":
        return draw(function, request["seen"], *args, **kwargs)
    return function(*args, **kwargs)


def series(function: Any, objects: list[Any], calls: list[list[int]]) -> dict[str, Any]:
    """Call a function on objects that its calls share.

    Returns what it returns; which of that a later call has changed; and its arrays and lists as they are then.
    """
    values, before = [], []
    for call in calls:
        values.append(function(*(objects[place] for place in call)))
        before.append(imprint(values[-1]))
    changed = [k for k, value in enumerate(values) if imprint(value) != before[k]]
    return {"values": values, "changed": changed, "after": after(objects)}


def imprint(value: Any, depth: int = 2) -> Any:
    """Return what tells whether an array or a list has been changed since; of what lies deeper, nothing."""
    if type(value).__name__ == "ndarray":
        return value.shape, str(value.dtype), hash(value.tobytes())
    if isinstance(value, (list, tuple)):
        return len(value), [imprint(item, depth - 1) for item in value] if depth else None
    return repr(value) if type(value) in (bool, int, float) else None


def after(objects: Sequence[Any]) -> list[list[Any]]:
    """Return the arrays and lists among some objects as they are now, each with its number."""
    return [[place, value] for place, value in enumerate(objects) if type(value).__name__ in ("ndarray", "list")]


def draw(function: Any, seen: bool, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Let a function draw on fresh axes, not pyplot's current ones, as visible checks do; close what it has opened.

    With `seen` it is also told what can be seen.

    Returns the figure, and the arguments that are arrays or lists as they are then.
    """
    from dataclasses import asdict

    import matplotlib.pyplot as plt

    from sheaflab.checks.figures import blank, read

    before = set(plt.get_fignums())
    try:
        ax = blank()
        function(ax, *args, **kwargs)
        return {"figure": asdict(read(ax, seen)), "after": after(args)}
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
