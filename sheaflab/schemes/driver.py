"""The driver of time-stepping schemes: it only loops; a scheme says how to advance and how to locate a crossing."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray, NotFiniteError, as_count, as_positive, is_finite
from sheaflab.region import ActivationRegion
from sheaflab.results import Outcome
from sheaflab.schemes.scheme import Scheme
from sheaflab.schemes.walk import Walk
from sheaflab.sheaf import Sheaf
from sheaflab.trajectory import Trajectory


class Integrator(Scheme[Trajectory]):
    """A time-stepping scheme for the heat equation of a sheaf.

    A scheme is a subclass that says how to :meth:`advance` inside one activation region and, if it can
    do better than the end of the step, how to :meth:`locate` the crossing within a step; :meth:`run` only loops. The
    log of a trajectory holds one entry for each sign change between two states of the scheme; it is not certified.

    Parameters
    ----------
    dt : float
        Time step.
    max_steps : int
        The run stops with :attr:`Outcome.STEP_BUDGET` after so many steps.

    Raises
    ------
    ValueError
        If `dt` is not positive and finite or `max_steps` not a positive whole number; from :meth:`run` also if what a
        subclass's :meth:`advance` or :meth:`locate` returns has another shape or is out of range.
    TypeError
        From :meth:`run`, if one of these returns nothing, or no numbers.

    Examples
    --------
    >>> from sheaflab import Exact, Network
    >>> class Implicit(Integrator):
    ...     def advance(self, region, c, h):
    ...         step = np.eye(len(c)) + h * region.laplacian
    ...         return region.equilibrium + np.linalg.solve(step, c - region.equilibrium)
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Implicit(dt=0.1).run(sheaf, np.ones(5))
    >>> bool(np.allclose(run.states[-1], sheaf.forward_pass()))
    True
    """

    def __init__(self, dt: float = 0.01, *, max_steps: int = 1_000_000) -> None:
        self.dt = as_positive("dt", dt)
        self.max_steps = as_count("max_steps", max_steps)

    @abstractmethod
    def advance(self, region: ActivationRegion, c: FloatArray, h: float) -> FloatArray:
        """Return the state after a step of length `h` from `c` under the affine law of `region`, shape ``(n,)``.

        Numbers that overflow here, at the step's end or at a stage on the way, end the run with
        :attr:`Outcome.UNSTABLE`.
        """

    def locate(self, region: ActivationRegion, c: FloatArray, h: float) -> float:
        """Return how long a step to take, in ``(0, h]``, when the step of length `h` from `c` leaves `region`.

        The state after the shorter step must lie outside `region` too. The default keeps the whole step: the
        crossing is logged at the step's end, as on the lab's page.
        """
        return h

    def _integrate(self, sheaf: Sheaf, c0: FloatArray, t_end: float) -> Trajectory:
        walk = Walk(sheaf, c0)
        # A step more for a remainder only where it is more than the rounding of t_end / dt.
        steps = max(1, math.ceil(t_end / self.dt * (1 - 1e-12)))
        last, k = min(steps, self.max_steps), 0
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is reported as an outcome
            while k < last:
                k += self._leap(walk, k, last)
                if k < last:
                    k += 1
                    self._step(walk, t_end if k == steps else k * self.dt)
                    if not is_finite(walk.c):
                        return walk.finish(Outcome.UNSTABLE)
        return walk.finish(Outcome.REACHED_END if steps <= self.max_steps else Outcome.STEP_BUDGET)

    def _leap(self, walk: Walk, k: int, last: int) -> int:
        """Take whole steps after the `k`-th that surely need no look at the walls; return how many."""
        return 0

    def _step(self, walk: Walk, t_next: float) -> None:
        """Advance to the next grid time, cut at each crossing that :meth:`locate` finds on the way."""
        # A neuron is located once per step: where the flow slides it would cross back at once, for ever.
        located: BoolArray | None = None
        while walk.t < t_next:
            h = t_next - walk.t
            arrival = self._advanced(walk.region, walk.c, h)
            if walk.stays(arrival):
                walk.rest(t_next, arrival)
                return
            t, changed = t_next, walk.changed(arrival)
            located = np.zeros(walk.sheaf.h, dtype=np.bool_) if located is None else located
            if (changed & ~located).any():
                shorter = self._located(walk.region, walk.c, h, arrival)
                if shorter < h and walk.t + shorter > walk.t:
                    nearer = self._advanced(walk.region, walk.c, shorter)
                    if (fresh := walk.changed(nearer) & ~located).any():
                        t, arrival, changed, located = walk.t + shorter, nearer, walk.changed(nearer), located | fresh
            walk.move(t, arrival, changed)
            if not np.isfinite(arrival).all():
                return

    def _advanced(self, region: ActivationRegion, c: FloatArray, h: float) -> FloatArray:
        """What :meth:`advance` returns, which a subclass may have got wrong: said here, where its author can see it."""
        try:
            moved: object = self.advance(region, c, h)
        except NotFiniteError:  # a stage on the way has overflowed, and `region` refuses it: so has the step
            return np.full_like(c, np.nan)
        if isinstance(moved, np.ndarray) and moved.dtype == np.float64 and moved.shape == c.shape:
            return region.sheaf.hold(moved)
        wanted = f"`{type(self).__name__}.advance` must return the next state, an array of shape {c.shape}"
        if moved is None:
            raise TypeError(f"{wanted}, got None: is a `return` missing?")
        try:
            array = np.array(moved, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"{wanted}, got {moved!r:.80}") from None
        if array.shape != c.shape:
            raise ValueError(f"{wanted}, got shape {array.shape}")
        return region.sheaf.hold(array)

    def _located(self, region: ActivationRegion, c: FloatArray, h: float, arrival: FloatArray) -> float:
        """What :meth:`locate` returns, in the same way; `arrival` is where the whole step leads."""
        try:
            step: object = self.locate(region, c, h)
        except NotFiniteError:
            if np.isfinite(arrival).all():
                raise
            return h  # the step has overflowed, and so has a stage of the shorter ones
        wanted = f"`{type(self).__name__}.locate` must return a step in (0, {h}]"
        if step is None:
            raise TypeError(f"{wanted}, got None: is a `return` missing?")
        try:
            shorter = float(step)  # type: ignore[arg-type]  # whatever it is
        except (TypeError, ValueError):
            raise TypeError(f"{wanted}, got {step!r:.80}") from None
        if not 0 < shorter <= h:
            raise ValueError(f"{wanted}, got {shorter}")
        return shorter

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dt={self.dt})"
