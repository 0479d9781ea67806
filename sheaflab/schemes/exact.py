"""The exact scheme: no time step, every switch located and certified, sliding as a mode of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ClassVar, get_args

from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, as_count, as_positive
from sheaflab.engine.choice import Method, check_size, follow, follow_many, one_by_one
from sheaflab.engine.converge import converge_many, follow_until, rounding_energy
from sheaflab.ensemble import Ensemble
from sheaflab.exact_trajectory import ExactTrajectory, trajectory_of
from sheaflab.network import Network
from sheaflab.results import Batch, Outcome, Record, Stop, budget
from sheaflab.schemes.scheme import Scheme
from sheaflab.sheaf import Sheaf
from sheaflab.sheaves import paired
from sheaflab.switchlog import Switch, switches_of


class Exact(Scheme[ExactTrajectory]):
    """The flow itself: no time step, every switch located and certified, sliding stretches included.

    The log of a trajectory is certified. A start on a wall takes the side that Filippov's rule gives; where the wall
    repels to both sides, the neuron counts as inactive and the trajectory's `repelled` names it.

    Parameters
    ----------
    method : {"auto", "closed", "taylor"}
        How the flow inside a mode is computed; the log is the same. "closed": the closed form, by a formula for one
        hidden layer and one output, by one eigendecomposition per mode otherwise. "taylor": Taylor series with
        certified polynomial events, without an eigendecomposition of each mode. "auto": the formula where there is
        one, else the series, which measured faster on every other shape.
    max_events : int
        The run stops with :attr:`Outcome.EVENT_BUDGET` after so many switches.

    Raises
    ------
    ValueError
        If `method` is unknown or `max_events` not a positive whole number; from :meth:`run` also if the rates of a mode
        lie so many decades apart that double precision, or a forced closed form, cannot hold them at once.

    Examples
    --------
    >>> from sheaflab import Network
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8]).log
    SwitchLog(2 crossings, 1 slide, t ≤ 60.0)
    """

    certified: ClassVar[bool] = True
    many_inputs: ClassVar[bool] = True

    def __init__(self, method: Method = "auto", *, max_events: int = 100_000) -> None:
        if method not in get_args(Method):
            raise ValueError(f"`method` must be one of {', '.join(get_args(Method))}, got {method!r}")
        self.method = method
        self.max_events = as_count("max_events", max_events)

    def run(
        self,
        sheaf: Sheaf,
        c0: ArrayLike,
        t_end: float = 60.0,
        *,
        until: float | None = None,
        on_switch: Callable[[Switch], object] | None = None,
    ) -> ExactTrajectory:
        """Integrate from `c0` at time 0 to `t_end`, or until the energy has fallen far enough.

        Parameters
        ----------
        sheaf : Sheaf
        c0 : array_like, shape (n,)
        t_end : float
            With ``inf`` the run ends where the energy is rounding, if `until` does not end it before; with pinned
            coordinates where it has settled, see :attr:`sheaflab.ExactTrajectory.equilibrium`.
        until : float, optional
            The run ends when the Dirichlet energy is at most this; its outcome is then :attr:`Outcome.CONVERGED`.
        on_switch : callable, optional
            Called with each switch of the log as soon as it is found. Where it returns something true, the run ends
            with the switches of that instant and :attr:`Outcome.STOPPED`.

        Returns
        -------
        ExactTrajectory

        Raises
        ------
        ValueError
            If `c0` has another shape or is not finite, `t_end` or `until` is not positive, or `until` is not finite;
            and as the class says.
        TypeError
            If `sheaf` is no sheaf.
        """
        start, (last, energy) = self._start(sheaf, c0), _ends(t_end, until)
        if last == math.inf:
            check_size(sheaf, start, "c0")
            energy = max(energy, float(rounding_energy(sheaf, start)))
        stop = budget(self.max_events) if on_switch is None else self._told(sheaf, on_switch, energy)
        if energy:
            return trajectory_of(sheaf, *follow_until(sheaf, start, last, energy, stop, self.method))
        return trajectory_of(sheaf, *follow(sheaf, start, last, stop, self.method))

    def ensemble(
        self,
        sheaf: Sheaf | Network,
        starts: ArrayLike,
        t_end: float = 60.0,
        *,
        until: float | None = None,
        X: ArrayLike | None = None,
        product: bool = False,
        executor: Executor | None = None,
        chunk: int = 16_384,
        progress: bool = False,
    ) -> Ensemble:
        """Integrate from many starts, each to `t_end`, or until its own energy has fallen far enough.

        Parameters
        ----------
        sheaf : Sheaf or Network
        starts : array_like, shape (m, n), or with `X` (n,)
        t_end : float
            May be ``inf``, as in :meth:`run`.
        until : float, optional
            A run ends when its Dirichlet energy is at most this, to rounding: :attr:`sheaflab.Ensemble.ends` says
            when, and its outcome is then :attr:`Outcome.CONVERGED`.
        X, product, executor, chunk, progress
            As in :meth:`sheaflab.Scheme.ensemble`.

        Returns
        -------
        Ensemble

        Raises
        ------
        ValueError, TypeError
            As :meth:`run` and :meth:`sheaflab.Scheme.ensemble` do.

        Examples
        --------
        >>> from sheaflab import Network
        >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
        >>> runs = Exact().ensemble(sheaf, [[0.7, 1.6, 0.7, -2.6, 1.8], [1.0] * 5], until=1e-6)
        >>> [float(t) for t in runs.ends.round(2)]
        [18.43, 16.17]
        """
        sheaf, rows = paired(sheaf, starts, X, product)
        last, energy = _ends(t_end, until)
        converge = partial(self._converge, until=energy, alone=len(rows) == 1)
        work = converge if energy or last == math.inf else self._work(sheaf, len(rows))
        return self._collect(work, sheaf, rows, last, executor, chunk, progress)

    def _converge(self, sheaf: Sheaf, starts: FloatArray, t_end: float, *, until: float, alone: bool) -> Batch:
        return converge_many(sheaf, starts, t_end, until, self.max_events, self.method, alone)

    def _told(self, sheaf: Sheaf, on_switch: Callable[[Switch], object], energy: float) -> Stop:
        """Tell each switch above an energy, once, and ask whether to stop."""
        told, spent = 0, budget(self.max_events)

        def stop(record: Record) -> Outcome | None:
            nonlocal told
            fresh = [event for event in record.events[told:] if event.energy > energy or not energy]
            told = max(told, len(record.events))
            asked = [bool(on_switch(switch)) for switch in switches_of(sheaf, fresh)]
            return Outcome.STOPPED if any(asked) else spent(record)

        return stop

    def _integrate(self, sheaf: Sheaf, c0: FloatArray, t_end: float) -> ExactTrajectory:
        return trajectory_of(sheaf, *follow(sheaf, c0, t_end, budget(self.max_events), self.method))

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        return follow_many(sheaf, starts, t_end, self.max_events, self.method)

    def _alone(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        return one_by_one(sheaf.of(0), starts, t_end, self.max_events, self.method)

    def __repr__(self) -> str:
        return "Exact()" if self.method == "auto" else f"Exact(method={self.method!r})"


def _ends(t_end: float, until: float | None) -> tuple[float, float]:
    """The last time, which may be infinite, and the energy at which a run ends, 0 for none."""
    return as_positive("t_end", t_end, finite=False), 0.0 if until is None else as_positive("until", until)
