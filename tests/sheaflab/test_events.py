"""The certified first event of sums of exponentials, against dense sampling and known roots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaflab import ActivationRegion, Network, Sheaf
from sheaflab.events.exponentials import first_roots
from sheaflab.events.polynomials import conversion, first_root


def first(c, a, rates, t_end=50.0, order=None, floor=0.0):
    a = np.array(a, dtype=float)[:, None]
    kind = None if order is None else np.array([order])
    return float(
        first_roots(
            np.array([float(c)]),
            a,
            np.array(rates, dtype=float)[:, None],
            float(c) + a.sum(axis=0) if order is None else np.zeros(1),
            np.array([t_end]),
            order=kind,
            floor=floor,
        )[0]
    )


def product(*roots):
    """c, a for (e^-t - x1)(e^-t - x2)…, with known roots -log x, positive at 0 (rates 1, 2, …)."""
    coefficients = np.poly(roots)[::-1]
    return coefficients[0], coefficients[1:], np.arange(1.0, len(roots) + 1)


@pytest.mark.parametrize("gap", [0.3, 1e-2, 1e-4, 1e-6])
def test_two_close_roots_are_never_stepped_over(gap):
    assert first(*product(0.5, 0.5 * (1 - gap))) == pytest.approx(np.log(2.0), rel=1e-14 / gap)


def test_a_graze_deeper_or_shallower_than_a_root():
    c, a, rates = product(0.5, 0.5)
    assert first(c + 1e-13, a, rates) == np.inf
    assert first(c - 1e-10, a, rates) == pytest.approx(np.log(2.0), abs=1e-4)


def test_a_root_past_the_end_is_none():
    c, a, rates = product(0.5)
    time = np.log(2.0)
    assert first(c, a, rates, time * (1 + 1e-13)) < np.inf
    assert first(c, a, rates, time * (1 - 1e-13)) == np.inf


def test_the_known_root_at_zero_is_divided_out():
    # (e^-t - 1)(e^-t - x) has the root 0 and then -log x; its slope at 0 is -(1 - x): take the negative.
    c, a, rates = product(1.0, 0.25)
    assert first(-c, -a, rates, order=1) == pytest.approx(np.log(4.0), rel=1e-13)
    c, a, rates = product(1.0, 1.0, 0.25)  # double at 0
    assert first(c, a, rates, order=2) == pytest.approx(np.log(4.0), rel=1e-9)


def test_equal_rates_that_cancel_are_no_event():
    assert first(0.5, [1e8, -1e8], [1.0, 1.0]) == np.inf
    assert first(-0.5, [1e6, 1.0, -1e6], [1.0, 1.0, 1.0]) == pytest.approx(np.log(2.0), rel=1e-8)


def test_close_rates_that_cancel_are_followed_to_a_late_root():
    """0.3 (e^-(1-d)t - e^-(1+d)t) + 5e-7 e^-t - 1e-12, d = 1e-12: the terms are 10^5 times the function."""
    d = 1e-12
    time = first(-1e-12, [0.3, 5e-7, -0.3], [1 - d, 1.0, 1 + d])
    assert time == pytest.approx(np.log(5e5), abs=1e-3)


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.0, 1e-3, 1e-9]))
def test_against_dense_sampling(seed, terms, constant):
    rng = np.random.default_rng(seed)
    rates = np.sort(np.exp(rng.normal(0, 1.5, terms)))
    a = rng.standard_normal(terms)
    c = constant * rng.standard_normal() if constant else rng.standard_normal()
    if c + a.sum() < 0:
        c, a = -c, -a
    found = first(c, a, rates, 20.0)
    times = np.linspace(0, 20.0, 20_001)
    f = c + np.exp(-np.multiply.outer(times, rates)) @ a
    below = np.flatnonzero(f < -1e-13)
    seen = times[below[0]] if below.size else np.inf
    assert found <= seen + 1e-9  # nothing that samples see is missed
    if found < np.inf:  # and nothing is made up
        assert abs(c + np.exp(-found * rates) @ a) <= 1e-12
        assert (f[times < found * (1 - 1e-9)] > -1e-13).all()


def test_groups_compete_and_do_not_disturb_each_other():
    c, a, rates = product(0.5)
    constants, limits = np.array([c, c / 2, c]), np.array([10.0, 10.0])
    found = first_roots(
        constants, np.tile(a[:, None], 3), rates[:, None], constants + a.sum(), limits, np.array([0, 0, 1])
    )
    assert found[2] == pytest.approx(np.log(2.0))
    assert found[0] == pytest.approx(np.log(2.0))
    assert found[1] == np.inf  # its event is later: given up
    np.testing.assert_allclose(limits, np.log(2.0))


@settings(max_examples=200)
@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=6))
def test_polynomials_with_known_roots(roots):
    f = np.poly(roots)[::-1] * (-1) ** len(roots)
    if f[0] < 0:
        f = -f
    noise = 1e-14 * np.abs(f).sum()
    found = first_root(f.tolist(), conversion(len(roots)) @ f + noise, float(noise), 1.0)
    grid = np.linspace(0, 1, 20_001)
    below = np.flatnonzero(np.polyval(f[::-1], grid) < -4 * noise)
    if below.size:
        assert found <= grid[below[0]] + 1e-9
    if found < np.inf:
        assert np.abs(np.polyval(f[::-1], found)) <= 8 * noise


def test_a_region_tells_its_first_exit():
    sheaf = Sheaf(Network([[[1.0]], [[0.0]]], [[1.0], [0.0]]), [0.0])
    time, who = ActivationRegion(sheaf, [0]).first_exit([-1.0, 0.0])
    assert time == pytest.approx(np.log(2.0))
    assert who == (0,)
    assert ActivationRegion(sheaf, [1]).first_exit([1.0, 0.0]) is None
    assert ActivationRegion(sheaf, [0]).first_exit([-1.0, 0.0], horizon=0.5) is None
