"""The exact scheme: no time step, every switch located and certified, sliding as a mode of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import ClassVar, Literal, get_args, overload

import numpy as np

from sheaflab.arrays import FloatArray, as_positive
from sheaflab.certificate import Certificate, certify
from sheaflab.engine import eigenbasis, shallow, shallow_batch, spectral, taylor, taylor_batch
from sheaflab.engine.dense import Dense, dense, has_formula
from sheaflab.modes import CodeArray
from sheaflab.region import region_of
from sheaflab.results import Batch, Record
from sheaflab.schemes.scheme import Scheme
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import SwitchLog, switches_of
from sheaflab.trajectory import FlowPiece, Piece, Trajectory
from sheaflab.walls import Walls

Method = Literal["auto", "closed", "taylor"]
_CONDITION = 1e10
_SIZES = 1e-150, 1e150


class ExactTrajectory(Trajectory):
    """A trajectory of :class:`Exact`.

    Attributes
    ----------
    repelled : tuple of (int, int)
        Layers and neurons that started on a wall that repels to both sides. Filippov's solution is not unique there:
        these counted as inactive.
    """

    pieces: Stretches
    repelled: tuple[tuple[int, int], ...] = ()

    @cached_property
    def _starts(self) -> FloatArray:
        return self.times[:-1]

    @cached_property
    def _codes(self) -> CodeArray:
        return self.pieces.codes

    def _inside(self, k: int, times: FloatArray) -> FloatArray:
        return self.pieces.dense.states(k, times)

    def certify(self, *, rigorous: bool = False) -> Certificate:
        """Check this trajectory independently of how it was made: see :func:`sheaflab.certificate.certify`."""
        return certify(self, rigorous=rigorous)


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
        If `method` is unknown or `max_events` not positive; from :meth:`run` also if the rates of a mode lie so many
        decades apart that double precision, or a forced closed form, cannot hold them at once.
    """

    certified: ClassVar[bool] = True

    def __init__(self, method: Method = "auto", *, max_events: int = 100_000) -> None:
        if method not in get_args(Method):
            raise ValueError(f"`method` must be one of {', '.join(get_args(Method))}, got {method!r}")
        self.method = method
        self.max_events = int(as_positive("max_events", max_events))

    def _integrate(self, sheaf: Sheaf, c0: FloatArray, t_end: float) -> ExactTrajectory:
        return _trajectory(sheaf, *self._follow(sheaf, c0, t_end))

    def _follow(self, sheaf: Sheaf, c0: FloatArray, t_end: float) -> tuple[Record, list[int]]:
        _check_size(sheaf, c0, "c0")
        if self.method != "taylor" and has_formula(sheaf):
            return shallow.run(sheaf, c0, t_end, self.max_events)
        _check_rates(sheaf)
        if self.method == "closed":
            return spectral.run(sheaf, c0, t_end, self.max_events)
        return taylor.run(sheaf, c0, t_end, self.max_events)

    def batch(self, sheaf: Sheaf, starts: FloatArray, t_end: float) -> Batch:
        _check_size(sheaf, starts, "starts")
        if self.method != "taylor" and has_formula(sheaf):
            return shallow_batch.run(sheaf, starts, t_end, self.max_events)
        _check_rates(sheaf)
        if self.method != "closed":
            return taylor_batch.run(sheaf, starts, t_end, self.max_events)
        batch = Batch(sheaf, len(starts), t_end)
        for k, c0 in enumerate(starts):
            record, repelled = spectral.run(sheaf, c0, t_end, self.max_events)
            batch.add_run(k, record.states[-1], record.times[-1], record.outcome, record.events)
            batch.repelled[k] = bool(repelled)
        return batch

    def __repr__(self) -> str:
        return "Exact()" if self.method == "auto" else f"Exact(method={self.method!r})"


def _check_rates(sheaf: Sheaf) -> None:
    """Refuse a network whose last mode, where flows end, loses its slow rates in the rounding of the fast ones."""
    if (condition := sheaf.shared(_last_condition)) > _CONDITION:
        raise ValueError(
            f"`net` must have a coboundary of condition at most {_CONDITION:g}, got {condition:.3g} in the mode of the "
            "forward pass: its rates lie the square of that apart, and the slow ones are lost in rounding"
        )


def _last_condition(sheaf: Sheaf) -> float:
    return sheaf.condition(sheaf.shared(eigenbasis.Home).codes > 0)


def _check_size(sheaf: Sheaf, starts: FloatArray, name: str) -> None:
    """Refuse numbers whose squares overflow or vanish: an energy would be infinite, or 0 away from the equilibrium."""
    driven, squares = sheaf.shared(Walls).drive, float(np.vdot(starts, starts))
    if squares < 1e200 and (squares > 1e-200 or driven > 1e-100) and driven < 1e100 and sheaf.gain < 1e20:
        return
    largest = float(np.abs(starts).max())
    if largest > _SIZES[1] or driven > _SIZES[1]:
        where, size = (name, largest) if largest > _SIZES[1] else ("x` or the biases of `net", driven)
        raise ValueError(f"`{where}` must give numbers up to {_SIZES[1]:g}, got {size:.3g}; choose another unit")
    if 0 < max(largest, driven) < _SIZES[0]:
        raise ValueError(
            f"`{name}` must reach {_SIZES[0]:g} where the biases do not, got {largest:.3g}; choose another unit"
        )
    if not np.isfinite(top := sheaf.gain**4 * max(largest, driven) ** 2 * sheaf.n):
        raise ValueError(f"`net` must have weights with which energies are finite: they reach {top} with this `{name}`")


class Stretches(Sequence[Piece]):
    """The pieces of an exact run, built when they are first read: of most runs only the log is."""

    def __init__(self, sheaf: Sheaf, record: Record) -> None:
        self._sheaf, self._record = sheaf, record

    def __reduce__(self) -> tuple[type[Stretches], tuple[Sheaf, Record]]:
        return Stretches, (self._sheaf, self._record)  # the rest follows from them, and is large

    @cached_property
    def dense(self) -> Dense:
        """The states inside the pieces."""
        return dense(self._sheaf, self._record)

    @property
    def codes(self) -> CodeArray:
        """Modes of each piece, shape ``(pieces, h)``."""
        return np.frombuffer(b"".join(self._record.modes), dtype=np.int8).reshape(len(self), self._sheaf.h)

    @cached_property
    def _pieces(self) -> tuple[Piece, ...]:
        record = self._record
        regions = {modes: region_of(self._sheaf, modes) for modes in record.modes}
        stretches = enumerate(zip(record.modes, record.times, record.times[1:], record.states, strict=False))
        return tuple(
            FlowPiece(regions[modes], start, end, state, partial(self.dense.states, k))
            for k, (modes, start, end, state) in stretches
        )

    def __len__(self) -> int:
        return len(self._record.modes)

    @overload
    def __getitem__(self, k: int) -> Piece: ...
    @overload
    def __getitem__(self, k: slice) -> tuple[Piece, ...]: ...
    def __getitem__(self, k: int | slice) -> Piece | tuple[Piece, ...]:
        return self._pieces[k]


def _trajectory(sheaf: Sheaf, record: Record, repelled: list[int]) -> ExactTrajectory:
    times, states = np.array(record.times), np.array(record.states)
    log = SwitchLog(switches_of(sheaf, record.events), record.times[-1], certified=True)
    trajectory = ExactTrajectory(sheaf, times, states, Stretches(sheaf, record), log, record.outcome)
    trajectory.repelled = tuple(sheaf.place(i) for i in repelled)
    return trajectory
