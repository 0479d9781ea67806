"""Hidden checks of notebook 7: chattering and sliding."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.following import following
from graders.checking.kept import drawn_until
from graders.checking.separation import Case, once_per_problem, separating
from graders.checking.visible import visible
from sheaflab import ActivationRegion, Exact, Network, Sheaf
from sheaflab.checks.messages import close, fail, show

try_visible = partial(visible, lab="lab09")


class TestExercise_7_1:
    def ask(self, student: Any, instances: Any, below: int, above: int, expected: str, hint: str) -> None:
        rng = instances.rng(expected)
        sizes = [
            (1.0, 1.0),
            (1e-200, 1e-200),
            (1e-300, 1e3),
            (0.4, 1e-9),
            (1e-200, 1e200),
            (1e200, 1e-200),
            *(10 ** rng.uniform(-6, 2, (3, 2))).tolist(),
        ]
        pairs = [tuple(float(s * rng.uniform(1, 2)) for s in size) for size in sizes]
        pairs[0] = (pairs[0][0],) * 2  # equal, or equal and opposite: it is the signs that count
        calls = [(below * first, above * second) for first, second in pairs]
        signs = [(one, other) for one in (1, -1) for other in (1, -1) if (one, other) != (below, above)]
        # Before each call one of another verdict: a last one that is kept is told apart.
        turns = [turn for k, call in enumerate(calls) for turn in (signs[k % 3], call)]
        for call, got in zip(calls, student.series("wall_verdict", *turns)[1::2], strict=True):
            if not isinstance(got, str) or got != expected:
                told = f"wall_verdict({call[0]:.3g}, {call[1]:.3g})"
                fail(call=told, returned=show(got), expected=repr(expected), hint=hint)

    def test_crossings(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="7.1", name="wall_verdict")
        self.ask(student, instances, 1, 1, "turns on", "both velocities point up")
        self.ask(student, instances, -1, -1, "turns off", "both velocities point down")

    def test_slides(self, student: Any, instances: Any) -> None:
        self.ask(student, instances, 1, -1, "slides", "both sides push towards the wall, however different in size")

    def test_repels(self, student: Any, instances: Any) -> None:
        self.ask(student, instances, -1, 1, "repels", "both sides push away from the wall")


@problems.remembered
def on_a_wall(
    rng: np.random.Generator,
    widths: list[int],
    second: bool = False,
    *,
    layer: int = 1,
    heavy: bool | None = None,
    at: int | None = None,
) -> tuple[Any, Any, int]:
    """A problem and a state on a wall on which the flow slides; with `second`, a neuron before it is at zero, too.

    The wall is one of `layer`, or that of the neuron `at`, and another neuron of the first layer is active: what the
    layers behind pull with shows in α or in the velocity. With `heavy`, the active side has the larger weight.
    """
    first, states = sum(widths[1:layer]), 0
    while True:
        if states % 8 == 0:  # a state is drawn sooner than a network
            problem = problems.sheaf(rng, widths)
        states += 1
        neuron = int(rng.integers(first + second, first + widths[layer])) if at is None else at
        if layer == 1 and problem.drive[neuron] <= 0.05:  # f⁻, whatever the state
            continue
        c = problems.mixed(rng, problem)
        c[neuron] = 0.0
        if second:
            c[int(rng.integers(neuron))] = 0.0
        off, on = (float(f[neuron]) for f in problem.wall_speeds(c))
        if len(widths) > 3 and not (np.delete(c, neuron)[: widths[1] - (layer == 1)] > 0).any():
            continue
        lean = abs(off + on) if heavy is None else off + on if heavy else -off - on
        if off > 0.05 and on < -0.05 and lean > 0.1:  # slides, and α is not close to one half
            return problem, c, neuron


def on_a_slow_wall(rng: np.random.Generator) -> tuple[Any, Any, int]:
    """The same, where both speeds are close to zero, and α is 0.03 or 0.97."""
    problem, c, neuron = on_a_wall(rng, [2, 4, 1])
    slow, part = 10 ** -rng.uniform(4.8, 5.3), rng.choice([0.03, 30.0])
    off, on = (float(f[neuron]) for f in problem.wall_speeds(c))
    (w1, w2), (b1, b2) = ([np.array(each) for each in of] for of in (problem.net.weights, problem.net.biases))
    b1[neuron] += slow * part - off  # f⁻ is the prediction for the neuron that is at zero
    w2[:, neuron] *= slow * (part + 1) / (off - on)  # the pull, f⁺ − f⁻; nothing of a neuron at zero is sent on
    return Sheaf(Network([w1, w2], [b1, b2]), problem.x), c, neuron


def farther_on(rng: np.random.Generator, problem: Any, c: Any, neuron: int) -> Any:
    """Another state of the same pattern, on the same walls, on which the flow still slides."""
    push = rng.standard_normal(problem.n) * (np.arange(problem.n) >= problem.h)
    while True:
        off, on = (float(f[neuron]) for f in problem.wall_speeds(c + push))
        if off > 0 > on:
            return c + push
        push /= 2


class TestExercise_7_2:
    def ask(self, student: Any, found: Any, *before: Any) -> tuple[Any, Any, str]:
        """Ask for one wall, after other states `before` it of the same sheaf on the same wall."""
        problem, c, neuron = found
        zeros = np.flatnonzero(c[: problem.h] == 0).tolist()
        call = f"sliding_velocity(sheaf, c, {neuron}) with widths {problem.net.widths}, c zero at {zeros}"
        *_, got = student.series("sliding_velocity", *((problem, state, neuron) for state in (*before, c)))
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            fail(call=call, returned=show(got), expected="α and the velocity", hint="return alpha, velocity")
        return got[0], got[1], call

    def test_weight(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="7.2", name="sliding_velocity")
        rng = instances.rng("weight")
        same = int(rng.integers(1, 4))  # the same neuron twice: its weight is another one at another state
        cases: list[tuple[list[int], bool, dict[str, Any]]] = [
            ([2, 4, 1], False, {"heavy": True, "at": same}),
            ([2, 5, 1], True, {"heavy": True, "at": same}),
            ([2, 3, 4, 1], False, {"heavy": False}),
            ([2, 3, 4, 1], False, {"layer": 2}),
            ([3, 5, 2], True, {"heavy": False}),
        ]
        walls = [on_a_wall(rng, widths, second, **which) for widths, second, which in cases]
        for found in [*walls, on_a_slow_wall(rng)]:
            problem, c, neuron = found
            pulled = c.copy()  # of one hidden layer the active side, and it alone, then pushes harder
            pulled[problem.h :] += problem.residual(c)[problem.h :]
            alpha, _, call = self.ask(student, found, *([pulled] if len(problem.net.widths) == 3 else []))
            off, on = (float(f[neuron]) for f in problem.wall_speeds(c))
            hint = "α belongs to the active side: α f⁺ + (1 − α) f⁻ = 0"
            close(alpha, off / (off - on), call=call + ": α", tol=1e-9, hint=hint)

    def test_stays_on_the_wall(self, student: Any, instances: Any) -> None:
        rng = instances.rng("stays")
        for _ in range(2):
            _, _, neuron = found = on_a_wall(rng, [2, 4, 1])
            _, velocity, call = self.ask(student, found)
            got = problems.matrix(velocity)
            hint = "along the wall: the sliding coordinate does not move"
            close(got[neuron] if got.shape == (5,) else got, 0.0, call=call + f": v[{neuron}]", tol=1e-9, hint=hint)

    def test_velocity(self, student: Any, instances: Any) -> None:
        rng = instances.rng("velocity")
        cases = (([2, 4, 1], True, 1), ([3, 5, 2], False, 1), ([2, 3, 4, 1], True, 1), ([2, 3, 4, 1], True, 2))
        for widths, second, layer in cases:
            problem, c, neuron = found = on_a_wall(rng, widths, second, layer=layer, heavy=second)
            _, velocity, call = self.ask(student, found, farther_on(rng, *found))
            expected = ActivationRegion(problem, problem.pattern(c), [neuron]).velocity(c)
            tol = problems.rounding(*expected)
            close(velocity, expected, call=call + ": velocity", tol=tol, hint="mix the whole velocities with one α")


def by_neuron(
    judge: Callable[[Any, float, int], bool], *, upto: int | None = None, limit: float = 2.5
) -> Callable[..., list[int]]:
    """The neurons of which `judge` says yes to the gaps between their changes, a longest gap, and `least`."""

    def find(times: list[float], neurons: list[int], dt: float, least: int = 5) -> list[int]:
        own = {k: np.diff([t for t, n in zip(times, neurons, strict=True) if n == k]) for k in sorted(set(neurons))}
        return [k for k, gaps in own.items() if (upto is None or k < upto) and judge(gaps, limit * dt, least)]

    return find


def longest(short: Any) -> int:
    """Most true entries in a row."""
    row = best = 0
    for entry in short:
        row = row + 1 if entry else 0
        best = max(best, row)
    return best


def in_a_row(gaps: Any, limit: float, least: int) -> bool:
    return longest(gaps <= limit) >= least - 1


chattering = by_neuron(in_a_row)


def even(gaps: Any, limit: float, least: int) -> bool:
    """A row of which no gap is much longer or shorter than the one before."""
    row = best = 1
    for k, gap in enumerate(gaps):
        alike = row < 2 or 1 / 2.1 <= gap / gaps[k - 1] <= 2.1
        row = row + 1 if gap <= limit and alike else 1
        best = max(best, row)
    return best >= least


def one_at_a_time(times: list[float], neurons: list[int], dt: float, least: int = 5) -> list[int]:
    """Of neurons that change at the same time the last one alone."""
    kept = dict(zip(times, neurons, strict=True))
    return chattering(list(kept), list(kept.values()), dt, least)


def with_least(change: Callable[[int], int]) -> Callable[..., list[int]]:
    return by_neuron(lambda gaps, limit, least: in_a_row(gaps, limit, change(least)))


def window(gaps: Any, limit: float, least: int) -> bool:
    sums = [gaps[k : k + least - 1].sum() for k in range(len(gaps) - least + 2)]
    return any(total <= limit * (least - 1) for total in sums)


def interrupted(times: list[float], neurons: list[int], dt: float, least: int = 5) -> list[int]:
    """A change of another neuron ends the row."""
    found, row, last = set(), 0, (-1, -np.inf)
    for t, k in zip(times, neurons, strict=True):
        row = row + 1 if k == last[0] and t - last[1] <= 2.5 * dt else 1
        last = (k, t)
        found |= {k} if row >= least else set()
    return sorted(found)


def again(times: list[float], neurons: list[int], dt: float, least: int = 5) -> list[int]:
    """Each row counts, and in the order of discovery."""
    last, row, found = dict[int, float](), dict[int, int](), list[int]()
    for t, k in zip(times, neurons, strict=True):
        row[k] = row.get(k, 0) + 1 if t - last.get(k, -np.inf) <= 2.5 * dt else 1
        last[k] = t
        found += [k] if row[k] == least else []
    return found


def of_dt(dt: float) -> Callable[..., list[int]]:
    return lambda times, neurons, _, least=5: chattering(times, neurons, dt, least)


NO_CHATTER: dict[str, Any] = {
    **{f"least = {n}": with_least(partial(lambda n, _: n, n)) for n in (2, 3, 4, 5, 6)},
    "least is 5 at most": with_least(lambda least: min(least, 5)),
    "least is 5 at least": with_least(lambda least: max(least, 5)),
    "one more": with_least(lambda least: least + 1),
    "one less": with_least(lambda least: least - 1),
    **{f"{limit:g} steps": by_neuron(in_a_row, limit=limit) for limit in (1.0, 1.5, 2.0, 2.6, 3.0)},
    "less than 2.5 steps": by_neuron(lambda gaps, limit, least: longest(gaps < limit) >= least - 1),
    "not in a row": by_neuron(lambda gaps, limit, least: (gaps <= limit).sum() >= least - 1),
    "any changes": by_neuron(lambda gaps, limit, least: len(gaps) >= least - 1),
    "altogether": by_neuron(window),
    "on average": by_neuron(lambda gaps, limit, least: len(gaps) >= least - 1 and gaps.mean() <= limit),
    "the first ones": by_neuron(lambda gaps, limit, least: in_a_row(gaps[: least - 1], limit, least)),
    "the last ones": by_neuron(lambda gaps, limit, least: in_a_row(gaps[-(least - 1) :], limit, least)),
    "all": by_neuron(lambda gaps, limit, least: len(gaps) >= least - 1 and (gaps <= limit).all()),
    "not at the end of the log": by_neuron(lambda gaps, limit, least: in_a_row(gaps[:-1], limit, least)),
    **{f"first {n} neurons": by_neuron(in_a_row, upto=n) for n in (4, 5)},
    **{f"dt = {dt:g}": of_dt(dt) for dt in (0.01, 0.001)},
    "even rows": by_neuron(even),
    "one at a time": one_at_a_time,
    "others interrupt": interrupted,
    "each row again": again,
    "each row again, in order": lambda *args: sorted(again(*args)),
    "in order of discovery": lambda *args: list(dict.fromkeys(again(*args))),
    "without neuron 0": lambda *args: [neuron for neuron in chattering(*args) if neuron],
    "the first of them": lambda *args: chattering(*args)[:1],
    "the last of them": lambda *args: chattering(*args)[-1:],
}


@problems.remembered
def changes(rng: np.random.Generator) -> list[Case]:
    """Logs of which the times are exact: a gap can be 2.5 steps, and no rounding makes it longer."""

    def draw(rng: np.random.Generator) -> tuple[list[float], list[int], float, int]:
        dt, least, events = float(2.0 ** -rng.integers(5, 11)), int(rng.integers(2, 9)), list[tuple[float, int]]()
        for neuron in rng.permutation(12)[: int(rng.integers(3, 6))].tolist():
            gaps = rng.choice(
                [1, 2, 2.5, 2.5625, 4, 30], int(rng.integers(0, 16)), p=[0.3, 0.3, 0.25, 0.05, 0.05, 0.05]
            )
            start = rng.integers(0, 400) / 4
            events += [(float(dt * (start + g)), neuron) for g in [0.0, *np.cumsum(gaps).tolist()]]
        events.sort()
        return [t for t, _ in events], [k for _, k in events], dt, least

    return separating(rng, draw, chattering, NO_CHATTER, least=4, most=10)


class TestExercise_7_3:
    def ask(
        self, student: Any, events: list[tuple[float, int]], dt: float, expected: list[int], hint: str, *least: int
    ) -> None:
        events = sorted(events)
        times, neurons = [float(t) for t, _ in events], [int(k) for _, k in events]
        more = "".join(f", {n}" for n in least)
        call = f"chattering_neurons(times, neurons, {dt:.4g}{more}) with {len(times)} sign changes"
        (got,) = student.series("chattering_neurons", (times, neurons, dt, *least))
        close(got, expected, call=call, tol=0.0, hint=hint)

    def row(self, start: float, gaps: Any, dt: float, neuron: int) -> list[tuple[float, int]]:
        """Changes of one neuron with gaps in steps; none is close to the limit of 2.5 steps."""
        return [(start + dt * g, neuron) for g in np.concatenate([[0], np.cumsum(gaps)])]

    def test_fresh_logs(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="7.3", name="chattering_neurons")
        rng = instances.rng("logs")
        for case in changes(instances.pooled("changes")):
            times, neurons, dt, least = case.args
            hint = "`least` changes in a row, each at most 2.5 Δt after the one before: 2.5 Δt itself is allowed"
            self.ask(student, list(zip(times, neurons, strict=True)), dt, case.expected, hint, least)
        for _ in range(2):
            dt, events, expected = rng.uniform(0.001, 0.02), [], []
            for neuron, length in enumerate(rng.permutation([1, 3, 4, 5, 6, 30]).tolist()):
                events += self.row(rng.uniform(0, 5), rng.choice([1, 2.4], length - 1), dt, neuron)
                expected += [neuron] * (length >= 5)
            self.ask(student, events, dt, expected, "five changes in a row, each at most 2.5 Δt after the one before")
        self.ask(student, [], 0.01, [], "an empty log: nobody chatters")

    def test_in_a_row(self, student: Any, instances: Any) -> None:
        rng = instances.rng("row")
        dt = rng.uniform(0.001, 0.02)
        events = self.row(0.1, [1, 2, 1, 9, 1, 1, 2, 9, 2, 1, 1], dt, 0)  # four, pause, four, pause, four
        events += self.row(0.2, [4] * 11, dt, 1)
        events += self.row(0.25, [3] * 11, dt, 4)
        events += self.row(0.3, [9, 1, 1, 2, 1, 9], dt, 2)
        events += self.row(dt * rng.uniform(0.2, 2.2), [1, 2, 1], dt, 3)  # four: nothing has changed at time 0
        self.ask(student, events, dt, [2], "in a row: a pause of more than 2.5 Δt starts the count anew")
        halves = [sorted(self.row(start * dt, [1, 1], dt, 0)) for start in (100, 103)]
        calls = [([t for t, _ in half], [k for _, k in half], dt) for half in halves]
        call = "chattering_neurons(times, neurons, dt) of one log, then of another that goes on a step later"
        again = [(*calls[0], 3), (*calls[0][:2], 0.3 * dt, 3)]  # three are enough then, but not in so short steps
        *found, few, shorter = student.series("chattering_neurons", *calls, *again)
        for got in found:
            close(got, [], call=call, tol=0.0, hint="remember nothing between two calls: each log is a run of its own")
        for step, got, expected in ((dt, few, [0]), (0.3 * dt, shorter, [])):
            call = f"chattering_neurons(times, neurons, {step:.4g}, 3) of three changes {dt:.4g} apart"
            close(got, expected, call=call, tol=0.0, hint="Δt and `least` as they are passed in, in each call")

    def test_each_its_own(self, student: Any, instances: Any) -> None:
        rng = instances.rng("own")
        dt = rng.uniform(0.001, 0.02)
        turns = [(0.5 + dt * k, int(k % 4)) for k in range(24)]  # every gap is one step, each neuron's own is four
        self.ask(student, turns, dt, [], "four neurons take turns: none of them changes every other step")
        pair = [(0.5 + 1.5 * dt * k, int(k % 2)) for k in range(24)]
        self.ask(student, pair, dt, [], "two neurons take turns: each one's own changes are three steps apart")
        events = [event for k in (0, 2, 3) for event in self.row(0.5 + dt * (k == 0), [2] * 8, dt, k)]
        hint = "three neurons chatter at the same time, two of them in the same steps: all are found"
        self.ask(student, events, dt, [0, 2, 3], hint)
        for least in (2, 3, 4, 12, 25):  # of a long log, up to its last entry
            low, *ids = np.sort(rng.integers([0, 10, 100], [10, 100, 1000])).tolist()
            events = self.row(0.1, [3] * 40, dt, 1000)
            events += self.row(0.1, rng.choice([1, 2], least - 2), dt, 1001)
            for start, neuron in ((7.3, ids[1]), (9.6, ids[0]), (120.2, low)):
                events += self.row(0.1 + start * dt, rng.choice([1, 2], least - 1), dt, neuron)
            hint = f"{least} changes in a row are enough, and one less are not; the neurons in increasing order"
            self.ask(student, events, dt, [low, *ids], hint, least)


@problems.remembered
def determined(rng: np.random.Generator, kind: str, few: int = 0) -> list[Case]:
    """Runs of sliding Euler that leave its author no choice, and tell it from its near misses.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : {"slides", "crossings", "quiet"}
        Runs that Exact and the scheme count alike, with a slide that begins and ends; runs that only cross, with steps
        so long that the scheme counts something else than Exact; runs without any event.
    few : int
        So many runs of this kind, which are found soon: near misses are left to the others.
    """
    misses = {"slides": MISTAKEN, "crossings": {**MISCHOSEN, **ELSEWHERE}, "quiet": {**MISTIMED, **ELSEWHERE}}[kind]

    def deep(rng: np.random.Generator) -> tuple[Sheaf, Any, Any]:
        problem = problems.sheaf(rng, [2, 3, 3, 1], bias_scale=0.1)
        c0 = problems.cochain(rng, problem, 2.0)
        return problem, c0, Exact().run(problem, c0, 4.0).log

    def turns_off(made: tuple[Sheaf, Any, Any]) -> bool:
        log = made[2]
        ends = any(s.before == "sliding" and s.after == "inactive" for s in log)
        return ends and problems.gap(log.times) >= 0.08

    def draw(rng: np.random.Generator) -> tuple[Any, ...] | None:
        widths = [[2, 4, 1], [2, 6, 1], [3, 4, 2], [2, 3, 3, 1]][int(rng.integers(4))]
        if kind == "slides" and not few and rng.random() < 0.5:  # in deeper networks alone a slide ends so
            problem, c0, log = drawn_until(rng, deep, turns_off)
            return problem, c0, 0.01, float(np.ceil(log.times[-1] / 0.1 + 1) * 0.1)
        problem = problems.sheaf(rng, widths, bias_scale=0.1)
        c0 = problems.cochain(rng, problem, 2.0)
        exact = Exact().run(problem, c0, 8.0)
        times = exact.log.times
        if kind == "quiet":
            dt, k = float(rng.choice([0.1, 0.07, 0.03])), int(rng.integers(3, 30))
            if not few and rng.random() < 0.3:
                dt, k = 0.003, int(rng.integers(1010, 1200))
            t_end = float(f"{k * dt:.6g}")
            return None if len(times) and times[0] < t_end + 2 * dt else (problem, c0, dt, t_end)
        if kind == "crossings":
            dt = float(rng.choice([0.1, 0.2]))
            return None if exact.log.slides or len(times) < 2 else (problem, c0, dt, float(f"{dt * 30:.6g}"))
        ends = [s.time for s in exact.log if s.before == "sliding"]
        if exact.log.slides != 1 or not ends or len(times) > 6 or problems.gap(times) < 0.08 or times[-1] > 4:
            return None  # late switches have small speeds: an error of size Δt moves them far
        if few and times[-1] > 2:
            return None  # few steps
        dt = float(rng.choice([0.01, 0.005]) if not few else 0.02)
        return problem, c0, dt, float(np.ceil(times[-1] / 0.1 + 1) * 0.1)

    def certain(expected: list[float], problem: Sheaf, c0: Any, dt: float, t_end: float) -> bool:
        *_, steps = right_run(problem, c0, dt, t_end)
        if kind == "quiet":
            return not steps
        gaps = [b[0] - a[0] for a, b in itertools.pairwise(steps)]
        apart = all(gap > 2 for gap in gaps)
        if kind == "crossings":
            slow = any(shaken(problem, c0, dt, t_end)[0] != expected[0] for _ in range(3))
            # Several in one step: no matter whether the verdicts are asked for together or one after the other.
            alone = [flat(partial(sliding_euler, turns=turns))(problem, c0, dt, t_end) for turns in (1, -1)]
            same = all(np.array_equal(other, expected) for other in alone)
            return bool(steps) and all(gap == 0 or gap > 2 for gap in gaps) and same and not slow
        count = Exact().run(problem, c0, t_end).log.count
        others = [sliding_euler(problem, c0, d, t_end)[0] for d in ((2 * dt,) if few else (2 * dt, dt / 2))]
        if not apart or {int(expected[0]), *others} != {count}:
            return False
        if few:
            return True
        middle, count, _ = mid_slide(problem, c0, dt, t_end)
        return all(sliding_euler(problem, c0, d, middle)[0] == count for d in (dt, dt / 2))

    noise = np.random.default_rng(0)

    def shaken(problem: Sheaf, c0: Any, dt: float, t_end: float) -> Any:
        return sliding_euler(problem, c0 * (1 + 1e-9 * noise.standard_normal(problem.n)), dt, t_end)

    if few:
        return separating(rng, draw, right, {}, certain=said_once(certain), least=few, most=few)
    most = {"slides": 8, "crossings": 6, "quiet": 5}[kind]
    fit = said_once(certain)
    return separating(rng, draw, right, misses, tol=STATE_TOL, certain=fit, least=2, most=most)


@problems.remembered
def entwined(rng: np.random.Generator) -> list[Case]:
    """Two slides at a time, one of them a neuron's second: each begins and ends while the other neuron does as it did.

    Neuron 0 slides while its output is far off, and once more when neuron 1 turns on and sends the output off again;
    neuron 2 has an output of its own, and slides all the while.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        near, far = rng.uniform(0.3, 0.6, 2)
        w, sent, later = rng.uniform(0.8, 1.2), rng.uniform(40, 60), rng.uniform(2.0, 2.6)
        own = rng.uniform(0.8, 1.2)
        sides = rng.choice([-1, 1], 2)
        w2 = np.array([[w * sides[0], sides[0] * rng.uniform(0.05, 0.07), 0.0], [0.0, 0.0, own * sides[1]]])
        rest = np.array([near, sent, far])
        starts = rest * (1 - np.exp([rng.uniform(0.2, 0.5), later, rng.uniform(0.6, 0.9)]))
        until = rng.uniform([1.2, 3.6], [1.5, 4.2])
        outputs = -sides * np.array([near / w, far / own]) * np.exp(until)
        order = rng.permutation(3)
        net = Network([np.zeros((3, 1)), w2[:, order]], [rest[order], np.zeros(2)])
        return Sheaf(net, [1.0]), np.concatenate([starts[order], outputs]), 0.02, 6.0

    def certain(expected: list[float], problem: Sheaf, c0: Any, dt: float, t_end: float) -> bool:
        log = Exact().run(problem, c0, t_end).log
        counts = {sliding_euler(problem, c0, d, t_end)[0] for d in (2 * dt, dt, dt / 2)}
        return log.slides == 3 and counts == {log.count} == {7} and problems.gap(log.times) > 0.08

    return separating(rng, draw, flat(sliding_euler), {}, certain=said_once(certain), most=1)


