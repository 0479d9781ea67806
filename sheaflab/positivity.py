r"""Prove that sums of exponentials stay positive on an interval, by other theorems than the engines use.

Two-sided bounds hold on an interval `[a, a + d]`, with :math:`M \ge |f''|` and :math:`J \ge |f'''|` there:

.. math::
   f &\ge \min(f(a), f(a + d)) - \tfrac18 M d^2 \\
   f &\ge \min(f(a),\ f(a) + f'(a) d - \tfrac12 M d^2) \quad\text{and the same from the right} \\
   f &\ge f(a) + f'(a) u + \tfrac12 u^2 (f''(a) - \tfrac13 J d), \qquad 0 \le u \le d

The first serves in the open, the second next to a wall just left or about to be met, the third next to a double root (a
neuron that has just stopped sliding). Intervals are halved until one of them holds for every event function.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import FloatArray

BAND = 32.0
"""A number beyond so many times its rounding is certainly not zero."""
_HALVINGS = 50
_MOST_INTERVALS = 200_000


def prove_positive(
    constant: FloatArray, terms: FloatArray, rates: FloatArray, length: float, noise: FloatArray
) -> tuple[int, float, bool] | None:
    """Return None if no function falls below -`noise` on [0, `length`], else (function, fraction, certainly)."""
    if not len(constant) or length == 0:
        return None
    size = np.abs(terms)
    edges = np.linspace(0.0, length, 17)
    a, d = edges[:-1], np.diff(edges)
    for _ in range(_HALVINGS):
        left, right = np.exp(-np.multiply.outer(rates, a)), np.exp(-np.multiply.outer(rates, a + d))
        f0, f1 = constant[:, None] + terms @ left, constant[:, None] + terms @ right
        low = np.minimum(f0, f1)
        if (low < -4 * BAND * noise[:, None]).any():
            e, j = divmod(int(np.argmin(low / noise[:, None])), low.shape[1])
            return e, float(a[j] + (d[j] if f1[e, j] < f0[e, j] else 0.0)) / length, True
        s0, s1 = -(terms * rates) @ left, -(terms * rates) @ right
        bend, jerk = (size * rates**2) @ left, (size * rates**3) @ left
        curve = (terms * rates**2) @ left
        bound = np.maximum(low - bend * d * d / 8, np.minimum(f0, f0 + s0 * d - 0.5 * bend * d * d))
        bound = np.maximum(bound, np.minimum(f1, f1 - s1 * d - 0.5 * bend * d * d))
        third = f0 + np.minimum(s0 * d, 0.0) + np.minimum(0.5 * d * d * (curve - jerk * d / 3), 0.0)
        bound = np.maximum(bound, third)
        again = (bound < -4 * noise[:, None]).any(axis=0)
        if not again.any():
            return None
        start = a
        if 2 * np.count_nonzero(again) > _MOST_INTERVALS:
            break
        a, d = a[again], 0.5 * d[again]
        a, d = np.concatenate([a, a + d]), np.concatenate([d, d])
    e, j = divmod(int(np.argmin(bound / noise[:, None])), bound.shape[1])
    return e, float(start[j]) / length, False
