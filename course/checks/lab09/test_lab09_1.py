"""Hidden checks of notebook 1: build the sheaf."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.visible import forbidden_in, visible
from sheaflab import Network, Sheaf
from sheaflab.checks.messages import close, fail, show

try_visible = partial(visible, lab="lab09")


class TestExercise_1_1:
    at_zero = "the inequality z > 0 is strict: a neuron at zero is inactive"

    def compare(self, student: Any, *values: Any) -> None:
        for z, got in zip(values, student.series("activation_pattern", *((z,) for z in values)), strict=True):
            call = f"activation_pattern(np.array({show(z)}))"
            if np.shape(got) != z.shape:  # one neuron has a pattern of one entry, not a single number
                told = f"shape {np.shape(got)}"
                fail(call=call, returned=told, expected=f"shape {z.shape}", hint="one entry for each hidden neuron")
            close(got, z > 0, call=call, tol=0.0, hint="σ = 1[z > 0]")

    def test_fresh_values(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="1.1", name="activation_pattern")
        rng = instances.rng("values")
        for h, size in ((1, 1.0), (4, 1e-6), (9, 1e6)):
            z = np.abs(rng.standard_normal(h)) + 0.1
            z[rng.random(h) < 0.5] *= -1
            z[0] = abs(z[0]) * size
            self.compare(student, z, -z)
        tiny = rng.permutation(10.0 ** -np.arange(1, 18)) * rng.uniform(1, 5, 17)  # below any threshold
        least = rng.integers(1, 2**50, 4) * 5e-324  # subnormal: a product with them is zero or loses its digits
        low = 10.0 ** -rng.uniform(5, 12, 6)  # all alike if rounded, whatever their signs
        high = np.concatenate([rng.uniform(128, 255, 3), 10.0 ** rng.uniform(3, 30, 6)])  # what small integers wrap
        self.compare(student, tiny, -tiny, tiny[:5])
        self.compare(student, least, -least)
        vast = rng.permutation([*high, -(10.0 ** rng.uniform(160, 300))])  # its square is no number any more
        pairs = rng.permutation(np.concatenate([rng.uniform(0.1, 2, 3)] * 2) * np.repeat([1, -1], 3))  # z and -z in one
        self.compare(student, low, -low, high, -high)
        self.compare(student, vast, -vast, pairs)
        # More than a word or a hundred entries hold, and than a memory tells apart. An answer may print its array in a
        # loop: what is asked in one go must leave it time, and to print a longer array takes long. Of more than 1000
        # numpy prints the ends alone; an answer that calls itself for each entry cannot go as deep.
        self.compare(student, *self.alike(rng, 7))
        self.compare(student, self.alike(rng, int(rng.integers(101, 107)))[0])

    def alike(self, rng: Any, h: int) -> list[Any]:
        """Arrays of the same ends: inner entries in another order, and with other signs; two of them are equal."""
        inner = rng.uniform(0.1, 2, h - 2)
        inner[-1] = inner[-2]
        inner[: h // 3] *= -1
        inner = rng.permutation(inner)
        ends = rng.uniform(0.1, 2, 2)
        found = [inner, np.sort(inner), np.sort(inner)[::-1], -inner, np.abs(inner)]
        return [np.array([ends[0], *middle, ends[1]]) for middle in found]

    def test_strict_at_zero(self, student: Any, instances: Any) -> None:
        z = instances.rng("zero").standard_normal(6)
        z[[1, 4]] = 0.0
        close(
            problems.matrix(student.call("activation_pattern", z))[1:5:3],
            [0, 0],
            call="activation_pattern(z)[[1, 4]] where z[1] = z[4] = 0",
            tol=0.0,
            hint=self.at_zero,
        )
        sizes = 1, 3, 12
        for h, got in zip(sizes, student.series("activation_pattern", *((np.zeros(h),) for h in sizes)), strict=True):
            close(got, np.zeros(h), call=f"activation_pattern(np.zeros({h}))", tol=0.0, hint=self.at_zero)


class TestExercise_1_2:
    hint = "δ_Ω = [[I, 0], [−W²Σ, I]]"
    tol = 1e-12  # entries are copied or computed (an inverse): rounding is no error

    def weights(self, rng: Any, k: int, h: int) -> Any:
        """Weights of both signs that single precision holds, too; of several rows one is tiny, and a weight, too."""
        drawn = rng.standard_normal((k, h)) + rng.choice([-0.1, 0.1], (k, h))
        drawn[0, :2] = np.abs(drawn[0, :2]) * [1, -1][:h]
        if k > 1:
            drawn[rng.integers(k), rng.integers(h)] = rng.choice([-1, 1]) * 10 ** -rng.uniform(8.5, 10.5)
        return drawn.astype(np.float32).astype(np.float64)

    def patterns(self, rng: Any, h: int) -> list[Any]:
        """Some on and some off, the opposite, none on, all on."""
        half = np.zeros(h, dtype=bool)
        half[rng.permutation(h)[: max(1, h // 2)]] = True
        return [half, ~half, np.zeros(h, dtype=bool), np.ones(h, dtype=bool)]

    def expected(self, w2: Any, pattern: Any) -> Any:
        k, h = w2.shape
        return np.block([[np.eye(h), np.zeros((h, k))], [-w2 @ np.diag(pattern.astype(float)), np.eye(k)]])

    def ask(self, student: Any, w2: Any, pattern: Any) -> Any:
        """The matrix, if it has the right shape."""
        size, got = sum(w2.shape), problems.matrix(student.call("restricted_coboundary", w2, pattern))
        if got.shape != (size, size):
            call = f"restricted_coboundary(w2, pattern).shape with w2 of shape {w2.shape}"
            fail(call=call, returned=str(got.shape), expected=str((size, size)), hint="h + k rows and columns")
        return got

    def test_identity_blocks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("blocks")
        call = "restricted_coboundary(w2, pattern), lower left block left out"
        hint = "an edge sees its own right end with an identity: " + self.hint
        some, _, none, _ = self.patterns(rng, 4)
        for pattern in (some, none):
            got = self.ask(student, self.weights(rng, 1, 4), pattern)
            got[4:, :4] = 0
            close(got, np.eye(5), call=call, tol=self.tol, hint=hint)

    def test_sign(self, student: Any, instances: Any) -> None:
        w2 = self.weights(instances.rng("sign"), 1, 4)
        close(
            self.ask(student, w2, np.ones(4, dtype=bool))[4:, :4],
            -w2,
            call="restricted_coboundary(w2, [True] * 4)[4:, :4]",
            tol=self.tol,
            hint="an edge compares what is there MINUS what is predicted",
        )

    def test_mask(self, student: Any, instances: Any) -> None:
        rng = instances.rng("mask")
        w2 = self.weights(rng, 1, 4)
        for pattern in self.patterns(rng, 4):
            close(
                np.abs(self.ask(student, w2, pattern)[4:, :4]),
                np.abs(w2) * pattern,
                call=f"abs(restricted_coboundary(w2, {pattern.tolist()})[4:, :4])",
                tol=self.tol,
                hint="an inactive neuron sends nothing: its column of W² is switched off",
            )

    def test_several_outputs(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="1.2", name="restricted_coboundary")
        rng = instances.rng("outputs")
        for h, k in ((4, 4), (3, 5), (int(rng.integers(257, 270)), 2), (1, 1), (1, 3)):
            w2, (half, other, *_) = self.weights(rng, k, h), self.patterns(rng, h)
            # Calls that share one argument: what is kept under a part of the key is not right for the second.
            second = {4: [(w2, other)], 3: [(self.weights(rng, k, h), half)]}
            calls = [(w2, half), *second.get(h, [])]
            for call, got in zip(calls, student.series("restricted_coboundary", *calls), strict=True):
                close(
                    got,
                    self.expected(*call),
                    call=f"restricted_coboundary(w2, pattern) with w2 of shape ({k}, {h})",
                    tol=self.tol,
                    hint="k outputs, h neurons: Σ acts on W² from the right, on columns. " + self.hint,
                )


class TestExercise_1_3:
    def compare(self, student: Any, problem: Any, states: dict[str, Any], hint: str) -> None:
        calls = [(problem.net, problem.x, c) for c in states.values()]
        values = student.series("dirichlet_energy", *calls)
        for (what, c), got in zip(states.items(), values, strict=True):
            expected = problem.energy(c)
            call = f"dirichlet_energy(net, x, c) with widths {problem.net.widths}, {what}"
            close(got, expected, call=call, tol=problems.rounding(expected), hint=hint)

    def compare_inputs(self, student: Any, rng: Any) -> None:
        """One cochain, and another input or network each time: nothing is to be kept from the call before."""
        first = problems.sheaf(rng, [3, 4, 2])
        c = problems.mixed(rng, first)
        alike = [first, Sheaf(first.net, -first.x), Sheaf(problems.sheaf(rng, first.net.widths).net, first.x)]
        values = student.series("dirichlet_energy", *((of.net, of.x, c) for of in alike))
        for what, of, got in zip(("", ", of -x", ", of another network of these widths"), alike, values, strict=True):
            call = f"dirichlet_energy(net, x, c){what}, with one c"
            hint = "the network and the x that are passed in"
            close(got, of.energy(c), call=call, tol=problems.rounding(of.energy(c)), hint=hint)

    def near_rest(self, rng: Any, problem: Any) -> dict[str, Any]:
        """The forward pass, and with another output: only the last edge disagrees then, and by a known amount."""
        rest = problem.harmonic_extension()
        shifted = rest.copy()
        shifted[-1] += rng.choice([-1, 1]) * rng.uniform(1, 2)
        near = rest.copy()
        near[-1] += rng.uniform(1e-4, 1e-3)  # an energy that is small, and not zero
        return {
            "c the forward pass": rest,
            "c the forward pass but for its last entry": shifted,
            "c close to the forward pass": near,
        }

    def test_zero_at_forward_pass(self, student: Any, instances: Any) -> None:
        rng = instances.rng("forward")
        for sign in (1, -1, 1, -1):  # of the output: neither is rectified
            problem = problems.sheaf(rng)
            while sign * problem.forward_pass()[-1] <= 1e-3:
                problem = problems.sheaf(rng)
            self.compare(student, problem, self.near_rest(rng, problem), "every edge agrees; are biases forgotten?")
        c = problem.harmonic_extension()
        c[-1] += rng.uniform(7e-6, 9e-6)
        call = "dirichlet_energy(net, x, c), c very close to the forward pass"
        value, hint = student.call("dirichlet_energy", problem.net, problem.x, c), "small, and not zero"
        close(value, problem.energy(c), call=call, tol=2e-12, hint=hint)

    def test_input_is_not_rectified(self, student: Any, instances: Any) -> None:
        rng = instances.rng("input")
        for _ in range(3):
            problem = Sheaf(Network.random([2, 4, 1], rng), -0.5 - rng.random(2))
            states = {f"x negative, {what}": c for what, c in self.near_rest(rng, problem).items()}
            self.compare(student, problem, states, "relu acts on hidden layers only")

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="1.3", name="dirichlet_energy")
        rng = instances.rng("networks")
        for widths in ([2, 4, 1], [2, 4, 1], [3, 130, 2], [1, 1, 1]):
            problem = problems.sheaf(rng, widths)
            sizes = {"c random": 1.5, "another random c": 1.5, "c random and large": 300.0}
            states = {what: problems.mixed(rng, problem, size) for what, size in sizes.items()}
            self.compare(student, problem, states, "V = ½ Σ ‖r‖², over all edges")
        self.compare_inputs(student, rng)

    def test_deeper_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("deeper")
        for widths in ([2, 3, 4, 1], [3, 4, 3, 5, 2], [1, 1, 2, 1, 2, 1]):
            problem = problems.sheaf(rng, widths)
            states = {"c the forward pass": problem.harmonic_extension(), "c random": problems.mixed(rng, problem)}
            self.compare(student, problem, states, "one edge a layer, and the output is not rectified")

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint = "add up the edges yourself; a loop over the layers is enough"
        rng = instances.rng("own")
        shapes = ([2, 4, 1], [1, 1, 1], [3, 5, 2], [2, 3, 4, 1], [3, 4, 3, 5, 2])  # own work on each kind of network
        calls = [(of.net, of.x, problems.mixed(rng, of)) for of in (problems.sheaf(rng, widths) for widths in shapes)]
        with problems.own_work(student, "dirichlet_energy", forbidden_in("lab09", "1.3"), hint=hint):
            values = [problems.matrix(value) for value in student.series("dirichlet_energy", *calls)]
        if wrong := [value for value in values if not value.size or not (value > 0).all()]:
            call = "dirichlet_energy(net, x, c) with a random c"
            fail(call=call, returned=show(wrong[0]), expected="a positive number", hint="return the sum")
