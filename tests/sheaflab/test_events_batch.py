"""First roots of many polynomials at once, and what settles exponential sums at first sight, against slower ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaflab.blocks import BLOCK, product
from sheaflab.events.exponentials import first_roots as first_of_sums
from sheaflab.events.polynomials import conversion, first_root
from sheaflab.events.polynomials_batch import first_roots


def polynomials(rng, m, degree):
    """Monomials, shape (m, degree + 1), positive at 0, with roots near to and far from [0, 1], some of them close."""
    found = []
    for _ in range(m):
        roots = rng.uniform(-1.5, 2.5, degree).astype(complex)
        if degree > 1 and rng.random() < 0.3:
            roots[1] = roots[0] * (1 + 10.0 ** rng.integers(-6, -1))
        if degree > 2 and rng.random() < 0.5:
            roots[1:3] = complex(rng.uniform(0, 1), 10.0 ** rng.integers(-5, 0)) * np.array([1, 0]) + 0
            roots[2] = roots[1].conjugate()
        a = np.poly(roots)[::-1].real
        found.append(a if a[0] > 0 else -a)
    return np.array(found)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_each_first_root_is_the_one_found_alone(seed, degree):
    a = polynomials(np.random.default_rng(seed), 40, degree)
    noise = 16 * np.finfo(float).eps * np.abs(a).sum(axis=1)
    lifted = a @ conversion(degree).T + noise[:, None]
    together = first_roots(a, noise, np.arange(40), np.ones(40), lifted)
    for k in range(40):
        alone = first_root(a[k].tolist(), lifted[k], float(noise[k]), 1.0)
        if np.isinf(alone) or np.isinf(together[k]):
            assert alone == together[k]
            continue
        slope = abs(np.polynomial.polynomial.polyval(alone, np.polynomial.polynomial.polyder(a[k])))
        assert abs(alone - together[k]) <= 1e-9 + 8 * noise[k] / max(slope, 1e-12)


def test_functions_of_a_group_compete_and_the_least_root_is_kept():
    a = np.array([[0.5, -1.0], [0.25, -1.0], [2.0, -1.0], [0.75, -1.0]])
    limits = np.ones(2)
    found = first_roots(a, np.zeros(4), np.array([0, 0, 1, 1]), limits, a @ conversion(1).T)
    np.testing.assert_allclose(limits, [0.25, 0.75])
    assert found[1] == limits[0]
    assert np.isinf(found[2])
    assert found[3] == limits[1]
    assert first_roots(a[:0], np.zeros(0), np.zeros(0, dtype=int), limits, a[:0]).size == 0


@pytest.mark.parametrize("k", [1, 3, 16, 33, 200])
def test_a_product_rounds_a_row_the_same_in_any_company(k):
    rng = np.random.default_rng(k)
    rows, matrix = rng.standard_normal((5 * BLOCK + 7, k)), rng.standard_normal((k, 19))
    whole = product(rows, matrix)
    np.testing.assert_allclose(whole, rows @ matrix, rtol=1e-12, atol=1e-12)
    for cut in (1, 5, BLOCK, BLOCK + 1):
        np.testing.assert_array_equal(product(rows[cut:], matrix), whole[cut:])
        np.testing.assert_array_equal(product(rows[:cut], matrix), whole[:cut])


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_sums_settled_at_first_sight_are_settled_rightly(seed):
    """Theorem 1, its corollary and the bracket together, against dense samples of three exponentials."""
    rng = np.random.default_rng(seed)
    rates = np.sort(np.exp(rng.normal(0, 1.0, (3, 60))), axis=0)
    a, c = rng.standard_normal((3, 60)), rng.choice([0.02, 0.3, 1.0]) * rng.standard_normal(60)
    turn = c + a.sum(axis=0) < 0
    a[:, turn], c[turn] = -a[:, turn], -c[turn]
    found = first_of_sums(c, a, rates, c + a.sum(axis=0), np.full(60, 15.0), np.arange(60))
    times = np.linspace(0, 15.0, 6001)
    f = c + np.einsum("km,tkm->tm", a, np.exp(-times[:, None, None] * rates))
    for k in range(60):
        below = np.flatnonzero(f[:, k] < -1e-13)
        if below.size:
            assert found[k] <= times[below[0]]
        if np.isfinite(found[k]):
            assert np.all(f[times < found[k] * (1 - 1e-9), k] > -1e-13)
            assert abs(c[k] + a[:, k] @ np.exp(-rates[:, k] * found[k])) < 1e-11 * (1 + np.abs(a[:, k]).sum())
