"""One mode of the heat equation: an activation region, or a stretch of walls on which neurons slide."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import EPS, BoolArray, FloatArray, as_floats
from sheaflab.events.exponentials import first_roots
from sheaflab.modes import ACTIVE, SLIDING, Mode, mode_label
from sheaflab.sheaf import Sheaf, log_slope


class SingularValues(NamedTuple):
    """Singular values of a mode's coboundary, ascending, shape ``(k,)``, and its left singular vectors, ``(n, k)``."""

    values: FloatArray
    left: FloatArray


class Eigensystem(NamedTuple):
    r"""Eigenvalues of a mode's Laplacian, ascending, shape ``(k,)``, and its eigenvectors, the columns of ``(k, k)``.

    Where the square of the coboundary would lose the digits of the slow rates, both come from its singular values.
    Then the equilibrium is far away, and the distance of a state from it is computed as :math:`U^\top r / \sigma`
    rather than :math:`Q^\top (c - c^*)`: the residual keeps the digits of the state.
    """

    rates: FloatArray
    vectors: FloatArray
    singular: SingularValues | None = None


class ActivationRegion:
    r"""One affine law: the heat equation where no hidden neuron changes its mode.

    With no neuron sliding this is the region :math:`\{c : 1[z > 0] = \sigma\}` and the law is
    :math:`\dot c = -L(\sigma) c + \delta_\Omega(\sigma)^\top \tilde b`. A sliding neuron stays at :math:`z_i = 0`:
    its column leaves :math:`\delta_\Omega`, and the remaining coordinates obey the same law with the smaller matrix
    (Filippov's solution, unique because the velocity jumps in coordinate `i` alone).

    Parameters
    ----------
    sheaf : Sheaf
    pattern : array_like of 0/1, shape (h,)
        The activation pattern; entries of sliding neurons are ignored.
    sliding : iterable of int
        Hidden neurons (coordinates) that slide.

    Raises
    ------
    ValueError
        If the pattern has another length, or `sliding` names no hidden neuron or a pinned one.

    Notes
    -----
    A pinned coordinate does not move either. The pattern tells whether a pinned neuron's value is positive.

    Examples
    --------
    >>> from sheaflab import Network
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> region = ActivationRegion(sheaf, [1, 1, 1, 0])
    >>> region.laplacian.shape, round(region.rate, 6)
    ((5, 5), 0.288793)
    """

    def __init__(self, sheaf: Sheaf, pattern: ArrayLike, sliding: Iterable[int] = ()) -> None:
        self.sheaf = sheaf
        self.sliding = tuple(sorted({int(i) for i in sliding}))
        for i in self.sliding:
            if not 0 <= i < sheaf.h:
                raise ValueError(f"`sliding` must hold neurons between 0 and {sheaf.h - 1}, got {i}")
            if i in sheaf.held:
                raise ValueError(f"`sliding` must hold free neurons, got {i}, which is pinned")
        self.pattern: BoolArray = sheaf.as_pattern(pattern)
        self.pattern[list(self.sliding)] = False
        if sheaf.pinned:
            inner = sheaf.held[sheaf.held < sheaf.h]
            self.pattern[inner] = sheaf.pins.at[inner] > 0
        self._whole = not self.sliding and not sheaf.pinned
        self.pattern.setflags(write=False)

    def __reduce__(self) -> tuple[type[ActivationRegion], tuple[Sheaf, BoolArray, tuple[int, ...]]]:
        return ActivationRegion, (self.sheaf, self.pattern, self.sliding)  # the rest follows from them, and is large

    @cached_property
    def key(self) -> tuple[bytes, tuple[int, ...]]:
        """Hashable identity of the mode within one sheaf."""
        return self.pattern.tobytes(), self.sliding

    @cached_property
    def modes(self) -> tuple[Mode, ...]:
        """Mode of each hidden neuron, length `h`."""
        names: list[Mode] = ["active" if active else "inactive" for active in self.pattern]
        for i in self.sliding:
            names[i] = "sliding"
        return tuple(names)

    @cached_property
    def moving(self) -> BoolArray:
        """Which coordinates move, shape ``(n,)``: all but the sliding and the pinned ones."""
        mask = np.ones(self.sheaf.n, dtype=np.bool_)
        mask[list(self.sliding)] = False
        mask[self.sheaf.held] = False
        return mask

    # -- the affine law -------------------------------------------------------------------------------------------
    @cached_property
    def matrix(self) -> FloatArray:
        r""":math:`\delta_\Omega(\sigma)` without the sliding columns: shape ``(n, k)``, `k` coordinates move."""
        return self.sheaf.gated(self.pattern)[:, self.moving]

    @cached_property
    def laplacian(self) -> FloatArray:
        """Laplacian of the moving coordinates, symmetric positive definite."""
        return np.asarray(self.matrix.T @ self.matrix)

    @cached_property
    def _pull(self) -> FloatArray:
        return np.asarray(self.matrix.T @ self.sheaf.boundary_term)

    @cached_property
    def eigensystem(self) -> Eigensystem:
        """Eigenvalues and eigenvectors of the Laplacian."""
        rates, vectors = np.linalg.eigh(self.laplacian)
        if not rates.size or rates[0] >= 1e-9 * rates[-1]:
            return Eigensystem(rates, vectors)
        left, values, rows = np.linalg.svd(self.matrix, full_matrices=False)
        singular = SingularValues(values[::-1], np.ascontiguousarray(left[:, ::-1]))
        return Eigensystem(singular.values**2, np.ascontiguousarray(rows[::-1].T), singular)

    @property
    def spectrum(self) -> FloatArray:
        """Eigenvalues of the Laplacian, ascending; their unit is 1 / time."""
        return self.eigensystem.rates

    @property
    def rate(self) -> float:
        r"""Smallest eigenvalue: in this region :math:`\dot V \le -2\,\mathrm{rate}\,V` (Theorem 9.4).

        With pinned coordinates :math:`V` less its least value in the mode falls so. Infinite if nothing moves.
        """
        return float(self.eigensystem.rates.min(initial=np.inf))

    @cached_property
    def equilibrium(self) -> FloatArray:
        """Rest point of the affine law, shape ``(n,)``; it need not lie in the region. Zero where a neuron slides."""
        if self._whole:  # unit lower triangular: no digit is lost, however small the eigenvalues
            return np.asarray(np.linalg.solve(self.matrix, self.sheaf.boundary_term))
        rest = self.sheaf.pins.at.copy()
        # Least squares on the matrix, not a solve with its square: the condition number enters once.
        rest[self.moving] = np.linalg.lstsq(self.matrix, self.sheaf.boundary_term, rcond=1e-300)[0]
        return rest

    @cached_property
    def margin(self) -> float:
        r"""How far inside the mode its rest point lies; not positive where it does not.

        The distance of a state from the rest point does not grow within the mode. So a flow that comes nearer to it
        than the margin stays in the mode for ever, and the rest point is an equilibrium of the heat equation.
        """
        sheaf, c, free = self.sheaf, self.equilibrium, self.moving[: self.sheaf.h]
        room = np.where(self.pattern, c[: sheaf.h], -c[: sheaf.h])[free]
        if self.sliding:
            slid, delta = list(self.sliding), sheaf.gated(self.pattern)
            pulled = sheaf.pull[slid] @ delta - delta[slid]
            rows = np.concatenate([-delta[slid], -pulled])  # of f⁻ and -f⁺, both positive where a neuron slides
            drives = np.concatenate([sheaf.drive[slid], sheaf.pull[slid] @ sheaf.drive - sheaf.drive[slid]])
            heights, sizes = rows @ c + drives, np.linalg.norm(rows[:, self.moving], axis=1)
            with np.errstate(divide="ignore"):
                room = np.append(room, np.where(heights > 0, heights / sizes, np.minimum(heights, 0.0)))
        return float(room.min(initial=np.inf))

    def velocity(self, c: ArrayLike) -> FloatArray:
        """Return the affine law's velocity at `c`, shape ``(n,)``, whether `c` lies in the region or not."""
        vector = self.sheaf.cochain(c)
        if self._whole:
            return np.asarray(self._pull - self.laplacian @ vector)
        v = np.zeros(self.sheaf.n)
        v[self.moving] = self._pull - self.laplacian @ vector[self.moving]
        return v

    def euler(self, c: FloatArray, steps: FloatArray) -> FloatArray:
        """Return the states of Euler's scheme after each of `steps`, shape ``(k, n)``; nothing slides or is pinned."""
        # Most of a small network's step goes into calling numpy: `dot` is called sooner than `@`, and an array is
        # multiplied by one of its own shape sooner than by a number; the digits are the same.
        product, pull = self.laplacian.dot, self._pull
        subtract, multiply, add = np.subtract, np.multiply, np.add
        states = np.empty((len(steps), self.sheaf.n))
        lengths = np.repeat(steps[:, None], self.sheaf.n, axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            for row, h in zip(states, lengths, strict=True):  # row = c + h * (pull - matrix @ c)
                product(c, row)
                subtract(pull, row, row)
                multiply(row, h, row)
                c = add(c, row, row)
        return states

    def residual(self, c: ArrayLike) -> FloatArray:
        r"""Return :math:`\delta_\Omega c - \tilde b` of this mode, shape ``(n,)``."""
        return np.asarray(self.matrix @ self.sheaf.cochain(c)[self.moving] - self.sheaf.boundary_term)

    def slope(self, c: ArrayLike) -> float:
        r"""Return :math:`d(\log V)/dt = -\|\dot c\|^2 / V` at `c` under this mode's law (nan where V = 0)."""
        r, v = self.residual(c), self.velocity(c)
        energy = 0.5 * float(r @ r)
        return log_slope(float(v @ v), energy)

    def flow(self, c: ArrayLike, t: ArrayLike) -> FloatArray:
        r"""Follow the affine law from `c`: :math:`c^* + Q e^{-\Lambda t} Q^\top (c - c^*)`.

        Parameters
        ----------
        c : array_like, shape (n,)
        t : array_like, shape () or (k,)
            Times from `c` on.

        Returns
        -------
        ndarray, shape (n,) or (k, n)
        """
        times, start = as_floats("t", t), self.sheaf.cochain(c)
        values, vectors, singular = self.eigensystem
        # Measured from c, not from the equilibrium, so that the start is met to the last digit:
        # expm1 is accurate for small moves and v / λ is safe because λ > 0.
        if singular is None:
            v = self.velocity(start)
            to_go = -(vectors.T @ (v if self._whole else v[self.moving])) / values
        else:
            to_go = singular.left.T @ self.residual(start) / singular.values
        moved = (np.expm1(-np.multiply.outer(times, values)) * to_go) @ vectors.T
        if self._whole:
            return np.asarray(start + moved)
        result = np.broadcast_to(start, (*times.shape, self.sheaf.n)).copy()
        result[..., self.moving] += moved
        return result

    def first_exit(self, c: ArrayLike, horizon: float = float("inf")) -> tuple[float, tuple[int, ...]] | None:
        """Return when the affine law first takes `c` through a wall of the region, and which neurons cross it.

        The first event is certified (:mod:`sheaflab.events.exponentials`). A neuron that starts on its wall and moves
        inwards has left it; whether sliding neurons go on sliding is not examined.

        Parameters
        ----------
        c : array_like, shape (n,)
            In the region or on its boundary.
        horizon : float
            Last time of interest.

        Returns
        -------
        (float, tuple of int) or None
            Time and neurons; None if `c` stays in the region up to `horizon`.
        """
        vector, h = self.sheaf.cochain(c), self.sheaf.h
        rates, vectors, _ = self.eigensystem
        motion = np.zeros((self.sheaf.n, len(rates)))
        motion[self.moving] = vectors * (vectors.T @ (vector - self.equilibrium)[self.moving])
        free = np.flatnonzero(self.moving[:h])
        side = np.where(self.pattern[free], 1.0, -1.0)
        times = first_roots(
            side * self.equilibrium[free],
            np.ascontiguousarray((side[:, None] * motion[free]).T),
            rates[:, None],
            side * vector[free],
            np.array([horizon]),
            order=(vector[free] == 0).astype(np.int64),
            floor=4 * EPS * float(np.abs(self.equilibrium).max()),
        )
        first = float(times.min(initial=np.inf))
        if first == np.inf:
            return None
        return first, tuple(int(i) for i in free[times <= first * (1 + 4 * EPS)])

    def contains(self, c: ArrayLike) -> bool:
        """Tell whether `c` has this mode's pattern, sliding neurons at zero."""
        z = self.sheaf.cochain(c)[: self.sheaf.h]
        moves = self.moving[: self.sheaf.h]
        return bool(np.array_equal((z > 0)[moves], self.pattern[moves]) and not z[list(self.sliding)].any())

    def __repr__(self) -> str:
        return f"ActivationRegion({mode_label(self.modes)})"


def region_of(sheaf: Sheaf, modes: bytes) -> ActivationRegion:
    """Return the region of a mode vector given as codes, one byte per hidden neuron."""
    codes = np.frombuffer(modes, dtype=np.int8)
    return ActivationRegion(sheaf, codes == ACTIVE, np.flatnonzero(codes == SLIDING))
