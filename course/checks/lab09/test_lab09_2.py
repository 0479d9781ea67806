"""Hidden checks of notebook 2: the heat equation and Theorem 9.4."""

from __future__ import annotations

import itertools
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.kept import drawn_until
from graders.checking.separation import Case, separating
from graders.checking.visible import forbidden_in, visible
from sheaflab import Euler, Network, Sheaf
from sheaflab.checks.messages import close, fail

try_visible = partial(visible, lab="lab09")
shown: Any = import_module("sheaflab.checks.lab09.lab09_2")  # what the visible check looks for in a figure


class TestExercise_2_1:
    hint = "−δᵀ(δc − b̃), with δ = sheaf.restricted(pattern of c)"

    def compare(self, student: Any, problem: Any, states: dict[str, Any], hint: str) -> None:
        """Ask for the velocity of several states of one sheaf, which is one object for the student, too."""
        values = student.series("velocity", *((problem, c) for c in states.values()))
        for (what, c), got in zip(states.items(), values, strict=True):
            expected = problem.velocity(c)
            call = f"velocity(sheaf, c) with widths {problem.net.widths}, {what}"
            close(got, expected, call=call, tol=problems.rounding(*expected), hint=hint)

    def test_rest_at_forward_pass(self, student: Any, instances: Any) -> None:
        rng = instances.rng("rest")
        for widths in ([2, 4, 1], [3, 4, 3, 2]):
            problem = problems.sheaf(rng, widths)
            rest = problem.harmonic_extension()
            near = rest + rng.choice([-1, 1], problem.n) * 10.0 ** rng.uniform(-7, -5, problem.n)
            states = {"c the forward pass": rest, "c close to the forward pass": near}
            self.compare(student, problem, states, "r = 0 at the forward pass, and nowhere else")
        problem = problems.sheaf(rng)  # and an answer that never moves is not at rest for the right reason
        if not np.any(problems.matrix(student.call("velocity", problem, problem.harmonic_extension() + 1.0))):
            fail(call="velocity(sheaf, forward pass + 1)", returned="zeros", expected="a velocity", hint=self.hint)

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="2.1", name="velocity")
        rng = instances.rng("networks")
        for widths in ([2, 4, 1], [3, 130, 2], [2, 3, 4, 1], [1, 1, 1]):
            problem = problems.sheaf(rng, widths)
            states = {"c random": problems.mixed(rng, problem), "c large": problems.mixed(rng, problem, 300.0)}
            self.compare(student, problem, states, self.hint)

    def test_pattern_of_the_moment(self, student: Any, instances: Any) -> None:
        rng = instances.rng("pattern")
        problem = problems.sheaf(rng)
        size = np.abs(problems.cochain(rng, problem))
        signs = ([1, 1, 1, 1, 1], [-1, 1, -1, 1, 1], [1, -1, 1, -1, -1], [-1, -1, -1, -1, 1])  # twice as many are on
        states = {f"hidden signs {s[:4]}, the same sheaf as before": size * s for s in signs}
        self.compare(student, problem, states, "σ belongs to the c that is passed in")
        others = Sheaf(problems.sheaf(rng).net, problem.x), Sheaf(problem.net, rng.standard_normal(2))
        sheaves = problem, *others
        values = student.series("velocity", *((of, size) for of in sheaves))
        call = "velocity(sheaf, c) with one c, of a sheaf, of another network, and of its network with another input"
        expected = np.concatenate([of.velocity(size) for of in sheaves])
        got = np.concatenate([problems.matrix(value).ravel() for value in values])
        close(got, expected, call=call, tol=problems.rounding(*expected), hint="the sheaf that is passed in")
        missed = int(np.argmax(np.abs(problem.net.weights[1])))  # the neuron that would be missed most
        states = {"all neurons active": size}
        for what, z in {"a neuron at zero": 0.0, "the neuron at 1e-13": 1e-13, "and at -1e-13": -1e-13}.items():
            states[what] = size.copy()
            states[what][missed] = z
        hint = "zero is inactive, a positive number active, however small, whatever the neuron was before"
        self.compare(student, problem, states, hint)

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint, rng = "put δ_Ω(σ(c)) and b̃ together yourself", instances.rng("own")
        sheaves = [problems.sheaf(rng, widths) for widths in ([2, 4, 1], [3, 5, 2], [2, 3, 4, 1], [1, 1, 1])]
        with problems.own_work(student, "velocity", forbidden_in("lab09", "2.1"), hint=hint):
            away, at = ([(of, of.harmonic_extension() + by) for of in sheaves] for by in (1.0, 0.0))
            far = [(of, c) for of in sheaves for c in (np.zeros(of.n), problems.mixed(rng, of, 300.0))]
            calls = away + at + far  # nor does it stand in where the flow is at rest, at zero, or far out
            values = student.series("velocity", *calls)
        for (of, _), value in zip(calls, values, strict=True):
            one = "one number a free coordinate"
            close(problems.matrix(value).shape, (of.n,), call="velocity(sheaf, c).shape", tol=0.0, hint=one)


