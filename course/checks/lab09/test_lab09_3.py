"""Hidden checks of notebook 3: counting switches."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.following import following
from graders.checking.kept import drawn_until
from graders.checking.separation import Case, once_per_problem, separating
from graders.checking.verdict import HiddenChecksError
from graders.checking.visible import visible
from graders.sandbox.values import Seed
from sheaflab import Euler, EventEuler, Exact, Network, Sheaf
from sheaflab.checks.messages import close, fail

try_visible = partial(visible, lab="lab09")
shown: Any = import_module("sheaflab.checks.lab09.lab09_3")  # what the visible check looks for in a figure


def changes(states: Any, h: int, wall: float = 0.0, least: float = 0.0) -> int:
    """Changes between active and inactive; with a threshold, or a least size of a change, a near miss."""
    z = states[:, :h]
    active = z > wall
    return int(((active[1:] != active[:-1]) & (np.abs(z[1:] - z[:-1]) > least)).sum())


MISCOUNTS: dict[str, Any] = {
    **{f"active above {w:g}": partial(changes, wall=w) for w in (1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-200)},
    **{f"changes above {w:g}": partial(changes, least=w) for w in (1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-200)},
    "products, which underflow": lambda s, h: int((s[1:, :h] * s[:-1, :h] < 0).sum()),
    "single precision": lambda s, h: changes(s.astype(np.float32), h),
    "a switch a step at most": lambda s, h: int((np.diff(s[:, :h] > 0, axis=0) != 0).any(axis=1).sum()),
    "how many are active": lambda s, h: int(np.abs(np.diff((s[:, :h] > 0).sum(axis=1))).sum()),
    "a byte": lambda s, h: changes(s, h) % 256,
    "a signed byte": lambda s, h: (changes(s, h) + 128) % 256 - 128,
    "switches on": lambda s, h: int(((s[1:, :h] > 0) & (s[:-1, :h] <= 0)).sum()),
    "every column": lambda s, h: changes(s, s.shape[1]),
    "all columns but one": lambda s, h: changes(s, s.shape[1] - 1),
    "the start counts": lambda s, h: changes(s, h) + int((s[0, :h] > 0).sum()),
    "the first step left out": lambda s, h: changes(s[1:], h),
    "the last step left out": lambda s, h: changes(s[:-1], h),
    "neurons, not switches": lambda s, h: int((np.diff(s[:, :h] > 0, axis=0)).any(axis=0).sum()),
}


def walk(rng: np.random.Generator, h: int, rows: int) -> tuple[Any, int]:
    """States of which several hidden neurons and both outputs change now and then, some of them barely."""
    size = 10.0 ** -rng.uniform(-3, 15, (rows, h + 2))
    size[rng.random(rows) < 0.1] *= 1e-290  # their products are zero
    size[rng.random(rows) < 0.1] *= 1e280
    signs = np.cumprod(np.where(rng.random((rows, h + 2)) < 0.3, -1.0, 1.0), axis=0)
    return size * signs, h


@problems.remembered
def walks(rng: np.random.Generator, h: int) -> list[Case]:
    return separating(rng, lambda rng: walk(rng, h, 500), changes, MISCOUNTS, most=2)


class TestExercise_3_1:
    def compare(self, student: Any, states: Any, h: int, expected: int, what: str, hint: str) -> None:
        (got,) = student.series("count_switches", (states, h))
        close(got, expected, call=f"count_switches(states, {h}), {what}", tol=0.0, hint=hint)

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="3.1", name="count_switches")
        hint = "compare each row's pattern with the row before; the start is no switch; count every change"
        for h in (1, 3, 5):
            if h == 1:  # one neuron: what takes several cannot be told
                states, _ = walk(instances.rng("one"), h, 2100)  # as many as an experiment of 3.2 has, and more
                self.compare(student, states, h, changes(states, h), "2100 states", hint)
                continue
            for case in walks(instances.rng(f"runs {h}"), h):
                states = case.args[0]
                self.compare(student, states, h, case.expected, f"{len(states)} states, some close to zero", hint)
        self.compare(student, np.ones((1, 3)), 2, 0, "a single state", "one state has no row before it")
        still = np.abs(instances.rng("again").standard_normal((40, 4))) + 0.1
        moved = still.copy()
        moved[1::2, [0, 3]] *= -1
        got = student.series("count_switches", (still, 3), (moved, 3), (moved, 4))
        call = "count_switches(a, 3), then count_switches(b, 3) and (b, 4) for an array of the same shape"
        close(got, [0, 39, 78], call=call, tol=0.0, hint="remember nothing between two calls")

    def test_each_neuron_counts(self, student: Any, instances: Any) -> None:
        rng = instances.rng("each")
        h = int(rng.integers(300, 320))  # more than a byte or a word has bits, and than a byte counts
        a = np.abs(rng.standard_normal((3, h + 1))) + 0.1
        a[1, [int(rng.integers(*part)) for part in ((0, 8), (8, 32), (64, 256), (256, h))]] *= -1
        hint = "each neuron is a switch of its own"
        self.compare(student, a, h, 8, "four neurons turn off together and on again", hint)
        b = np.abs(rng.standard_normal((5, 4))) + 0.1
        b[::2, 0] *= -1
        b[1::2, 1] *= -1
        self.compare(student, b, 3, 8, "one neuron turns on while another turns off", hint)

    def test_output_has_no_wall(self, student: Any, instances: Any) -> None:
        rng = instances.rng("output")
        a = np.abs(rng.standard_normal((6, 5))) + 0.1
        a[1::2, 3:] *= -1
        a[3:, 1] *= -1
        self.compare(student, a, 3, 1, "two outputs that change sign", "only the first h columns are neurons")

    def test_zero_is_inactive(self, student: Any, instances: Any) -> None:
        size = 0.1 + instances.rng("zero").random()
        a = size * np.array([[0.0, 1], [1, 1], [0, 1], [1, 1], [0, 1], [-1, 1], [0, 1]])
        hint = "zero, positive, zero, positive, zero, negative, zero: on, off, on, off, for zero is inactive"
        self.compare(student, a, 1, 4, "a coordinate that is exactly zero at both ends and on the way", hint)
        rng = instances.rng("zeros")
        for h in (2, 4):
            b = rng.choice([-1.0, -0.0, 0.0, 1.0], (60, h + 1)) * (0.1 + rng.random((60, h + 1)))
            hint = "each change into or out of what is greater than zero counts; 0.0 and -0.0 are one inactive zero"
            self.compare(student, b, h, changes(b, h), "many coordinates of several neurons are exactly zero", hint)


def experiment(
    problem: Sheaf,
    magnitude: float,
    seed: int,
    runs: int,
    *,
    scheme: Any = None,
    t_end: float = 20.0,
    start: Callable[[float, Any, int], Any] = lambda m, z, k: m * z,
    draw: Callable[[Any, Sheaf], Any] = lambda rng, problem: rng.standard_normal(problem.n),
    count: Callable[[Any, Any], int] = lambda traj, problem: int(traj.log.count),
) -> list[int]:
    """The counts of 3.2; each keyword makes a near miss."""
    rng, scheme = np.random.default_rng(seed), scheme or Euler(0.01)
    starts = [start(magnitude, draw(rng, problem), k) for k in range(runs)]
    return [count(scheme.run(problem, c0, t_end), problem) for c0 in starts]


@once_per_problem
def right_runs(problem: Sheaf, magnitude: float, seed: int, runs: int) -> list[Any]:
    """The runs of 3.2, three times as long: what they count to another end, or another way, needs no run of its own."""
    draws = np.random.default_rng(seed)
    return [Euler(0.01).run(problem, magnitude * draws.standard_normal(problem.n), 60.0) for _ in range(runs)]


def recounted(count: Callable[[Any, Sheaf], int]) -> Callable[..., list[int]]:
    """A near miss that makes the right runs, and counts something else in them."""
    return lambda problem, *args: [count(run, problem) for run in right_runs(problem, *args)]


def counted_to(t_end: float) -> Callable[..., list[int]]:
    return recounted(lambda run, problem: int((run.log.times < t_end + 0.005).sum()))


def columns(upto: Callable[[Sheaf], int]) -> Callable[..., list[int]]:
    return recounted(lambda run, problem: changes(run.states[:2001], upto(problem)))


OTHER_RUNS: dict[str, Any] = {
    **{f"dt = {dt}": partial(experiment, scheme=Euler(dt)) for dt in (0.1, 0.05, 0.02, 0.005)},
    **{f"to t = {t}": counted_to(t) for t in (2.0, 5.0, 10.0, 15.0, 30.0, 60.0)},
    "EventEuler": partial(experiment, scheme=EventEuler(0.01)),
    "Exact": partial(experiment, scheme=Exact()),
    "the states of Exact": partial(experiment, scheme=Exact(), count=lambda t, p: changes(t.states, p.h)),
    "neurons that switch": recounted(lambda r, p: len({(s.layer, s.neuron) for s in r.log if s.time < 20.005})),
    "the first hidden layer": columns(lambda p: p.net.widths[1]),
    "the first four columns": columns(lambda p: 4),
    "five coordinates": partial(experiment, draw=lambda rng, p: rng.standard_normal(5)),
    "the output, too": columns(lambda p: p.n),
    "at most 99": recounted(lambda r, p: min(99, int((r.log.times < 20.005).sum()))),
}
OTHER_STARTS: dict[str, Any] = {
    "magnitude left out": partial(experiment, start=lambda m, z, k: z),
    "its root": partial(experiment, start=lambda m, z, k: np.sqrt(m) * z),
    "at least 1": partial(experiment, start=lambda m, z, k: max(m, 1.0) * z),
    "its square": partial(experiment, start=lambda m, z, k: m**2 * z),
    "twice as large": partial(experiment, start=lambda m, z, k: 2 * m * z),
    "added": partial(experiment, start=lambda m, z, k: m + z),
    "its inverse": partial(experiment, start=lambda m, z, k: z / m),
    "cut to a whole number": partial(experiment, start=lambda m, z, k: int(m) * z),
    "normalised": partial(experiment, start=lambda m, z, k: m * z / np.linalg.norm(z)),
    "of that mean length": partial(experiment, start=lambda m, z, k: m * z / np.sqrt(z @ z / len(z))),
    "growing by a tenth": partial(experiment, start=lambda m, z, k: m * 1.1 ** (k + 1) * z),
    "growing from run to run": partial(experiment, start=lambda m, z, k: m ** (k + 1) * z),
    "uniform": partial(experiment, draw=lambda rng, p: rng.uniform(-1, 1, p.n)),
    "the signs alone": partial(experiment, start=lambda m, z, k: m / z),
}
"""`to t = 19` and the like are no near misses: by then nearly every run of these networks has come to rest."""


LONGEST = 250
"""Most switches of an experiment: each costs the grader a step of its own."""


@problems.remembered
def stable_experiments(
    rng: np.random.Generator, what: str, runs: int, most: int, magnitudes: tuple[float, ...]
) -> list[Case]:
    """Experiments that tell Euler's counts from those of near misses, and that no rounding changes.

    Where the flow slides, Euler chatters, and the count depends on everything; but not on the last digit, for chatter
    forgets where it began. Each run is certified so: starts that differ from the 11th digit on are counted alike.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        late = what == "runs" and rng.random() < 0.7  # else hardly a run would tell one end from another

        def make(rng: np.random.Generator) -> tuple[Any, ...]:
            widths = [[2, 4, 1], [2, 3, 3, 1]][int(rng.integers(2))]
            net = Network.random(widths, rng, bias_scale=0.1)
            scale = rng.choice([1.0, 2.0])  # large weights relax slowly
            problem = Sheaf(Network([scale * w for w in net.weights], net.biases), rng.standard_normal(2))
            magnitude, seed = float(rng.choice(magnitudes)), int(rng.integers(2**31))
            return problem, magnitude, seed, runs

        def is_fit(made: tuple[Any, ...]) -> bool:
            if not late:
                return True
            problem, magnitude, seed, _ = made
            first = magnitude * np.random.default_rng(seed).standard_normal(problem.n)
            return any(t > 12 for t in Exact().run(problem, first, 60.0).log.times)

        return drawn_until(rng, make, is_fit)

    def fit(counts: list[int]) -> bool:
        return sum(counts) <= LONGEST and len(set(counts)) > 1

    def certain(counts: list[int], *args: Any) -> bool:
        def shaken(size: float) -> list[int]:
            return experiment(*args, start=lambda m, z, k: m * z * (1 + size * noise.standard_normal(len(z))))

        noise = np.random.default_rng(0)
        return all(shaken(size) == counts for size in (1e-14, 1e-11))

    near = {"runs": OTHER_RUNS, "starts": OTHER_STARTS}[what]
    return separating(rng, draw, experiment, near, most=most, fit=fit, certain=certain)