@problems.remembered
def on_the_wall_alone(rng: np.random.Generator) -> list[Case]:
    """Three neurons with an output each that arrive in the first step; their verdicts belong to their walls alone.

    The first turns on, from below, the second turns off, the third slides for some steps, both from above.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        dt = 0.2
        w, rest = rng.uniform(0.8, 1.1, 3), np.array([1.0, -0.05, 0.05]) * rng.uniform(0.8, 1.2, 3)
        ahead = np.array([-0.1, 0.1, 0.1]) * dt * np.abs([rest[0], 1, 1]) * rng.uniform(0.9, 1.1, 3)
        pull = -np.array([rng.uniform(1.18, 1.22) * rest[0], rng.uniform(0.9, 1.1), rng.uniform(0.4, 0.6)])
        sent = pull / w  # the outputs' residuals
        outputs, order = sent + w * np.maximum(ahead, 0), rng.permutation(3)
        net = Network([np.zeros((3, 1)), np.diag(w)[:, order]], [rest[order], np.zeros(3)])
        return Sheaf(net, [1.0]), np.concatenate([ahead[order], outputs]), dt, 20 * dt

    def certain(expected: list[float], problem: Sheaf, c0: Any, dt: float, t_end: float) -> bool:
        steps = list[tuple[int, int]]()
        shaken = [sliding_euler(problem, c0 * (1 + e), dt, t_end)[0] for e in (-1e-9, 1e-9)]
        sliding_euler(problem, c0, dt, t_end, events=steps)
        return set(shaken) == {int(expected[0])} == {4} and 2 < steps[-1][0] < 17

    return separating(rng, draw, flat(sliding_euler), ASKED_ELSEWHERE, certain=said_once(certain), most=1)


@problems.remembered
def on_a_repelling_wall(rng: np.random.Generator) -> Case:
    """Two neurons with an output each, one of which a long step takes across its wall, where both sides push away."""

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        dt, w, rest = 0.25, rng.uniform(1.6, 2.2, 2), rng.uniform([-0.3, 0.5], [-0.1, 1.0])
        start, outputs = rng.uniform([0.2, -1.0], [1.0, -0.3]), rng.uniform([0.1, -1.0], [1.0, 1.0])
        order = rng.permutation(2)
        net = Network([np.zeros((2, 1)), np.diag(w)[:, order]], [rest[order], np.zeros(2)])
        return Sheaf(net, [1.0]), np.concatenate([start[order], outputs]), dt, 20 * dt

    def certain(expected: list[float], problem: Sheaf, c0: Any, dt: float, t_end: float) -> bool:
        shaken = [sliding_euler(problem, c0 * (1 + e), dt, t_end)[0] for e in (-1e-9, 1e-9)]
        return set(shaken) == {int(expected[0])}

    return separating(rng, draw, flat(sliding_euler), REPELLED, certain=said_once(certain), most=1)[0]


def mid_slide(problem: Sheaf, c0: Any, dt: float, t_end: float) -> tuple[float, int, int]:
    """A grid time in the midst of the slide, the number of switches up to then, and who slides."""
    log = list(Exact().run(problem, c0, t_end).log)
    k = next(k for k, s in enumerate(log) if s.slides)
    leaves = next((s.time for s in log[k + 1 :] if s.before == "sliding"), t_end)
    middle = round(0.5 * (log[k].time + leaves) / dt) * dt
    return middle, sum(s.time <= middle for s in log), problem.index(log[k].layer, log[k].neuron)


@problems.remembered
def slide_to_its_end(rng: np.random.Generator, few: int = 0) -> tuple[Case, float, float, int]:
    """A run that slides, the room that its last state has, and when who slides, as :func:`mid_slide` says."""
    case = determined(rng, "slides", few)[0]
    problem, c0, dt, t_end = case.args
    # Our own scheme's change when the step is doubled, as room for other choices within the scheme.
    coarse = sliding_euler(problem, c0, 2 * dt, t_end)[1]
    middle, _, who = mid_slide(problem, c0, dt, t_end)
    return case, 2 * float(np.abs(coarse - case.expected[1:]).max()) + 1e-4, middle, who


STATE_TOL = 1e-9
"""The same Euler steps in another order of operations."""


def verdict(f_minus: float, f_plus: float) -> str:
    """What exercise 7.1 asks for: it stands in where the student's own is not right."""
    if f_minus > 0:
        return "turns on" if f_plus > 0 else "slides"
    return "repels" if f_plus > 0 else "turns off"


