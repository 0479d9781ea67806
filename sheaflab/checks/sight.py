"""What of a figure can be seen: lines along their way, bars in their boxes, names, and all other ink."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.checks import ink
from sheaflab.checks.colors import own_ink
from sheaflab.checks.ink import Mask, Pixels
from sheaflab.checks.steps import drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TEXT_CONTRAST, _TEXT_SIZE = 0.1 * 255, 4.0
_NEAR, _PIECE, _PART = 3, 24, 0.5
"""A line is seen if so large a part of its pieces, of so many pixels, have ink at so many pixels from it at most."""
_OPAQUE, _WHOLE = 0.95, 0.9
"""A legend covers what lies under it if it is no less opaque; a clip may leave no less of a line."""
_BAR_PART, _BAR_HEIGHT = 0.6, 0.01
"""A bar is seen by its rows and columns with ink; one that is lower than this part of the axes is a stroke."""
_MANY = 8
"""So many arrows, or texts of the same one or two signs, are remarks; more of them can be a curve."""
_LONG = 120
"""The way of a line, in pixels, from which on its own colour shows that it is there."""
_ACROSS, _STEP = 0.9, 3.0
"""A straight line that is no shorter than this part of the axes crosses them; places so many pixels apart are two."""
_FEW = 12
"""So many curves are each drawn by itself; more of them all at once, for time's sake."""
_THIN = 3.0
"""Level and upright segments that are no thicker, in points, are helper lines."""


@dataclass
class Sight:
    """What is seen: parts of a figure by their `id`, and edges of further ink in data coordinates, shape ``(k, 2)``."""

    seen: set[int] = field(default_factory=set)
    rest: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    marks: FloatArray = field(default_factory=lambda: np.empty((0, 2)))


def beside(ax: Axes) -> list[Axes]:
    """Return the other axes that are drawn on the place of these: twins and insets."""
    others: list[Any] = [] if ax.figure is None else [*ax.figure.axes, *ax.child_axes]
    for other in others:
        locator = other.get_axes_locator()
        other.apply_aspect(locator(other, None) if locator else None)
    over = [other for other in dict.fromkeys(others) if other is not ax and other.get_visible()]
    return [other for other in over if ax.bbox.expanded(0.99, 0.99).overlaps(other.bbox)]


def switched_on(parts: list[Any]) -> Sight:
    """Take all for seen that is not switched off, and a line if it has a stroke; look for no other ink."""
    strokes = [part for part in parts if not hasattr(part, "get_linestyle") or part.get_linestyle() not in _NONE]
    return Sight({id(part) for part in strokes if part.get_visible()})


_NONE = ("None", "none", " ", "")  # styles of lines that draw nothing


def look(ax: Axes, lines: list[Any], bars: list[Any], names: list[Any]) -> Sight:
    """Draw the figure of `ax`, and tell what of it is seen; the figure is left as it was.

    Parameters
    ----------
    ax : Axes
    lines : list of Artist
        Each is judged without its markers, and within its axes; if it is no `Line2D`, by its vertices.
    bars : list of Rectangle
        Each is judged by the ink in its own box.
    names : list of Text
        A text is seen if it can be read.

    Returns
    -------
    Sight
        `rest` is all ink within `ax` but the lines that are seen, bars, axis, legends, shading, helper lines and
        remarks; `marks` is the ink of arrows and of texts of one or two signs, if there are many.
    """
    sight, figure = Sight(), ink.figure_of(ax)
    if figure is None:
        return sight
    every = [ax, *beside(ax)]
    with ink.few_pixels(figure):
        with ink.without_ticks(every):
            whole = ink.draw(figure)
        sight.seen |= {id(text) for text in names if _legible(text, ax, whole)}
        under = _under_legends(figure, every, lines, bars)
        if every == [ax] and _at_a_glance(ax, lines, bars, whole):
            sight.seen |= {id(part) for part in (*lines, *(bar for bar in bars if bar.get_height()))}
            sight.seen -= under
            return sight
        figure.set_layout_engine("none")  # nothing is to move from here on
        with ink.without(part for axes in every for part in (axes.xaxis, axes.yaxis, *_frame(axes))):
            _judge(sight, figure, lines, bars)
            sight.seen -= under
            _gather(sight, ax, every, lines, bars)
    return sight


def _at_a_glance(ax: Axes, lines: list[Any], bars: list[Any], whole: Pixels) -> bool:
    """Whether there are lines, or bars, and nothing else, and each is seen by a colour that is its own."""
    masks = own_ink(ax, lines, bars, _frame(ax), whole)
    if lines and masks:
        long = all(len(_way(line)) > _LONG for line in lines)  # a legend's sample of it is not taken for the line
        return long and all(_has_ink(line, ink.spread(mask, _NEAR)) for line, mask in zip(lines, masks, strict=True))
    return bool(masks) and all(_is_full(bar, masks[0]) for bar in bars if bar.get_height())


