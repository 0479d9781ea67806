r"""Follow a log through the flow in ball arithmetic: the rigorous certificate.

**Theorem.** *Let the flow start at the doubles* `c0`. *If* :func:`enclose` *ends without an exception, the flow has on*
:math:`[0, t_{end}]` *the switches of the log and no other, and the k-th is at a time within* `times[k]`.

*Proof.* By induction over switches. Each true run has a clock of its own: it and the computed one are compared at equal
times since their last switches. Then the true state is within :math:`\rho` of the computed one, which consists of exact
numbers. Inside a mode differences obey :math:`\dot e = -\delta^\top\delta e`, so :math:`\rho` does not grow but by what
a step leaves out and rounds. No event function vanishes: each is shown to be above :math:`\rho` times the norm of its
row; next to a zero just left the first derivative that is not zero there does. The function of the neuron that
switches is positive up to :math:`\hat s - \tau`, falls on :math:`\hat s \pm \tau` and is negative at the end of that:
the true switch is there, and :math:`\|c(s^*) - y(\hat s)\| \le \rho + \tau \|\dot c\|`, since speeds do not grow in a
mode. Filippov's rule is read off signs beyond that. The clocks differ by the sum of all :math:`\tau`. ∎

Nothing of the quick certificate is used.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from sheaflab.arrays import EPS, FloatArray
from sheaflab.proof.balls import (
    Ball,
    Function,
    Law,
    Mode,
    Poly,
    Series,
    Unproved,
    Wrong,
    below,
    derivative,
    load,
    norm,
    prove_positive,
    step_length,
)
from sheaflab.sheaf import Sheaf

LARGEST = 32
"""Hidden neurons of a network for which balls are quick enough."""
_BITS = (256, 512, 1024, 2048)
_MOST_STEPS = 2000


class Enclosures(NamedTuple):
    """What was proved: bounds on how far the log's times and states are from the flow's.

    Both have one number for each joint.
    """

    times: list[float]
    states: list[float]


class Undecidable(Unproved):
    """More bits do not help."""


def enclose(sheaf: Sheaf, joints: list[tuple[float, tuple[str, ...]]], states: FloatArray, t_end: float) -> Enclosures:
    """Prove a log, with as many bits as that takes.

    Parameters
    ----------
    sheaf : Sheaf
        At most `LARGEST` hidden neurons.
    joints : list of (float, tuple of str)
        Times and the modes that follow, the first at 0.
    states : ndarray, shape (k, n)
        The start and the states at the joints.
    t_end : float

    Raises
    ------
    Wrong, Unproved
        What is refuted, or where the proof fails.
    ImportError
        If python-flint is not installed.
    ValueError
        If the network has more than `LARGEST` hidden neurons.
    """
    flint = load()
    if sheaf.h > LARGEST:
        raise ValueError(
            f"`rigorous` must be False for a network with more than {LARGEST} hidden neurons, this one has {sheaf.h}"
        )
    for bits in _BITS:
        with flint.ctx.workprec(bits):
            try:
                return _Run(sheaf, flint, states, bits).follow(joints, t_end)
            except Undecidable:
                raise
            except Unproved:
                if bits == _BITS[-1]:
                    raise
    raise AssertionError


class _Run:
    def __init__(self, sheaf: Sheaf, flint: Any, states: FloatArray, bits: int) -> None:
        self.sheaf, self.flint, self.states, self.bits = sheaf, flint, states, bits
        self.law = Law(sheaf, flint)
        self.zero = flint.arb(0)
        self.y = [flint.arb(v) for v in states[0].tolist()]
        self.t, self.clock, self.rho = self.zero, self.zero, self.zero
        # How far off a run in doubles may be: its own rounding, carried as `rho` is.
        self.size = float(max(abs(states).max(initial=0.0), abs(sheaf.drive).max(initial=0.0)))
        self.double, self.late = flint.arb(64 * EPS * self.size), self.zero
        self.orders: dict[int, int] = {}  # neurons with a known zero of that order at the start of the step
        self.steps = 0

    def name(self, i: int) -> str:
        return "neuron {1} of layer {0}".format(*self.sheaf.place(i))

    def when(self, x: Ball, series: Series) -> str:
        return f"t = {float((self.t + x * series.h).mid()):.12g}"

    def follow(self, joints: list[tuple[float, tuple[str, ...]]], t_end: float) -> Enclosures:
        found = Enclosures([], [])
        self.mode = Mode(self.law, self._start(joints[0][1]))
        for k, ((_, old), (time, new)) in enumerate(pairwise(joints), 1):
            group = [i for i in range(self.law.h) if old[i] != new[i]]
            if len(group) != 1:
                raise Undecidable(f"t = {time:.9g}: {len(group)} neurons switch at one instant, in an order unknown")
            self._switch(group[0], new, self.flint.arb(time))
            apart = abs(self.t - self.flint.arb(time))
            if not apart < 1e-10 * max(1.0, time) + 1e3 * self.late:
                raise Wrong(f"switch at t = {time:.9g}: it happens at t = {float(self.t.mid()):.12g}")
            if not self.t + self.clock < t_end:
                raise Undecidable(f"t = {time:.9g}: whether this switch is before the end cannot be said")
            found.times.append(float((apart + self.clock).upper()))
            found.states.append(self._compare(k, time))
        self._finish(self.flint.arb(t_end) + self.clock.upper())
        return found

    def _compare(self, k: int, time: float) -> float:
        there = [self.flint.arb(v) for v in self.states[k].tolist()]
        off = norm((a - b for a, b in zip(there, self.y, strict=True)), self.zero)
        if off > 1e-9 * self.size + 1e3 * self.double:
            raise Wrong(f"t = {time:.9g}: the state is {float(off):.2g} away from the flow")
        return float((off + self.rho).upper())

    def _start(self, told: tuple[str, ...]) -> tuple[str, ...]:
        """The modes just after the start: a neuron at 0 goes where both its speeds say."""
        h = self.law.h
        modes = ["active" if v > 0 else "inactive" for v in self.states[0][:h].tolist()]
        at_walls = [i for i in range(h) if self.states[0][i] == 0 and i not in self.law.held]
        mode = Mode(self.law, tuple(modes))
        down, up = mode.speeds(mode.residual(self.y))
        for i in at_walls:
            if not (down[i] > 0 or down[i] < 0) or not (up[i] > 0 or up[i] < 0) or (down[i] < 0 and up[i] > 0):
                raise Undecidable(f"start: {self.name(i)} is on its wall, and its speeds do not say where it goes")
            modes[i] = "inactive" if down[i] < 0 else "active" if up[i] > 0 else "sliding"
            if modes[i] != "sliding":
                self.orders[i] = 1
        if wrong := [i for i in range(h) if modes[i] != told[i]]:
            raise Wrong(f"start: {self.name(wrong[0])} is {told[wrong[0]]}, but its mode is {modes[wrong[0]]}")
        return tuple(modes)

    # -- inside a mode ------------------------------------------------------------------------------------------------
    def _error(self, series: Series, row: Ball, order: int) -> Ball:
        """By what the derivative of that order of an event function may differ from its polynomial's."""
        return (row * (series.rest(order) + self.rho * (series.h * self.law.fastest) ** order)).upper()

    def _prove(self, series: Series, functions: list[Function], until: Ball, sure: Ball) -> None:
        """Prove that no function vanishes up to the fraction `until`; what is found before `sure` refutes the log."""
        for i, kind, f, row in functions:
            limit, low = self._error(series, row, 0), self.zero
            order = self.orders.get(i, 0) if kind == "z" else 0
            text = f"{self.name(i)} {'meets its wall' if kind == 'z' else 'stops sliding'} at"
            if order:
                high, d, slack = until, derivative(f, order), self._error(series, row, order)
                while not below(d, self.zero, high, self.flint) > slack:
                    high = high / 2
                    if not high > self.flint.arb(2) ** (-4 * self.bits):
                        raise Unproved(f"{text} {self.when(self.zero, series)}, or nearly")
                low = high
            try:
                prove_positive(f, limit, low, until, self.flint)
                if order and low == until and not f(until) > limit:
                    raise Unproved(until)
            except Wrong as error:
                if error.args[0] <= sure:
                    raise Wrong(f"{text} {self.when(error.args[0], series)}") from error
                raise Unproved(f"{text} {self.when(error.args[0], series)}, or nearly") from error
            except Unproved as error:
                raise Unproved(f"{text} {self.when(error.args[0], series)}, or nearly") from error

    def _move(self, series: Series, x: Ball) -> None:
        """Go to the fraction `x`, an exact number."""
        values = [f(x) for f in series.coordinates]
        self.rho = (self.rho + norm((v.rad() for v in values), self.zero) + series.rest(0)).upper()
        self.y = [v.mid() for v in values]
        t = self.t + x * series.h
        self.t, self.clock, self.orders = t.mid(), (self.clock + t.rad()).upper(), {}

    def _series(self, h: Ball) -> Series:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise Undecidable(f"t = {float(self.t):.9g}: the proof takes more than {_MOST_STEPS} steps")
        return Series(self.mode, self.y, h, self.bits)

    def _walk(self, until: Ball) -> None:
        """Go on in whole steps while the time `until` is more than one of them away."""
        h = step_length(self.law)
        if not (until - self.t) / h < _MOST_STEPS - self.steps:
            raise Undecidable(f"t = {float(self.t):.9g}: up to t = {float(until):.9g} over {_MOST_STEPS} steps")
        while until - self.t > h * 3 / 4:
            series, one = self._series(h if until - self.t > h * 3 / 2 else (h / 2).mid()), self.zero + 1
            self._prove(series, series.functions, one, one)
            self._move(series, one)

    def _finish(self, until: Ball) -> None:
        rest = list(self.law.drive)
        for k in range(self.law.n):
            weights = self.law.weights[k]
            rest[k] = rest[k] + sum((weights[j] * rest[j].max(self.zero) for j in range(k)), self.zero)
        hidden = rest[: self.law.h]
        home = tuple("active" if z > 0 else "inactive" for z in hidden) == self.mode.modes and not self.law.held
        while until > self.t:
            away = norm((a - b for a, b in zip(self.y, rest, strict=True)), self.zero) + self.rho
            # The distance to rest does not grow: no wall can be reached any more.
            if home and not self.orders and all(away < abs(z) for z in hidden):
                return
            h = step_length(self.law)
            series = self._series(h)
            end = self.zero + 1 if until - self.t > h else ((until - self.t) / h).upper()
            self._prove(series, series.functions, end, end)
            self._move(series, end)

    # -- at a wall ----------------------------------------------------------------------------------------------------
    def _switch(self, i: int, after: tuple[str, ...], time: Ball) -> None:
        """Go to the switch of neuron `i` near `time`, and through it."""
        self._walk(time)
        series = self._series(step_length(self.law))
        functions = series.functions
        sort = {"inactive": "down", "active": "up"}.get(after[i], "") if self.mode.modes[i] == "sliding" else "z"
        _, _, f, row = next(g for g in functions if g[:2] == (i, sort))
        x = self._root(f, ((time - self.t) / series.h).mid(), time)
        slope, limit = f.derivative(), self._error(series, row, 0)
        width = (4 * (limit + abs(f(x))) / abs(slope(x))).upper()
        early, end = (x - width).lower(), (x + width).upper()
        doubt = f"t = {float(time):.12g}: {self.name(i)} meets its wall too flatly to say when"
        if not (early > 0 and end < 1 and f(early) > limit and f(end) < -limit):
            raise Unproved(doubt)
        # It falls on a stretch up to `end`, so before `early` it is above its value there.
        falls, fast = self.zero, self._error(series, row, 1)
        while falls < early and not below(-slope, falls, end, self.flint) > fast:
            falls = ((falls + early) / 2).mid() if early - falls > width else early
        if not below(-slope, early, end, self.flint) > fast:
            raise Unproved(doubt)
        self._prove(series, [g for g in functions if g[:2] == (i, sort)], falls.min(early), early)
        self._prove(series, [g for g in functions if g[:2] != (i, sort)], end, early)
        tau, speed = (width * series.h).upper(), (series.speed + self.law.fastest * self.rho).upper()
        per_size = (speed * series.h * row / abs(slope(x))).upper()  # what a distance 1 becomes at this switch
        before = self.mode.modes[i]
        self._move(series, x)
        self.y[i] = self.zero
        self.rho, self.clock = (self.rho + tau * speed).upper(), (self.clock + tau).upper()
        self.late = (self.late + self.double * series.h * row / abs(slope(x))).upper()
        self.double = (self.double * (1 + per_size) + 64 * EPS * self.size).upper()
        self._filippov(i, before, after[i])
        self.mode = Mode(self.law, after)
        if after[i] != "sliding":
            self.orders = {i: 2 if before == "sliding" else 1}

    def _root(self, f: Poly, x: Ball, time: Ball) -> Ball:
        """An exact number near which the polynomial vanishes, by Newton's method from `x`."""
        slope = f.derivative()
        for _ in range(64):
            step = (f(x) / slope(x)).mid()
            if not step.is_finite() or not abs(step) < 2:
                break
            x = (x - step).mid()
            if not abs(step) > abs(x) * self.flint.arb(2) ** (8 - self.bits):
                if 0 < x < 1:
                    return x
                break
        raise Unproved(f"t = {float(time):.12g}: no zero of the function of this switch was found near")

    def _filippov(self, i: int, before: str, after: str) -> None:
        """The mode that follows is the one that the signs of the speeds ask for."""
        down, up = (f[i] for f in self.mode.speeds(self.mode.residual(self.y)))
        a, b = self.law.gain * self.rho, self.law.fastest * self.rho
        rises, falls = (down > a, up > b), (down < -a, up < -b)
        if before == "sliding":
            # The other speed pushes on to the wall.
            right, wrong = (falls[1], rises[1]) if after == "inactive" else (rises[0], falls[0])
        elif before == "inactive":
            right, wrong = (rises[1], falls[1]) if after == "active" else (falls[1], rises[1])
        else:
            right, wrong = (falls[0], rises[0]) if after == "inactive" else (rises[0], falls[0])
        if not right:
            text = f"t = {float(self.t):.9g}: {self.name(i)} goes from {before} to {after}"
            raise Wrong(f"{text}, against Filippov's rule") if wrong else Unproved(f"{text}: a speed may be 0")