@problems.remembered
def whole_runs(rng: np.random.Generator) -> list[tuple[Any, Any, float, Any]]:
    """Three runs through several regions, as Euler does them; one of them has more than two thousand steps."""
    runs = problems.certain_runs(rng, switches=2, separation=0.05, t_end=8.0)
    steps = 0.01, 0.01, 8.0 / 2048
    drawn = zip(steps, runs, strict=False)
    return [(problem, c0, dt, Euler(dt).run(problem, c0, 8.0)) for dt, (problem, c0, _) in drawn]


@problems.remembered
def short_runs(rng: np.random.Generator) -> list[tuple[Any, Any, float, Any]]:
    """One start to t = 1.001 with three steps of which none divides it; one of them has as many digits as fit."""
    problem, c0, _ = next(problems.certain_runs(rng, switches=1, separation=0.05, t_end=3.0))
    steps = 0.004, 0.0125 + 0.0005 * float(rng.random()), 0.02
    return [(problem, c0, dt, Euler(dt).run(problem, c0, 1.001)) for dt in steps]


class TestExercise_2_2:
    def compare(self, student: Any, problem: Any, c0: Any, dt: float, t_end: float, hint: str) -> None:
        self.against(student, problem, c0, Euler(dt).run(problem, c0, t_end), dt, t_end, hint)

    def against(self, student: Any, problem: Any, c0: Any, expected: Any, dt: float, t_end: float, hint: str) -> None:
        self.judge(student.run("LabEuler", {"dt": dt}, problem, c0, t_end), expected, dt, t_end, hint)

    def judge(self, got: Any, expected: Any, dt: float, t_end: float, hint: str) -> None:
        scale = np.abs(expected.states).max()
        close(
            got.states,
            expected.states,
            call=f"LabEuler(dt={dt:.4g}).run(sheaf, c0, t_end={t_end:.4g}).states",
            tol=problems.rounding(scale),  # the same arithmetic in another order, over stable steps
            hint=hint,
        )

    def test_one_step(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="2.2", name="LabEuler", method="run")
        rng = instances.rng("step")
        for widths in ([2, 130, 3], [2, 3, 3, 2]):
            problem = problems.sheaf(rng, widths)
            c0 = problems.mixed(rng, problem)
            self.compare(student, problem, c0, 0.01, 0.01, "the old state plus h times its velocity; keep the old one")
            wall = c0.copy()
            wall[rng.permutation(problem.h)[:2]] = 0.0
            self.compare(student, problem, wall, 0.01, 0.01, "a neuron that is at zero is inactive, as in notebook 1")
            for dt in (0.3, 2.0):  # no scheme is stable there, and none is asked to be
                self.compare(student, problem, c0, dt, 2 * dt, "one step of length h, however long it is")
            self.compare(student, problem, 100 * c0, 0.01, 0.01, "the velocity as it is, however large")

    def test_whole_run(self, student: Any, instances: Any) -> None:
        for problem, c0, dt, expected in whole_runs(instances.rng("run")):
            hint = "the velocity of the region that the state is in, in each of the steps"
            self.against(student, problem, c0, expected, dt, 8.0, hint)
        rng = instances.rng("rest")
        problem = problems.sheaf(rng)
        near = problem.harmonic_extension() + 1e-4 * problems.cochain(rng, problem)
        self.compare(student, problem, near, 0.01, 0.5, "however slow the flow is, it does not stand still")
        self.one_object(student, instances.rng("object"))

    def one_object(self, student: Any, rng: Any) -> None:
        """Several runs of one object, on sheaves that share nothing, or the network: nothing is to be kept."""
        first, other = problems.sheaf(rng), problems.sheaf(rng)
        alike = Sheaf(first.net, -first.x)
        c0, another = problems.mixed(rng, first), problems.mixed(rng, first)
        calls = [(first, c0, 0.255), (first, another, 0.25), (other, c0, 0.25), (alike, c0, 0.25), (first, c0, 0.25)]
        runs = student.series("LabEuler", *calls, init={"dt": 0.01})  # the first of them ends with a shorter step
        for call, got in zip(calls, runs, strict=True):
            hint = "one object makes several runs: each begins at its own c0 and knows nothing of the one before"
            self.judge(got, Euler(0.01).run(*call), 0.01, call[-1], hint)

    def test_uses_the_step(self, student: Any, instances: Any) -> None:
        for problem, c0, dt, expected in short_runs(instances.rng("h")):
            hint = "use the h that `advance` is given: the last step is shorter"
            self.against(student, problem, c0, expected, dt, 1.001, hint)

    def test_own_work(self, student: Any, instances: Any) -> None:
        hint, rng = "subclass Integrator and write `advance`", instances.rng("own")
        for widths, dt in (([2, 4, 1], 0.01), ([2, 3, 3, 1], 0.2)):
            problem = problems.sheaf(rng, widths)
            c0 = problem.harmonic_extension() + 0.5
            with problems.own_work(student, "LabEuler", forbidden_in("lab09", "2.2"), hint=hint):
                got = student.run("LabEuler", {"dt": dt}, problem, c0, 5 * dt)
            call = f"LabEuler({dt}).run(…, {5 * dt:g}).states.shape"
            close(np.shape(got.states), (6, problem.n), call=call, tol=0.0, hint=hint)


