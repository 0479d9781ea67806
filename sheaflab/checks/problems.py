"""Small problems with numbers that can be followed by hand, shared by the visible checks."""

from __future__ import annotations

import numpy as np

from sheaflab.network import Network
from sheaflab.sheaf import Sheaf

NET = Network(
    weights=[[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]], [[1.0, -2.0, 0.5, 1.0]]],
    biases=[[0.5, 0.0, 0.0, -1.0], [0.25]],
)
X = np.array([1.0, -1.0])
SHEAF = Sheaf(NET, X)  # forward pass: z = (1.5, -1, 0, 1), output 2.75
SLIDER = Sheaf(Network([[[1.0]], [[2.0]]]), [1.0])  # one hidden neuron; on its wall f⁻ = 1 and f⁺ = 1 + 2 r²
DEEP = Network(weights=[[[1.0, 1.0], [0.0, -1.0]], [[1.0, 2.0], [-1.0, 1.0]], [[2.0, -1.0]]])
STATE = np.array([1.0, -1.0, 2.0, 0.5, 1.0])


def given(*names: str) -> str:
    """Return the line that fetches some of these problems, for a student who wants to repeat a call."""
    return f"from {__name__} import {', '.join(names)}"
