"""A finished run: pieces that each know how to evaluate themselves, and the log of the switches between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, as_floats
from sheaflab.region import ActivationRegion
from sheaflab.results import Outcome
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import SwitchLog


class Piece(ABC):
    """A stretch of a trajectory in one mode."""

    region: ActivationRegion
    start: float
    end: float

    @abstractmethod
    def at(self, times: FloatArray) -> FloatArray:
        """States at `times` between `start` and `end`, shape ``(k, n)``."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.region!r}, {self.start:.6g} ≤ t ≤ {self.end:.6g})"


class FlowPiece(Piece):
    """A stretch of the exact flow of one region from a known state.

    Parameters
    ----------
    region : ActivationRegion
    start, end : float
    state : ndarray, shape (n,)
        The state at `start`.
    """

    def __init__(self, region: ActivationRegion, start: float, end: float, state: FloatArray) -> None:
        self.region, self.start, self.end, self.state = region, start, end, state

    def at(self, times: FloatArray) -> FloatArray:
        return self.region.flow(self.state, times - self.start)


class PolygonPiece(Piece):
    """A stretch of a time-stepping scheme: straight lines between its states.

    Parameters
    ----------
    region : ActivationRegion
    times : ndarray, shape (k,)
    states : ndarray, shape (k, n)
    """

    def __init__(self, region: ActivationRegion, times: FloatArray, states: FloatArray) -> None:
        self.region, self.times, self.states = region, times, states
        self.start, self.end = float(times[0]), float(times[-1])

    def at(self, times: FloatArray) -> FloatArray:
        return np.stack([np.interp(times, self.times, z) for z in self.states.T], axis=-1)


class Trajectory:
    """The result of a run of a :class:`~sheaflab.Scheme`.

    Attributes
    ----------
    sheaf : Sheaf
    times : ndarray, shape (k,)
        The scheme's own times: every step, or for an exact run the start, the switches and the end.
    states : ndarray, shape (k, n)
        The states at `times`.
    pieces : sequence of Piece
        One per stretch in one mode, in the order of time.
    log : SwitchLog
    outcome : Outcome
    """

    def __init__(
        self,
        sheaf: Sheaf,
        times: FloatArray,
        states: FloatArray,
        pieces: Sequence[Piece],
        log: SwitchLog,
        outcome: Outcome,
    ) -> None:
        self.sheaf, self.times, self.states = sheaf, times, states
        self.pieces, self.log, self.outcome = pieces, log, outcome

    @property
    def t_end(self) -> float:
        """Last time of the run."""
        return float(self.times[-1])

    @cached_property
    def _starts(self) -> FloatArray:
        return np.array([piece.start for piece in self.pieces])

    def at(self, times: ArrayLike) -> FloatArray:
        """Return the states at any times of the run.

        Parameters
        ----------
        times : array_like, shape () or (k,)
            Between 0 and :attr:`t_end`.

        Returns
        -------
        ndarray, shape (n,) or (k, n)

        Raises
        ------
        ValueError
            If a time lies outside the run.
        """
        requested = as_floats("times", times)
        flat = requested.reshape(-1)
        outside = flat[(flat < 0) | (flat > self.t_end)]
        if outside.size:
            raise ValueError(f"`times` must lie between 0 and {self.t_end}, got {outside[0]}; run to a larger t_end")
        result = np.empty((flat.size, self.sheaf.n))
        owner = np.searchsorted(self._starts, flat, side="right") - 1
        for k in np.unique(owner):
            inside = owner == k
            result[inside] = self.pieces[k].at(flat[inside])
        return result.reshape(*requested.shape, self.sheaf.n)

    def energy(self, times: ArrayLike | None = None) -> FloatArray:
        """Return the Dirichlet energy at `times` (by default at :attr:`times`), one number per time."""
        states = self.states if times is None else self.at(times)
        flat = [self.sheaf.energy(c) for c in states.reshape(-1, self.sheaf.n)]
        return np.array(flat).reshape(states.shape[:-1])

    def __repr__(self) -> str:
        return f"Trajectory({self.sheaf.net.widths}, {self.log!r}, {self.outcome.value})"