class TestExercise_7_4:
    def own(self, student: Any) -> Any:
        """Judge with the student's own verdict of 7.1 where it works."""
        pairs = [(below * 0.3, above * 2.0) for below in (-1, 1) for above in (-1, 1)]

        def works() -> bool:
            got = [student.call("wall_verdict", *pair) for pair in pairs]
            return all(isinstance(g, str) and g == verdict(*pair) for g, pair in zip(got, pairs, strict=True))

        return following(student, "wall_verdict", "7.1", works, verdict)

    def ask(self, student: Any, case: Case, *, twice: bool = False) -> tuple[Any, Any, str]:
        problem, c0, dt, t_end = case.args
        found = student.series("sliding_euler", *[(problem, c0, dt, t_end)] * (1 + twice))
        call = f"sliding_euler(sheaf, c0, {dt}, {t_end}) with widths {problem.net.widths}"
        for got in found:
            if not isinstance(got, (tuple, list)) or len(got) != 2:
                want = "the number of switches and the last state"
                fail(call=call, returned=show(got), expected=want, hint="return two values")
        (count, last), again = found[0], found[-1]
        close(again[0], problems.matrix(count), call=f"{call}, called twice", tol=0.0, hint="start anew each time")
        return count, last, call

    def test_counts_what_exact_counts(self, student: Any, instances: Any) -> None:
        with self.own(student):
            hint = "one switch when a neuron begins to slide, one when it leaves: f⁻ ≤ 0 off, f⁺ ≥ 0 on"
            pooled = determined(instances.pooled("slides"), "slides")
            cases = sorted(pooled, key=lambda case: case.args[3] / case.args[2])  # the shortest is asked for most
            own = determined(instances.rng("own"), "slides", few=1) + entwined(instances.pooled("two"))
            for case in cases + own:
                count, _, call = self.ask(student, case, twice=case is cases[0])
                close(count, case.expected[0], call=call + ": switches", tol=0.0, hint=hint)
            problem, c0, dt, t_end = cases[0].args
            middle, switches, _ = mid_slide(problem, c0, dt, t_end)
            got = problems.matrix(student.call("sliding_euler", problem, c0, dt, middle)[0])
            call = f"sliding_euler(sheaf, c0, {dt}, {middle:.6g}): switches up to a time at which a neuron slides"
            close(got, switches, call=call, tol=0.0, hint=hint)

    def test_no_sliding(self, student: Any, instances: Any) -> None:
        with self.own(student):
            for case in on_the_wall_alone(instances.pooled("wall")):
                count, _, call = self.ask(student, case)
                hint = "first c[i] = 0, then the verdict there: neither where the step ended nor where it began"
                close(count, case.expected[0], call=call + ": switches", tol=0.0, hint=hint)
            case = on_a_repelling_wall(instances.pooled("repelled"))
            count, _, call = self.ask(student, case)
            hint = "where the wall repels, a neuron keeps the side to which it has come: one switch"
            close(count, case.expected[0], call=call + ": switches", tol=0.0, hint=hint)
            pooled = determined(instances.pooled("crossings"), "crossings")
            for case in pooled + determined(instances.rng("own"), "crossings", few=1):
                count, last, call = self.ask(student, case, twice=True)
                hint = "a wall that is crossed: one switch, c[i] = 0 there; count the changes of your own Euler steps"
                close(count, case.expected[0], call=call + ": switches", tol=0.0, hint=hint)
                close(last, case.expected[1:], call=call + ": last state", tol=STATE_TOL, hint=hint)

    def test_end_state(self, student: Any, instances: Any) -> None:
        with self.own(student):
            try_visible(student, exercise="7.4", name="sliding_euler")
            cases = determined(instances.pooled("quiet"), "quiet") + determined(instances.rng("own"), "quiet", few=1)
            shortest = min(cases, key=lambda case: case.args[3] / case.args[2])
            for case in cases:  # a long one is asked for once: it takes a thousand steps
                _, last, call = self.ask(student, case, twice=case is shortest)
                hint = "round(t_end / dt) explicit Euler steps of length dt; nothing switches here"
                close(last, case.expected[1:], call=f"{call}[1]", tol=STATE_TOL, hint=hint)
            ends = slide_to_its_end(instances.pooled("end")), slide_to_its_end(instances.pooled("another end"), few=1)
            for case, room, middle, i in ends:
                problem, c0, dt, _ = case.args
                _, last, call = self.ask(student, case)
                hint = "the velocity follows the modes; a sliding neuron stays at zero"
                close(last, case.expected[1:], call=f"{call}[1]", tol=room, hint=hint)
                _, last, call = self.ask(student, Case((problem, c0, dt, middle), None))
                values = problems.matrix(last)
                call = f"{call}[1][{i}], on the wall"
                close(values[i] if values.shape == (problem.n,) else values, 0.0, call=call, tol=1e-12, hint=hint)


