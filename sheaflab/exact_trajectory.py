"""What an exact run leaves: the record of its engine, and what is computed from that when it is asked for."""

from __future__ import annotations

from functools import cached_property, partial
from typing import overload

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.certificate import Certificate, certify
from sheaflab.engine.dense import Dense, dense
from sheaflab.modes import CodeArray
from sheaflab.region import region_of
from sheaflab.results import Record
from sheaflab.sheaf import Sheaf
from sheaflab.switchlog import SwitchLog, switches_of
from sheaflab.trajectory import FlowPiece, FlowPieces, Piece, Recorded, Trajectory


class ExactTrajectory(Trajectory):
    """A trajectory of :class:`Exact`.

    Attributes
    ----------
    repelled : tuple of (int, int)
        Layers and neurons that started on a wall that repels to both sides. Filippov's solution is not unique there:
        these counted as inactive.

    Examples
    --------
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> bool(np.allclose(run.equilibrium, sheaf.forward_pass()))
    True
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

    @property
    def equilibrium(self) -> FloatArray | None:
        """Where the flow ends, shape ``(n,)``, or None as long as the run does not say for certain.

        It is the rest point of the last mode, once that is nearer than its margin
        (:attr:`sheaflab.ActivationRegion.margin`). With pinned coordinates several are possible, and the start decides.
        """
        if not self.outcome.complete:
            return None
        region = self.pieces[-1].region
        near = np.linalg.norm(self.states[-1] - region.equilibrium) < region.margin
        return region.equilibrium.copy() if near else None

    def certify(self, *, rigorous: bool = False) -> Certificate:
        """Check this trajectory independently of how it was made: see :func:`sheaflab.certificate.certify`."""
        return certify(self, rigorous=rigorous)


class Stretches(FlowPieces):
    """The pieces of an exact run, built when they are first read: of most runs only the log is."""

    def __init__(self, sheaf: Sheaf, record: Record) -> None:
        self._sheaf, self._record = sheaf, record

    def __reduce__(self) -> tuple[type[Stretches], tuple[Sheaf, Record]]:
        return Stretches, (self._sheaf, self._record)  # the rest follows from them, and is large

    @cached_property
    def dense(self) -> Dense:
        """The states inside the pieces."""
        return dense(self._sheaf, self._record)

    def recorded(self) -> Recorded | None:
        if "_pieces" in vars(self):
            return None
        return Recorded(self._sheaf, self._record.times, self._record.states, self.codes)

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


def trajectory_of(sheaf: Sheaf, record: Record, repelled: list[int]) -> ExactTrajectory:
    """Make a trajectory of an engine's record and of the neurons that start on a repelling wall."""
    times, states = np.array(record.times), np.array(record.states)
    log = SwitchLog(switches_of(sheaf, record.events), record.times[-1], certified=True)
    trajectory = ExactTrajectory(sheaf, times, states, Stretches(sheaf, record), log, record.outcome)
    trajectory.repelled = tuple(sheaf.place(i) for i in repelled)
    return trajectory
