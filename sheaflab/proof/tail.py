r"""When no wall can be reached any more.

In the mode of the forward pass :math:`c^*` a state obeys :math:`c - c^* \to e^{-Lt}(c - c^*)`. Two tests, each for
all later times:

- :math:`\|c - c^*\| < \min_i |z_i^*|`, for the norm does not grow;
- with approximate eigenvectors `Q` and rates :math:`\lambda_k`, :math:`y = Q^\top (c - c^*)`,
  :math:`|z_i(t) - z_i^*| \le \sum_k |q_{ik} y_k| + \|d - Q y\| + \|L Q - Q \Lambda\|\,\|y\| / \lambda_1` (Duhamel's
  formula), which has to be less than :math:`|z_i^*|` for every `i`; or, where it is not, the same with each term
  :math:`q_{ik} y_k e^{-\lambda_k t}` at the end of a stretch of time if it helps and at its start if it does not, on
  stretches that grow with `t`.

With pinned coordinates there is no mode in which every flow ends. There the same is asked of the last mode's own rest
point and of all event functions, those of sliding neurons included: each has to be positive at the rest point and to
stay so within the distance, by the norm of its row. A candidate :math:`\hat c` for the rest point is within
:math:`\|\delta^\top r(\hat c)\| / \lambda_1` of it.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.proof.law import Law, gamma, norm, norm_bound
from sheaflab.proof.series import Mode

_DENSE = 1400
_FEW = 64  # functions whose terms are looked at in time
_TIMES = 1.1 ** np.arange(160) - 1.0  # in units of the shortest time scale; the last stretch has no end


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
        self.signs: FloatArray | None = np.sign(hidden)
        self.codes = [int(v > 0) for v in hidden.tolist()]
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
        if off < self.room.min(initial=np.inf):
            return True
        if not look or self.law.n > _DENSE or self.room.min(initial=np.inf) <= 0:
            return False
        y, loss = self._along(d)
        vectors = self._of(self._system()[1])
        sizes = np.abs(vectors) @ np.abs(y)
        open_ = np.flatnonzero(~((sizes + loss + size) * (1 + 1e-9) < self.room))
        if not open_.size or self.signs is None or open_.size > _FEW:
            return not open_.size
        terms = self.signs[open_, None] * vectors[open_] * y
        decays = np.zeros((len(y), len(_TIMES) + 1))
        decays[:, :-1] = np.exp(-np.outer(self._system()[0], _TIMES / self.law.fastest))
        low = np.maximum(terms, 0.0) @ decays[:, 1:] + np.minimum(terms, 0.0) @ decays[:, :-1]
        needed = (loss + size) * (1 + 1e-9) + 1e-12 * sizes[open_]
        return bool(np.all(self.room[open_] + low.min(axis=1) > needed))

    def _of(self, vectors: FloatArray) -> FloatArray:
        """What the event functions make of columns of differences."""
        return vectors[: self.law.h]

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
            law, mode, moving = self.law, self.mode, np.flatnonzero(self.mode.moving)
            r = mode.delta(np.eye(law.n)[:, moving])
            laplacian = -mode.minus_transposed(r, law.up(r))[moving]
            rates, inner = np.linalg.eigh(0.5 * (laplacian + laplacian.T))
            off = laplacian @ inner - inner * rates
            rounding = (law.sums + law.pulls + gamma(law.n + 2)) * law.bulk**2 * np.sqrt(law.n)
            skew = norm_bound(inner.T @ inner - np.eye(moving.size)) + gamma(law.n) * law.n
            vectors = np.zeros((law.n, moving.size))
            vectors[moving] = inner
            self._eigen = rates, vectors, float(np.linalg.norm(off)) + rounding, skew
        return self._eigen


class Settled(Tail):
    """The same for the rest point of a mode with pinned coordinates, and sliding neurons."""

    def __init__(self, law: Law, mode: Mode) -> None:
        self.law, self.mode, self.modes, self._eigen, self.signs = law, mode, mode.modes, None, None
        self.rest, self.far = law.sheaf.pins.at.copy(), np.inf
        self.rows, self.room = np.zeros((0, law.n)), np.array([-np.inf])
        moving = np.flatnonzero(mode.moving)
        if law.n > _DENSE or not moving.size:
            return
        rates, _, residual, skew = self._system()
        slowest = float(rates[0] - 2.0 * (residual + skew * rates[-1]) * (1.0 + 2.0 * skew))
        if slowest <= 0:
            return
        matrix = mode.delta(np.eye(law.n)[:, moving])
        self.rest[moving] = np.linalg.lstsq(matrix, law.drive - law.sheaf.pins.at, rcond=None)[0]
        for _ in range(2):  # the second time to see how good the first correction is
            r, wrong = law.residual(self.rest, mode.gate)
            g, wrong_pull = law.pulled(r, wrong)
            v = mode.minus_transposed(r, g)
            if not self.far < np.inf:
                self.rest[moving] += np.linalg.lstsq(matrix.T @ matrix, v[moving], rcond=None)[0]
                self.far = 0.0
        speed = norm(v) + norm(wrong) + norm(wrong_pull + EPS * (np.abs(r[: law.h]) + np.abs(g)))
        self.far = speed / slowest * (1 + 1e-9)
        self._place(r, g, wrong[: law.h], wrong_pull)

    def _place(self, r: FloatArray, g: FloatArray, wrong: FloatArray, wrong_pull: FloatArray) -> None:
        """How far the event functions are from 0 at rest, and their rows, each divided by its norm."""
        law, mode, identity = self.law, self.mode, np.eye(self.law.n)
        slid = mode.slid
        down = mode.delta(identity)[slid]
        up = law.sheaf.pull[slid] @ mode.delta(identity) - down
        rows = np.concatenate([mode.side[:, None] * identity[mode.free], -down, -up]) * mode.moving
        heights = np.concatenate([mode.side * self.rest[mode.free], -r[slid], r[slid] - g[slid]])
        slack = np.concatenate([np.zeros(mode.free.size), wrong[slid], wrong[slid] + wrong_pull[slid]])
        slack += 4 * EPS * np.abs(heights)
        wrong_rows = (law.sums + law.pulls + gamma(2 * law.n)) * law.bulk**2
        sizes = np.sqrt(np.square(rows).sum(axis=1)) * (1 + 1e-9) + wrong_rows * np.sqrt(law.n)
        self.rows, self.room = rows / sizes[:, None], (heights - slack) / sizes - self.far
        self.wrong_rows = wrong_rows / sizes[:, None]
        # Neurons that obey z' = -z keep their sign whatever happens.
        self.room[: mode.free.size][(mode.silent[: law.h] & ~mode.active)[mode.free]] = np.inf

    def _of(self, vectors: FloatArray) -> FloatArray:
        return np.asarray(np.abs(self.rows @ vectors) + self.wrong_rows)