def pulls(problem: Sheaf, c: Any) -> tuple[Any, Any]:
    """The wall speeds as if there were one hidden layer alone: only the last one is pulled."""
    off, on = (np.array(f) for f in problem.wall_speeds(c))
    first = problem.h - problem.net.widths[-2]
    on[:first] = off[:first]
    return off, on


def sliding_euler(
    problem: Sheaf,
    c0: Any,
    dt: float,
    t_end: float,
    *,
    steps: Callable[[float, float], int] = lambda t_end, dt: round(t_end / dt),
    speeds: Callable[[Sheaf, Any], tuple[Any, Any]] = lambda problem, c: problem.wall_speeds(c),
    watched: int = 10**6,
    to_wall: bool = True,
    slides: Callable[[float, float], bool] = lambda off, on: off > 0 > on,
    leaves: Callable[[float, float], str] = lambda off, on: "off" if off <= 0 else "on" if on >= 0 else "",
    each: int = 10**6,
    asked: str = "wall",
    turns: int = 0,
    least: float = 0.0,
    bounces: bool = False,
    flips: bool = False,
    output: bool = True,
    events: list[tuple[int, int]] | None = None,
) -> tuple[int, Any]:
    """Euler that can slide; each keyword makes a near miss, `events` collects step and neuron of each change.

    The verdict is `asked` on the wall, where the step has ended, or where it has begun.
    With `turns`, neurons that arrive in one step are put on their walls and judged one after the other, up or down.
    No slide ends before it has taken the time `least`. With `bounces`, a wall that repels gives a neuron back;
    with `flips`, whoever arrives and does not slide goes on to the other side, whatever the verdict.
    """
    h, began = problem.h, dict[int, int]()
    c, active, held, count = np.array(c0, dtype=float), np.asarray(c0)[:h] > 0, np.zeros(h, dtype=bool), 0
    off, on = speeds(problem, c)
    for k in range(steps(t_end, dt)):
        v = problem.velocity(c) * output
        v[:h] = np.where(held, 0.0, np.where(active, on, off))
        ago, c = (off, on), c + dt * v
        crossed = ~held & ((c[:h] > 0) != active)
        crossed[watched:] = False
        arrived = np.flatnonzero(crossed)[:each].tolist()
        in_turn = dict[int, tuple[float, float]]()
        for i in arrived[::turns] if turns else []:
            c[i] = 0.0
            below, above = speeds(problem, c)
            in_turn[i] = float(below[i]), float(above[i])
        off, on = there = speeds(problem, c)
        if to_wall and arrived:
            c[arrived] = 0.0
            off, on = speeds(problem, c)
        if not arrived and not held.any():
            continue
        old = [i for i in range(h) if held[i] and (k - began[i]) * dt >= least]
        left = [(i, side) for i in old if (side := leaves(off[i], on[i]))]
        below, above = {"wall": (off, on), "end of the step": there, "before the step": ago}[asked]
        changed = list[int]()
        for i in arrived:
            f_minus, f_plus = in_turn.get(i, (below[i], above[i]))
            held[i] = slides(f_minus, f_plus)
            back = f_minus * f_plus > 0 and (f_plus > 0) == active[i] and not flips
            if bounces and f_minus < 0 < f_plus:
                back = True
            if held[i] or not back:
                active[i] ^= not held[i]
                began[i] = k
                changed.append(i)
        for i, side in left:
            held[i], active[i] = False, side == "on"
        count += len(changed) + len(left)
        if events is not None:
            events += [(k, i) for i in [*changed, *(i for i, _ in left)]]
    return count, c


