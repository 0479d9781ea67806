"""Read a figure as data: lines, bars, points, scales and names as a reader sees them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.checks.looks import alike, entries, look_of
from sheaflab.checks.sight import Sight, beside, look, switched_on
from sheaflab.checks.steps import steps
from sheaflab.checks.ticks import misread, unread

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
    stepped : bool
        Whether its points are joined by steps.
    """

    x: FloatArray
    y: FloatArray
    label: str
    shown: bool
    entry: str
    stepped: bool = False


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
    """Places in data coordinates, each of shape ``(k,)``."""

    x: FloatArray
    y: FloatArray


@dataclass(frozen=True)
class FigureData:
    """The content of an `Axes`.

    `lines` are its lines, and what is as good as one: segments that follow each other, steps, outlines. `further` are
    the lines of other axes in its place, twins and insets; `more_bars` the bars of twins. `rest` are the edges of all
    other ink that there is, of points, areas, thick segments, and `spots` the places that this is drawn by; `marks` are
    the edges of texts and arrows, if there are many. A name that cannot be read is empty. `misread` are numbers at
    ticks that are not those of their places, `faults` what else keeps a reader from reading the figure rightly, each as
    ``what there is: what the rule is``; `texts` are the title and the texts within the axes.
    """

    lines: list[Line]
    further: list[Line]
    bars: list[Bar]
    more_bars: list[Bar]
    rest: Points
    spots: Points
    marks: Points
    xscale: str
    yscale: str
    xlabel: str
    ylabel: str
    title: str
    legend: list[str]
    misread: list[str]
    faults: list[str]
    texts: list[str]
    xlim: list[float]
    ylim: list[float]


_LONGEST = 300
"""So many signs of a text are enough to know what it says."""


