"""The lab's three figures. Each function draws on the `Axes` it is given and returns the artists it added.

One colour stands for one mode vector (activation pattern, sliding neurons included) in all three figures of a
trajectory, in the order in which the trajectory meets them.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sheaflab.arrays import FloatArray, as_positive
from sheaflab.modes import Mode, mode_label
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import Switch
from sheaflab.trajectory import Piece, Trajectory

Color = tuple[float, float, float, float]

# Okabe & Ito's palette, distinguishable with every common colour vision deficiency.
_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#7F7F7F")
_LEGEND_ROWS = 8
_ENERGY_FLOOR = 1e-20  # of the start's: below, V is the square of rounding errors
_SMOOTH = 1e-9  # of the slope of log V: a jump that small is rounding


def mode_colors(trajectory: Trajectory) -> dict[tuple[Mode, ...], Color]:
    """Return the colour of each mode vector that the trajectory meets, in the order of meeting."""
    met = list(dict.fromkeys(piece.region.modes for piece in trajectory.pieces))
    if len(met) <= len(_PALETTE):
        colors = [mpl.colors.to_rgba(name) for name in _PALETTE]
    else:  # too many to tell apart by hue: dark to light in the order of meeting
        colors = [tuple(rgba) for rgba in mpl.colormaps["viridis"](np.linspace(0, 0.95, len(met)))]
    return dict(zip(met, colors, strict=False))


def coordinate_label(sheaf: Sheaf, i: int) -> str:
    r"""Return :math:`z^\ell_i` as text of a figure: layers count from 1, neurons in the layer from 0."""
    layer, neuron = sheaf.place(i)
    return rf"$z^{{{layer}}}_{{{neuron}}}$"


def sample_times(trajectory: Trajectory, per_piece: int = 48) -> FloatArray:
    """Return times that draw the trajectory well: each piece's ends and, in between, close to its start first."""
    ramp = np.linspace(0.0, 1.0, per_piece) ** 2
    return np.unique(np.concatenate([p.start + (p.end - p.start) * ramp for p in trajectory.pieces]))


def plot_projection(ax: Axes, trajectory: Trajectory, coordinates: tuple[int, int] = (0, 1)) -> list[Artist]:
    """Draw the trajectory's projection on two hidden coordinates, coloured by region.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    coordinates : pair of int
        Hidden neurons, counted through all hidden layers from 0.

    Returns
    -------
    list of Artist
        The path (a LineCollection), its start and its equilibrium.

    Raises
    ------
    ValueError
        If a coordinate is not a hidden neuron.
    """
    sheaf = trajectory.sheaf
    labels = [coordinate_label(sheaf, i) for i in coordinates]
    pair = list(coordinates)
    colors = mode_colors(trajectory)
    paths, path_colors = [], []
    for piece in trajectory.pieces:
        paths.append(piece.at(_piece_times(piece))[:, pair])
        path_colors.append(colors[piece.region.modes])
    path = LineCollection(paths, colors=path_colors, linewidths=2.0, capstyle="round", zorder=2)
    ax.add_collection(path)
    walls = [ax.axvline(0, color="0.75", lw=1, zorder=0), ax.axhline(0, color="0.75", lw=1, zorder=0)]
    (start,) = ax.plot(*trajectory.states[0][pair], "o", color="black", ms=6, label="start", zorder=3)
    rest = sheaf.harmonic_extension()[pair]
    (end,) = ax.plot(*rest, "*", color="black", ms=12, label="forward pass", zorder=3)
    ax.autoscale_view()
    ax.set(xlabel=labels[0], ylabel=labels[1], title="Trajectory, coloured by activation region")
    ax.legend(handles=[start, end, *_mode_handles(colors)], fontsize="small", framealpha=0.9)
    return [path, start, end, *walls]


