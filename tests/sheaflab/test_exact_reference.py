"""Exact, by every method, against 80-bit reference runs: each sequence equal, each time to 1e-9 relative."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from tests import reference

pytestmark = pytest.mark.slow

SHAPES = ([2, 4, 1], [2, 8, 1], [1, 1, 1], [3, 5, 2], [2, 4, 3, 1], [2, 6, 6, 2], [2, 3, 3, 3, 1], [1, 2, 2, 2, 2, 1])
RUNS, GROUPS = 250, 5  # of each shape: 2,000 runs in all
CODES = {"inactive": 0, "active": 1, "sliding": 2}
T_END = 25.0


def problem(widths, seed):
    rng = np.random.default_rng([seed, 80, *widths])
    net = Network.random(widths, rng, bias_scale=rng.choice([0.1, 0.5]))
    sheaf = Sheaf(net, rng.standard_normal(widths[0]))
    return sheaf, rng.choice([0.5, 1.0, 2.0, 5.0]) * rng.standard_normal(sheaf.n)


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_every_sequence_and_every_time(widths, group):
    switches = slides = 0
    for seed in range(group, RUNS, GROUPS):
        sheaf, c0 = problem(widths, seed)
        expected, _ = reference.simulate(sheaf.net.weights, sheaf.net.biases, sheaf.x, c0, T_END)
        times = np.array([t for t, _, _ in expected], dtype=float)
        for method in ("auto", "closed", "taylor"):
            traj = Exact(method).run(sheaf, c0, T_END)
            found = [(sheaf.index(s.layer, s.neuron), CODES[s.after]) for s in traj.log]
            assert found == [(i, mode) for _, i, mode in expected], (seed, method)
            np.testing.assert_allclose(traj.log.times, times, rtol=1e-9, atol=1e-13, err_msg=f"{seed} {method}")
        switches += len(expected)
        slides += sum(mode == 2 for _, _, mode in expected)
    assert switches > RUNS / GROUPS / 4
    assert slides or widths == [1, 1, 1]  # the comparison is about something
