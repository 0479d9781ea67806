r"""When no wall can be reached any more.

In the mode of the forward pass :math:`c^*` a state obeys :math:`c - c^* \to e^{-Lt}(c - c^*)`. Two tests, each for
all later times:

- :math:`\|c - c^*\| < \min_i |z_i^*|`, for the norm does not grow;
- with approximate eigenvectors `Q` and rates :math:`\lambda_k`, :math:`y = Q^\top (c - c^*)`,
  :math:`|z_i(t) - z_i^*| \le \sum_k |q_{ik} y_k| + \|d - Q y\| + \|L Q - Q \Lambda\|\,\|y\| / \lambda_1` (Duhamel's
  formula), which has to be less than :math:`|z_i^*|` for every `i`.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.proof.law import Law, gamma, norm, norm_bound
from sheaflab.proof.series import Mode

_DENSE = 1400


class Tail:
    """The forward pass with its error, and whether a state provably stays in its mode."""

    def __init__(self, law: Law) -> None:
        self.law = law
        z = law.drive + law.rest
        wrong = 2.3e-16 * np.abs(z)
        for w, size, before, after in law.layers:
            fed = np.maximum(z[before], 0.0)
            z[after] += w @ fed
            wrong[after] += size @ wrong[before] + law.sums * (size @ fed + np.abs(law.drive[after]))
        self.rest, self.wrong = z, wrong * (1 + 1e-9) + 1e-300
        hidden = z[: law.h]
        self.modes = tuple("active" if v > 0 else "inactive" for v in hidden)
        mode = Mode(law, self.modes)
        # Neurons that obey z' = -z keep their sign whatever happens.
        self.room = np.where(mode.silent[: law.h] & ~mode.active, np.inf, np.abs(hidden) - self.wrong[: law.h])
        self.mode = mode
        self._eigen: tuple[FloatArray, FloatArray, float, float] | None = None
        self.far = norm(self.wrong)

    def holds(self, c: FloatArray, size: float, look: bool) -> bool:
        """Whether all states within `size` of `c` stay in the mode for ever; with `look` by eigenvectors too."""
        d = c - self.rest
        off = norm(d) + self.far + size
        if off < self.room.min():
            return True
        if not look or self.law.n > _DENSE or self.room.min() <= 0:
            return False
        y, loss = self._along(d)
        reach = np.abs(self._system()[1][: self.law.h]) @ np.abs(y)
        return bool(np.all((reach + loss + size) * (1 + 1e-9) < self.room))

    def at(self, c: FloatArray, t: float) -> tuple[FloatArray, float]:
        """Where the mode takes `c` in a time `t`, and a bound of the error."""
        rates, vectors, _, _ = self._system()
        y, loss = self._along(c - self.rest)
        return self.rest + vectors @ (np.exp(-rates * t) * y), loss

    def _along(self, d: FloatArray) -> tuple[FloatArray, float]:
        """A difference from rest by eigenvectors, and a bound of what is wrong with that at all later times."""
        rates, vectors, residual, skew = self._system()
        y = vectors.T @ d
        loss = norm(d - vectors @ y) + gamma(2 * self.law.n) * (1 + skew) * norm(d) * np.sqrt(self.law.n)
        return y, float(loss + (residual * norm(y) / rates[0] if rates[0] > 0 else np.inf) + self.far)

    def _system(self) -> tuple[FloatArray, FloatArray, float, float]:
        if self._eigen is None:
            law, mode = self.law, self.mode
            identity = np.eye(law.n)
            r = mode.delta(identity)
            laplacian = -mode.minus_transposed(r, law.up(r))
            rates, vectors = np.linalg.eigh(0.5 * (laplacian + laplacian.T))
            off = laplacian @ vectors - vectors * rates
            rounding = (law.sums + law.pulls + gamma(law.n + 2)) * law.bulk**2 * np.sqrt(law.n)
            skew = norm_bound(vectors.T @ vectors - identity) + gamma(law.n) * law.n
            self._eigen = rates, vectors, float(np.linalg.norm(off)) + rounding, skew
        return self._eigen