def plot_energy(
    ax: Axes, trajectory: Trajectory, rate: float | None = None, t_max: float | None = None
) -> list[Artist]:
    r"""Draw the Dirichlet energy on a semi-log axis, its switches, and the envelope of Theorem 9.4.

    A switch at which the slope of log V does not jump, as where a slide ends, has a marker of its own.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    rate : float, optional
        :math:`\lambda^*`; with it the envelope :math:`V(0) e^{-2 \lambda^* t}` is drawn.
    t_max : float, optional
        Last time shown; by default all the run, as far as V is above rounding.

    Returns
    -------
    list of Artist
        The energy (a Line2D), the kinks (markers), the switches without one if there are any and, with `rate`, the
        envelope.
    """
    times = sample_times(trajectory)
    energy = trajectory.energy(times)
    start = max(energy[0], np.finfo(float).tiny)
    above = np.flatnonzero((energy > _ENERGY_FLOOR * start) & (times <= (np.inf if t_max is None else t_max)))
    shown = slice(0, int(above[-1]) + 1 if above.size else 1)
    (line,) = ax.semilogy(times[shown], energy[shown], color=_PALETTE[0], lw=2, label="$V(t)$", zorder=3)
    artists: list[Artist] = [line]
    switches = [s for s in trajectory.log if s.energy > _ENERGY_FLOOR * start and s.time <= times[shown][-1]]
    if trajectory.log.certified:
        smooth = [s for s in switches if abs(s.kink) <= _SMOOTH * abs(s.slope_before)]
        artists.append(_mark(ax, [s for s in switches if s not in smooth], "o", "kink at a switch"))
        if smooth:
            artists.append(_mark(ax, smooth, "s", "switch without a kink"))
    else:
        artists.append(_mark(ax, switches, "o", "sign change"))
    if rate is not None:
        bound = start * np.exp(-2.0 * as_positive("rate", rate) * times[shown])
        label = rf"$V(0)\,e^{{-2\lambda^* t}}$, $\lambda^* = {rate:.3g}$"
        (envelope,) = ax.semilogy(times[shown], bound, "--", color="black", lw=1.5, label=label, zorder=2)
        artists.append(envelope)
    ax.set(xlabel="time $t$", ylabel="Dirichlet energy $V$", title="Energy decay under the envelope of Theorem 9.4")
    ax.margins(x=0)
    ax.grid(True, which="major", color="0.9")
    ax.legend(fontsize="small")
    return artists


def plot_bands(ax: Axes, trajectory: Trajectory, t_max: float | None = None) -> list[Artist]:
    """Draw the time axis banded by the activation pattern, one row per hidden neuron.

    A row is filled while its neuron is active (in the colour of the whole mode vector), hatched while it slides and
    empty while it is inactive.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    t_max : float, optional
        Last time shown; by default a little after the last switch.

    Returns
    -------
    list of Artist
        One collection of bars for each mode vector and kind of row.
    """
    h = trajectory.sheaf.h
    last = trajectory.log[-1].time if len(trajectory.log) else 0.0
    t_max = min(1.25 * last if last else trajectory.t_end, trajectory.t_end) if t_max is None else t_max
    colors = mode_colors(trajectory)
    artists: list[Artist] = []
    for modes, color in colors.items():
        spans = [(p.start, p.end - p.start) for p in trajectory.pieces if p.region.modes == modes and p.start < t_max]
        for i, mode in enumerate(modes):
            if mode == "active":
                artists.append(ax.broken_barh(spans, (i - 0.4, 0.8), facecolor=color, linewidth=0))
            elif mode == "sliding":
                bars = ax.broken_barh(spans, (i - 0.4, 0.8), facecolor="white", edgecolor=color, linewidth=0)
                bars.set_hatch("/////")
                artists.append(bars)
    if trajectory.log.certified:  # sign changes of a chattering scheme would only blacken the axis
        artists += [ax.axvline(t, color="0.4", lw=0.6, zorder=0) for t in trajectory.log.times if t <= t_max]
    ax.set(xlim=(0, t_max), ylim=(h - 0.5, -0.5), xlabel="time $t$", ylabel="hidden neuron")
    ax.set_title("Activation pattern over time")
    if h <= 16:
        ax.set_yticks(range(h), [coordinate_label(trajectory.sheaf, i) for i in range(h)])
    else:
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(  # below the axis: the bands leave no free corner
        handles=_mode_handles(colors),
        fontsize="small",
        ncols=4,
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
    )
    return artists


def _mark(ax: Axes, switches: Sequence[Switch], marker: str, label: str) -> Artist:
    at, height = [s.time for s in switches], [s.energy for s in switches]
    (marks,) = ax.semilogy(at, height, marker, color=_PALETTE[5], ms=5, mfc="white", mew=1.5, label=label, zorder=4)
    return marks


def _piece_times(piece: Piece) -> FloatArray:
    ramp: FloatArray = piece.start + (piece.end - piece.start) * np.linspace(0.0, 1.0, 48) ** 2
    ramp[-1] = piece.end  # not a rounding beyond it
    return ramp


def _mode_handles(colors: dict[tuple[Mode, ...], Color]) -> list[Artist]:
    handles: list[Artist] = []
    for modes, color in list(colors.items())[:_LEGEND_ROWS]:
        if len(modes) > 16:
            break  # a pattern that long is no label; the rows of the bands tell it
        patch = Patch(facecolor=color, label=f"σ = {mode_label(modes)}")
        if "sliding" in modes:
            patch.set(facecolor="white", edgecolor=color, hatch="/////")
        handles.append(patch)
    if handles and len(colors) > len(handles):
        handles.append(Line2D([], [], ls="", label=f"… and {len(colors) - len(handles)} more"))
    return handles
