"""Hidden checks of notebook 6: step size and bisection."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.following import following
from graders.checking.separation import Case, separating
from graders.checking.visible import forbidden_in, visible
from graders.sandbox.values import TrajectoryData
from sheaflab import ActivationRegion, Euler, EventEuler, Exact, Network, Sheaf
from sheaflab.checks.messages import close, fail

try_visible = partial(visible, lab="lab09")


def skipped(times: list[float], dt: float) -> int:
    return int((np.diff(np.floor(np.array(times) / dt)) == 0).sum())


def on_grid(change: Callable[[Any, float], Any]) -> Callable[[list[float], float], int]:
    """The count after the numbers of the switches' steps have been found in another way."""
    return lambda times, dt: int((np.diff(change(np.array(times), dt)) == 0).sum())


def rounded(digits: int) -> Callable[[list[float], float], int]:
    return on_grid(lambda t, dt: np.floor(np.round(t, digits) / dt))


def up_to(t_end: float) -> Callable[[list[float], float], int]:
    """Grid times up to `t_end` alone."""
    return on_grid(lambda t, dt: np.minimum(np.floor(t / dt), round(t_end / dt)))


def of_steps(count: Callable[[Any], int]) -> Callable[[list[float], float], int]:
    """What becomes of the number of switches in each step that has any."""
    return lambda times, dt: int(count(np.unique(np.floor(np.array(times) / dt), return_counts=True)[1]))


