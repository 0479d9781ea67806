"""Figure (a): the trajectory in the plane of two hidden coordinates."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sheaflab.arrays import FloatArray
from sheaflab.plots.signs import coordinate_label, draw_lines, line_handles, mode_colors, numbered
from sheaflab.switchlog import Switch
from sheaflab.trajectory import Piece, Trajectory

_ARROWS = 10
_BESIDE: dict[str, Any] = {
    "textcoords": "offset points", "ha": "center", "va": "center", "fontsize": "small", "zorder": 7,
}  # fmt: skip
_HEAD: dict[str, Any] = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
_LONG = 0.08  # of the figure's size: a stretch that has an arrow


def switching_plane(trajectory: Trajectory) -> tuple[int, int]:
    """Return the two hidden neurons that switch most, so that most switches lie on a drawn wall.

    Of equals the one that switches first; where fewer than two switch, the first neurons fill up, pinned ones last.

    Raises
    ------
    ValueError
        If the network has one hidden neuron only.
    """
    sheaf = trajectory.sheaf
    if sheaf.h < 2:
        raise ValueError(f"a plane needs two hidden neurons, {sheaf.net} has {sheaf.h}; plot_run needs none")
    counts = Counter(_place(trajectory, switch) for switch in trajectory.log)
    others = sorted(range(sheaf.h), key=lambda i: i in sheaf.held)
    ranked = dict.fromkeys([*(i for i, _ in counts.most_common()), *others])
    first, second = [*ranked][:2]
    return min(first, second), max(first, second)


def plot_projection(ax: Axes, trajectory: Trajectory, coordinates: tuple[int, int] | None = None) -> list[Artist]:
    """Draw the trajectory's projection on two hidden coordinates, coloured by region, with the direction of time.

    A switch of one of the two is a numbered circle on the wall of its neuron. A switch of another neuron, whose wall is
    not in this plane, is a numbered diamond. (A square is a switch without a kink, as in :func:`plot_energy`.)

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    coordinates : pair of int, optional
        Hidden neurons, counted through all hidden layers from 0. By default :func:`switching_plane`.

    Returns
    -------
    list of Artist
        The path (a LineCollection), its start and its equilibrium, with pinned coordinates its end, then the rest.

    Raises
    ------
    ValueError
        If a coordinate is not a hidden neuron.
    """
    sheaf = trajectory.sheaf
    pair = list(switching_plane(trajectory) if coordinates is None else coordinates)
    labels = [coordinate_label(sheaf, i) for i in pair]
    lines = [piece.at(_piece_times(piece))[:, pair] for piece in trajectory.pieces]
    wall: dict[str, Any] = {"color": "0.6", "lw": 1.0, "zorder": 0, "label": "wall: a coordinate is 0"}
    walls = [ax.axvline(0, **wall), ax.axhline(0, **wall)]
    path, *stripes = draw_lines(ax, trajectory, trajectory.pieces, lines)
    (start,) = ax.plot(*trajectory.states[0][pair], "o", color="black", ms=6, label="start", zorder=5)
    where = "end of the run" if sheaf.pinned else "forward pass"
    rest = (trajectory.states[-1] if sheaf.pinned else sheaf.harmonic_extension())[pair]
    (end,) = ax.plot(*rest, "*", color="black", mfc="0.85", ms=17, label=where, zorder=2)  # under the path
    ax.autoscale_view()
    ax.margins(0.08)
    arrows = _arrows(ax, lines)
    marks, handles = _switches(ax, trajectory, pair)
    ax.set(xlabel=labels[0], ylabel=labels[1], title=_title(trajectory))
    ax.legend(handles=[start, end, walls[0], *handles, *line_handles(trajectory)], fontsize="small", framealpha=0.9)
    return [path, start, end, *walls, *stripes, *arrows, *marks]


def _title(trajectory: Trajectory) -> str:
    met = mode_colors(trajectory)
    passed = f"passes {len(met)} activation patterns" if len(met) > 1 else "keeps its activation pattern"
    slides = any("sliding" in modes for modes in met)
    who = "The flow" if trajectory.log.certified else "This run"
    return f"{who} {passed}" + ("; where striped,\nit slides along a wall" if slides else "")


def _switches(ax: Axes, trajectory: Trajectory, pair: list[int]) -> tuple[list[Artist], list[Artist]]:
    """Draw the switches; return them and the legend's rows for them."""
    drawn: list[Artist] = []
    kinds: dict[bool, Line2D] = {}
    for number, switch in numbered(trajectory).items():
        x, y = trajectory.at(switch.time)[pair]
        here = _place(trajectory, switch) in pair
        label = "switch, on its neuron's wall" if here else "switch of another neuron"
        marker = "o" if here else "D"
        (mark,) = ax.plot(x, y, marker, color="black", ms=5, mfc="white", mew=1.2, ls="", label=label, zorder=6)
        kinds.setdefault(here, mark)
        aside = (-13, 5) if number % 2 else (13, 5)  # those of two neighbours do not meet
        drawn += [mark, ax.annotate(str(number), (x, y), aside, **_BESIDE)]
    return drawn, [kinds[here] for here in (True, False) if here in kinds]


def _place(trajectory: Trajectory, switch: Switch) -> int:
    return trajectory.sheaf.index(switch.layer, switch.neuron)


def _arrows(ax: Axes, lines: list[FloatArray]) -> list[Artist]:
    """Draw an arrow in the middle of each stretch that is long enough for one, of the longest at most."""
    size = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    steps = [np.linalg.norm(np.diff(line / size, axis=0), axis=1) for line in lines]
    lengths = [np.concatenate([[0.0], np.cumsum(step)]) for step in steps]
    longest = sorted((length[-1] for length in lengths), reverse=True)[:_ARROWS]
    shown = max(_LONG, longest[-1])
    arrows: list[Artist] = []
    for line, length in zip(lines, lengths, strict=True):
        if length[-1] >= shown:
            x, y = (np.interp([0.48 * length[-1], 0.52 * length[-1]], length, line[:, k]) for k in (0, 1))
            arrows.append(ax.annotate("", xy=(x[1], y[1]), xytext=(x[0], y[0]), arrowprops=_HEAD, zorder=4))
    return arrows


def _piece_times(piece: Piece) -> FloatArray:
    ramp: FloatArray = piece.start + (piece.end - piece.start) * np.linspace(0.0, 1.0, 48) ** 2
    ramp[-1] = piece.end  # not a rounding beyond it
    return ramp
