"""What colours, stripes and numbers stand for, the same in all figures of a trajectory."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sheaflab.arrays import FloatArray
from sheaflab.modes import Mode, mode_label
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import Switch
from sheaflab.trajectory import Piece, Trajectory

Color = tuple[float, float, float, float]

# Hues of Okabe & Ito's palette, distinguishable with every common colour vision deficiency, lightened or darkened so
# that the first six, and any two that follow each other, differ in grey print, too.
PALETTE = ("#0068A8", "#F2B13C", "#004A36", "#C4659A", "#3A0047", "#4AA9DE", "#A03C00", "#DCE68C")
HATCH = "/////"
_STRIPES = (1.5, (1.5, 1.5))  # the colour first: a short stretch shows it
_LEGEND_ROWS = 8
_LONGEST_LABEL = 16  # a pattern that long is no label; the rows of the bands tell it
_NUMBERED = 12  # more numbers cannot be told apart


def mode_colors(trajectory: Trajectory) -> dict[tuple[Mode, ...], Color]:
    """Return the colour of each mode vector that the trajectory meets, in the order of meeting."""
    met = list(dict.fromkeys(piece.region.modes for piece in trajectory.pieces))
    if len(met) <= len(PALETTE):
        colors = [mpl.colors.to_rgba(name) for name in PALETTE]
    else:  # too many to tell apart by hue: dark to light in the order of meeting
        colors = [tuple(rgba) for rgba in mpl.colormaps["viridis"](np.linspace(0, 0.95, len(met)))]
    return dict(zip(met, colors, strict=False))


def coordinate_label(sheaf: Sheaf, i: int) -> str:
    r"""Return :math:`z^\ell_i` as text of a figure: layers count from 1, neurons in the layer from 0."""
    layer, neuron = sheaf.place(i)
    return rf"$z^{{{layer}}}_{{{neuron}}}$" + (" pinned" if (layer, neuron) in sheaf.pinned else "")


def draw_lines(
    ax: Axes, trajectory: Trajectory, pieces: Sequence[Piece], lines: Sequence[FloatArray], width: float = 2.0
) -> list[Artist]:
    """Draw one line for each piece, in the colour of its mode; where a neuron slides it is wider, with white stripes.

    Returns
    -------
    list of Artist
        All lines as one LineCollection; the stripes as another, if there are any.
    """
    colors = mode_colors(trajectory)
    slides = ["sliding" in piece.region.modes for piece in pieces]
    widths = [1.8 * width if slide else width for slide in slides]
    found = [colors[piece.region.modes] for piece in pieces]
    drawn = LineCollection(list(lines), colors=found, linewidths=widths, capstyle="butt", zorder=3)
    ax.add_collection(drawn)
    artists: list[Artist] = [drawn]
    striped = [line for line, slide in zip(lines, slides, strict=True) if slide]
    if striped:
        stripes = LineCollection(striped, colors="white", linewidths=0.9 * width, linestyles=[_STRIPES], zorder=3)
        stripes.set_capstyle("butt")
        ax.add_collection(stripes)
        artists.append(stripes)
    return artists


def numbered(trajectory: Trajectory) -> dict[int, Switch]:
    """Return the switches by their numbers in the figures, from 1 on; none of a long log, as chattering makes it."""
    if len(trajectory.log) > _NUMBERED:
        return {}
    return dict(enumerate(trajectory.log, start=1))


def pattern_key(trajectory: Trajectory) -> str:
    """Return how a legend's σ are read; where it has none, what the colours are."""
    if trajectory.sheaf.h > _LONGEST_LABEL:
        return "one colour is one pattern, dark to light in the order of meeting"
    return "σ: neurons 0, 1, … from left to right" + ("; ~ slides" if _slides(mode_colors(trajectory)) else "")


def line_handles(trajectory: Trajectory) -> list[Artist]:
    """Return the rows of a legend for lines."""
    colors = mode_colors(trajectory)
    begins = {piece.region.modes: piece.start for piece in reversed(trajectory.pieces)}
    since = {m: [k for k, s in numbered(trajectory).items() if s.time <= begin] for m, begin in begins.items()}
    named = {m: _label(m) + (f" from switch {since[m][-1]} on" if since[m] else "") for m in colors}
    handles = _limited(colors, [Line2D([], [], color=c, lw=3, label=named[m]) for m, c in colors.items()])
    if handles:
        handles.insert(0, Line2D([], [], ls="", label=pattern_key(trajectory)))
    return [*handles, *(stripe_handles(trajectory) if handles else [])]


def stripe_handles(trajectory: Trajectory) -> list[Artist]:
    """Return the row of a legend for the stripes of lines, if there are any."""
    look = Line2D([], [], color="0.45", lw=3.6, ls=(0, (0.8, 0.8)), label="striped: a neuron slides")
    return [look] if _slides(mode_colors(trajectory)) else []


def band_handles(trajectory: Trajectory) -> list[Artist]:
    """Return the rows of a legend for bands."""
    colors = mode_colors(trajectory)
    handles = _limited(colors, [Patch(facecolor=c, label=_label(m)) for m, c in colors.items()])
    if _slides(colors):
        handles.append(Patch(facecolor="0.45", edgecolor="white", hatch=HATCH, label="hatched: slides"))
    return [*handles, Patch(facecolor="white", edgecolor="0.6", label="empty: inactive")]


def _slides(colors: dict[tuple[Mode, ...], Color]) -> bool:
    return any("sliding" in modes for modes in colors)


def _label(modes: tuple[Mode, ...]) -> str:
    return f"σ = {mode_label(modes)}"


def _limited(colors: dict[tuple[Mode, ...], Color], handles: list[Artist]) -> list[Artist]:
    if len(next(iter(colors))) > _LONGEST_LABEL:
        return []
    if len(handles) > _LEGEND_ROWS:
        more = f"… and {len(handles) - _LEGEND_ROWS} more"
        return [*handles[:_LEGEND_ROWS], Line2D([], [], ls="", label=more)]
    return handles


def grouped(numbers: dict[int, float], gap: float) -> list[list[int]]:
    """Group numbers in order whose times are no more than `gap` apart: their labels would meet."""
    groups: list[list[int]] = []
    for number, time in numbers.items():
        if groups and time - numbers[groups[-1][-1]] <= gap:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups
