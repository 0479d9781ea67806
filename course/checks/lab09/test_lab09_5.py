"""Hidden checks of notebook 5: a wider hidden layer."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from graders.checking import problems
from graders.sandbox.values import Seed
from sheaflab import Exact, Network, Sheaf
from sheaflab.checks.messages import close, fail, show
from sheaflab.rate import slowest_rate


class TestExercise_5_1:
    def compare(self, student: Any, net: Network, hint: str) -> None:
        expected = slowest_rate(net).value
        # (2 + s − √(s² + 4s))/2 loses digits like s²·ε to cancellation; s stays below a hundred here
        call = f"closed_form_rate(net) with widths {net.widths}"
        close(student.call("closed_form_rate", net), expected, call=call, tol=1e-10, hint=hint)

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("networks")
        for width in (1, 4, 8):
            net = Network.random([2, width, 1], rng)
            scaled = Network([net.weights[0], net.weights[1] * rng.uniform(0.5, 3)], net.biases)
            self.compare(student, scaled, "s = ‖W²‖² with every neuron active; (2 + s − √(s² + 4s))/2")

    def test_several_outputs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("outputs")
        for widths in ([2, 4, 3], [3, 5, 5]):
            self.compare(student, Network.random(widths, rng), "the largest singular value, not the Frobenius norm")

    def test_wide(self, student: Any, instances: Any) -> None:
        rng = instances.rng("wide")
        for width in (64, 500):
            self.compare(student, Network.random([2, width, 1], rng), "no enumeration: one norm is enough")


def mean_count(width: int, seed: int, nets: int) -> float | None:
    """The mean, or None where a run is too close to call at the last time."""
    rng, total = np.random.default_rng(seed), 0
    for _ in range(nets):
        problem = Sheaf(Network.random([2, width, 1], rng), [1.0, -1.0])
        log = Exact().run(problem, 2.0 * rng.standard_normal(problem.n), 20.0).log
        if len(log) and log.times[-1] > 19.0:
            return None
        total += log.count
    return total / nets


@problems.remembered
def certain_mean(rng: np.random.Generator, width: int, nets: int) -> tuple[int, float]:
    """A seed of which no run is too close to call, with its mean."""
    expected = None
    while expected is None:
        seed = int(rng.integers(2**31))
        expected = mean_count(width, seed, nets)
    return seed, expected


class TestExercise_5_2:
    hint = "for each: Network.random([2, width, 1], rng), then 2.0 * rng.standard_normal(width + 1)"

    def ask(self, student: Any, rng: Any, width: int, nets: int, *, twice: bool = False) -> None:
        seed, expected = certain_mean(rng, width, nets)
        call = f"mean_switches({width}, np.random.default_rng({seed}), {nets})"
        got = [student.call("mean_switches", width, Seed(seed), nets) for _ in range(1 + twice)]
        close(got, [expected] * len(got), call=call, tol=1e-9, hint=self.hint)

    def test_fresh_widths(self, student: Any, instances: Any) -> None:
        rng = instances.rng("widths")
        for width in (4, 8, 16):
            self.ask(student, rng, width, 12)

    def test_uses_the_generator(self, student: Any, instances: Any) -> None:
        rng = instances.rng("generator")
        for nets in (7, 8, 9):
            self.ask(student, rng, 4, nets, twice=True)

    def test_number_of_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("number")
        for nets in (1, 3, 11):
            self.ask(student, rng, 4, nets)


@problems.remembered
def quiet_runs(rng: np.random.Generator) -> list[tuple[Any, Any, Any]]:
    """Three runs whose switches are over before t = 5, with their energies at 241 times."""
    runs = problems.certain_runs(rng, [2, 8, 1], switches=1, t_end=12.0)
    times = np.linspace(0, 12, 241)
    quiet = (run for run in runs if run[2].log.times[-1] < 5.0)
    return [(problem, traj, traj.energy(times)) for problem, _, traj in itertools.islice(quiet, 3)]


class TestExercise_5_3:
    def test_pure_exponential(self, student: Any, instances: Any) -> None:
        rng = instances.rng("pure")
        for _ in range(3):
            rate, times = rng.uniform(0.1, 0.9), np.sort(rng.uniform(0, 8, 60))
            energies = rng.uniform(0.1, 10) * np.exp(-2 * rate * times)
            call = f"late_rate(times, energies, 2.0) with V ~ e^(−2·{rate:.6f} t)"
            hint = "log V falls with slope −2λ"
            close(student.call("late_rate", times, energies, 2.0), rate, call=call, tol=1e-9, hint=hint)

    def test_only_late(self, student: Any, instances: Any) -> None:
        rng = instances.rng("late")
        for _ in range(2):
            rate, t_from, times = rng.uniform(0.2, 0.6), rng.uniform(3, 4), np.sort(rng.uniform(0, 8, 80))
            energies = np.exp(-2 * rate * times - 3 * rng.uniform(1, 2) * np.minimum(times - t_from, 0))
            call = f"late_rate(times, energies, {t_from:.4f}) with a faster start"
            hint = "samples before t_from do not count"
            close(student.call("late_rate", times, energies, t_from), rate, call=call, tol=1e-9, hint=hint)

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        for problem, traj, energies in quiet_runs(instances.rng("runs")):
            got = student.call("late_rate", np.linspace(0, 12, 241), energies, 7.0)
            # log V is convex in a region: any average of its slope lies between those at the window's ends
            ends = [0.5 * float(v @ v) / problem.energy(c) for c in traj.at([7.0, 12.0]) for v in [problem.velocity(c)]]
            low, high = min(ends), max(ends)
            slack = 0.5 * (high - low) + 1e-7
            value = problems.matrix(got)
            if value.size != 1 or not low - slack <= float(value.reshape(())) <= high + slack:
                call = "late_rate(times, V of an exact run, 7.0)"
                want = f"between {low:.6f} and {high:.6f}"
                fail(call=call, returned=show(got), expected=want, hint="−½ times the slope of log V, late in the run")
