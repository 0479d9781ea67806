"""How much more than its rounding a neuron's event functions are taken to be uncertain: a factor of its own.

A neuron that meets its wall and stays in its mode, or switches again before time has passed, does so by rounding. More
uncertainty is then assumed, so that the run goes on: of that neuron alone, for what is known of the others has not
become less certain. One factor for all would hide their events.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sheaflab.arrays import FloatArray

Blur = float | FloatArray
"""Factors of all hidden neurons, shape ``(h,)``; as long as nobody is in doubt, the number 1."""


def doubted(blur: Blur, who: Iterable[int], h: int) -> FloatArray:
    """Return the factors after neurons `who` have met their walls by rounding."""
    more = np.full(h, blur)
    more[list(who)] *= 4.0
    return more
