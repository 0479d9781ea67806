"""Hidden checks of notebook 4: kink sharpness."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.separation import Case, separating
from graders.checking.visible import forbidden_in, visible
from sheaflab import Euler, EventEuler, Exact, Network, Sheaf
from sheaflab.checks.messages import close, fail, show

try_visible = partial(visible, lab="lab09")


@problems.remembered
def kinked(rng: np.random.Generator, widths: tuple[float, ...]) -> list[tuple[Any, ...]]:
    """Runs that have a clear kink with nothing else near: the run, its switch, times around it, energies, the width."""
    found = list[tuple[Any, ...]]()
    for _, _, traj in problems.certain_runs(rng, switches=1, separation=3 * max(widths), t_end=8.0):
        s, width = traj.log[0], widths[len(found)]
        if abs(s.kink) < 0.3 or s.time > 5 or (len(traj.log) > 1 and traj.log[1].time < s.time + 3 * width):
            continue
        after = width * np.linspace(0, 2, 81)  # one array for both sides: no two samples are closer than its step
        samples = s.time + np.concatenate([-after[:0:-1], after])
        found.append((traj, s, samples, traj.energy(samples), width))
        if len(found) == len(widths):
            break
    return found


def slopes(times: Any, energies: Any, before: Any, after: Any) -> list[float]:
    """Slopes of straight lines through log V at two sets of samples."""
    x = times - times.mean()
    return [float(np.polyfit(x[part], np.log(energies[part]), 1)[0]) for part in (before, after)]


def within(fixed: float, factor: float) -> Callable[..., list[float]]:
    """The slopes from a window of another width: a fixed one, or so many times the given one."""

    def measure(times: Any, energies: Any, t: float, width: float) -> list[float]:
        w = fixed + factor * width
        return slopes(times, energies, (times >= t - w) & (times <= t), (times >= t) & (times <= t + w))

    return measure


def neighbours(number: int) -> Callable[..., list[float]]:
    """The slopes from so many samples on each side of `t`, wherever these are."""

    def measure(times: Any, energies: Any, t: float, width: float) -> list[float]:
        k, index = int(np.argmin(np.abs(times - t))), np.arange(len(times))
        return slopes(times, energies, (index >= k - number) & (index <= k), (index >= k) & (index <= k + number))

    return measure


def mirrored(side: int) -> Callable[..., list[float]]:
    """The slopes from as many samples on each side of `t` as the width holds before it (0) or after it (1)."""

    def measure(times: Any, energies: Any, t: float, width: float) -> list[float]:
        inside = [(times >= t - width) & (times < t), (times > t) & (times <= t + width)][side]
        return neighbours(int(inside.sum()))(times, energies, t, width)

    return measure


def as_spaced(spacing: Callable[[Any], float]) -> Callable[..., list[float]]:
    """The slopes from as many samples as the width would hold if all were spaced as some are."""

    def measure(times: Any, energies: Any, t: float, width: float) -> list[float]:
        return neighbours(max(1, int(width / spacing(np.diff(times)))))(times, energies, t, width)

    return measure


def of_values(transform: Callable[[Any], Any]) -> Callable[..., list[float]]:
    """The slopes of something else than log V."""
    return lambda times, energies, t, width: within(0, 1)(times, np.exp(transform(energies)), t, width)


def shifted_log(v: Any, by: float) -> Any:
    return np.log(v + by)


def log_above(v: Any, least: float) -> Any:
    return np.log(np.maximum(v, least))


EVERYWHERE: dict[str, Any] = {
    **{f"log of V + {e:g}": of_values(partial(shifted_log, by=e)) for e in (1e-6, 1e-9, 1e-12, 1e-16)},
    **{f"V above {e:g}": of_values(partial(log_above, least=e)) for e in (1e-6, 1e-9, 1e-12, 1e-16)},
    "V below 1e6": of_values(lambda v: np.log(np.minimum(v, 1e6))),
}
"""Near misses on curves of any number of kinks."""

MISMEASURED: dict[str, Any] = {
    **{f"width {w:g}": within(w, 0) for w in (0.05, 0.1, 0.2, 0.26, 0.3, 0.5, 1.0, 10.0)},
    **{f"{f:g} times the width": within(0, f) for f in (0.5, 1.05, 1.5, 2.0)},
    "V above a millionth of the first": lambda e, v, t, w: within(0, 1)(e[v > 1e-6 * v[0]], v[v > 1e-6 * v[0]], t, w),
    **{f"{n} neighbours": neighbours(n) for n in (3, 4, 5, 8, 10, 12, 20)},
    "as many after as before": mirrored(0),
    "as many before as after": mirrored(1),
    "as many as by the first spacing": as_spaced(lambda gaps: float(gaps[0])),
    "as many as by the mean spacing": as_spaced(lambda gaps: float(gaps.mean())),
    "both sides": lambda e, v, t, w: slopes(e, v, abs(e - t) <= w, abs(e - t) <= w),
    "the sides swapped": lambda *args: within(0, 1)(*args)[::-1],
    "V itself": of_values(lambda v: v),
    "log to base 10": of_values(np.log10),
    "the absolute value": lambda *args: np.abs(within(0, 1)(*args)),
    "minus the absolute value": lambda *args: -np.abs(within(0, 1)(*args)),
}


class Curves:
    """Energies that are exponential between kinks at t, just outside the window, and at its double."""

    def __init__(self, kinks: int) -> None:
        self.kinks = kinks

    def __call__(self, rng: np.random.Generator) -> tuple[Any, ...]:
        t, width = float(rng.uniform(2, 5)), float(10 ** rng.uniform(-2, -0.4))
        few, many = int(rng.integers(2, 4)), int(rng.integers(12, 16))
        inside = rng.permutation([few, many])  # at least three samples on each side with `t`
        after = np.concatenate([self.places(rng, int(inside[1])), self.places(rng, 12) + 1.01])
        before = np.concatenate([self.places(rng, int(inside[0])), self.places(rng, 12) + 1.01])
        times = t + width * np.concatenate([-before[::-1], [0.0], after])
        rates = np.sort(rng.uniform(0.5, 4.5, 4))[:: rng.choice([-1, 1])]
        if self.kinks == 1:
            rates[[0, 3]] = rates[[1, 2]]
        if abs(rates[1] - rates[2]) < 0.3:
            rates[2:] += 0.5
        if rng.random() < 0.4:  # V rises on one side
            rates -= 0.5 * (rates[1] + rates[2])
        x, edge = times - t, 1.003 * width  # the kinks beyond are next to the window, and no sample lies between
        log_v = -rates[1] * np.clip(x, -edge, 0) - rates[2] * np.clip(x, 0, edge)
        log_v -= rates[0] * np.minimum(x + edge, 0) + rates[3] * np.maximum(x - edge, 0)
        if self.kinks > 1:  # long before the window V may have been a million times larger
            first = times[0] - 0.5 - width * np.array([0.02, 0.0])  # two samples, much closer than the others
            times, log_v = np.append(first, times), np.append(log_v[0] + rng.uniform(15, 25) + [0.1, 0.0], log_v)
        low, high = [(-3, 3), (-25, -17), (7, 12)][int(rng.choice(3, p=[0.3, 0.4, 0.3]))]
        return times, np.exp(log_v) * 10 ** rng.uniform(low, high), t, width

    def places(self, rng: np.random.Generator, number: int) -> Any:
        """Uneven places in (0, 0.99], in order, of which no two are close."""
        gaps = rng.uniform(1, 3, number + 1)
        near = rng.choice([0.0, 0.55]) if number < 4 else 0.0  # a few samples may all lie far from `t`
        return 0.99 * (near + (1 - near) * np.cumsum(gaps)[:-1] / gaps.sum())

    def truth(self, times: Any, energies: Any, t: float, width: float) -> list[float]:
        """Both slopes, from the samples next to `t`: log V is exactly linear there."""
        k = int(np.argmin(np.abs(times - t)))
        log_v = np.log(energies)
        return [float((log_v[k + i] - log_v[k + i - 1]) / (times[k + i] - times[k + i - 1])) for i in (0, 1)]


def three_samples(rng: np.random.Generator) -> tuple[Any, ...]:
    """A window with three samples on each side: one inside, the others on its ends, which are part of it."""
    t, width = float(rng.integers(2048, 5120)) / 1024, float(rng.integers(64, 256)) / 1024  # t ± width is exact
    inner, beyond = rng.uniform(0.3, 0.7, 2), rng.uniform(1.1, 2.0, (2, 3)).cumsum(axis=1)
    x = width * np.array([*-beyond[0, ::-1], -1.0, -inner[0], 0.0, inner[1], 1.0, *beyond[1]])
    return t + x, x, t, width


def many_samples(rng: np.random.Generator) -> tuple[Any, ...]:
    """A window with hundreds of samples on each side, as an exact run can be asked for."""
    t, width = float(rng.uniform(2, 5)), float(rng.uniform(0.2, 0.4))
    x = width * np.concatenate([[0.0], *(side * np.cumsum(rng.uniform(1, 3, 500)) / 850 for side in (-1, 1))])
    x.sort()
    return t + x, x, t, width


SLOPE_TOL = 1e-8
"""log V is exactly linear on each side: what remains is rounding of log V over a few thousandths of time."""


@problems.remembered
def curves(rng: np.random.Generator, kinks: int) -> list[Case]:
    made = Curves(kinks)
    local = ["both sides", "the sides swapped", "V itself", "log to base 10"]
    local += ["the absolute value", "minus the absolute value"]
    near = {name: miss for name, miss in MISMEASURED.items() if kinks > 1 or name in local}
    near |= EVERYWHERE
    return separating(rng, made, made.truth, near, tol=SLOPE_TOL, least=4, most=6)


class TestExercise_4_1:
    def compare(self, student: Any, cases: list[Case], what: str, hint: str) -> None:
        for case in cases:
            times, energies, t, width = case.args
            rooted = np.sqrt(energies)  # of half the slopes, at the same times
            calls = [(times, v, t, width) for v in (energies, rooted)]
            got, again = student.series("one_sided_slopes", *calls)
            call = f"one_sided_slopes(times, energies, {t:.4f}, {width:.4f}), {what}"
            close(got, case.expected, call=call, tol=SLOPE_TOL, hint=hint)
            call = f"one_sided_slopes(times, np.sqrt(energies), {t:.4f}, {width:.4f}), after a call with energies"
            close(again, 0.5 * np.array(case.expected), call=call, tol=SLOPE_TOL, hint=hint)

    def test_piecewise_exponential(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="4.1", name="one_sided_slopes")
        hint = "the slope of log V: before first, after second, each from its own side"
        self.compare(student, curves(instances.rng("exponential"), 1), "one kink", hint)

    def test_window(self, student: Any, instances: Any) -> None:
        hint = "no sample outside [t − width, t + width], and both `t` and `width` as they are passed in"
        self.compare(student, curves(instances.rng("window"), 3), "more kinks just outside the window", hint)
        rng = instances.rng("samples")
        for draw, what in ((three_samples, "three samples a side, two on the ends"), (many_samples, "hundreds a side")):
            times, x, t, width = draw(rng)
            before, after = rng.permutation([rng.uniform(0.5, 2), rng.uniform(2.5, 4.5)])
            log_v = -np.where(x < 0, before, after) * x + 3 * np.maximum(np.abs(x) - 1.001 * width, 0)
            self.compare(student, [Case((times, np.exp(log_v), t, width), [-before, -after])], what, hint)

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        for traj, s, times, energies, width in kinked(instances.rng("runs"), (0.02, 0.01, 0.03)):
            got = student.call("one_sided_slopes", times, energies, s.time, width)
            # Inside a region log V is convex: any average of its slope lies between the slopes at the window's ends.
            far = [self.slope(traj, s.time - width), self.slope(traj, s.time + width)]
            bounds = np.sort([[far[0], s.slope_before], [s.slope_after, far[1]]], axis=1)
            slack = 0.5 * (bounds[:, 1] - bounds[:, 0]) + 1e-7  # half the window's own variation, for higher orders
            call = f"one_sided_slopes(times, V of an exact run, {s.time:.6f}, {width})"
            values = problems.matrix(got)
            if values.shape != (2,) or (values < bounds[:, 0] - slack).any() or (values > bounds[:, 1] + slack).any():
                hint = f"closed form at the kink: {s.slope_before:.5f} before, {s.slope_after:.5f} after"
                want = " and ".join(f"between {lo:.5f} and {hi:.5f}" for lo, hi in bounds)
                fail(call=call, returned=show(got), expected=want, hint=hint)

    def slope(self, traj: Any, t: float) -> float:
        c = traj.at(t)
        v = traj.sheaf.velocity(c)
        return -float(v @ v) / float(traj.sheaf.energy(c))


def two_on_walls(rng: np.random.Generator) -> tuple[Any, Any]:
    """A sheaf, and the two neurons of it that feel each other most: where both are at zero, one of them is inactive."""
    problem = problems.sheaf(rng)
    return problem, np.sort(np.argsort(np.abs(problem.net.weights[1][0]))[-2:])


class TestExercise_4_2:
    hint = "−‖ċ‖²/V with ċ = −δᵀ r, V = ½‖r‖²; inactive first, then active"

    def expected(self, problem: Any, c: Any, neuron: int) -> list[float]:
        v, energy = problem.velocity(c), problem.energy(c)  # at a wall the neuron counts as inactive
        off, on = (f[neuron] for f in problem.wall_speeds(c))
        rest = float(v @ v) - off**2  # only this neuron's own velocity jumps
        return [-(rest + off**2) / energy, -(rest + on**2) / energy]

    def compare(self, student: Any, problem: Any, *walls: tuple[Any, int, str]) -> None:
        """Ask for the slopes on several walls of one sheaf, which is one object for the student, too."""
        values = student.series("exact_slopes", *((problem, c, neuron) for c, neuron, _ in walls))
        for (c, neuron, what), got in zip(walls, values, strict=True):
            expected = self.expected(problem, c, neuron)
            call = f"exact_slopes(sheaf, c, {neuron}) with widths {problem.net.widths}, {what}"
            close(got, expected, call=call, tol=problems.rounding(*expected), hint=self.hint)

    def test_fresh_walls(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="4.2", name="exact_slopes")
        rng = instances.rng("walls")
        problem, missed = two_on_walls(rng)
        c = np.abs(problems.cochain(rng, problem))
        c[missed] = 0.0
        what = f"c on two walls at once, of neurons {missed.tolist()}"
        walls = [(c, int(neuron), what) for neuron in missed]
        self.compare(student, problem, *walls, (2 * c, walls[0][1], f"{what}, twice as far out as the call before"))
        for widths, signs in (([2, 4, 1], (1, -1)), ([2, 4, 1], (-1, 1)), ([3, 130, 2], (-1, -1))):
            problem, c, neuron = self.on_a_wall(rng, widths, signs)
            self.compare(student, problem, (c, neuron, "c random on a wall, one of the others barely active"))

    def on_a_wall(self, rng: Any, widths: list[int], signs: tuple[int, int]) -> tuple[Any, Any, int]:
        """A state on a wall that attracts, repels or is crossed, by the `signs` of f⁻ and f⁺; a wide one is steep."""
        while True:
            problem, wide = problems.sheaf(rng, widths), widths[1] > 100
            w1, w2 = problem.net.weights
            net = Network([w1, w2 * (30.0 if wide else 1.0)], problem.net.biases)
            problem = Sheaf(net, problem.x)
            c, neuron = problems.mixed(rng, problem), int(rng.integers(problem.h))
            c[neuron] = 0.0
            c[(neuron + 1) % problem.h] = 10 ** -rng.uniform(3, 12)
            steep = max(self.expected(problem, c, neuron)) < -100
            if [np.sign(f[neuron]) for f in problem.wall_speeds(c)] == [*signs] and (steep or not wide):
                return problem, c, neuron

    def test_deeper_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("deeper")
        drawn = problems.sheaf(rng, [2, 3, 4, 1])
        biases, neurons = [b.copy() for b in drawn.net.biases], (1, 4)
        biases[0][1] = rng.uniform(1e-4, 3e-4) - drawn.net.weights[0][1] @ drawn.x  # a forward pass next to a wall
        problem = Sheaf(Network(drawn.net.weights, biases), drawn.x)
        near = problem.harmonic_extension() + rng.choice([-1, 1], problem.n) * rng.uniform(1e-4, 3e-4, problem.n)
        states = near, problems.mixed(rng, problem)
        for c, neuron in zip(states, neurons, strict=True):
            c[neuron] = 0.0
        told = "a neuron of layer 1, where V is small, but its slopes are not", "a neuron of layer 2"
        self.compare(student, problem, *zip(states, neurons, told, strict=True))

    def test_at_a_switch(self, student: Any, instances: Any) -> None:
        runs = problems.certain_runs(instances.rng("switch"), switches=2, separation=0.01, t_end=10.0)
        left = {True: 2, False: 2}  # switches at which the inactive side is the flatter one, and the steeper one
        while any(left.values()):
            problem, _, traj = next(runs)
            for s in traj.log[:2]:
                neuron = problem.index(s.layer, s.neuron)
                c = traj.at(s.time)
                c[neuron] = 0.0
                inactive, active = self.expected(problem, c, neuron)
                if left[inactive > active]:
                    left[inactive > active] -= 1
                    self.compare(student, problem, (c, neuron, f"at the switch at t = {s.time:.4f}"))

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint = "δ_Ω(σ), r, ċ and V are all you need"
        problem = problems.sheaf(instances.rng("own"))
        with problems.own_work(student, "exact_slopes", forbidden_in("lab09", "4.2"), hint=hint):
            value = problems.matrix(student.call("exact_slopes", problem, np.array([0.0, 1, 1, -1, 5]), 0))
        close(value.shape, (2,), call="len(exact_slopes(sheaf, c, 0))", tol=0.0, hint="two slopes")


@functools.lru_cache(maxsize=256)
def exact_log(problem: Sheaf, c0: bytes, t_end: float) -> Any:
    """The log of a run: most near misses look at the same one."""
    return Exact().run(problem, np.frombuffer(c0), t_end).log


def tally(
    problem: Any,
    starts: Any,
    *,
    scheme: Any = None,
    t_end: float = 20.0,
    among: Callable[[Any], bool] = lambda switch: True,
    even: tuple[int, int] = (0, 0),
    first: int = 0,
    once: Callable[[Any], Any] | None = None,
    apart: float = -1.0,
) -> list[int]:
    """The two counts of 4.3; each keyword makes a near miss."""
    steeper = flatter = 0
    for c0 in starts:
        whole = scheme.run(problem, c0, t_end).log if scheme else exact_log(problem, c0.tobytes(), t_end)
        log = [s for s in whole if among(s)]
        log = [s for k, s in enumerate(log) if k == 0 or s.time - log[k - 1].time > apart]
        if once:
            log = list({once(s): s for s in reversed(log)}.values())
        for s in log[: first or None]:
            kink = s.slope_after - s.slope_before
            steeper += int(kink < 0) or (even[0] if kink == 0 else 0)
            flatter += int(kink > 0) or (even[1] if kink == 0 else 0)
    return [steeper, flatter]


def turned(problem: Any, starts: Any) -> list[int]:
    return tally(problem, np.ascontiguousarray(starts.T) if len(starts) == problem.n else starts)


def of_rounded(problem: Any, starts: Any, digits: int) -> list[int]:
    return tally(problem, np.round(starts, digits))


MISCOUNTED: dict[str, Any] = {
    **{f"to t = {t:g}": partial(tally, t_end=t) for t in (5.0, 8.0, 10.0, 15.0, 30.0, 60.0)},
    "Euler": partial(tally, scheme=Euler(0.01)),
    "EventEuler": partial(tally, scheme=EventEuler(0.01)),
    "crossings alone": partial(tally, among=lambda s: s.crosses),
    "no switch into sliding": partial(tally, among=lambda s: s.after != "sliding"),
    "switches on": partial(tally, among=lambda s: s.after == "active"),
    "switches 0.02 apart": partial(tally, apart=0.02),
    "kinks above 0.01": partial(tally, among=lambda s: abs(s.kink) > 0.01),
    "no jump is steeper": partial(tally, even=(1, 0)),
    "no jump is flatter": partial(tally, even=(0, 1)),
    "the first switch": partial(tally, first=1),
    "the first start": lambda problem, starts: tally(problem, starts[:1]),
    "the last start left out": lambda problem, starts: tally(problem, starts[:-1]),
    "swapped": lambda problem, starts: tally(problem, starts)[::-1],
    "a square array turned round": turned,
    "runs, not kinks": lambda problem, starts: [sum(np.sign(tally(problem, [c])) for c in starts)][0],
}


OVERLOOKED: dict[str, Any] = {
    "the first hidden layer": partial(tally, among=lambda s: s.layer == 1),
    "energies above 1e-4": partial(tally, among=lambda s: s.energy > 1e-4),
    "energies above 1e-6": partial(tally, among=lambda s: s.energy > 1e-6),
    "energies above 1e-9": partial(tally, among=lambda s: s.energy > 1e-9),
    **{f"starts of {k} digits": partial(of_rounded, digits=k) for k in (1, 2, 3, 4, 5)},
    "equal starts once": lambda problem, starts: tally(problem, np.unique(starts, axis=0)),
    "each neuron once": partial(tally, once=lambda s: (s.layer, s.neuron)),
    "each number once for each pair of modes": partial(tally, once=lambda s: (s.neuron, s.before, s.after)),
}
"""Near misses on two hidden layers, at energies next to zero, and on equal starts."""


SELDOM: dict[str, Any] = {
    **{f"kinks above {k:g}": partial(tally, among=partial(lambda k, s: abs(s.kink) > k, k)) for k in (1e-4, 1e-5)},
    **{f"after t = {t:g}": partial(tally, among=partial(lambda t, s: s.time > t, t)) for t in (0.02, 0.1)},
    "six switches a run at most": partial(tally, first=6),
}
"""Near misses on many starts of which some are next to a wall, and with a neuron that hardly matters."""


@problems.remembered
def census(rng: np.random.Generator, runs: int, small: bool = False, one: bool = False) -> list[Case]:
    """Starts of which every kink has a sign that nobody can doubt: slides that begin and end, and switches late on.

    With `one`, a single set of starts of a wider layer, with kinks of both signs, which is found soon. Many starts tell
    what happens seldom.
    """
    many = one and runs > 5

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        scale = rng.choice([1.0, 2.0, 3.0])
        widths = [2, 3, 3, 1] if small else [2, 7, 1] if one else [2, 4, 1]
        net = Network.random(widths, rng, bias_scale=0.1)  # large weights relax slowly: they switch late, too
        weights, biases, x = [scale * w for w in net.weights], [b.copy() for b in net.biases], rng.standard_normal(2)
        size = 10 ** -rng.uniform(4.5, 6)
        if small:
            biases[0][0] = rng.choice([-1, 1]) * size - weights[0][0] @ x  # a forward pass next to a wall
        if many:
            weights[1][:, 0] *= 1e-4  # hardly a kink where this neuron switches
        problem = Sheaf(Network(weights, biases), x)
        starts = rng.choice([2.0, 8.0]) * rng.standard_normal((runs, problem.n))
        if small:
            starts[1:] = problem.harmonic_extension() + 2 * size * rng.standard_normal(starts[1:].shape)
            starts[-1] = starts[0]  # the same start twice
        if many:
            starts[:4, 1] *= 1e-4  # next to a wall: where it is crossed, it is at once
        return problem, starts

    def certain(counts: list[int], problem: Any, starts: Any) -> bool:
        for c0 in starts:
            log = exact_log(problem, c0.tobytes(), 60.0)
            if problems.gap(log.times) < 1e-6 or any(abs(t - 20) < 1e-3 for t in log.times):
                return False
            if any(0 < abs(k) < 1e-6 for k in log.kinks()):  # of rounding size: anybody's guess
                return False
        return True

    if one:
        near = {"swapped": MISCOUNTED["swapped"], "the first start": MISCOUNTED["the first start"]}
        near |= {f"the first {n} neurons": partial(tally, among=partial(lambda n, s: s.neuron < n, n)) for n in (4, 5)}
        return separating(rng, draw, tally, near | (SELDOM if many else {}), certain=certain, most=1)
    return separating(rng, draw, tally, OVERLOOKED if small else MISCOUNTED, certain=certain, most=6)


def back_again(rng: np.random.Generator) -> tuple[Sheaf, Any]:
    """Starts of which a neuron slides, leaves its wall and slides once more: both times with a kink; seldom drawn."""
    order = rng.permutation(4)
    first = np.array([[-1.6, 0.1], [1.7, -1.6], [-0.8, -0.5], [-0.7, 0.8]])[order]
    second = np.array([[-1.3, -1.5, -1.7, -2.8]])[:, order]
    biases = [np.array([0.0, 0.2, 0.4, -0.6])[order], np.array([0.4])]
    start = np.array([*np.array([-1.6, -5.7, 2.8, 7.3])[order], -0.7])
    weights = [w * rng.uniform(0.998, 1.002, w.shape) for w in (first, second)]
    return Sheaf(Network(weights, biases), np.array([1.0, -1.0])), start * rng.uniform(0.998, 1.002, (2, 5))


class TestExercise_4_3:
    def compare(self, student: Any, problem: Any, starts: Any, counts: list[int], hint: str) -> None:
        call = f"kink_census(sheaf, starts) with {len(starts)} starts"
        (got,) = student.series("kink_census", (problem, starts))
        close(got, counts, call=call, tol=0.0, hint=hint)

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="4.3", name="kink_census")
        pooled = *census(instances.pooled("runs"), 5), *census(instances.pooled("small"), 4, small=True)
        for case in (*pooled, *census(instances.rng("own"), 3, one=True)):  # as many as the visible check has
            hint = "every switch to t_end=20.0; steeper: slope_after < slope_before; steeper first; no jump is neither"
            problem, starts = case.args
            self.compare(student, problem, starts, case.expected, hint)

    def test_every_run(self, student: Any, instances: Any) -> None:
        case = census(instances.rng("every"), 12, one=True)[0]
        problem, starts = case.args
        one = max(range(len(starts)), key=lambda k: sum(tally(problem, starts[k : k + 1])))
        only = starts[one : one + 1]
        found = student.series("kink_census", (problem, only), (problem, starts))
        told = "one start: every switch of its run counts", "more starts, after one of them on the same sheaf"
        for part, got, hint in zip((only, starts), found, told, strict=True):
            call = f"kink_census(sheaf, starts) with {len(part)} starts"
            close(got, tally(problem, part), call=call, tol=0.0, hint=hint)
        twice = back_again(instances.rng("twice"))
        self.compare(student, *twice, tally(*twice), "every switch counts: a neuron may enter the same mode twice")
        rest = np.tile(problem.harmonic_extension(), (2, 1)) * (1 + 1e-3)  # next to the forward pass: no switch
        quiet = [c0 for c0 in rest if not Exact().run(problem, c0, 20.0).log.count]
        if quiet:
            self.compare(student, problem, np.array(quiet), [0, 0], "no switch, no kink")
        copies = min(40, math.ceil(256 / max(case.expected)) + 1)  # more starts than 100, more kinks than a byte holds
        starts = np.vstack([*quiet * 30, *[starts] * copies, *quiet])
        expected = [copies * count for count in case.expected]
        self.compare(student, problem, starts, expected, "many starts, some of them without any switch, some equal")
