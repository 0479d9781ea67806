"""Hidden checks of notebook 4: kink sharpness."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from graders.checking import problems
from sheaflab import Exact
from sheaflab.checks.messages import close, fail, show


@problems.remembered
def kinked(rng: np.random.Generator, width: float) -> list[tuple[Any, Any, Any, Any]]:
    """Three runs that have a clear kink with nothing else near: the run, its switch, times around it and energies."""
    found = list[tuple[Any, Any, Any, Any]]()
    for _, _, traj in problems.certain_runs(rng, switches=1, separation=3 * width, t_end=8.0):
        s = traj.log[0]
        if abs(s.kink) < 0.3 or s.time > 5 or (len(traj.log) > 1 and traj.log[1].time < s.time + 3 * width):
            continue
        times = np.union1d(np.linspace(s.time - 2 * width, s.time + 2 * width, 161), [s.time])
        found.append((traj, s, times, traj.energy(times)))
        if len(found) == 3:
            break
    return found


class TestExercise_4_1:
    def curve(self, rng: Any, width: float, rates: list[float], t: float) -> tuple[Any, Any]:
        """Samples of an energy that is exponential between kinks at t − 1.5 width, t and t + 1.5 width."""
        near = t + width * np.concatenate([-rng.uniform(0.02, 0.98, 14), rng.uniform(0.02, 0.98, 11)])
        far = t + width * np.concatenate([-rng.uniform(1.02, 3.0, 17), rng.uniform(1.02, 3.0, 23)])
        times = np.sort(np.concatenate([near, far, [t]]))
        knots = np.array([-1.5 * width, 0.0, 1.5 * width])
        slopes = -np.array(rates)
        x = times - t
        log_v = slopes[1] * np.clip(x, knots[0], 0) + slopes[2] * np.clip(x, 0, knots[2])
        log_v += slopes[0] * np.minimum(x - knots[0], 0) + slopes[3] * np.maximum(x - knots[2], 0)
        return times, np.exp(log_v) * 10 ** rng.uniform(-3, 3)

    def compare(self, student: Any, rng: Any, rates: list[float], what: str, hint: str) -> None:
        t, width = rng.uniform(2, 5), rng.uniform(0.05, 0.4)
        times, energies = self.curve(rng, width, rates, t)
        call = f"one_sided_slopes(times, energies, {t:.4f}, {width:.4f}), {what}"
        # log V is exactly linear on each side: what remains is rounding of log V over a few hundredths of time
        got = student.call("one_sided_slopes", times, energies, t, width)
        close(got, [-rates[1], -rates[2]], call=call, tol=1e-8, hint=hint)

    def test_piecewise_exponential(self, student: Any, instances: Any) -> None:
        rng = instances.rng("exponential")
        for _ in range(3):
            a, b = rng.uniform(0.5, 2), rng.uniform(2.5, 5)
            hint = "the slope of log V: before first, after second, each from its own side"
            self.compare(student, rng, [a, a, b, b], "one kink", hint)
            self.compare(student, rng, [b, b, a, a], "one kink", hint)

    def test_window(self, student: Any, instances: Any) -> None:
        rng = instances.rng("window")
        for _ in range(2):
            rates = [float(v) for v in rng.uniform(0.5, 1, 4) + rng.permutation(4)]
            self.compare(student, rng, rates, "more kinks further away", "no sample outside [t − width, t + width]")

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        width = 0.02
        for traj, s, times, energies in kinked(instances.rng("runs"), width):
            got = student.call("one_sided_slopes", times, energies, s.time, width)
            # Inside a region log V is convex: any average of its slope lies between the slopes at the window's ends.
            far = [self.slope(traj, s.time - width), self.slope(traj, s.time + width)]
            bounds = np.sort([[far[0], s.slope_before], [s.slope_after, far[1]]], axis=1)
            slack = 0.5 * (bounds[:, 1] - bounds[:, 0]) + 1e-7  # half the window's own variation, for higher orders
            call = f"one_sided_slopes(times, V of an exact run, {s.time:.6f}, {width})"
            values = problems.matrix(got)
            if values.shape != (2,) or (values < bounds[:, 0] - slack).any() or (values > bounds[:, 1] + slack).any():
                hint = f"closed form at the kink: {s.slope_before:.5f} before, {s.slope_after:.5f} after"
                want = " and ".join(f"between {lo:.5f} and {hi:.5f}" for lo, hi in bounds)
                fail(call=call, returned=show(got), expected=want, hint=hint)

    def slope(self, traj: Any, t: float) -> float:
        c = traj.at(t)
        v = traj.sheaf.velocity(c)
        return -float(v @ v) / float(traj.sheaf.energy(c))


class TestExercise_4_2:
    hint = "−‖ċ‖²/V with ċ = −δᵀ r, V = ½‖r‖²; inactive first, then active"

    def expected(self, problem: Any, c: Any, neuron: int) -> list[float]:
        v, energy = problem.velocity(c), problem.energy(c)  # at a wall the neuron counts as inactive
        off, on = (f[neuron] for f in problem.wall_speeds(c))
        rest = float(v @ v) - off**2  # only this neuron's own velocity jumps
        return [-(rest + off**2) / energy, -(rest + on**2) / energy]

    def compare(self, student: Any, problem: Any, c: Any, neuron: int, what: str) -> None:
        expected = self.expected(problem, c, neuron)
        call = f"exact_slopes(sheaf, c, {neuron}) with widths {problem.net.widths}, {what}"
        got = student.call("exact_slopes", problem, c, neuron)
        close(got, expected, call=call, tol=problems.rounding(*expected), hint=self.hint)

    def test_fresh_walls(self, student: Any, instances: Any) -> None:
        rng = instances.rng("walls")
        for widths in ([2, 4, 1], [2, 4, 1], [3, 6, 2]):
            problem = problems.sheaf(rng, widths)
            c, neuron = problems.mixed(rng, problem), int(rng.integers(problem.h))
            c[neuron] = 0.0
            self.compare(student, problem, c, neuron, "c random on a wall")

    def test_deeper_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("deeper")
        problem = problems.sheaf(rng, [2, 3, 4, 1])
        for neuron in (1, 4):
            c = problems.mixed(rng, problem)
            c[neuron] = 0.0
            self.compare(student, problem, c, neuron, f"a neuron of layer {problem.place(neuron)[0]}")

    def test_at_a_switch(self, student: Any, instances: Any) -> None:
        runs = problems.certain_runs(instances.rng("switch"), switches=2, separation=0.01, t_end=10.0)
        for problem, _, traj in itertools.islice(runs, 2):
            for s in traj.log[:2]:
                neuron = problem.index(s.layer, s.neuron)
                c = traj.at(s.time)
                c[neuron] = 0.0
                self.compare(student, problem, c, neuron, f"at the switch at t = {s.time:.4f}")

    def test_own_work(self, student: Any, instances: Any) -> None:
        names = {"slope", "slope_before", "slope_after", "wall_speeds", "ActivationRegion", "Exact"}
        problems.refuse(student, "4.2", names, hint="δ_Ω(σ), r, ċ and V are all you need")
        problem = problems.sheaf(instances.rng("own"))
        value = problems.matrix(student.call("exact_slopes", problem, np.array([0.0, 1, 1, -1, 5]), 0))
        close(value.shape, (2,), call="len(exact_slopes(sheaf, c, 0))", tol=0.0, hint="two slopes")


@problems.remembered
def census(rng: np.random.Generator, runs: int, least: int = 1) -> tuple[Any, Any, list[int]]:
    """Starts of which every kink has a sign that nobody can doubt, and how many have which."""
    while True:
        problem = problems.sheaf(rng, bias_scale=0.1)
        starts = 2 * rng.standard_normal((runs, problem.n))
        kinks = [k for c0 in starts for k in Exact().run(problem, c0, 20.0).log.kinks()]
        counts = [sum(k < 0 for k in kinks), sum(k > 0 for k in kinks)]
        # a kink of rounding size would be anybody's guess; the end of a slide has none at all
        if all(abs(k) > 1e-6 for k in kinks) and len(kinks) >= least and (counts[0] != counts[1] or not kinks):
            return problem, starts, counts


class TestExercise_4_3:
    def compare(self, student: Any, found: Any, hint: str) -> None:
        problem, starts, counts = found
        call = f"kink_census(sheaf, starts) with {len(starts)} starts"
        close(student.call("kink_census", problem, starts), counts, call=call, tol=0.0, hint=hint)

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("runs")
        for _ in range(3):
            self.compare(student, census(rng, 6, 4), "steeper: slope_after < slope_before; steeper first")

    def test_every_run(self, student: Any, instances: Any) -> None:
        rng = instances.rng("every")
        self.compare(student, census(rng, 1, 2), "one start: every switch of its run counts")
        problem, starts, counts = census(rng, 12, 10)
        rest = np.tile(problem.harmonic_extension(), (2, 1)) * (1 + 1e-3)  # next to the forward pass: no switch
        quiet = [c0 for c0 in rest if not Exact().run(problem, c0, 20.0).log.count]
        starts = np.vstack([*quiet, starts, *quiet]) if quiet else starts
        self.compare(student, (problem, starts, counts), "many starts, some of them without any switch")
