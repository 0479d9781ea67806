"""Hidden checks of notebook 7: chattering and sliding."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.checking import problems
from sheaflab import ActivationRegion, Exact
from sheaflab.checks.messages import close, fail, show


class TestExercise_7_1:
    def ask(self, student: Any, instances: Any, below: int, above: int, expected: str, hint: str) -> None:
        rng = instances.rng(expected)
        for _ in range(4):
            f_minus, f_plus = (float(sign * 10 ** rng.uniform(-6, 2)) for sign in (below, above))
            got = student.call("wall_verdict", f_minus, f_plus)
            if got != expected:
                call = f"wall_verdict({f_minus:.3g}, {f_plus:.3g})"
                fail(call=call, returned=show(got), expected=repr(expected), hint=hint)

    def test_crossings(self, student: Any, instances: Any) -> None:
        self.ask(student, instances, 1, 1, "turns on", "both velocities point up")
        self.ask(student, instances, -1, -1, "turns off", "both velocities point down")

    def test_slides(self, student: Any, instances: Any) -> None:
        self.ask(student, instances, 1, -1, "slides", "both sides push towards the wall, however different in size")

    def test_repels(self, student: Any, instances: Any) -> None:
        self.ask(student, instances, -1, 1, "repels", "both sides push away from the wall")


@problems.remembered
def on_a_wall(rng: np.random.Generator, widths: list[int]) -> tuple[Any, Any, int]:
    """A problem and a state on a wall on which the flow slides."""
    while True:
        problem = problems.sheaf(rng, widths)
        c, neuron = problems.mixed(rng, problem), int(rng.integers(problem.h))
        c[neuron] = 0.0
        off, on = (float(f[neuron]) for f in problem.wall_speeds(c))
        if off > 0.05 and on < -0.05 and abs(off + on) > 0.1:  # slides, and α is not close to one half
            return problem, c, neuron


class TestExercise_7_2:
    def ask(self, student: Any, found: Any) -> tuple[Any, Any, str]:
        problem, c, neuron = found
        call = f"sliding_velocity(sheaf, c, {neuron}) with widths {problem.net.widths}"
        got = student.call("sliding_velocity", problem, c, neuron)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            fail(call=call, returned=show(got), expected="α and the velocity", hint="return alpha, velocity")
        return got[0], got[1], call

    def test_weight(self, student: Any, instances: Any) -> None:
        rng = instances.rng("weight")
        for widths in ([2, 4, 1], [2, 4, 1], [2, 3, 4, 1]):
            problem, c, neuron = found = on_a_wall(rng, widths)
            alpha, _, call = self.ask(student, found)
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
        for widths in ([2, 4, 1], [3, 5, 2], [2, 3, 4, 1]):
            problem, c, neuron = found = on_a_wall(rng, widths)
            _, velocity, call = self.ask(student, found)
            expected = ActivationRegion(problem, problem.pattern(c), [neuron]).velocity(c)
            tol = problems.rounding(*expected)
            close(velocity, expected, call=call + ": velocity", tol=tol, hint="mix the whole velocities with one α")


class TestExercise_7_3:
    def ask(self, student: Any, events: list[tuple[float, int]], dt: float, expected: list[int], hint: str) -> None:
        events = sorted(events)
        times, neurons = [float(t) for t, _ in events], [int(k) for _, k in events]
        call = f"chattering_neurons(times, neurons, {dt:.4g}) with {len(times)} sign changes"
        close(student.call("chattering_neurons", times, neurons, dt), expected, call=call, tol=0.0, hint=hint)

    def row(self, start: float, gaps: Any, dt: float, neuron: int) -> list[tuple[float, int]]:
        """Changes of one neuron with gaps in steps; none is close to the limit of 2.5 steps."""
        return [(start + dt * g, neuron) for g in np.concatenate([[0], np.cumsum(gaps)])]

    def test_fresh_logs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("logs")
        for _ in range(3):
            dt, events, expected = rng.uniform(0.001, 0.02), [], []
            for neuron, length in enumerate(rng.permutation([1, 3, 4, 5, 6, 30]).tolist()):
                events += self.row(rng.uniform(0, 5), rng.choice([1, 2], length - 1), dt, neuron)
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
        self.ask(student, events, dt, [2], "in a row: a pause of more than 2.5 Δt starts the count anew")

    def test_each_its_own(self, student: Any, instances: Any) -> None:
        rng = instances.rng("own")
        dt = rng.uniform(0.001, 0.02)
        turns = [(0.5 + dt * k, int(k % 4)) for k in range(24)]  # every gap is one step, each neuron's own is four
        self.ask(student, turns, dt, [], "four neurons take turns: none of them changes every other step")
        events = self.row(0.5, [2] * 8, dt, 3) + self.row(0.5 + dt, [2] * 8, dt, 1)
        self.ask(student, events, dt, [1, 3], "two neurons chatter at the same time: both are found")


@problems.remembered
def certain_slides(rng: np.random.Generator, slides: int, many: int) -> list[tuple[Any, Any, Any]]:
    """Certified runs with well separated events that our own sliding Euler counts right at three steps."""
    found: list[tuple[Any, Any, Any]] = []
    while len(found) < many:
        problem = problems.sheaf(rng, bias_scale=0.1)
        c0 = problems.cochain(rng, problem, 2.0)
        exact = Exact().run(problem, c0, 8.0)
        if exact.log.slides != slides or not 2 <= exact.log.count <= 6 or problems.gap(exact.log.times) < 0.08:
            continue
        if exact.log.times[-1] > 6.0:
            continue  # late switches have small speeds: an error of size Δt moves them far
        if all(sliding_euler(problem, c0, dt, 8.0)[0] == exact.log.count for dt in (0.02, 0.01, 0.005)):
            found.append((problem, c0, exact))
    return found


@problems.remembered
def certain_ends(rng: np.random.Generator) -> list[tuple[tuple[Any, Any, Any], float, list[float]]]:
    """Two runs that slide, a time after their last switch, and how far our own scheme is off there at two steps."""
    found = []
    for problem, c0, exact in certain_slides(rng, 1, 2):
        t_end = float(np.ceil(exact.log.times[-1] / 0.5 + 0.2) * 0.5)
        truth = exact.at(t_end)
        errors = [float(np.abs(sliding_euler(problem, c0, dt, t_end)[1] - truth).max()) for dt in (0.02, 0.01)]
        found.append(((problem, c0, exact), t_end, errors))
    return found


class TestExercise_7_4:
    def count(self, student: Any, run: Any, dt: float, hint: str) -> None:
        problem, c0, exact = run
        got = student.call("sliding_euler", problem, c0, dt, 8.0)
        call = f"sliding_euler(sheaf, c0, {dt}, 8.0)"
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            want = "the number of switches and the last state"
            fail(call=call, returned=show(got), expected=want, hint="return two values")
        close(got[0], exact.log.count, call=call + ": switches", tol=0.0, hint=hint)

    def test_counts_what_exact_counts(self, student: Any, instances: Any) -> None:
        hint = "one switch when a neuron begins to slide, one when it leaves: f⁻ ≤ 0 off, f⁺ ≥ 0 on"
        for run in certain_slides(instances.rng("slides"), 1, 3):
            self.count(student, run, 0.01, hint)
            self.count(student, run, 0.005, hint)

    def test_no_sliding(self, student: Any, instances: Any) -> None:
        for run in certain_slides(instances.rng("crossings"), 0, 2):
            self.count(student, run, 0.01, "a wall that is crossed: one switch")

    def test_end_state(self, student: Any, instances: Any) -> None:
        for (problem, c0, exact), t_end, errors in certain_ends(instances.rng("end")):
            truth = exact.at(t_end)
            got = student.call("sliding_euler", problem, c0, 0.01, t_end)
            # first order: our own scheme's error at twice the step, as room for other choices within the scheme
            tol = 2 * float(max(errors)) + 1e-4
            call = f"sliding_euler(sheaf, c0, 0.01, {t_end})[1]"
            last = got[1] if isinstance(got, (tuple, list)) and len(got) == 2 else None
            hint = "the velocity follows the modes; a sliding neuron stays at zero"
            close(last, truth, call=call, tol=tol, hint=hint)
            k = next(k for k, s in enumerate(exact.log) if s.slides)
            leaves = next((s.time for s in exact.log[k + 1 :] if s.before == "sliding"), 8.0)
            middle = round(0.5 * (exact.log[k].time + leaves) / 0.01) * 0.01
            got = student.call("sliding_euler", problem, c0, 0.01, middle)
            last = got[1] if isinstance(got, (tuple, list)) and len(got) == 2 else None
            values, i = problems.matrix(last), problem.index(exact.log[k].layer, exact.log[k].neuron)
            call = f"sliding_euler(sheaf, c0, 0.01, {middle:.2f})[1][{i}], on the wall"
            close(values[i] if values.shape == (problem.n,) else values, 0.0, call=call, tol=1e-12, hint=hint)


def sliding_euler(problem: Any, c0: Any, dt: float, t_end: float) -> tuple[int, Any]:
    """Sliding Euler by regions of the library: the measure of what the scheme can do on an instance."""
    c, modes, count = np.array(c0), list(np.asarray(c0)[: problem.h] > 0), 0
    held: set[int] = set()
    for _ in range(round(t_end / dt)):
        before = np.array(modes)
        region = ActivationRegion(problem, before, held)
        c = c + dt * region.velocity(c)
        arrived = [i for i in range(problem.h) if i not in held and (c[i] > 0) != before[i]]
        c[arrived] = 0.0
        off, on = problem.wall_speeds(c)
        leaving = [i for i in held if off[i] <= 0 or on[i] >= 0]
        for i in arrived:
            count += 1
            if off[i] > 0 > on[i]:
                held.add(i)
            else:
                modes[i] = not modes[i]
        for i in leaving:
            count += 1
            held.discard(i)
            modes[i] = bool(on[i] >= 0)
    return count, c
