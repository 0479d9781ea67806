r"""One hidden layer and one output, many trajectories at once, each in whatever mode it is.

The same closed form as :mod:`sheaflab.engine.shallow` on arrays of shape ``(h, m)``: the mode enters as masks, so
trajectories in different modes advance together, each to its own next event. Only elementwise operations and sums
taken one row after the other are used, no matrix product: a trajectory's digits do not depend on its companions.
"""

from __future__ import annotations

from copy import copy

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray, places
from sheaflab.blocks import product
from sheaflab.engine.doubt import Blur, blur_of
from sheaflab.engine.falling import waits_to
from sheaflab.engine.taylor import closely
from sheaflab.events.closeness import FAR, start_unclear, times_unclear
from sheaflab.events.exponentials import NOISE, first_roots
from sheaflab.modes import ACTIVE, INACTIVE, SLIDING, CodeArray, settle_many
from sheaflab.results import Batch, Outcome
from sheaflab.sheaf import Sheaf, log_slopes
from sheaflab.walls import AT_END, OVERTIME, Germ, Walls, first_modes_many, settle_germs

_SLOW = 1e-5  # times the largest coordinate and the gain: who leaves its wall so slowly needs a closer look


class _Law:
    """Closed form of the modes of `m` trajectories; every attribute has shape ``(m,)``."""

    def __init__(self, w: FloatArray, active: BoolArray, u: FloatArray, r: FloatArray) -> None:
        s = rows(np.where(active, w * w, 0.0))
        p = rows(np.where(active, w * u, 0.0))
        q = np.sqrt(s * s + 4.0 * s)
        joined = q >= 1e-150  # else no active neuron is connected to the output
        safe, s1 = np.where(joined, q, 1.0), np.where(joined, s, 1.0)
        d1, d2 = 2.0 * s1 / (s1 + safe), 0.5 * (s1 + safe)
        self.l1 = np.where(joined, 2.0 / (2.0 + s + q), 1.0)
        self.l2 = np.where(joined, 1.0 + d2, 1.0)
        self.R1 = np.where(joined, (p + d1 * r) / safe, r)
        self.R2 = np.where(joined, (d2 * r - p) / safe, 0.0)
        self.B1, self.B2 = np.where(joined, self.R1 / d1, 0.0), np.where(joined, -self.R2 / d2, 0.0)
        self.share = np.where(joined, p / s1, 0.0)

    def take(self, columns: IntArray) -> _Law:
        """The law of some trajectories."""
        some = copy(self)
        for name, values in vars(self).items():
            setattr(some, name, values[columns])
        return some

    def rates(self, columns: IntArray) -> FloatArray:
        """The rates of some trajectories, shape ``(3, k)``."""
        return np.array([self.l1[columns], np.ones(columns.size), self.l2[columns]])


def rows(terms: FloatArray) -> FloatArray:
    """Sum over the first axis, one row after the other."""
    total = terms[0]
    for row in terms[1:]:
        total = total + row
    return np.asarray(total)