def said_once(certain: Callable[..., bool]) -> Callable[..., bool]:
    """Let a run be certain only if no verdict that matters sends a neuron back to where it came from."""

    def judge(expected: list[float], *args: Any) -> bool:
        if not certain(expected, *args):
            return False
        (count, last, _), (other, end) = right_run(*args), sliding_euler(*args, flips=True)
        return count == other and np.array_equal(last, end)

    return judge


def flat(scheme: Callable[..., tuple[int, Any]]) -> Callable[..., list[float]]:
    """Count and last state in one list."""

    def judge(*args: Any) -> list[float]:
        count, c = scheme(*args)
        return [float(count), *c]

    return judge


@once_per_problem
def right_run(*args: Any) -> tuple[int, Any, list[tuple[int, int]]]:
    """Count, last state, and step and neuron of each change."""
    events = list[tuple[int, int]]()
    return *sliding_euler(*args, events=events), events


def right(*args: Any) -> list[float]:
    """What the exercise asks for."""
    count, c, _ = right_run(*args)
    return [float(count), *c]


def wrong(**keywords: Any) -> Callable[..., list[float]]:
    return flat(partial(sliding_euler, **keywords))


def count_alone(judge: Callable[..., list[float]]) -> Callable[..., list[float]]:
    """A near miss that has to show in the count: the right state beside it."""
    return lambda *args: [judge(*args)[0], *right_run(*args)[1]]


