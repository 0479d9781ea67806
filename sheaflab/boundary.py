"""What is pinned besides the input, and what pinned values drive in the layer after them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Integral
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from sheaflab.arrays import FloatArray, IntArray
from sheaflab.network import Network

Pinned = Mapping[tuple[int, int], float]
CANCELS = 1e-3
"""Of the sum of absolute terms: drives up to this are summed in rational arithmetic."""


def exact_drive(weights: FloatArray, values: FloatArray, bias: float) -> float:
    """Return ``weights @ values + bias``, rounded once: what is left of a sum that nearly cancels is to be right."""
    row = zip(weights.tolist(), values.tolist(), strict=True)
    return float(sum((Fraction(a) * Fraction(v) for a, v in row if a and v), Fraction(bias)))


def drive(w: FloatArray, values: FloatArray, b: FloatArray) -> FloatArray:
    """Return ``w @ values + b``, rows that nearly cancel in rational arithmetic."""
    total: FloatArray = w @ values + b
    for i in (np.abs(total) <= CANCELS * (np.abs(w) @ np.abs(values) + np.abs(b))).nonzero()[0].tolist():
        total[i] = exact_drive(w[i], values, float(b[i]))
    return total


class Pins(NamedTuple):
    """Pinned hidden neurons and outputs.

    Attributes
    ----------
    values : mapping of (int, int) to float
        By layer and neuron in the layer, in the order of the coordinates.
    held : ndarray of int, shape (p,)
        Their coordinates, ascending.
    at : ndarray, shape (n,)
        Their values, 0 at free coordinates.
    """

    values: Pinned
    held: IntArray
    at: FloatArray


def read_pins(widths: Sequence[int], pinned: Pinned | None) -> Pins:
    """Return the pins that the argument `pinned` of a sheaf names, or raise an error that names it."""
    pinned = {} if pinned is None else pinned
    if not isinstance(pinned, Mapping):
        raise TypeError(f"`pinned` must be a mapping from (layer, neuron) to a value, got {type(pinned).__name__}")
    at = np.zeros(sum(widths[1:]))
    if not pinned:  # as nearly always: many sheaves are made
        return Pins(_NOTHING, _NOBODY, at)
    ends = np.cumsum([0, *widths[1:]]).tolist()
    values = dict(sorted((_place(widths, key), _value(key, value)) for key, value in pinned.items()))
    held = np.array([ends[layer - 1] + neuron for layer, neuron in values], dtype=np.int64)
    if held.size == at.size:
        raise ValueError(f"`pinned` must leave at least one coordinate free, got values for all {at.size}")
    at[held] = list(values.values())
    for array in (held, at):
        array.setflags(write=False)
    return Pins(MappingProxyType(values), held, at)


def absorb(net: Network, x: FloatArray, pins: Pins) -> tuple[list[FloatArray], FloatArray]:
    """Return the weights after the first layer without the columns of pinned neurons, and what drives each coordinate.

    The drive, shape ``(n,)`` and read-only, is what the input, the pinned neurons and the biases give.
    """
    weights, drives = list(net.weights[1:]), [drive(net.weights[0], x, net.biases[0]), *net.biases[1:]]
    for layer in sorted({layer for layer, _ in pins.values if layer <= len(weights)}):
        fed = {neuron: max(value, 0.0) for (where, neuron), value in pins.values.items() if where == layer}
        w, columns = weights[layer - 1], list(fed)
        drives[layer] = drive(w[:, columns], np.array(list(fed.values())), drives[layer])
        weights[layer - 1] = w = w.copy()
        w[:, columns] = 0.0
        w.setflags(write=False)
    total = np.concatenate(drives)
    total.setflags(write=False)
    return weights, total


_NOTHING: Pinned = MappingProxyType({})
_NOBODY: IntArray = np.zeros(0, dtype=np.int64)


def _place(widths: Sequence[int], key: object) -> tuple[int, int]:
    if not isinstance(key, tuple) or len(key) != 2 or not all(isinstance(k, Integral) for k in key):
        raise TypeError(f"`pinned` must have keys (layer, neuron), two whole numbers, got {key!r}")
    layer, neuron = int(key[0]), int(key[1])
    if layer == 0:
        raise ValueError(f"`pinned` must name hidden neurons or outputs, got {(layer, neuron)}; `x` pins the input")
    if not 1 <= layer < len(widths):
        raise ValueError(f"`pinned` must name a layer from 1 to {len(widths) - 1}, got {(layer, neuron)}")
    if not 0 <= neuron < widths[layer]:
        raise ValueError(
            f"`pinned` must name a neuron between 0 and {widths[layer] - 1} in layer {layer}, got {(layer, neuron)}"
        )
    return layer, neuron


def _value(key: object, value: object) -> float:
    try:
        number = float(value) if not isinstance(value, (str, bytes)) else math.nan  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"`pinned[{key!r}]` must be a finite number, got {value!r:.80}")
    return number