def clear_count(traj: Any, problem: Sheaf) -> int:
    """The count; −1 if a state is so close to a wall that rounding could put it on the other side."""
    return int(traj.log.count) if np.abs(traj.states[:, : problem.h]).min() > 1e-8 else -1


def hurried(problem: Sheaf, starts: Any, dt: float) -> Sheaf:
    """The sheaf with another bias: the neuron that starts next to its wall crosses it in Euler's first step."""
    run, neuron = np.unravel_index(np.argmin(np.abs(starts[:, : problem.h])), (len(starts), problem.h))
    c0, biases = starts[run], [b.copy() for b in problem.net.biases]
    # A bias adds to the velocity as it is.
    biases[0][neuron] -= 1.5 * c0[neuron] / dt + problem.velocity(c0)[neuron]
    return Sheaf(Network(problem.net.weights, biases), problem.x)


@problems.remembered
def own_experiment(rng: np.random.Generator, magnitudes: tuple[float, ...]) -> Case:
    """Two runs that do not slide: found soon, since near misses are left to :func:`stable_experiments`.

    One of them switches in its first step: who leaves out the beginning of a run counts less.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, ...] | None:
        problem = problems.sheaf(rng, [2, 6, 2], bias_scale=0.1)
        magnitude, seed = float(rng.choice(magnitudes)), int(rng.integers(2**31))
        starts = magnitude * np.random.default_rng(seed).standard_normal((2, problem.n))
        problem = hurried(problem, starts, 0.01)
        first, second = (Exact().run(problem, c0, 20.0).log for c0 in starts)
        told = first.count != second.count and first.count + second.count > 5  # few counts are guessed soon
        return (problem, magnitude, seed, 2) if told and not first.slides and not second.slides else None

    def certain(counts: list[int], *args: Any) -> bool:
        return -1 not in counts

    (case,) = separating(rng, draw, partial(experiment, count=clear_count), {}, certain=certain, most=1)
    return case


OWN = (1.0, 2.0, 4.0)
"""Magnitudes of the experiment that a submission has for itself, and three checks ask for in their own ways."""


FAR = [2, 4, 4, 2]
"""Widths of the network of :func:`far_out`: eight hidden neurons, two outputs."""


def cut(least: int, most: float, magnitude: float, z: Any, run: int) -> Any:
    """A near miss of a start: coordinates from `least` on that are beyond `most` are taken for outliers."""
    c = magnitude * z
    c[least:] = np.clip(c[least:], -most, most)
    return c


CUT: dict[str, Any] = {
    **{f"cut at {most:g}": partial(experiment, start=partial(cut, 0, most)) for most in (5.0, 10.0, 50.0)},
    "outputs cut at 10": partial(experiment, start=partial(cut, 8, 10.0)),
    "one output": partial(experiment, start=partial(cut, 9, 0.0)),
    "one output, cut at 10": partial(experiment, start=lambda m, z, k: cut(9, 0.0, 1.0, cut(8, 10.0, m, z, k), k)),
    "root beyond 4": partial(experiment, start=lambda m, z, k: np.sqrt(4 * max(m, 4.0)) * z),
    "at most 10": partial(experiment, start=lambda m, z, k: min(m, 10.0) * z),
}


@problems.remembered
def far_out(rng: np.random.Generator) -> list[Case]:
    """Runs that do not slide, from so far out that they show who cuts the start: two hidden layers, large biases."""

    def draw(rng: np.random.Generator) -> tuple[Any, ...] | None:
        problem, seed = problems.sheaf(rng, FAR, bias_scale=5.0), int(rng.integers(2**31))
        magnitude = float(rng.choice([8.0, 60.0]))
        log = Exact().run(problem, magnitude * np.random.default_rng(seed).standard_normal(problem.n), 20.0).log
        return None if log.slides or log.count < 2 else (problem, magnitude, seed, 1)

    def certain(counts: list[int], *args: Any) -> bool:
        return -1 not in counts

    return separating(rng, draw, partial(experiment, count=clear_count), CUT, certain=certain, most=3)


MANY = 21
SHUFFLES: dict[str, Callable[[list[int]], list[int]]] = {
    "the last first": lambda counts: counts[::-1],
    "the first last": lambda counts: counts[1:] + counts[:1],
    "the last before the first": lambda counts: counts[-1:] + counts[:-1],
    "by size": sorted,
    "by size, downwards": lambda counts: sorted(counts, reverse=True),
    "by the text of its number": lambda counts: [counts[int(k)] for k in sorted(map(str, range(len(counts))))],
    "every second, then the others": lambda counts: counts[::2] + counts[1::2],
    "the second half first": lambda counts: counts[len(counts) // 2 :] + counts[: len(counts) // 2],
}
"""Orders of more than ten runs that are not that of the runs."""


@problems.remembered
def many_runs(rng: np.random.Generator) -> Case:
    """Runs of one neuron, none of which slides, told from the same counts in another order."""

    def draw(rng: np.random.Generator) -> tuple[Any, ...] | None:
        problem, seed = problems.sheaf(rng, [1, 1, 1], bias_scale=0.1), int(rng.integers(2**31))
        starts = 1.5 * np.random.default_rng(seed).standard_normal((MANY, problem.n))
        logs = (Exact().run(problem, c0, 20.0).log for c0 in starts)
        if any(log.slides for log in logs):
            return None
        return problem, 1.5, seed, experiment(problem, 1.5, seed, MANY, count=clear_count)

    def of_all(order: Callable[[list[int]], list[int]], *args: Any) -> list[int]:
        return order(args[-1])

    def of_twenty(order: Callable[[list[int]], list[int]], *args: Any) -> list[int]:
        return [*order(args[-1][:20]), *args[-1][20:]]

    def certain(counts: list[int], *args: Any) -> bool:
        return -1 not in counts

    both = (of_all, of_twenty)
    near = {f"{what}, {of.__name__}": partial(of, order) for what, order in SHUFFLES.items() for of in both}
    (case,) = separating(rng, draw, lambda *args: list(args[-1]), near, certain=certain, most=1)
    return case


def counted(states: Any, h: Any) -> int:
    """What exercise 3.1 asks for: it stands in where the student's own is not right."""
    return changes(np.asarray(states, dtype=float), int(h))


