"""One network over many inputs: what ensembles follow together."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray, IntArray, as_floats, as_rows
from sheaflab.blocks import product
from sheaflab.boundary import CANCELS, exact_drive
from sheaflab.network import Network
from sheaflab.sheaf import Sheaf


class Sheaves(Sheaf):
    """The sheaves of one network over many inputs; nothing else is pinned.

    They differ in the boundary term alone, of shape ``(m, n)`` here: fields take a cochain for each input, a row each.

    Parameters
    ----------
    net : Network
    X : array_like, shape (m, n_0)
        The pinned inputs.

    Raises
    ------
    ValueError
        If `X` has another shape, no row, or is not finite.

    Examples
    --------
    >>> net = Network.random([2, 4, 1], seed=0)
    >>> Sheaves(net, [[1.0, -1.0], [0.5, 2.0], [0.0, 1.0]]).forward_pass().shape
    (3, 5)
    """

    def __init__(self, net: Network, X: ArrayLike) -> None:
        rows = as_rows("X", X, net.widths[0])
        if not len(rows):
            raise ValueError(f"`X` must have at least one row, got shape {rows.shape}")
        super().__init__(net, rows[0])
        self.x = rows
        self.x.setflags(write=False)
        self.drive = np.concatenate(
            [_first_drives(net, rows), np.tile(np.concatenate(net.biases[1:]), (len(rows), 1))], axis=1
        )
        self.drive.setflags(write=False)

    def __reduce__(self) -> tuple[type[Sheaves], tuple[Network, FloatArray]]:
        return Sheaves, (self.net, self.x)

    def __len__(self) -> int:
        return len(self.x)

    def of(self, k: int) -> Sheaf:
        """Return the sheaf of input `k`."""
        sheaf = Sheaf(self.net, self.x[k])
        sheaf.drive = self.drive[k]  # the same to the last digit
        return sheaf

    def part(self, rows: slice | IntArray) -> Sheaves:
        part = copy(self)
        part.x, part.drive, part._shared = self.x[rows], self.drive[rows], {}
        return part

    def forward_pass(self) -> FloatArray:
        """Return the equilibria, shape ``(m, n)``: a row's digits do not depend on the others."""
        rest = self.drive.copy()
        for w, before, after in self.layers:
            rest[:, after] += product(np.maximum(rest[:, before], 0.0), np.ascontiguousarray(w.T))
        return rest

    def __repr__(self) -> str:
        return f"Sheaves({self.net.widths}, {len(self)} inputs, {self.n} free coordinates, {self.h} hidden neurons)"


def _first_drives(net: Network, rows: FloatArray) -> FloatArray:
    """The first layer's drives, shape ``(m, n_1)``; those that nearly cancel in rational arithmetic, as in a Sheaf."""
    w, b = net.weights[0], net.biases[0]
    drives = product(rows, np.ascontiguousarray(w.T)) + b
    sizes = product(np.abs(rows), np.ascontiguousarray(np.abs(w.T))) + np.abs(b)
    for k, i in np.argwhere(np.abs(drives) <= CANCELS * sizes).tolist():
        drives[k, i] = exact_drive(w[i], rows[k], float(b[i]))
    return drives


def paired(
    sheaf: Sheaf | Network, starts: ArrayLike, X: ArrayLike | None, product: bool
) -> tuple[Sheaf, FloatArray]:
    """Return what an ensemble follows, one input's own sheaf if there is but one, and its starts, shape ``(m, n)``."""
    if isinstance(sheaf, Sheaf):
        if X is not None or product:
            raise ValueError("`X` and `product` must be left out with a Sheaf, whose input is pinned; pass its network")
        rows = _some(sheaf.cochains(starts))
    elif not isinstance(sheaf, Network):
        raise TypeError(f"`sheaf` must be a Sheaf or a Network, got {type(sheaf).__name__}")
    elif X is None:
        raise ValueError("`X` must be given with a Network: its inputs, one per row")
    else:
        sheaves = Sheaves(sheaf, X)
        m, rows = len(sheaves), _some(sheaves.cochains(np.atleast_2d(as_floats("starts", starts))))
        if product:
            sheaves, rows = Sheaves(sheaf, np.repeat(sheaves.x, len(rows), axis=0)), np.tile(rows, (m, 1))
        elif np.ndim(starts) == 1:
            rows = np.repeat(rows, m, axis=0)
        elif len(rows) != m:
            raise ValueError(
                f"`starts` must have a row for each of the {m} rows of `X`, got {len(rows)}; product=True runs each "
                "start with each input"
            )
        sheaf = Sheaf(sheaf, sheaves.x[0]) if m == 1 else sheaves
    return sheaf, rows


def _some(rows: FloatArray) -> FloatArray:
    if not len(rows):
        raise ValueError(f"`starts` must have at least one row, got shape {rows.shape}")
    return rows
