r"""Any shape, many trajectories at once, each in whatever mode it is: Taylor series with certified polynomial events.

What :mod:`sheaflab.engine.taylor` does for one trajectory, on a pool of rows that is refilled as runs end. Two things
differ, because every row has a mode of its own:

- :math:`-L v = -\delta^\top \delta v` is applied layer by layer, as two products with the weights and masks for the
  modes: no Laplacian is formed. One application more than the degree gives the remainder itself.
- A polynomial is written in the Bernstein basis only if
  :math:`f(x) \ge f_0 + f_1 x - x^2 \sum_{k \ge 2} |f_k|`, concave and so least at an end, does not clear it at once.

A row's digits do not depend on its companions: products are taken in blocks of a fixed size
(:mod:`sheaflab.blocks`), everything else acts on rows one by one, and what a row does next follows from its own
past alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray, places
from sheaflab.blocks import product
from sheaflab.engine.crossing import EARLY
from sheaflab.engine.falling import Along, Falling, value
from sheaflab.engine.layers import Layers, slopes_in, velocities
from sheaflab.engine.leap_batch import LAST, Leaps
from sheaflab.engine.taylor import closely
from sheaflab.events.closeness import FAR
from sheaflab.events.polynomials import NOISE, conversion
from sheaflab.events.polynomials_batch import first_roots
from sheaflab.modes import ACTIVE, SLIDING, CodeArray, settle_many
from sheaflab.results import Batch, Outcome
from sheaflab.sheaf import Sheaf
from sheaflab.walls import AT_END, OVERTIME, Walls, first_modes_many, settle_germs

DEGREE = 18
_NUMBERS = 32_768  # in the states of a pool: large enough to spread the overhead, small enough for the cache


class _Pool:
    """The rows under way. `who` is -1 in a row without a trajectory."""

    PER_ROW = ("c", "codes", "orders", "r", "g", "t", "who", "quiet", "blur", "last", "met")

    def __init__(
        self, sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int, targets: FloatArray | None
    ) -> None:
        self.layers, self.h, self.n = Layers(sheaf), sheaf.h, sheaf.n
        self.block = self.layers.block
        self.t_end, self.max_events = t_end, max_events
        self.batch = Batch(sheaf, len(starts), t_end)
        self.starts, self.next = starts, 0
        start = first_modes_many(sheaf, starts)
        self.first_codes, self.first_orders = start.codes, start.orders
        self.batch.repelled = np.asarray(start.repelled.any(axis=1))
        self.walls = sheaf.shared(Walls)
        self.leaps = Leaps(sheaf)
        self.falling = Falling(self.layers, self.leaps, targets)
        # Where every row has a boundary term of its own: that, and its largest entry. Free rows have the first one's.
        self.drives = self.leaps.drives
        self.drive: Any = self.walls.drive if self.drives is None else np.abs(self.drives).max(axis=1)
        self.rest, self.resting = np.atleast_2d(self.leaps.rest)[0], np.atleast_2d(self.leaps.resting)[0]
        rows = min(max(1, _NUMBERS // (self.block * sheaf.n)), -(-len(starts) // self.block)) * self.block
        self.c, self.codes = np.tile(self.rest, (rows, 1)), np.tile(self.resting, (rows, 1))
        self.orders = np.zeros(self.codes.shape, dtype=np.int64)  # at which neurons have just left their walls
        self.r, self.g = np.zeros((rows, self.n)), np.zeros((rows, self.h))
        self.t, self.blur, self.last = np.zeros(rows), np.ones(self.codes.shape), np.zeros(rows)
        self.who = np.full(rows, -1)
        self.quiet, self.met = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
        self._allot()

    def _of(self, values: Any, rows: IntArray | slice) -> Any:
        """What belongs to `rows` of values that the trajectories have each, if they are not shared."""
        return values if self.drives is None else values[np.maximum(self.who[rows], 0)]

    def _field(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        return self.layers.field(self.c[rows], self.codes[rows], self._of(self.drives, rows))

    def _allot(self) -> None:
        """Room for the series of all rows and for their residuals and pulls."""
        blocks = len(self.who) // self.block
        self.series = np.empty((blocks, DEGREE + 2, self.block, self.n))
        self.residuals = np.empty((blocks, DEGREE + 1, self.block, self.n))
        self.pulls = np.zeros((blocks, DEGREE + 1, self.block, self.n))  # outputs have none

    def refill(self) -> bool:
        """Give free rows new trajectories, or let whole blocks go; tell whether any row is under way."""
        free = np.flatnonzero(self.who < 0)
        fresh = free[: len(self.starts) - self.next]
        if fresh.size:
            new = np.arange(self.next, self.next + fresh.size)
            self.next += fresh.size
            self.who[fresh], self.c[fresh], self.codes[fresh] = new, self.starts[new], self.first_codes[new]
            self.orders[fresh] = self.first_orders[new]
            self.t[fresh], self.quiet[fresh], self.blur[fresh], self.last[fresh], self.met[fresh] = 0.0, 0, 1.0, 0.0, 0
            self.r[fresh], self.g[fresh] = self._field(fresh)
        elif free.size >= self.block:
            spare = free[: free.size // self.block * self.block]
            for name in self.PER_ROW:
                setattr(self, name, np.delete(getattr(self, name), spare, axis=0))
            self._allot()
        return bool((self.who >= 0).any())

    def finish(self, rows: IntArray, outcome: Outcome) -> None:
        who = self.who[rows]
        self.batch.finish(who, self.c[rows], outcome, None if outcome is Outcome.REACHED_END else self.t[rows])
        self.who[rows] = -1
        self.c[rows], self.codes[rows], self.r[rows], self.g[rows] = self.rest, self.resting, 0.0, 0.0

    def leap(self) -> None:
        """Take rows that have been quiet for long, or can meet no wall any more, by the closed form of their mode."""
        alive = np.flatnonzero(self.who >= 0)
        which, leap = self.leaps.take(
            self.c[alive], self.codes[alive], self.quiet[alive], self.t[alive], self.t_end, self.blur[alive],
            self.who[alive],
        )  # fmt: skip
        rows = alive[which]
        if not rows.size:
            return
        low = self.falling.cut(leap, self.who[rows], self.codes[rows], self.c[rows], self.t[rows])
        rests = self.walls.resting(self.c[rows], self.codes[rows], self._of(self.drives, rows))
        self.c[rows] = leap.states
        self.c[rows[:, None], np.arange(self.h)] *= ~rests
        ended = ~leap.hit.any(axis=1)
        self.t[rows] = np.where(ended & ~low, self.t_end, np.minimum(self.t[rows] + leap.waits, self.t_end))
        met = rows[~ended]
        if met.size:
            self.meet(met, leap.hit[~ended], leap.rises[~ended])
        self.finish(rows[low], Outcome.CONVERGED)
        self.finish(rows[ended & ~low], Outcome.REACHED_END)

    def step(self) -> None:
        """Take every row to its next event or to the end of one series."""
        lengths = self.expand()
        hit, rises, x, unclear = self.events()
        closer = self.look(unclear, hit, rises, x, lengths)
        s = self.series
        late = self.t + x * lengths > self.t_end * AT_END
        hit[late], x[late] = False, (self.t_end - self.t[late]) / lengths[late]
        old, self.c = self.c, value(s[:, : DEGREE + 1], x.reshape(-1, self.block, 1)).reshape(-1, self.n)
        for row, state in closer.items():
            self.c[row] = state
        if self.falling.targets is not None:
            low, found, states = self.falling.in_step(
                self.who, self.codes, old, self.c, self.t, x * lengths, self._along, closer
            )
            self.c[low], self.t[low], hit[low] = states, self.t[low] + found, False
            self.finish(low, Outcome.CONVERGED)
        self.orders[:] = 0
        alive, met = self.who >= 0, hit.any(axis=1)
        self.t = np.where(met, np.minimum(self.t + x * lengths, self.t_end), np.minimum(self.t + lengths, self.t_end))
        self.t[late] = self.t_end
        self.quiet += 1
        rows = np.flatnonzero(met)
        quiet = np.flatnonzero(~met)
        self.r[quiet], self.g[quiet] = self._field(quiet)
        if rows.size:
            self.meet(rows, hit[rows], rises[rows])
        self.finish(np.flatnonzero(alive & (self.who >= 0) & (self.t >= self.t_end)), Outcome.REACHED_END)

    def _along(self, rows: IntArray) -> Along:
        """The states of some rows by their series, from waits."""
        series, lengths = self.series[rows // self.block, : DEGREE + 1, rows % self.block], self.powers[rows, 1]
        return lambda waits: value(series, (waits / lengths)[:, None])

    def expand(self) -> FloatArray:
        """Fill the series, in the fraction of a step, and return the lengths of the steps."""
        layers, s, h = self.layers, self.series, self.h
        active, still = np.zeros((len(self.who), self.n)), np.ones((len(self.who), self.n))
        active[:, :h] = self.codes == ACTIVE
        still[:, :h][self.codes == SLIDING] = 0.0
        still = still.reshape(-1, self.block, self.n) / -layers.unit
        active = active.reshape(still.shape)
        pulled, work = active / layers.unit, np.empty(active.shape)
        s[:, 0] = self.c.reshape(-1, self.block, self.n)
        s[:, 1] = velocities(self.r, self.g, self.codes).reshape(s[:, 1].shape)
        self.residuals[:, 0] = self.r.reshape(s[:, 0].shape)
        self.pulls[:, 0, :, :h] = self.g.reshape(-1, self.block, h)
        for k in range(1, DEGREE + 1):
            r, g, following = self.residuals[:, k], self.pulls[:, k], s[:, k + 1]
            layers.apply(s[:, k], active, r, g)
            np.multiply(r, still, out=following)
            following += np.multiply(g, pulled, out=work)
        # The remainder is at most the next term; f⁺ of a sliding neuron sees it through δ twice, hence the unit.
        largest = np.abs(s[:, DEGREE + 1]).max(axis=-1).reshape(-1)
        last = np.sqrt(np.square(s[:, DEGREE + 1]).sum(axis=-1)).reshape(-1)
        # Far below `unit` the products, and before them their squares, underflow: a last term of 0 proves nothing.
        last = np.where(last > 1e-150, last, np.maximum(math.sqrt(self.n) * largest, 1e-300))
        drive = np.maximum(self._of(self.drive, slice(None)), 1e-150)
        self.rounding = EPS * np.maximum(np.abs(self.c).max(axis=1), drive)
        tolerance = self.rounding / layers.unit
        room = np.log(tolerance) - np.log(last) + math.lgamma(DEGREE + 2) - DEGREE * math.log(layers.unit)
        lengths = np.minimum(self.t_end * OVERTIME - self.t, np.exp(np.minimum(room / (DEGREE + 1), 700.0)))
        self.powers = np.ones((len(lengths), DEGREE + 1))
        self.powers[:, 1] = lengths
        self.powers[:, 2:] = lengths[:, None] * (layers.unit / np.arange(2.0, DEGREE + 1))
        np.multiply.accumulate(self.powers, axis=1, out=self.powers)
        s[:, : DEGREE + 1] *= self.powers.reshape(-1, self.block, DEGREE + 1).transpose(0, 2, 1)[..., None]
        return np.asarray(lengths)

    def look(
        self, unclear: IntArray, hit: BoolArray, rises: BoolArray, x: FloatArray, lengths: FloatArray
    ) -> dict[int, FloatArray]:
        """Take single rows to their next events, put these in the place of the step's; return the states there."""
        states = {}
        for row in unclear.tolist():
            horizon, c = self.t_end * AT_END - float(self.t[row]), self.c[row]
            own = self.walls.sheaf.of(int(self.who[row]))
            found = closely(own, c, self.codes[row], self.orders[row], horizon, self.blur[row])
            if found is None:  # hundreds of quiet steps: the next one is by the closed form, be it coarse
                self.quiet[row] = LAST
            else:
                lengths[row], who, up, states[row] = found
                x[row], hit[row], rises[row] = 1.0, False, False
                hit[row, who], rises[row, who] = True, up != 0
        return states

    def events(self) -> tuple[BoolArray, BoolArray, FloatArray, IntArray]:
        """Who ends each row's step, who of them rises off its wall, at what fraction of it; rows that are unclear."""
        s, h = self.series, self.h
        sliding, alive = self.codes == SLIDING, (self.who >= 0)[:, None]
        side = np.where(self.codes == ACTIVE, 1.0, -1.0)
        rest = np.abs(s[:, 2 : DEGREE + 1]).sum(axis=1)[..., :h].reshape(side.shape)
        ends = (self.c[:, :h] + s[:, 1, :, :h].reshape(side.shape)) * side
        row, neuron = places((ends <= rest) & ~sliding & alive)
        functions = [s[row // self.block, : DEGREE + 1, row % self.block, neuron] * side[row, neuron][:, None]]
        slid, where = places(sliding & alive)
        if slid.size:
            place = slid // self.block, slice(None), slid % self.block, where
            r, g = self.residuals[place] * self.powers[slid], self.pulls[place] * self.powers[slid]
            functions += [-r, r - g]
        group, owner = np.concatenate([row, slid, slid]), np.concatenate([neuron, where, where])
        upward = np.arange(group.size) >= row.size + slid.size
        monomials = np.concatenate(functions)
        noise = NOISE * np.abs(monomials).sum(axis=1) + 4 * self.rounding[group] * self.blur[group, owner]
        x = np.ones(len(self.who))
        b = product(monomials, conversion(DEGREE).T)
        close = np.abs(b) <= FAR * noise[:, None]
        order = np.where(np.arange(group.size) < row.size, self.orders[group, owner], 0)
        close[:, 0] &= order == 0
        close[:, 1] &= order < 2
        at = first_roots(monomials, noise, group, x, b + noise[:, None])
        unclear = np.flatnonzero(np.bincount(group[close.any(axis=1) | ((order > 0) & (at < EARLY))]))
        first = at <= x[group] * (1 + 4 * EPS)
        hit, rises = np.zeros(side.shape, dtype=np.bool_), np.zeros(side.shape, dtype=np.bool_)
        hit[group[first], owner[first]] = True
        rises[group[first & upward], owner[first & upward]] = True
        return hit, rises, x, unclear

    def _look_closer(
        self, rows: IntArray, c: FloatArray, before: CodeArray, after: CodeArray, hit: BoolArray, r: FloatArray,
        g: FloatArray,
    ) -> IntArray:  # fmt: skip
        """Settle anew, in place, the rows where a speed at a wall may be 0, or somebody rests; return orders."""
        row, neuron = places(c[:, : self.h] == 0)
        hits, slid = hit[row, neuron], before[row, neuron] == SLIDING
        orders = np.zeros(hit.shape, dtype=np.int64)
        orders[row, neuron] = np.where(hits, 1 + slid, 0)
        down, sizes = r[row, neuron], np.maximum(np.abs(c).max(axis=1), self._of(self.drive, rows))
        faint = np.minimum(np.abs(down), np.abs(g[row, neuron] - down)) <= self.walls.rounding * sizes[row]
        at, crosses = faint & ~(hits & slid), hits & ~slid
        for k in np.unique(row[at]).tolist():
            met = neuron[(at | crosses) & (row == k)]
            germ = settle_germs(self.walls.sheaf.of(int(self.who[rows[k]])), c[k], after[k], met.tolist())
            after[k], orders[k, met] = germ.codes, germ.orders[met]
        return np.where(after == SLIDING, 0, orders)

    def meet(self, rows: IntArray, hit: BoolArray, rises: BoolArray) -> None:
        """Change the modes of the neurons `hit` in `rows` by Filippov's rule, and log it."""
        c, before = self.c[rows], self.codes[rows]
        row, neuron = places(hit)
        c[row, neuron] = 0.0
        r, g = self.layers.field(c, before, self._of(self.drives, rows))
        down = -r[row, neuron]
        after = before.copy()
        after[row, neuron] = settle_many(before[row, neuron], down, g[row, neuron] + down, rises[row, neuron])
        self.orders[rows] = self._look_closer(rows, c, before, after, hit, r, g)
        t, energy = self.t[rows], 0.5 * np.square(r).sum(axis=1)
        slopes = slopes_in(before, r, g, energy), slopes_in(after, r, g, energy)
        changes = self.batch.add(self.who[rows], t, before.T, after.T, energy, slopes)
        # A wall touched within rounding, or no time passed: see :mod:`sheaflab.engine.doubt`.
        on = (changes > 0) & (t > self.last[rows] * (1 + 4 * EPS))
        self.blur[rows] = np.where(on[:, None], 1.0, np.where(hit, 4.0, 1.0) * self.blur[rows])
        self.last[rows], self.quiet[rows] = t, 0
        self.met[rows] += changes
        self.c[rows], self.codes[rows], self.r[rows], self.g[rows] = c, after, r, g
        self.finish(rows[self.met[rows] >= self.max_events], Outcome.EVENT_BUDGET)


def run(
    sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int, targets: FloatArray | None = None
) -> Batch:
    """Follow the flow from each row of `starts`, shape ``(m, n)``, to `t_end` or to its target."""
    pool = _Pool(sheaf, starts, t_end, max_events, targets)
    while pool.refill():
        pool.leap()
        pool.step()
    return pool.batch