class TestExercise_3_2:
    def own(self, student: Any, instances: Any) -> Any:
        """Judge with the student's own count of 3.1 where it works."""

        def works() -> bool:
            asked = [case.args for case in walks(instances.pooled("count"), 3)]
            asked.append((np.array([[0.0, 1.0], [1.0, 1.0], [0.0, -1.0], [-1.0, 1.0], [-0.0, 1.0]]), 1))
            got = problems.matrix(student.series("count_switches", *asked))
            return np.array_equal(got, [changes(*args) for args in asked])

        return following(student, "count_switches", "3.1", works, counted)

    def compare(self, student: Any, case: Case, hint: str) -> None:
        problem, magnitude, seed, runs = case.args
        asked = partial(student.call, "switch_counts", problem, magnitude, Seed(seed), runs)
        got = student.remembered(f"3.2: {magnitude} {seed} {runs}", asked)
        call = f"switch_counts(sheaf, {magnitude}, np.random.default_rng({seed}), {runs})"
        close(got, case.expected, call=f"{call} with widths {problem.net.widths}", tol=0.0, hint=hint)

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        with self.own(student, instances):
            try_visible(student, exercise="3.2", name="switch_counts")
            pooled = stable_experiments(instances.pooled("fresh"), "runs", 2, 4, (1.0, 2.0, 4.0))
            for case in (*pooled, own_experiment(instances.of_exercise("own"), OWN)):
                self.compare(student, case, "Euler(dt=0.01) to t_end=20.0: a start, a run, a count, again and again")

    def test_uses_the_generator(self, student: Any, instances: Any) -> None:
        with self.own(student, instances):
            case = own_experiment(instances.of_exercise("own"), OWN)
            problem, magnitude, seed, _ = case.args
            hint = "take every random number from `rng`, none from np.random"
            call = f"switch_counts(sheaf, {magnitude}, rng, 1) with rng = np.random.default_rng({seed}), called twice"
            one = Seed(seed)  # the generator of both calls: the second goes on where the first has stopped
            got = student.series("switch_counts", (problem, magnitude, one, 1), (problem, magnitude, one, 1))
            close(got, [case.expected[:1], case.expected[1:]], call=call, tol=0.0, hint=hint)
            again = student.call("switch_counts", problem, magnitude, Seed(seed), 1)
            close(again, case.expected[:1], call=f"{call} and once more with an equal generator", tol=0.0, hint=hint)

    def test_magnitude(self, student: Any, instances: Any) -> None:
        with self.own(student, instances):
            pooled = stable_experiments(instances.pooled("magnitude"), "starts", 2, 3, (0.1, 0.4, 3.0, 8.0))
            own = own_experiment(instances.rng("own"), (0.4, 3.0, 8.0))
            for case in (*pooled, *far_out(instances.pooled("far")), own):
                self.compare(student, case, "each start is magnitude * rng.standard_normal(sheaf.n)")

    def test_number_of_runs(self, student: Any, instances: Any) -> None:
        with self.own(student, instances):
            self.compare(student, own_experiment(instances.of_exercise("own"), OWN), "one count for each run")
            case = many_runs(instances.pooled("number"))
            problem, magnitude, seed, *_ = case.args
            for runs in ((), (MANY,)):  # the default, and more than that; a run costs the same in all of them
                got, number = student.call("switch_counts", problem, magnitude, Seed(seed), *runs), (*runs, 20)[0]
                call = f"switch_counts(sheaf, {magnitude}, rng{''.join(f', {k}' for k in runs)})"
                hint = "one count a run; 20 runs if nothing is said"
                close(np.shape(got), (number,), call=f"len({call})", tol=0.0, hint=hint)
                close(got, case.expected[:number], call=call, tol=0.0, hint="the counts in the order of the runs")


