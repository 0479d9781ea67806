"""How lines look: which name a legend gives to them, and which cannot be told apart."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Look = tuple[str, str, str, tuple[object, ...]]
"""Colour, style and marker of a line; and its width, opacity, dashes, and how its markers look."""

_COLOR, _WIDTH = 0.1, 1.5
"""Two strokes can be told apart if red, green or blue differ by more than this, or if one is so many times as wide."""


def entries(ax: Axes, handles: list[Any], names: list[str]) -> list[str]:
    """Return for each line the name that the legend gives to lines of its look; empty if it gives none."""
    named = [(look_of(handle), name) for handle, name in zip(handles, names, strict=False) if _is_line(handle)]
    return [_entry_of(look_of(line), named) for line in ax.lines]


def _is_line(handle: Any) -> bool:
    return hasattr(handle, "get_linestyle") and hasattr(handle, "get_marker")


def _entry_of(line: Look, named: list[tuple[Look, str]]) -> str:
    """Return the name of a look; a legend may draw what it names thicker, or stronger, than it is."""
    same = [name for look, name in named if look == line]
    return next(iter(same or [name for look, name in named if look[:3] == line[:3]]), "")


def look_of(line: Any) -> Look:
    """Return how a line looks."""
    from matplotlib.colors import to_hex, to_rgba

    kind = to_hex(line.get_color()), str(line.get_linestyle()), str(line.get_marker())
    opaque, dashes = to_rgba(line.get_color(), line.get_alpha())[3], getattr(line, "_unscaled_dash_pattern", None)
    markers = str(line.get_markerfacecolor()), line.get_markersize()
    return *kind, (float(line.get_linewidth()), opaque, str(dashes), *markers)


def alike(handles: list[Any], names: list[str]) -> list[str]:
    """Return two names of a legend whose samples cannot be told from each other; nothing if all can."""
    named = [(handle, name) for handle, name in zip(handles, names, strict=False) if _is_line(handle) and name]
    for (first, name), (second, other) in combinations(named, 2):
        if name != other and _is_alike(first, second):
            return [name, other]
    return []


def _is_alike(first: Any, second: Any) -> bool:
    from matplotlib.colors import to_rgba

    looks = look_of(first), look_of(second)
    if looks[0][1:3] != looks[1][1:3] or looks[0][3][2:3] != looks[1][3][2:3]:
        return False
    colors = np.array([to_rgba(line.get_color(), line.get_alpha()) for line in (first, second)])
    thin, thick = sorted(float(line.get_linewidth()) for line in (first, second))
    return bool(np.abs(np.diff(colors, axis=0)).max() < _COLOR and thick < _WIDTH * thin)
