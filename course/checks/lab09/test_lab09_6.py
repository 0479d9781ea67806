"""Hidden checks of notebook 6: step size and bisection."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from graders.checking import problems
from sheaflab import Euler, EventEuler
from sheaflab.checks.messages import close, fail

_TOL = 1e-10  # the bracket that the task asks for


class TestExercise_6_1:
    def ask(self, student: Any, dt: float, steps: list[float], expected: int, hint: str) -> None:
        times = [float(s * dt) for s in steps]
        call = f"skipped_regions({[round(t, 5) for t in times]}, {dt:.4g})"
        close(student.call("skipped_regions", times, dt), expected, call=call, tol=0.0, hint=hint)

    def test_fresh_logs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("logs")
        for _ in range(4):
            k = np.sort(rng.integers(0, 15, 12))
            steps = np.sort(k + rng.uniform(0.05, 0.95, 12))
            steps = np.append(steps, np.ceil(steps[-1]) + np.array([0.2, 0.7]))  # the last two are in one step
            expected = int((np.diff(np.floor(steps)) == 0).sum())
            self.ask(student, rng.uniform(0.02, 0.2), steps.tolist(), expected, "no grid time between two neighbours")

    def test_grid_in_between(self, student: Any, instances: Any) -> None:
        dt = instances.rng("between").uniform(0.05, 0.2)
        hint = "what counts is a grid time in between, not how close the switches are"
        self.ask(student, dt, [2.9, 3.1, 4.95, 5.05], 0, hint)
        self.ask(student, dt, [3.05, 3.95, 4.9, 5.2], 1, hint)

    def test_several_in_a_step(self, student: Any, instances: Any) -> None:
        dt = instances.rng("several").uniform(0.05, 0.2)
        self.ask(student, dt, [1.5, 3.1, 3.2, 3.9], 2, "three switches in a step have two regions between them")
        self.ask(student, dt, [0.2, 0.4, 0.6, 0.8, 5.5], 3, "four switches in a step have three regions between them")

    def test_few_switches(self, student: Any, instances: Any) -> None:
        dt = instances.rng("few").uniform(0.05, 0.2)
        self.ask(student, dt, [], 0, "no switch")
        self.ask(student, dt, [3.3], 0, "a single switch")
        self.ask(student, dt, [3.3, 3.6], 1, "two switches in one step")


def _smooth(root: float, t: float) -> float:
    return math.expm1(t - root)


def _cliff(root: float, t: float) -> float:
    return 1e3 if t > root else -1e-3


def _cubic(root: float, t: float) -> float:
    return (t - root) ** 3 + 1e-9 * (t - root)


class Counted:
    """A function of time that remembers where it was asked."""

    def __init__(self, f: Callable[[float], float]) -> None:
        self.f, self.asked = f, list[float]()

    def __call__(self, t: float) -> float:
        self.asked.append(float(t))
        return self.f(float(t))


class TestExercise_6_2:
    def cases(self, rng: Any) -> Iterator[tuple[str, Callable[[float], float], float, float, float, float]]:
        for share in (0.07, rng.uniform(0.2, 0.8), 0.91):
            a = rng.uniform(-2, 2)
            b = a + rng.uniform(0.5, 2)
            root, tol = a + share * (b - a), float(10 ** rng.uniform(-9, -4))
            yield "smooth", partial(_smooth, root), a, b, root, tol
            yield "a cliff", partial(_cliff, root), a, b, root, tol
            yield "cubic", partial(_cubic, root), a, b, root, tol

    def ask(self, student: Any, case: Any, sign: float = 1.0) -> Counted:
        name, f, a, b, root, tol = case
        counted = Counted(lambda t: sign * f(t))
        call = f"bisect(f, {a:.4f}, {b:.4f}, {tol:.2e}) with f {name}, sign change at {root:.12f}"
        got = student.call("bisect", counted, a, b, tol)
        hint = "the middle replaces the end whose sign it shares, until the bracket is as short as tol"
        close(got, root, call=call, tol=tol * (1 + 1e-6) + 1e-15, hint=hint)
        return counted

    def test_accuracy(self, student: Any, instances: Any) -> None:
        for case in self.cases(instances.rng("accuracy")):
            self.ask(student, case)

    def test_rising_and_falling(self, student: Any, instances: Any) -> None:
        for case in itertools.islice(self.cases(instances.rng("falling")), 4):
            self.ask(student, case, sign=-1.0)
            self.ask(student, case, sign=1.0)

    def test_budget(self, student: Any, instances: Any) -> None:
        for case in self.cases(instances.rng("budget")):
            _, _, a, b, _, tol = case
            used, budget = len(self.ask(student, case).asked), math.ceil(math.log2((b - a) / tol)) + 3
            if used > budget:
                call = f"bisect(f, {a:.4f}, {b:.4f}, {tol:.2e})"
                hint = "once for each middle, once or twice at the start"
                fail(call=call, returned=f"{used} evaluations", expected=f"at most {budget}", hint=hint)

    def test_stays_inside(self, student: Any, instances: Any) -> None:
        for case in self.cases(instances.rng("inside")):
            _, _, a, b, _, _ = case
            asked = self.ask(student, case).asked
            if not asked or min(asked) < a or max(asked) > b:
                where = f"asked in [{min(asked):.4f}, {max(asked):.4f}]" if asked else "never asked"
                call, hint = f"bisect(f, {a:.4f}, {b:.4f}, tol)", "a middle lies between the ends"
                fail(call=call, returned=where, expected="times in [a, b] only", hint=hint)


@problems.remembered
def certain_crossings(rng: np.random.Generator, dt: float, *, together: bool) -> list[tuple[Any, Any, Any]]:
    """Two runs whose truth does not depend on the scheme, with or without two neurons crossing in one step."""
    found: list[tuple[Any, Any, Any]] = []
    for problem, c0, exact in problems.certain_runs(rng, switches=2, t_end=6.0):
        reference = EventEuler(dt, _TOL).run(problem, c0, 6.0)
        times = reference.log.times
        if len(times) != exact.log.count or problems.gap(times) < 1e-4 or times[-1] > 5.5:
            continue
        speeds = [
            abs(side[i])
            for s in reference.log
            for i in [problem.index(s.layer, s.neuron)]
            for side in problem.wall_speeds(reference.at(s.time))
        ]
        if min(speeds) < 0.02:
            continue  # grazing: a crossing time would depend on the last digits
        steps = np.floor(times / dt)
        pairs = np.flatnonzero(steps[1:] == steps[:-1])
        if bool(pairs.size) != together:
            continue
        if together:  # once the first in the list crosses first, once the last
            first, second = (problem.index(s.layer, s.neuron) for s in reference.log[pairs[0] : pairs[0] + 2])
            if pairs.size > 1 or (first < second) != bool(found):
                continue
        found.append((problem, c0, reference))
        if len(found) == 2:
            break
    return found


class TestExercise_6_3:
    def compare(self, student: Any, dt: float, run: Any, hint: str) -> Any:
        problem, c0, reference = run
        got = student.run("BisectingEuler", {"dt": dt}, problem, c0, 6.0)
        call = f"BisectingEuler(dt={dt}).run(sheaf, c0, 6.0).log.times"
        # Each crossing is at most 1e-10 late; speeds above 0.02 pass that on to later crossings a few hundredfold.
        close([s.time for s in got.log], reference.log.times, call=call, tol=1e-6, hint=hint)
        return got

    def test_switch_times(self, student: Any, instances: Any) -> None:
        for dt in (0.1, 0.03):
            for run in certain_crossings(instances.rng(f"times {dt}"), dt, together=False):
                self.compare(student, dt, run, "the outer end of a bracket of 1e-10 around the crossing")

    def test_first_of_two(self, student: Any, instances: Any) -> None:
        for run in certain_crossings(instances.rng("two"), 0.1, together=True):
            self.compare(student, 0.1, run, "both cross in one step: locate the first, the driver asks again")

    def test_lands_outside(self, student: Any, instances: Any) -> None:
        for run in certain_crossings(instances.rng("outside"), 0.1, together=False):
            problem, c0, reference = run
            got = student.run("BisectingEuler", {"dt": 0.1}, problem, c0, 6.0)
            call = "BisectingEuler(dt=0.1).run(sheaf, c0, 6.0): the states at the reference's switches"
            hint = "the state after the shorter step must lie outside the region, however little"
            for s in reference.log:
                i = problem.index(s.layer, s.neuron)
                k = int(np.argmin(np.abs(np.asarray(got.times) - s.time)))
                z, off = float(got.states[k][i]), abs(float(got.times[k]) - s.time)
                if (z > 0) != (s.after == "active") or off > 1e-6:
                    returned = f"z = {z:.3g} at t = {float(got.times[k]):.8f}"
                    want = f"{s.after} at t = {s.time:.8f}, just behind the wall"
                    fail(call=call, returned=returned, expected=want, hint=hint)

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint = "inherit from Euler and bisect in `locate`"
        problems.refuse(student, "6.3", "BisectingEuler", {"EventEuler", "Exact", "first_exit"}, hint=hint)
        problem, c0, _ = certain_crossings(instances.rng("own"), 0.1, together=False)[0]
        got = student.run("BisectingEuler", {"dt": 0.1}, problem, c0, 6.0)  # it has to be there and to work
        hint = "shorter steps at the crossings: more steps than plain Euler"
        plain = Euler(0.1).run(problem, c0, 6.0)
        close(len(got.times) > len(plain.times), True, call="BisectingEuler(0.1).run(…)", tol=0.0, hint=hint)


def error(scheme: Any, problem: Any, c0: Any, exact: Any) -> float:
    """The largest distance of a scheme's states to the exact ones, over t ≤ 10."""
    run = scheme.run(problem, c0, 10.0)
    return float(np.linalg.norm(run.states - exact.at(run.times), axis=1).max())


