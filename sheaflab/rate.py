r"""The rate of Theorem 9.4: the smallest eigenvalue of the Laplacian over all activation patterns.

:math:`\lambda^* = \min_\sigma \lambda_{\min}(L(\sigma)) = \min_\sigma \|\delta_\Omega(\sigma)^{-1}\|^{-2}`. Every
entry of :math:`\delta_\Omega^{-1}` is affine in each :math:`\sigma_i`, so the norm is convex in each and the bound
holds for the fractional weights of a sliding neuron too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.network import Network

_BATCH = 1024


@dataclass(frozen=True)
class SlowestRate:
    r"""A value of, or a certified lower bound for, :math:`\lambda^*`.

    Attributes
    ----------
    value : float
        1 / time. :math:`V(t) \le V(0) e^{-2\,\mathrm{value}\,t}` holds in either case.
    upper : float
        The rate of one pattern, so :math:`\mathrm{value} \le \lambda^* \le \mathrm{upper}`; equal to `value` if
        `exact`.
    exact : bool
        Whether `value` is :math:`\lambda^*` itself; otherwise it is a lower bound.
    method : str
        Name of the method, as text.

    Examples
    --------
    >>> slowest_rate(Network.random([2, 4, 1], seed=0)).method
    'closed form for one hidden layer'
    """

    value: float
    exact: bool
    method: str
    upper: float

    def __float__(self) -> float:
        return self.value


def slowest_rate(net: Network, max_enumerated: int = 12) -> SlowestRate:
    r"""Find :math:`\lambda^*`, exactly where that can be done, else a certified lower bound.

    Parameters
    ----------
    net : Network
    max_enumerated : int
        Deeper networks with at most so many hidden neurons are enumerated, :math:`2^h` patterns.

    Notes
    -----
    One hidden layer: with :math:`s = \|W^2 \Sigma\|^2`,
    :math:`\lambda_{\min} = 2 / (2 + s + \sqrt{s^2 + 4 s})` falls as `s` grows, so all neurons active is the worst.
    Weights that are nonnegative beyond the first layer: :math:`\delta_\Omega^{-1}` is nonnegative and grows with each
    :math:`\sigma_i`, and so does its norm, so again all active is the worst. Otherwise the bound is the better of two:
    the same with :math:`|W^\ell|` in the place of :math:`W^\ell`, and the matrix of the products of layer norms.

    Examples
    --------
    >>> rate = slowest_rate(Network.random([2, 4, 1], seed=0))
    >>> round(rate.value, 6), rate.exact
    (0.277131, True)
    """
    inner = net.weights[1:]
    if len(inner) == 1:
        s = float(np.linalg.norm(inner[0], 2)) ** 2
        value = 2.0 / (2.0 + s + np.sqrt(s * s + 4.0 * s))
        return SlowestRate(float(value), True, "closed form for one hidden layer", float(value))
    if all((w >= 0).all() for w in inner):
        value = _rate(_inverse(inner))
        return SlowestRate(value, True, "all neurons active, the worst pattern of nonnegative weights", value)
    if net.hidden <= max_enumerated:
        value = _enumerate(net)
        return SlowestRate(value, True, f"all {2**net.hidden} activation patterns enumerated", value)
    value = max(_rate(_inverse([np.abs(w) for w in inner])), _rate(_norms(inner)))
    upper = max(value, min(_ascend(inner, np.ones(net.hidden)), _ascend(inner, np.zeros(net.hidden))))
    return SlowestRate(value, False, "certified lower bound from the sizes of the weights, upper one by ascent", upper)


def _ascend(inner: Sequence[FloatArray], sigma: FloatArray) -> float:
    r"""The rate of a pattern that no change of one neuron seems to make slower.

    With unit vectors such that :math:`\|M\| = u^\top M v`, :math:`M = \delta_\Omega(\sigma)^{-1}`, and `M` affine in
    :math:`\sigma_i`: where the derivative :math:`u^\top (\partial M / \partial \sigma_i) v` points to the other end
    of [0, 1], going there does not lower the norm. All such neurons are changed at once where that helps, else the
    best alone.
    """
    blocks = np.cumsum([0, inner[0].shape[1], *(w.shape[0] for w in inner)])
    layers = [(w, slice(a, b), slice(b, c)) for w, a, b, c in zip(inner, blocks, blocks[1:], blocks[2:], strict=False)]
    v = np.random.default_rng(0).standard_normal(int(blocks[-1]))
    size, v, gain = _norm(layers, sigma, v, 40)
    for _ in range(100):
        helps = np.where(sigma > 0, -gain, gain)
        better = helps > 1e-9 * size
        if not better.any():
            break
        alone = np.zeros(sigma.size, dtype=np.bool_)
        alone[int(np.argmax(helps))] = True
        tries = [_norm(layers, np.where(flip, 1.0 - sigma, sigma), v, 12) for flip in (better, alone)]
        best = max((0, 1), key=lambda k: tries[k][0])
        if tries[best][0] <= size * (1 + 1e-9):
            break
        sigma = np.where((better, alone)[best], 1.0 - sigma, sigma)
        size, v, gain = tries[best]
    return float(size) ** -2


def _norm(
    layers: list[tuple[FloatArray, slice, slice]], sigma: FloatArray, v: FloatArray, sweeps: int
) -> tuple[float, FloatArray, FloatArray]:
    """A lower bound of the norm of a pattern's inverse, by power iteration; its vector; the derivatives by `sigma`."""
    h = sigma.size
    for _ in range(sweeps):
        v = v / float(np.linalg.norm(v))
        forward = v.copy()
        for w, before, after in layers:
            forward[after] += w @ (sigma[before] * forward[before])
        size = float(np.linalg.norm(forward))
        back, pull = forward / size, np.zeros(h)
        for w, before, after in reversed(layers):
            pull[before] = w.T @ back[after]
            back[before] += sigma[before] * pull[before]
        v = back
    return size, v, pull * forward[:h]


def _rate(inverse: FloatArray) -> float:
    return float(np.linalg.norm(inverse, 2)) ** -2


def _inverse(inner: Sequence[FloatArray]) -> FloatArray:
    """The inverse of δ_Ω with all neurons active: its blocks are products of the weights, so no solve is needed."""
    ends = np.cumsum([0, inner[0].shape[1], *(w.shape[0] for w in inner)])
    inverse = np.eye(int(ends[-1]))
    for w, (start, stop), (_, after) in zip(inner, pairwise(ends), list(pairwise(ends))[1:], strict=False):
        inverse[stop:after, :stop] = w @ inverse[start:stop, :stop]
    return inverse


def _norms(inner: tuple[FloatArray, ...]) -> FloatArray:
    """The lower triangular matrix of products of layer norms: no smaller in norm than any pattern's inverse."""
    return _inverse([np.array([[np.linalg.norm(w, 2)]]) for w in inner])


def _enumerate(net: Network) -> float:
    inner, h = net.weights[1:], net.hidden
    ends = np.cumsum(net.widths[1:-1])[:-1]
    patterns = (np.arange(2**h)[:, None] >> np.arange(h)) & 1
    largest = 0.0
    for start in range(0, len(patterns), _BATCH):
        masks = np.split(patterns[start : start + _BATCH], ends, axis=1)
        stacks = [w * mask[:, None, :] for w, mask in zip(inner, masks, strict=True)]
        largest = max(largest, float(np.linalg.norm(_inverses(stacks), 2, axis=(1, 2)).max()))
    return largest**-2


def _inverses(stacks: list[FloatArray]) -> FloatArray:
    return np.stack([_inverse(layers) for layers in zip(*stacks, strict=True)])
