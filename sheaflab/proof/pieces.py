"""Whether the pieces of a trajectory are the flow of its own sheaf between its own states, and in which modes."""

from __future__ import annotations

from operator import lt

import numpy as np

from sheaflab.proof.positivity import Refutation
from sheaflab.proof.weights import ACTIVE, SLIDING, CodeArray
from sheaflab.trajectory import FlowPiece, FlowPieces, Recorded, Trajectory


def codes_of(trajectory: Trajectory) -> CodeArray:
    """Return the modes of the pieces, shape ``(K, h)``.

    Raises
    ------
    Refutation
        If the pieces do not follow each other without a gap, at the trajectory's own times and states.
    """
    pieces, times, sheaf = trajectory.pieces, trajectory.times, trajectory.sheaf
    # Pieces that nobody has read yet need not be built: what they will be made of is looked at in their place.
    recorded = pieces.recorded() if isinstance(pieces, FlowPieces) and not sheaf.pinned else None
    if recorded is not None:
        joints, starts = recorded.times, recorded.times[:-1]
    else:
        joints = [pieces[0].start, *(piece.end for piece in pieces)] if pieces else []
        starts = [piece.start for piece in pieces]
    told = len(pieces) if recorded is None else len(recorded.codes)
    if told != len(starts) or not told or joints[0] != 0 or starts != joints[:-1] or times.tolist() != joints:
        raise Refutation("the pieces do not cover the run from 0 to its end without a gap, at its own times")
    if any(map(lt, joints[1:], joints)) or not np.isfinite(trajectory.states).all():
        raise Refutation("times must not fall and states must be finite")
    if not (_flows(trajectory) if recorded is None else _will_flow(trajectory, recorded)):
        raise Refutation("the pieces are not the flow of the trajectory's sheaf from its own states")
    if recorded is not None:
        return recorded.codes
    codes: CodeArray = np.zeros((len(pieces), sheaf.h), dtype=np.int8)
    for row, piece in zip(codes, pieces, strict=True):
        row[piece.region.pattern] = ACTIVE
        row[list(piece.region.sliding)] = SLIDING
    return codes


def _flows(trajectory: Trajectory) -> bool:
    return all(
        isinstance(piece, FlowPiece) and piece.region.sheaf is trajectory.sheaf and np.array_equal(piece.state, c)
        for piece, c in zip(trajectory.pieces, trajectory.states, strict=False)
    )


def _will_flow(trajectory: Trajectory, recorded: Recorded) -> bool:
    number = len(recorded.codes)
    same = np.array_equal(np.array(recorded.states[:number]), trajectory.states[:number])
    return same and recorded.sheaf is trajectory.sheaf
