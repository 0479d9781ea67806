"""A call of what a notebook defines: the same code behind the wall and, for answers of our own, here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def perform(namespace: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"value": …}``, or ``{"missing": …}`` with the type of what is not callable; raise what it raises."""
    name = request["name"]
    function = namespace.get(name)
    if not callable(function):
        return {"missing": type(function).__name__ if name in namespace else ""}
    args, kwargs = request["args"], request["kwargs"]
    if request["op"] == "run":
        return {"value": getattr(function(**request["init"]), request["method"])(*args, **kwargs)}
    if request["op"] == "series":
        return {"value": series(function, request["objects"], request["calls"])}
    if request["op"] == "draw":
        return {"value": draw(function, *args, **kwargs)}
    return {"value": function(*args, **kwargs)}


def series(function: Any, objects: list[Any], calls: list[list[int]]) -> dict[str, Any]:
    """Call a function on objects that its calls share; what it returns, and its arrays and lists as they are then."""
    values = [function(*(objects[place] for place in call)) for call in calls]
    kept = [place for place, value in enumerate(objects) if type(value).__name__ in ("ndarray", "list")]
    return {"values": values, "after": [[place, objects[place]] for place in kept]}


def draw(function: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Let a function draw on fresh axes, not pyplot's current ones, as visible checks do; close what it has opened."""
    from dataclasses import asdict

    import matplotlib.pyplot as plt

    from sheaflab.checks.figures import blank, read

    before = set(plt.get_fignums())
    try:
        ax = blank()
        function(ax, *args, **kwargs)
        return asdict(read(ax))
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