def exactly(problem: Sheaf, c0: Any, dt: float, t_end: float) -> tuple[int, Any]:
    run = Exact().run(problem, c0, t_end)
    return run.log.count, run.at(t_end)


def of_fixed_step(problem: Sheaf, c0: Any, dt: float, t_end: float) -> tuple[int, Any]:
    return sliding_euler(problem, c0, 0.01, t_end)


def busy_steps(problem: Sheaf, c0: Any, dt: float, t_end: float) -> tuple[int, Any]:
    """The number of steps in which something changes."""
    _, c, events = right_run(problem, c0, dt, t_end)
    return len({step for step, _ in events}), c


MISTAKEN: dict[str, Any] = {
    "never leaves": count_alone(wrong(leaves=lambda off, on: "")),
    "leaves to the active side alone": count_alone(wrong(leaves=lambda off, on: "on" if on >= 0 else "")),
    "leaves to the inactive side alone": count_alone(wrong(leaves=lambda off, on: "off" if off <= 0 else "")),
    "leaves beyond a speed of 0.1": count_alone(
        wrong(leaves=lambda off, on: "off" if off <= -0.1 else "on" if on >= 0.1 else "")
    ),
    "no slide is shorter than 1": count_alone(wrong(least=1.0)),
    "always slides": count_alone(wrong(slides=lambda off, on: True)),
    "never slides": count_alone(wrong(slides=lambda off, on: False)),
    "overshoot kept": wrong(to_wall=False),
    "the first four neurons": count_alone(wrong(watched=4)),
    "one hidden layer": wrong(speeds=pulls),
    "the output stands still": wrong(output=False),
}
MISCHOSEN: dict[str, Any] = {
    "the count of Exact": count_alone(flat(exactly)),
    "one neuron a step": wrong(each=1),
    "steps, not neurons": flat(busy_steps),
    "never slides": wrong(to_wall=False, slides=lambda off, on: False),
    "the first four neurons": wrong(watched=4),
    "one hidden layer": wrong(speeds=pulls),
}


