"""What keeps a reader from reading a figure rightly, each with the rule that it breaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.checks import ink
from sheaflab.checks.ticks import labelled, misread
from sheaflab.checks.ways import NOTHING, is_straight, way

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PART = 0.125
"""Curves and bars fill at least this part of the width and of the height of their axes."""
_EDGE = 8.0
"""The most, in points, that an edge of a bar may be wide."""
_THICK = 12.0
"""The most, in points, that a curve may be wide."""
_MARKER, _GRID = 20.0, 5.0
"""The most, in points, that a line's markers may be high, and a grid's lines wide."""
_ABOVE = 20.0
"""A text that ends so many pixels above a bar at most stands at it."""
_OPAQUE, _UNDER = 0.5, 0.25
"""What is more opaque than this hides the names that it lies on, if it is more than this part of them."""
_RATIO = re.compile(r"/\s*[ve]\b|relative|normali[sz]ed|ratio|%|per ?cent|share|fraction", re.IGNORECASE)
_SHARE = re.compile(r"%|per ?cent|pct|share|fraction|relative|probab|proportion", re.IGNORECASE)


def legible(figure: Any, tell: Callable[..., NoReturn]) -> None:
    """Tell the first thing that keeps a reader from reading a figure rightly."""
    if figure.faults:
        found, _, rule = figure.faults[0].rpartition(": ")
        tell(returned=found, expected=rule, hint="look at the figure as who has nothing but it")


def numbers(figure: Any, tell: Callable[..., NoReturn]) -> None:
    """Tell of a tick that does not show its own number."""
    if figure.misread:
        hint = "no other unit, no rounding, no words but the axis's own: leave the numbers at the axes to matplotlib"
        tell(returned=f"an axis with {figure.misread[0]}", expected="at each tick its own number", hint=hint)


def faults(ax: Axes, twins: list[Any], lines: list[Any], bars: list[Any], names: list[Any]) -> list[str]:
    """Return what is amiss, each as ``what there is: what the rule is``.

    Parameters
    ----------
    ax : Axes
    twins : list of Axes
        Others in the very place of these.
    lines, bars : list of Artist
        Those that are seen.
    names : list of Text
        Of axes and of legends.
    """
    found = [*_turned(ax), *_empty(ax, lines, bars), *_grid(ax), *_feet(ax, bars), *_sides(ax, twins, bars)]
    return [*found, *_numbers_at(ax, bars), *_under_frames(ax, names)]


def _turned(ax: Axes) -> Iterable[str]:
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        if axis.get_inverted():
            yield f"an inverted {name} axis: x grows to the right, y upward"


def _empty(ax: Axes, lines: list[Any], bars: list[Any]) -> Iterable[str]:
    """Curves or bars that are squeezed into a small part of their axes."""
    places = [np.empty((0, 2))]
    for line in lines:
        if not hasattr(line, "get_xydata"):
            places.append(way(line))
        elif not is_straight(line):
            places.append(line.get_transform().transform(np.asarray(line.get_xydata(), dtype=np.float64)))
            if (wide := _width(line)) > _THICK:
                yield f"a line {wide:g} points wide: lines so thin that values can be read"
            if line.get_marker() not in NOTHING and (size := float(line.get_markersize())) > _MARKER:
                yield f"markers of {size:g} points: markers so small that values can be read"
    places += [bar.get_window_extent().get_points() for bar in bars]
    at = ax.transAxes.inverted().transform(np.concatenate(places))
    at = np.clip(at[np.isfinite(at).all(axis=1)], 0.0, 1.0)
    if not len(at):
        return
    width, height = np.ptp(at, axis=0)
    one = len(bars) == 1
    for part, name, of in ((width, "x", "width"), (height, "y", "height")):
        if part < _PART and not (one and name == "x"):
            yield f"what is drawn fills {100 * part:.1f} % of the {of}: limits at {name} that fit what is drawn"


def _width(line: Any) -> float:
    """How wide a line is, with what is drawn around it."""
    around = [getattr(effect, "_gc", {}).get("linewidth", 0.0) for effect in line.get_path_effects() or []]
    return float(max([line.get_linewidth(), *around]))


def _grid(ax: Axes) -> Iterable[str]:
    """Lines of the grid that are so wide that they cover something."""
    for axis in (ax.xaxis, ax.yaxis):
        for tick in (*axis.get_major_ticks(1), *axis.get_minor_ticks(1)):
            if tick.gridline.get_visible() and (wide := float(tick.gridline.get_linewidth())) > _GRID:
                yield f"a grid of lines {wide:g} points wide: thin lines, under what is drawn"


def _feet(ax: Axes, bars: list[Any]) -> Iterable[str]:
    """Bars whose feet are cut off, or whose edges hide where they end."""
    from matplotlib.colors import to_rgba

    low = min(ax.get_ylim())
    if bars and ax.get_yscale() != "log" and low > 0:
        yield f"a y axis that begins at {low:.4g}: bars stand on 0, and the axis shows their feet"
    parts = [getattr(bar, "outline", bar) for bar in bars]
    edged = [bar for bar in parts if to_rgba(bar.get_edgecolor())[3] and bar.get_linestyle() != "None"]
    wide = max((bar.get_linewidth() for bar in edged), default=0.0)
    if wide > _EDGE:
        yield f"bars with edges of {wide:g} points: edges so thin that each bar's height can be read"


def _sides(ax: Axes, twins: list[Any], bars: list[Any]) -> Iterable[str]:
    """Second axes whose numbers are not those of the first, and that do not say what else they are."""
    from matplotlib.axes._secondary_axes import SecondaryAxis

    total = sum(bar.get_height() for bar in bars)
    seconds = [part for part in ax.child_axes if isinstance(part, SecondaryAxis) and part.get_visible()]
    for other in (*twins, *seconds):
        for own, axis in ((ax.xaxis, other.xaxis), (ax.yaxis, other.yaxis)):
            if (other in seconds and (axis is other.xaxis) != (other._orientation == "x")) or not labelled(axis):
                continue
            name, first = (" ".join(str(a.label.get_text()).split()) for a in (axis, own))
            yield from (f"a second axis with {text}: at each tick its own number" for text in misread(axis))
            here, there = _ends(own, ax), _ends(axis, other)
            alike = own.get_scale() == (axis.get_scale().removeprefix("function") or "linear")  # of a secondary axis
            if np.allclose(here, there, rtol=1e-6) and alike:
                if _RATIO.search(name) and not _RATIO.search(first):
                    yield f"a second axis called {name!r} with the numbers of the first: the numbers of its name"
                continue
            if not name or name.lower() == first.lower():
                ends = f"from {there[0]:.4g} to {there[1]:.4g}, called {name!r}"
                yield f"a second axis {ends}: the numbers of the first axis, or a name of its own"
            elif total and axis is other.yaxis and _SHARE.search(name):
                right = any(np.allclose(there, here * whole / total, rtol=1e-3) for whole in (1.0, 100.0))
                ends = f"called {name!r}, on which {total:g} runs are not 100 %"
                yield from () if right else (f"a second axis {ends}: shares of all runs",)


def _ends(axis: Any, axes: Any) -> FloatArray:
    return np.asarray(sorted(axes.get_xlim() if axis.axis_name == "x" else axes.get_ylim()))


def _numbers_at(ax: Axes, bars: list[Any]) -> Iterable[str]:
    """Texts that stand at a bar and are a number, but neither its height, nor the number that it is for."""
    total, paper = sum(bar.get_height() for bar in bars), ink.renderer(1, 1, ink.figure_of(ax).dpi)
    boxes = [(bar, bar.get_window_extent()) for bar in bars] if ax.texts else []
    for text in ax.texts if bars else []:
        said = " ".join(text.get_text().replace("$", "").replace("\\", "").split())
        read = re.findall(r"(\d+(?:\.\d*)?) ?(%)?", said)
        if not text.get_visible() or not read or re.sub(r"\d+(\.\d*)?|[\s%()=:,;·×]|runs?|\b[nx]\b", "", said):
            continue
        place = text.get_window_extent(paper)
        middle = 0.5 * (place.x0 + place.x1)
        for bar, box in boxes:
            if box.x0 <= middle <= box.x1 and box.y0 <= place.y1 and place.y0 <= box.y1 + _ABOVE:
                height, center = bar.get_height(), bar.get_x() + 0.5 * bar.get_width()
                above = place.y0 >= box.y1 - 1.0  # there it is the height; within the bar it may be its place
                known = {"%": ([100 * height / total], 0.51), "": ([height] if above else [height, center], 0.05)}
                if any(min(abs(float(v) - w) for w in known[kind][0]) > known[kind][1] for v, kind in read):
                    yield f"{said!r} at the bar of height {height:g} on {center:g}: at a bar its own number of runs"


def _under_frames(ax: Axes, names: list[Any]) -> Iterable[str]:
    """Names that an opaque legend lies on."""
    from matplotlib.legend import Legend
    from matplotlib.transforms import Bbox

    figure = ink.figure_of(ax)
    parts = (*ax.get_children(), *figure.legends)
    legends = [part for part in parts if isinstance(part, Legend) and part.get_visible()]
    paper = ink.renderer(1, 1, figure.dpi)
    for k, legend in enumerate(legends):
        frame = legend.get_frame()
        color: Any = frame.get_facecolor()
        if not legend.get_frame_on() or color[3] <= _OPAQUE:
            continue
        own, over = {id(text) for later in legends[k:] for text in later.get_texts()}, frame.get_window_extent(paper)
        for name in names:
            if id(name) in own:
                continue
            box = name.get_window_extent(paper)
            common = Bbox.intersection(box, over)
            if common is not None and common.width * common.height > _UNDER * box.width * box.height:
                yield f"a legend that lies on {str(name.get_text())!r}: nothing lies on a name"
