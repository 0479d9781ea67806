"""Hidden checks of notebook 2: the heat equation and Theorem 9.4."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from graders.checking import problems
from sheaflab import Euler
from sheaflab.checks.messages import close, fail


class TestExercise_2_1:
    hint = "−δᵀ(δc − b̃), with δ = sheaf.restricted(pattern of c)"

    def compare(self, student: Any, problem: Any, c: Any, what: str, hint: str) -> None:
        expected = problem.velocity(c)
        close(
            student.call("velocity", problem, c),
            expected,
            call=f"velocity(sheaf, c) with widths {problem.net.widths}, {what}",
            tol=problems.rounding(*expected),
            hint=hint,
        )

    def test_rest_at_forward_pass(self, student: Any, instances: Any) -> None:
        rng = instances.rng("rest")
        for widths in ([2, 4, 1], [3, 4, 3, 2]):
            problem = problems.sheaf(rng, widths)
            self.compare(student, problem, problem.harmonic_extension(), "c the forward pass", "r = 0 there")
        problem = problems.sheaf(rng)  # and an answer that never moves is not at rest for the right reason
        if not np.any(problems.matrix(student.call("velocity", problem, problem.harmonic_extension() + 1.0))):
            fail(call="velocity(sheaf, forward pass + 1)", returned="zeros", expected="a velocity", hint=self.hint)

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("networks")
        for widths in ([2, 4, 1], [3, 5, 2], [2, 3, 4, 1]):
            problem = problems.sheaf(rng, widths)
            self.compare(student, problem, problems.mixed(rng, problem), "c random", self.hint)

    def test_pattern_of_the_moment(self, student: Any, instances: Any) -> None:
        rng = instances.rng("pattern")
        problem = problems.sheaf(rng)
        size = np.abs(problems.cochain(rng, problem))
        for signs in ([1, 1, 1, 1, 1], [-1, 1, -1, 1, 1], [1, -1, 1, 1, -1], [-1, -1, -1, -1, 1]):
            what = f"hidden signs {signs[:4]}"
            self.compare(student, problem, size * signs, what, "σ belongs to the c that is passed in")
        size[int(np.argmax(np.abs(problem.net.weights[1])))] = 0  # the neuron that would be missed most
        self.compare(student, problem, size, "a neuron at zero", "zero is inactive")

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint = "put δ_Ω(σ(c)) and b̃ together yourself"
        problems.refuse(student, "2.1", {"velocity", "ActivationRegion", "wall_speeds"}, hint=hint)
        problem = problems.sheaf(instances.rng("own"))
        value = problems.matrix(student.call("velocity", problem, problem.harmonic_extension() + 1.0))
        close(value.shape, (problem.n,), call="velocity(sheaf, c).shape", tol=0.0, hint="one number a free coordinate")


@problems.remembered
def whole_runs(rng: np.random.Generator) -> list[tuple[Any, Any, Any]]:
    """Three runs through several regions, as Euler does them."""
    runs = problems.certain_runs(rng, switches=2, separation=0.05, t_end=8.0)
    return [(problem, c0, Euler(0.01).run(problem, c0, 8.0)) for problem, c0, _ in itertools.islice(runs, 3)]


@problems.remembered
def short_runs(rng: np.random.Generator) -> list[tuple[Any, Any, float, Any]]:
    """Runs to t = 1.001 with three steps of which none divides it."""
    runs = problems.certain_runs(rng, switches=1, separation=0.05, t_end=3.0)
    steps = (0.004, 0.013, 0.02)
    return [(p, c0, dt, Euler(dt).run(p, c0, 1.001)) for (p, c0, _), dt in zip(runs, steps, strict=False)]


class TestExercise_2_2:
    def compare(self, student: Any, problem: Any, c0: Any, dt: float, t_end: float, hint: str) -> None:
        self.against(student, problem, c0, Euler(dt).run(problem, c0, t_end), dt, t_end, hint)

    def against(self, student: Any, problem: Any, c0: Any, expected: Any, dt: float, t_end: float, hint: str) -> None:
        got = student.run("LabEuler", {"dt": dt}, problem, c0, t_end)
        scale = np.abs(expected.states).max()
        close(
            got.states,
            expected.states,
            call=f"LabEuler(dt={dt:.4g}).run(sheaf, c0, t_end={t_end:.4g}).states",
            tol=problems.rounding(scale),  # the same arithmetic in another order, over stable steps
            hint=hint,
        )

    def test_one_step(self, student: Any, instances: Any) -> None:
        rng = instances.rng("step")
        for widths in ([2, 4, 1], [2, 3, 3, 1]):
            problem = problems.sheaf(rng, widths)
            c0 = problems.mixed(rng, problem)
            self.compare(student, problem, c0, 0.01, 0.01, "the old state plus h times its velocity; keep the old one")

    def test_whole_run(self, student: Any, instances: Any) -> None:
        for problem, c0, expected in whole_runs(instances.rng("run")):
            hint = "the velocity of the region that the state is in"
            self.against(student, problem, c0, expected, 0.01, 8.0, hint)

    def test_uses_the_step(self, student: Any, instances: Any) -> None:
        for problem, c0, dt, expected in short_runs(instances.rng("h")):
            hint = "use the h that `advance` is given: the last step is shorter"
            self.against(student, problem, c0, expected, dt, 1.001, hint)

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint = "subclass Integrator and write `advance`"
        problems.refuse(student, "2.2", {"Euler", "EventEuler", "Exact", "flow"}, hint=hint)
        problem = problems.sheaf(instances.rng("own"))
        got = student.run("LabEuler", {"dt": 0.01}, problem, problem.harmonic_extension() + 0.5, 0.05)
        close(np.shape(got.states), (6, problem.n), call="LabEuler(0.01).run(…, 0.05).states.shape", tol=0.0, hint=hint)


def lowest(problem: Any, pattern: Any) -> float:
    """The smallest eigenvalue of the Laplacian of a pattern, by singular values."""
    return float(np.linalg.svd(problem.restricted(pattern), compute_uv=False)[-1]) ** 2


@problems.remembered
def hidden_worst(rng: np.random.Generator) -> list[tuple[Any, float]]:
    """Two deeper networks with λ*, which no pattern has that is easily guessed."""
    found: list[tuple[Any, float]] = []
    while len(found) < 2:
        problem = problems.sheaf(rng, [2, 3, 3, 1])
        codes = (np.arange(2**problem.h)[:, None] >> np.arange(problem.h)) & 1
        values = [lowest(problem, code) for code in codes]
        # patterns that are easily guessed: nearly all on, nearly all off, that of the forward pass
        easy = [*np.flatnonzero(np.isin(codes.sum(axis=1), (0, 1, problem.h - 1, problem.h)))]
        rest = lowest(problem, problem.harmonic_extension()[: problem.h] > 0)
        if min(rest, *(values[k] for k in easy)) >= 1.02 * min(values):  # else a shortcut would go unnoticed
            found.append((problem, min(values)))
    return found


class TestExercise_2_3:
    def compare(self, student: Any, problem: Any, expected: float, hint: str) -> None:
        close(
            student.call("slowest_rate", problem),
            expected,
            call=f"slowest_rate(sheaf) with widths {problem.net.widths}",
            tol=1e-9,  # eigvalsh of L is accurate to rounding times ‖L‖, a few tens at most
            hint=hint,
        )

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("networks")
        for widths in ([2, 4, 1], [2, 6, 1], [3, 4, 2]):
            problem = problems.sheaf(rng, widths)
            expected = lowest(problem, np.ones(problem.h))
            self.compare(student, problem, expected, "the smallest of all eigenvalues of L(σ) over all σ")

    def test_every_pattern(self, student: Any, instances: Any) -> None:
        for problem, expected in hidden_worst(instances.rng("deeper")):
            self.compare(student, problem, expected, "two hidden layers: no single pattern is always the worst")


class TestExercise_2_4:
    def draw(self, student: Any, instances: Any) -> tuple[Any, Any, Any, float]:
        rng = instances.rng("plot")
        times = np.concatenate([[0.0], np.cumsum(0.02 + rng.random(25))])
        energies = (1 + 5 * rng.random()) * np.exp(-np.cumsum(0.2 + rng.random(26)))
        rate = 0.05 + 0.2 * rng.random()
        return student.draw("plot_energy_decay", times, energies, rate), times, energies, rate

    call = "plot_energy_decay(ax, times, energies, rate)"

    def has(self, figure: Any, x: Any, y: Any) -> bool:
        return any(
            np.shape(line.x) == x.shape
            and np.allclose(line.x, x, atol=1e-12)
            and np.allclose(line.y, y, rtol=1e-9, atol=0)
            for line in figure.lines
        )

    def test_energy_line(self, student: Any, instances: Any) -> None:
        figure, times, energies, _ = self.draw(student, instances)
        if not self.has(figure, times, energies):
            hint = "the values themselves: the axis is logarithmic, not the data"
            got = f"{len(figure.lines)} line(s)"
            fail(call=self.call, returned=got, expected="a line through (times, energies)", hint=hint)

    def test_envelope(self, student: Any, instances: Any) -> None:
        figure, times, energies, rate = self.draw(student, instances)
        if not self.has(figure, times, energies[0] * np.exp(-2 * rate * times)):
            hint = "V(0) e^(−2 λ* t): mind the 2 and V(0)"
            got = f"{len(figure.lines)} line(s), none the envelope"
            fail(call=self.call, returned=got, expected="a line with the envelope at the times", hint=hint)

    def test_log_scale(self, student: Any, instances: Any) -> None:
        figure, *_ = self.draw(student, instances)
        got = f"x {figure.xscale}, y {figure.yscale}"
        if got != "x linear, y log":
            fail(call=self.call, returned=got, expected="x linear, y log", hint="ax.semilogy, or ax.set_yscale('log')")

    def test_labels(self, student: Any, instances: Any) -> None:
        figure, *_ = self.draw(student, instances)
        got = f"xlabel {figure.xlabel!r}, ylabel {figure.ylabel!r}, legend {list(figure.legend)}"
        if not (figure.xlabel.strip() and figure.ylabel.strip() and len(figure.legend) >= 2):
            fail(call=self.call, returned=got, expected="both axes named, both lines in a legend", hint="ax.legend()")
