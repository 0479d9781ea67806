"""Whether a log's energies and slopes are those of the states at its switches."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.proof.weights import ACTIVE, SLIDING, CodeArray, squares
from sheaflab.sheaf import log_slope
from sheaflab.trajectory import Trajectory


def wrong_numbers(
    trajectory: Trajectory, joints: dict[int, int], codes: CodeArray, r: FloatArray, sizes: list[float]
) -> Iterator[int]:
    """Yield the places in the log of entries whose numbers are not those of the states.

    Parameters
    ----------
    trajectory : Trajectory
    joints : dict of int
        The joint between pieces, from 1, of each entry.
    codes : ndarray of int8, shape (K, h)
        Modes of the pieces.
    r : ndarray, shape (K - 1, n)
        Residuals at the joints.
    sizes : list of float
        What the states there are known to.
    """
    sheaf = trajectory.sheaf
    energies = [0.5 * square for square in squares(r)]
    both = np.concatenate([codes[:-1], codes[1:]])  # before and after, one below the other
    v = sheaf.velocity_of(np.concatenate([r, r]), both == ACTIVE)
    v[:, : sheaf.h][both == SLIDING] = 0.0
    speeds = squares(v)
    for i, s in enumerate(trajectory.log):
        k = joints[i] - 1
        energy, size, root = energies[k], sizes[k], max(math.sqrt(energies[k]), 1e-300)
        slack = 1e-7 + 8 * sheaf.gain * size / root
        wrong = _apart(s.energy, energy, slack * energy)
        for told, speed in ((s.slope_before, speeds[k]), (s.slope_after, speeds[k + len(r)])):
            slope = log_slope(speed, energy)
            steep = abs(slope)
            within = slack + 8 * sheaf.gain**2 * size / max(root * math.sqrt(steep), 1e-300)
            wrong |= _apart(told, slope, within * steep)
        if wrong:
            yield i


def _apart(told: float, known: float, within: float) -> bool:
    """Whether what is told is not near what is known, nan included; where that is nan itself, nothing can be said."""
    return not (abs(told - known) <= within or math.isnan(known) or math.isnan(within))
