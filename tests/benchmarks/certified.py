"""``python -m tests.benchmarks.certified [RUNS]``: how often the quick certificate decides, and whether it is right.

Runs of each regime are made by every method in turn, certified in doubles, and followed anew by a reference in 256 bits
(:mod:`tests.reference_256`), some in ball arithmetic too. A line says how many are PROVED, UNDECIDED and REFUTED, how
many proofs and refutations the reference refutes, time errors that it exceeds included, for how many it cannot tell, and
how many the balls refute: 0 is right.
Needs python-flint: ``pip install -e ".[proof]"``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import pairwise

import numpy as np

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from tests.reference_256 import NotUnique, Open, simulate

METHODS = ("auto", "closed", "taylor")
SHAPES = ([2, 4, 1], [2, 8, 1], [3, 5, 2], [2, 4, 3, 1], [2, 3, 3, 3, 1])


def shape(rng):
    return SHAPES[rng.integers(len(SHAPES))]


def ordinary(rng):
    """`Network.random`, normal starts of magnitude 0.5 to 5."""
    net = Network.random(shape(rng), rng)
    return Sheaf(net, rng.standard_normal(net.widths[0])), rng.uniform(0.5, 5) * rng.standard_normal(net.free)


def zero_biases(rng):
    """No biases."""
    net = Network.random(shape(rng), rng, bias_scale=0.0)
    return Sheaf(net, rng.standard_normal(net.widths[0])), 2 * rng.standard_normal(net.free)


def whole_numbers(rng):
    """Weights, biases and starts in halves: ties and starts on walls."""
    widths = shape(rng)
    weights = [rng.integers(-2, 3, (b, a)) / 2 for a, b in pairwise(widths)]
    sheaf = Sheaf(Network(weights, [rng.integers(-2, 3, b) / 2 for b in widths[1:]]), rng.integers(-1, 2, widths[0]) / 1.0)
    return sheaf, rng.integers(-2, 3, sheaf.n) / 1.0


def on_walls(rng):
    """A third of the hidden neurons start at 0."""
    sheaf, c0 = ordinary(rng)
    c0[: sheaf.h][rng.random(sheaf.h) < 0.3] = 0.0
    return sheaf, c0


def layers_of_different_size(rng):
    """Weights and starts of one layer times 1e-3 to 1e3, the weights after it divided by that."""
    sheaf, c0 = ordinary(rng)
    factor, net = 10.0 ** rng.integers(-3, 4), sheaf.net
    weights = [factor * net.weights[0], net.weights[1] / factor, *net.weights[2:]]
    biases = [factor * net.biases[0], *net.biases[1:]]
    c0[: net.widths[1]] *= factor
    return Sheaf(Network(weights, biases), sheaf.x), c0


def small_beside_large(rng):
    """Each coordinate of the start times 1e-18, 1e-9 or 1."""
    sheaf, c0 = ordinary(rng)
    return sheaf, c0 * rng.choice([1e-18, 1e-9, 1.0], sheaf.n)


def trained(rng):
    """Weights after 300 steps of Adam on a wave, an exclusive or or a ring; inputs of the same kind."""
    widths = [[2, 6, 1], [2, 8, 1], [2, 5, 5, 1], [2, 4, 4, 4, 1]][rng.integers(4)]
    X = rng.uniform(-2, 2, (64, 2))
    target = [np.sin(2 * X[:, 0]), np.sign(X[:, 0] * X[:, 1]), np.hypot(*X.T) - 1.2][rng.integers(3)]
    net = train(Network.random(widths, rng), X, target[:, None])
    sheaf = Sheaf(net, X[0])
    return sheaf, sheaf.harmonic_extension() + rng.uniform(0.2, 3) * rng.standard_normal(sheaf.n)


def train(net, X, Y, steps=300, rate=0.02):
    """Full-batch Adam on the mean square."""
    theta = [a.copy() for pair in zip(net.weights, net.biases, strict=True) for a in pair]
    first, second = [np.zeros_like(a) for a in theta], [np.zeros_like(a) for a in theta]
    for step in range(1, steps + 1):
        states, signals = [], [X]
        for w, b in zip(theta[::2], theta[1::2], strict=True):
            states.append(signals[-1] @ w.T + b)
            signals.append(np.maximum(states[-1], 0))
        error, slopes = (states[-1] - Y) / len(X), []
        for k in range(len(states) - 1, -1, -1):
            slopes += [error.sum(axis=0), error.T @ signals[k]]
            error = (error @ theta[2 * k]) * (states[k - 1] > 0) if k else error
        for a, m, v, slope in zip(theta, first, second, slopes[::-1], strict=True):
            m += 0.1 * (slope - m)
            v += 0.001 * (slope**2 - v)
            a -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return Network(theta[::2], theta[1::2])


def bisected(low, high, differ):
    """A start next to the border between two, by halving down to 1e-15; then up to a millionth away from it."""
    ends = differ(low), differ(high)
    while ends[0] != ends[1] and np.abs(high - low).max() > 1e-15 * (1 + np.abs(low).max()):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if differ(middle) == ends[0] else (low, middle)
    return low, ends[0] != ends[1]


def beside(rng, c0):
    """A start as it is, or at 1e-15 to 1e-6 from it."""
    return c0 + rng.choice([0.0, 0.0, 1e-15, 1e-14, 1e-12, 1e-9, 1e-6]) * rng.standard_normal(c0.size)


def tangencies(rng):
    """At the border between starts with different numbers of switches, or next to it."""
    sheaf, low = ordinary(rng)
    for _ in range(20):
        c0, found = bisected(low, low + 0.3 * rng.standard_normal(sheaf.n), lambda c0: len(Exact().run(sheaf, c0, 20.0).log))
        if found:
            break
    return sheaf, beside(rng, c0)


def ties(rng):
    """Twin neurons; or two first switches whose order changes, at the border between the two or next to it."""
    sheaf, c0 = ordinary(rng)
    if rng.random() < 0.3:
        net, (i, j) = sheaf.net, rng.choice(sheaf.net.widths[1], 2, replace=False)
        first, second = net.weights[0].copy(), net.weights[1].copy()
        bias = net.biases[0].copy()
        first[j], second[:, j], bias[j], c0[j] = first[i], second[:, i], bias[i], c0[i]
        return Sheaf(Network([first, second, *net.weights[2:]], [bias, *net.biases[1:]]), sheaf.x), c0

    def first_is_earlier(c0):
        order = [sheaf.index(s.layer, s.neuron) for s in Exact().run(sheaf, c0, 20.0).log]
        return i in order and (j not in order or order.index(i) < order.index(j))

    for _ in range(20):
        i, j = rng.choice(sheaf.h, 2, replace=False)
        c0, found = bisected(c0, c0 + 0.5 * rng.standard_normal(sheaf.n), first_is_earlier)
        if found:
            break
    return sheaf, beside(rng, c0)


REGIMES = (
    ordinary, trained, zero_biases, whole_numbers, on_walls, layers_of_different_size, small_beside_large, tangencies, ties,
)  # fmt: skip
CODES = {"inactive": 0, "active": 1, "sliding": 2}


def judged(traj, proof):
    """What the reference says of a certificate's proof or refutation: "agrees", "refutes" or "open"; else "undecided"."""
    if proof.verdict is Verdict.UNDECIDED:
        return "undecided"
    net = traj.sheaf.net
    try:
        expected = simulate(net.weights, net.biases, traj.sheaf.x, traj.states[0], traj.t_end)
    except Open:
        return "open"
    except NotUnique:
        return "refutes" if proof.holds else "agrees"
    # Switches of one instant are in no order.
    listed = enumerate(traj.log)
    found = sorted((s.time, traj.sheaf.index(s.layer, s.neuron), CODES[s.after], k) for k, s in listed)
    same = sorted(row[1:3] for row in found) == sorted(row[1:] for row in expected)
    if not proof.holds:
        return "refutes" if same else "agrees"
    if not same:
        return "refutes"
    left = list(expected)
    for time, i, mode, k in found:
        near = min((row for row in left if row[1:] == (i, mode)), key=lambda row: float(abs(row[0] - time)))
        left.remove(near)
        if not abs(near[0] - time) <= proof.time_errors[k] * (1 + 1e-12):
            return "refutes"
    return "agrees"


