"""Read a figure as data: lines, bars, points, scales and names as a reader sees them, never pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sheaflab.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Line:
    """A line in data coordinates.

    Attributes
    ----------
    x, y : numpy.ndarray
        Shape ``(k,)``.
    label : str
    shown : bool
        Whether it can be seen as a line.
    entry : str
        The name that the legend gives to lines of its look; empty if it gives none.
    """

    x: FloatArray
    y: FloatArray
    label: str
    shown: bool
    entry: str


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram or a bar chart: its lower left corner and its size; `shown` if it can be seen."""

    x: float
    y: float
    width: float
    height: float
    shown: bool


@dataclass(frozen=True)
class Points:
    """Points of a scatter plot, lone markers, or vertices of an area or of segments; `kind` is matplotlib's class."""

    kind: str
    x: FloatArray
    y: FloatArray


@dataclass(frozen=True)
class FigureData:
    """The content of an `Axes`.

    `further` are curves that are no lines of it: line segments, steps, outlines, lines of a second axes in its place;
    `more_bars` are the bars of such axes. A name that cannot be seen is empty.
    """

    lines: list[Line]
    further: list[Line]
    bars: list[Bar]
    more_bars: list[Bar]
    collections: list[Points]
    xscale: str
    yscale: str
    xlabel: str
    ylabel: str
    title: str
    legend: list[str]
    xlim: list[float]
    ylim: list[float]


