"""The cellular sheaf of a network with a pinned input: coboundary, Laplacian, Dirichlet energy, heat equation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import BoolArray, FloatArray, IntArray, as_vector, mapped
from sheaflab.boundary import Pinned, absorb
from sheaflab.cochains import Cochains
from sheaflab.network import Network

T = TypeVar("T")


def log_slope(speed_squared: float, energy: float) -> float:
    r"""Return :math:`d(\log V)/dt = -\|\dot c\|^2 / V` of the heat equation, nan where :math:`V = 0`."""
    return -speed_squared / energy if energy > 0 else math.nan


def log_slopes(speeds_squared: FloatArray, energies: FloatArray) -> FloatArray:
    """Do what :func:`log_slope` does for each entry of arrays of shape ``(m,)``."""
    slopes = np.full(energies.shape, np.nan)
    np.divide(-speeds_squared, energies, out=slopes, where=energies > 0)
    return slopes


class Sheaf(Cochains):
    r"""A network read as a cellular sheaf on a path, its input `x` pinned, and neurons or outputs on demand.

    Vertices are the layers, with stalks :math:`\mathbb R^{n_\ell}`; the edge from layer :math:`\ell-1` to
    :math:`\ell` has stalk :math:`\mathbb R^{n_\ell}` and restriction maps :math:`W^\ell \Sigma^{\ell-1}` and
    :math:`I`. A free cochain `c` is the vector ``(z^1, ..., z^L)`` of shape ``(n,)``: hidden layers in order, then
    the output. An activation pattern is a 0/1 vector of shape ``(h,)``, 1 where a hidden neuron is active.

    A pinned coordinate has its value for ever. It keeps its entry in cochains, where what is given for it is replaced
    by its value; its column leaves :math:`\delta_\Omega`, its velocity is 0, and it never switches.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n_0,)
        The pinned input.
    pinned : mapping of (int, int) to float, optional
        Values of hidden neurons and outputs that are pinned too, by layer from 1 and neuron in the layer from 0.

    Attributes
    ----------
    n, h : int
        Coordinates of a cochain, and hidden neurons among them, pinned ones included.
    pinned : mapping of (int, int) to float
    held : ndarray of int, shape (p,)
        The coordinates of pinned neurons and outputs, ascending.

    Raises
    ------
    ValueError
        If `x` has another shape or is not finite, or `pinned` names no hidden neuron or output, all coordinates, or a
        value that is not finite.
    TypeError
        If `net` is no network or `pinned` no such mapping.

    References
    ----------
    Bosca & Ghrist, *Neural Networks as Local-to-Global Computations*, arXiv:2603.14831, section 3.
    """

    def __init__(self, net: Network, x: ArrayLike, pinned: Pinned | None = None) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"`net` must be a Network, got {type(net).__name__}")
        super().__init__(net, pinned)
        self.x = as_vector("x", x, net.widths[0])
        self.x.setflags(write=False)
        weights, self.drive = absorb(net, self.x, self.pins)
        self.layers = list(zip(weights, self._blocks[:-1], self._blocks[1:], strict=True))
        """Weight matrices after the first, pinned columns 0, with the coordinates they read and those they drive."""
        self._shared: dict[Callable[[Sheaf], Any], Any] = {}

    def __reduce__(self) -> tuple[type[Sheaf], tuple[Any, ...]]:
        return Sheaf, (self.net, self.x, dict(self.pinned))  # the rest follows from them

    def shared(self, build: Callable[[Sheaf], T]) -> T:
        """Return ``build(self)``, computed at the first call and kept as long as this sheaf: all its runs share it."""
        if build not in self._shared:
            self._shared[build] = build(self)
        result: T = self._shared[build]
        return result

    def of(self, k: int) -> Sheaf:
        """Return the sheaf of run `k` of an ensemble: this one, for each."""
        return self

    def part(self, rows: slice | IntArray) -> Sheaf:
        """Return what the runs `rows` of an ensemble need of it: all."""
        return self

    # -- operators ------------------------------------------------------------------------------------------------
    def coboundary(self, pattern: ArrayLike) -> FloatArray:
        r"""Return the full coboundary :math:`\delta(\sigma)`, shape ``(n, n_0 + n)``; the first columns act on `x`."""
        inner = zip(self.net.weights[1:], self._blocks[:-1], self._blocks[1:], strict=True)
        first = np.zeros((self.n, self.net.widths[0]))
        first[self._blocks[0]] = -self.net.weights[0]
        return np.hstack([first, self._square(inner, pattern)])

    def _square(self, layers: Iterable[tuple[FloatArray, slice, slice]], pattern: ArrayLike) -> FloatArray:
        sigma, delta = self.as_pattern(pattern), np.eye(self.n)
        for w, before, after in layers:
            delta[after, before] = -w * sigma[before]
        return delta

    def gated(self, pattern: ArrayLike) -> FloatArray:
        """Return the matrix, shape ``(n, n)``, whose product with a whole cochain is its residual plus `drive`."""
        return self._square(self.layers, pattern)

    def restricted(self, pattern: ArrayLike) -> FloatArray:
        r"""Return :math:`\delta_\Omega(\sigma)`, the free columns, shape ``(n, n - p)`` with `p` pinned coordinates.

        It is injective; without pinned neurons and outputs square and unit lower triangular.
        """
        delta = self.gated(pattern)
        return np.delete(delta, self.held, axis=1) if self.pinned else delta

    def laplacian(self, pattern: ArrayLike) -> FloatArray:
        r"""Return :math:`L(\sigma) = \delta_\Omega^\top \delta_\Omega`, shape ``(n - p, n - p)``, positive definite."""
        delta = self.restricted(pattern)
        return np.asarray(delta.T @ delta)

    @property
    def boundary_term(self) -> FloatArray:
        r""":math:`\tilde b = (W^1 x + b^1, b^2, \dots, b^L)`, shape ``(n,)``.

        What pinned coordinates add: the next layer reads their ReLU, and their own rows their values.
        """
        return self.drive - self.pins.at if self.pinned else self.drive

    @cached_property
    def pull(self) -> FloatArray:
        r"""The matrix of :math:`g^\ell = (W^{\ell+1})^\top r^{\ell+1}`, shape ``(h, n)``, read-only.

        With it :meth:`gated` is :math:`I - \mathrm{pull}^\top \Sigma`; nothing pulls at a pinned neuron.
        """
        matrix = np.zeros((self.h, self.n))
        for w, before, after in self.layers:
            matrix[before, after] = w.T
        matrix.setflags(write=False)
        return matrix

    @cached_property
    def gram(self) -> FloatArray:
        r"""All :math:`(W^{\ell+1})^\top W^{\ell+1}` on the diagonal, shape ``(h, h)``, read-only: ``pull @ pull.T``."""
        matrix = np.zeros((self.h, self.h))
        for w, block, _ in self.layers:
            matrix[block, block] = w.T @ w
        matrix.setflags(write=False)
        return matrix

    @cached_property
    def gain(self) -> float:
        r"""A bound on :math:`\|\delta_\Omega\|` in every mode: 1 + the largest Frobenius norm after :math:`W^1`."""
        return 1.0 + max(float(np.linalg.norm(w)) for w in self.net.weights[1:])

    @cached_property
    def largest_condition(self) -> float:
        """A bound on the condition number of every mode, from the norms of the layers."""
        return self.gain * math.prod(1.0 + float(np.linalg.norm(w)) for w in self.net.weights[1:])

    def condition(self, pattern: ArrayLike) -> float:
        r"""Return the condition number of :math:`\delta_\Omega(\sigma)`, a bound where that is below 1e8.

        The rates of a mode lie its square apart. No matrix is formed: the norm of the inverse is found by power
        iteration, a sweep through the layers at a time, to some per cent.
        """
        if self.largest_condition < 1e8:
            return self.largest_condition
        gate = self.as_pattern(pattern).astype(np.float64)
        x = np.random.default_rng(0).standard_normal(self.n)
        size = 1.0
        for _ in range(30):
            x /= float(np.linalg.norm(x))
            for w, before, after in self.layers:
                x[after] += w @ (gate[before] * x[before])
            last, size = size, float(np.linalg.norm(x))
            for w, before, after in reversed(self.layers):
                x[before] += gate[before] * (w.T @ x[after])
            if abs(size - last) < 1e-3 * size:
                break
        return min(self.largest_condition, self.gain * size)

    # -- fields: of one cochain, shape ``(n,)``, or of each row of many, shape ``(m, n)`` -------------------------
    def residual(self, c: ArrayLike) -> FloatArray:
        r"""Return :math:`r = \delta_\Omega(\sigma(c))\,c - \tilde b`, what each edge disagrees by.

        Parameters
        ----------
        c : array_like, shape (n,) or (m, n)

        Returns
        -------
        ndarray, shape (n,) or (m, n)
        """
        return self._residual(self._rows(c))

    def _residual(self, c: FloatArray) -> FloatArray:
        r = c - self.drive
        for w, before, after in self.layers:
            r[..., after] -= mapped(w, np.maximum(c[..., before], 0.0))
        return r

    def discrepancy(self, c: ArrayLike) -> FloatArray:
        r"""Return :math:`\|r^\ell\|` for each edge :math:`\ell = 1, \dots, L`, shape ``(L,)`` or ``(m, L)``."""
        r = self.residual(c)
        return np.stack([np.linalg.norm(r[..., block], axis=-1) for block in self._blocks], axis=-1)

    def energy(self, c: ArrayLike) -> Any:
        r"""Return the Dirichlet energy :math:`V = \tfrac12 \|r\|^2`: a float, or an array of shape ``(m,)``."""
        r = self.residual(c)
        return 0.5 * float(r @ r) if r.ndim == 1 else 0.5 * np.square(r).sum(axis=1)

    def velocity(self, c: ArrayLike) -> FloatArray:
        r"""Return the heat equation's right-hand side :math:`-\delta_\Omega(\sigma(c))^\top r`, shaped like `c`.

        At a wall (:math:`z_i = 0`) the neuron counts as inactive, as in the pattern.
        """
        vector = self._rows(c)
        return self.velocity_of(self._residual(vector), vector[..., : self.h] > 0)

    def velocity_of(self, r: FloatArray, active: BoolArray) -> FloatArray:
        """Return velocities, shaped like the residuals `r`, in a mode whose active hidden neurons are given."""
        v = -r
        for w, before, after in self.layers:
            v[..., before] += active[..., before] * mapped(w.T, r[..., after])
        if self.pinned:
            v[..., self.held] = 0.0
        return v

    def wall_speeds(self, c: ArrayLike) -> tuple[FloatArray, FloatArray]:
        r"""Return :math:`(f^-, f^+)`, each ``(h,)`` or ``(m, h)``: a neuron's speed if inactive and if active.

        :math:`f^-_i = -r_i` and :math:`f^+_i = -r_i + g_i`; at a wall their signs decide whether a trajectory
        crosses, slides or is repelled (Filippov 1988, section 4). Both are 0 for a pinned neuron.
        """
        r = self.residual(c)
        parts = [mapped(w.T, r[..., after]) for w, _, after in self.layers]
        pull = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        if self.pinned:  # nothing pulls at it anyway
            r[..., self.held] = 0.0
        return -r[..., : self.h], -r[..., : self.h] + pull

    def local_gradients(self, c: ArrayLike) -> list[FloatArray]:
        r"""Return :math:`r^\ell \otimes \mathrm{relu}(z^{\ell-1})` for each edge, into layer 1 :math:`r^1 \otimes x`.

        It is :math:`-\partial V / \partial W^\ell`: what an edge can do about its discrepancy by itself.

        Parameters
        ----------
        c : array_like, shape (n,) or (m, n)

        Returns
        -------
        list of ndarray, shape (n_l, n_{l-1}) or (m, n_l, n_{l-1})
            In the order of the edges.
        """
        vector = self._rows(c)
        signals = [self.x, *(np.maximum(vector[..., block], 0.0) for block in self._blocks[:-1])]
        r = self._residual(vector)
        return [r[..., k, None] * signal[..., None, :] for k, signal in zip(self._blocks, signals, strict=True)]

    def forward_pass(self) -> FloatArray:
        """Return the pre-activations of the forward pass, shape ``(n,)``, pinned coordinates at their values."""
        if not self.pinned:
            return np.concatenate(self.net.preactivations(self.x))
        z = self.drive.copy()
        for w, before, after in self.layers:
            z[after] += w @ np.maximum(z[before], 0.0)
        return self.cochain(z)

    def harmonic_extension(self) -> FloatArray:
        """Return the one equilibrium, shape ``(n,)``: the pre-activations of the forward pass, where r = 0.

        Raises
        ------
        ValueError
            If neurons or outputs are pinned: there may be several equilibria then, and the start decides.
        """
        if self.pinned:
            raise ValueError(
                "`pinned` must be empty for a harmonic extension: with it there may be several equilibria; "
                "Exact().run(sheaf, c0, t_end).equilibrium says which one a start leads to"
            )
        return self.forward_pass()

    def __repr__(self) -> str:
        free, pinned = self.n - self.held.size, f", pinned={dict(self.pinned)}" if self.pinned else ""
        what = f"{free} free coordinates, {self.h} hidden neurons"
        return f"Sheaf({self.net.widths}, x={self.x.tolist()}{pinned}, {what})"
