from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaflab import ActivationRegion, Network, Sheaf
from sheaflab.rate import slowest_rate
from tests.sheaflab.strategies import problems

SMALL = st.sampled_from([[2, 4, 1], [1, 3, 2], [2, 2, 3, 1], [1, 2, 1, 2, 2]])


@settings(max_examples=40)
@given(problems(shapes=SMALL))
def test_the_rate_is_the_least_over_all_patterns(problem):
    sheaf, _ = problem
    everywhere = min(ActivationRegion(sheaf, sigma).rate for sigma in product([0, 1], repeat=sheaf.h))
    found = slowest_rate(sheaf.net)
    assert found.exact
    assert found.value == pytest.approx(everywhere, rel=1e-9)
    bound = slowest_rate(sheaf.net, max_enumerated=0)
    assert bound.value <= found.value * (1 + 1e-12)
    if len(sheaf.net.weights) == 2:
        assert bound.exact
    if bound.exact:
        assert bound.value == pytest.approx(found.value)


@settings(max_examples=40)
@given(problems(shapes=SMALL), st.data())
def test_the_rate_holds_for_the_fractional_weights_of_sliding_neurons(problem, data):
    sheaf, _ = problem
    alpha = np.array(data.draw(st.lists(st.floats(0, 1), min_size=sheaf.h, max_size=sheaf.h)))
    delta = sheaf.restricted(np.ones(sheaf.h, dtype=bool))
    delta[:, : sheaf.h] = np.eye(sheaf.n)[:, : sheaf.h] + (delta[:, : sheaf.h] - np.eye(sheaf.n)[:, : sheaf.h]) * alpha
    assert np.linalg.svd(delta, compute_uv=False)[-1] ** 2 >= slowest_rate(sheaf.net).value * (1 - 1e-9)


def test_nonnegative_weights_need_no_enumeration():
    net = Network([np.eye(2), np.ones((20, 2)), np.ones((20, 20)), np.ones((1, 20))])
    found = slowest_rate(net)
    assert found.exact
    assert found.value == pytest.approx(ActivationRegion(Sheaf(net, [0, 0]), np.ones(42)).rate, rel=1e-4)


def test_a_deep_network_gets_a_lower_bound_that_says_so():
    net = Network.random([2, 8, 8, 8, 1], seed=0)
    found, sheaf = slowest_rate(net), Sheaf(net, [1.0, -1.0])
    assert not found.exact
    assert "lower bound" in found.method
    rng = np.random.default_rng(0)
    sampled = min(ActivationRegion(sheaf, rng.random(24) < 0.5).rate for _ in range(200))
    assert 0 < found.value <= sampled
    assert found.value <= found.upper <= sampled * (1 + 1e-9)


@settings(max_examples=40)
@given(problems(shapes=SMALL))
def test_the_bracket_holds_the_rate(problem):
    exact, bracket = (slowest_rate(problem[0].net, most) for most in (12, 0))
    assert bracket.value <= exact.value * (1 + 1e-9)
    assert exact.value <= bracket.upper * (1 + 1e-9)
    assert exact.upper == exact.value


def test_the_bracket_of_a_deep_network_is_far_above_its_certified_end():
    found = slowest_rate(Network.random([2, *[16] * 20, 1], 0))
    assert found.value < 1e-6 < found.upper < 0.04


def test_zero_weights_leave_the_identity():
    net = Network([np.zeros((3, 2)), np.zeros((1, 3))])
    assert float(slowest_rate(net)) == 1.0
