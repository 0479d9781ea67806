"""The coordinates of a network's cochains: their layers, activation patterns, and those that are pinned."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import BoolArray, FloatArray, as_rows, as_vector
from sheaflab.boundary import Pinned, read_pins
from sheaflab.network import Network


class Cochains:
    """Free cochains ``(z^1, ..., z^L)`` of a network: what a sheaf knows of them without its restriction maps.

    Parameters
    ----------
    net : Network
    pinned : mapping of (int, int) to float, optional
    """

    def __init__(self, net: Network, pinned: Pinned | None = None) -> None:
        self.net = net
        self.h, self.n = net.hidden, net.free
        widths = net.widths
        ends = np.cumsum([0, *widths[1:]])
        self._blocks = [slice(int(a), int(b)) for a, b in pairwise(ends)]
        self.pins = read_pins(widths, pinned)
        self.pinned, self.held = self.pins.values, self.pins.held

    def cochain(self, c: ArrayLike, name: str = "c") -> FloatArray:
        """Return `c` as a new free cochain, shape ``(n,)``, or raise an error that names the argument."""
        return self.hold(as_vector(name, c, self.n))

    def cochains(self, cs: ArrayLike, name: str = "starts") -> FloatArray:
        """Return `cs` as a new array of free cochains, shape ``(m, n)``, or raise an error that names the argument."""
        return self.hold(as_rows(name, cs, self.n))

    def hold(self, c: FloatArray) -> FloatArray:
        """Put pinned coordinates of `c`, shape ``(n,)`` or ``(m, n)``, to their values, in place; return it."""
        if self.pinned:
            c[..., self.held] = self.pins.at[self.held]
        return c

    def _rows(self, c: ArrayLike) -> FloatArray:
        return self.cochains(c, "c") if np.ndim(c) == 2 else self.cochain(c)

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
