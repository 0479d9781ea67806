"""Closed forms for rows of an ensemble that have been quiet for long: at once to their next event, or to the end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray, places
from sheaflab.engine.eigenbasis import DENSE, Eigenbasis, Home
from sheaflab.events.closeness import times_unclear
from sheaflab.events.exponentials import first_roots
from sheaflab.modes import CodeArray
from sheaflab.region import region_of
from sheaflab.sheaf import Sheaf
from sheaflab.walls import AT_END, OVERTIME

_PATIENCE = 3
LAST = 300  # quiet steps after which even a coarse closed form is better than none
_ROOM = 2.0e8  # bytes for stored eigenbases


class Leap(NamedTuple):
    """Results for `m` rows: an event (some `hit`) after `waits`, or none up to the end; `clear` beyond rounding."""

    states: FloatArray
    waits: FloatArray
    hit: BoolArray
    rises: BoolArray
    clear: BoolArray


class Leaps:
    """The modes' eigenbases, each computed once, and the mode of the forward pass, where most runs end."""

    def __init__(self, sheaf: Sheaf) -> None:
        self.sheaf, self.h = sheaf.of(0), sheaf.h
        self.drives = sheaf.boundary_term if sheaf.boundary_term.ndim == 2 else None
        self.home = None if self.drives is not None else sheaf.shared(Home)
        self.rest = sheaf.harmonic_extension() if self.home is None else self.home.rest
        z = self.rest[..., : self.h]
        self.resting, self.margin = (z > 0).astype(np.int8), np.abs(z).min(axis=-1, initial=np.inf)
        self.restless = 4 * _PATIENCE + sheaf.n // 4  # quiet steps that are worth the eigenbasis of a mode of few rows
        self.most = max(8, int(_ROOM / (24 * sheaf.n**2)))
        self.bases: dict[bytes, Eigenbasis] = {}

    def basis(self, key: bytes) -> Eigenbasis:
        """Return the eigenbasis of a mode vector; the oldest ones go where memory is short."""
        if self.home is not None and key == self.resting.tobytes():
            return self.home.basis
        if key not in self.bases:
            if len(self.bases) >= self.most:
                self.bases.pop(next(iter(self.bases)))
            self.bases[key] = Eigenbasis(region_of(self.sheaf, key))
        return self.bases[key]

    def basis_over(self, key: bytes, who: IntArray) -> Eigenbasis:
        """Return the eigenbasis of a mode vector for the rows of trajectories `who`."""
        return self._over(self.basis(key), who)

    def _over(self, basis: Eigenbasis, who: IntArray) -> Eigenbasis:
        return basis if self.drives is None else basis.over(self.drives[who])

    def take(
        self,
        c: FloatArray,
        codes: CodeArray,
        quiet: IntArray,
        t: FloatArray,
        t_end: float,
        blur: FloatArray,
        who: IntArray,
    ) -> tuple[IntArray, Leap]:
        """Return which rows, of trajectories `who`, leap, and where to. A row's result depends on that row alone."""
        if self.sheaf.n > DENSE:
            long = near = np.zeros(len(c), dtype=np.bool_)
        else:
            own: IntArray | slice = slice(None) if self.home is not None else who
            calm = (codes == self.resting[own]).all(axis=1)
            at_home = np.flatnonzero(calm)
            rest, margin = self.rest, self.margin
            if self.home is None:
                rest, margin = rest[who[at_home]], margin[who[at_home]]
            near = np.zeros(len(c), dtype=np.bool_)
            near[at_home] = np.sqrt(np.square(c[at_home] - rest).sum(axis=1)) < 0.999 * margin
            # The signs of the terms at once are cheap, and often show that nothing happens any more.
            tried = np.flatnonzero(calm & ~near & (quiet > 0))
            if tried.size and self.home is not None:
                near[tried] = self.home.basis.cleared(c[tried])
            long = quiet >= np.where(calm, _PATIENCE, self.restless)
        rows = np.flatnonzero(near | long)
        leap = self._leap(c[rows], codes[rows], near[rows], t[rows], t_end, blur[rows], who[rows])
        taken = leap.clear | (quiet[rows] >= LAST)
        parts = leap.states[taken], leap.waits[taken], leap.hit[taken], leap.rises[taken], leap.clear[taken]
        return rows[taken], Leap(*parts)

    def _leap(
        self,
        c: FloatArray,
        codes: CodeArray,
        near: BoolArray,
        t: FloatArray,
        t_end: float,
        blur: FloatArray,
        who: IntArray,
    ) -> Leap:
        waits = t_end * OVERTIME - t
        hit, rises = np.zeros(codes.shape, dtype=np.bool_), np.zeros(codes.shape, dtype=np.bool_)
        clear = np.ones(len(c), dtype=np.bool_)
        members: dict[bytes, list[int]] = {}
        for k in range(len(c)):
            members.setdefault(codes[k].tobytes(), []).append(k)
        groups = [(self.basis(key), np.array(rows)) for key, rows in members.items()]
        searched = [(basis, rows[~near[rows]]) for basis, rows in groups]
        self._search([(basis, rows) for basis, rows in searched if rows.size], c, who, waits, blur, hit, rises, clear)
        late = ~hit.any(axis=1) | (t + waits > t_end * AT_END)
        hit[late], waits[late] = False, t_end - t[late]
        states = c.copy()
        for basis, rows in groups:
            states[rows] = self._over(basis, who[rows]).flow(c[rows], waits[rows])
        return Leap(states, waits, hit, rises, clear)

    def _search(
        self,
        groups: list[tuple[Eigenbasis, IntArray]],
        c: FloatArray,
        who: IntArray,
        waits: FloatArray,
        blur: FloatArray,
        hit: BoolArray,
        rises: BoolArray,
        clear: BoolArray,
    ) -> None:
        """Find the first event of every row of `groups` before its wait is over; lower the wait to it.

        Rows in which the closed form is too coarse for that are no longer `clear`.
        """
        if not groups:
            return
        most = max(basis.rates.size for basis, _ in groups)
        columns: list[tuple[NDArray[Any], ...]] = []
        for shared, rows in groups:
            for k in range(0, rows.size, shared.room):
                part = rows[k : k + shared.room]
                basis = self._over(shared, who[part])
                floor = np.reshape(basis.floor, (-1, 1)) * blur[part][:, basis.owner]
                heights, terms = basis.functions(c[part])
                clear[part] = ~basis.unclear(c[part], heights, terms, floor)
                row, f = places(~basis.safe(heights, terms))
                # Terms and rates of all modes side by side: shorter sums end with zeros, which change no digit.
                coefficients, rates = np.zeros((most, row.size)), np.full((most, row.size), basis.rates[-1])
                coefficients[: basis.rates.size] = terms[:, row, f]
                rates[: basis.rates.size] = basis.rates[:, None]
                columns.append((
                    heights[row, f], coefficients, rates, basis.values(c[part])[row, f], part[row], basis.owner[f],
                    basis.upward[f], floor[row, f],
                ))  # fmt: skip
        constants, coefficients, rates, values, row, owner, upward, floor = (
            np.concatenate(parts, axis=-1) for parts in zip(*columns, strict=True)
        )
        if not row.size:
            return
        roots = first_roots(constants, coefficients, rates, values, waits, row, None, floor)
        first = np.isfinite(roots) & (roots <= waits[row] * (1 + 4 * EPS))
        at, some = (constants[first], coefficients[:, first], rates[:, first], roots[first]), row[first]
        clear[some[times_unclear(*at, floor[first])]] = False
        hit[row[first], owner[first]] = True
        rises[row[first & upward], owner[first & upward]] = True