def blank() -> Axes:
    """Return a fresh `Axes` that no window shows."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def read(ax: Axes, seen: bool = True) -> FigureData:
    """Return the content of `ax`.

    Parameters
    ----------
    ax : Axes
    seen : bool
        Whether to draw the figure, several times, to tell what of it can be seen. Otherwise, and if it cannot be drawn
        here, all is taken for seen that is not switched off, and what is neither line nor bar is not looked for.
    """
    with warnings.catch_warnings(action="ignore"):
        return _read(ax, seen)


def _read(ax: Axes, seen: bool) -> FigureData:
    others = [(other, _bars(other)) for other in _attempt(lambda: beside(ax)) or []]
    lines, bars = list(ax.lines), _bars(ax)
    curves = _curves(ax)
    more_lines = [line for other, _ in others for line in other.lines]
    more_bars = [bar for _, own in others for bar in own]
    twins = [(other, own) for other, own in others if np.allclose(other.bbox.bounds, ax.bbox.bounds)]
    moved = {id(part) for other, own in twins for part in (*other.lines, *own)}
    every = [ax, *(other for other, _ in others)]
    texts = [(legend, text) for legend in _legends(every) for text in legend.get_texts()]
    names = [axis.label for axis in (ax.xaxis, ax.yaxis) if ax.axison and axis.get_visible()]
    names += [text for _, text in texts]
    strokes = [*lines, *more_lines, *(curve for curve, _ in curves)]
    drawn = _attempt(lambda: look(ax, strokes, [*bars, *more_bars], names)) if seen else None
    sight = switched_on([*strokes, *bars, *more_bars, *names]) if drawn is None else drawn

    def name(text: Any) -> str:
        return str(text.get_text()).strip() if id(text) in sight.seen else ""

    legend = [name(text) for _, text in texts]
    handles = [handle for legend in dict.fromkeys(legend for legend, _ in texts) for handle in legend.legend_handles]
    called = entries(ax, handles, legend)
    same = alike(handles, legend)
    return FigureData(
        lines=[
            *_whole([(_line(line, entry, sight), look_of(line)) for line, entry in zip(lines, called, strict=True)]),
            *(Line(x, y, str(item.get_label()), id(item) in sight.seen, "") for item, (x, y) in curves),
        ],
        further=[_line(line, "", sight, ax if id(line) in moved else None) for line in more_lines],
        bars=[_bar(bar, sight) for bar in bars],
        more_bars=[_bar(bar, sight, ax) for bar in more_bars if id(bar) in moved],
        rest=Points(*sight.rest.T.copy()),
        spots=Points(*sight.spots.T.copy()),
        marks=Points(*sight.marks.T.copy()),
        xscale=_scale(ax.xaxis),
        yscale=_scale(ax.yaxis),
        xlabel=name(ax.xaxis.label),
        ylabel=name(ax.yaxis.label),
        title=ax.get_title().strip(),
        legend=legend,
        misread=[found for axis in (ax.xaxis, ax.yaxis) for found in _attempt(partial(_numbers, axis)) or []],
        faults=sight.faults + [f"a legend in which {same} look alike: lines that can be told apart"] * bool(same),
        texts=[text.get_text().strip()[:_LONGEST] for text in (ax.title, *ax.texts) if text.get_visible()],
        xlim=[float(v) for v in ax.get_xlim()],
        ylim=[float(v) for v in ax.get_ylim()],
    )


def _numbers(axis: Any) -> list[str]:
    return [*unread(axis), *misread(axis)]


def _attempt(what: Callable[[], Any]) -> Any:
    """Do what a figure may not admit: it draws with what the student gave it, and with what this machine has."""
    try:
        return what()
    except Exception:  # of a formatter, a font, LaTeX, a size …; the figure is then judged by its data
        return None


def _legends(every: list[Axes]) -> list[Any]:
    """Return the legends of some axes and of their figures."""
    from matplotlib.legend import Legend

    found = [part for axes in every for part in axes.get_children() if isinstance(part, Legend)]
    figure: Any = every[0].figure
    found += [] if figure is None else figure.legends
    return [legend for legend in found if legend.get_visible()]


def _whole(lines: list[tuple[Line, tuple[object, ...]]]) -> list[Line]:
    """Join each line to the one before if it looks the same, and begins where that ends: a reader sees one."""
    found = list[tuple[Line, object]]()
    for line, looks in lines:
        last = found[-1][0] if found and found[-1][1] == looks else None
        ends = last is not None and len(last.x) and len(line.x) and (last.x[-1], last.y[-1]) == (line.x[0], line.y[0])
        if last is not None and ends and last.shown and line.shown and not last.stepped and not line.stepped:
            x, y = np.concatenate([last.x, line.x[1:]]), np.concatenate([last.y, line.y[1:]])
            found[-1] = (Line(x, y, last.label, True, last.entry), looks)
        else:
            found.append((line, looks))
    return [line for line, _ in found]


def _line(line: Any, entry: str, sight: Sight, within: Axes | None = None) -> Line:
    """Return a line as data of its axes, or of other axes in their place, as who reads their numbers."""
    from matplotlib.lines import AxLine

    x, y = _floats(line.get_xdata(orig=False)), _floats(line.get_ydata(orig=False))
    if isinstance(line, AxLine):  # from one end of the axes to the other
        axes: Any = line.axes
        x, y = axes.transData.inverted().transform(line.get_transform().transform([[0, 0], [1, 1]])).T.copy()
    elif line.axes is not None and line.get_transform() != line.axes.transData and len(x) == len(y):  # moved
        places = line.get_transform().transform(np.column_stack([x, y]))
        x, y = line.axes.transData.inverted().transform(places).T.copy()
    if within is not None and len(x) == len(y):
        x, y = within.transData.inverted().transform(line.axes.transData.transform(np.column_stack([x, y]))).T.copy()
    stepped = line.get_drawstyle() != "default"
    return Line(x, y, str(line.get_label()), id(line) in sight.seen, entry, stepped)


def _bars(ax: Axes) -> list[Any]:
    """Return the rectangles of `ax` in data coordinates, also those in one outline; those of `axvspan` are not."""
    from matplotlib.patches import Rectangle

    inside = [patch for patch in ax.patches if all(patch.get_transform().contains_branch_seperately(ax.transData))]
    return [box for patch in inside for box in ([patch] if isinstance(patch, Rectangle) else steps(patch))]


def _curves(ax: Axes) -> list[tuple[Any, FloatArray]]:
    """Return what is drawn as a curve without being a line, x and y, but not what is level or upright."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import FancyArrow, PathPatch, Polygon, StepPatch

    found: list[tuple[Any, Any]]
    found = [(item, item.get_paths()) for item in ax.collections if isinstance(item, LineCollection)]
    for patch in ax.patches:
        curve = isinstance(patch, (PathPatch, Polygon, StepPatch)) and not isinstance(patch, FancyArrow)
        if curve and (not patch.get_fill() or np.asarray(patch.get_facecolor())[3] == 0):
            found.append((patch, [patch.get_path()]))
    inside = [(item, paths) for item, paths in found if item.get_transform().contains_branch(ax.transData)]
    curves = [(item, xy.T.copy()) for item, paths in inside for xy in _joined([_floats(p.vertices) for p in paths])]
    return [(item, xy) for item, xy in curves if np.ptp(xy, axis=1).all()]


def _joined(segments: list[FloatArray]) -> list[FloatArray]:
    """Join each segment to the one before if it begins where that ends."""
    groups: list[list[FloatArray]] = []
    for xy in segments:
        if groups and len(xy) and np.array_equal(xy[0], groups[-1][-1][-1]):
            groups[-1].append(xy[1:] if len(xy) > 1 else xy)
        elif len(xy):
            groups.append([xy])
    return [np.concatenate(group) for group in groups]


def _scale(axis: Any) -> str:
    """The name of an axis's scale; ``log`` for any other that is one."""
    name, (low, high) = str(axis.get_scale()), sorted(axis.get_view_interval())
    if name not in ("linear", "log") and 0 < low < high:
        places = _attempt(lambda: axis.get_transform().transform(np.geomspace(low, high, 9)))
        steps = np.diff(np.zeros(2) if places is None else places)
        return "log" if steps[0] and np.allclose(steps, steps[0]) else name
    return name


def _bar(bar: Any, sight: Sight, within: Axes | None = None) -> Bar:
    x, y, width, height = map(float, (*bar.get_xy(), bar.get_width(), bar.get_height()))
    if within is not None:
        ends = within.transData.inverted().transform(bar.axes.transData.transform([[x, y], [x + width, y + height]]))
        x, y, width, height = map(float, (*ends[0], *(ends[1] - ends[0])))
    return Bar(x + min(width, 0.0), y, abs(width), height, id(bar) in sight.seen)  # the edge may be the right one


def _floats(values: object) -> FloatArray:
    """Numbers as drawn; what is masked is not drawn and becomes NaN."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan), dtype=np.float64)
