"""Read a figure as data: lines, bars, scales and labels, never pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sheaflab.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram or a bar chart."""

    left: float
    width: float
    height: float

    @property
    def centre(self) -> float:
        """Middle of the bar on the x axis."""
        return self.left + 0.5 * self.width


@dataclass(frozen=True)
class FigureData:
    """The content of an `Axes`."""

    lines: tuple[tuple[FloatArray, FloatArray], ...]
    bars: tuple[Bar, ...]
    xscale: str
    yscale: str
    xlabel: str
    ylabel: str
    legend: tuple[str, ...]

    def has_line(self, x: FloatArray, y: FloatArray, rtol: float = 1e-9) -> bool:
        """Tell whether one of the lines goes through the given points, to `rtol`."""
        return any(
            px.shape == x.shape and np.allclose(px, x, rtol=rtol, atol=0) and np.allclose(py, y, rtol=rtol, atol=0)
            for px, py in self.lines
        )


def blank() -> Axes:
    """Return a fresh `Axes` that no window shows."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def read(ax: Axes) -> FigureData:
    """Return the content of `ax`."""
    from matplotlib.patches import Rectangle

    legend = ax.get_legend()
    return FigureData(
        lines=tuple(
            (np.asarray(line.get_xdata(), dtype=np.float64), np.asarray(line.get_ydata(), dtype=np.float64))
            for line in ax.lines
        ),
        bars=tuple(
            Bar(float(p.get_x()), float(p.get_width()), float(p.get_height()))
            for p in ax.patches
            if isinstance(p, Rectangle)
        ),
        xscale=ax.get_xscale(),
        yscale=ax.get_yscale(),
        xlabel=ax.get_xlabel().strip(),
        ylabel=ax.get_ylabel().strip(),
        legend=tuple(text.get_text() for text in legend.get_texts()) if legend is not None else (),
    )
