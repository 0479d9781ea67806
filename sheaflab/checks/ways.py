"""The way of a line through its axes: whether its ink is there, and whether straight pieces are a curve together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.checks.ink import Mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR, _PIECE = 3, 24
"""A line has ink where its pieces, of so many pixels, have some at so many pixels from it at most."""
SEEN, UNCOVERED = 0.5, 0.9
"""A line is seen if a larger part of its pieces has ink: its own, for another may lie on it; and that of any line."""
NOTHING = ("None", "none", " ", "", None)
"""Styles and markers of lines that draw nothing."""
_OPAQUE, _UNDER, _WHOLE = 0.95, 0.8, 0.9
"""A legend hides what lies under it if it is more opaque, a bar by more than this part; a clip may leave no less of a
line."""
MANY = 8
"""So many arrows, straight pieces, or texts of the same one or two signs, are remarks; more of them can be a curve."""
LONG, _STEP = 0.12, 3.0
"""A straight piece longer than this part of the axes may be a helper line; places so many pixels apart are two."""
_THIN = 3.0
"""Level and upright segments that are no thicker, in points, are helper lines."""


def is_straight(line: Any) -> bool:
    """Whether a line is one point, level, or upright: a helper line."""
    xy = np.asarray(line.get_xydata(), dtype=np.float64)
    return len(xy) < 2 or not np.ptp(xy[:, 0]) or not np.ptp(xy[:, 1])


def helps(part: Any) -> bool:
    """Whether a collection is of thin segments that are level or upright: `hlines` and `vlines`."""
    from matplotlib.collections import LineCollection

    if not isinstance(part, LineCollection) or np.max(part.get_linewidth(), initial=0.0) > _THIN:
        return False
    return all(not np.ptp(xy[:, 0]) or not np.ptp(xy[:, 1]) for xy in map(np.asarray, part.get_segments()) if len(xy))


def is_row(parts: list[Any], curves: list[Any], ax: Axes) -> bool:
    """Whether level and upright pieces, or single points, end at so many places and heights that they can be a curve.

    A long one is a helper line where it ends at a curve, as one from a point of it down to the axis does.
    """
    known = np.concatenate([np.empty((0, 2)), *map(way, curves)])
    free = np.array([ends for xy, ends in pieces(parts) if not (_is_long(xy, ax) and _meets(xy, known))])
    for height in (0, 1):
        places = {(round(x / _STEP), round(y / _STEP)) for x, y in free.reshape(-1, 2, 2)[:, height]}
        if min(len({x for x, _ in places}), len({y for _, y in places})) > MANY:
            return True
    return False


def pieces(parts: list[Any]) -> list[tuple[FloatArray, FloatArray]]:
    """Return straight pieces in pixels: all places of each, and its lower and its upper end in the middle of it."""
    found = list[tuple[FloatArray, FloatArray]]()
    for part in parts:
        segments = part.get_segments() if hasattr(part, "get_segments") else [part.get_xydata()]
        for piece in (np.asarray(piece, dtype=np.float64) for piece in segments if len(piece)):
            xy = part.get_transform().transform(piece)
            if np.isfinite(xy).all():
                x, y = xy.T
                found.append((xy, np.array([[x.mean(), y.min()], [x.mean(), y.max()]])))
    return found


def _is_long(xy: FloatArray, ax: Axes) -> bool:
    """Whether a piece is so long that it may be a helper line."""
    return bool(max(np.ptp(xy[:, 0]) / ax.bbox.width, np.ptp(xy[:, 1]) / ax.bbox.height) >= LONG)


def _meets(ends: FloatArray, curves: FloatArray) -> bool:
    """Whether one of some places lies at a curve, in pixels."""
    return any(bool((np.hypot(*(curves - end).T) <= 2 * NEAR).any()) for end in ends)


def way(line: Any) -> FloatArray:
    """Return points at most a pixel apart on the way of a line, of other curves the vertices; in pixels."""
    from matplotlib.cbook import STEP_LOOKUP_MAP

    if not hasattr(line, "get_xydata"):
        paths = line.get_paths() if hasattr(line, "get_paths") else [line.get_path()]
        points = line.get_transform().transform(np.concatenate([path.vertices for path in paths]))
        return np.asarray(points[np.isfinite(points).all(axis=1)])
    steps = STEP_LOOKUP_MAP[line.get_drawstyle()](*np.asarray(line.get_xydata(), dtype=np.float64).T)
    points = line.get_transform().transform(np.column_stack(list(steps)))
    points = np.clip(points[np.isfinite(points).all(axis=1)], -1e4, 1e4)
    if len(points) < 2:
        return np.empty((0, 2))
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, length[-1], int(min(length[-1], 50000)) + 2)
    return np.column_stack([np.interp(at, length, axis) for axis in points.T])


def _shown_way(line: Any) -> tuple[FloatArray, FloatArray]:
    """Return the points on the way of a line that its axes show, x and y."""
    x, y = way(line).T
    box = line.axes.bbox
    inside = (x >= box.x0) & (x <= box.x1) & (y >= box.y0) & (y <= box.y1)
    return x[inside], y[inside]


def _is_clipped(line: Any, x: FloatArray, y: FloatArray) -> bool:
    """Whether a clip of its own cuts off a part of a line that lies within the axes."""
    box, (path, affine) = line.get_clip_box(), line.get_transformed_clip_path_and_affine()
    inside = np.ones(len(x), dtype=bool)
    if box is not None:
        inside &= (x >= box.x0 - 1) & (x <= box.x1 + 1) & (y >= box.y0 - 1) & (y <= box.y1 + 1)
    if path is not None:
        inside &= path.contains_points(np.column_stack([x, y]), transform=affine, radius=1.0)
    return bool(len(x) and inside.mean() < _WHOLE)


def has_ink(line: Any, strokes: Mask, part: float = SEEN) -> bool:
    """Whether there is ink along more than this part of a line's way through its axes."""
    if not line.get_visible():
        return False
    (x, y), (rows, columns) = _shown_way(line), strokes.shape
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    if not inside.any() or _is_clipped(line, x, y):
        return False
    found = strokes[y[inside].astype(int), x[inside].astype(int)]
    along = np.array_split(found, max(len(found) // _PIECE, 1))
    return bool(np.mean([piece.any() for piece in along]) > part)


def under_legends(figure: Any, every: list[Any], lines: list[Any], bars: list[Any]) -> set[int]:
    """Return which bars lie for the most part under a legend that nothing shines through, and lines by a tenth."""
    from matplotlib.transforms import Bbox

    legends = [legend for legend in (*(axes.get_legend() for axes in every), *figure.legends) if legend is not None]
    frames = [legend.get_frame() for legend in legends if legend.get_visible() and legend.get_frame_on()]
    boxes = [f.get_window_extent() for f in frames if (f.get_alpha() or 1.0) * f.get_facecolor()[3] > _OPAQUE]
    under = set[int]()
    for box in boxes:
        for line in lines:
            x, y = _shown_way(line)
            hidden = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
            if len(x) and hidden.mean() > 1 - UNCOVERED:
                under.add(id(line))
        for bar in bars:
            own = Bbox.intersection(bar.get_window_extent(), bar.axes.bbox)
            common = Bbox.intersection(own, box) if own else None
            if own and common and common.width * common.height > _UNDER * own.width * own.height:
                under.add(id(bar))
    return under