class TestExercise_3_3:
    tell = staticmethod(partial(fail, call="plot_histogram(ax, counts)"))

    def draw(
        self, student: Any, instances: Any, number: int = 3, seen: bool = True
    ) -> list[tuple[Any, list[int]]]:
        """Counts from 0 on, all alike, and far apart, and what is drawn of the first of these, once for all checks.

        A figure of which every bar is seen is the same for who does not ask what is seen. There are large counts, too,
        for those alone: their bars may be a pixel wide.
        """
        rng = instances.of_exercise("counts")
        many = list[list[int]]()
        for low, far in ((0, 12), (int(rng.integers(1, 5)), 40)):
            counts = [low, low, low + 2, *(low + rng.integers(0, 6, 17)).tolist(), low + far]
            high = int(rng.integers(18, 21))  # one bar has more than ten, and ticks stand at 2.5, 5, 7.5 …
            counts += [low + 1] * (high - counts.count(low + 1))
            if far > 20:  # many bars, and no gap between the last of them
                counts += [low + far - 1, *(low + 20 + rng.permutation(9)[:6]).tolist()]
            many.append([int(c) for c in rng.permutation(counts)])
        many.insert(1, [int(rng.integers(1, 9))] * int(rng.integers(260, 300)))  # more than a digit or a byte holds

        def drawn(counts: list[int], seen: bool) -> Any:
            asked = partial(student.draw, "plot_histogram", counts, seen=seen)
            return student.remembered(f"3.3: {seen} {counts}", asked)

        figures = [(drawn(counts, seen=True), counts) for counts in many[:number]]
        if seen:
            return figures
        whole = [all(bar.shown for bar in figure.bars if bar.height) for figure, _ in figures]
        found = [(f if fits else drawn(k, seen=False), k) for (f, k), fits in zip(figures, whole, strict=True)]
        rng = instances.of_exercise("large")
        low = int(rng.integers(230, 256))  # some are more than a byte holds
        large = [low, *(low + rng.integers(1, 70, 30)).tolist(), low + 70]
        return [*found, (drawn(large, seen=False), large)]

    def visible_case(self, student: Any) -> Any:
        drawn = partial(student.draw, "plot_histogram", shown.PLOTTED)
        return student.remembered("3.3: the visible case", drawn)

    def test_heights(self, student: Any, instances: Any) -> None:
        shown.heights(self.visible_case(student), shown.PLOTTED, shown.tell_plotted)
        for figure, counts in self.draw(student, instances):
            shown.heights(figure, counts, self.tell)

    def test_centred(self, student: Any, instances: Any) -> None:
        shown.centred(self.visible_case(student), shown.PLOTTED, shown.tell_plotted)
        for figure, counts in self.draw(student, instances, seen=False):
            shown.centred(figure, counts, self.tell)

    def test_labels(self, student: Any, instances: Any) -> None:
        shown.names(self.visible_case(student), shown.PLOTTED, shown.tell_plotted)
        shown.names(*self.draw(student, instances, 1)[0], self.tell)


