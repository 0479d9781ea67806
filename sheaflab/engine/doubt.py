"""How much more than its rounding a neuron's event functions are taken to be uncertain: a factor of its own.

A neuron that meets its wall and stays in its mode, or switches again before time has passed, does so by rounding. More
uncertainty is then assumed, so that the run goes on: of that neuron alone, for what is known of the others has not
become less certain. One factor for all would hide their events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sheaflab.arrays import FloatArray

Blur = float | FloatArray
"""Factors of all hidden neurons, shape ``(h,)`` or ``(h, m)``; as long as nobody is in doubt, the number 1."""


def doubted(blur: Blur, who: Iterable[int], h: int) -> FloatArray:
    """Return the factors after neurons `who` have met their walls by rounding."""
    more = np.full(h, blur)
    more[list(who)] *= 4.0
    return more


def blur_of(blur: Blur, who: Any) -> Any:
    """Return the factor of neuron `who`, or, by an index of several, theirs."""
    return blur if isinstance(blur, float) else blur[who]
