"""The ink of a figure: it is drawn with few pixels, with a part and without it; the part is what is missing."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Pixels = NDArray[np.int16]
Mask = NDArray[np.bool_]

DPI = 72
"""A pixel is a point, unless the figure would have more pixels than `_MOST`."""
_MOST = 2e6
_CONTRAST = 0.055 * 255
"""Difference of red, green or blue from which on something can be told from what it is drawn on."""
_RATIO, _HUE = 1.2, 0.2 * 255
"""What is seen beside its ground has this contrast, as WCAG measures it, or another red, green or blue."""
_LIGHT = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255])
_SHARES = np.array([0.2126, 0.7152, 0.0722])
"""Lightness of red, green and blue, and what each of them adds to that of a colour."""
_STROKE = 3
"""Changes of colour that are no more pixels apart are one stroke or mark, and it is where its middle is."""


def figure_of(ax: Axes) -> Any:
    """Return the outermost figure of `ax`; None if it has been removed from its figure."""
    figure: Any = ax.figure
    while figure is not None and figure.figure not in (None, figure):
        figure = figure.figure
    return figure


@contextmanager
def few_pixels(figure: Any) -> Iterator[None]:
    """Let `figure` be drawn with few pixels and in silence; afterwards it is as before."""
    dpi, engine, (width, height) = figure.dpi, figure.get_layout_engine(), figure.get_size_inches()
    try:
        with warnings.catch_warnings(action="ignore"):
            figure.dpi = min(DPI, (_MOST / (width * height)) ** 0.5)
            yield
    finally:
        figure.dpi = dpi
        figure.set_layout_engine(engine if engine is not None else "none")


@contextmanager
def without(artists: Iterable[Any]) -> Iterator[None]:
    """Switch artists off, those that are on."""
    visible = [artist for artist in artists if artist.get_visible()]
    try:
        for artist in visible:
            artist.set_visible(False)
        yield
    finally:
        for artist in visible:
            artist.set_visible(True)


@contextmanager
def plain(lines: list[Any], bars: list[Any]) -> Iterator[None]:
    """Let lines be drawn by their strokes alone, and bars as thin as they are, not moved to whole pixels."""
    marked = [line for line in lines if hasattr(line, "get_markersize")]
    sizes, snaps = [line.get_markersize() for line in marked], [bar.get_snap() for bar in bars]
    try:
        for line in marked:
            line.set_markersize(0)
        for bar in bars:
            bar.set_snap(False)
        yield
    finally:
        for line, size in zip(marked, sizes, strict=True):
            line.set_markersize(size)
        for bar, snap in zip(bars, snaps, strict=True):
            bar.set_snap(snap)


@contextmanager
def without_hatches(artists: Iterable[Any]) -> Iterator[None]:
    """Let areas be drawn without their hatches: these fill, and are no curves."""
    hatched = [(part, part.get_hatch()) for part in artists if getattr(part, "get_hatch", None) and part.get_hatch()]
    try:
        for part, _ in hatched:
            part.set_hatch(None)
        yield
    finally:
        for part, hatch in hatched:
            part.set_hatch(hatch)


@contextmanager
def without_ticks(every: list[Any]) -> Iterator[None]:
    """Let axes be drawn without ticks and their numbers, which take most of the time."""
    from matplotlib.ticker import NullLocator

    for axes in every:
        axes.viewLim  # noqa: B018  # the limits are set by now: a locator may widen them
    tickers = [ticker for axes in every for axis in (axes.xaxis, axes.yaxis) for ticker in (axis.major, axis.minor)]
    locators = [ticker.locator for ticker in tickers]
    try:
        for ticker in tickers:
            ticker.locator = NullLocator()
        yield
    finally:
        for ticker, locator in zip(tickers, locators, strict=True):
            ticker.locator = locator


def renderer(width: int, height: int, dpi: float) -> Any:
    """Return what draws on so many pixels, whichever backend the figure is of."""
    from matplotlib.backends.backend_agg import RendererAgg

    kind: Any = RendererAgg
    made = kind(width, height, dpi)
    made.mathtext_parser = _formulas(kind)
    return made


@cache
def _formulas(kind: Any) -> Any:
    """What reads formulas, for all drawings: each has one of its own otherwise, and reads the same ones again."""
    return kind(1, 1, DPI).mathtext_parser


def draw(figure: Any) -> Pixels:
    """Return the pixels of `figure` on white paper, shape (rows, columns, 3), the lowest row first."""
    width, height = figure.bbox.size
    paper = renderer(max(int(width), 1), max(int(height), 1), figure.dpi)
    figure.draw(paper)
    rgba = np.asarray(paper.buffer_rgba())[::-1]
    colors, opacity = rgba[..., :3].astype(np.int16), rgba[..., 3:].astype(np.uint16)
    if opacity.min() == 255:
        return colors
    blended = (colors.astype(np.uint16) * opacity + 255 * (255 - opacity)) // 255  # 255² is less than 2¹⁶
    return blended.astype(np.int16)


def apart(first: Pixels, second: Pixels) -> Mask:
    """Return where two drawings of one figure can be told from each other."""
    return differs(first, second, _CONTRAST)


def told_apart(first: Pixels, second: Pixels) -> Mask:
    """Return where two drawings differ so much in lightness, or in colour, that an area or a stroke is seen."""
    found = apart(first, second)
    light = _LIGHT[np.stack([first[found], second[found]])] @ _SHARES + 0.05
    near = light.max(axis=0) < _RATIO * light.min(axis=0)
    near &= (np.abs(first[found] - second[found]) <= _HUE).all(axis=-1)
    found[found] = ~near
    return found


def differs(first: Pixels, second: Pixels, most: float) -> Mask:
    """Return where red, green or blue differ by more than `most`."""
    red, green, blue = np.moveaxis(np.abs(first - second) > most, -1, 0)  # a `max` over three takes ten times as long
    return np.asarray(red | green | blue)


def spread(ink: Mask, pixels: int) -> Mask:
    """Return where there is ink within so many pixels, at each side."""
    for axis in (0, 1):
        old = np.moveaxis(ink, axis, 0)
        new = old.copy()
        for k in range(1, pixels + 1):
            new[k:] |= old[:-k]
            new[:-k] |= old[k:]
        ink = np.moveaxis(new, 0, axis)
    return ink


def place(box: Any, within: Any) -> tuple[slice, slice] | None:
    """Return the rows and columns of a box within another one, at least one of each; None if there are none."""
    from matplotlib.transforms import Bbox

    common = Bbox.intersection(box, within)
    if common is None or not np.isfinite(common.extents).all():
        return None
    x0, y0, x1, y1 = (round(v) for v in common.extents)
    return slice(max(y0, 0), max(y1, y0 + 1)), slice(max(x0, 0), max(x1, x0 + 1))


def edges(pixels: Pixels, ax: Axes) -> FloatArray:
    """Return where strokes and edges of areas are in each column of `ax`, in data coordinates, shape ``(k, 2)``."""
    box = place(ax.bbox, figure_of(ax).bbox)
    if box is None:
        return np.empty((0, 2))
    inner = pixels[box][1:-1, 1:-1]
    columns, rows = np.nonzero((np.abs(np.diff(inner, axis=0)).max(axis=-1, initial=0) > _CONTRAST).T)
    if not len(rows):
        return np.empty((0, 2))
    new = (np.diff(columns) > 0) | (np.diff(rows) > _STROKE)
    first, last = np.append([True], new), np.append(new, [True])
    middles = 0.5 * (rows[first] + rows[last])
    few = slice(None, None, len(middles) // 4000 + 1)
    at = np.column_stack([columns[first] + box[1].start + 1.5, middles + box[0].start + 2.0])[few]
    return np.asarray(ax.transData.inverted().transform(at), dtype=np.float64)