def _under_legends(figure: Any, every: list[Any], lines: list[Any], bars: list[Any]) -> set[int]:
    """Return which lines and bars lie for the most part under a legend that nothing shines through."""
    from matplotlib.transforms import Bbox

    legends = [legend for legend in (*(axes.get_legend() for axes in every), *figure.legends) if legend is not None]
    frames = [legend.get_frame() for legend in legends if legend.get_visible() and legend.get_frame_on()]
    boxes = [f.get_window_extent() for f in frames if (f.get_alpha() or 1.0) * f.get_facecolor()[3] > _OPAQUE]
    under = set[int]()
    for box in boxes:
        for line in lines:
            x, y = _shown_way(line)
            hidden = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
            if len(x) and hidden.mean() > _PART:
                under.add(id(line))
        for bar in bars:
            own = Bbox.intersection(bar.get_window_extent(), bar.axes.bbox)
            common = Bbox.intersection(own, box) if own else None
            if own and common and common.width * common.height > _PART * own.width * own.height:
                under.add(id(bar))
    return under


def _judge(sight: Sight, figure: Any, lines: list[Any], bars: list[Any]) -> None:
    """Tell which lines and bars are seen."""
    with ink.plain(lines, drawn(bars)):
        base = ink.draw(figure)
        alike: dict[bytes, list[Any]] = {}
        for line in lines:
            alike.setdefault(_way(line).tobytes(), []).append(line)
        groups = list(alike.values()) if len(alike) <= _FEW else [lines]
        for group in groups:  # one of two that lie on each other leaves no gap
            with ink.without(group):
                strokes = ink.spread(ink.apart(base, ink.draw(figure)), _NEAR)
            sight.seen |= {id(line) for line in group if _has_ink(line, strokes)}
        if bars:
            with ink.without(drawn(bars)):
                missing = ink.spread(ink.apart(base, ink.draw(figure)), 1)  # an edge may lie a pixel beside its box
            sight.seen |= {id(bar) for bar in bars if _is_full(bar, missing)}


def _gather(sight: Sight, ax: Axes, every: list[Any], lines: list[Any], bars: list[Any]) -> None:
    """Find the ink that is neither line nor bar, and is there to tell something."""
    figure = ink.figure_of(ax)
    parts = [(part, axes) for axes in every for part in axes.get_children()]
    strokes = [line for line in lines if hasattr(line, "get_xydata")]
    rules = [line for line in strokes if _is_straight(line)] + [part for part, _ in parts if _helps(part)]
    if _is_row(rules, ax):
        rules = []
    known = [line for line in strokes if id(line) in sight.seen and not _is_straight(line)] + rules
    helpers = [part for part, axes in parts if _shades(part, axes)]
    marks = [one for part, axes in parts if _remarks(part, axes) for one in (part, *_pieces(part))]
    signs = _signs(marks)
    beneath = [part for part in figure.get_children() if part is not figure.patch and part not in figure.axes]
    others = [part for part, _ in parts if part is not ax.patch] + beneath
    hidden = [*known, *drawn(bars), *helpers, *figure.texts, *figure.legends]
    with ink.without(hidden):
        shown = {id(part) for part in (*hidden, *marks, *(axes.patch for axes in every))}
        if any(id(part) not in shown and part.get_visible() for part in others):
            with ink.without(marks):
                sight.rest = ink.edges(ink.draw(figure), ax)
        if signs:
            ids = {id(part) for part in signs}
            with ink.without(part for part in others if id(part) not in ids):
                sight.marks = ink.edges(ink.draw(figure), ax)


def _legible(text: Any, ax: Axes, pixels: Pixels) -> bool:
    """Whether a text has ink; beside the paper, which a notebook makes larger for it, its colour counts."""
    from matplotlib.colors import to_rgba
    from matplotlib.transforms import Bbox

    figure = ink.figure_of(ax)
    paper: Any = figure.bbox
    if not text.get_text().strip() or text.get_fontsize() < _TEXT_SIZE:
        return False
    box = text.get_window_extent(ink.renderer(1, 1, figure.dpi))
    part = Bbox.intersection(box, paper)
    within = part is not None and part.width * part.height > 0.6 * box.width * box.height
    if within and figure.dpi == ink.DPI:  # with fewer pixels no text is more than a blur
        place = ink.place(box, paper)
        found = pixels[place].reshape(-1, 3) if place else np.empty((0, 3))
        return bool(len(found) and np.ptp(found, axis=0).max() > _TEXT_CONTRAST)
    if not box.overlaps(paper.expanded(2, 2)) or not (ax.get_visible() and text.get_visible()):
        return False
    red, green, blue, opacity = to_rgba(text.get_color(), text.get_alpha())
    ground = np.asarray(to_rgba(figure.get_facecolor())[:3])
    return bool(255 * opacity * np.abs(np.array([red, green, blue]) - ground).max() > _TEXT_CONTRAST)


