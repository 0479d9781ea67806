"""A run followed anew from its start, one proved step or switch at a time, for :mod:`sheaflab.proof.follow`."""

from __future__ import annotations

from functools import partial

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.proof.cloud import Cloud
from sheaflab.proof.law import TINY, Law, gamma, norm
from sheaflab.proof.positivity import Doubt, Refutation, least, prove
from sheaflab.proof.series import LONGEST, Mode, Series
from sheaflab.proof.start import first_modes
from sheaflab.sheaf import Sheaf

_MOST_STEPS = 4000
_SHORTEST = 1e-2  # of the longest step
_WHAT = {
    "z": "meets its wall",
    "down": "stops sliding",
    "up": "stops sliding",
    "rest": "rests on a wall that begins to repel it, so the flow is not unique,",
}


class Walk:
    """A run followed anew from its start."""

    def __init__(self, sheaf: Sheaf, c0: FloatArray) -> None:
        self.sheaf, self.law = sheaf, Law(sheaf)
        self.t, self.clock = 0.0, 0.0
        self.y = c0.copy()
        self.cloud = Cloud(self.law.n, 0.0)
        # Starts that differ by the rounding of their own numbers are to be told apart by no one.
        self.robust = 4 * EPS * float(np.abs(c0).max(initial=0.0))
        self.steps = 0
        self.leaves: dict[int, str] = {}  # the modes into which the neurons go that switch next
        self.modes, self.orders = first_modes(sheaf, c0)
        self.mode = Mode(self.law, self.modes)
        self.still: BoolArray = (c0 == 0) & self.mode.decays  # coordinates that are 0 for certain, and stay so

    def name(self, i: int) -> str:
        return "neuron {1} of layer {0}".format(*self.sheaf.place(i))

    # -- inside a mode --------------------------------------------------------------------------------------------
    def go(self, until: float, group: list[int]) -> None:
        """Go to `until`, or to the switch of `group` that is expected there; prove that nothing else happens."""
        full = longest = LONGEST / self.law.fastest
        if self.steps + (until - self.t) / longest > _MOST_STEPS:
            many = f"up to t = {until:.9g} the proof takes more than {_MOST_STEPS} steps"
            raise Doubt(f"t = {self.t:.9g}: rates too far apart, {many}")
        while True:
            self.steps += 1
            left = until - self.t
            if not group and left <= 0:
                return
            last = left <= longest
            try:
                if not last:
                    self._step(longest if left > 1.3 * longest else 0.6 * left, [])
                elif group:
                    self._step(self._root(max(left, 0.0), group[0], longest), group)
                else:
                    self._step(left, [])
            except Doubt:  # errors turn less towards a wall in a shorter step
                if min(longest, left) < _SHORTEST * full or self.steps > _MOST_STEPS:
                    raise
                longest = 0.25 * min(longest, left)
                continue
            if last:
                return
            longest = min(2.0 * longest, full)

    def _root(self, guess: float, i: int, longest: float) -> float:
        """Where the function of the switch vanishes, by Newton's method from the logged time."""
        series = Series(self.mode, self.y, 1.2 * longest)
        f, _, _ = self._of(series, i)
        x, k = guess / series.h, np.arange(1.0, len(f))
        for _ in range(12):
            value, slope = f[0] + f[1:] @ x**k, (f[1:] * k) @ x ** (k - 1)
            if not slope < 0:
                break
            step = value / slope
            x = min(max(x - step, 0.0), 1.0)
            if abs(step) < 1e-15 * x:
                break
        return float(x * series.h)

    def _of(self, series: Series, i: int) -> tuple[FloatArray, str, float]:
        """The event function of a neuron that vanishes first, its kind, and the norm of its row."""
        if not self.mode.sliding[i]:
            return series.c[:, i] * (1.0 if self.mode.active[i] else -1.0), "z", 1.0
        down, up = -series.r[:, i], series.r[:, i] - series.g[:, i]
        return (down, "down", self.law.gain) if self.leaves.get(i) == "inactive" else (up, "up", self.law.fastest)

    def _functions(self, series: Series) -> list[tuple[str, IntArray, FloatArray, float]]:
        """All event functions of the mode, positive while it lasts: kind, owners, columns, and the norm of a row.

        While a neuron rests on its wall its speed on the active side has to push back: from a wall that it no longer
        pushes to, the neuron may leave at any time, and the flow is not unique.
        """
        law, mode, rests = self.law, self.mode, self.resting()
        found = [("z", mode.free, mode.side * series.c[:, mode.free], 1.0)]
        speeds = ("down", mode.slid, law.gain), ("up", mode.slid, law.fastest), ("rest", rests, law.fastest)
        for kind, i, length in speeds:
            if i.size:
                found.append((kind, i, -series.r[:, i] if kind == "down" else series.r[:, i] - series.g[:, i], length))
        return found

    def resting(self) -> IntArray:
        """Neurons at rest on their walls, but those that nothing can pull at: residuals of the others at rest are 0."""
        at_wall = np.flatnonzero(self.still[: self.law.h])
        if at_wall.size:
            at_wall = at_wall[(self.sheaf.pull[np.ix_(at_wall, np.flatnonzero(~self.still))] != 0).any(axis=1)]
        return np.asarray(at_wall)

    def _step(self, h: float, group: list[int]) -> None:
        mode = self.mode
        if h <= 0:
            raise Doubt(f"t = {self.t:.9g}: {self.name(group[0])} is already at its wall")
        series = Series(mode, self.y, h)
        end, wrong = series.end()
        later = self.cloud.after(series)
        width = self._width(series, later, group) if group else 0.0
        self._positive(series, group, width)
        self.cloud = later
        self.cloud.widen(wrong)
        self.t, self.clock = self.t + h, self.clock + 0.6 * EPS * (self.t + h)
        end[: self.law.h][mode.sliding] = 0.0
        self.y, self.orders = end, {}

    def _width(self, series: Series, later: Cloud, group: list[int]) -> float:
        """Around the end of the step, a time within which all of `group` switch."""
        width = 0.0
        for i in group:
            f, kind, _ = self._of(series, i)
            slope = abs(float(f[1:] @ np.arange(1.0, len(f)))) / series.h
            row = self._row(i, kind)
            value = abs(float(f.sum())) + series.wrong_in(kind, 0) + later.against(row, norm(row))
            value += gamma(len(f)) * float(np.abs(f).sum())
            if not value < 1e-2 * slope * series.h + 1e-3 * slope / self.law.fastest:
                raise Doubt(f"t = {self.t + series.h:.9g}: {self.name(i)} meets its wall too flatly to say when")
            width = max(width, 4.0 * value / slope)
        return width

    def _positive(self, series: Series, group: list[int], width: float) -> None:
        law, mode, h = self.law, self.mode, series.h
        size, rate = self.cloud.size + self.robust, law.fastest * h
        longer = 1.0 + width / h  # the old mode's law, as far as the switch may be late

        def wrong(kind: str, length: float, off: float, order: int) -> float:
            off = size if order else off
            return longer ** (series.degree + 2) * series.wrong_in(kind, order) + rate**order * length * off * 1.01

        for kind, owners, f, length in self._functions(series):
            f = f * longer ** np.arange(len(f))[:, None]
            low, rounding = least(f)
            passed = low > rounding + wrong(kind, length, size, 0)
            if kind == "z":
                free = np.array([(int(i), "z") not in self.orders for i in owners], dtype=np.bool_)
                settled = (f[0] > 0) | (free & (f[0] == 0))
                passed |= (mode.silent[: law.h] & ~mode.active)[owners] & settled
            for k in np.flatnonzero(~passed):
                i = int(owners[k])
                falls = i in group and self._of(series, i)[1] == kind
                order = self.orders.get((i, kind), 0)
                row = self._row(i, kind)
                tight = self.cloud.against(row, norm(row)) + length * (self.robust + rate * size)
                try:
                    prove(f[:, k], order, falls, partial(wrong, kind, length, min(size, tight / length)))
                except (Doubt, Refutation) as error:
                    at = h * longer * float(error.args[0])
                    text = f"{self.name(i)} {_WHAT[kind]} at t = {self.t + at:.9g}"
                    # While the switch may already have been, the old mode's law says nothing for certain.
                    if isinstance(error, Refutation) and kind != "rest" and (not group or at < h - width):
                        raise Refutation(text) from error
                    raise Doubt(f"{text}, or nearly") from error

    # -- at a wall ------------------------------------------------------------------------------------------------
    def switch(self, group: list[int], after: tuple[str, ...]) -> dict[int, float]:
        """Change the modes of `group`, all at their walls; return the bounds of the errors of the times.

        While of two runs one is still in the old mode and one in the new, at most for `tau`, others drift apart by the
        rate times :math:`|z_i|`, coordinate `i` as its speeds change and its path bends: all of second order, enlarged
        by the factor of the errors, and added to the ball.
        """
        law, old, y = self.law, self.mode, self.y
        series = Series(old, y, 1e-3 / law.fastest)
        size = self.cloud.size
        speed_wrong = series.wrong_speeds + law.fastest * size + TINY
        down = -series.r[0, : law.h]
        up = down + series.g[0]
        new = Mode(law, after)
        jump = sum(abs(old.speed(i, down, up) - new.speed(i, down, up)) for i in group)
        others = jump if len(group) > 1 else 0.0
        taus: dict[int, float] = {}
        values: dict[int, float] = {}
        for i in group:
            f, kind, length = self._of(series, i)
            slope = float(f[1]) / series.h
            row = self._row(i, kind)
            bound = self.cloud.along(i) if kind == "z" else self.cloud.against(row, norm(row))
            rounding = {"z": 0.0, "down": series.wrong_r[0], "up": series.wrong_r[0] + series.wrong_g[0]}[kind]
            values[i] = abs(float(f[0])) + rounding
            wrong = series.wrong(1)[0] / series.h * length + len(group) * law.fastest * length * size
            wrong += self._kinks(new, i, kind, group, down, up)
            first = 2.0 * (values[i] + bound) / max(-slope, 1e-300)
            bend = (2.0 * abs(float(f[2])) + series.wrong_in(kind, 2)) / series.h**2
            more = law.fastest * (size + 2.0 * series.speed * first) + others * (1 + law.fastest * first)
            bend += length * law.fastest * more
            m = -slope - wrong - 1.01 * first * bend
            if not m > 0.5 * abs(slope):
                raise Doubt(f"t = {self.t:.9g}: {self.name(i)} meets its wall too flatly to say when")
            taus[i] = (values[i] + bound) / m * (1 + 1e-9)
        tau = max(taus.values())
        rates = np.maximum(np.abs(series.r[1, : law.h]), np.abs(series.r[1, : law.h] - series.g[1])) / series.h
        rates += series.wrong_in("up", 1) / series.h + law.fastest**2 * (size + 2.0 * series.speed * tau)
        changing = 1.1 * tau * (rates + law.fastest * others)  # of the speeds, while the switch is uncertain
        sides = {i: (old.speed(i, down, up), new.speed(i, down, up)) for i in group}
        moves = sum(abs(a) + abs(b) + 2.0 * float(speed_wrong[i] + changing[i]) for i, (a, b) in sides.items())
        y, second = y.copy(), 0.0
        for i, (before, behind) in sides.items():
            a, b = old.modes[i], after[i]
            self._filippov(i, a, b, float(down[i]), float(up[i]), float(speed_wrong[i] + changing[i]))
            factor = 0.0 if "sliding" in (a, b) else behind / before  # of the error of coordinate i
            turns = law.fastest * (moves + 2.0 * jump) + 2.0 * float(rates[i])
            second += (1 + abs(factor)) * tau * (law.fastest * size + float(speed_wrong[i]) + tau * turns)
            if b == "sliding":
                self.cloud.pin(i)
            elif a != "sliding":
                self.cloud.stretch(i, factor)
                self.cloud.widen(values[i] * abs(factor))
            y[i] = 0.0
        self.cloud.widen(2.02 * second)
        speed = 2.0 * series.speed + jump + 2.0 * law.fastest * size
        self._others_apart(series, group, tau, jump, speed)
        for k in np.flatnonzero((y[: law.h] == 0) & (new.moving[: law.h] > 0) & ~np.isin(np.arange(law.h), group)):
            if new.active[k] or not new.silent[k]:
                raise Doubt(f"t = {self.t:.9g}: {self.name(int(k))}, at rest on its wall, is driven off it")
        self.orders = {}
        for i in group:
            if after[i] != "sliding" and not (new.silent[i] and not new.active[i]):
                self.orders[i, "z"] = 2 if old.modes[i] == "sliding" else 1
        self.still[group] = True
        self.still &= new.decays
        self.mode, self.y = new, y
        return {i: tau + self.clock for i, tau in taus.items()}

    def _kinks(self, new: Mode, i: int, kind: str, group: list[int], down: FloatArray, up: FloatArray) -> float:
        """By how much switches of the others of `group` before that of neuron `i` may flatten its fall."""
        if kind == "z" or len(group) == 1:
            return 0.0
        side = -1.0 if kind == "down" else 1.0  # of the row in the function
        ends = [(mode, side * self._row(i, kind, mode)) for mode in (self.mode, new)]
        falls = ([float(row[j]) * mode.speed(j, down, up) for mode, row in ends] for j in group if j != i)
        return sum(max(after - before, 0.0) * (1 + 1e-9) for before, after in falls)

    def _row(self, i: int, kind: str, mode: Mode | None = None) -> FloatArray:
        mode = self.mode if mode is None else mode
        unit = np.zeros(self.law.n)
        unit[i] = 1.0
        if kind == "z":
            return unit
        # Of f⁻ a row of δ; of f⁺ that minus what pulls at the neuron through δ.
        q = unit if kind == "down" else unit - self.sheaf.pull[i]
        row = q * mode.moving
        row[: self.law.h] -= mode.gate * self.law.up(q)
        return np.asarray(row)

    def _others_apart(self, series: Series, group: list[int], tau: float, jump: float, speed: float) -> None:
        """No other function may vanish while the switch is uncertain, in either of the two modes."""
        mode, law = self.mode, self.law
        size, bend = self.cloud.size + self.robust, 4.0 * law.fastest * tau * speed
        for kind, owners, f, length in self._functions(series):
            own = 0.0 if kind == "z" else jump  # another coordinate's speed does not jump, a residual's does
            limit = length * (size + 3.0 * tau * (own + bend)) + 3.0 * tau * np.abs(f[1]) / series.h
            for i in owners[f[0] <= limit + series.wrong_in(kind, 0)]:
                rests = kind == "z" and mode.silent[i] and not mode.active[i]
                k, row = int(np.flatnonzero(owners == i)[0]), self._row(int(i), kind)
                close = limit[k] - length * self.cloud.size + self.cloud.against(row, norm(row))
                if f[0, k] > close + series.wrong_in(kind, 0):
                    continue
                if not rests and not (int(i) in group and self._of(series, int(i))[1] == kind):
                    raise Doubt(f"t = {self.t:.9g}: {self.name(int(i))} {_WHAT[kind]} too, or nearly")

    def _filippov(self, i: int, a: str, b: str, down: float, up: float, sure: float) -> None:
        """The mode that follows is the one that the signs of the speeds ask for, beyond doubt."""
        if a == "sliding":
            other = -up if b == "inactive" else down
            wanted = [other]
        else:
            wanted = {"active": [down, up], "inactive": [-down, -up], "sliding": [down, -up]}[b]
            if b == "inactive" and self.mode.silent[i]:
                wanted = [-up]  # its other speed is 0 for certain, and that counts as inactive
        text = f"t = {self.t:.9g}: {self.name(i)} goes from {a} to {b} with speeds {down:.3g}, {up:.3g}"
        if min(wanted) < -sure:
            raise Refutation(f"{text}, against Filippov's rule")
        if min(wanted) <= sure:
            raise Doubt(f"{text}: one of them may be 0")