class _Walk:
    """The trajectories still under way: columns of arrays of shape ``(h, m)``."""

    def __init__(self, sheaf: Sheaf, starts: FloatArray, start: Germ, targets: FloatArray | None) -> None:
        h, self.targets = sheaf.h, targets
        self.walls = sheaf.shared(Walls)
        # One column for all trajectories, or one for each.
        drives, weights = np.atleast_2d(sheaf.boundary_term), np.abs(sheaf.net.weights[0])
        self.a = np.ascontiguousarray(drives[:, :h].T)
        self.w, self.b = sheaf.net.weights[1][0][:, None], float(drives[0, h])
        sizes = np.abs(sheaf.x)
        sizes = weights @ sizes if sizes.ndim == 1 else product(sizes, np.ascontiguousarray(weights.T))
        self.floor = np.ascontiguousarray(np.atleast_2d(2 * EPS * (sizes + np.abs(sheaf.net.biases[0]))).T)
        self.who, self.t = np.arange(len(starts)), np.zeros(len(starts))
        self.z, self.mode = np.ascontiguousarray(starts[:, :h].T), np.ascontiguousarray(start.codes.T)
        self.r = starts[:, h] - self.b - rows(np.where(self.mode == ACTIVE, self.w * self.z, 0.0))
        self.fresh = np.ascontiguousarray(start.orders.T)  # orders of zeros that are no events
        self.slow = self.fresh > 0  # where one of them may hardly be left
        self.met = np.zeros(len(starts), dtype=np.int64)
        self.blur: Blur = 1.0

    def select(self, columns: IntArray) -> None:
        """Go on with some trajectories alone."""
        for name in ("who", "t", "r", "met", *(() if self.targets is None else ("targets",))):
            setattr(self, name, getattr(self, name)[columns])
        # Not by an index, which would leave the numbers of a column, not those of a row, side by side.
        own = ["a", "floor"] if self.a.shape[1] > 1 else []
        own += [] if isinstance(self.blur, float) else ["blur"]
        for name in ("z", "mode", "fresh", "slow", *own):
            setattr(self, name, getattr(self, name).take(columns, axis=1))

    def store(self, batch: Batch, columns: IntArray, outcome: Outcome, ends: FloatArray | None = None) -> None:
        z = self.z.take(columns, axis=1)
        active = self.mode.take(columns, axis=1) == ACTIVE
        output = self.r[columns] + self.b + rows(np.where(active, self.w * z, 0.0))
        batch.finish(self.who[columns], np.vstack([z, output]).T, outcome, ends)

    def numbers(self, neuron: IntArray, column: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`a`, `w` and the floor of some neurons of some trajectories, each of shape ``(k,)``."""
        place = neuron, column if self.a.shape[1] > 1 else 0
        return self.a[place], self.w[neuron, 0], self.floor[place]

    def sheaf(self, k: int) -> Sheaf:
        """The sheaf of column `k`."""
        return self.walls.sheaf.of(int(self.who[k]))

    def advance(self, wait: FloatArray, law: _Law) -> None:
        self.z, self.r = self._after(wait, law, self.z, self.a, self.mode)

    def _after(
        self, wait: FloatArray, law: _Law, z: FloatArray, a: FloatArray, mode: CodeArray
    ) -> tuple[FloatArray, FloatArray]:
        """Hidden states and residuals of the output after a wait of each trajectory."""
        drop, m1, m2 = np.expm1(-wait), np.expm1(-law.l1 * wait), np.expm1(-law.l2 * wait)
        pulled = np.where(mode == ACTIVE, self.w * (law.B1 * m1 + law.B2 * m2 - law.share * drop), 0.0)
        z = z + np.where(mode == SLIDING, 0.0, (z - a) * drop + pulled)
        return z, law.R1 * (1.0 + m1) + law.R2 * (1.0 + m2)

    def fall(self, law: _Law, waits: FloatArray) -> BoolArray:
        """Which trajectories fall to their targets within their `waits`; shorten these to that time, in place."""
        low = np.zeros(waits.size, dtype=np.bool_)
        if self.targets is None:
            return low

        def energy(wait: FloatArray) -> FloatArray:
            z, r = self._after(wait, some, heights, drives, modes)
            u = z - drives
            return np.asarray(0.5 * (r * r + rows(u * u)))

        some, heights, drives, modes = law, self.z, self.a, self.mode
        low |= energy(waits) <= self.targets
        k = np.flatnonzero(low)
        if k.size:
            some, heights, modes = law.take(k), self.z.take(k, axis=1), self.mode.take(k, axis=1)
            drives = self.a.take(k, axis=1) if self.a.shape[1] > 1 else self.a
            waits[k] = waits_to(energy, self.t[k], waits[k], self.targets[k])
        return low

    def look(self, unclear: IntArray, at: FloatArray, best: FloatArray, t_end: float) -> dict[int, FloatArray]:
        """Find the next events of columns by series; put them into `at` and `best`, and return the states there."""
        states = {}
        for k in unclear.tolist():
            codes, orders = self.mode[:, k], self.fresh[:, k]
            horizon = t_end * AT_END - float(self.t[k])
            found = closely(self.sheaf(k), self.state(k), codes, orders, horizon, blur_of(self.blur, (..., k)))
            if found is not None:
                wait, who, _, states[k] = found
                at[:, k], best[k] = np.inf, wait if who.size else np.inf
                at[who, k] = wait
        return states

    def put(self, states: dict[int, FloatArray]) -> None:
        """Set the states of columns."""
        for k, c in states.items():
            self.z[:, k] = z = c[:-1]
            self.r[k] = c[-1] - self.b - float((self.w[:, 0] * z)[self.mode[:, k] == ACTIVE].sum())

    def settle(self, neuron: IntArray, column: IntArray) -> CodeArray:
        """Return the modes after the events of some neurons of some trajectories, shape ``(k,)``; set `fresh`, `slow`.

        There f⁻ = a, so sliding ends only by going active.
        """
        before, (down, w, _) = self.mode[neuron, column], self.numbers(neuron, column)
        up = down + w * self.r[column]
        after, slid = settle_many(before, down, up, True), before == SLIDING
        orders = 1 + slid.astype(np.int64)
        largest, least = float(np.abs(self.z).max()), np.minimum(np.abs(down), np.abs(up))
        slow = slid | (least <= _SLOW * self.walls.sheaf.gain * max(largest, self.walls.drive))
        faint = (least <= self.walls.faint(largest)) & ~slid
        for k in np.unique(column[faint]).tolist():
            some = faint & (column == k)
            unclear, codes = neuron[some], self.mode[:, k].copy()
            codes[neuron[column == k]] = after[column == k]
            germ = settle_germs(self.sheaf(k), self.state(k), codes, unclear)
            after[some], orders[some], slow[some] = germ.codes[unclear], germ.orders[unclear], True
        self.fresh, self.slow = np.zeros(self.z.shape, dtype=np.int64), np.zeros(self.z.shape, dtype=np.bool_)
        self.fresh[neuron, column], self.slow[neuron, column] = orders, slow
        return after

    def state(self, k: int) -> FloatArray:
        """The state of column `k`, shape ``(n,)``."""
        z = self.z[:, k]
        output = self.r[k] + self.b + float((self.w[:, 0] * z)[self.mode[:, k] == ACTIVE].sum())
        return np.append(z, output)

    def low(self, law: _Law) -> FloatArray:
        """Up to these heights, shape ``(m,)``, an active neuron may be no more than `FAR` times its rounding high."""
        pulls = np.abs(law.B1) + np.abs(law.share) + np.abs(law.B2)
        sizes = 2.0 * np.abs(self.a).max(axis=0) + float(np.abs(self.w).max()) * pulls
        return np.asarray(1.01 * FAR * (NOISE * sizes + (self.floor * self.blur).max(axis=0)))


def _squares(mode: CodeArray, u: FloatArray, pull: FloatArray) -> FloatArray:
    """Squared speeds of hidden neurons in their modes."""
    v = np.where(mode == SLIDING, 0.0, np.where(mode == ACTIVE, pull - u, -u))
    return np.asarray(v * v)


def run(
    sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int, targets: FloatArray | None = None
) -> Batch:
    """Follow the flow from each row of `starts`, shape ``(m, n)``, to `t_end` or to its target."""
    batch = Batch(sheaf, len(starts), t_end)
    start = first_modes_many(sheaf, starts)
    batch.repelled = np.asarray(start.repelled.any(axis=1))
    walk = _Walk(sheaf, starts, start, targets)
    while walk.who.size:
        law = _Law(walk.w, walk.mode == ACTIVE, walk.z - walk.a, walk.r)
        at, best, unclear = _first(walk, law, t_end * OVERTIME - walk.t)
        closer = walk.look(unclear, at, best, t_end)
        ended = walk.t + best > t_end * AT_END
        best = np.where(ended, t_end - walk.t, best)
        # As in :mod:`sheaflab.engine.shallow`: later by the rounding of time is the same instant.
        limit = np.minimum(walk.t, law.l1)
        np.maximum(limit, best, out=limit)
        limit *= 4 * EPS
        limit += best
        low = walk.fall(law, best)
        walk.advance(best, law)
        walk.put({k: c for k, c in closer.items() if not low[k]})
        if low.any():
            fallen = np.flatnonzero(low)
            walk.store(batch, fallen, Outcome.CONVERGED, walk.t[fallen] + best[fallen])
        if (ended | low).any():
            walk.store(batch, np.flatnonzero(ended & ~low), Outcome.REACHED_END)
            ended = ended | low
            going = np.flatnonzero(~ended)
            at, best, limit = at.take(going, axis=1), best[going], limit[going]
            walk.select(going)
            if not best.size:
                break
        walk.t = np.minimum(walk.t + best, t_end)
        neuron, column = places(at <= limit)
        walk.z[neuron, column] = 0.0
        settled = walk.settle(neuron, column)
        u = walk.z - walk.a
        rest = walk.r * walk.r
        energy, squares = 0.5 * (rest + rows(u * u)), _squares(walk.mode, u, walk.w * walk.r)
        slope = log_slopes(rest + rows(squares), energy)
        squares[neuron, column] = _squares(settled, u[neuron, column], walk.w[neuron, 0] * walk.r[column])
        slopes = slope, log_slopes(rest + rows(squares), energy)
        after = walk.mode.copy()
        after[neuron, column] = settled
        changes = batch.add(walk.who, walk.t, walk.mode, after, energy, slopes)
        walk.met = walk.met + changes
        on = (changes > 0) & (best > 4 * EPS * walk.t)
        walk.blur = 1.0 if on.all() else np.where(on, 1.0, np.where(at <= limit, 4.0, 1.0) * walk.blur)
        walk.mode = after
        spent = walk.met >= max_events
        if spent.any():
            walk.store(batch, np.flatnonzero(spent), Outcome.EVENT_BUDGET, walk.t[spent])
            walk.select(np.flatnonzero(~spent))
    return batch


def _first(walk: _Walk, law: _Law, horizon: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Times of events, shape ``(h, m)``, inf for none or a later one; each column's wait; columns that are unclear."""
    at = np.full(walk.z.shape, np.inf)
    rise = (walk.mode == INACTIVE) & (walk.a > walk.floor * np.where(walk.blur > 1.0, walk.blur, 0.0))
    row, column = places(rise)
    at[row, column] = np.log1p(-walk.z[row, column] / walk.numbers(row, column)[0])
    best = np.minimum(horizon, at.min(axis=0))
    # What the theorem of Laguerre does not clear at a glance is isolated, all trajectories together.
    p1 = walk.a + walk.w * law.B1
    p2 = p1 + (walk.z - walk.a - walk.w * law.share)
    glance = (walk.a >= 0) & (p1 >= 0) & (p2 >= 0) & (walk.z > walk.low(law))
    row, column = places((walk.mode == SLIDING) | ((walk.mode == ACTIVE) & ~glance))
    slides, z, (a, w, floors) = walk.mode[row, column] == SLIDING, walk.z[row, column], walk.numbers(row, column)
    c, values = np.where(slides, -a, a), np.where(slides, -a - w * walk.r[column], z)
    a1 = np.where(slides, -law.R1[column], law.B1[column]) * w
    a2 = np.where(slides, 0.0, z - a - w * law.share[column])
    a3 = np.where(slides, -law.R2[column], law.B2[column]) * w
    coefficients, rates, floors = np.array([a1, a2, a3]), law.rates(column), floors * blur_of(walk.blur, (row, column))
    fresh, slow = walk.fresh[row, column], walk.slow[row, column]
    low = values <= FAR * (NOISE * (np.abs(c) + np.abs(a1) + np.abs(a2) + np.abs(a3)) + floors)
    k = np.flatnonzero(np.where(fresh > 0, slow, low & (values != 0)))
    unclear = column[k]
    if unclear.size:
        terms, lam = coefficients.take(k, axis=1), rates.take(k, axis=1)
        unclear = unclear[start_unclear(c[k], terms, lam, values[k], fresh[k], floors[k])]
    k = np.flatnonzero(~((c >= 0) & (c + a1 >= 0) & (c + a1 + a2 >= 0)))
    if k.size:
        c, a, lam, floors, owner = c[k], coefficients.take(k, axis=1), rates.take(k, axis=1), floors[k], column[k]
        roots = first_roots(c, a, lam, values[k], best, owner, np.where(slides, 0, fresh)[k], floors)
        at[row[k], owner] = roots
        k = np.flatnonzero(np.isfinite(roots) & (roots <= best[owner]))
        blunt = times_unclear(c[k], a.take(k, axis=1), lam.take(k, axis=1), roots[k], floors[k])
        unclear = np.concatenate([unclear, owner[k][blunt]])
    return at, best, np.flatnonzero(np.bincount(unclear))
