"""``python -m tests.benchmarks.certified [RUNS]``: how often the quick certificate decides, judged by the rigorous one.

Runs of each regime are made by every method in turn, certified in doubles, and again in ball arithmetic. A line says how
many are PROVED, UNDECIDED and REFUTED, and how many proofs the balls refute or whose time errors they exceed: 0 is right.
Needs python-flint: ``pip install -e ".[proof]"``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import pairwise

import numpy as np

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict

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


def tangencies(rng):
    """Between two starts with different numbers of switches, found by bisection down to 1e-15."""
    sheaf, low = ordinary(rng)
    high = low + 0.3 * rng.standard_normal(sheaf.n)
    numbers = [len(Exact().run(sheaf, c0, 20.0).log) for c0 in (low, high)]
    while numbers[0] != numbers[1] and np.abs(high - low).max() > 1e-15:
        middle = 0.5 * (low + high)
        if len(Exact().run(sheaf, middle, 20.0).log) == numbers[0]:
            low = middle
        else:
            high = middle
    return sheaf, low


REGIMES = (
    ordinary, zero_biases, whole_numbers, on_walls, layers_of_different_size, small_beside_large, tangencies,
)  # fmt: skip


def contradicted(quick, proof):
    """Whether what the quick certificate proves or refutes is not so."""
    if quick.holds and proof.holds:
        return not (proof.time_errors <= quick.time_errors * (1 + 1e-9) + 1e-30).all()
    return {quick.verdict, proof.verdict} == {Verdict.PROVED, Verdict.REFUTED}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=int, nargs="?", default=2000, help="in all, shared among the regimes")
    number = -(-parser.parse_args().runs // len(REGIMES))
    print(f"| {number} runs each | proved | undecided | refuted | contradicted | balls: proved | undecided | refuted |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for regime in REGIMES:
        quick, slow, wrong = Counter(), Counter(), 0
        for k in range(number):
            sheaf, c0 = regime(np.random.default_rng([k, REGIMES.index(regime)]))
            traj = Exact(METHODS[k % 3]).run(sheaf, c0, 20.0)
            found, proof = traj.certify(), traj.certify(rigorous=True)
            quick[found.verdict], slow[proof.verdict] = quick[found.verdict] + 1, slow[proof.verdict] + 1
            wrong += contradicted(found, proof)
        cells = [*(quick[v] for v in list(Verdict)[:3]), wrong, *(slow[v] for v in list(Verdict)[:3])]
        print(f"| {regime.__name__.replace('_', ' ')} | {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
