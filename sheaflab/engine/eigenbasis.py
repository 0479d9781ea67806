"""A mode in its eigenbasis: states and event functions as sums of exponentials, and the first exit from the mode."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.blocks import product
from sheaflab.engine.doubt import Blur, blur_of
from sheaflab.events.closeness import FAR, start_unclear, times_unclear
from sheaflab.events.exponentials import NOISE, first_roots, sums
from sheaflab.modes import CodeArray
from sheaflab.region import ActivationRegion, region_of
from sheaflab.sheaf import Sheaf

DENSE = 1200  # coordinates: no eigendecomposition beyond is worth its time


class Exit(NamedTuple):
    """The first event after a state in a mode.

    Attributes
    ----------
    wait : float
        How long until then; the whole horizon if there is none.
    who : ndarray of int
        Neurons.
    rises : ndarray of int8
        Which of them rise off their wall.
    clear : bool
        Whether the eigenbasis tells so beyond its rounding, which is one of the whole state.
    """

    wait: float
    who: IntArray
    rises: CodeArray
    clear: bool


def first_exit(
    basis: Eigenbasis,
    c: FloatArray,
    horizon: float,
    order: IntArray | None,
    blur: Blur,
    rests: BoolArray | None = None,
) -> Exit:
    """Return the first event after `c`, at most `horizon` later.

    Parameters
    ----------
    basis : Eigenbasis
    c : ndarray, shape (n,)
    horizon : float
    order : ndarray of int, shape (h,), or None
        Order of the zero of a neuron that has just left its wall: 1 where it crossed, 2 where it slid off, …
    blur : float or ndarray, shape (h,)
        Factor on the uncertainty of each neuron's event functions.
    rests : ndarray of bool, shape (h,), optional
        Neurons that rest on their walls: their event functions are 0, and no event.
    """
    if not basis.owner.size:  # no neuron can switch
        return Exit(horizon, basis.owner, np.zeros(0, dtype=np.int8), True)
    heights, all_terms = basis.functions(c[None])
    constants, terms, values = heights[0], all_terms[:, 0], basis.values(c[None])[0]
    rates, safe = basis.rates[:, None], basis.safe(heights, all_terms)[0]
    floor = np.full(values.size, basis.floor * blur_of(blur, basis.owner))
    if rests is not None and rests.any():
        idle, far = rests[basis.owner], float(np.abs(values).max()) or 1.0
        terms, constants = np.where(idle, 0.0, terms), np.where(idle, far, constants)
        values, safe = np.where(idle, far, values), safe | idle
    orders = None
    if order is not None and order.any():
        orders = np.where(basis.region.moving[basis.owner], order[basis.owner], 0)
    # Most often a glance is enough.
    clear = float(values.min()) > FAR * (2 * NOISE * float(np.abs(terms).sum()) + 2 * float(floor.max())) or not bool(
        start_unclear(constants, terms, rates, values, orders, floor).any()
    )
    possible = (~safe).nonzero()[0]
    never = Exit(horizon, basis.owner[:0], np.zeros(0, dtype=np.int8), clear)
    if not possible.size:  # as near the end of a run
        return never
    roots = first_roots(
        constants[possible], np.ascontiguousarray(terms[:, possible]), rates, values[possible], np.array([horizon]),
        order=None if orders is None else orders[possible], floor=floor[possible],
    )  # fmt: skip
    if not np.isfinite(first := float(roots.min())):
        return never
    hit = possible[roots <= first * (1 + 4 * EPS)]
    times = np.full(hit.size, first)
    clear = clear and not times_unclear(constants[hit], terms[:, hit], rates, times, floor[hit]).any()
    who, where = np.unique(basis.owner[hit], return_index=True)
    return Exit(first, who, basis.upward[hit[where]].astype(np.int8), clear)


class Eigenbasis:
    """A mode in its eigenbasis: states, and the event functions of its neurons, as sums of exponentials.

    Attributes
    ----------
    rates : ndarray, shape (k,)
        Distinct eigenvalues, ascending.
    owner : ndarray of int, shape (f,)
        The neuron whose event it is.
    upward : ndarray of bool, shape (f,)
        Whether a sliding neuron then goes active.
    floor : float or ndarray, shape (m,)
        Absolute uncertainty of the functions.
    room : int
        Rows to work on together.
    """

    def __init__(self, region: ActivationRegion) -> None:
        sheaf, h = region.sheaf, region.sheaf.h
        self.region, self.rest, self.moving = region, region.equilibrium, region.moving
        self.drive = sheaf.drive
        self.all_rates, self.vectors, self._singular = region.eigensystem
        if not self.all_rates.size:  # nothing moves: all that is free slides
            self.all_rates, self.vectors = np.ones(1), np.zeros((0, 1))
        free, slid = np.flatnonzero(region.moving[:h]), np.array(region.sliding, dtype=np.int64)
        side = np.where(region.pattern[free], 1.0, -1.0)
        motion = np.zeros((sheaf.n, self.all_rates.size))
        motion[region.moving] = self.vectors
        self._free, self._slid, self._side = free, slid, side
        self._whole = bool(region.moving.all())
        weights = [side[:, None] * motion[free]]
        if slid.size:
            self._delta, self._pull = sheaf.gated(region.pattern), sheaf.pull[slid]
            r_motion = self._delta @ motion
            weights += [-r_motion[slid], r_motion[slid] - self._pull @ r_motion]
        self.weights = np.concatenate(weights).T[:, None, :]
        self.owner = np.concatenate([free, slid, slid])
        self.upward = np.arange(self.owner.size) >= free.size + slid.size
        # Equal eigenvalues are one exponential: merged, terms that cancel do not look like motion.
        values = self.all_rates if self._singular is None else self._singular.values
        close = 64 * EPS * (values[-1] + values[1:])
        self._starts = np.append(0, np.flatnonzero(np.diff(values) > close) + 1)
        self.rates = np.maximum(self.all_rates[self._starts], 1e-300)
        self.floor: Any = 4 * EPS * float(max(np.abs(self.rest).max(initial=0.0), 1e-300))
        self.room = max(1, 2_000_000 // max(1, self.weights.size))

    def functions(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Constants, shape ``(m, f)``, and coefficients, ``(k, m, f)``, of the event functions from each row of `c`."""
        terms = self.weights * self._to_go(c).T[:, :, None]
        terms = terms if len(self.rates) == len(terms) else np.add.reduceat(terms, self._starts, axis=0)
        if self._singular is None:
            return self._constants if self.rest.ndim == 2 else self._constants.repeat(len(c), axis=0), terms
        return np.asarray(self.values(c) - sums(terms)[-1]), terms

    @cached_property
    def _constants(self) -> FloatArray:
        return self.values(np.atleast_2d(self.rest))

    def values(self, c: FloatArray) -> FloatArray:
        """The event functions at each row of `c`, shape ``(m, f)``."""
        values = self._side * c.take(self._free, axis=1)
        if not self._slid.size:
            return np.asarray(values)
        r = product(c, np.ascontiguousarray(self._delta.T)) - self.drive
        down = r.take(self._slid, axis=1)
        return np.concatenate([values, -down, down - product(r, np.ascontiguousarray(self._pull.T))], axis=1)

    def _to_go(self, c: FloatArray) -> FloatArray:
        """How far each row of `c` is from rest along each eigenvector, shape ``(m, k)``."""
        if self._singular is None:
            return product(self._moved(c - self.rest), self.vectors)
        residual = product(self._moved(c), np.ascontiguousarray(self.region.matrix.T))
        residual -= self.drive - self.region.sheaf.pins.at
        return np.asarray(product(residual, self._singular.left) / self._singular.values)

    def _moved(self, c: FloatArray) -> FloatArray:
        """The coordinates that move."""
        return c if self._whole else c.take(np.flatnonzero(self.moving), axis=1)

    def over(self, drives: FloatArray) -> Eigenbasis:
        """Return the same basis for rows with other boundary terms, a row of `drives`, shape ``(m, n)``, for each.

        Then :attr:`floor` has shape ``(m,)`` and methods take just these rows.
        """
        other = copy(self)
        other.__dict__.pop("_constants", None)
        other.drive, other.rest = drives, _equilibria(self.region, drives)
        other.floor = 4 * EPS * np.maximum(np.abs(other.rest).max(axis=1), 1e-300)
        return other

    @staticmethod
    def safe(constants: FloatArray, terms: FloatArray) -> BoolArray:
        """Which functions have no event ever, by the signs of their partial sums, shape ``(m, f)``."""
        partial = constants + sums(terms)
        return np.asarray((constants >= 0) & (partial >= 0).all(axis=0) & (partial[-1] > 0))

    def cleared(self, c: FloatArray) -> BoolArray:
        """Which rows of `c` provably stay in the mode for ever, shape ``(m,)``."""
        found = []
        for k in range(0, len(c), self.room):
            heights, terms = self.functions(c[k : k + self.room])
            clear = ~self.unclear(c[k : k + self.room], heights, terms, self.floor)
            found.append((self.safe(heights, terms).all(axis=1)) & clear)
        return np.concatenate(found)

    def unclear(self, c: FloatArray, heights: FloatArray, terms: FloatArray, floor: FloatArray | float) -> BoolArray:
        """Which rows of `c` have event functions, those of :meth:`functions`, not well above their rounding."""
        values = self.values(c)
        return np.asarray(start_unclear(heights, terms, self.rates[:, None], values, None, floor).any(axis=1))

    def flow(self, c: FloatArray, t: FloatArray) -> FloatArray:
        """Follow the mode's law from each row of `c` for its own time, shape ``(m, n)``."""
        moved = np.expm1(-np.multiply.outer(t, self.all_rates)) * self._to_go(c)
        shift = product(moved, np.ascontiguousarray(self.vectors.T))
        if self._whole:
            return np.asarray(c + shift)
        result = c.copy()
        result[:, self.moving] += shift
        return result


