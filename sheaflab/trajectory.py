"""A finished run: pieces that each know how to evaluate themselves, and the log of the switches between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, as_floats
from sheaflab.modes import ACTIVE, SLIDING, CodeArray
from sheaflab.region import ActivationRegion
from sheaflab.results import Outcome
from sheaflab.sheaf import Sheaf, log_slopes
from sheaflab.switchlog import SwitchLog

_NUMBERS = 2_000_000  # of states at once, while a field along a run is computed


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
    inside : callable, optional
        What returns the states at ascending times, shape ``(k, n)``. By default the region's closed form does.
    """

    def __init__(
        self,
        region: ActivationRegion,
        start: float,
        end: float,
        state: FloatArray,
        inside: Callable[[FloatArray], FloatArray] | None = None,
    ) -> None:
        self.region, self.start, self.end, self.state, self._inside = region, start, end, state, inside

    def at(self, times: FloatArray) -> FloatArray:
        if self._inside is None:
            return self.region.flow(self.state, times - self.start)
        order = np.argsort(times, kind="stable")
        states = np.empty((len(times), self.state.size))
        states[order] = self._inside(np.asarray(times)[order])
        return states


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


class Recorded(NamedTuple):
    """What pieces that are not built yet will be made of: the flow of one sheaf from state to state."""

    sheaf: Sheaf
    times: list[float]
    states: list[FloatArray]
    codes: CodeArray


class FlowPieces(Sequence[Piece]):
    """The pieces of a run of the flow itself, built when they are first read."""

    @abstractmethod
    def recorded(self) -> Recorded | None:
        """Return what they will be made of, or None once they are there to be looked at."""


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

    Examples
    --------
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> run.at([0.0, 1.0, 60.0]).shape
    (3, 5)
    >>> bool(run.energy(1.0) < run.energy(0.5))
    True
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

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name not in ("_starts", "_codes")}

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
        order = np.argsort(flat) if (flat[1:] < flat[:-1]).any() else None
        ascending = flat if order is None else flat[order]
        found, first = np.empty((flat.size, self.sheaf.n)), 0
        for k, past in enumerate([*np.searchsorted(ascending, self._starts[1:]).tolist(), flat.size]):
            if past > first:
                found[first:past] = self._inside(k, ascending[first:past])
                first = past
        if order is not None:
            place = np.empty_like(order)
            place[order] = np.arange(order.size)
            found = found.take(place, axis=0)
        return found.reshape(*requested.shape, self.sheaf.n)

    def _inside(self, k: int, times: FloatArray) -> FloatArray:
        """States at `times`, ascending and inside piece `k`."""
        return self.pieces[k].at(times)

    # -- fields along the run -------------------------------------------------------------------------------------
    def energy(self, times: ArrayLike | None = None) -> FloatArray:
        """Return the Dirichlet energy at `times` (by default at :attr:`times`), one number per time."""
        return np.asarray(self.sheaf.energy(self.states)) if times is None else self._along(times, self.sheaf.energy)

    def residual(self, times: ArrayLike) -> FloatArray:
        """Return the residual at any times of the run, shape ``(n,)`` or ``(k, n)``: see :meth:`Sheaf.residual`."""
        return self._along(times, self.sheaf.residual)

    def discrepancy(self, times: ArrayLike) -> FloatArray:
        r"""Return :math:`\|r^\ell\|` of each edge at any times of the run, shape ``(L,)`` or ``(k, L)``."""
        return self._along(times, self.sheaf.discrepancy)

    def velocity(self, times: ArrayLike) -> FloatArray:
        r"""Return the flow's velocity :math:`\dot c` at the states of any times, in the modes that the run has there.

        A sliding neuron does not move; at a switch the modes are those after it.

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
        return self._by_parts(times, lambda part: self._motion(part)[1])

    def slope(self, times: ArrayLike) -> FloatArray:
        r"""Return :math:`d(\log V)/dt = -\|\dot c\|^2 / V` at any times, one number per time; nan where V = 0.

        At a switch it is the slope after it. Where V has fallen to the rounding of the state, so has the slope.
        """

        def slopes(part: FloatArray) -> FloatArray:
            r, v = self._motion(part)
            return log_slopes(np.square(v).sum(axis=1), 0.5 * np.square(r).sum(axis=1))

        return self._by_parts(times, slopes)

    def _motion(self, times: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals and velocities in the modes at `times`, each of shape ``(k, n)``."""
        r = np.asarray(self.sheaf.residual(self.at(times)))
        codes = self._codes[np.searchsorted(self._starts, times, side="right") - 1]
        v = self.sheaf.velocity_of(r, codes == ACTIVE)
        v[:, : self.sheaf.h][codes == SLIDING] = 0.0
        return r, v

    def _along(self, times: ArrayLike, field: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return a field of states at `times`."""
        return self._by_parts(times, lambda part: field(self.at(part)))

    def _by_parts(self, times: ArrayLike, of: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return what `of` makes of `times`, at not too many states at once."""
        requested = as_floats("times", times)
        flat, room = requested.reshape(-1), max(1, _NUMBERS // self.sheaf.n)
        found = np.concatenate([of(flat[k : k + room]) for k in range(0, max(flat.size, 1), room)])
        return found.reshape(requested.shape + found.shape[1:])

    @cached_property
    def _codes(self) -> CodeArray:
        """Modes of each piece, shape ``(pieces, h)``."""
        codes = np.zeros((len(self.pieces), self.sheaf.h), dtype=np.int8)
        for row, piece in zip(codes, self.pieces, strict=True):
            row[piece.region.pattern] = ACTIVE
            row[list(piece.region.sliding)] = SLIDING
        return codes

    def __repr__(self) -> str:
        return f"Trajectory({self.sheaf.net.widths}, {self.log!r}, {self.outcome.value})"
