"""Explicit Euler, as on the lab's page, and with its step cut at each crossing."""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import FloatArray, as_positive
from sheaflab.region import ActivationRegion
from sheaflab.results import Batch
from sheaflab.schemes import euler_batch, event_euler_batch
from sheaflab.schemes.driver import Integrator
from sheaflab.schemes.walk import Walk
from sheaflab.sheaf import Sheaf

_WORTH_A_LEAP = 8  # steps; fewer are sooner taken one by one


class Euler(Integrator):
    """The lab page's scheme: explicit Euler with a fixed step, crossings seen as sign changes between steps.

    It is stable for ``dt`` below 2 / (largest eigenvalue of the Laplacian). Where the flow slides along a wall it
    chatters: the log gets a sign change every step or two, so their number grows like 1 / dt.

    Examples
    --------
    >>> from sheaflab import Network
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> Euler(dt=0.01).run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8]).log
    SwitchLog(128 sign changes seen between time steps, t ≤ 60.0)
    """

    def advance(self, region: ActivationRegion, c: FloatArray, h: float) -> FloatArray:
        return c + h * region.velocity(c)

    def _leap(self, walk: Walk, k: int, last: int) -> int:
        # What `advance` computes, operation for operation, many steps on; those up to the first wall count.
        count = min(4 * walk.calm, 256, last - 1 - k)
        if type(self).advance is not Euler.advance or walk.sheaf.pinned or count < _WORTH_A_LEAP:
            return 0
        times = np.arange(k, k + 1 + count) * self.dt  # from `walk.t` on
        states = walk.region.euler(walk.c, times[1:] - times[:-1])
        same = ((states[:, : walk.sheaf.h] > 0) == walk.region.pattern).all(axis=1) & np.isfinite(states).all(axis=1)
        inside = count if same.all() else int(np.argmin(same))
        if inside:
            walk.leap(times[1 : inside + 1].tolist(), states[:inside])
        return inside

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        if type(self) is not Euler or sheaf.pinned:  # a subclass has its own way to advance or to locate
            return super().batch(sheaf, starts, t_end)
        return euler_batch.euler(sheaf, starts, t_end, self.dt, self.max_steps)


class EventEuler(Euler):
    """Explicit Euler whose step is cut at a crossing found by bisection.

    Parameters
    ----------
    dt : float
        Time step.
    tol : float
        The crossing is bracketed to this length in time.
    max_steps : int
        As for :class:`Integrator`.

    Examples
    --------
    >>> from sheaflab import Network
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> EventEuler(dt=0.01).run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8], t_end=0.2).log.count
    0
    """

    def __init__(self, dt: float = 0.01, tol: float = 1e-10, *, max_steps: int = 1_000_000) -> None:
        super().__init__(dt, max_steps=max_steps)
        self.tol = as_positive("tol", tol)

    def locate(self, region: ActivationRegion, c: FloatArray, h: float) -> float:
        """Bisect for the first sign change; the end of the bracket beyond it is returned."""
        inside, outside = 0.0, h
        while outside - inside > self.tol:
            middle = 0.5 * (inside + outside)
            if not inside < middle < outside:
                break  # the bracket is as short as floats allow
            z = self.advance(region, c, middle)[: region.sheaf.h]
            if np.array_equal(z > 0, region.pattern):
                inside = middle
            else:
                outside = middle
        return outside

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        if type(self) is not EventEuler or sheaf.pinned:
            return super().batch(sheaf, starts, t_end)
        return event_euler_batch.event_euler(sheaf, starts, t_end, self.dt, self.tol, self.max_steps)

    def __repr__(self) -> str:
        return f"EventEuler(dt={self.dt}, tol={self.tol})"
