"""Plots of :mod:`sheaflab.statistics`: each function draws on the `Axes` it is given and returns the artists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sheaflab.plots.signs import PALETTE
from sheaflab.statistics import DecayRates, SwitchStatistics

_STYLES = ("-", "--", "-.", ":")
"""Curves that overlap differ in style as well."""


def plot_counts(ax: Axes, statistics: Sequence[SwitchStatistics]) -> list[Artist]:
    """Draw the distribution of the number of switches for each condition, as steps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    statistics : sequence of SwitchStatistics

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sheaflab.statistics import by_width
    >>> figure, ax = plt.subplots()
    >>> _ = plot_counts(ax, by_width([2, 8], runs=50))
    """
    most = max(int(s.counts.max(initial=0)) for s in statistics)
    edges = np.arange(most + 2) - 0.5
    drawn: list[Artist] = []
    for k, s in enumerate(statistics):
        share = np.bincount(s.counts, minlength=most + 1) / s.counts.size
        label = f"{s.label}: mean {s.mean:.2f} ± {s.standard_error:.2f}"
        drawn.append(ax.stairs(share, edges, label=label, linewidth=1.8, **_look(k)))
    ax.set(xlabel="switches in a run", ylabel="share of the runs", title="How many switches?")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(ax)
    return drawn


def plot_kinks(ax: Axes, statistics: Sequence[SwitchStatistics], bins: int = 60) -> list[Artist]:
    """Draw the distribution of the kinks, the jumps of d(log V)/dt, for each condition.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    statistics : sequence of SwitchStatistics
    bins : int

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sheaflab.statistics import by_width
    >>> figure, ax = plt.subplots()
    >>> _ = plot_kinks(ax, by_width([2, 8], runs=50))
    """
    everything = np.concatenate([s.kinks for s in statistics])
    reach = float(np.quantile(np.abs(everything), 0.98)) if everything.size else 1.0
    edges = np.linspace(-reach, reach, bins + 1)
    drawn: list[Artist] = [ax.axvline(0.0, color="#7F7F7F", linewidth=0.8)]
    for k, s in enumerate(statistics):
        if s.kinks.size:
            share = np.histogram(s.kinks, edges)[0] / s.kinks.size
            steeper = float((s.kinks < 0).mean())
            label = f"{s.label}: {steeper:.0%} steepen the decay"
            drawn.append(ax.stairs(share, edges, label=label, linewidth=1.5, **_look(k)))
    ax.text(0.02, 0.4, "below 0:\nthe decay gets steeper", transform=ax.transAxes, fontsize="small")
    ax.text(0.98, 0.4, "above 0:\nit gets flatter", transform=ax.transAxes, fontsize="small", ha="right")
    name = "kink: jump of d(log V)/dt (98 % of all kinks are in this range)"
    ax.set(xlabel=name, ylabel="share of the crossings", title="How sharp are the kinks?")
    _legend(ax)
    return drawn


def plot_sliding(ax: Axes, statistics: Sequence[SwitchStatistics]) -> list[Artist]:
    """Draw, for each condition, the share of the runs that slide and the mean share of time spent sliding.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    statistics : sequence of SwitchStatistics

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sheaflab.statistics import by_width
    >>> figure, ax = plt.subplots()
    >>> _ = plot_sliding(ax, by_width([2, 8], runs=50))
    """
    place = np.arange(len(statistics))
    runs = ax.bar(place - 0.2, [s.share_sliding for s in statistics], 0.4, color=PALETTE[0], label="runs that slide")
    time = ax.bar(
        place + 0.2,
        [float(s.sliding_share.mean()) for s in statistics],
        0.4,
        color=PALETTE[1],
        label="time spent sliding",
    )
    ax.set_xticks(place, [s.label for s in statistics])
    ax.set(ylabel="share", title="How common is sliding?")
    _legend(ax)
    return [*runs, *time]


def plot_decay_rates(ax: Axes, decay: DecayRates, bins: int = 40) -> list[Artist]:
    """Draw the distribution of measured decay rates of V against λ* of Theorem 9.4.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    decay : DecayRates
    bins : int

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sheaflab import Network, Sheaf
    >>> from sheaflab.statistics import decay_rates
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> figure, ax = plt.subplots()
    >>> _ = plot_decay_rates(ax, decay_rates(sheaf, np.random.default_rng(0).standard_normal((20, 5))))
    """
    finite = decay.rates[np.isfinite(decay.rates)]
    values, edges = np.histogram(finite, bins)
    kind = "λ*" if decay.slowest.exact else "a lower bound of λ*"
    drawn: list[Artist] = [
        ax.stairs(values / max(finite.size, 1), edges, fill=True, color=PALETTE[5], label="measured"),
        *ax.plot(finite, np.zeros(finite.size), "|", color="black", ms=14, alpha=0.5, label="each run"),
        ax.axvline(decay.slowest.value, color=PALETTE[6], label=f"{kind} = {decay.slowest.value:.4g}"),
    ]
    ax.set(xlabel="mean decay rate  −log(V(t)/V(0)) / 2t", ylabel=f"share of the {finite.size:,} runs")
    kept = finite.size and finite.min() >= decay.slowest.value * (1 - 1e-6)
    ax.set_title(f"{'No run is slower than' if kept else 'Mean decay rates and'} the bound of Theorem 9.4")
    ax.set_xlim(left=0.0)
    _legend(ax)
    return drawn


def _look(k: int) -> dict[str, Any]:
    return {"color": PALETTE[k % len(PALETTE)], "linestyle": _STYLES[k % len(_STYLES)]}


def _legend(ax: Axes) -> None:
    """Add a legend and the room above the data that it needs."""
    ax.set_ylim(0.0, 1.3 * ax.get_ylim()[1])
    ax.legend(fontsize="small", loc="upper right")