def squared_error(counts: list[int], less: int = 1) -> float:
    """The square of a mean's standard error, s² / m; the sum of squares is divided by m − `less`."""
    m = len(counts)  # whole numbers: their sums are exact, and no array is made of a few of them
    return (m * sum(k * k for k in counts) - sum(counts) ** 2) / (m * m * (m - less))


def errors_apart(a: list[int], b: list[int], less: tuple[int, int] = (1, 1)) -> float:
    """How many standard errors of their difference two means are apart."""
    gap = abs(sum(a) / len(a) - sum(b) / len(b))
    return gap / math.sqrt(squared_error(a, less[0]) + squared_error(b, less[1]))


def paired(a: list[int], b: list[int]) -> float:
    """A near miss: how many standard errors the mean of the differences of pairs is away from 0."""
    d = np.subtract(a, b)
    return float(abs(d.mean()) / max(d.std(ddof=1) / np.sqrt(len(d)), 1e-9))


def rounded(digits: int, gap_too: bool = True) -> Callable[[list[int], list[int]], bool]:
    def verdict(a: list[int], b: list[int]) -> bool:
        gap = abs(np.mean(a) - np.mean(b))
        both = 2 * gap / errors_apart(a, b)
        return bool((round(gap, digits) if gap_too else gap) > round(both, digits))

    return verdict


