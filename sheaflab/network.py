"""Fully connected ReLU networks with an identity output."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, as_floats, as_rows, as_vector, read_arrays, write_arrays


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Network:
    r"""A network :math:`z^\ell = W^\ell\,\mathrm{relu}(z^{\ell-1}) + b^\ell`, with :math:`z^1 = W^1 x + b^1`.

    ReLU acts on the hidden layers; the output is the identity.

    Parameters
    ----------
    weights : sequence of array_like
        One matrix per layer, ``weights[k]`` of shape ``(widths[k + 1], widths[k])``. At least two: a network without
        a hidden layer has no activation pattern.
    biases : sequence of array_like, optional
        One vector per layer, of shape ``(widths[k + 1],)``. Zeros by default.

    Raises
    ------
    ValueError
        If shapes do not chain, a number is not finite, or there is no hidden layer.
    TypeError
        If `weights` or `biases` is no sequence.

    Examples
    --------
    >>> Network.random([2, 4, 1], seed=0)
    Network([2, 4, 1], 17 parameters)
    """

    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]

    def __init__(self, weights: Iterable[ArrayLike], biases: Iterable[ArrayLike] | None = None) -> None:
        if not isinstance(weights, Iterable):
            raise TypeError(f"`weights` must be a sequence of matrices, one per layer, got {weights!r:.80}")
        if not (biases is None or isinstance(biases, Iterable)):
            raise TypeError(f"`biases` must be a sequence of vectors, one per layer, got {biases!r:.80}")
        matrices = [as_floats(f"weights[{k}]", w) for k, w in enumerate(weights)]
        if len(matrices) < 2:
            raise ValueError(
                f"`weights` must have at least 2 matrices (a hidden layer and the output), got {len(matrices)}; "
                "without a hidden layer there is no activation pattern"
            )
        for k, w in enumerate(matrices):
            if w.ndim != 2 or 0 in w.shape:
                raise ValueError(f"`weights[{k}]` must be a matrix with at least one row and one column, got {w.shape}")
            if k and w.shape[1] != (width := matrices[k - 1].shape[0]):
                raise ValueError(f"`weights[{k}]` must have shape ({w.shape[0]}, {width}), got {w.shape}")
        vectors: list[FloatArray]
        if biases is None:
            vectors = [np.zeros(w.shape[0]) for w in matrices]
        else:
            given = list(biases)
            if len(given) != len(matrices):
                raise ValueError(f"`biases` must have {len(matrices)} vectors, one for each matrix, got {len(given)}")
            vectors = [as_vector(f"biases[{k}]", b, matrices[k].shape[0]) for k, b in enumerate(given)]
        for array in (*matrices, *vectors):
            array.setflags(write=False)
        object.__setattr__(self, "weights", tuple(matrices))
        object.__setattr__(self, "biases", tuple(vectors))

    @classmethod
    def random(cls, widths: Sequence[int], seed: int | np.random.Generator = 0, *, bias_scale: float = 0.1) -> Network:
        r"""Draw weights from :math:`N(0, 1/n_{\ell-1})` (one over the fan-in) and biases from a normal distribution.

        Parameters
        ----------
        widths : sequence of int
            Neurons per layer, input first: ``[n_0, n_1, ..., n_L]``, at least three positive numbers.
        seed : int or numpy.random.Generator
            Where the numbers come from; the same seed draws the same network.
        bias_scale : float
            Standard deviation of the biases.

        Raises
        ------
        ValueError
            If `widths` has fewer than three entries, one below 1 or one that is no integer, or `bias_scale` is no
            finite number or negative.
        """
        try:
            sizes = [operator.index(w) for w in widths]
        except TypeError:  # no sequence, or not of integers
            sizes = []
        if len(sizes) < 3 or min(sizes) < 1:
            raise ValueError(
                f"`widths` must be at least 3 positive integers (input, hidden …, output), got {widths!r:.80}"
            )
        if not isinstance(bias_scale, Real) or not 0 <= bias_scale < math.inf:
            raise ValueError(f"`bias_scale` must be a finite number, at least 0, got {bias_scale!r:.80}")
        rng = np.random.default_rng(seed)
        layers = [
            (rng.standard_normal((rows, cols)) / np.sqrt(cols), bias_scale * rng.standard_normal(rows))
            for cols, rows in pairwise(sizes)
        ]
        return cls([w for w, _ in layers], [b for _, b in layers])

    @classmethod
    def from_state_dict(cls, state: Mapping[str, ArrayLike]) -> Network:
        """Read weights and biases from a mapping laid out as a PyTorch ``Sequential``'s state_dict.

        Parameters
        ----------
        state : mapping of str to array_like
            Keys ``"<layer>.weight"`` and, optionally, ``"<layer>.bias"``, layers in order. PyTorch is not imported:
            pass ``{k: v.numpy() for k, v in module.state_dict().items()}``.

        Raises
        ------
        ValueError
            If a key is neither a weight nor the bias of a weight.
        """
        stems = [key.removesuffix("weight") for key in state if key == "weight" or key.endswith(".weight")]
        known = {stem + kind for stem in stems for kind in ("weight", "bias")}
        if unknown := sorted(set(state) - known):
            raise ValueError(f"`state` must hold '<layer>.weight' and '<layer>.bias' only, got {unknown[0]!r}")
        weights = [as_floats(f"state[{stem + 'weight'!r}]", state[stem + "weight"]) for stem in stems]
        biases = [
            state[stem + "bias"] if stem + "bias" in state else np.zeros(len(w))
            for stem, w in zip(stems, weights, strict=True)
        ]
        return cls(weights, biases)

    def state_dict(self) -> dict[str, FloatArray]:
        """Return the arrays in PyTorch's layout: ``{"0.weight": …, "0.bias": …, "2.weight": …}`` (ReLUs count)."""
        layers = zip(self.weights, self.biases, strict=True)
        return {
            f"{2 * k}.{kind}": array for k, (w, b) in enumerate(layers) for kind, array in (("weight", w), ("bias", b))
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the network to an ``.npz`` file, whole or not at all, and return its path."""
        return write_arrays(path, self.state_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Read a network written by :meth:`save`.

        Raises
        ------
        ValueError
            If the file is not such an ``.npz`` file.
        """
        return cls.from_state_dict(read_arrays(path, "Network.save"))

    @property
    def widths(self) -> list[int]:
        """Neurons per layer, ``[n_0, n_1, ..., n_L]``."""
        return [self.weights[0].shape[1], *(w.shape[0] for w in self.weights)]

    @property
    def hidden(self) -> int:
        """Number `h` of hidden neurons: the length of an activation pattern."""
        return sum(self.widths[1:-1])

    @property
    def free(self) -> int:
        """Number `n` of free coordinates: hidden neurons and outputs."""
        return sum(self.widths[1:])

    def forward(self, x: ArrayLike) -> FloatArray:
        """Return the network's output for one input, or for each row of many.

        Parameters
        ----------
        x : array_like, shape (n_0,) or (m, n_0)

        Returns
        -------
        ndarray, shape (n_L,) or (m, n_L)

        Raises
        ------
        ValueError
            If `x` has another shape or is not finite.
        """
        return self.preactivations(x)[-1]

    def preactivations(self, x: ArrayLike) -> list[FloatArray]:
        """Return ``[z^1, ..., z^L]`` of the forward pass, one array a layer, with a row for each row of `x`."""
        signal = as_rows("x", x, self.widths[0]) if np.ndim(x) == 2 else as_vector("x", x, self.widths[0])
        values: list[FloatArray] = []
        for w, b in zip(self.weights, self.biases, strict=True):
            values.append((w @ signal.T).T + b)
            signal = np.maximum(values[-1], 0.0)
        return values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return self.widths == other.widths and all(
            np.array_equal(a, b) for a, b in zip(self.weights + self.biases, other.weights + other.biases, strict=True)
        )

    def __hash__(self) -> int:
        return hash(tuple(a.tobytes() for a in self.weights + self.biases))

    def __repr__(self) -> str:
        parameters = sum(a.size for a in self.weights + self.biases)
        return f"Network({self.widths}, {parameters} parameters)"
