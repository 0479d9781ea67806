"""Hidden checks of notebook 5: a wider hidden layer."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from graders.checking import problems
from graders.checking.kept import drawn_until
from graders.checking.separation import Case, separating
from graders.checking.visible import visible
from graders.sandbox.values import Seed
from sheaflab import Euler, EventEuler, Exact, Network, Sheaf
from sheaflab.checks.messages import close, fail, show

try_visible = partial(visible, lab="lab09")


def by(norm: Callable[[Any], Any]) -> Callable[[Network], float]:
    """The closed form with something in the place of the largest singular value."""

    def rate(net: Network) -> float:
        s = float(norm(net.weights[1])) ** 2
        return float(2 / (2 + s + np.sqrt(s * s + 4 * s)))

    return rate


def after_rounds(rounds: int) -> Callable[[Any], float]:
    """The largest singular value by a power iteration that is cut off."""

    def norm(w: Any) -> float:
        v = np.ones(w.shape[1])
        for _ in range(rounds):
            v = w.T @ (w @ (v / np.linalg.norm(v)))
        return float(np.linalg.norm(w @ (v / np.linalg.norm(v))))

    return norm


def singular(w: Any) -> Any:
    return np.linalg.svd(w, compute_uv=False)


def if_square(w: Any) -> float:
    """The spectral radius where there is one, the right norm elsewhere."""
    return float(np.abs(np.linalg.eigvals(w)).max() if w.shape[0] == w.shape[1] else np.linalg.norm(w, 2))


def first_eigenvalue(w: Any) -> float:
    return float(np.sqrt(np.linalg.eig(w @ w.T)[0][0].real))


OTHER_NORMS: dict[str, Any] = {
    "Frobenius": by(np.linalg.norm),
    "largest row sum": by(lambda w: np.abs(w).sum(axis=1).max()),
    "largest column sum": by(lambda w: np.abs(w).sum(axis=0).max()),
    "largest row": by(lambda w: np.linalg.norm(w, axis=1).max()),
    "largest column": by(lambda w: np.linalg.norm(w, axis=0).max()),
    "largest entry": by(lambda w: np.abs(w).max()),
    "smallest singular value": by(lambda w: singular(w)[-1]),
    "mean singular value": by(lambda w: singular(w).mean()),
    "the first of eig, in no order": by(first_eigenvalue),
    "the last of eig, in no order": by(lambda w: np.sqrt(np.linalg.eig(w @ w.T)[0][-1].real)),
    "absolute values": by(lambda w: np.linalg.norm(np.abs(w), 2)),
    "positive weights alone": by(lambda w: np.linalg.norm(np.maximum(w, 0), 2)),
    **{f"power iteration, {n} rounds": by(after_rounds(n)) for n in (1, 3, 10, 30)},
    "eigenvalues of a square matrix": by(if_square),
    "first output": by(lambda w: np.linalg.norm(w[0])),
    "first two outputs": by(lambda w: np.linalg.norm(w[:2], 2)),
    "last output": by(lambda w: np.linalg.norm(w[-1])),
    "first four neurons": by(lambda w: np.linalg.norm(w[:, :4], 2)),
    "first five outputs": by(lambda w: np.linalg.norm(w[:5], 2)),
}


@problems.remembered
def many_outputs(rng: np.random.Generator) -> list[Case]:
    """Networks of which the spectral norm is no other norm, and no close call for who iterates."""

    def draw(rng: np.random.Generator) -> tuple[Network] | None:
        widths = [[2, 5, 3], [3, 6, 4], [1, 7, 5], [2, 4, 4], [2, 12, 9]][int(rng.integers(5))]
        net = Network.random(widths, rng, bias_scale=0.5)
        first, second = singular(net.weights[1])[:2]
        return (net,) if first > 1.1 * second else None

    return separating(rng, draw, by(lambda w: np.linalg.norm(w, 2)), OTHER_NORMS, tol=RATE_TOL, least=2, most=6)


RATE_TOL = 1e-10
"""(2 + s − √(s² + 4s))/2 loses digits like s·ε to cancellation, some 1e-13 where s is a thousand."""


def blocks(rng: np.random.Generator) -> Network:
    """Two outputs that no neuron shares: who adds neuron by neuron must not drop one that adds nothing at once."""
    first, second = np.array([2.0, 1.0, 0, 0, 0]), np.array([0, 0, 0.8, 1.5, 2.5])
    w2 = np.array([first, second]) * rng.uniform(0.9, 1.1, (2, 5)) * rng.choice([-1, 1], (2, 5))
    return Network([rng.standard_normal((5, 2)), w2], [rng.standard_normal(5), rng.standard_normal(2)])


def balanced(rng: np.random.Generator) -> Network:
    """Weights that add up to nothing, exactly: who iterates must not begin with equal numbers."""
    w2 = rng.uniform(0.5, 2, 2) @ [[1, -1, 0, 0], [0, 0, 1, -1]]
    return Network([rng.standard_normal((4, 2)), [w2]], [rng.standard_normal(4), rng.standard_normal(1)])


def large(rng: np.random.Generator) -> Network:
    """A network with a weight of some thirty, so that the rate is about a thousandth."""
    net = Network.random([2, 4, 1], rng, bias_scale=0.5)
    w2 = net.weights[1] / np.abs(net.weights[1]).max() * rng.uniform(20, 35)
    return Network([net.weights[0], w2], net.biases)


class TestExercise_5_1:
    def compare(self, student: Any, net: Network, hint: str) -> None:
        expected = by(lambda w: np.linalg.norm(w, 2))(net)
        call = f"closed_form_rate(net) with widths {net.widths}"
        (got,) = student.series("closed_form_rate", (net,))
        close(got, expected, call=call, tol=RATE_TOL, hint=hint)

    def test_fresh_networks(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="5.1", name="closed_form_rate")
        rng = instances.rng("networks")
        for widths in ([2, 1, 1], [2, 4, 1], [3, 8, 1]):
            net = Network.random(widths, rng, bias_scale=0.5)
            for factor in (rng.uniform(0.02, 0.3), rng.uniform(1.5, 3)):
                scaled = Network([net.weights[0], net.weights[1] * factor], net.biases)
                self.compare(student, scaled, "s = ‖W²‖² with every neuron active; (2 + s − √(s² + 4s))/2")
        self.compare(student, balanced(rng), "the weights may add up to 0: what counts is their norm")
        self.compare(student, large(rng), "weights of any size: the larger they are, the smaller is the rate")

    def test_several_outputs(self, student: Any, instances: Any) -> None:
        for case in many_outputs(instances.rng("outputs")):
            self.compare(student, case.args[0], "the largest singular value of all of W²: the spectral norm")

        hint = "every neuron is active: none is left out because it adds nothing by itself"
        self.compare(student, blocks(instances.rng("blocks")), hint)

    def test_wide(self, student: Any, instances: Any) -> None:
        rng = instances.rng("wide")
        for width, outputs in ((64, 1), (1100, 1), (24, 3)):
            net = Network.random([2, width, outputs], rng)
            while outputs > 1 and np.divide(*singular(net.weights[1])[:2]) < 1.1:  # a close call for who iterates
                net = Network.random([2, width, outputs], rng)
            self.compare(student, net, "no enumeration: one norm is enough, the spectral norm, however wide")


def runs(
    width: int,
    seed: int,
    nets: int,
    *,
    factor: float = 2.0,
    x: tuple[float, float] = (1.0, -1.0),
    order: str = "in turn",
    output: float = 1.0,
) -> Iterator[tuple[Sheaf, Any]]:
    """The problems of 5.2; each keyword makes a near miss."""
    draws = np.random.default_rng(seed)
    made = [Network.random([2, width, 1], draws) for _ in range(nets if order == "networks first" else 0)]
    for k in range(nets):
        start = draws.standard_normal(width + 1) if order == "start first" else None
        net = made[k] if made else Network.random([2, width, 1], draws)
        start = draws.standard_normal(width + 1) if start is None else start
        start[-1] *= output
        yield Sheaf(net, x), factor * start


@functools.lru_cache(maxsize=8)
def _logs(width: int, seed: int) -> tuple[list[Any], Iterator[Any]]:
    """The logs that somebody has asked for, and those to come: fewer networks are the first of more."""
    return [], (list(Exact().run(problem, c0, 60.0).log) for problem, c0 in runs(width, seed, 2**31))


def logs(width: int, seed: int, nets: int) -> list[Any]:
    """The switches of these runs to t = 60."""
    known, more = _logs(width, seed)
    known += itertools.islice(more, max(nets - len(known), 0))
    return known[:nets]


def mean(width: int, seed: int, nets: int, *, t_end: float = 20.0, scheme: Any = None, **changed: Any) -> float:
    """The mean of 5.2 from runs of its own, for near misses with other problems or another scheme."""
    scheme = scheme or Exact()
    return float(np.mean([scheme.run(p, c0, t_end).log.count for p, c0 in runs(width, seed, nets, **changed)]))


def of_logs(
    t_end: float = 20.0, count: Callable[[Any], float] = len, total: Callable[[Any], Any] = np.mean
) -> Callable[..., float]:
    """What becomes of the exact logs, cut at `t_end`."""

    def judge(width: int, seed: int, nets: int) -> float:
        return float(total([count([s for s in log if s.time <= t_end]) for log in logs(width, seed, nets)]))

    return judge


def without_slides(width: int, seed: int, nets: int) -> float:
    return float(np.mean([len(log) for log in logs(width, seed, nets) if not any(s.slides for s in log)]))


OTHER_MEANS: dict[str, Any] = {
    **{f"to t = {t:g}": of_logs(t) for t in (1.0, 2.0, 5.0, 8.0, 10.0, 12.0, 15.0, 30.0, 40.0, 60.0)},
    "Euler": partial(mean, scheme=Euler(0.01)),
    "EventEuler": partial(mean, scheme=EventEuler(0.01)),
    "crossings alone": of_logs(count=lambda log: sum(s.crosses for s in log)),
    "no switch into sliding": of_logs(count=lambda log: sum(s.after != "sliding" for s in log)),
    "neurons that switch": of_logs(count=lambda log: len({s.neuron for s in log})),
    "networks that slide left out": without_slides,
    "the median": of_logs(total=np.median),
    "whole numbers": of_logs(total=lambda counts: sum(counts) // len(counts)),
    "to one decimal": of_logs(total=lambda counts: round(sum(counts) / len(counts), 1)),
    "to two decimals": of_logs(total=lambda counts: round(sum(counts) / len(counts), 2)),
    "without the last": of_logs(total=lambda counts: float(np.mean(counts[:-1]))),
    "by one more": of_logs(total=lambda counts: sum(counts) / (len(counts) + 1)),
    "by twenty": of_logs(total=lambda counts: sum(counts) / 20),
    **{f"starts {f:g} times normal": partial(mean, factor=f) for f in (0.5, 1.0, 1.5, 3.0, 4.0)},
    "the start first": partial(mean, order="start first"),
    "all networks first": partial(mean, order="networks first"),
    "the output at rest": partial(mean, output=0.0),
    **{f"input {x}": partial(mean, x=x) for x in ((1.0, 1.0), (-1.0, 1.0), (0.0, 0.0), (1.0, 0.0))},
}
WIDE_MEANS: dict[str, Any] = {
    f"at most {n} switches": of_logs(count=partial(lambda n, log: min(len(log), n), n)) for n in (10, 20)
}
LATE = 0.7  # so many draws have a switch that another end would miss, or would have too many


@problems.remembered
def telling_means(
    rng: np.random.Generator, widths: tuple[int, ...], wide: bool = False, one: bool = False
) -> list[Case]:
    """Generators for some of the widths that tell the mean from its near misses (those of `wide` networks).

    With `one`, a single generator that tells one of them, which is found soon.
    """

    def draw(rng: np.random.Generator) -> tuple[int, int, int]:
        width, nets, late = (
            int(rng.choice(widths)),
            int(rng.choice([2, 3] if wide else [7, 11, 13])),
            rng.random() < LATE,
        )

        def make(rng: np.random.Generator) -> tuple[int, int, int]:
            return width, int(rng.integers(2**31)), nets

        def is_fit(args: tuple[int, int, int]) -> bool:
            return not late or any(s.time > 10 for log in logs(*args) for s in log)

        return drawn_until(rng, make, is_fit)

    def certain(expected: float, *args: int) -> bool:
        times = [np.array([s.time for s in log]) for log in logs(*args)]
        return all(problems.gap(t) > 1e-6 and not (np.abs(t - 20) < 1e-3).any() for t in times)

    near, most = (WIDE_MEANS, 1) if wide else (OTHER_MEANS, 8)
    if one:
        near, most = {"to t = 5": OTHER_MEANS["to t = 5"]}, 1
    return separating(rng, draw, of_logs(), near, certain=certain, tol=MEAN_TOL, least=1, most=most)


MEAN_TOL = 1e-9


@problems.remembered
def telling_default(rng: np.random.Generator) -> Case:
    """A generator of which the mean of 20 networks is that of no other number that is a likely default."""

    def draw(rng: np.random.Generator) -> tuple[int]:
        return (int(rng.integers(2**31)),)

    def first(nets: int, seed: int) -> float:
        return of_logs()(4, seed, nets)

    def certain(expected: float, seed: int) -> bool:
        return expected > 0

    near = {f"{nets} networks": partial(first, nets) for nets in (10, 15, 19, 21, 25, 30, 40)}
    (case,) = separating(rng, draw, partial(first, 20), near, certain=certain, tol=MEAN_TOL, most=1)
    return case


class TestExercise_5_2:
    hint = "for each: Network.random([2, width, 1], rng), then 2.0 * rng.standard_normal(width + 1)"

    def test_fresh_widths(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="5.2", name="mean_switches")
        cases = telling_means(instances.pooled("widths"), (3, 4, 6))
        cases += telling_means(instances.pooled("wide"), (48,), wide=True)
        cases += telling_means(instances.rng("own"), (3, 4, 6), one=True)
        for case in cases:
            width, seed, nets = case.args
            call = f"mean_switches({width}, np.random.default_rng({seed}), {nets})"
            got = student.call("mean_switches", width, Seed(seed), nets)
            hint = f"{self.hint}; then Exact() to t_end=20.0, and every switch counts"
            close(got, case.expected, call=call, tol=MEAN_TOL, hint=hint)

    def test_uses_the_generator(self, student: Any, instances: Any) -> None:
        rng = instances.rng("generator")
        while True:
            first, other, half = int(rng.integers(2**31)), int(rng.integers(2**31)), 4
            each = [len([s for s in log if s.time <= 20]) for log in logs(4, first, 2 * half)]
            want = [float(np.mean(each[:half])), float(np.mean(each[half:])), of_logs()(4, other, half)]
            narrow, fewer = of_logs()(3, first, half), of_logs()(4, first, half - 1)
            if len({*want, narrow, fewer}) == 5:
                break
        one = Seed(first)  # the generator of two calls: the second goes on where the first has stopped
        calls = [(4, one, half), (4, one, half), (4, Seed(other), half), (4, Seed(first), half)]
        call = f"mean_switches(4, rng, {half}) twice with one generator, with a second one, with one like the first"
        hint = "take every random number from `rng`, and remember nothing between two calls"
        calls += [(3, Seed(first), half), (4, Seed(first), half - 1)]
        *got, other_width, other_number = student.series("mean_switches", *calls)
        close(got, [*want, want[0]], call=call, tol=MEAN_TOL, hint=hint)
        call = f"mean_switches(3, rng, {half}) and mean_switches(4, rng, {half - 1}), each with one like the first"
        close([other_width, other_number], [narrow, fewer], call=call, tol=MEAN_TOL, hint=hint)

    def test_number_of_networks(self, student: Any, instances: Any) -> None:
        rng = instances.rng("number")
        default = telling_default(instances.pooled("default"))
        cases: list[tuple[tuple[int, ...], int, float]] = [((), default.args[0], default.expected)]
        numbers = (1, 3, 81)
        while True:
            seed = int(rng.integers(2**31))
            means = [of_logs()(4, seed, nets) for nets in numbers]
            far = numbers[-1] * means[-1] > 2**7  # a sum that a signed byte does not hold
            if far and not {0, of_logs()(4, seed, 20)} & {*means}:  # nor the mean over as many as by default
                break
        cases += [((nets,), seed, expected) for nets, expected in zip(numbers, means, strict=True)]
        for given, seed, expected in cases:
            call = f"mean_switches({', '.join(['4', f'np.random.default_rng({seed})', *map(str, given)])})"
            got = student.call("mean_switches", 4, Seed(seed), *given)
            hint = f"{self.hint}; divide by the number of networks, 20 if nothing is said"
            close(got, expected, call=call, tol=MEAN_TOL, hint=hint)


def fitted(keep: Callable[[Any, float], Any], floor: float = 0.0, factor: float = -0.5) -> Callable[..., float]:
    """The rate by a straight line through some of the samples."""

    def measure(times: Any, energies: Any, t_from: float) -> float:
        part = np.asarray(keep(times, t_from))
        logs = np.log(np.maximum(energies[part], floor))
        return factor * float(np.polyfit(times[part], logs, 1)[0])

    return measure


def from_fixed(u: float, times: Any, t_from: float) -> Any:
    return times >= u if (times >= u).sum() > 1 else times >= t_from


def late(times: Any, t_from: float) -> Any:
    return times >= t_from


def first_late(times: Any, t_from: float) -> int:
    return int(np.searchsorted(times, t_from))


def last(number: int = 0, share: float = 0.0) -> Callable[..., float]:
    """The rate from so many samples at the end, whatever `t_from` is."""
    return fitted(lambda t, t_from: np.arange(len(t)) >= len(t) - number - int(share * len(t)))


def evenly(times: Any, energies: Any, t_from: float) -> float:
    return -0.5 * float(np.diff(np.log(energies[times >= t_from])).mean() / (times[1] - times[0]))


def as_spaced(spacing: Callable[[Any], float]) -> Callable[..., float]:
    """The rate from the sample on that `t_from` would have if all were spaced as some are."""

    def measure(times: Any, energies: Any, t_from: float) -> float:
        first = min(round(t_from / spacing(np.diff(times))), len(times) - 2)
        return fitted(lambda t, _: np.arange(len(t)) >= first)(times, energies, t_from)

    return measure


def strictly_later(times: Any, energies: Any, t_from: float) -> float:
    """The rate without the sample at `t_from`; of no three samples there is none."""
    return fitted(np.greater)(times, energies, t_from) if (times > t_from).sum() > 2 else 0.0


OTHER_RATES: dict[str, Any] = {
    "strictly later": strictly_later,
    "an index by the first spacing": as_spaced(lambda gaps: float(gaps[0])),
    "an index by the mean spacing": as_spaced(lambda gaps: float(gaps.mean())),
    **{f"the last {number}": last(number) for number in (4, 5, 10, 20, 50)},
    **{f"the last {share:g} of the samples": last(share=share) for share in (0.5, 1 / 3, 0.25, 0.2)},
    "all": fitted(lambda t, t_from: t >= t[0]),
    "the early ones": fitted(lambda t, t_from: t <= t_from),
    **{
        f"from t = {u:g} on, if there are such": fitted(partial(from_fixed, u)) for u in (1.0, 2.0, 5.0, 7.0, 8.0, 10.0)
    },
    "half of the time": fitted(lambda t, t_from: t >= 0.5 * t[-1]),
    "one sample earlier": fitted(lambda t, t_from: np.arange(len(t)) >= first_late(t, t_from) - 1),
    "from twice t_from on": fitted(lambda t, t_from: t >= 2 * t_from),
    "an index": fitted(lambda t, t_from: np.arange(len(t)) >= t_from),
    **{f"at least {u:g}": fitted(late, floor=u) for u in (1e-6, 1e-12, 1e-16, 1e-30)},
    "evenly spaced": evenly,
    "from the start": lambda t, v, t_from: -0.5 * float(np.log(v[-1] / v[0]) / (t[-1] - t[0])),
    "no intercept": lambda t, v, t_from: -0.5 * float((np.log(v) / np.maximum(t, 1e-3))[t >= t_from].mean()),
    "factor 2 forgotten": fitted(late, factor=-1.0),
}
"""Samples on one line cannot tell `>` from `>=`, unless there are three; nor the last three, which are always late."""


def bent(rng: np.random.Generator) -> tuple[Any, Any, float]:
    """Energies that are exponential from `t_from` on, and fall faster, then slower, then faster before."""
    early, few = int(rng.integers(5, 40)), int(rng.choice([3, 4, 7, 15, 60]))
    gaps = rng.uniform(0.02, 0.2, early + few)
    times = rng.choice([0.0, rng.uniform(0, 11)]) + np.cumsum(gaps)
    t_from = float(times[early] if rng.random() < 0.5 else times[early] - 0.5 * gaps[early])
    rate = rng.uniform(0.1, 0.9)
    before = np.minimum(times - t_from, 0)
    bend = rng.uniform(1, 2) * np.sin(3 * before) / 3 + rng.uniform(0.5, 1) * before
    log_v = -2 * rate * times - 2 * bend + np.where(before < 0, rng.choice([-1, 1]) * 0.3, 0)
    return times, np.exp(log_v + rng.choice([0, -40, -80, -300, 100])), t_from


def true_rate(times: Any, energies: Any, t_from: float) -> float:
    """From the last two samples: log V is exactly linear there."""
    return -0.5 * float((np.log(energies[-1]) - np.log(energies[-3])) / (times[-1] - times[-3]))


@problems.remembered
def bends(rng: np.random.Generator) -> list[Case]:
    return separating(rng, bent, true_rate, OTHER_RATES, tol=BEND_TOL, least=4, most=8)


BEND_TOL = 1e-9
"""Rounding of log V, 6e-14 at most, over a few hundredths of time: some 1e-11."""


@problems.remembered
def quiet_runs(rng: np.random.Generator) -> list[tuple[Any, Any, Any]]:
    """Three runs whose switches are over before t = 5, with times to 12."""
    found = problems.certain_runs(rng, [2, 8, 1], switches=1, t_end=12.0)
    quiet = (run for run in found if run[2].log.times[-1] < 5.0)
    chosen = itertools.islice(quiet, 3)
    return [(problem, traj, np.sort(rng.uniform(0, 12, int(rng.integers(100, 250))))) for problem, _, traj in chosen]


class TestExercise_5_3:
    def test_pure_exponential(self, student: Any, instances: Any) -> None:
        try_visible(student, exercise="5.3", name="late_rate")
        rng = instances.rng("pure")
        for size, slow, fast in ((1.0, 0.1, 0.9), (1e-200, 1.2, 6.0), (1e60, 0.003, 0.05), (1e250, 33.0, 33.4)):
            rate, times = rng.uniform(slow, fast), np.cumsum(rng.uniform(0.05, 0.25, 60))
            if size > 1e200:  # down to 1e-40 in one run, late; a quotient of two energies still is a number
                times *= 10 / times[-1]
                times = np.append(2.0, 2.0 + times)
            energies = np.exp(np.log(size * rng.uniform(0.1, 10)) - 2 * rate * (times - times[0]))
            if size < 1e-100:  # early, so large that a late one divided by it is 0; two late ones have a quotient
                energies[0] = 10 ** rng.uniform(240, 260)
            call = f"late_rate(times, energies, 2.0) with V ~ e^(−2·{rate:.6f} t) from {energies[0]:.1e} on"
            (got,) = student.series("late_rate", (times, energies, 2.0))
            close(got, rate, call=call, tol=1e-9, hint="log V falls with slope −2λ, however large or small V is")

    def test_only_late(self, student: Any, instances: Any) -> None:
        for case in bends(instances.rng("late")):
            times, energies, t_from = case.args
            few = f"{int((times >= t_from).sum())} of {len(times)} samples"
            call = f"late_rate(times, energies, {t_from:.6f}), {few} from there on, exactly exponential"
            # Before it a curve of as many samples that all count: what is kept of that call is not right for this one.
            before = (times, np.exp(-1.5 * times), float(times[0]))
            # And after it one of half the rate, at the same times.
            after = (times, np.sqrt(energies), t_from)
            _, got, half = student.series("late_rate", before, (times, energies, t_from), after)
            hint = "samples before t_from do not count, all others do, however small V is"
            close(got, case.expected, call=call, tol=BEND_TOL, hint=hint)
            call = f"late_rate(times, np.sqrt(energies), {t_from:.6f}), after a call with energies"
            close(half, 0.5 * case.expected, call=call, tol=BEND_TOL, hint="half the rate: the energies passed in")

    def test_fresh_runs(self, student: Any, instances: Any) -> None:
        rng = instances.rng("from")
        for problem, traj, times in quiet_runs(instances.rng("runs")):
            t_from = float(rng.uniform(5.5, 9))
            got = student.call("late_rate", times, traj.energy(times), t_from)
            # log V is convex in a region: any average of its slope lies between those at the window's ends
            window = times[times >= t_from][[0, -1]]
            ends = [0.5 * float(v @ v) / problem.energy(c) for c in traj.at(window) for v in [problem.velocity(c)]]
            low, high = min(ends), max(ends)
            slack = 0.5 * (high - low) + 1e-7
            value = problems.matrix(got)
            if value.size != 1 or not low - slack <= float(value.reshape(())) <= high + slack:
                call = f"late_rate(times, V of an exact run, {t_from:.4f})"
                want = f"between {low:.6f} and {high:.6f}"
                fail(call=call, returned=show(got), expected=want, hint="−½ times the slope of log V, late in the run")