def shortest(a: list[int], b: list[int]) -> int:
    return min(len(a), len(b))


VERDICTS: dict[str, Callable[[list[int], list[int]], Any]] = {
    "1.96 standard errors": lambda a, b: errors_apart(a, b) > 1.96,
    "Student's t": lambda a, b: errors_apart(a, b) > 2.02,
    "ratio with a digit": lambda a, b: round(errors_apart(a, b), 1) > 2,
    "at least 2 with a digit": lambda a, b: round(errors_apart(a, b), 1) >= 2,
    "ratio with two digits": lambda a, b: round(errors_apart(a, b), 2) > 2,
    "a digit": rounded(1),
    "two digits": rounded(2),
    "error with a digit": rounded(1, gap_too=False),
    "cut to the shorter": lambda a, b: errors_apart(a[: shortest(a, b)], b[: shortest(a, b)]) > 2,
    "cut to the last of the longer": lambda a, b: errors_apart(a[-shortest(a, b) :], b[-shortest(a, b) :]) > 2,
}


def close_calls(rng: np.random.Generator) -> list[Case]:
    """Samples that are just apart, or just not, by the rule itself and by no other that is close to it."""

    def draw(rng: np.random.Generator) -> tuple[list[int], list[int]] | None:
        sizes = [(20, 20), (40, 12), (12, 40)][int(rng.integers(3))]
        # Few pairs are so close: many are drawn at once, and the first of them that is.
        a, b = (18 + shift + rng.integers(-3, 4, (64, m)) for shift, m in zip((0, 1), sizes, strict=True))
        error = np.sqrt(sum(s.var(axis=1, ddof=1) / s.shape[1] for s in (a, b)))
        ratio = np.abs(a.mean(axis=1) - b.mean(axis=1)) / error
        found = np.flatnonzero((ratio > 1.965) & (ratio < 2.05))[:1]
        return (a[found[0]].tolist(), b[found[0]].tolist()) if found.size else None

    def certain(expected: bool, a: list[int], b: list[int]) -> bool:
        return abs(errors_apart(a, b) - 2) > 1e-4

    def truth(a: list[int], b: list[int]) -> bool:
        return errors_apart(a, b) > 2

    return separating(rng, draw, truth, VERDICTS, most=6, certain=certain, tries=40000)


