"""Figures (b) and (c), and the slope of log V between them: what is drawn over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from sheaflab.arrays import FloatArray, as_positive
from sheaflab.plots.signs import (
    HATCH,
    band_handles,
    coordinate_label,
    draw_lines,
    grouped,
    mode_colors,
    numbered,
    pattern_key,
    stripe_handles,
)
from sheaflab.switchlog import Switch
from sheaflab.trajectory import Piece, Trajectory

ENERGY_FLOOR = 1e-20  # of the start's: below, V is the square of rounding errors
_SMOOTH = 1e-9  # of the slope of log V: a jump that small is rounding


def sample_times(trajectory: Trajectory, per_piece: int = 48) -> FloatArray:
    """Return times that draw the trajectory well: each piece's ends and, in between, close to its start first."""
    return np.unique(np.concatenate([_piece_times(piece, per_piece) for piece in trajectory.pieces]))


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
        :math:`\lambda^*`; with it the envelope :math:`V(0) e^{-2 \lambda^* t}` is drawn. Not with pinned coordinates.
    t_max : float, optional
        Last time shown; by default all the run, as far as V is above rounding.

    Returns
    -------
    list of Artist
        The energy (a LineCollection, a line for each piece in the colour of its mode), the kinks (markers), the
        switches without one if there are any, with `rate` the envelope, and the stripes of sliding if there are any.
    """
    pieces, times, states = _shown(trajectory, t_max)
    energies = [np.array([trajectory.sheaf.energy(c) for c in some]) for some in states]
    start = _start_energy(trajectory)
    lines = [np.column_stack(line) for line in zip(times, energies, strict=True)]
    line, *stripes = draw_lines(ax, trajectory, pieces, lines)
    ax.set_yscale("log")
    line.set_label("$V(t)$, coloured by pattern")
    artists: list[Artist] = [line]
    end = float(times[-1][-1])
    switches = [s for s in trajectory.log if s.energy > ENERGY_FLOOR * start and s.time <= end]
    if trajectory.log.certified:
        smooth = [s for s in switches if _is_smooth(s)]
        artists.append(_mark(ax, [s for s in switches if s not in smooth], "o", "kink at a switch"))
        if smooth:
            artists.append(_mark(ax, smooth, "s", "switch without a kink"))
    else:
        artists.append(_mark(ax, switches, "o", "sign change"))
    title = "The energy V"
    if rate is not None:
        everything, exponent = np.unique(np.concatenate(times)), -2.0 * _slowest(trajectory, rate)
        bound = start * np.exp(exponent * everything)
        parts = zip(times, energies, strict=True)
        under = all((some <= start * np.exp(exponent * at) * (1 + 1e-9)).all() for at, some in parts)
        title = "Energy V stays under the envelope of Theorem 9.4" if under else "Energy V and V(0) exp(−2λ* t)"
        label = rf"$V(0)\,\exp(-2$λ*$\,t)$, λ* = {rate:.3g}"
        (envelope,) = ax.semilogy(everything, bound, "--", color="black", lw=1.5, label=label, zorder=2)
        artists.append(envelope)
    ax.set(xlabel="time $t$", ylabel="Dirichlet energy $V$", title=title)
    ax.plot(*np.concatenate(lines).T, visible=False)  # of collections a legend does not see where they are
    ax.autoscale_view()
    ax.margins(x=0)
    ax.grid(True, which="major", color="0.9")
    ax.legend(fontsize="small")
    return [*artists, *stripes]


def plot_slope(
    ax: Axes, trajectory: Trajectory, rate: float | None = None, t_max: float | None = None
) -> list[Artist]:
    r"""Draw the slope of log V over time: where the energy has a kink, it jumps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    rate : float, optional
        :math:`\lambda^*`; with it the line :math:`-2\lambda^*` is drawn, above which Theorem 9.4 allows no slope. Not
        with pinned coordinates.
    t_max : float, optional
        As for :func:`plot_energy`.

    Returns
    -------
    list of Artist
        The slope (a LineCollection, a line for each piece), the jumps (another, a line for each), with `rate` the
        bound and its name, and the stripes of sliding if there are any.
    """
    pieces, times, states = _shown(trajectory, t_max)
    slopes = [np.array([p.region.slope(c) for c in some]) for p, some in zip(pieces, states, strict=True)]
    lines = [np.column_stack(line) for line in zip(times, slopes, strict=True)]
    drawn, *stripes = draw_lines(ax, trajectory, pieces, lines)
    ends = [(t[-1], s[-1], after[0]) for t, s, after in zip(times, slopes, slopes[1:], strict=False)]
    kinks = np.array([end for end in ends if abs(end[2] - end[1]) > _SMOOTH * abs(end[1])]).reshape(-1, 3)
    jumps = ax.vlines(*kinks.T, color="black", lw=2.0, ls=(0, (1, 0.7)), label="jump: a kink of $V$", zorder=2)
    artists: list[Artist] = [drawn, jumps]
    if rate is not None:
        level = -2.0 * _slowest(trajectory, rate)
        artists.append(ax.axhline(level, ls="--", color="black", lw=1.5, label="−2λ*"))
        above = max(some.max() for some in slopes) > level + 1e-9 * abs(level)
        name, inside = "−2λ*" + ("" if above else ": no slope lies above"), ax.get_yaxis_transform()
        place: dict[str, Any] = {"xycoords": inside, "textcoords": "offset points", "va": "top", "fontsize": "small"}
        place["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # no line of a switch cuts through it
        artists.append(ax.annotate(name, (0.02, level), (0, -3), **place))
    slid = any(s.before == "sliding" and _is_smooth(s) for s in trajectory.log if s.time <= times[-1][-1])
    title = "The slope of log V jumps (dotted) at a kink" if len(kinks) else "The slope of log V has no jump"
    title += ", not where a slide ends" if slid and len(kinks) else ""
    ax.set(xlabel="time $t$", ylabel=r"slope $d(\log V)/dt$", title=title)
    ax.autoscale_view()
    ax.margins(x=0)
    ax.grid(True, which="major", color="0.9")
    return [*artists, *stripes]


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
    artists: list[Artist] = []
    for modes, color in mode_colors(trajectory).items():
        spans = [(p.start, p.end - p.start) for p in trajectory.pieces if p.region.modes == modes and p.start < t_max]
        for i, mode in enumerate(modes):
            if mode == "active":
                artists.append(ax.broken_barh(spans, (i - 0.4, 0.8), facecolor=color, linewidth=0))
            elif mode == "sliding":
                bars = ax.broken_barh(spans, (i - 0.4, 0.8), facecolor=color, edgecolor="white", linewidth=0)
                bars.set_hatch(HATCH)
                artists.append(bars)
    if trajectory.log.certified or numbered(trajectory):  # those of a chattering scheme would only blacken the axis
        shade, width = ("0.6", 0.6) if numbered(trajectory) else ("0.7", 0.4)
        artists += [ax.axvline(t, color=shade, lw=width, zorder=0) for t in trajectory.log.times if t <= t_max]
    ax.set(xlim=(0, t_max), ylim=(h - 0.5, -0.5), xlabel="time $t$", ylabel="hidden neuron")
    ax.yaxis.labelpad = 8.0  # the names of neurons are lower than they are taken for
    ax.set_title("Which neurons are active")
    if h <= 16:
        ax.set_yticks(range(h), [coordinate_label(trajectory.sheaf, i) for i in range(h)])
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=20, integer=True))
    ax.legend(  # below the axis: the bands leave no free corner
        handles=band_handles(trajectory),
        title=pattern_key(trajectory),
        fontsize="small",
        title_fontsize="small",
        ncols=4,
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        borderaxespad=4.0,  # in letters: clear of the axis' label, however high the axes are
    )
    return artists


def plot_run(
    figure: Figure | SubFigure, trajectory: Trajectory, rate: float | None = None, t_max: float | None = None
) -> tuple[Axes, Axes, Axes]:
    """Draw energy, its slope and the bands below each other on one time axis, with the switches' numbers on top.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or SubFigure
        An empty one.
    trajectory : Trajectory
    rate : float, optional
        As for :func:`plot_energy`.
    t_max : float, optional
        Last time shown; by default a little after the last switch.

    Returns
    -------
    tuple of Axes
        Of the energy, of the slope, of the bands.
    """
    if t_max is None:
        last = trajectory.log[-1].time if len(trajectory.log) else trajectory.t_end
        t_max = min(1.25 * last, trajectory.t_end)
    energy, slope, bands = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 2))
    plot_energy(energy, trajectory, rate, t_max)
    plot_slope(slope, trajectory, rate, t_max)
    plot_bands(bands, trajectory, t_max)
    for ax in (energy, slope):
        ax.set_xlabel("")
    for ax in (energy, slope, bands):
        ax.set_title(ax.get_title(), fontsize="medium")
    bands.tick_params(axis="y", labelsize="small" if trajectory.sheaf.h <= 6 else "x-small")
    if (legend := bands.get_legend()) is not None:
        legend.remove()  # it would lie on the label of the time axis
    handles = [*band_handles(trajectory), *stripe_handles(trajectory)]
    look: dict[str, Any] = {"fontsize": "small", "title_fontsize": "small", "frameon": False}
    figure.legend(handles=handles, title=pattern_key(trajectory), ncols=4, loc="outside lower center", **look)
    if numbers := {number: s.time for number, s in numbered(trajectory).items() if s.time <= t_max}:
        for ax in (energy, slope):  # a collection, which legends do not avoid
            ax.vlines([*numbers.values()], 0, 1, transform=ax.get_xaxis_transform(), color="0.6", lw=0.6, zorder=0)
        top = energy.secondary_xaxis("top")
        groups = grouped(numbers, 0.025 * t_max)
        places = [sum(numbers[number] for number in group) / len(group) for group in groups]
        top.set_xticks(places, [", ".join(map(str, group)) for group in groups], fontsize="small")
        top.set_xlabel("switch", fontsize="small")
    return energy, slope, bands


def _shown(trajectory: Trajectory, t_max: float | None) -> tuple[list[Piece], list[FloatArray], list[FloatArray]]:
    """The pieces to be drawn, times in each and the states at these: until `t_max`, while V is above rounding."""
    floor = ENERGY_FLOOR * _start_energy(trajectory)
    pieces: list[Piece] = []
    times, states = [], []
    for piece in trajectory.pieces:
        at = _piece_times(piece)
        if t_max is not None:
            at = np.append(at[at < t_max], t_max) if piece.start < t_max < piece.end else at[at <= t_max]
        some = piece.at(at) if at.size else np.empty((0, trajectory.sheaf.n))
        above = np.array([trajectory.sheaf.energy(c) > floor for c in some], dtype=bool)
        kept = int(np.flatnonzero(above)[-1]) + 1 if above.any() else 0
        if kept < 2 and pieces:
            break
        kept = max(kept, min(1, at.size))
        pieces.append(piece)
        times.append(at[:kept])
        states.append(some[:kept])
        if kept < at.size:
            break
    return pieces, times, states


def _slowest(trajectory: Trajectory, rate: float) -> float:
    if trajectory.sheaf.pinned:
        raise ValueError(
            "`rate` must be left out where neurons or outputs are pinned: their energy need not fall to 0, and Theorem "
            f"9.4 gives no envelope; got {rate}"
        )
    return as_positive("rate", rate)


def _start_energy(trajectory: Trajectory) -> float:
    return max(float(trajectory.sheaf.energy(trajectory.states[0])), float(np.finfo(float).tiny))


def _is_smooth(switch: Switch) -> bool:
    return abs(switch.kink) <= _SMOOTH * abs(switch.slope_before)


def _mark(ax: Axes, switches: Sequence[Switch], marker: str, label: str) -> Artist:
    at, height = [s.time for s in switches], [s.energy for s in switches]
    (marks,) = ax.semilogy(at, height, marker, color="black", ms=5, mfc="white", mew=1.2, label=label, zorder=4)
    return marks


def _piece_times(piece: Piece, count: int = 48) -> FloatArray:
    ramp: FloatArray = piece.start + (piece.end - piece.start) * np.linspace(0.0, 1.0, count) ** 2
    ramp[-1] = piece.end  # not a rounding beyond it
    return ramp
