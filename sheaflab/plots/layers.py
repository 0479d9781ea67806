"""What the edges of a network disagree by, over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from sheaflab.arrays import as_positive
from sheaflab.plots.over_time import ENERGY_FLOOR, sample_times
from sheaflab.trajectory import Trajectory

_CELLS = 400  # over the time axis: so many that none can be seen
_RANGE = 1e-4  # of the largest discrepancy: what is less has the colour of nothing


def plot_discrepancy(
    ax: Axes, trajectory: Trajectory, t_max: float | None = None, t_min: float | None = None
) -> list[Artist]:
    r"""Draw the discrepancy :math:`\|r^\ell\|` of each edge over time, one row per edge.

    The darker, the larger, on a logarithmic scale of four decades at most.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    t_max : float, optional
        Last time shown; by default all the run, as far as V is above rounding.

    t_min : float, optional
        First time shown. With it the time axis is logarithmic: edges far from the cause begin with a power of t.

    Returns
    -------
    list of Artist
        The mesh (a QuadMesh): each cell has the colour of the time in its middle. Its colour bar gets axes of its own.
        If there are switches of a certified run in that time, then their marks below the time axis: there the law
        changes, and a row may have a seam.
    """
    sampled = sample_times(trajectory)
    energy = trajectory.energy(sampled)
    above = energy > ENERGY_FLOOR * energy.max()
    last = min(sampled[above][-1] if above[1:].any() else trajectory.t_end, np.inf if t_max is None else t_max)
    if t_min is None:
        times = np.linspace(0.0, last, _CELLS + 1)
    else:
        times = np.geomspace(as_positive("t_min", t_min), last, _CELLS + 1)
        ax.set_xscale("log")
    found, layers = trajectory.discrepancy(0.5 * (times[1:] + times[:-1])).T, len(trajectory.sheaf.net.weights)
    top = float(found.max()) or 1.0
    scale = LogNorm(max(float(found.min()), _RANGE * top), top)
    edges = np.arange(layers + 1) + 0.5
    switches = [t for t in trajectory.log.times if times[0] <= t <= last] if trajectory.log.certified else []
    shown = np.maximum(found, np.sqrt(ENERGY_FLOOR) * top)
    mesh = ax.pcolormesh(times, edges, shown, norm=scale, cmap="magma_r", rasterized=True)
    ends = "min" if found.min() < _RANGE * top else "neither"
    ax.figure.colorbar(mesh, ax=ax, label=r"discrepancy $\|r^\ell\|$", extend=ends)
    ax.set(xlabel="time $t$", ylabel=r"edge into layer $\ell$", title="Discrepancy of each edge over time")
    ax.set_ylim(layers + 0.5, 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    if not switches:
        return [mesh]
    look: dict[str, Any] = {"color": "black", "ms": 6, "clip_on": False, "transform": ax.get_xaxis_transform()}
    ax.tick_params(axis="x", which="both", pad=8.0)
    (marks,) = ax.plot(switches, np.full(len(switches), -0.015), "^", label="switch", **look)
    ax.legend(handles=[marks], fontsize="small", frameon=False, loc="upper right", bbox_to_anchor=(1.0, -0.06))
    return [mesh, marks]