def rates(problem: Any) -> Any:
    """λ_min of every pattern, an array with an axis of two for each neuron, by singular values."""
    patterns = np.array(list(itertools.product([0, 1], repeat=problem.h)))
    deltas = np.array([problem.restricted(pattern) for pattern in patterns])
    return np.reshape(np.linalg.svd(deltas, compute_uv=False)[:, -1] ** 2, (2,) * problem.h)


def flipped(pattern: tuple[int, ...], i: int) -> tuple[int, ...]:
    return (*pattern[:i], 1 - pattern[i], *pattern[i + 1 :])


def descent(start: Any) -> Any:
    """A near miss of λ*: from a pattern, switch the neuron that helps most, for as long as one helps."""

    def search(problem: Any, all_rates: Any) -> float:
        here = tuple(start(problem))
        while True:
            best = min((flipped(here, i) for i in range(problem.h)), key=lambda p: float(all_rates[p]))
            if all_rates[best] >= all_rates[here]:
                return float(all_rates[here])
            here = best

    return search


def sweep(start: Any) -> Any:
    """A near miss of λ*: from a pattern, switch each neuron in turn that helps, for as long as one helps."""

    def search(problem: Any, all_rates: Any) -> float:
        here, tried = tuple(start(problem)), 0
        for i in itertools.cycle(range(problem.h)):
            other = flipped(here, i)
            here, tried = (other, 0) if all_rates[other] < all_rates[here] else (here, tried + 1)
            if tried > problem.h:
                break
        return float(all_rates[here])

    return search


def among(wish: Any) -> Any:
    """A near miss of λ*: only the patterns that `wish` admits."""

    def search(problem: Any, all_rates: Any) -> float:
        patterns = itertools.product([0, 1], repeat=problem.h)
        return float(min(all_rates[p] for p in patterns if wish(problem, np.array(p))))

    return search


def layers(problem: Any, pattern: Any) -> list[Any]:
    return np.split(pattern, np.cumsum(problem.net.widths[1:-2]))


def forward(problem: Any) -> Any:
    return (problem.harmonic_extension()[: problem.h] > 0).astype(int)


