"""The places that ink is drawn by, which are exact where its edges are not: points, outlines, ends of segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import FloatArray
from sheaflab.checks import ink
from sheaflab.checks.ink import Pixels
from sheaflab.checks.ways import LONG, NEAR, NOTHING, pieces, way

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ON = 2
"""A point is on a line if it is so many pixels away at most."""
_MOST = 4000


def points_on(lines: list[Any], ax: Axes) -> list[Any]:
    """Return the collections of points in `ax` of which each lies on one of some lines, as markers of it would."""
    from matplotlib.collections import PathCollection

    found = list[Any]()
    points = [part for part in ax.collections if isinstance(part, PathCollection)]
    for line in lines if points else []:
        near = np.zeros([int(v) for v in ink.figure_of(ax).bbox.size[::-1]], dtype=bool)
        x, y = _cells(way(line), ax).T
        near[y, x] = True
        near = ink.spread(near, _ON)
        for part in points:
            x, y = _cells(_offsets(part), ax).T
            if len(x) and near[y, x].all():
                found.append(part)
    return found


def spots(parts: list[Any], row: list[Any], pixels: Pixels, ax: Axes) -> FloatArray:
    """Return the places of points, the outlines of areas, and the ends of pieces in a row, where they have ink.

    Parameters
    ----------
    parts : list of Artist
        Points and areas are taken from them.
    row : list of Artist
        Lines and collections of level and upright pieces.
    pixels : ndarray
        The drawing, without what is known.
    ax : Axes

    Returns
    -------
    ndarray, shape (k, 2)
        In data coordinates.
    """
    from matplotlib.collections import Collection, LineCollection, PathCollection
    from matplotlib.lines import Line2D
    from matplotlib.patches import FancyArrow, Patch
    from matplotlib.spines import Spine

    found = [np.empty((0, 2)), *(ends for _, ends in pieces(row))]
    for part in parts:
        if isinstance(part, Line2D) and part.get_marker() not in NOTHING:
            found.append(part.get_transform().transform(np.asarray(part.get_xydata(), dtype=np.float64)))
        elif isinstance(part, PathCollection):
            found.append(_offsets(part))
        elif isinstance(part, Collection) and not isinstance(part, LineCollection):
            found += [_outline(path, part, ax) for path in part.get_paths()]
        elif isinstance(part, Patch) and not isinstance(part, (FancyArrow, Spine)):
            found.append(_outline(part.get_path(), part, ax))
    at = np.unique(_cells(np.concatenate(found), ax), axis=0)
    inked = np.zeros(pixels.shape[:2], dtype=bool)
    inked[1:] |= ink.apart(pixels[1:], pixels[:-1])
    inked[:, 1:] |= ink.apart(pixels[:, 1:], pixels[:, :-1])
    x, y = at.T
    at = at[ink.spread(inked, NEAR)[y, x]]
    return np.asarray(ax.transData.inverted().transform(at[:: len(at) // _MOST + 1] + 0.5), dtype=np.float64)


def _offsets(points: Any) -> FloatArray:
    """Return the places of points in pixels."""
    places = np.ma.filled(np.ma.asarray(points.get_offsets(), dtype=np.float64), np.nan)
    return np.asarray(points.get_offset_transform().transform(places), dtype=np.float64)


def _outline(path: Any, part: Any, ax: Axes) -> FloatArray:
    """Return an outline pixel by pixel, without what is upright in it, or level and long."""
    found = [np.empty((0, 2))]
    for corners in part.get_transform().transform_path(path).to_polygons():
        xy = np.clip(corners, -1e4, 1e4)
        across, up = np.abs(np.diff(xy, axis=0)).T
        sloped = (across > 1e-6) & ((up > 1e-6) | (across < LONG * ax.bbox.width))
        length = np.concatenate([[0.0], np.cumsum(np.hypot(across, up))])
        at = np.linspace(0, length[-1], int(min(length[-1], 50000)) + 2)
        kept = at[sloped[np.clip(np.searchsorted(length, at, side="right") - 1, 0, len(sloped) - 1)]]
        found.append(np.column_stack([np.interp(kept, length, axis) for axis in xy.T]))
    return np.concatenate(found)


def _cells(xy: FloatArray, ax: Axes) -> NDArray[np.intp]:
    """Return the pixels of some places, column and row, of those within `ax`."""
    width, height = (int(v) for v in ink.figure_of(ax).bbox.size)
    (x0, y0), (x1, y1) = ax.bbox.min, ax.bbox.max
    x, y = xy.T
    with np.errstate(invalid="ignore"):
        inside = (x >= max(x0, 0)) & (x < min(x1, width)) & (y >= max(y0, 0)) & (y < min(y1, height))
    return np.asarray(xy[inside], dtype=np.intp)