def _equilibria(region: ActivationRegion, drives: FloatArray) -> FloatArray:
    """Rest points of a region's law with the boundary terms `drives`, a row each; digits depend on that row alone."""
    if region.sliding:
        rest = np.zeros(drives.shape)
        for row, drive in zip(rest, drives, strict=True):
            row[region.moving] = np.linalg.lstsq(region.matrix, drive, rcond=1e-300)[0]
        return rest
    rest, gate = drives.copy(), region.pattern.astype(np.float64)
    for w, before, after in region.sheaf.layers:
        rest[:, after] += product(gate[before] * rest[:, before], np.ascontiguousarray(w.T))
    return rest


class Home:
    """The mode of the forward pass, where every flow ends. Engines take it from ``sheaf.shared(Home)``.

    With pinned coordinates there is no such mode: a run ends in whatever mode it settles in.

    Attributes
    ----------
    rest : ndarray, shape (n,)
        The forward pass.
    codes : ndarray of int8, shape (h,)
        Its modes.
    key : bytes
        The same as a record has them; with pinned coordinates empty, which no mode is.
    margin : float
        Distance from `rest` to the nearest wall.
    region : ActivationRegion
    """

    def __init__(self, sheaf: Sheaf) -> None:
        self.rest = sheaf.forward_pass()
        self.rest.setflags(write=False)
        z = self.rest[: sheaf.h]
        self.codes, self.margin = (z > 0).astype(np.int8), float(np.abs(z).min(initial=np.inf))
        self.key = b"" if sheaf.pinned else self.codes.tobytes()
        self.region = region_of(sheaf, self.codes.tobytes())
        if self.key:
            self.region.equilibrium = self.rest

    @cached_property
    def basis(self) -> Eigenbasis:
        """Its eigendecomposition, computed when a run first needs it."""
        return Eigenbasis(self.region)
