"""Any shape, one trajectory: the closed form of each mode from one eigendecomposition, stored for its return."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.blocks import product
from sheaflab.events.exponentials import first_roots
from sheaflab.modes import CodeArray
from sheaflab.region import ActivationRegion, region_of
from sheaflab.results import Event, Outcome, Record
from sheaflab.sheaf import Sheaf
from sheaflab.walls import AT_END, OVERTIME, Walls, first_modes

DENSE = 1200  # coordinates: no eigendecomposition beyond is worth its time
_WIDEST = 1e-13  # below this ratio of rates a closed form no longer tells the order of fast events


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, max_events: int) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    codes, order, repels = first_modes(sheaf, c0)
    repelled, walls = repels.nonzero()[0].tolist(), sheaf.shared(Walls)
    bases: dict[bytes, Eigenbasis] = {}

    def basis_of(key: bytes) -> Eigenbasis:
        if key not in bases:
            bases[key] = Eigenbasis(region_of(sheaf, key))
        return bases[key]

    c, t, blur = c0, 0.0, 1.0
    record = Record([0.0], [c0], [codes.tobytes()])
    while True:
        key = codes.tobytes()
        basis = basis_of(key)
        region = basis.region
        if region.rate < _WIDEST * region.spectrum[-1]:
            raise ValueError(
                f"`method` must be 'auto' for this network: its mode at t = {t:.6g} has rates from "
                f"{region.rate:.3g} to {region.spectrum[-1]:.3g}, too many decades for the closed form alone"
            )
        wait, who, upward = first_exit(basis, c, t_end * OVERTIME - t, order, blur)
        ends = not who.size or t + wait > t_end * AT_END
        rests = walls.resting(c, codes)
        c = np.asarray(region.flow(c, t_end - t if ends else wait))
        c[: sheaf.h][rests] = 0.0
        if ends:
            record.times.append(t_end)
            record.states.append(c)
            return record, repelled
        t = min(t + wait, t_end)
        c[who] = 0.0
        before = codes
        hits = zip(who.tolist(), upward.tolist(), strict=True)
        codes, order = walls.settle(c, before, hits, sheaf.wall_speeds(c))
        key = codes.tobytes()
        # A wall touched within rounding, or no time passed: more uncertainty is assumed, so that the run goes on.
        blur = 4.0 * blur if key == before.tobytes() or wait <= 4 * EPS * t else 1.0
        if key == before.tobytes():
            continue
        energy, slopes = sheaf.energy(c), (region.slope(c), basis_of(key).region.slope(c))
        record.events += [
            Event(t, int(i), int(before[i]), int(codes[i]), energy, *slopes) for i in np.flatnonzero(before != codes)
        ]
        record.times.append(t)
        record.states.append(c)
        record.modes.append(key)
        if len(record.events) >= max_events:
            record.modes.pop()
            record.outcome = Outcome.EVENT_BUDGET
            return record, repelled


def first_exit(
    basis: Eigenbasis, c: FloatArray, horizon: float, order: IntArray, blur: float = 1.0
) -> tuple[float, IntArray, CodeArray]:
    """Return how long `c` stays in the mode, the neurons that end it (none: the whole horizon) and which of them rise.

    Parameters
    ----------
    basis : Eigenbasis
    c : ndarray, shape (n,)
    horizon : float
    order : ndarray of int, shape (h,)
        Order of the zero of a neuron that has just left its wall: 1 where it crossed, 2 where it slid off, …
    blur : float
        Factor on the uncertainty of the event functions.
    """
    constants, terms = basis.functions(c[None])
    never = horizon, basis.owner[:0], np.zeros(0, dtype=np.int8)
    possible = (~basis.safe(constants, terms)[0]).nonzero()[0]
    if not possible.size:  # as near the end of a run
        return never
    roots = first_roots(
        constants[0, possible],
        np.ascontiguousarray(terms[:, 0, possible]),
        basis.rates[:, None],
        basis.values(c[None])[0, possible],
        np.array([horizon]),
        order=np.where(basis.region.moving[basis.owner], order[basis.owner], 0)[possible],
        floor=blur * basis.floor,
    )
    if not np.isfinite(first := float(roots.min())):
        return never
    hit = possible[roots <= first * (1 + 4 * EPS)]
    who, where = np.unique(basis.owner[hit], return_index=True)
    return first, who, basis.upward[hit[where]].astype(np.int8)


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
    floor : float
        Absolute uncertainty of the functions.
    room : int
        Rows to work on together.
    """

    def __init__(self, region: ActivationRegion) -> None:
        sheaf, h = region.sheaf, region.sheaf.h
        self.region, self.rest, self.moving = region, region.equilibrium, region.moving
        self.all_rates, self.vectors, self._singular = region.eigensystem
        free, slid = np.flatnonzero(region.moving[:h]), np.array(region.sliding, dtype=np.int64)
        side = np.where(region.pattern[free], 1.0, -1.0)
        motion = np.zeros((sheaf.n, self.all_rates.size))
        motion[region.moving] = self.vectors
        self._free, self._slid, self._side = free, slid, side
        weights = [side[:, None] * motion[free]]
        if slid.size:
            self._delta, self._pull = sheaf.restricted(region.pattern), sheaf.pull[slid]
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
        self.floor = 4 * EPS * float(max(np.abs(self.rest).max(initial=0.0), 1e-300))
        self.room = max(1, 2_000_000 // self.weights.size)

    def functions(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Constants, shape ``(m, f)``, and coefficients, ``(k, m, f)``, of the event functions from each row of `c`."""
        terms = self.weights * self._to_go(c).T[:, :, None]
        terms = terms if len(self.rates) == len(terms) else np.add.reduceat(terms, self._starts, axis=0)
        if self._singular is None:
            return np.broadcast_to(self._constants, terms.shape[1:]), terms
        return np.asarray(self.values(c) - np.add.accumulate(terms, axis=0)[-1]), terms

    @cached_property
    def _constants(self) -> FloatArray:
        return np.asarray(self.values(self.rest[None])[0])

    def values(self, c: FloatArray) -> FloatArray:
        """The event functions at each row of `c`, shape ``(m, f)``."""
        values = [self._side * c[:, self._free]]
        if self._slid.size:
            r = product(c, np.ascontiguousarray(self._delta.T)) - self.region.sheaf.boundary_term
            values += [-r[:, self._slid], r[:, self._slid] - product(r, np.ascontiguousarray(self._pull.T))]
        return np.concatenate(values, axis=1)

    def _to_go(self, c: FloatArray) -> FloatArray:
        """How far each row of `c` is from rest along each eigenvector, shape ``(m, k)``."""
        if self._singular is None:
            return product((c - self.rest)[:, self.moving], self.vectors)
        residual = product(c[:, self.moving], np.ascontiguousarray(self.region.matrix.T))
        return np.asarray(
            product(residual - self.region.sheaf.boundary_term, self._singular.left) / self._singular.values
        )

    @staticmethod
    def safe(constants: FloatArray, terms: FloatArray) -> BoolArray:
        """Which functions have no event ever, by the signs of their partial sums, shape ``(m, f)``."""
        partial = constants + np.add.accumulate(terms, axis=0)
        return np.asarray((constants >= 0) & (partial >= 0).all(axis=0) & (partial[-1] > 0))

    def cleared(self, c: FloatArray) -> BoolArray:
        """Which rows of `c` provably stay in the mode for ever, shape ``(m,)``."""
        parts = [c[k : k + self.room] for k in range(0, len(c), self.room)]
        return np.concatenate([self.safe(*self.functions(part)).all(axis=1) for part in parts])

    def flow(self, c: FloatArray, t: FloatArray) -> FloatArray:
        """Follow the mode's law from each row of `c` for its own time, shape ``(m, n)``."""
        moved = np.expm1(-np.multiply.outer(t, self.all_rates)) * self._to_go(c)
        result = c.copy()
        result[:, self.moving] += product(moved, np.ascontiguousarray(self.vectors.T))
        return result


class Home:
    """The mode of the forward pass, where every flow ends. Engines take it from ``sheaf.shared(Home)``.

    Attributes
    ----------
    rest : ndarray, shape (n,)
        The forward pass.
    codes : ndarray of int8, shape (h,)
        Its modes.
    margin : float
        Distance from `rest` to the nearest wall.
    """

    def __init__(self, sheaf: Sheaf) -> None:
        self.rest = sheaf.harmonic_extension()
        self.rest.setflags(write=False)
        z = self.rest[: sheaf.h]
        self.codes, self.margin = (z > 0).astype(np.int8), float(np.abs(z).min(initial=np.inf))
        self._region = region_of(sheaf, self.codes.tobytes())
        self._region.equilibrium = self.rest

    @cached_property
    def basis(self) -> Eigenbasis:
        """Its eigendecomposition, computed when a run first needs it."""
        return Eigenbasis(self._region)
