"""Bars that are drawn as one filled outline, as `hist(..., histtype="stepfilled")` does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

_LONG = 2000
"""An outline of more corners is no histogram of this course."""


def steps(patch: Any) -> list[Any]:
    """Return the bars of a filled outline of level and upright edges, each as a `Rectangle`; none if it is no such.

    They are not drawn; what is drawn for each is its `outline`.
    """
    from matplotlib.patches import FancyArrow, Polygon, Rectangle

    if not isinstance(patch, Polygon) or isinstance(patch, FancyArrow):
        return []
    xy = np.asarray(patch.get_xy(), dtype=np.float64)
    filled = patch.get_fill() and np.asarray(patch.get_facecolor())[3] > 0
    if not filled or not 4 <= len(xy) <= _LONG or not np.isfinite(xy).all():
        return []
    ends = np.roll(xy, -1, axis=0)
    if (xy != ends).all(axis=1).any():  # a slope
        return []
    left, right = np.minimum(xy[:, 0], ends[:, 0]), np.maximum(xy[:, 0], ends[:, 0])
    found, edges = list[Any](), np.unique(xy[:, 0])
    for x, end in pairwise(edges):
        y = np.sort(xy[(left <= x) & (right >= end), 1])
        if len(y) != 2:
            return []
        box = Rectangle((x, y[0]), end - x, y[1] - y[0], transform=patch.get_transform(), visible=patch.get_visible())
        box.axes, box.outline = patch.axes, patch  # type: ignore[attr-defined]
        found.append(box)
    return found


def drawn(bars: list[Any]) -> list[Any]:
    """Return what of a figure bars are, each once: themselves, or the outline that several of them have."""
    return list({id(part): part for part in (getattr(bar, "outline", bar) for bar in bars)}.values())