def contradicted(quick, proof):
    """Whether what the quick certificate proves or refutes is not so by the rigorous one."""
    if quick.holds and proof.holds:
        return not (proof.time_errors <= quick.time_errors * (1 + 1e-9) + 1e-30).all()
    return {quick.verdict, proof.verdict} == {Verdict.PROVED, Verdict.REFUTED}


def run(regime, k):
    """The k-th run of a regime, by a method that changes with `k`."""
    sheaf, c0 = regime(np.random.default_rng([k, REGIMES.index(regime)]))
    return Exact(METHODS[k % 3]).run(sheaf, c0, 20.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=int, nargs="?", default=2000, help="in all, shared among the regimes")
    parser.add_argument("--balls", type=int, default=40, help="of each regime, how many are certified by balls as well")
    options = parser.parse_args()
    number = -(-options.runs // len(REGIMES))
    print(f"| {number} runs each | proved | undecided | refuted | the reference refutes | is open | balls refute |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for regime in REGIMES:
        quick, reference, wrong = Counter(), Counter(), 0
        for k in range(number):
            traj = run(regime, k)
            found = traj.certify()
            quick[found.verdict] += 1
            reference[judged(traj, found)] += 1
            wrong += k < options.balls and contradicted(found, traj.certify(rigorous=True))
        cells = [*(quick[v] for v in list(Verdict)[:3]), reference["refutes"], reference["open"], wrong]
        print(f"| {regime.__name__.replace('_', ' ')} | {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
