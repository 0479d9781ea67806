"""What every scheme for the heat equation can do: one run, and many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Executor
from typing import ClassVar, Generic, TypeVar

from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, as_count, as_positive
from sheaflab.ensemble import Ensemble, Work, collect
from sheaflab.network import Network
from sheaflab.results import Batch
from sheaflab.sheaf import Sheaf
from sheaflab.sheaves import Sheaves, paired
from sheaflab.switchlog import events_of
from sheaflab.trajectory import Trajectory

_Result = TypeVar("_Result", bound=Trajectory, covariant=True)


class Scheme(ABC, Generic[_Result]):
    """A scheme for the heat equation of a sheaf: what time-stepping schemes and :class:`~sheaflab.Exact` share.

    Examples
    --------
    >>> from sheaflab import Euler, Exact
    >>> isinstance(Euler(dt=0.1), Scheme), isinstance(Exact(), Scheme)
    (True, True)
    """

    certified: ClassVar[bool] = False
    """Whether the logs list every switch of the flow itself."""
    many_inputs: ClassVar[bool] = False
    """Whether :meth:`batch` takes the sheaves of many inputs."""

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
        TypeError
            If `sheaf` is no sheaf.
        """
        return self._integrate(sheaf, self._start(sheaf, c0), as_positive("t_end", t_end))

    @staticmethod
    def _start(sheaf: Sheaf, c0: ArrayLike) -> FloatArray:
        """Return the start of a run, or raise an error that names what is wrong."""
        if not isinstance(sheaf, Sheaf):
            raise TypeError(f"`sheaf` must be a Sheaf, as Sheaf(net, x) is, got {type(sheaf).__name__}")
        return sheaf.cochain(c0, "c0")

    @abstractmethod
    def _integrate(self, sheaf: Sheaf, c0: FloatArray, t_end: float) -> _Result:
        """Integrate from `c0`, shape ``(n,)`` and finite, to `t_end`, positive and finite."""

    def ensemble(
        self,
        sheaf: Sheaf | Network,
        starts: ArrayLike,
        t_end: float = 60.0,
        *,
        X: ArrayLike | None = None,
        product: bool = False,
        executor: Executor | None = None,
        chunk: int = 16_384,
        progress: bool = False,
    ) -> Ensemble:
        """Integrate from many starts: of one sheaf, or of one network with many inputs.

        Parameters
        ----------
        sheaf : Sheaf or Network
        starts : array_like, shape (m, n)
            A start for each run. With `X` the first for its first row, and so on; shape ``(n,)`` for one start of all.
        t_end : float
        X : array_like, shape (m, n_0), optional
            With a network: its inputs, one per row.
        product : bool
            Each start with each input: run ``i * len(starts) + k`` has row `i` of `X` and row `k` of `starts`.
        executor : concurrent.futures.Executor, optional
            Where the chunks run: a process pool, or a cluster's own. Here, one after the other, by default.
        chunk : int
            Starts advanced together; bounds the memory. Neither it nor the number of workers changes any digit.
        progress : bool
            Show a bar on stderr.

        Returns
        -------
        Ensemble
            One of a single run of :class:`~sheaflab.Exact` is that run, to the last digit.

        Raises
        ------
        ValueError
            If `starts` or `X` has another shape, no row or is not finite, their rows do not pair, `X` is missing with a
            network or given with a sheaf, `t_end` is not positive, or `chunk` not a positive whole number.
        TypeError
            If `sheaf` is neither a sheaf nor a network, or `executor` no executor.
        """
        sheaf, rows = paired(sheaf, starts, X, product)
        work = self._work(sheaf, len(rows))
        return self._collect(work, sheaf, rows, as_positive("t_end", t_end), executor, chunk, progress)

    def _work(self, sheaf: Sheaf, number: int) -> Work:
        """What runs a chunk of so many starts."""
        if number == 1:
            return self._alone
        return self._one_by_one if isinstance(sheaf, Sheaves) and not self.many_inputs else self.batch

    def _collect(
        self,
        work: Work,
        sheaf: Sheaf,
        rows: FloatArray,
        t_end: float,
        executor: Executor | None,
        chunk: int,
        progress: bool,
    ) -> Ensemble:
        if not (executor is None or hasattr(executor, "submit")):
            raise TypeError(f"`executor` must be a concurrent.futures.Executor or None, got {executor!r:.80}")
        return collect(
            work,
            sheaf,
            rows,
            t_end,
            certified=self.certified,
            executor=executor,
            chunk=as_count("chunk", chunk),
            progress=progress,
        )

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        """Run one chunk of an ensemble: here one run after the other; a scheme that can do all at once overrides it."""
        return self._one_by_one(sheaf, starts, t_end)

    def _one_by_one(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        batch = Batch(sheaf, len(starts), t_end)
        for k, c0 in enumerate(starts):
            traj = self.run(sheaf.of(k), c0, t_end)
            batch.add_run(k, traj.states[-1], traj.t_end, traj.outcome, events_of(sheaf, traj.log))
        return batch

    def _alone(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        """Run a chunk of one start."""
        return self.batch(sheaf.of(0), starts, t_end)