MISCOUNTED: dict[str, Any] = {
    **{f"dt = {dt:g}": partial(lambda times, _, dt: skipped(times, dt), dt=dt) for dt in (0.1, 0.01, 0.05)},
    **{f"times to {digits} digits": rounded(digits) for digits in (1, 2, 3)},
    **{f"grid to t = {t:g}": up_to(t) for t in (8.0, 10.0, 20.0, 60.0)},
    "closer than dt": lambda times, dt: int((np.diff(times) < dt).sum()),
    "closer than half a step": lambda times, dt: int((np.diff(times) < dt / 2).sum()),
    "nearest grid times": on_grid(lambda t, dt: np.round(t / dt)),
    "grid from the first switch on": on_grid(lambda t, dt: np.floor((t - t[0]) / dt)),
    "grid from dt on": on_grid(lambda t, dt: np.maximum(np.floor(t / dt), 1)),
    "steps with several switches": of_steps(lambda n: (n > 1).sum()),
    "switches in such steps": of_steps(lambda n: n[n > 1].sum()),
    "pairs": of_steps(lambda n: (n // 2).sum()),
    "all pairs": of_steps(lambda n: (n * (n - 1) // 2).sum()),
    "regions that are seen": lambda times, dt: len(times) - 1 - skipped(times, dt),
    "the first region, too": lambda times, dt: skipped([0.0, *times], dt),
    "sets of steps": lambda times, dt: len({*np.floor(np.array(times) / dt)}),
    "remainders": lambda times, dt: int((np.diff(np.array(times) % dt) > 0).sum()),
}


@problems.remembered
def logs(rng: np.random.Generator) -> list[Case]:
    """Switch times of which none is closer to a grid time than a fiftieth of a step."""

    def draw(rng: np.random.Generator) -> tuple[list[float], float]:
        dt, many = float(10 ** rng.uniform(-2.7, -0.5)), int(rng.integers(6, 14))
        longest = int(min(400, 80 / dt))  # who walks along the grid should not walk far
        first = int(rng.choice([0, 1, longest // 2]))
        k = np.sort(first + rng.integers(0, int(rng.choice([4, 12, longest // 2])), many))
        steps = np.sort(k + rng.uniform(0.02, 0.98, many))
        return [float(s * dt) for s in steps], dt

    def certain(expected: int, times: list[float], dt: float) -> bool:
        return bool((np.diff(times) > 1e-6 * dt).all())

    return separating(rng, draw, skipped, MISCOUNTED, certain=certain, least=3, most=14)


class TestExercise_6_1:
    def ask(self, student: Any, log: Any, expected: int, hint: str) -> None:
        times, dt = log
        # Each grid time of three steps is one of one step, so no switch falls on it either.
        first, other = student.series("skipped_regions", (times, dt), (times, 3 * dt))
        told: Any = [round(t, 5) for t in times] if len(times) < 20 else f"{len(times)} times up to {times[-1]:.4g}"
        close(first, expected, call=f"skipped_regions({told}, {dt:.4g})", tol=0.0, hint=hint)
        call = f"skipped_regions({told}, {3 * dt:.4g}), after the same times with dt = {dt:.4g}"
        close(other, skipped(times, 3 * dt), call=call, tol=0.0, hint=hint)

    def steps(self, student: Any, dt: float, steps: list[float], expected: int, hint: str) -> None:
        self.ask(student, ([float(s * dt) for s in steps], dt), expected, hint)

    def test_fresh_logs(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="6.1", name="skipped_regions")
        for case in logs(instances.rng("logs")):
            hint = "a region is missed if none of 0, dt, 2 dt, … lies between the two switches; the grid has no end"
            self.ask(student, case.args, case.expected, hint)

    def test_grid_in_between(self, student: Any, instances: Any) -> None:
        rng = instances.rng("between")
        dt, long = rng.uniform(0.05, 0.2), rng.uniform(1.5, 3)
        hint = "what counts is a grid time in between, not how close the switches are"
        self.steps(student, dt, [2.9, 3.1, 4.95, 5.05], 0, hint)
        self.steps(student, dt, [3.05, 3.95, 4.9, 5.2], 1, hint)
        self.steps(student, dt, [302.99, 303.01, 303.98], 1, hint)
        self.steps(student, long, [0.4, 0.6, 1.2, 2.4, 2.6, 5.9], 2, hint)
        near = [[3 - 1e-6, 3 + 1e-6], [3 + 1e-6, 3 + 2e-6]]
        calls = [([float(s * dt) for s in steps], dt) for steps in near]
        call = f"skipped_regions(times, {dt:.4g}) with two switches around a grid time, then with both behind it"
        close(student.series("skipped_regions", *calls), [0, 1], call=call, tol=0.0, hint=hint)

    def test_several_in_a_step(self, student: Any, instances: Any) -> None:
        rng = instances.rng("many")
        gaps = rng.permutation([*range(1, 41), 64, 100, 128, 256, *[0] * 120])  # of any length, and many switches
        k = int(rng.integers(3)) + np.concatenate([[0], np.cumsum(gaps)])
        many = np.sort(np.concatenate([k, np.full(30, k[-1] + 1)]) + rng.uniform(0.02, 0.98, len(k) + 30))
        dt, missed = float(rng.uniform(0.05, 0.2)), 120 + 29
        hint = "a long run: any number of switches, and any number of steps between two of them"
        self.steps(student, dt, many.tolist(), missed, hint)
        dt = instances.rng("several").uniform(0.05, 0.2)
        self.steps(student, dt, [1.5, 3.1, 3.2, 3.9], 2, "three switches in a step have two regions between them")
        crowd = rng.permutation([500, 1, 4])  # a long list in few steps: recursion comes to its end at a thousand
        long = np.concatenate([k + np.linspace(0.1, 0.9, number) for k, number in enumerate(crowd)])
        hint = "n switches in a step have n − 1 regions between them, also where n is large"
        self.steps(student, dt, long.tolist(), 499 + 3, hint)

    def test_few_switches(self, student: Any, instances: Any) -> None:
        dt = instances.rng("few").uniform(0.05, 0.2)
        self.steps(student, dt, [], 0, "no switch")
        self.steps(student, dt, [3.3], 0, "a single switch")
        self.steps(student, dt, [3.3, 3.6], 1, "two switches in one step")


def _smooth(size: float, root: float, t: float) -> float:
    return size * math.expm1(t - root)


def _cliff(size: float, root: float, t: float) -> float:
    return 1e3 * size if t > root else -1e-3 * size


def _cubic(size: float, root: float, t: float) -> float:
    return size * ((t - root) ** 3 + 1e-9 * (t - root))


SHAPES: dict[str, Callable[[float, float, float], float]] = {"smooth": _smooth, "a cliff": _cliff, "cubic": _cubic}


class Bracket:
    """A function of time with one sign change, a bracket around it, a tolerance; counts where it is asked."""

    def __init__(self, shape: str, size: float, root: float, a: float, b: float, tol: float) -> None:
        self.shape, self.size, self.root, self.a, self.b, self.tol = shape, size, root, a, b, tol
        self.f = partial(SHAPES[shape], size, root)
        self.budget = max(math.ceil(math.log2((b - a) / tol)), 0) + 3
        self.asked = list[float]()

    def __call__(self, t: float) -> float:
        self.asked.append(float(t))
        return self.f(float(t))

    def fresh(self) -> Bracket:
        """The same, asked for the first time."""
        return Bracket(self.shape, self.size, self.root, self.a, self.b, self.tol)

    def mirrored(self) -> Bracket:
        """Another function in the same bracket: the negative, and its sign changes as far from the other end."""
        return Bracket(self.shape, -self.size, self.a + (self.b - self.root), self.a, self.b, self.tol)

    @property
    def text(self) -> str:
        """The call, for a message."""
        size = f"{self.shape}, |f| about {abs(self.size):.0e}"
        return f"bisect(f, {self.a!r}, {self.b!r}, {self.tol!r}) with f {size}, sign change at {self.root:.12f}"


def halving(
    bracket: Bracket,
    *,
    fewer: int = 0,
    end: float = 0.5,
    tol: Callable[[Bracket], float] = lambda b: b.tol,
    product: bool = False,
    flat: bool = False,
) -> float:
    """How far a bisection is off, in units of `tol` and beyond 1.05 of it; each keyword makes a near miss.

    An evaluation beyond the budget counts like a miss.
    """
    f, a, b = bracket.f, bracket.a, bracket.b
    left, steps, asked = f(a), max(0, math.ceil(math.log2((b - a) / tol(bracket)))) - fewer, 2
    for _ in range(steps):
        middle, asked = 0.5 * (a + b), asked + 1
        value = f(middle)
        if flat and abs(value) < bracket.tol:
            a = b = middle
            break
        if (value * left > 0) if product else ((value > 0) == (left > 0)):
            a = middle
        else:
            b = middle
    miss = abs(a + end * (b - a) - bracket.root) / bracket.tol
    return max(0.0, miss - 1.05) + max(0, asked - bracket.budget)


def share_of_long(b: Bracket) -> float:
    """Too few halvings, where the bracket is longer than 1: in a shorter one they are too many."""
    return halving(b, tol=lambda b: b.tol * (b.b - b.a)) if b.b - b.a > 4 else 0.0


IMPRECISE: dict[str, Any] = {
    "two halvings too few": partial(halving, fewer=2),
    "three halvings too few": partial(halving, fewer=3),
    "a halving too few, the left end": partial(halving, fewer=1, end=0.0),
    "a halving too few, the right end": partial(halving, fewer=1, end=1.0),
    **{f"tol = {tol:g}": partial(halving, tol=partial(lambda tol, _: tol, tol)) for tol in (1e-3, 1e-6, 1e-9, 1e-12)},
    "a share of the bracket": partial(halving, tol=lambda b: b.tol * (b.b - b.a), end=0.0),
    "a share of a long bracket, its middle": share_of_long,
    "a share of the time": partial(halving, tol=lambda b: b.tol * max(1.0, abs(b.a), abs(b.b)), end=0.0),
    "the sign of a product": partial(halving, product=True),
    "until f is small": partial(halving, flat=True),
}
GIVEN_UP: dict[str, Any] = {
    f"at most {n} halvings": partial(halving, tol=partial(lambda n, b: max(b.tol, (b.b - b.a) * 2.0**-n), n))
    for n in (20, 25, 30)
}


@problems.remembered
def brackets(rng: np.random.Generator, short: bool = False) -> list[Bracket]:
    """Brackets on which every near miss is too far off, or asks too often; each shape is among them.

    With `short`, one that takes some forty halvings, for who gives up.
    """

    def draw(rng: np.random.Generator) -> tuple[Bracket]:
        a, length = float(rng.uniform(-40, 40)), float(10 ** rng.uniform(-1, 1.7))
        size = float(rng.choice([-1, 1]) * rng.choice([1e-180, 1e-6, 1.0, 1e90]))
        shape, tol = str(rng.choice(list(SHAPES))), float(length * 10 ** rng.uniform(-8, -0.5))
        tol = float(max(2e-12, length * 10 ** rng.uniform(-11.5, -10.5))) if short else tol
        return (Bracket(shape, size, a + float(rng.uniform(0.02, 0.98)) * length, a, a + length, tol),)

    if short:
        return [case.args[0] for case in separating(rng, draw, halving, GIVEN_UP, most=1)]
    found = [case.args[0] for case in separating(rng, draw, halving, IMPRECISE, least=4, most=8)]
    missing = [shape for shape in SHAPES if all(bracket.shape != shape for bracket in found)]
    like = [Bracket(shape, 1.0, b.root, b.a, b.b, b.tol) for shape, b in zip(missing, found, strict=False)]
    return found + like


def extreme(rng: np.random.Generator) -> list[Bracket]:
    """Sign changes near either end, with a tolerance so large that few halvings are allowed."""
    found = list[Bracket]()
    for near_the_end in (False, True):
        a, length = float(rng.uniform(-40, 40)), float(10 ** rng.uniform(-1, 1.7))
        tol = length / float(rng.uniform(5, 15))
        off = tol * float(rng.uniform(0.05, 0.3))
        root = a + length - off if near_the_end else a + off
        found.append(Bracket("smooth", float(rng.choice([-1, 1])), root, a, a + length, tol))
    # Other means of the ends than the middle are far from it here.
    b, a = float(rng.uniform(1, 9)), float(10 ** -rng.uniform(12, 14))
    found.append(Bracket("smooth", float(rng.choice([-1, 1])), b * float(rng.uniform(0.96, 0.99)), a, b, b / 12))
    # A long one: what costs more than one evaluation for each halving adds up.
    a, length = float(rng.uniform(-4, 4)), float(10 ** rng.uniform(6, 7))
    found.append(Bracket("a cliff", 1.0, a + length * float(rng.uniform(0.1, 0.9)), a, a + length, 1e-2))
    return found


def powers(rng: np.random.Generator) -> list[Bracket]:
    """Brackets exactly a power of two times as long as the tolerance: the budget of these is not rounded up.

    Who halves until the bracket is shorter than `tol`, where as short is enough, makes one halving more here alone.
    """
    found = list[Bracket]()
    for halvings in (3, int(rng.integers(8, 30))):
        a, length, root = float(rng.integers(-20, 20)), float(2.0 ** rng.integers(-1, 5)), float(rng.uniform(0.1, 0.9))
        size, tol = float(rng.choice([-1, 1])), length / 2**halvings
        found.append(Bracket("smooth", size, a + root * length, a, a + length, tol))
    return found


def met(rng: np.random.Generator) -> list[Bracket]:
    """Brackets of few binary digits, of which the first, second or third middle is exactly the time of the zero."""
    found = list[Bracket]()
    for halvings in (1, 2, 3):
        a, length = float(rng.integers(-20, 20)), float(2.0 ** rng.integers(-1, 5))
        part = float(rng.choice(np.arange(1, 2**halvings, 2)) / 2**halvings)
        shape, size = str(rng.choice(["smooth", "cubic"])), float(rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 3))
        tol = length * float(10 ** rng.uniform(-9, -2))
        found.append(Bracket(shape, size, a + part * length, a, a + length, tol))
    return found


class TestExercise_6_2:
    hint = "the middle replaces the end whose sign it shares, until the bracket is as short as tol"

    def ask(self, student: Any, bracket: Bracket) -> Bracket:
        got = student.call("bisect", bracket, bracket.a, bracket.b, bracket.tol)
        room = bracket.tol * (1 + 1e-6) + 1e-14 * max(1.0, abs(bracket.root))
        close(got, bracket.root, call=bracket.text, tol=room, hint=self.hint)
        return bracket

    def test_accuracy(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="6.2", name="bisect")
        for bracket in brackets(instances.rng("accuracy")) + brackets(instances.rng("short"), short=True):
            self.ask(student, bracket.fresh())
        for bracket in met(instances.rng("met")):
            self.ask(student, bracket)

    def test_rising_and_falling(self, student: Any, instances: Any) -> None:
        for bracket in brackets(instances.rng("falling"))[:4]:
            self.ask(student, bracket.fresh())
            self.ask(student, bracket.mirrored())  # who remembers values by their times has the last function's

    def test_budget(self, student: Any, instances: Any) -> None:
        tiny = brackets(instances.rng("tiny"), short=True)
        exact = powers(instances.rng("powers")) + met(instances.rng("met"))
        for bracket in brackets(instances.rng("budget"))[:5] + tiny + extreme(instances.rng("large")) + exact:
            asked = self.ask(student, bracket.fresh())
            if (used := len(asked.asked)) > asked.budget:
                returned, expected = f"{used} evaluations", f"at most {asked.budget}"
                fail(call=asked.text, returned=returned, expected=expected, hint="once for each middle, twice at most")

    def test_stays_inside(self, student: Any, instances: Any) -> None:
        for bracket in brackets(instances.rng("inside"))[:3] + extreme(instances.rng("ends")):
            asked = self.ask(student, bracket.fresh()).asked
            if not asked or min(asked) < bracket.a or max(asked) > bracket.b:
                where = f"asked in [{min(asked):.4f}, {max(asked):.4f}]" if asked else "never asked"
                hint = "a middle lies between the ends"
                fail(call=bracket.text, returned=where, expected="times in [a, b] only", hint=hint)


BRACKET = 1e-10
"""How much later than the crossing a step may end, as the task says."""


class Bisected(Euler):
    """Euler with a bisection of its own; each keyword makes a near miss.

    Parameters
    ----------
    dt : float
    outside : callable
        Takes the region, the states before and at the end of the whole step, and one between; tells whether the last
        one counts as outside.
    tol, margin : float
        Length of the bracket; what is added to its end.
    halvings : int
        At most so many.
    """

    def __init__(
        self,
        dt: float,
        outside: Callable[..., bool] = lambda region, c, end, state: not region.contains(state),
        *,
        tol: float = BRACKET,
        margin: float = 0.0,
        halvings: int = 60,
    ) -> None:
        super().__init__(dt)
        self.outside, self.tol, self.margin, self.halvings = outside, tol, margin, halvings

    def locate(self, region: ActivationRegion, c: Any, h: float) -> float:
        low, high, end = 0.0, h, self.advance(region, c, h)
        for _ in range(self.halvings):
            if high - low <= self.tol:
                break
            middle = 0.5 * (low + high)
            if self.outside(region, c, end, self.advance(region, c, middle)):
                high = middle
            else:
                low = middle
        return float(min(h, high + self.margin))


def changed(region: Any, state: Any) -> Any:
    """Hidden neurons that `state` has on the other side."""
    return np.flatnonzero((state[: region.sheaf.h] > 0) != region.pattern)


def lateness(problem: Sheaf, times: Any, states: Any) -> float:
    """By how much the latest of the steps that leave their region ends after the crossing: Euler's path is straight."""
    worst, h = 0.0, problem.h
    for k in range(1, len(times)):
        before, after = states[k - 1], states[k]
        if np.array_equal(before[:h] > 0, after[:h] > 0):
            continue
        z, v = before[:h], problem.velocity(before)[:h]
        ahead = np.where(z > 0, v < 0, v > 0)
        crossing = float(np.min(np.abs(z[ahead] / v[ahead]), initial=np.inf))
        worst = max(worst, float(times[k] - times[k - 1]) - crossing)
    return worst


class Moving(Bisected):
    """A bisection that moves the state that it is given by a hair."""

    def __init__(self, dt: float, size: float) -> None:
        super().__init__(dt)
        self.size = size

    def locate(self, region: ActivationRegion, c: Any, h: float) -> float:
        found = super().locate(region, c, h)
        c[-1] += self.size
        return found


def located(problem: Sheaf, c0: Any, dt: float, make: Callable[[float], Any] = Bisected) -> list[float]:
    """The times of the switches, and whether a step ends too late for the task."""
    run = make(dt).run(problem, c0.copy(), 6.0)
    return [*run.log.times, float(lateness(problem, run.times, run.states) > 1.05 * BRACKET)]


def wrongly(**keywords: Any) -> Callable[..., list[float]]:
    return partial(located, make=partial(Bisected, **keywords))


MISLOCATED: dict[str, Any] = {
    **{f"tol = {tol:g}": wrongly(tol=tol) for tol in (3e-10, 1e-9, 1e-8, 3e-7, 1e-6, 1e-4)},
    **{f"{number} halvings": wrongly(halvings=number) for number in (10, 20, 25, 30)},
    **{f"{margin:g} too late": wrongly(margin=margin) for margin in (1e-9, 1e-8, 1e-6)},
    **{f"the state moved by {size:g}": partial(located, make=partial(Moving, size=size)) for size in (-1e-9, 1e-9)},
    "Euler": partial(located, make=Euler),
    "the first four neurons": wrongly(outside=lambda r, c, end, s: ((s > 0)[:4] != r.pattern[:4]).any()),
    "the output, too": wrongly(outside=lambda r, c, end, s: ((s > 0) != (c > 0)).any()),
    "switches off alone": wrongly(outside=lambda r, c, end, s: (r.pattern & (s[: r.sheaf.h] <= 0)).any()),
    "switches on alone": wrongly(outside=lambda r, c, end, s: (~r.pattern & (s[: r.sheaf.h] > 0)).any()),
}
MISSED = {"Euler": MISLOCATED["Euler"]}
MISORDERED: dict[str, Any] = {
    "the lowest index": wrongly(outside=lambda r, c, end, s: changed(r, end)[0] in changed(r, s)),
    "the highest index": wrongly(outside=lambda r, c, end, s: changed(r, end)[-1] in changed(r, s)),
    "the last to cross": wrongly(outside=lambda r, c, end, s: set(changed(r, end)) <= set(changed(r, s))),
    "several at once alone": wrongly(outside=lambda r, c, end, s: len(changed(r, s)) > 1),
}


class Tiring(Bisected):
    """A bisection that is coarse from some call on."""

    def __init__(self, dt: float, calls: int) -> None:
        super().__init__(dt)
        self.left = calls

    def locate(self, region: ActivationRegion, c: Any, h: float) -> float:
        self.left -= 1
        self.tol = BRACKET if self.left >= 0 else 1e-6
        return super().locate(region, c, h)


FORGETFUL: dict[str, Any] = {
    **{f"coarse after {n} calls": partial(located, make=partial(Tiring, calls=n)) for n in (10, 20)},
    "how many are active": wrongly(outside=lambda r, c, end, s: (s[: r.sheaf.h] > 0).sum() != r.pattern.sum()),
    "an even number": wrongly(outside=lambda r, c, end, s: len(changed(r, s)) % 2 == 1),
    "the first output, too": wrongly(outside=lambda r, c, end, s: ((s > 0) != (c > 0))[:-1].any()),
    "the last output, too": wrongly(outside=lambda r, c, end, s: len(changed(r, s)) or (s[-1] > 0) != (c[-1] > 0)),
}
TIME_TOL = 1e-6
"""Each crossing is at most 1e-10 late; speeds above 0.02 pass that on to later crossings a few hundredfold."""


@problems.remembered
def crossings(rng: np.random.Generator, near: str) -> list[Case]:
    """Runs that cross walls at speed, of which the times of the switches tell who bisects from who does not.

    Parameters
    ----------
    rng : numpy.random.Generator
    near : {"place", "order", "one"}
        Which near misses they tell: those of the place of a crossing, of which neuron is first, or, on a single run
        that is found soon, who does not bisect at all.
    """

    # A bracket that is short enough is a matter of long steps; it is asked for in one check alone.
    steps = [0.1, 0.1, 0.07, 0.03, *([0.5, 1.0] if near == "place" else [])]

    def draw(rng: np.random.Generator) -> tuple[Any, ...] | None:
        widths = [[2, 4, 1], [2, 6, 1], [2, 3, 3, 1], [3, 5, 2]][int(rng.integers(4))]
        problem, dt = problems.sheaf(rng, widths, bias_scale=0.1), float(rng.choice(steps))
        c0 = problems.cochain(rng, problem, 2.0)
        exact = Exact().run(problem, c0, 6.0)
        if exact.log.slides or exact.log.count < 2 or problems.gap(exact.log.times) < 1e-4:
            return None
        return problem, c0, dt

    def certain(expected: list[float], problem: Sheaf, c0: Any, dt: float) -> bool:
        run = EventEuler(dt, BRACKET).run(problem, c0, 6.0)
        if not run.log.count or problems.gap(run.log.times) < 1e-4 or run.log.times[-1] > 5.5 or expected[-1]:
            return False
        if np.abs(run.log.times / dt - np.round(run.log.times / dt)).min() < 1e-5:
            return False  # who sees it in this step, and who in the next?
        speeds = [
            abs(side[problem.index(s.layer, s.neuron)]) for s in run.log for side in problem.wall_speeds(run.at(s.time))
        ]
        others = [located(problem, c0, dt, partial(EventEuler, tol=tol)) for tol in (1e-11, 1e-12)]
        return min(speeds) > 0.02 and all(
            len(other) == len(expected) and np.abs(np.subtract(other, expected)).max() < 0.1 * TIME_TOL
            for other in others
        )

    misses = {"place": MISLOCATED, "order": MISORDERED, "one": MISSED}[near]
    least, most = (1, 1) if near == "one" else (2, 6)
    return separating(rng, draw, located, misses, tol=TIME_TOL, certain=certain, least=least, most=most)


def on_the_wall(rng: np.random.Generator) -> list[Case]:
    """A neuron that turns on in the midst of a step, where a bisection meets its wall: there it does not yet count.

    Two starts in one region, with steps of one length: the crossing belongs to neither of these. A third start is on
    the wall, and leaves it at once: a long step crosses it in its beginning.
    """
    speed = float(rng.choice([0.5, 1.0, 2.0, 4.0]))
    first, second = (rng.permutation(7)[:2] + 1) / 128  # of few binary digits: nothing is rounded
    bias = np.array([speed * (1 - first) * (1 - second)])
    problem = Sheaf(Network([np.zeros((1, 1)), np.full((1, 1), 0.25)], [bias, np.zeros(1)]), [1.0])
    starts = [np.array([-speed * at * (1 - other), 0.0]) for at, other in ((first, second), (second, first))]
    runs = [*((problem, c0, 1 / 16) for c0 in starts), (problem, np.zeros(2), 0.5)]
    return [Case(args, located(*args)) for args in runs]


@problems.remembered
def many_walls(rng: np.random.Generator) -> list[Case]:
    """A long run: thirty neurons that do not feel each other, on and off in turn, several of them in each step.

    Two outputs change their sign on the way, which is no crossing.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        number = 30
        when = 2.5 * (np.arange(number) + rng.uniform(0.1, 0.9, number)) / number
        rest = rng.uniform(0.5, 2.0, number) * np.where(np.arange(number) % 2, 1, -1) * rng.choice([-1, 1])
        mix = rng.permutation(number)
        sent = rng.uniform(0.5, 2.0, 2) * rng.choice([-1, 1], 2)
        c0 = np.append((rest * (1 - np.exp(when)))[mix], sent * (1 - np.exp(rng.uniform(0.4, 2.0, 2))))
        net = Network([np.zeros((number, 1)), np.zeros((2, number))], [rest[mix], sent])
        return Sheaf(net, [1.0]), c0, float(rng.uniform(0.3, 0.4))

    def certain(expected: list[float], problem: Sheaf, c0: Any, dt: float) -> bool:
        steps = np.array(expected[:-1]) / dt
        return problems.gap(np.array(expected[:-1])) > 1e-4 and bool(np.abs(steps - np.round(steps)).min() > 1e-4)

    return separating(rng, draw, located, FORGETFUL, tol=TIME_TOL, certain=certain, most=1)


class TestExercise_6_3:
    def run(self, student: Any, case: Case) -> Any:
        problem, c0, dt = case.args
        return student.run("BisectingEuler", {"dt": dt}, problem, c0, 6.0)

    def compare(self, student: Any, case: Case, hint: str) -> None:
        got, (problem, _, dt) = self.run(student, case), case.args
        call = f"BisectingEuler(dt={dt}).run(sheaf, c0, 6.0) with widths {problem.net.widths}"
        close([s.time for s in got.log], case.expected[:-1], call=f"{call}: log.times", tol=TIME_TOL, hint=hint)
        late = lateness(problem, np.asarray(got.times), np.asarray(got.states))
        if late > BRACKET * (1 + 1e-4):
            hint = "return the outer end of a bracket that is no longer than 1e-10"
            wanted = "at most 1e-10"
            fail(call=f"{call}: how late a step leaves", returned=f"{late:.3g}", expected=wanted, hint=hint)

    def test_switch_times(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="6.3", name="BisectingEuler", method="run")
        for case in crossings(instances.pooled("times"), "place") + crossings(instances.of_exercise("own"), "one"):
            self.compare(student, case, "the outer end of a bracket of 1e-10 around the crossing of any hidden neuron")

    def test_first_of_two(self, student: Any, instances: Any) -> None:
        cases = crossings(instances.pooled("two"), "order") + crossings(instances.of_exercise("own"), "one")
        for case in cases + many_walls(instances.pooled("many")):
            self.compare(student, case, "several cross in one step: locate the first, the driver asks again")

    def test_lands_outside(self, student: Any, instances: Any) -> None:
        for case in crossings(instances.pooled("outside"), "order"):
            problem, c0, dt = case.args
            got, reference = self.run(student, case), EventEuler(dt, BRACKET).run(problem, c0, 6.0)
            call = f"BisectingEuler(dt={dt}).run(sheaf, c0, 6.0): the states at the reference's switches"
            hint = "the state after the shorter step must lie outside the region, however little"
            for s in reference.log:
                i = problem.index(s.layer, s.neuron)
                k = int(np.argmin(np.abs(np.asarray(got.times) - s.time)))
                z, off = float(got.states[k][i]), abs(float(got.times[k]) - s.time)
                if (z > 0) != (s.after == "active") or off > TIME_TOL:
                    returned = f"z = {z:.3g} at t = {float(got.times[k]):.8f}"
                    want = f"{s.after} at t = {s.time:.8f}, just behind the wall"
                    fail(call=call, returned=returned, expected=want, hint=hint)
        for case in on_the_wall(instances.rng("wall")):
            self.compare(student, case, f"{hint}; z = 0 is not active, and each step has its own crossing")

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint = "inherit from Euler and bisect in `locate`"
        (case,) = crossings(instances.pooled("own"), "one")  # no number of it is worth anything to anybody else
        problem, c0, dt = case.args
        with problems.own_work(student, "BisectingEuler", forbidden_in("lab09", "6.3"), hint=hint):
            got = self.run(student, case)
        plain = Euler(dt).run(problem, c0, 6.0)
        if len(got.times) <= len(plain.times):
            call, returned = f"BisectingEuler(dt={dt}).run(sheaf, c0, 6.0)", f"{len(got.times)} states"
            hint = "shorter steps at the crossings: more of them than plain Euler takes"
            fail(call=call, returned=returned, expected=f"more than {len(plain.times)}", hint=hint)


class Runs:
    """Exact and Euler's runs of one problem, with and without bisection, to `t_end`, and Exact's on to t = 60."""

    def __init__(self, problem: Sheaf, c0: Any, dt: float, t_end: float = 20.0) -> None:
        self.problem, self.c0, self.dt = problem, c0, dt
        self.exact = Exact().run(problem, c0, 60.0)
        self.pair = [scheme.run(problem, c0, t_end) for scheme in (Euler(dt), EventEuler(dt, BRACKET))]


def strayed(
    runs: Runs,
    *,
    until: float = 10.0,
    norm: Callable[[Any], Any] = lambda gaps: np.linalg.norm(gaps, axis=1),
    total: Callable[[Any], Any] = np.max,
    rows: Callable[[Any, Any], Any] = lambda times, run: np.isfinite(times),
    pair: tuple[int, int] = (0, 1),
) -> list[float]:
    """The largest distances of both schemes to the exact trajectory; each keyword makes a near miss."""
    found = []
    for run in (runs.pair[k] for k in pair):
        part = run.times <= until + 1e-9
        part &= rows(run.times, run) | ~part
        found.append(float(total(norm(run.states[part] - runs.exact.at(run.times[part])))))
    return found


def columns(part: slice) -> Callable[[Any], Any]:
    return lambda gaps: np.linalg.norm(gaps[:, part], axis=1)


def of_step(dt: float) -> Callable[[Runs], list[float]]:
    return lambda runs: strayed(Runs(runs.problem, runs.c0, dt))


def on_grid_alone(runs: Runs) -> list[float]:
    return strayed(runs, rows=lambda times, run: np.abs(times / runs.dt - np.round(times / runs.dt)) < 1e-9)


def relative(runs: Runs) -> list[float]:
    found = []
    for run in runs.pair:
        part = run.times <= 10.0 + 1e-9
        at = runs.exact.at(run.times[part])
        found.append(float((np.linalg.norm(run.states[part] - at, axis=1) / np.linalg.norm(at, axis=1)).max()))
    return found


def cut(runs: Runs) -> list[float]:
    """Both runs cut to as many states as the shorter one has."""
    fewest = min(int((run.times <= 10.0 + 1e-9).sum()) for run in runs.pair)
    return strayed(runs, rows=lambda times, run: np.arange(len(times)) < fewest)


def goes_on(runs: Runs) -> list[float]:
    """The bisected run starts where Euler's first step has ended."""
    first = runs.pair[0].states[1]
    later = EventEuler(runs.dt, BRACKET).run(runs.problem, first, 10.0 - runs.dt)
    gaps = later.states - runs.exact.at(np.minimum(later.times + runs.dt, 10.0))
    return [strayed(runs)[0], float(np.linalg.norm(gaps, axis=1).max())]


MISALIGNED: dict[str, Any] = {"as many states as the shorter run": cut, "on from Euler's first step": goes_on}
STRAYED: dict[str, Any] = {
    **{f"to t = {t:g}": partial(strayed, until=t) for t in (1.0, 2.0, 5.0, 12.0, 20.0)},
    **{f"dt = {dt:g}": of_step(dt) for dt in (0.1, 0.01)},
    "the largest of all": partial(strayed, norm=np.abs),
    "the sum of all": partial(strayed, norm=lambda gaps: np.abs(gaps).sum(axis=1)),
    "columns": partial(strayed, norm=lambda gaps: np.linalg.norm(gaps, axis=0)),
    "squares": partial(strayed, norm=lambda gaps: (gaps**2).sum(axis=1)),
    "root of the mean square": partial(strayed, norm=lambda gaps: np.sqrt((gaps**2).mean(axis=1))),
    "all but the last column": partial(strayed, norm=columns(slice(0, -1))),
    "the first four columns": partial(strayed, norm=columns(slice(0, 4))),
    "the first five columns": partial(strayed, norm=columns(slice(0, 5))),
    "at the end": partial(strayed, total=lambda far: far[-1]),
    "the mean": partial(strayed, total=np.mean),
    "the first 50 states": partial(strayed, total=lambda far: far[:50].max()),
    "the last 50 states": partial(strayed, total=lambda far: far[-50:].max()),
    "at whole times": partial(strayed, rows=lambda times, run: np.abs(times - np.round(times)) < 1e-9),
    "at the switches": partial(strayed, rows=lambda times, run: np.isin(times, run.log.times)),
    "Euler twice": partial(strayed, pair=(0, 0)),
    "bisected twice": partial(strayed, pair=(1, 1)),
    "swapped": partial(strayed, pair=(1, 0)),
    "the larger one first": lambda runs: sorted(strayed(runs), reverse=True),
    "the smaller one first": lambda runs: sorted(strayed(runs)),
    "relative": relative,
    "at grid times": on_grid_alone,
}


def at_most(dt: float) -> Callable[[Runs], list[float]]:
    return lambda runs: of_step(dt)(runs) if runs.dt > dt else strayed(runs)


LONG: dict[str, Any] = {f"dt = {dt:g} at most": at_most(dt) for dt in (0.1, 0.2)}
OF_BOTH = (
    "Euler twice", "bisected twice", "swapped", "the larger one first", "the smaller one first", "at grid times",
)  # fmt: skip
"""Near misses of which one of the two distances is right."""
PARTS = {"coarse": slice(0, 1), "bisected": slice(1, 2), "both": slice(0, 2)}
"""Which of the two distances a check looks at."""


def seen_in(part: slice, miss: Callable[[Runs], list[float]]) -> Callable[[Runs], list[float]]:
    """A near miss as a check sees it that looks at a part of what is returned."""

    def judge(runs: Runs) -> list[float]:
        found = strayed(runs)
        found[part] = miss(runs)[part]
        return found

    return judge


DISTANCE_TOL = 1e-6
"""Both sides are the same sums; a crossing found 1e-10 apart moves a state by its speed times that."""


@problems.remembered
def compared(rng: np.random.Generator, which: str, steps: tuple[float, ...], one: bool = False) -> list[Case]:
    """Runs on which each near miss of the distances that a check looks at shows; with `one`, a run that is found soon.

    `which` is a key of PARTS.
    """

    def draw(rng: np.random.Generator) -> tuple[Runs] | None:
        widths = [[2, 4, 1], [2, 6, 1], [3, 3, 2], [2, 3, 3, 1]][int(rng.integers(4))]
        net, late = Network.random(widths, rng, bias_scale=0.1), not one and rng.random() < 0.5
        scale, dt = float(rng.uniform(3, 5)) if late else 1.0, float(rng.choice(steps))
        problem = Sheaf(Network([scale * w for w in net.weights], net.biases), rng.standard_normal(widths[0]))
        rest, c0 = problem.harmonic_extension(), problems.cochain(rng, problem, 2.0)
        if late:  # along the slowest mode of large weights: the error is largest after t = 10
            rates, modes = np.linalg.eigh(problem.laplacian(rest[: problem.h] > 0))
            if rates[-1] * dt > 1.8 or rates[0] > 0.09:
                return None
            c0 = rest + rng.choice([-4, 4]) * modes[:, 0] + 0.02 * c0
        exact = Exact().run(problem, c0, 20.0)
        if exact.log.slides or problems.gap(exact.log.times) < 0.02 or not (late or exact.log.count):
            return None
        return (Runs(problem, c0, dt, 10.0 if one else 20.0),)

    def certain(expected: list[float], runs: Runs) -> bool:
        if not np.isfinite(expected).all() or max(expected) > 1e3:
            return False
        exact = runs.exact
        others = [EventEuler(runs.dt, tol).run(runs.problem, runs.c0, 10.0) for tol in (1e-11, 1e-12)]
        far = [float(np.linalg.norm(run.states - exact.at(run.times), axis=1).max()) for run in others]
        return bool(np.abs(np.array(far) - expected[1]).max() < 0.01 * DISTANCE_TOL)

    near = {name: miss for name, miss in STRAYED.items() if name != "dt = 0.1"} if steps == (0.1,) else STRAYED | LONG
    near = {name: miss if name in OF_BOTH else seen_in(PARTS[which], miss) for name, miss in near.items()}
    near, least, most = ({"swapped": STRAYED["swapped"]}, 1, 1) if one else (near, 2, 9)
    return separating(rng, draw, strayed, near, tol=DISTANCE_TOL, certain=certain, least=least, most=most)


@problems.remembered
def growing(rng: np.random.Generator) -> list[Case]:
    """A run of which the error still grows at t = 10, along a slow mode; others cross walls, one in the first step."""

    def draw(rng: np.random.Generator) -> tuple[Runs]:
        number, w = 5, float(rng.uniform(3.3, 3.6))
        rest = np.append(rng.uniform(0.005, 0.02, number - 1) * rng.choice([-1, 1], number - 1), 10.0)
        w2 = np.append(np.zeros(number - 1), w)[None]  # one neuron alone is felt by the output
        problem = Sheaf(Network([np.zeros((number, 1)), w2], [rest, np.zeros(1)]), [1.0])
        when = (np.arange(number - 1) + rng.uniform(0.2, 0.8, number - 1)) / (number - 1)
        when[0] = rng.uniform(0.03, 0.06)
        c0 = np.append(rest, 10 * w)
        c0[: number - 1] *= 1 - np.exp(rng.permutation(when))
        c0 += rng.choice([-4, 4]) * np.linalg.eigh(problem.laplacian(np.ones(number, dtype=bool)))[1][:, 0]
        return (Runs(problem, c0, 0.1, 10.0),)

    return separating(rng, draw, strayed, MISALIGNED, tol=DISTANCE_TOL, most=1)


class TestExercise_6_4:
    def own(self, student: Any, instances: Any) -> Any:
        """Judge with the student's own BisectingEuler where it works."""
        problem, c0, dt = crossings(instances.pooled("own"), "one")[0].args

        def works() -> bool:
            with student.watching(*forbidden_in("lab09", "6.4")) as used:
                got = student.run("BisectingEuler", {"dt": dt}, problem, c0, 6.0)
            if used:  # what 6.3 forbids costs its point there, and none here
                return False
            if not isinstance(got, TrajectoryData):
                return False
            times, want = problems.matrix(got.log.times), EventEuler(dt).run(problem, c0, 6.0).log.times
            return times.shape == want.shape and bool(np.abs(times - want).max() < TIME_TOL)

        return following(student, "BisectingEuler", "6.3", works, "EventEuler")

    def cases(self, instances: Any, which: str, *steps: float) -> tuple[list[Case], Case]:
        """The problems of a class, and one of the submission's own."""
        (mine,) = compared(instances.of_exercise("own"), "both", steps, one=True)
        return compared(instances.pooled(which), which, steps), mine

    def ask(self, student: Any, case: Case, which: str, *, own: bool = False) -> None:
        """With `own`, note what of the library is used: it takes twice as long, and one call of a check tells it."""
        runs: Runs = case.args[0]

        def asked() -> Any:
            hint = "follow the start with your BisectingEuler: the library's EventEuler is not asked for"
            with problems.own_work(student, "compare", forbidden_in("lab09", "6.4") if own else (), hint=hint):
                return student.series("compare", (runs.problem, runs.c0, runs.dt))[0]

        got = problems.matrix(student.remembered(f"6.4: {runs.dt} {runs.c0.tobytes()!r}", asked))
        parts = PARTS[which]
        call = f"compare(sheaf, c0, {runs.dt}) with widths {runs.problem.net.widths}: {which}"
        hint = "largest norm of run.states − exact.at(run.times), over t ≤ 10; Euler first, BisectingEuler second"
        got = got[parts] if got.shape == (2,) else got
        close(got, case.expected[parts], call=call, tol=DISTANCE_TOL, hint=hint)

    def test_coarse(self, student: Any, instances: Any) -> None:
        with self.own(student, instances) as own:
            try_visible(student, exercise="6.4", name="compare")
            pooled, mine = self.cases(instances, "coarse", 0.1)
            for case in pooled:
                self.ask(student, case, "coarse")
            self.ask(student, mine, "coarse", own=own)

    def test_bisected(self, student: Any, instances: Any) -> None:
        with self.own(student, instances) as own:
            pooled, mine = self.cases(instances, "bisected", 0.1)
            for case in pooled:
                self.ask(student, case, "bisected")
            self.ask(student, mine, "bisected", own=own)
            for case in growing(instances.pooled("growing")):
                self.ask(student, case, "bisected")

    def test_other_steps(self, student: Any, instances: Any) -> None:
        with self.own(student, instances) as own:
            pooled, mine = self.cases(instances, "both", 0.4, 0.05, 0.03, 0.02)
            for case in pooled:
                self.ask(student, case, "both")
            self.ask(student, mine, "both", own=own)