def blank() -> Axes:
    """Return a fresh `Axes` that no window shows."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def read(ax: Axes) -> FigureData:
    """Return the content of `ax`."""
    areas = [patch for patch in ax.patches if not _measures(patch, ax)]
    collections = [_points(p, p.get_patch_transform().transform(p.get_path().vertices)) for p in areas]
    marked = [line for line in ax.lines if str(line.get_marker()) not in _NONE and not is_shown(line, ax)]
    collections += [_points(line, line.get_xydata()) for line in marked if _is_on(line)]
    for item in filter(_is_on, ax.collections):
        places = _floats(item.get_offsets())
        if not len(places) or (len(places) == 1 and item.get_paths() and type(item).__name__ != "PathCollection"):
            places = np.concatenate([np.empty((0, 2)), *(_floats(path.vertices) for path in item.get_paths())])
        collections.append(_points(item, places))
    legend = ax.get_legend()
    texts = legend.get_texts() if legend is not None and legend.get_visible() else []
    return FigureData(
        lines=[_line(line, entry, ax) for line, entry in zip(ax.lines, names_of_lines(ax), strict=True)],
        further=_further(ax),
        bars=_bars(ax),
        more_bars=[bar for other in _same_place(ax) for bar in _bars(other)],
        collections=collections,
        xscale=ax.get_xscale(),
        yscale=ax.get_yscale(),
        xlabel=_name(ax.xaxis, ax),
        ylabel=_name(ax.yaxis, ax),
        title=ax.get_title().strip(),
        legend=[text.get_text().strip() for text in texts],
        xlim=[float(v) for v in ax.get_xlim()],
        ylim=[float(v) for v in ax.get_ylim()],
    )


def _is_on(artist: Any) -> bool:
    return bool(artist.get_visible()) and artist.get_alpha() != 0  # an array of opacities is not 0


def _name(axis: Any, ax: Axes) -> str:
    """The name of an axis; empty if it is switched off, or as white as the paper."""
    from matplotlib.colors import to_rgb

    paper = None if ax.figure is None else to_rgb(ax.figure.get_facecolor())
    seen = ax.axison and axis.get_visible() and _is_on(axis.label) and to_rgb(axis.label.get_color()) != paper
    return axis.label.get_text().strip() if seen else ""


def _line(line: Any, entry: str, ax: Axes) -> Line:
    x, y = _floats(line.get_xdata()), _floats(line.get_ydata())
    return Line(x, y, str(line.get_label()), is_shown(line, ax), entry)


def _further(ax: Axes) -> list[Line]:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import FancyArrow, PathPatch, Polygon, StepPatch

    found: list[Line] = []
    for item in ax.collections:
        if isinstance(item, LineCollection) and item.get_transform().contains_branch(ax.transData):
            drawn = item.get_visible() and np.any(np.asarray(item.get_linewidth()) > 0)
            seen = bool(drawn and any(_stands_out(color, _ground(ax)) for color in item.get_colors()))
            segments = [_floats(path.vertices) for path in item.get_paths()]
            found += [Line(xy[:, 0], xy[:, 1], str(item.get_label()), seen, "") for xy in segments if len(xy)]
    for patch in ax.patches:
        # `axvspan` and `axhspan` may make polygons, which reach across the axes
        curve = isinstance(patch, (PathPatch, Polygon, StepPatch)) and not isinstance(patch, FancyArrow)
        unfilled = not patch.get_fill() or np.asarray(patch.get_facecolor())[3] == 0
        if curve and unfilled and patch.get_data_transform().contains_branch(ax.transData):
            xy = _floats(patch.get_path().vertices)
            found.append(Line(xy[:, 0], xy[:, 1], str(patch.get_label()), is_shown(patch, ax), ""))
    for other in _same_place(ax):
        found += [_line(line, "", other) for line in other.lines]
    return found


def _same_place(ax: Axes) -> list[Axes]:
    """Return the other axes that are drawn in the place of these."""
    place, others = ax.get_position().bounds, [] if ax.figure is None else ax.figure.axes
    return [o for o in others if o is not ax and o.get_visible() and o.get_position().bounds == place]


def _measures(patch: Any, ax: Axes) -> bool:
    """Tell bars from the rectangles of `axvspan` and `axhspan`, which reach across the axes."""
    from matplotlib.patches import Rectangle

    return isinstance(patch, Rectangle) and bool(patch.get_data_transform().contains_branch(ax.transData))


def _strips(ax: Axes, bars: set[int]) -> list[tuple[tuple[float, int], Any]]:
    """What can hide a bar, by its place in the order of drawing and its box: an opaque area that is none of `bars`."""
    found, _ = [], ax.get_xlim()  # until it is asked, an axes may not know the limits that it has by now
    patches, collections = {*map(id, ax.patches)} - bars, {*map(id, ax.collections)}
    for k, part in enumerate(list[Any](ax.get_children())):
        if not (collection := id(part) in collections) and id(part) not in patches:
            continue
        colors = np.atleast_2d(_floats(part.get_facecolor()))
        if not part.get_visible() or not len(colors) or colors[0, -1] < 1 or not (collection or part.get_fill()):
            continue
        paths, place = part.get_paths() if collection else [part.get_path()], (part.get_zorder(), k)
        found += [(place, path.get_extents(part.get_transform())) for path in paths]
    return found


def _hidden(bar: Any, ax: Axes, strips: list[tuple[tuple[float, int], Any]]) -> bool:
    """Whether one of the strips lies on nine tenths of a bar."""
    place, box = (bar.get_zorder(), ax.get_children().index(bar)), bar.get_window_extent()
    parts = [box.intersection(strip, box) for order, strip in strips if order > place]
    return any(part and part.width * part.height > 0.9 * box.width * box.height for part in parts)


def _bars(ax: Axes) -> list[Bar]:
    bars, ground = list[Any](patch for patch in ax.patches if _measures(patch, ax)), _ground(ax)
    shown = {id(bar) for bar in bars if is_shown(bar, ax, ground)}
    found, strips = list[Bar](), _strips(ax, shown)
    for bar in bars:
        x, y, width, height = map(float, (*bar.get_xy(), bar.get_width(), bar.get_height()))
        seen = id(bar) in shown and not (strips and _hidden(bar, ax, strips))
        found.append(Bar(x, y, width, height, seen))
    return found


def _points(shape: object, places: object) -> Points:
    return Points(type(shape).__name__, *_floats(places).T)


def _floats(values: object) -> FloatArray:
    """Numbers as drawn; what is masked is not drawn and becomes NaN."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan), dtype=np.float64)


