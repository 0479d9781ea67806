"""Hidden checks of the tests' small course."""

from __future__ import annotations

import numpy as np

from graders.checking.student import close, fail


class TestExercise_1_1:
    def test_numbers(self, student, instances):
        for x in instances.rng("numbers").uniform(0.5, 2.0, 3) * [1, -1, 1]:  # both signs, whatever the secret
            close(student.call("double", x), 2 * x, call=f"double({x:.3g})", tol=1e-12, hint="twice")

    def test_arrays(self, student, instances):
        x = instances.rng("arrays").uniform(0.5, 2.0, (2, 3)) * [1, -1, 1]
        close(student.call("double", x), 2 * x, call="double(x)", tol=1e-12)


class TestExercise_1_2:
    def test_composition(self, student, instances):
        shift = instances.rng("shift").uniform(1, 2)
        close(student.call("twice", lambda v: v + shift, 1.0), 1 + 2 * shift, call="twice(f, 1.0)", tol=1e-12)

    def test_two_calls(self, student, instances):
        seen = []

        def f(v):
            seen.append(v)
            return v

        student.call("twice", f, 1.0)
        if len(seen) != 2:
            fail(call="twice(f, 1.0)", returned=f"{len(seen)} calls of f", expected="2 calls of f")


class TestExercise_1_3:
    def test_line(self, student, instances):
        x = np.linspace(0, 1, 5)
        shown = student.draw("plot_parabola", x)
        if len(shown.lines) != 1:
            fail(call="plot_parabola(ax, x)", returned=f"{len(shown.lines)} lines", expected="1 line")
        close(shown.lines[0].y, x**2, call="plot_parabola(ax, x)", tol=1e-12)


class TestExercise_1_4:
    def test_runs(self, student, instances):
        close(student.run("Doubler", {"factor": 3.0}, 2.0), 6.0, call="Doubler(3.0).run(2.0)", tol=1e-12)