def summed(t_end: float, dt: float, early: bool = False) -> int:
    """The number of steps of who adds up `dt` until the sum has come to `t_end`, or (`early`) would go beyond."""
    t, steps = 0.0, 0
    while (t + dt <= t_end) if early else (t < t_end):
        t, steps = t + dt, steps + 1
    return steps


MISTIMED: dict[str, Any] = {
    "the sum of the steps": wrong(steps=summed),
    "the sum of the steps, not beyond the end": wrong(steps=partial(summed, early=True)),
    "int": wrong(steps=lambda t_end, dt: int(t_end / dt)),
    "ceil": wrong(steps=lambda t_end, dt: math.ceil(t_end / dt)),
    "at most 1000": wrong(steps=lambda t_end, dt: min(1000, round(t_end / dt))),
    "a step more": wrong(steps=lambda t_end, dt: round(t_end / dt) + 1),
    "a step less": wrong(steps=lambda t_end, dt: round(t_end / dt) - 1),
    "to t = 20": wrong(steps=lambda t_end, dt: round(20 / dt)),
}
ASKED_ELSEWHERE: dict[str, Any] = {
    "the verdict where the step has ended": count_alone(wrong(asked="end of the step")),
    "the verdict from before the step": count_alone(wrong(asked="before the step")),
}
REPELLED: dict[str, Any] = {
    "the neuron keeps the side from which it has come": count_alone(wrong(bounces=True)),
    "a wall that repels holds, too": count_alone(wrong(slides=lambda off, on: off * on < 0)),
}
ELSEWHERE: dict[str, Any] = {"Exact": flat(exactly), "dt = 0.01": flat(of_fixed_step)}
