"""Hidden checks of notebook 1: build the sheaf."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.checking import problems
from sheaflab import Network, Sheaf
from sheaflab.checks.messages import close


class TestExercise_1_1:
    def test_fresh_values(self, student: Any, instances: Any) -> None:
        rng = instances.rng("values")
        for h, size in ((1, 1.0), (4, 1e-6), (9, 1e6)):
            z = np.abs(rng.standard_normal(h)) + 0.1
            z[rng.random(h) < 0.5] *= -1
            z[0] = abs(z[0]) * size
            call = f"activation_pattern(z) with h = {h}"
            close(student.call("activation_pattern", z), z > 0, call=call, tol=0.0, hint="σ = 1[z > 0]")
            close(student.call("activation_pattern", -z), z < 0, call=call, tol=0.0, hint="σ = 1[z > 0]")

    def test_strict_at_zero(self, student: Any, instances: Any) -> None:
        z = instances.rng("zero").standard_normal(6)
        z[[1, 4]] = 0.0
        close(
            problems.matrix(student.call("activation_pattern", z))[1:5:3],
            [0, 0],
            call="activation_pattern(z)[[1, 4]] where z[1] = z[4] = 0",
            tol=0.0,
            hint="the inequality z > 0 is strict: a neuron at zero is inactive",
        )


class TestExercise_1_2:
    hint = "δ_Ω = [[I, 0], [−W²Σ, I]]"

    def draw(self, rng: Any, h: int, k: int) -> tuple[Any, Any]:
        w2 = rng.standard_normal((k, h))
        pattern = np.zeros(h, dtype=bool)
        pattern[rng.permutation(h)[: max(1, h // 2)]] = True
        return w2, pattern

    def expected(self, w2: Any, pattern: Any) -> Any:
        k, h = w2.shape
        return np.block([[np.eye(h), np.zeros((h, k))], [-w2 @ np.diag(pattern.astype(float)), np.eye(k)]])

    def test_identity_blocks(self, student: Any, instances: Any) -> None:
        w2, pattern = self.draw(instances.rng("blocks"), 4, 1)
        got = problems.matrix(student.call("restricted_coboundary", w2, pattern))
        call = "restricted_coboundary(w2, pattern), lower left block left out"
        if got.shape == (5, 5):
            got[4:, :4] = 0
        close(got, np.eye(5), call=call, tol=0.0, hint="an edge sees its own right end with an identity: " + self.hint)

    def test_sign(self, student: Any, instances: Any) -> None:
        w2, _ = self.draw(instances.rng("sign"), 4, 1)
        got = problems.matrix(student.call("restricted_coboundary", w2, np.ones(4, dtype=bool)))
        close(
            got[4:, :4] if got.shape == (5, 5) else got,
            -w2,
            call="restricted_coboundary(w2, [True] * 4)[4:, :4]",
            tol=0.0,
            hint="an edge compares what is there MINUS what is predicted",
        )

    def test_mask(self, student: Any, instances: Any) -> None:
        rng = instances.rng("mask")
        for _ in range(3):
            w2, pattern = self.draw(rng, 4, 1)
            got = problems.matrix(student.call("restricted_coboundary", w2, pattern))
            close(
                np.abs(got[4:, :4]) if got.shape == (5, 5) else got,
                np.abs(w2) * pattern,
                call=f"abs(restricted_coboundary(w2, {pattern.tolist()})[4:, :4])",
                tol=0.0,
                hint="an inactive neuron sends nothing: its column of W² is switched off",
            )

    def test_several_outputs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("outputs")
        for h, k in ((4, 4), (3, 5), (6, 2), (1, 1)):
            w2, pattern = self.draw(rng, h, k)
            close(
                student.call("restricted_coboundary", w2, pattern),
                self.expected(w2, pattern),
                call=f"restricted_coboundary(w2, pattern) with w2 of shape ({k}, {h})",
                tol=0.0,
                hint="k outputs, h neurons: Σ acts on W² from the right, on columns. " + self.hint,
            )


class TestExercise_1_3:
    def compare(self, student: Any, problem: Any, c: Any, what: str, hint: str) -> None:
        expected = problem.energy(c)
        close(
            student.call("dirichlet_energy", problem.net, problem.x, c),
            expected,
            call=f"dirichlet_energy(net, x, c) with widths {problem.net.widths}, {what}",
            tol=problems.rounding(expected),
            hint=hint,
        )

    def test_zero_at_forward_pass(self, student: Any, instances: Any) -> None:
        rng = instances.rng("forward")
        for _ in range(4):
            problem = problems.sheaf(rng)
            rest = problem.harmonic_extension()
            self.compare(student, problem, rest, "c the forward pass", "every edge agrees there; are biases forgotten?")

    def test_input_is_not_rectified(self, student: Any, instances: Any) -> None:
        rng = instances.rng("input")
        for _ in range(3):
            problem = Sheaf(Network.random([2, 4, 1], rng), -0.5 - rng.random(2))
            rest = problem.harmonic_extension()
            self.compare(student, problem, rest, "x negative, c the forward pass", "relu acts on hidden layers only")

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("networks")
        for widths in ([2, 4, 1], [2, 4, 1], [3, 5, 2]):
            problem = problems.sheaf(rng, widths)
            self.compare(student, problem, problems.mixed(rng, problem), "c random", "V = ½ Σ ‖r‖², over all edges")

    def test_deeper_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("deeper")
        for widths in ([2, 3, 4, 1], [3, 4, 3, 5, 2]):
            problem = problems.sheaf(rng, widths)
            self.compare(student, problem, problem.harmonic_extension(), "c the forward pass", "one edge a layer")
            self.compare(student, problem, problems.mixed(rng, problem), "c random", "the output is not rectified")

    def test_own_work(self, student: Any, instances: Any) -> None:
        names = {"energy", "residual", "discrepancy", "Sheaf"}
        problems.refuse(student, "1.3", names, hint="add up the edges yourself; a loop over the layers is enough")
        problem = problems.sheaf(instances.rng("own"))
        c = problems.mixed(instances.rng("own c"), problem)
        value = student.call("dirichlet_energy", problem.net, problem.x, c)
        close(
            bool((problems.matrix(value) > 0).all()),
            True,
            call="dirichlet_energy(net, x, c) > 0",
            tol=0.0,
            hint="return it",
        )
