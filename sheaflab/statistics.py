"""Statistics of the lab: how many switches, how they depend on the start and the width, how sharp the kinks are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import FloatArray, as_count, as_positive
from sheaflab.network import Network
from sheaflab.rate import SlowestRate, slowest_rate
from sheaflab.schemes.exact import Exact
from sheaflab.sheaf import Sheaf


@dataclass(frozen=True)
class SwitchStatistics:
    """Switches of many runs under one condition.

    Attributes
    ----------
    label : str
        The condition, for a legend.
    counts, slides : ndarray of int, shape (m,)
        Switches, and starts of a slide, of each run.
    sliding_share : ndarray, shape (m,)
        Share of the time in which at least one neuron slides.
    kinks : ndarray, shape (k,)
        Jump of d(log V)/dt at every switch from one side of a wall to the other; negative where the decay steepens.

    Examples
    --------
    >>> two, eight = by_width([2, 8], runs=50)
    >>> two.mean < eight.mean
    True
    """

    label: str
    counts: NDArray[np.int64]
    slides: NDArray[np.int64]
    sliding_share: FloatArray
    kinks: FloatArray

    @property
    def mean(self) -> float:
        """Mean number of switches."""
        return float(self.counts.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean (nan for a single run)."""
        return float(self.counts.std(ddof=1) / np.sqrt(self.counts.size)) if self.counts.size > 1 else float("nan")

    @property
    def share_sliding(self) -> float:
        """Share of the runs that slide at all."""
        return float((self.slides > 0).mean())


def by_magnitude(
    sheaf: Sheaf, magnitudes: Iterable[float], runs: int = 200, seed: int = 0, t_end: float = 60.0
) -> list[SwitchStatistics]:
    """Run `runs` random starts of each magnitude (standard deviation of a coordinate).

    Parameters
    ----------
    sheaf : Sheaf
    magnitudes : iterable of float
    runs : int
    seed : int
        Draws the directions of the starts, the same for every magnitude, so that only the size differs.
    t_end : float

    Examples
    --------
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> [found.label for found in by_magnitude(sheaf, [0.5, 8.0], runs=50)]
    ['magnitude 0.5', 'magnitude 8']
    """
    directions = np.random.default_rng(seed).standard_normal((as_count("runs", runs), sheaf.n))
    return [
        _gather(f"magnitude {m:g}", [(sheaf, as_positive("magnitudes", m) * directions)], t_end) for m in magnitudes
    ]


def by_width(
    widths: Iterable[int], runs: int = 200, nets: int = 10, seed: int = 0, magnitude: float = 2.0, t_end: float = 60.0
) -> list[SwitchStatistics]:
    """Run random starts of random networks ``[2, width, 1]`` with input (1, -1), `runs` in all for each width.

    Parameters
    ----------
    widths : iterable of int
        Hidden neurons.
    runs, nets : int
        Runs of each width, spread over so many networks.
    seed : int
        Draws the networks and the starts; those of one width do not depend on the other widths.
    magnitude : float
        Standard deviation of the starts' coordinates.
    t_end : float

    Examples
    --------
    >>> [found.label for found in by_width([2, 8], runs=50)]
    ['width 2', 'width 8']
    """
    nets = as_count("nets", nets)
    each = -(-as_count("runs", runs) // nets)
    statistics = []
    for width in widths:
        problems = []
        for k in range(nets):
            rng = np.random.default_rng([seed, width, k])
            sheaf = Sheaf(Network.random([2, width, 1], rng), [1.0, -1.0])
            problems.append((sheaf, magnitude * rng.standard_normal((each, sheaf.n))))
        statistics.append(_gather(f"width {width}", problems, t_end))
    return statistics


def _gather(label: str, problems: Sequence[tuple[Sheaf, FloatArray]], t_end: float) -> SwitchStatistics:
    ensembles = [Exact().ensemble(sheaf, starts, t_end) for sheaf, starts in problems]
    kinks = []
    for ensemble in ensembles:
        straight = (ensemble.columns["before"] != 2) & (ensemble.columns["after"] != 2)
        kinks.append(ensemble.kinks[straight])
    return SwitchStatistics(
        label,
        np.concatenate([e.counts for e in ensembles]),
        np.concatenate([e.slides for e in ensembles]),
        np.concatenate([e.sliding_share for e in ensembles]),
        np.concatenate(kinks),
    )


@dataclass(frozen=True)
class DecayRates:
    """Mean decay rates of V over many runs, against Theorem 9.4.

    Attributes
    ----------
    rates : ndarray, shape (m,)
        :math:`-\\log(V(t)/V(0)) / (2 t)` of each run: never below λ*.
    slowest : SlowestRate
        λ* or a certified lower bound of it.

    Examples
    --------
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> decay = decay_rates(sheaf, np.random.default_rng(0).standard_normal((20, 5)))
    >>> bool(decay.rates.min() > decay.slowest.value)
    True
    """

    rates: FloatArray
    slowest: SlowestRate


def decay_rates(sheaf: Sheaf, starts: FloatArray, t_end: float = 5.0) -> DecayRates:
    """Measure how fast V falls up to `t_end` from each of many starts.

    Parameters
    ----------
    sheaf : Sheaf
    starts : ndarray, shape (m, n)
    t_end : float
        Not so late that V is rounding: λ* t_end well below 15.

    Raises
    ------
    ValueError
        If neurons or outputs of the sheaf are pinned: Theorem 9.4 says nothing of its energy then.

    Examples
    --------
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> decay_rates(sheaf, np.random.default_rng(0).standard_normal((20, 5))).rates.shape
    (20,)
    """
    if sheaf.pinned:
        raise ValueError("`sheaf` must have no pinned neuron or output: with them the energy need not fall to 0")
    ensemble = Exact().ensemble(sheaf, starts, t_end)
    first, last = ensemble.energies
    with np.errstate(divide="ignore"):
        rates = -np.log(last / first) / (2 * ensemble.t_end)
    return DecayRates(rates, slowest_rate(sheaf.net))
