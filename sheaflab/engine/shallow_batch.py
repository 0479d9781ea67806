r"""One hidden layer and one output, many trajectories at once, each in whatever mode it is.

The same closed form as :mod:`sheaflab.engine.shallow` on arrays of shape ``(h, m)``: the mode enters as masks, so
trajectories in different modes advance together, each to its own next event. Only elementwise operations and sums
taken one row after the other are used, no matrix product: a trajectory's digits do not depend on its companions.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.blocks import product
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

    def rates(self, columns: IntArray) -> FloatArray:
        """The rates of some trajectories, shape ``(3, k)``."""
        return np.stack([self.l1[columns], np.ones(columns.size), self.l2[columns]])


def rows(terms: FloatArray) -> FloatArray:
    """Sum over the first axis, one row after the other."""
    total = terms[0]
    for row in terms[1:]:
        total = total + row
    return np.asarray(total)


class _Walk:
    """The trajectories still under way: columns of arrays of shape ``(h, m)``."""

    def __init__(self, sheaf: Sheaf, starts: FloatArray, start: Germ) -> None:
        h = sheaf.h
        self.walls = sheaf.shared(Walls)
        # One column for all trajectories, or one for each.
        drives, weights = np.atleast_2d(sheaf.boundary_term), np.abs(sheaf.net.weights[0])
        self.a = np.ascontiguousarray(drives[:, :h].T)
        self.w, self.b = sheaf.net.weights[1][0][:, None], float(drives[0, h])
        sizes = np.abs(sheaf.x)
        sizes = weights @ sizes if sizes.ndim == 1 else product(sizes, np.ascontiguousarray(weights.T))
        self.floor = np.atleast_2d(2 * EPS * (sizes + np.abs(sheaf.net.biases[0]))).T
        self.who, self.t = np.arange(len(starts)), np.zeros(len(starts))
        self.z, self.mode = np.ascontiguousarray(starts[:, :h].T), np.ascontiguousarray(start.codes.T)
        self.r = starts[:, h] - self.b - rows(np.where(self.mode == ACTIVE, self.w * self.z, 0.0))
        self.fresh = np.ascontiguousarray(start.orders.T)  # orders of zeros that are no events
        self.slow = self.fresh > 0  # where one of them may hardly be left
        self.met, self.blur = np.zeros(len(starts), dtype=np.int64), np.ones(len(starts))

    def select(self, mask: BoolArray) -> None:
        self.who, self.t, self.r, self.met = self.who[mask], self.t[mask], self.r[mask], self.met[mask]
        self.blur = self.blur[mask]
        if self.a.shape[1] > 1:
            self.a, self.floor = self.a[:, mask], self.floor[:, mask]
        self.z, self.mode, self.fresh = self.z[:, mask], self.mode[:, mask], self.fresh[:, mask]
        self.slow = self.slow[:, mask]

    def store(self, batch: Batch, mask: BoolArray, outcome: Outcome, ends: FloatArray | None = None) -> None:
        z = self.z[:, mask]
        output = self.r[mask] + self.b + rows(np.where(self.mode[:, mask] == ACTIVE, self.w * z, 0.0))
        batch.finish(self.who[mask], np.vstack([z, output]).T, outcome, ends)

    def drives(self, neuron: IntArray, column: IntArray) -> FloatArray:
        """The drives of some neurons of some trajectories."""
        return np.asarray(self.a[neuron, column if self.a.shape[1] > 1 else 0])

    def sheaf(self, k: int) -> Sheaf:
        """The sheaf of column `k`."""
        return self.walls.sheaf.of(int(self.who[k]))

    def advance(self, wait: FloatArray, law: _Law) -> None:
        drop, m1, m2 = np.expm1(-wait), np.expm1(-law.l1 * wait), np.expm1(-law.l2 * wait)
        pulled = np.where(self.mode == ACTIVE, self.w * (law.B1 * m1 + law.B2 * m2 - law.share * drop), 0.0)
        self.z = self.z + np.where(self.mode == SLIDING, 0.0, (self.z - self.a) * drop + pulled)
        self.r = law.R1 * (1.0 + m1) + law.R2 * (1.0 + m2)

    def look(self, unclear: IntArray, at: FloatArray, best: FloatArray, t_end: float) -> dict[int, FloatArray]:
        """Find the next events of columns by series; put them into `at` and `best`, and return the states there."""
        states = {}
        for k in unclear.tolist():
            codes, orders = self.mode[:, k], self.fresh[:, k]
            horizon = t_end * AT_END - float(self.t[k])
            found = closely(self.sheaf(k), self.state(k), codes, orders, horizon, float(self.blur[k]))
            if found is not None:
                wait, who, _, states[k] = found
                at[:, k], best[k] = np.inf, wait
                at[who, k] = wait
        return states

    def put(self, states: dict[int, FloatArray]) -> None:
        """Set the states of columns."""
        for k, c in states.items():
            self.z[:, k] = z = c[:-1]
            self.r[k] = c[-1] - self.b - float((self.w[:, 0] * z)[self.mode[:, k] == ACTIVE].sum())

    def settle(self, hit: BoolArray) -> tuple[CodeArray, IntArray]:
        """Return the modes after the events `hit`, and orders. There f⁻ = a, so sliding ends only by going active."""
        neuron, column = hit.nonzero()
        down = self.drives(neuron, column)
        up = down + self.w[neuron, 0] * self.r[column]
        after = self.mode.copy()
        after[neuron, column] = settle_many(self.mode[neuron, column], down, up, True)
        slid = self.mode[neuron, column] == SLIDING
        orders = hit.astype(np.int64)
        orders[neuron, column] += slid
        largest, least = float(np.abs(self.z).max()), np.minimum(np.abs(down), np.abs(up))
        self.slow = np.zeros(hit.shape, dtype=np.bool_)
        self.slow[neuron, column] = slid | (least <= _SLOW * self.walls.sheaf.gain * max(largest, self.walls.drive))
        faint = least <= self.walls.faint(largest)
        faint &= self.mode[neuron, column] != SLIDING
        for k in np.unique(column[faint]).tolist():
            unclear = neuron[faint & (column == k)]
            germ = settle_germs(self.sheaf(k), self.state(k), after[:, k], unclear)
            after[:, k] = germ.codes
            orders[unclear, k] = germ.orders[unclear]
            self.slow[unclear, k] = True
        return after, orders

    def state(self, k: int) -> FloatArray:
        """The state of column `k`, shape ``(n,)``."""
        z = self.z[:, k]
        output = self.r[k] + self.b + float((self.w[:, 0] * z)[self.mode[:, k] == ACTIVE].sum())
        return np.append(z, output)

    def slope(self, mode: CodeArray, energy: FloatArray) -> FloatArray:
        u = self.z - self.a
        v = np.where(mode == SLIDING, 0.0, np.where(mode == ACTIVE, self.w * self.r - u, -u))
        return log_slopes(self.r * self.r + rows(v * v), energy)


def run(sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int) -> Batch:
    """Follow the flow from each row of `starts`, shape ``(m, n)``."""
    batch = Batch(sheaf, len(starts), t_end)
    start = first_modes_many(sheaf, starts)
    batch.repelled = np.asarray(start.repelled.any(axis=1))
    walk = _Walk(sheaf, starts, start)
    while walk.who.size:
        law = _Law(walk.w, walk.mode == ACTIVE, walk.z - walk.a, walk.r)
        at, best, unclear = _first(walk, law, t_end * OVERTIME - walk.t)
        closer = walk.look(unclear, at, best, t_end)
        late = walk.t + best > t_end * AT_END
        at[:, late], best[late] = np.inf, t_end - walk.t[late]
        ended = np.asarray(np.isinf(at).all(axis=0))
        walk.advance(best, law)
        walk.put(closer)
        if ended.any():
            walk.store(batch, ended, Outcome.REACHED_END)
            at, best = at[:, ~ended], best[~ended]
            walk.select(~ended)
            if not best.size:
                break
        walk.t = np.minimum(walk.t + best, t_end)
        hit = at <= best * (1 + 4 * EPS)
        walk.z[hit] = 0.0
        after, orders = walk.settle(hit)
        u = walk.z - walk.a
        energy = 0.5 * (walk.r * walk.r + rows(u * u))
        slopes = walk.slope(walk.mode, energy), walk.slope(after, energy)
        changes = batch.add(walk.who, walk.t, walk.mode, after, energy, slopes)
        walk.met = walk.met + changes
        walk.blur = np.where((changes > 0) & (best > 4 * EPS * walk.t), 1.0, 4.0 * walk.blur)
        walk.mode, walk.fresh = after, orders
        spent = walk.met >= max_events
        if spent.any():
            walk.store(batch, spent, Outcome.EVENT_BUDGET, walk.t[spent])
            walk.select(~spent)
    return batch


def _first(walk: _Walk, law: _Law, horizon: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Times of events, shape ``(h, m)``, inf for none or a later one; each column's wait; columns that are unclear."""
    at = np.full(walk.z.shape, np.inf)
    rise = (walk.mode == INACTIVE) & (walk.a > walk.floor * np.where(walk.blur > 1.0, walk.blur, 0.0))
    row, column = np.nonzero(rise)
    at[row, column] = np.log1p(-walk.z[row, column] / walk.drives(row, column))
    best = np.minimum(horizon, at.min(axis=0))
    # What the theorem of Laguerre does not clear at once is isolated, all trajectories together.
    slides = walk.mode == SLIDING
    c = np.where(slides, -walk.a, walk.a)
    a1, a3 = np.where(slides, -law.R1, law.B1) * walk.w, np.where(slides, -law.R2, law.B2) * walk.w
    a2 = np.where(slides, 0.0, walk.z - walk.a - walk.w * law.share)
    p1 = c + a1
    safe = (c >= 0) & (p1 >= 0) & (p1 + a2 >= 0)
    falling = walk.mode != INACTIVE
    values = np.where(slides, -walk.a - walk.w * walk.r, walk.z)
    floors = walk.floor * walk.blur
    low = values <= FAR * (NOISE * (np.abs(c) + np.abs(a1) + np.abs(a2) + np.abs(a3)) + floors)
    pick = np.nonzero(falling & np.where(walk.fresh > 0, walk.slow, low & (values != 0)))
    unclear = pick[1]
    if unclear.size:
        terms, rates = np.stack([a1[pick], a2[pick], a3[pick]]), law.rates(unclear)
        unclear = unclear[start_unclear(c[pick], terms, rates, values[pick], walk.fresh[pick], floors[pick])]
    row, column = np.nonzero(falling & ~safe)
    if row.size:
        constants, pick = c[row, column], (row, column)
        coefficients = np.stack([a1[pick], a2[pick], a3[pick]])
        rates, order = law.rates(column), np.where(slides[pick], 0, walk.fresh[pick])
        roots = first_roots(constants, coefficients, rates, values[pick], best, column, order, floors[pick])
        at[pick] = roots
        hit = np.isfinite(roots) & (roots <= best[column])
        blunt = times_unclear(constants[hit], coefficients[:, hit], rates[:, hit], roots[hit], floors[pick][hit])
        unclear = np.union1d(unclear, column[hit][blunt])
    at[at > horizon] = np.inf
    return at, np.minimum(at.min(axis=0), horizon), unclear
