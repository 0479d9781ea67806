"""What the edges of a network disagree by, over time."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from sheaflab.plots.over_time import ENERGY_FLOOR, sample_times
from sheaflab.trajectory import Trajectory


def plot_discrepancy(ax: Axes, trajectory: Trajectory, t_max: float | None = None) -> list[Artist]:
    r"""Draw the discrepancy :math:`\|r^\ell\|` of each edge over time, one row per edge, on a logarithmic scale.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trajectory : Trajectory
    t_max : float, optional
        Last time shown; by default all the run, as far as V is above rounding.

    Returns
    -------
    list of Artist
        The mesh (a QuadMesh): each cell has the colour of the time in its middle. Its colour bar gets axes of its own.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> figure, ax = plt.subplots()
    >>> _ = plot_discrepancy(ax, run, t_max=5.0)
    """
    times = sample_times(trajectory)
    found = trajectory.discrepancy(0.5 * (times[1:] + times[:-1]))
    energy = 0.5 * np.square(found).sum(axis=1)
    shown = (energy > ENERGY_FLOOR * energy.max(initial=0.0)) & (times[1:] <= (np.inf if t_max is None else t_max))
    cells = int(np.flatnonzero(shown)[-1]) + 1 if shown.any() else 1
    found, layers = found[:cells].T, len(trajectory.sheaf.net.weights)
    top = float(found.max()) or 1.0
    least = np.sqrt(ENERGY_FLOOR) * top
    scale = LogNorm(max(float(found.min()), least), top)
    edges = np.arange(layers + 1) + 0.5
    mesh = ax.pcolormesh(times[: cells + 1], edges, np.maximum(found, least), norm=scale, cmap="viridis")
    ax.figure.colorbar(mesh, ax=ax, label=r"discrepancy $\|r^\ell\|$")
    ax.set(xlabel="time $t$", ylabel=r"edge into layer $\ell$", title="Discrepancy of each edge over time")
    ax.set_ylim(layers + 0.5, 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return [mesh]
