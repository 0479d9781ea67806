"""Read a figure as data: lines, bars, points, scales and labels, never pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sheaflab.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Line:
    """A line in data coordinates; `x` and `y` have shape ``(k,)``."""

    x: FloatArray
    y: FloatArray
    label: str


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram or a bar chart: its lower left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> float:
        """Middle of the bar on the x axis."""
        return self.x + 0.5 * self.width


@dataclass(frozen=True)
class Points:
    """Points of a scatter plot, or vertices of a filled area or of line segments; `kind` is matplotlib's class."""

    kind: str
    x: FloatArray
    y: FloatArray


@dataclass(frozen=True)
class FigureData:
    """The content of an `Axes`."""

    lines: list[Line]
    bars: list[Bar]
    collections: list[Points]
    xscale: str
    yscale: str
    xlabel: str
    ylabel: str
    title: str
    legend: list[str]
    xlim: list[float]
    ylim: list[float]

    def has_line(self, x: FloatArray, y: FloatArray, rtol: float = 1e-9) -> bool:
        """Tell whether one of the lines goes through the given points, to `rtol`."""
        return any(
            line.x.shape == x.shape
            and np.allclose(line.x, x, rtol=rtol, atol=0)
            and np.allclose(line.y, y, rtol=rtol, atol=0)
            for line in self.lines
        )


def blank() -> Axes:
    """Return a fresh `Axes` that no window shows."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def read(ax: Axes) -> FigureData:
    """Return the content of `ax`."""
    from matplotlib.patches import Rectangle

    bars: list[Bar] = []
    collections: list[Points] = []
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            bars.append(Bar(*map(float, (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()))))
        else:
            collections.append(_points(patch, patch.get_path().vertices))
    for item in ax.collections:
        places = _floats(item.get_offsets())
        if not len(places) or (len(places) == 1 and item.get_paths() and type(item).__name__ != "PathCollection"):
            places = np.concatenate([np.empty((0, 2)), *(_floats(path.vertices) for path in item.get_paths())])
        collections.append(_points(item, places))
    legend = ax.get_legend()
    return FigureData(
        lines=[Line(_floats(line.get_xdata()), _floats(line.get_ydata()), str(line.get_label())) for line in ax.lines],
        bars=bars,
        collections=collections,
        xscale=ax.get_xscale(),
        yscale=ax.get_yscale(),
        xlabel=ax.get_xlabel().strip(),
        ylabel=ax.get_ylabel().strip(),
        title=ax.get_title().strip(),
        legend=[text.get_text() for text in legend.get_texts()] if legend is not None else [],
        xlim=[float(v) for v in ax.get_xlim()],
        ylim=[float(v) for v in ax.get_ylim()],
    )


def _points(shape: object, places: object) -> Points:
    xy = _floats(places)
    return Points(type(shape).__name__, xy[:, 0], xy[:, 1])


def _floats(values: object) -> FloatArray:
    """Numbers as drawn; what is masked is not drawn and becomes NaN."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan), dtype=np.float64)
