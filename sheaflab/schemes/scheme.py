"""What every scheme for the heat equation can do: one run, and many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Executor
from typing import ClassVar, Generic, TypeVar

from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, as_positive
from sheaflab.ensemble import Ensemble, collect
from sheaflab.results import Batch
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import events_of
from sheaflab.trajectory import Trajectory

_Result = TypeVar("_Result", bound=Trajectory, covariant=True)


class Scheme(ABC, Generic[_Result]):
    """A scheme for the heat equation of a sheaf: what time-stepping schemes and :class:`~sheaflab.Exact` share."""

    certified: ClassVar[bool] = False
    """Whether the logs list every switch of the flow itself."""

    def run(self, sheaf: Sheaf, c0: ArrayLike, t_end: float = 60.0) -> _Result:
        """Integrate from `c0` at time 0 to `t_end`.

        Parameters
        ----------
        sheaf : Sheaf
        c0 : array_like, shape (n,)
        t_end : float

        Returns
        -------
        Trajectory
            What its log holds, the class of the scheme says.

        Raises
        ------
        ValueError
            If `c0` has another shape or is not finite, or `t_end` is not positive and finite; and as the class of the
            scheme says.
        """
        return self._integrate(sheaf, sheaf.cochain(c0, "c0"), as_positive("t_end", t_end))

    @abstractmethod
    def _integrate(self, sheaf: Sheaf, c0: FloatArray, t_end: float) -> _Result:
        """Integrate from `c0`, shape ``(n,)`` and finite, to `t_end`, positive and finite."""

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
        batch = Batch(sheaf, len(starts), t_end)
        for k, c0 in enumerate(starts):
            traj = self.run(sheaf, c0, t_end)
            batch.add_run(k, traj.states[-1], traj.t_end, traj.outcome, events_of(sheaf, traj.log))
        return batch