class TestExercise_3_4:
    def sample(self, rng: Any, mean: int, size: int, spread: int = 3) -> list[int]:
        return [int(v) for v in mean + rng.integers(-spread, spread + 1, size)]

    def ask(
        self, student: Any, a: list[int], b: list[int], hint: str, *more: tuple[list[int], list[int]]
    ) -> None:
        """Ask about two samples, and about more pairs right after them."""
        pairs = [(a, b), *more]
        for (a, b), got in zip(pairs, student.series("differs", *pairs), strict=True):
            spread = np.ptp(a) or np.ptp(b)
            expected = errors_apart(a, b) > 2 if spread else a[0] != b[0]
            call = f"differs(a, b), means {np.mean(a):.3g} and {np.mean(b):.3g}, {len(a)} and {len(b)} runs"
            close(got, expected, call=call, tol=0.0, hint=hint)

    def search(
        self,
        rng: Any,
        low: float,
        high: float,
        shift: int,
        sizes: tuple[int, int],
        spreads: tuple[int, int] = (3, 3),
        wish: Callable[[list[int], list[int]], bool] = lambda a, b: True,
    ) -> tuple[list[int], list[int]]:
        """Two samples whose means are between `low` and `high` standard errors apart."""
        for _ in range(20000):
            a, b = self.sample(rng, 18, sizes[0], spreads[0]), self.sample(rng, 18 + shift, sizes[1], spreads[1])
            if np.ptp(a) and low < errors_apart(a, b) < high and wish(a, b):
                return a, b
        raise HiddenChecksError("no samples found")

    def test_clear_cases(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="3.4", name="differs")
        rng = instances.rng("clear")
        k, m = int(rng.integers(2, 9)), int(rng.integers(2, 4))
        none = (
            "no spread, so the right-hand side is 0: apart if the means are more than 0 apart, which equal ones are not"
        )
        self.ask(student, [k] * m, [k] * (m + 1), none)
        self.ask(student, [k] * m, [k + 1] * m, none)
        self.ask(student, [k + 2] * m, [k] * (m + 1), none)
        one = "one sample without spread: the error is that of the other"
        for low, high in ((0.3, 1.8), (2.2, 4.0)):
            b, a = self.search(rng, low, high, 1, (10, m), (3, 0))
            self.ask(student, a, b, one, (b, a))
        hint = "apart by more than two standard errors of the difference of the means, or not; s² divides by m − 1"

        def others_are_close(a: list[int], b: list[int]) -> bool:  # medians, and means without their fractions
            far = 0.8 * abs(np.mean(a) - np.mean(b))
            medians, whole = (abs(mid(a) - mid(b)) for mid in (np.median, lambda counts: sum(counts) // len(counts)))
            return bool(max(medians, whole) < far)

        self.ask(student, *self.search(rng, 2.15, 2.6, 1, (20, 20), wish=others_are_close), hint)
        self.ask(student, *self.search(rng, 1.5, 1.85, 1, (20, 20)), hint)
        self.ask(student, *self.search(rng, 5.0, 9.0, 4, (20, 20)), hint)

        self.ask(student, *self.search(rng, 1.5, 1.85, 1, (20, 20), wish=lambda a, b: paired(a, b) > 2.05), hint)
        self.ask(student, *self.search(rng, 2.15, 2.6, 1, (20, 20), wish=lambda a, b: paired(a, b) < 1.95), hint)
        a, b = self.search(rng, 5.0, 9.0, 4, (20, 20), wish=lambda a, b: b.count(max(b)) < 4)
        for most in (2**7, 2**8):  # a byte wraps in one to three of the runs, which makes the error large
            self.ask(student, [k - max(b) + most for k in a], [k - max(b) + most for k in b], hint)

        for case in close_calls(rng):
            a, b = case.args
            self.ask(student, a, b, hint)

        while True:  # small counts, and one run that chatters
            k = int(rng.integers(1, 4))
            a, b = self.sample(rng, k + 1, 20, 1), [*self.sample(rng, k + 3, 19, 1), int(rng.integers(80, 300))]
            if errors_apart(a, b) < 1.9 and errors_apart(a, b[:-1]) > 2.1:
                break
        self.ask(student, a, b, "every count counts, however far it is from the others: it makes the error large")

    def test_either_direction(self, student: Any, instances: Any) -> None:
        rng = instances.rng("direction")
        a, b = self.search(rng, 2.5, 6.0, 2, (20, 20))
        # Calls that share a sample: what is kept under one of them, or under how many there are, is not right again.
        self.ask(student, a, b, "a rise")
        self.ask(student, b, a, "a fall counts as much as a rise, and equal samples do not", (b, b), (a, b))

    def test_sample_sizes(self, student: Any, instances: Any) -> None:
        rng = instances.rng("sizes")
        hint = "the variance of a mean is s²/m: more runs, smaller error; each sample has its own m"
        self.ask(student, *self.search(rng, 1.2, 1.7, 2, (5, 6)), hint)

        def m_or_less(a: list[int], b: list[int]) -> bool:  # dividing one variance by m would turn the verdict
            return min(errors_apart(a, b, less) for less in ((0, 1), (1, 0))) > 2.01

        def m_less_two(a: list[int], b: list[int]) -> bool:
            return max(errors_apart(a, b, less) for less in ((2, 1), (1, 2))) < 1.99

        few = "few runs: divide the sum of squares by m − 1"
        self.ask(student, *self.search(rng, 1.8, 1.99, 3, (4, 4), wish=m_or_less), few)
        self.ask(student, *self.search(rng, 2.01, 2.3, 4, (4, 4), wish=m_less_two), few)
        for sizes in ((2, 2), (2, 20), (20, 2)):  # the smallest sample is one of two
            two = "two runs are a sample as well: s² divides by 1"
            self.ask(student, *self.search(rng, 0.3, 1.9, 1, sizes), two)
            self.ask(student, *self.search(rng, 2.1, 9.0, 6, sizes), two)
        self.ask(student, *self.search(rng, 2.4, 3.5, 0, (80, 60), (1, 1)), hint)  # the means are less than 1/2 apart
        self.ask(student, *self.search(rng, 1.4, 1.75, 1, (40, 8)), hint)
        self.ask(student, *self.search(rng, 2.6, 4.0, 2, (60, 6), (6, 1)), hint)  # the noisy sample is the large one
        self.ask(student, *self.search(rng, 1.0, 1.8, 2, (60, 6), (1, 6)), hint)
