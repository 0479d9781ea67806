"""Time-stepping schemes: a driver that only loops, and schemes that say how to advance and how to locate a crossing."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from concurrent.futures import Executor
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import BoolArray, FloatArray, as_positive
from sheaflab.ensemble import Ensemble, collect
from sheaflab.region import MODES, ActivationRegion
from sheaflab.results import Batch, Event
from sheaflab.schemes import euler_batch, event_euler_batch
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import Switch, SwitchLog
from sheaflab.trajectory import Outcome, PolygonPiece, Trajectory

_WORTH_A_LEAP = 8  # steps; fewer are sooner taken one by one


class Integrator(ABC):
    """A scheme for the heat equation of a sheaf.

    A time-stepping scheme is a subclass that says how to :meth:`advance` inside one activation region and, if it can
    do better than the end of the step, how to :meth:`locate` the crossing within a step; :meth:`run` only loops.

    Parameters
    ----------
    dt : float
        Time step.
    max_steps : int
        The run stops with :attr:`Outcome.STEP_BUDGET` after so many steps.

    Raises
    ------
    ValueError
        If `dt` is not positive and finite or `max_steps` not positive.
    """

    def __init__(self, dt: float = 0.01, *, max_steps: int = 1_000_000) -> None:
        self.dt = as_positive("dt", dt)
        self.max_steps = int(as_positive("max_steps", max_steps))

    @abstractmethod
    def advance(self, region: ActivationRegion, c: FloatArray, h: float) -> FloatArray:
        """Return the state after a step of length `h` from `c` under the affine law of `region`, shape ``(n,)``."""

    def locate(self, region: ActivationRegion, c: FloatArray, h: float) -> float:
        """Return how long a step to take, in ``(0, h]``, when the step of length `h` from `c` leaves `region`.

        The state after the shorter step must lie outside `region` too. The default keeps the whole step: the
        crossing is logged at the step's end, as on the lab's page.
        """
        return h

    def run(self, sheaf: Sheaf, c0: ArrayLike, t_end: float = 60.0) -> Trajectory:
        """Integrate from `c0` at time 0 to `t_end`.

        Parameters
        ----------
        sheaf : Sheaf
        c0 : array_like, shape (n,)
        t_end : float

        Returns
        -------
        Trajectory
            Its log holds one entry for each sign change between two states of the scheme; it is not certified.

        Raises
        ------
        ValueError
            If `c0` has another shape or is not finite, or `t_end` is not positive and finite.
        """
        c = sheaf.cochain(c0, "c0")
        t_end = as_positive("t_end", t_end)
        walk = _Walk(sheaf, c)
        # A step more for a remainder only where it is more than the rounding of t_end / dt.
        steps = max(1, math.ceil(t_end / self.dt * (1 - 1e-12)))
        last, k = min(steps, self.max_steps), 0
        while k < last:
            k += self._leap(walk, k, last)
            if k < last:
                k += 1
                self._step(walk, t_end if k == steps else k * self.dt)
                if not np.isfinite(walk.c).all():
                    return walk.finish(Outcome.UNSTABLE)
        return walk.finish(Outcome.REACHED_END if steps <= self.max_steps else Outcome.STEP_BUDGET)

    certified: ClassVar[bool] = False
    """Whether the logs list every switch of the flow itself."""

    def ensemble(
        self,
        sheaf: Sheaf,
        starts: ArrayLike,
        t_end: float = 60.0,
        *,
        executor: Executor | None = None,
        chunk: int = 16_384,
        progress: bool = False,
    ) -> Ensemble:
        """Integrate from many starts.

        Parameters
        ----------
        sheaf : Sheaf
        starts : array_like, shape (m, n)
        t_end : float
        executor : concurrent.futures.Executor, optional
            Where the chunks run: a process pool, or a cluster's own. Here, one after the other, by default.
        chunk : int
            Starts advanced together; bounds the memory. Neither it nor the number of workers changes any digit.
        progress : bool
            Show a bar on stderr.

        Returns
        -------
        Ensemble

        Raises
        ------
        ValueError
            If `starts` has another shape, no row or is not finite, or `t_end` or `chunk` is not positive.
        """
        rows = sheaf.cochains(starts)
        if not len(rows):
            raise ValueError(f"`starts` must have at least one row, got shape {rows.shape}")
        return collect(
            self.batch,
            sheaf,
            rows,
            as_positive("t_end", t_end),
            certified=self.certified,
            executor=executor,
            chunk=int(as_positive("chunk", chunk)),
            progress=progress,
        )

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        """Run one chunk of an ensemble: here one run after the other; a scheme that can do all at once overrides it."""
        found = Batch(sheaf, len(starts), t_end)
        for k, c0 in enumerate(starts):
            traj = self.run(sheaf, c0, t_end)
            events = [
                Event(
                    s.time, sheaf.index(s.layer, s.neuron), MODES.index(s.before), MODES.index(s.after),
                    s.energy, s.slope_before, s.slope_after,
                )
                for s in traj.log
            ]  # fmt: skip
            found.add_run(k, traj.states[-1], traj.t_end, tuple(Outcome).index(traj.outcome), events)
        return found

    def _leap(self, walk: _Walk, k: int, last: int) -> int:
        """Take whole steps after the `k`-th that surely need no look at the walls; return how many."""
        return 0

    def _step(self, walk: _Walk, t_next: float) -> None:
        """Advance to the next grid time, cut at each crossing that :meth:`locate` finds on the way."""
        # A neuron is located once a step: where the flow slides it would cross back at once, for ever.
        located: BoolArray | None = None
        while walk.t < t_next:
            h = t_next - walk.t
            with np.errstate(over="ignore", invalid="ignore"):  # an overflow is reported as an outcome
                arrival = self.advance(walk.region, walk.c, h)
            changed = walk.changed(arrival)
            t = t_next
            if not changed.any():
                walk.rest(t, arrival)
                return
            located = np.zeros(walk.sheaf.h, dtype=np.bool_) if located is None else located
            if (changed & ~located).any():
                shorter = self.locate(walk.region, walk.c, h)
                if not 0 < shorter <= h:
                    raise ValueError(f"`locate` must return a step in (0, {h}], got {shorter}")
                if shorter < h and walk.t + shorter > walk.t:
                    nearer = self.advance(walk.region, walk.c, shorter)
                    if (fresh := walk.changed(nearer) & ~located).any():
                        t, arrival, changed, located = walk.t + shorter, nearer, walk.changed(nearer), located | fresh
            walk.move(t, arrival, changed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dt={self.dt})"


class _Walk:
    """The states, patterns and sign changes of a run under way."""

    def __init__(self, sheaf: Sheaf, c: FloatArray) -> None:
        self.sheaf, self.t, self.c = sheaf, 0.0, c
        self.times, self.states = [0.0], [c[None]]
        self.calm = 0  # steps since the pattern last changed
        self.switches: list[Switch] = []
        self._known: dict[bytes, ActivationRegion] = {}
        self.region = self._region(c)
        self.turns: list[tuple[int, ActivationRegion]] = [(0, self.region)]

    def _region(self, c: FloatArray) -> ActivationRegion:
        pattern = c[: self.sheaf.h] > 0
        key = pattern.tobytes()
        if key not in self._known:
            self._known[key] = ActivationRegion(self.sheaf, pattern)
        return self._known[key]

    def changed(self, c: FloatArray) -> BoolArray:
        return np.asarray((c[: self.sheaf.h] > 0) != self.region.pattern)

    def rest(self, t: float, c: FloatArray) -> None:
        """A step to `c` in the same region."""
        self.t, self.c = t, c
        self.times.append(t)
        self.states.append(c[None])
        self.calm += 1

    def leap(self, times: list[float], states: FloatArray) -> None:
        """Several steps in the same region."""
        self.t, self.c = times[-1], states[-1]
        self.times += times
        self.states.append(states)
        self.calm += len(times)

    def move(self, t: float, c: FloatArray, changed: BoolArray) -> None:
        """A step, perhaps into another region."""
        self.rest(t, c)
        if not changed.any() or not np.isfinite(c).all():
            return
        self.calm = 0
        before, self.region = self.region, self._region(c)
        self.turns.append((len(self.times) - 1, self.region))
        energy = self.sheaf.energy(c)
        slopes = before.slope(c), self.region.slope(c)
        for i in np.flatnonzero(changed):
            self.switches.append(
                Switch(t, *self.sheaf.place(int(i)), before.modes[i], self.region.modes[i], energy, *slopes)
            )

    def finish(self, outcome: Outcome) -> Trajectory:
        if outcome is Outcome.UNSTABLE:  # the last finite state is the end
            self.times.pop()
            self.states.pop()
            if self.turns[-1][0] == len(self.times):
                self.turns.pop()
        times, states = np.array(self.times), np.concatenate(self.states)
        ends = [k for k, _ in self.turns[1:]] + [len(times) - 1]
        pieces = [
            PolygonPiece(region, times[start : end + 1], states[start : end + 1])
            for (start, region), end in zip(self.turns, ends, strict=True)
        ]
        log = SwitchLog(self.switches, times[-1], certified=False)
        return Trajectory(self.sheaf, times, states, pieces, log, outcome)


class Euler(Integrator):
    """The lab page's scheme: explicit Euler with a fixed step, crossings seen as sign changes between steps.

    It is stable for ``dt`` below 2 / (largest eigenvalue of the Laplacian). Where the flow slides along a wall it
    chatters: the log gets a sign change every step or two, so their number grows like 1 / dt.
    """

    def advance(self, region: ActivationRegion, c: FloatArray, h: float) -> FloatArray:
        return c + h * region.velocity(c)

    def _leap(self, walk: _Walk, k: int, last: int) -> int:
        # What `advance` computes, operation for operation, many steps on; those up to the first wall are kept.
        count = min(4 * walk.calm, 256, last - 1 - k)
        if type(self).advance is not Euler.advance or count < _WORTH_A_LEAP:
            return 0
        times = np.arange(k + 1, k + 1 + count) * self.dt
        states = walk.region.euler(walk.c, np.diff(times, prepend=walk.t))
        same = ((states[:, : walk.sheaf.h] > 0) == walk.region.pattern).all(axis=1) & np.isfinite(states).all(axis=1)
        kept = count if same.all() else int(np.argmin(same))
        if kept:
            walk.leap(times[:kept].tolist(), states[:kept])
        return kept

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        if type(self) is not Euler:  # a subclass has its own way to advance or to locate
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
        if type(self) is not EventEuler:
            return super().batch(sheaf, starts, t_end)
        return event_euler_batch.event_euler(sheaf, starts, t_end, self.dt, self.tol, self.max_steps)

    def __repr__(self) -> str:
        return f"EventEuler(dt={self.dt}, tol={self.tol})"