@problems.remembered
def compared(rng: np.random.Generator, steps: tuple[float, float], *, apart: bool) -> list[tuple[Any, float, Any]]:
    """Two runs, each with a step and both schemes' errors; `apart`: where bisection makes a difference that shows."""

    def differ(run: Any) -> bool:
        problem, c0, exact = run
        return abs(error(Euler(0.1), *run) - error(EventEuler(0.1), problem, c0, exact)) > 1e-4

    runs = problems.certain_runs(rng, switches=1, separation=0.05, t_end=10.0)
    found = itertools.islice(filter(differ, runs) if apart else runs, 2)
    return [
        (run, dt, [error(scheme, *run) for scheme in (Euler(dt), EventEuler(dt, _TOL))])
        for run, dt in zip(found, steps, strict=True)
    ]


class TestExercise_6_4:
    def ask(self, student: Any, case: Any, which: str) -> None:
        (problem, c0, _), dt, expected = case
        got = problems.matrix(student.call("compare", problem, c0, dt))
        parts = {"coarse": slice(0, 1), "bisected": slice(1, 2), "both": slice(0, 2)}[which]
        call = f"compare(sheaf, c0, {dt}): {which}"
        hint = "largest norm of run.states − exact.at(run.times), over t ≤ 10; Euler first, BisectingEuler second"
        # both sides are the same sums; a crossing found 1e-10 apart moves a state by its speed times that
        close(got[parts] if got.shape == (2,) else got, expected[parts], call=call, tol=1e-6, hint=hint)

    def test_coarse(self, student: Any, instances: Any) -> None:
        for case in compared(instances.rng("coarse"), (0.1, 0.1), apart=True):
            self.ask(student, case, "coarse")

    def test_bisected(self, student: Any, instances: Any) -> None:
        for case in compared(instances.rng("bisected"), (0.1, 0.1), apart=True):
            self.ask(student, case, "bisected")

    def test_other_steps(self, student: Any, instances: Any) -> None:
        for case in compared(instances.rng("steps"), (0.05, 0.02), apart=False):
            self.ask(student, case, "both")