def is_shown(artist: Any, ax: Axes, ground: FloatArray | None = None) -> bool:
    """Tell whether a line or a bar can be seen: not switched off, not of the ground's colour, not outside the axes."""
    from matplotlib.colors import to_rgba

    if not artist.get_visible() or artist.get_alpha() == 0:
        return False
    ground = _ground(ax) if ground is None else ground
    if not hasattr(artist, "get_xdata"):  # a bar shows by its area, its edge or its hatch
        colors = [artist.get_facecolor(), *([artist.get_edgecolor()] if artist.get_linewidth() > 0 else [])]
        return bool(artist.get_hatch()) or any(_stands_out(color, ground) for color in colors)
    if artist.get_linestyle() in _NONE or not artist.get_linewidth() > 0:
        return False
    if not _stands_out(to_rgba(artist.get_color(), artist.get_alpha()), ground):
        return False
    ax.get_xlim()  # as for strips
    pixels = artist.get_transform().transform(artist.get_xydata())
    return len(pixels) > 1 and _passes(pixels, ax)


_NONE = ("None", "none", " ", "")  # styles of lines and markers that draw nothing
_LEAST = 0.01  # contrast, of at most 1, from which on a colour can be told from what it is drawn on


def _stands_out(color: Any, ground: FloatArray) -> bool:
    """Whether red, green or blue of a colour, four numbers, can be told from the ground that it is drawn on."""
    rgba = np.asarray(color, dtype=np.float64)
    return bool(rgba[3] * np.abs(rgba[:3] - ground).max() > _LEAST)


def _ground(ax: Axes) -> FloatArray:
    """The colour that axes are drawn on, shape ``(3,)``: their own over that of axes in the same place, on paper."""
    place, figure = ax.get_position().bounds, ax.figure
    below = [] if figure is None else [figure, *(o for o in figure.axes if o.get_position().bounds == place)]
    ground: FloatArray = np.ones(3)
    for patch in (each.patch for each in below or [ax]):
        if patch.get_visible():
            rgba = np.asarray(patch.get_facecolor(), dtype=np.float64)
            ground = rgba[3] * rgba[:3] + (1 - rgba[3]) * ground
    return ground


def _passes(pixels: FloatArray, ax: Axes) -> bool:
    """Whether a part of a line lies within the axes."""
    low, high = np.minimum(pixels[:-1], pixels[1:]), np.maximum(pixels[:-1], pixels[1:])
    box = ax.bbox
    inside = (high[:, 0] >= box.x0) & (low[:, 0] <= box.x1) & (high[:, 1] >= box.y0) & (low[:, 1] <= box.y1)
    return bool(inside.any())


def names_of_lines(ax: Axes) -> list[str]:
    """Return for each line the name that the legend gives to lines of its look; empty if it gives none."""
    legend = ax.get_legend()
    if legend is None or not legend.get_visible():
        return [""] * len(ax.lines)
    named = [
        (_look(handle), text.get_text().strip())
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=False)
        if hasattr(handle, "get_linestyle") and hasattr(handle, "get_marker")
    ]
    return [next((name for look, name in named if look == _look(line)), "") for line in ax.lines]


def _look(line: Any) -> tuple[object, ...]:
    from matplotlib.colors import to_hex

    return to_hex(line.get_color()), str(line.get_linestyle()), str(line.get_marker())


def says(name: str, words: tuple[str, ...]) -> bool:
    """Tell whether a name has one of some words in it, in lower case; of ``"=v"``, whether the whole name is ``V``."""
    text = name.lower()
    whole = "=" + text.replace("$", "").strip()
    return any(word == whole if word.startswith("=") else word in text for word in words)


def swapped(first: str, second: str, of_first: tuple[str, ...], of_second: tuple[str, ...]) -> bool:
    """Tell whether two names stand in each other's place: each has words of the other, and none of its own.

    Parameters
    ----------
    first, second : str
        The names as they are.
    of_first, of_second : tuple of str
        Words that tell what each of them is, as for :func:`says`.
    """
    wrong = says(first, of_second) and says(second, of_first)
    return wrong and not says(first, of_first) and not says(second, of_second)
