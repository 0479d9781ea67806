"""Hidden checks of notebook 3: counting switches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.checking import problems
from graders.sandbox.values import Seed
from sheaflab import Euler, Exact
from sheaflab.checks.messages import close, fail


class TestExercise_3_1:
    def compare(self, student: Any, states: Any, h: int, expected: int, what: str, hint: str) -> None:
        close(
            student.call("count_switches", states, h),
            expected,
            call=f"count_switches(states, {h}), {what}",
            tol=0.0,
            hint=hint,
        )

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("runs")
        for h in (3, 4, 5):
            states = np.abs(rng.standard_normal((60, h + 1))) + 0.1
            signs, expected = np.ones(h), 0
            for row in states:  # one neuron at a time, with pauses; the output keeps its sign
                if rng.random() < 0.4:
                    signs[rng.integers(h)] *= -1
                row[:h] *= signs
            expected = int((np.sign(states[1:, :h]) != np.sign(states[:-1, :h])).sum())
            hint = "compare each row's pattern with the row before; the start is no switch"
            self.compare(student, states, h, expected, f"{len(states)} states", hint)
        self.compare(student, np.ones((1, 3)), 2, 0, "a single state", "one state has no row before it")

    def test_each_neuron_counts(self, student: Any, instances: Any) -> None:
        rng = instances.rng("each")
        a = np.abs(rng.standard_normal((3, 6))) + 0.1
        a[1, :4] *= -1
        self.compare(
            student, a, 5, 8, "four neurons turn off together and on again", "each neuron is a switch of its own"
        )

    def test_output_has_no_wall(self, student: Any, instances: Any) -> None:
        rng = instances.rng("output")
        a = np.abs(rng.standard_normal((6, 5))) + 0.1
        a[1::2, 3:] *= -1
        a[3:, 1] *= -1
        self.compare(student, a, 3, 1, "two outputs that change sign", "only the first h columns are neurons")

    def test_zero_is_inactive(self, student: Any, instances: Any) -> None:
        size = 0.1 + instances.rng("zero").random()
        a = size * np.array([[1.0, 1], [0, 1], [1, 1], [0, 1], [-1, 1]])
        hint = "positive, zero, positive, zero, negative: off, on, off, for zero is inactive"
        self.compare(student, a, 1, 3, "a coordinate that is exactly zero on the way", hint)


@problems.remembered
def certain_experiment(
    rng: np.random.Generator, magnitude: float, runs: int, unlike: float | None = None, reciprocal: bool = False
) -> tuple[Any, int, list[int]]:
    """A sheaf and a seed of which every run is certified: no sliding, and Euler counts what Exact counts."""
    for _ in range(4000):
        problem, seed = problems.sheaf(rng, bias_scale=0.1), int(rng.integers(2**31))
        starts = np.random.default_rng(seed).standard_normal((runs, problem.n))  # the stream of one a run
        counts: list[int] = []
        for start in starts:
            log = Exact().run(problem, magnitude * start, 20.0).log
            if log.slides or problems.gap(log.times) < 1e-3:
                break
            counts.append(log.count)
        if len(counts) < runs or len(set(counts)) == 1:
            continue
        if unlike is not None and counts == [Exact().run(problem, unlike * c, 20.0).log.count for c in starts]:
            continue  # here nobody would notice a magnitude left out
        if reciprocal and counts == [Exact().run(problem, magnitude / c, 20.0).log.count for c in starts]:
            continue  # the signs of a start alone must not tell the counts
        if counts == [Euler(0.01).run(problem, magnitude * c0, 20.0).log.count for c0 in starts]:
            return problem, seed, counts
    raise RuntimeError("no certain experiment found")


class TestExercise_3_2:
    def compare(self, student: Any, found: Any, magnitude: float, hint: str) -> None:
        problem, seed, counts = found
        got = student.call("switch_counts", problem, magnitude, Seed(seed), len(counts))
        call = f"switch_counts(sheaf, {magnitude}, np.random.default_rng({seed}), {len(counts)})"
        close(got, counts, call=call, tol=0.0, hint=hint)

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        for label in ("one", "two"):
            found = certain_experiment(instances.rng(label), 1.0, 4, reciprocal=label == "two")
            self.compare(student, found, 1.0, "a start, a run, a count, again and again")

    def test_uses_the_generator(self, student: Any, instances: Any) -> None:
        problem, seed, counts = certain_experiment(instances.rng("generator"), 1.0, 4)
        got = [student.call("switch_counts", problem, 1.0, Seed(seed), 4) for _ in range(2)]
        call = f"switch_counts(sheaf, 1.0, np.random.default_rng({seed}), 4), called twice"
        hint = "take every random number from `rng`, none from np.random"
        close(got, [counts, counts], call=call, tol=0.0, hint=hint)

    def test_magnitude(self, student: Any, instances: Any) -> None:
        found = certain_experiment(instances.rng("magnitude"), 0.1, 3, unlike=1.0)
        self.compare(student, found, 0.1, "multiply each start by `magnitude`")

    def test_number_of_runs(self, student: Any, instances: Any) -> None:
        problem = problems.sheaf(instances.rng("number"), bias_scale=0.1)
        for runs in (1, 3):
            got = student.call("switch_counts", problem, 1.0, Seed(runs), runs)
            close(
                np.shape(got),
                (runs,),
                call=f"len(switch_counts(sheaf, 1.0, rng, {runs}))",
                tol=0.0,
                hint="one count a run",
            )


class TestExercise_3_3:
    def draw(self, student: Any, instances: Any) -> tuple[list[int], dict[float, float], Any]:
        rng = instances.rng("counts")
        low = int(rng.integers(0, 4))
        counts = [low, low, low + 2, *(low + rng.integers(0, 6, 17)).tolist(), low + 9]
        figure = student.draw("plot_histogram", [int(c) for c in rng.permutation(counts)])
        return counts, {bar.x + bar.width / 2: bar.height for bar in figure.bars if bar.height}, figure

    def test_heights(self, student: Any, instances: Any) -> None:
        counts, bars, _ = self.draw(student, instances)
        expected = [counts.count(k) for k in sorted(set(counts))]
        hint = "the height of a bar is the number of runs with that count, not a density"
        close(
            [bars[x] for x in sorted(bars)], expected, call="plot_histogram(ax, counts): heights", tol=1e-9, hint=hint
        )

    def test_centred(self, student: Any, instances: Any) -> None:
        counts, bars, figure = self.draw(student, instances)
        hint = "bin edges at half-integers, or ax.bar at the whole numbers"
        call = "plot_histogram(ax, counts): centres of the bars"
        close(sorted(bars), sorted(set(counts)), call=call, tol=1e-6, hint=hint)
        if any(not 0.05 < bar.width < 1 + 1e-6 for bar in figure.bars):
            widths = f"bars of width {min(b.width for b in figure.bars):g} to {max(b.width for b in figure.bars):g}"
            fail(call=call, returned=widths, expected="one bar a whole number, wide enough to be seen", hint=hint)

    def test_labels(self, student: Any, instances: Any) -> None:
        *_, figure = self.draw(student, instances)
        got = f"xlabel {figure.xlabel!r}, ylabel {figure.ylabel!r}"
        if not (figure.xlabel.strip() and figure.ylabel.strip()):
            fail(call="plot_histogram(ax, counts)", returned=got, expected="both axes named", hint="ax.set(xlabel=…)")


class TestExercise_3_4:
    def sample(self, rng: Any, mean: int, size: int, spread: int = 3) -> list[int]:
        return [int(v) for v in mean + rng.integers(-spread, spread + 1, size)]

    def ratio(self, a: list[int], b: list[int]) -> float:
        error = np.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b))
        return float(abs(np.mean(a) - np.mean(b)) / error)

    def ask(self, student: Any, a: list[int], b: list[int], hint: str) -> None:
        expected = self.ratio(a, b) > 2
        call = f"differs(a, b), means {np.mean(a):.3g} and {np.mean(b):.3g}, {len(a)} and {len(b)} runs"
        close(student.call("differs", a, b), expected, call=call, tol=0.0, hint=hint)

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
            if low < self.ratio(a, b) < high and wish(a, b):
                return a, b
        raise RuntimeError("no samples found")

    def test_clear_cases(self, student: Any, instances: Any) -> None:
        rng = instances.rng("clear")
        hint = "apart by more than two standard errors of the difference of the means, or not"

        def medians_are_close(a: list[int], b: list[int]) -> bool:
            return bool(abs(np.median(a) - np.median(b)) < 0.8 * abs(np.mean(a) - np.mean(b)))

        self.ask(student, *self.search(rng, 2.15, 2.6, 1, (20, 20), wish=medians_are_close), hint)
        self.ask(student, *self.search(rng, 1.5, 1.85, 1, (20, 20)), hint)
        self.ask(student, *self.search(rng, 5.0, 9.0, 4, (20, 20)), hint)

    def test_either_direction(self, student: Any, instances: Any) -> None:
        rng = instances.rng("direction")
        a, b = self.search(rng, 2.5, 6.0, 2, (20, 20))
        self.ask(student, a, b, "a rise")
        self.ask(student, b, a, "a fall counts as much as a rise")

    def test_sample_sizes(self, student: Any, instances: Any) -> None:
        rng = instances.rng("sizes")
        hint = "the variance of a mean is s²/m: more runs, smaller error; each sample has its own m"
        self.ask(student, *self.search(rng, 1.2, 1.7, 2, (5, 6)), hint)

        def ratio(a: list[int], b: list[int], da: int, db: int) -> float:
            error = np.sqrt(np.var(a, ddof=da) / len(a) + np.var(b, ddof=db) / len(b))
            return float(abs(np.mean(a) - np.mean(b)) / error)

        def m_or_less(a: list[int], b: list[int]) -> bool:  # dividing one variance by m would turn the verdict
            return min(ratio(a, b, 0, 1), ratio(a, b, 1, 0)) > 2.01

        def m_less_two(a: list[int], b: list[int]) -> bool:
            return max(ratio(a, b, 2, 1), ratio(a, b, 1, 2)) < 1.99

        few = "few runs: divide the sum of squares by m − 1"
        self.ask(student, *self.search(rng, 1.8, 1.99, 3, (4, 4), wish=m_or_less), few)
        self.ask(student, *self.search(rng, 2.01, 2.3, 4, (4, 4), wish=m_less_two), few)
        self.ask(student, *self.search(rng, 2.4, 3.5, 1, (80, 60)), hint)
        self.ask(student, *self.search(rng, 1.4, 1.75, 1, (40, 8)), hint)
        self.ask(student, *self.search(rng, 2.6, 4.0, 2, (60, 6), (6, 1)), hint)  # the noisy sample is the large one
        self.ask(student, *self.search(rng, 1.0, 1.8, 2, (60, 6), (1, 6)), hint)