def sampled(problem: Any, all_rates: Any) -> float:
    rng = np.random.default_rng(0)
    return float(min(all_rates[tuple(p)] for p in rng.integers(0, 2, (all_rates.size // 4, problem.h))))


SHORTCUTS: dict[str, Any] = {
    "all active": among(lambda p, s: s.all()),
    "the forward pass": among(lambda p, s: (s == forward(p)).all()),
    "one neuron off at most": among(lambda p, s: s.sum() >= p.h - 1),
    "two neurons off at most": among(lambda p, s: s.sum() >= p.h - 2),
    "one neuron on at most": among(lambda p, s: s.sum() <= 1),
    "two neurons on at most": among(lambda p, s: s.sum() <= 2),
    "a layer on or off as a whole": among(lambda p, s: all(len({*part}) == 1 for part in layers(p, s))),
    "last hidden layer all on": among(lambda p, s: layers(p, s)[-1].all()),
    "first four neurons alone": among(lambda p, s: s[4:].all()),
    "descent from all active": descent(lambda p: (1,) * p.h),
    "sweeps from all active": sweep(lambda p: (1,) * p.h),
    "descent from none active": descent(lambda p: (0,) * p.h),
    "descent from the forward pass": descent(forward),
    "sweeps from the forward pass": sweep(forward),
    "a quarter of the patterns at random": sampled,
    "the largest": lambda p, r: float(r.max()),
    "the mean": lambda p, r: float(r.mean()),
}


EASY = ("all active", "the forward pass")


@problems.remembered
def hidden_worst(rng: np.random.Generator, one: bool = False) -> list[Case]:
    """Deeper networks on which every shortcut to λ* misses the worst pattern of one of them by 2 %.

    With `one`, a single network, of which the shortcuts of `EASY` alone are sure to miss it: found in no time.
    """
    near, least, most = ({name: SHORTCUTS[name] for name in EASY}, 1, 1) if one else (SHORTCUTS, 2, 8)

    def draw(rng: np.random.Generator) -> tuple[Any, Any] | None:
        widths = [[1, 2, 5, 1], [2, 2, 3, 2, 1]][int(rng.integers(2))]
        net = Network.random(widths, rng, bias_scale=0.5)  # large weights: the more do regions differ
        problem = Sheaf(Network([2 * w for w in net.weights], net.biases), rng.standard_normal(widths[0]))
        all_rates = rates(problem)
        easy = min(SHORTCUTS[name](problem, all_rates) for name in EASY)
        return (problem, all_rates) if easy > 1.02 * all_rates.min() else None

    def truth(problem: Any, all_rates: Any) -> float:
        return float(all_rates.min())

    return separating(rng, draw, truth, near, tol=lambda lowest: 0.002 * lowest, least=least, most=most, tries=6000)


TRAP = (
    [[1.3], [2.5], [-1.6]],
    [[1.0, 2.2, 0.5], [-0.5, -2.0, 1.0], [-1.3, 0.8, -2.3], [-0.5, 0.0, -1.4]],
    [[-0.3, 1.4, 1.4, 1.9]],
)
"""Weights of three hidden layers of which the worst pattern is missed by who looks for it layer by layer, or among the
first 64, all active first; both find one that is 6 % better. Such networks are too rare to be drawn."""


def trapped(rng: np.random.Generator) -> Any:
    """A network of these weights, each a little different, the last hidden neurons in another order."""
    order = rng.permutation(4)
    second, third, last = map(np.array, TRAP)
    weights = [np.ones((1, 1)), second, third[order], last[:, order]]
    weights = [w * rng.uniform(0.998, 1.002, w.shape) for w in weights]
    return Sheaf(Network(weights, [0.5 * rng.standard_normal(len(w)) for w in weights]), rng.standard_normal(1))


@problems.remembered
def ninth_off(rng: np.random.Generator) -> tuple[Any, Any]:
    """A network of nine neurons whose worst pattern has the last of them off, by 2 %; and the rates of its patterns."""

    def make(rng: np.random.Generator) -> tuple[Any, Any]:
        problem = problems.sheaf(rng, [2, 4, 5, 1])
        return problem, rates(problem)

    return drawn_until(rng, make, lambda made: bool(made[1][..., 1].min() > 1.02 * made[1].min()))


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
        try_visible(student, exercise="2.3", name="slowest_rate")
        rng = instances.rng("networks")
        for widths in ([2, 4, 1], [2, 9, 1], [3, 4, 2]):  # a byte has a bit for eight neurons
            problem = problems.sheaf(rng, widths)
            all_active = problem.restricted(np.ones(problem.h))  # of one hidden layer the worst
            expected = float(np.linalg.svd(all_active, compute_uv=False)[-1] ** 2)
            self.compare(student, problem, expected, "the smallest of all eigenvalues of L(σ) over all σ")

    def test_every_pattern(self, student: Any, instances: Any) -> None:
        for case in hidden_worst(instances.pooled("deeper")) + hidden_worst(instances.rng("own"), one=True):
            hint = "two hidden layers: no single pattern is always the worst"
            self.compare(student, case.args[0], case.expected, hint)
        problem, all_rates = ninth_off(instances.pooled("ninth"))
        hint = "the worst pattern of nine neurons: the last of them varies, too"
        self.compare(student, problem, float(all_rates.min()), hint)
        problem = trapped(instances.rng("trap"))
        self.compare(student, problem, float(rates(problem).min()), "the worst pattern is in no corner: try them all")


class TestExercise_2_4:
    tell = staticmethod(partial(fail, call="plot_energy_decay(ax, times, energies, rate)"))

    def draw(
        self,
        student: Any,
        instances: Any,
        steps: int = 25,
        fall: float = 0.7,
        slope: float = 0.15,
        peak: float = 50.0,
        step: float = 1.0,
        rise: int = 3,
        size: float = 1.0,
        seen: bool = True,
    ) -> tuple[Any, Any, Any, float]:
        """A run of so many steps whose energy falls by exp(-fall) in one, but from `rise` is `peak` times as large.

        Two checks that ask for the same run look at the same figure.
        """
        rng = instances.of_exercise("plot")
        times = np.concatenate([[0.0], np.cumsum(step * (0.02 + rng.random(steps)))])
        energies = size * (1 + 5 * rng.random()) * np.exp(-fall * np.cumsum(0.3 + 1.4 * rng.random(steps + 1)))
        energies[rise : rise + 2] *= peak  # the first need not be the largest
        rate = slope * (0.7 + 0.6 * rng.random())
        drawn = partial(student.draw, "plot_energy_decay", times, energies, rate, seen=seen)
        figure = student.remembered(f"2.4: {seen} {rate} {times.tobytes()!r} {energies.tobytes()!r}", drawn)
        return figure, times, energies, rate

    def long_run(self, student: Any, instances: Any) -> Any:
        """A run down to 1e-15, below its envelope; a figure of 4096 arrays cannot be sent."""
        return self.draw(student, instances, steps=1200, fall=0.03, step=0.02)

    def steep_run(self, student: Any, instances: Any) -> Any:
        """A run down to 1e-10, to times far beyond those of the lab."""
        return self.draw(student, instances, steps=130, fall=0.25, slope=0.3, size=300.0, seen=False)

    def visible_case(self, student: Any) -> Any:
        drawn = partial(student.draw, "plot_energy_decay", *shown.PLOTTED)
        return student.remembered("2.4: the visible case", drawn)

    def test_energy_line(self, student: Any, instances: Any) -> None:
        shown.energy_line(self.visible_case(student), *shown.PLOTTED[:2], shown.tell_plotted)
        for figure, times, energies, _ in (self.long_run(student, instances), self.steep_run(student, instances)):
            shown.energy_line(figure, times, energies, self.tell)

    def test_envelope(self, student: Any, instances: Any) -> None:
        shown.envelope_line(self.visible_case(student), *shown.PLOTTED, shown.tell_plotted)
        for run in (self.steep_run(student, instances), self.long_run(student, instances)):
            shown.envelope_line(*run, self.tell)
        for slope, rise in ((0.76, 1), (1e-3, 3)):  # λ* is more than 0 and at most 1
            found = self.draw(student, instances, slope=slope, rise=rise, seen=slope > 0.1)
            shown.envelope_line(*found, self.tell)

    def test_log_scale(self, student: Any, instances: Any) -> None:
        shown.log_scale(self.visible_case(student), shown.tell_plotted)
        for fall, peak in ((0.01, 1.1), (0.7, 50.0)):  # the axis is that of the task, not of the data
            figure, *_ = self.draw(student, instances, fall=fall, peak=peak, slope=1e-3, seen=False)
            shown.log_scale(figure, self.tell)

    def test_labels(self, student: Any, instances: Any) -> None:
        shown.names(self.visible_case(student), *shown.PLOTTED, shown.tell_plotted)
        shown.names(*self.draw(student, instances, slope=0.76, rise=1), self.tell)
