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
from sheaflab.checks.legible import faults
from sheaflab.checks.spots import points_on, spots
from sheaflab.checks.steps import drawn
from sheaflab.checks.ticks import TEXT_CONTRAST, TEXT_SIZE
from sheaflab.checks.ways import MANY, NEAR, NOTHING, UNCOVERED, has_ink, helps, is_row, is_straight, under_legends, way

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR_PART, _BAR_HEIGHT = 0.6, 0.01
"""A bar is seen by its rows and columns with ink; one that is lower than this part of the axes is a stroke."""
_LONG = 120
"""The way of a line, in pixels, from which on its own colour shows that it is there."""
_AREA = 12.0
"""A line so thick, in points, is no line to look for others under."""
_FEW = 12
"""So many curves are each drawn by itself; more of them all at once, for time's sake."""


@dataclass
class Sight:
    """What is seen: parts of a figure by their `id`, and further ink in data coordinates, each of shape ``(k, 2)``."""

    seen: set[int] = field(default_factory=set)
    rest: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    spots: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    marks: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    faults: list[str] = field(default_factory=list)


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
    strokes = [part for part in parts if not hasattr(part, "get_linestyle") or part.get_linestyle() not in NOTHING]
    return Sight({id(part) for part in strokes if part.get_visible()})


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
        `rest` are the edges of all ink within `ax` but the lines that are seen, bars, axis, legends, shading, helper
        lines and remarks; `spots` are places that it is drawn by: of points, outlines, ends of segments; `marks` is
        the ink of arrows and of texts of one or two signs, if there are many; `faults` are those of
        :func:`~sheaflab.checks.legible.faults`.
    """
    sight, figure = Sight(), ink.figure_of(ax)
    if figure is None:
        return sight
    every = [ax, *beside(ax)]
    with ink.few_pixels(figure):
        with ink.without_ticks(every):
            whole = ink.draw(figure)
        sight.seen |= {id(text) for text in names if _legible(text, ax, whole)}
        under = under_legends(figure, every, lines, bars)
        figure.set_layout_engine("none")  # nothing is to move from here on
        if every == [ax] and _at_a_glance(ax, lines, bars, whole):
            sight.seen |= {id(part) for part in (*lines, *(bar for bar in bars if bar.get_height()))}
            sight.seen -= under
        else:
            with ink.without(part for axes in every for part in (axes.xaxis, axes.yaxis, *_frame(axes))):
                _judge(sight, figure, lines, bars, ax)
                sight.seen -= under
                _gather(sight, ax, every, lines, bars)
        twins = [other for other in every[1:] if np.allclose(other.bbox.bounds, ax.bbox.bounds)]
        own = [[part for part in parts if id(part) in sight.seen and part.axes is ax] for parts in (lines, bars)]
        sight.faults = faults(ax, twins, own[0], own[1], names)
    return sight


def _at_a_glance(ax: Axes, lines: list[Any], bars: list[Any], whole: Pixels) -> bool:
    """Whether there are lines, or bars, and nothing else, and each is seen by a colour that is its own."""
    masks = own_ink(ax, lines, bars, _frame(ax), whole)
    if lines and masks:
        long = all(len(way(line)) > _LONG for line in lines)  # a legend's sample of it is not taken for the line
        return long and all(has_ink(line, ink.spread(mask, NEAR)) for line, mask in zip(lines, masks, strict=True))
    return bool(masks) and all(_is_full(bar, masks[0]) for bar in bars if bar.get_height())


def _judge(sight: Sight, figure: Any, lines: list[Any], bars: list[Any], ax: Axes) -> None:
    """Tell which lines and bars are seen."""
    points = points_on(lines, ax)  # on a line they are as good as its markers
    with ink.plain(lines, drawn(bars)), ink.without(points):
        base = ink.draw(figure)
        alike: dict[bytes, list[Any]] = {}
        for line in lines:
            alike.setdefault(way(line).tobytes(), []).append(line)
        groups = list(alike.values()) if len(alike) <= _FEW else [lines]
        own = list[tuple[Any, Mask]]()
        for group in groups:  # one of two that lie on each other leaves no gap
            with ink.without(group):
                mask = ink.spread(ink.told_apart(base, ink.draw(figure)), NEAR)
            own += [(line, mask) for line in group]
        found = [line for line, mask in own if has_ink(line, mask)]
        if not all(has_ink(line, mask, UNCOVERED) for line, mask in own):
            with ink.without(line for line in lines if np.max(line.get_linewidth(), initial=0.0) < _AREA):
                every = ink.spread(ink.apart(base, ink.draw(figure)), NEAR)
            found = [line for line, mask in own if line in found and has_ink(line, every | mask, UNCOVERED)]
        if bars:
            with ink.without(drawn(bars)):
                missing = ink.told_apart(base, ink.draw(figure))
            missing = ink.spread(missing, 1)  # an edge may lie a pixel beside its box
            sight.seen |= {id(bar) for bar in bars if _is_full(bar, missing)}
    if points or any(map(_is_marked, found)):  # large markers of the ground's colour hide their line
        with ink.without([*lines, *points]):
            bare = ink.draw(figure)
        strokes = ink.spread(ink.apart(ink.draw(figure), bare), NEAR)
        found = [line for line in found if has_ink(line, strokes)]
    sight.seen |= {id(line) for line in found}


def _gather(sight: Sight, ax: Axes, every: list[Any], lines: list[Any], bars: list[Any]) -> None:
    """Find the ink that is neither line nor bar, and is there to tell something."""
    figure = ink.figure_of(ax)
    parts = [(part, axes) for axes in every for part in axes.get_children()]
    strokes = [line for line in lines if hasattr(line, "get_xydata")]
    rules = [line for line in strokes if is_straight(line)] + [part for part, _ in parts if helps(part)]
    known = [line for line in strokes if id(line) in sight.seen and not is_straight(line)]
    row = rules if is_row(rules, known, ax) else []
    known += [] if row else rules
    helpers = [part for part, axes in parts if _shades(part, axes)]
    marks = [one for part, axes in parts if _remarks(part, axes) for one in (part, *_pieces(part))]
    signs = _signs(marks)
    beneath = [part for part in figure.get_children() if part is not figure.patch and part not in figure.axes]
    others = [part for part, _ in parts if part is not ax.patch] + beneath
    hidden = [*known, *drawn(bars), *helpers, *figure.texts, *figure.legends]
    with ink.without(hidden), ink.without_hatches(part for part, _ in parts):
        shown = {id(part) for part in (*hidden, *marks, *(axes.patch for axes in every))}
        if any(id(part) not in shown and part.get_visible() for part in others):
            with ink.without(marks):
                pixels = ink.draw(figure)
                sight.rest = ink.edges(pixels, ax)
                sight.spots = spots([part for part, _ in parts if id(part) not in shown], row, pixels, ax)
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
    if not text.get_text().strip() or text.get_fontsize() < TEXT_SIZE:
        return False
    box = text.get_window_extent(ink.renderer(1, 1, figure.dpi))
    part = Bbox.intersection(box, paper)
    within = part is not None and part.width * part.height > 0.6 * box.width * box.height
    if within and figure.dpi == ink.DPI:  # with fewer pixels no text is more than a blur
        place = ink.place(box, paper)
        found = pixels[place].reshape(-1, 3) if place else np.empty((0, 3))
        return bool(len(found) and np.ptp(found, axis=0).max() > 255 * TEXT_CONTRAST)
    if not box.overlaps(paper.expanded(2, 2)) or not (ax.get_visible() and text.get_visible()):
        return False
    red, green, blue, opacity = to_rgba(text.get_color(), text.get_alpha())
    ground = np.asarray(to_rgba(figure.get_facecolor())[:3])
    return bool(255 * opacity * np.abs(np.array([red, green, blue]) - ground).max() > 255 * TEXT_CONTRAST)


def _is_full(bar: Any, missing: Mask) -> bool:
    """Whether a bar has ink in its rows and columns, and can be told from a stroke on the axis."""
    box, frame = bar.get_window_extent(), bar.axes.bbox
    place = ink.place(box, frame)
    if place is None or min(box.y1, frame.y1) - max(box.y0, frame.y0) < _BAR_HEIGHT * frame.height:
        return False
    part = missing[place]
    top = part[-max(len(part) // 5, 4) :]  # where its height is read
    read = top.any(axis=1).sum() > 0.5 * len(top)
    return bool(read and min(part.any(axis=0).mean(), part.any(axis=1).mean()) > _BAR_PART)


def _is_marked(line: Any) -> bool:
    return hasattr(line, "get_marker") and line.get_marker() not in NOTHING


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
    often = {kind for kind, number in Counter(kinds.values()).items() if kind and number > MANY}
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
