"""The cellular sheaf of a network with a pinned input: coboundary, Laplacian, Dirichlet energy, heat equation."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import BoolArray, FloatArray, as_rows, as_vector
from sheaflab.network import Network

T = TypeVar("T")
CANCELS = 1e-3
"""Of the sum of absolute terms: drives up to this are summed in rational arithmetic."""


def log_slope(speed_squared: float, energy: float) -> float:
    r"""Return :math:`d(\log V)/dt = -\|\dot c\|^2 / V` of the heat equation, nan where :math:`V = 0`."""
    return -speed_squared / energy if energy > 0 else math.nan


def log_slopes(speeds_squared: FloatArray, energies: FloatArray) -> FloatArray:
    """Do what :func:`log_slope` does for each entry of arrays of shape ``(m,)``."""
    slopes = np.full(energies.shape, np.nan)
    np.divide(-speeds_squared, energies, out=slopes, where=energies > 0)
    return slopes


def exact_drive(weights: FloatArray, x: FloatArray, bias: float) -> float:
    """Return ``weights @ x + bias``, rounded once: what is left of a sum that nearly cancels is to be right."""
    row = zip(weights.tolist(), x.tolist(), strict=True)
    return float(sum((Fraction(a) * Fraction(v) for a, v in row if a and v), Fraction(bias)))


def _first_drive(net: Network, x: FloatArray) -> FloatArray:
    """``W^1 x + b^1``, rows that nearly cancel in rational arithmetic."""
    w, b = net.weights[0], net.biases[0]
    drive: FloatArray = w @ x + b
    for i in (np.abs(drive) <= CANCELS * (np.abs(w) @ np.abs(x) + np.abs(b))).nonzero()[0].tolist():
        drive[i] = exact_drive(w[i], x, float(b[i]))
    return drive


class Sheaf:
    r"""A network read as a cellular sheaf on a path, its input `x` pinned.

    Vertices are the layers, with stalks :math:`\mathbb R^{n_\ell}`; the edge from layer :math:`\ell-1` to
    :math:`\ell` has stalk :math:`\mathbb R^{n_\ell}` and restriction maps :math:`W^\ell \Sigma^{\ell-1}` and
    :math:`I`. A free cochain `c` is the vector ``(z^1, ..., z^L)`` of shape ``(n,)``: hidden layers in order, then
    the output. An activation pattern is a 0/1 vector of shape ``(h,)``, 1 where a hidden neuron is active.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n_0,)
        The pinned input.

    Raises
    ------
    ValueError
        If `x` has another shape or is not finite.

    References
    ----------
    Bosca & Ghrist, *Neural Networks as Local-to-Global Computations*, arXiv:2603.14831, section 3.
    """

    def __init__(self, net: Network, x: ArrayLike) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"`net` must be a Network, got {type(net).__name__}")
        self.net = net
        self.x = as_vector("x", x, net.widths[0])
        self.x.setflags(write=False)
        self.h, self.n = net.hidden, net.free
        ends = np.cumsum([0, *net.widths[1:]])
        self._blocks = [slice(int(a), int(b)) for a, b in pairwise(ends)]
        self.layers = list(zip(net.weights[1:], self._blocks[:-1], self._blocks[1:], strict=True))
        """Each weight matrix after the first with the free coordinates that it reads and those that it drives."""
        self._boundary_term: FloatArray = np.concatenate([_first_drive(net, self.x), *net.biases[1:]])
        self._boundary_term.setflags(write=False)
        self._shared: dict[Callable[[Sheaf], Any], Any] = {}

    def __reduce__(self) -> tuple[type[Sheaf], tuple[Network, FloatArray]]:
        return Sheaf, (self.net, self.x)  # the rest follows from them: another process computes it anew

    def shared(self, build: Callable[[Sheaf], T]) -> T:
        """Return ``build(self)``, computed at the first call and kept as long as this sheaf: all its runs share it."""
        if build not in self._shared:
            self._shared[build] = build(self)
        result: T = self._shared[build]
        return result

    def of(self, k: int) -> Sheaf:
        """Return the sheaf of run `k` of an ensemble: this one, for each."""
        return self

    def part(self, rows: slice) -> Sheaf:
        """Return what the runs `rows` of an ensemble need of it: all."""
        return self

    # -- cochains and patterns ------------------------------------------------------------------------------------
    def cochain(self, c: ArrayLike, name: str = "c") -> FloatArray:
        """Return `c` as a new free cochain, shape ``(n,)``, or raise an error that names the argument."""
        return as_vector(name, c, self.n)

    def cochains(self, cs: ArrayLike, name: str = "starts") -> FloatArray:
        """Return `cs` as a new array of free cochains, shape ``(m, n)``, or raise an error that names the argument."""
        return as_rows(name, cs, self.n)

    def split(self, c: ArrayLike) -> list[FloatArray]:
        """Cut a free cochain, or each row of many, into its layers ``[z^1, ..., z^L]``."""
        vector = self._rows(c)
        return [vector[..., block] for block in self._blocks]

    def place(self, neuron: int) -> tuple[int, int]:
        """Return ``(layer, neuron in the layer)`` of a hidden neuron: layers from 1, neurons from 0."""
        if not 0 <= neuron < self.h:
            raise ValueError(f"`neuron` must be between 0 and {self.h - 1}, got {neuron}")
        return self._places[neuron]

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(layer, k) for layer, width in enumerate(self.net.widths[1:-1], 1) for k in range(width)]

    def index(self, layer: int, neuron: int) -> int:
        """Return the coordinate of a hidden neuron given as ``(layer, neuron in the layer)``: undoes :meth:`place`."""
        widths = self.net.widths
        if not 1 <= layer <= len(widths) - 2:
            raise ValueError(f"`layer` must be a hidden layer, 1 to {len(widths) - 2}, got {layer}")
        if not 0 <= neuron < widths[layer]:
            raise ValueError(f"`neuron` must be between 0 and {widths[layer] - 1} in layer {layer}, got {neuron}")
        return int(self._blocks[layer - 1].start + neuron)

    def pattern(self, c: ArrayLike) -> BoolArray:
        """Return the activation pattern ``1[z > 0]`` of a free cochain, shape ``(h,)``, or of each row of many."""
        return self._rows(c)[..., : self.h] > 0

    def as_pattern(self, pattern: ArrayLike) -> BoolArray:
        """Return `pattern` as a boolean array of shape ``(h,)``, or raise an error that names the argument."""
        array = np.asarray(pattern)
        if array.shape != (self.h,):
            raise ValueError(f"`pattern` must have shape ({self.h},), one entry per hidden neuron, got {array.shape}")
        if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
            raise ValueError(f"`pattern` must hold 0 or 1 only, got {array.tolist()}")
        return array.astype(np.bool_)

    # -- operators ------------------------------------------------------------------------------------------------
    def coboundary(self, pattern: ArrayLike) -> FloatArray:
        r"""Return the full coboundary :math:`\delta(\sigma)`, shape ``(n, n_0 + n)``; the first columns act on `x`."""
        net, sigma = self.net, self.as_pattern(pattern)
        n0 = net.widths[0]
        delta = np.zeros((self.n, n0 + self.n))
        delta[:, n0:] = np.eye(self.n)
        delta[self._blocks[0], :n0] = -net.weights[0]
        for w, before, after in self.layers:
            delta[after, n0 + before.start : n0 + before.stop] = -w * sigma[before]
        return delta

    def restricted(self, pattern: ArrayLike) -> FloatArray:
        r"""Return :math:`\delta_\Omega(\sigma)`, shape ``(n, n)``: the free columns, unit lower triangular."""
        return self.coboundary(pattern)[:, self.net.widths[0] :]

    def laplacian(self, pattern: ArrayLike) -> FloatArray:
        r"""Return :math:`L(\sigma) = \delta_\Omega^\top \delta_\Omega`, shape ``(n, n)``, positive definite."""
        delta = self.restricted(pattern)
        return np.asarray(delta.T @ delta)

    @property
    def boundary_term(self) -> FloatArray:
        r""":math:`\tilde b = (W^1 x + b^1, b^2, \dots, b^L)`, shape ``(n,)``."""
        return self._boundary_term

    @cached_property
    def pull(self) -> FloatArray:
        r"""The matrix of :math:`g^\ell = (W^{\ell+1})^\top r^{\ell+1}`, shape ``(h, n)``, read-only.

        With it :math:`\delta_\Omega(\sigma) = I - \mathrm{pull}^\top \Sigma`.
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
    def _rows(self, c: ArrayLike) -> FloatArray:
        return self.cochains(c, "c") if np.ndim(c) == 2 else self.cochain(c)

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
        r = c - self._boundary_term
        for w, before, after in self.layers:
            r[..., after] -= (w @ np.maximum(c[..., before], 0.0).T).T
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
            v[..., before] += active[..., before] * (w.T @ r[..., after].T).T
        return v

    def wall_speeds(self, c: ArrayLike) -> tuple[FloatArray, FloatArray]:
        r"""Return :math:`(f^-, f^+)`, each ``(h,)`` or ``(m, h)``: a neuron's speed if inactive and if active.

        :math:`f^-_i = -r_i` and :math:`f^+_i = -r_i + g_i`; at a wall their signs decide whether a trajectory
        crosses, slides or is repelled (Filippov 1988, section 4).
        """
        r = self.residual(c)
        inactive = -r[..., : self.h]
        parts = [(w.T @ r[..., after].T).T for w, _, after in self.layers]
        pull = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        return inactive, inactive + pull

    def harmonic_extension(self) -> FloatArray:
        """Return the one equilibrium, shape ``(n,)``: the pre-activations of the forward pass, where r = 0."""
        return np.concatenate(self.net.preactivations(self.x))

    def __repr__(self) -> str:
        return f"Sheaf({self.net.widths}, x={self.x.tolist()}, {self.n} free coordinates, {self.h} hidden neurons)"
