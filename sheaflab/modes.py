r"""Modes of a hidden neuron, and Filippov's rule: which one follows at a wall.

At its wall a neuron has the speed :math:`f^-` on the inactive side and :math:`f^+` on the active one. If both point the
same way, the trajectory crosses; if both point to the wall, it slides along it (Filippov 1988, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import BoolArray, FloatArray

Mode = Literal["inactive", "active", "sliding"]
MODES: tuple[Mode, ...] = ("inactive", "active", "sliding")
"""Names of the modes, in the order of their codes."""

INACTIVE, ACTIVE, SLIDING = range(3)
CodeArray = NDArray[np.int8]
_MARKS = dict(zip(MODES, "01~", strict=True))


def mode_label(modes: Sequence[Mode]) -> str:
    """Return a mode vector as text: 1 active, 0 inactive, ~ sliding."""
    return "".join(_MARKS[mode] for mode in modes)


def settle(before: int, down: float, up: float, rises: bool) -> int:
    r"""Return the mode of a neuron after an event at its wall, by Filippov's rule.

    Parameters
    ----------
    before : int
        The mode until the event.
    down, up : float
        :math:`f^-` and :math:`f^+`, the neuron's speeds on the inactive and on the active side.
    rises : bool
        For a sliding neuron, to which side it leaves: its event is that one of the two speeds vanishes.

    Notes
    -----
    The side from which the wall was reached determines one sign for certain, so only the other speed is used: rounding
    cannot make a wall repel.
    """
    if before == INACTIVE:
        return INACTIVE if down <= 0 else ACTIVE if up > 0 else SLIDING
    if before == ACTIVE:
        return ACTIVE if up >= 0 else INACTIVE if down <= 0 else SLIDING
    return ACTIVE if rises else INACTIVE


_SIGNS = (0, 1, -1)  # so that a sign is its own index
_SETTLED: CodeArray = np.array(
    [
        [[[settle(before, down, up, rises) for up in _SIGNS] for down in _SIGNS] for rises in (False, True)]
        for before in (INACTIVE, ACTIVE, SLIDING)
    ],
    dtype=np.int8,
)


def settle_many(before: CodeArray, down: FloatArray, up: FloatArray, rises: BoolArray | bool) -> CodeArray:
    """Do what :func:`settle` does for each entry of arrays of shape ``(k,)``."""
    signs = (np.sign(speed).astype(np.int8) for speed in (down, up))
    return np.asarray(_SETTLED[before, np.asarray(rises, dtype=np.int8), *signs])