def _is_straight(line: Any) -> bool:
    """Whether a line is one point, level, or upright: a helper line."""
    xy = np.asarray(line.get_xydata(), dtype=np.float64)
    return len(xy) < 2 or not np.ptp(xy[:, 0]) or not np.ptp(xy[:, 1])


def _helps(part: Any) -> bool:
    """Whether a collection is of thin segments that are level or upright: `hlines` and `vlines`."""
    from matplotlib.collections import LineCollection

    if not isinstance(part, LineCollection) or np.max(part.get_linewidth(), initial=0.0) > _THIN:
        return False
    return all(not np.ptp(xy[:, 0]) or not np.ptp(xy[:, 1]) for xy in map(np.asarray, part.get_segments()) if len(xy))


def _is_row(parts: list[Any], ax: Axes) -> bool:
    """Whether level and upright pieces, or single points, end at so many places and heights that they can be a curve.

    Who crosses the axes from one side to the other is a helper line.
    """
    ends = list[FloatArray]()
    for part in parts:
        pieces = part.get_segments() if hasattr(part, "get_segments") else [part.get_xydata()]
        for piece in (np.asarray(piece, dtype=np.float64) for piece in pieces if len(piece)):
            xy = part.get_transform().transform(piece)
            if max(np.ptp(xy[:, 0]) / ax.bbox.width, np.ptp(xy[:, 1]) / ax.bbox.height) < _ACROSS:
                ends.append(xy)
    tops = {(round(xy[:, 0].mean() / _STEP), round(xy[:, 1].max() / _STEP)) for xy in ends if np.isfinite(xy).all()}
    return min(len({x for x, _ in tops}), len({y for _, y in tops})) > _MANY


def _way(line: Any) -> FloatArray:
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
    x, y = _way(line).T
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


def _has_ink(line: Any, strokes: Mask) -> bool:
    """Whether a line leaves ink along its way through its axes."""
    if not line.get_visible():
        return False
    (x, y), (rows, columns) = _shown_way(line), strokes.shape
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    if not inside.any() or _is_clipped(line, x, y):
        return False
    found = strokes[y[inside].astype(int), x[inside].astype(int)]
    pieces = np.array_split(found, max(len(found) // _PIECE, 1))
    return bool(np.mean([piece.any() for piece in pieces]) > _PART)


def _is_full(bar: Any, missing: Mask) -> bool:
    """Whether a bar has ink in its rows and columns, and can be told from a stroke on the axis."""
    box, frame = bar.get_window_extent(), bar.axes.bbox
    place = ink.place(box, frame)
    if place is None or min(box.y1, frame.y1) - max(box.y0, frame.y0) < _BAR_HEIGHT * frame.height:
        return False
    part = missing[place]
    return bool(part.size and min(part.any(axis=0).mean(), part.any(axis=1).mean()) > _BAR_PART)


def _frame(axes: Any) -> list[Any]:
    legend = axes.get_legend()
    titles = [axes.title, axes._left_title, axes._right_title]
    return [*axes.spines.values(), *titles, *([legend] if legend else [])]


def _remarks(part: Any, axes: Any) -> bool:
    """Whether something is a remark: a text, an arrow, a second legend."""
    from matplotlib.collections import Collection
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.patches import FancyArrow, FancyArrowPatch, Patch

    if isinstance(part, (FancyArrow, FancyArrowPatch)):
        return True
    if isinstance(part, (Collection, Line2D, Patch, AxesImage)):
        return False
    return not any(part is other for other in (axes.xaxis, axes.yaxis, *axes.child_axes, *_frame(axes)))


def _pieces(part: Any) -> list[Any]:
    """Return what the mark of an inset consists of, which is drawn even if the mark is switched off."""
    return [part.rectangle, *(part.connectors or [])] if hasattr(part, "connectors") else []


def _signs(remarks: list[Any]) -> list[Any]:
    """Return arrows, and texts of the same one or two signs, if there are so many that they can be a curve."""
    kinds = {id(part): _sign(part) for part in remarks}
    often = {kind for kind, number in Counter(kinds.values()).items() if kind and number > _MANY}
    return [part for part in remarks if kinds[id(part)] in often]


def _sign(remark: Any) -> str:
    from matplotlib.patches import Patch

    text = remark.get_text().strip() if hasattr(remark, "get_text") else ""
    if isinstance(remark, Patch) or (not text and getattr(remark, "arrow_patch", None)):
        return "arrow"
    return text if len(text) < 3 else ""


def _shades(part: Any, axes: Any) -> bool:
    """Whether something colours a region, as `axvspan` and images do."""
    from matplotlib.collections import QuadMesh
    from matplotlib.image import AxesImage
    from matplotlib.patches import Rectangle

    across = isinstance(part, Rectangle) and not all(part.get_transform().contains_branch_seperately(axes.transData))
    return isinstance(part, (QuadMesh, AxesImage)) or (across and part is not axes.patch)
