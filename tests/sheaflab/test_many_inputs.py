"""Ensembles of one network with many inputs: the runs of each input's own sheaf."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
import pytest
from scipy.optimize import brentq

from sheaflab import Euler, EventEuler, Exact, Network, Sheaf
from sheaflab.engine.eigenbasis import Eigenbasis
from sheaflab.engine.leap_batch import Leaps
from sheaflab.region import ActivationRegion
from sheaflab.results import Outcome
from sheaflab.sheaves import Sheaves

SHAPES = [[2, 4, 1], [3, 9, 1], [3, 5, 2], [2, 4, 4, 1], [2, 16, 16, 1], [1, 2, 2, 2, 2, 1], [6, 7, 1, 5, 3]]


def many(widths, m=40, seed=0):
    rng = np.random.default_rng(seed + 1)
    net = Network.random(widths, seed, bias_scale=0.3)
    X = rng.choice([0.3, 1.0, 4.0], (m, 1)) * rng.standard_normal((m, widths[0]))
    starts = rng.choice([0.5, 2.0, 5.0], (m, 1)) * rng.standard_normal((m, net.free))
    starts[::7, 0] = 0.0  # some on a wall
    return net, X, starts


def words(log):
    return [(s.layer, s.neuron, s.before, s.after) for s in log]


def same(a, b):
    for name in a.columns:
        np.testing.assert_array_equal(a.columns[name], b.columns[name])
    for name in ("finals", "ends", "repelled", "starts"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("widths", SHAPES, ids=str)
@pytest.mark.parametrize("method", ["auto", *(pytest.param(m, marks=pytest.mark.slow) for m in ("closed", "taylor"))])
def test_a_run_is_the_one_of_its_inputs_own_sheaf(widths, method):
    net, X, starts = many(widths)
    ensemble = Exact(method).ensemble(net, starts, 30.0, X=X)
    assert ensemble.outcomes == {Outcome.REACHED_END: len(X)}
    for k, log in enumerate(ensemble):
        sheaf = Sheaf(net, X[k])
        traj = Exact(method).run(sheaf, starts[k], 30.0)
        assert words(log) == words(traj.log)
        np.testing.assert_allclose(log.times, traj.log.times, rtol=1e-10)
        np.testing.assert_allclose(log.kinks(), traj.log.kinks(), rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(ensemble.finals[k], traj.states[-1], atol=1e-11)
        assert bool(ensemble.repelled[k]) == bool(traj.repelled)
        slid = sum(p.end - p.start for p in traj.pieces if p.region.sliding)
        assert ensemble.sliding_share[k] == pytest.approx(slid / 30.0, abs=1e-11)
        assert ensemble.energies[0, k] == pytest.approx(sheaf.energy(starts[k]))


@pytest.mark.parametrize(
    "widths", [[2, 5, 1], [2, 5, 4, 2], pytest.param([50, 33, 40, 3], marks=pytest.mark.slow)], ids=str
)
def test_every_digit_is_the_same_for_any_chunk_and_order(widths):
    net, X, starts = many(widths, 60)
    sheaves, last = Sheaves(net, X), Sheaves(net, X[-1:])
    assert np.array_equal(sheaves.boundary_term[-1:], last.boundary_term)
    assert np.array_equal(sheaves.harmonic_extension()[-1:], last.harmonic_extension())
    whole = Exact().ensemble(net, starts, X=X)
    for chunk in (1, 7, 59):
        same(whole, Exact().ensemble(net, starts, X=X, chunk=chunk))
    back = Exact().ensemble(net, starts[::-1], X=X[::-1])
    np.testing.assert_array_equal(whole.finals, back.finals[::-1])
    assert [tuple(log) for log in whole] == [tuple(log) for log in back][::-1]


@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 5, 4, 2]], ids=str)
def test_a_process_pool_gives_the_same_digits(widths):
    net, X, starts = many(widths)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same(Exact().ensemble(net, starts, X=X), Exact().ensemble(net, starts, X=X, executor=pool, chunk=9))


@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 5, 4, 2]], ids=str)
def test_a_product_has_each_start_with_each_input_and_one_start_serves_all(widths):
    net, X, starts = many(widths, 5)
    grid = Exact().ensemble(net, starts[:3], X=X, product=True)
    assert len(grid) == 15
    pairs = Exact().ensemble(net, np.tile(starts[:3], (5, 1)), X=np.repeat(X, 3, axis=0))
    same(grid, pairs)
    for i in range(5):
        for k in range(3):
            assert words(grid[3 * i + k]) == words(Exact().run(Sheaf(net, X[i]), starts[k]).log)
    same(Exact().ensemble(net, starts[1], X=X), Exact().ensemble(net, starts[1:2], X=X, product=True))


@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 5, 4, 2]], ids=str)
@pytest.mark.parametrize("method", ["auto", "closed", "taylor"])
def test_an_ensemble_of_one_is_the_run_to_the_last_digit(widths, method):
    net, X, starts = many(widths, 4)
    for start, x in zip(starts, X, strict=True):
        traj = Exact(method).run(Sheaf(net, x), start, 30.0)
        for one in (
            Exact(method).ensemble(Sheaf(net, x), start[None], 30.0),
            Exact(method).ensemble(net, start, 30.0, X=x[None]),
        ):
            assert one[0] == traj.log
            assert np.array_equal(one.finals[0], traj.states[-1])
            assert one.outcome(0) is traj.outcome
    assert isinstance(one.sheaf, Sheaf)
    short = Exact(method, max_events=1)
    for start in starts:
        one, traj = short.ensemble(Sheaf(net, X[0]), start[None]), short.run(Sheaf(net, X[0]), start)
        assert (one.outcome(0), one.ends[0]) == (traj.outcome, traj.t_end)


@pytest.mark.parametrize("scheme", [Euler(0.05), EventEuler(0.05)], ids=repr)
def test_time_stepping_schemes_take_many_inputs_too(scheme):
    net, X, starts = many([2, 4, 1], 6)
    ensemble = scheme.ensemble(net, starts, 5.0, X=X, chunk=4)
    for k, log in enumerate(ensemble):
        traj = scheme.run(Sheaf(net, X[k]), starts[k], 5.0)
        assert words(log) == words(traj.log)
        np.testing.assert_allclose(log.times, traj.log.times, rtol=1e-9)
        np.testing.assert_allclose(ensemble.finals[k], traj.states[-1], atol=1e-12)


def test_drives_are_those_of_single_sheaves_and_exact_where_they_cancel():
    rng = np.random.default_rng(0)
    net = Network(
        [rng.integers(-3, 4, (5, 3)) * 0.1, rng.standard_normal((1, 5))], [rng.integers(-3, 4, 5) * 0.1, [0.0]]
    )
    X = rng.integers(-2, 3, (200, 3)) * 1.0
    sheaves = Sheaves(net, X)
    single = np.array([Sheaf(net, x).boundary_term for x in X])
    np.testing.assert_allclose(sheaves.boundary_term, single, rtol=1e-14, atol=0)
    plain = X @ net.weights[0].T + net.biases[0]
    small = np.abs(single[:, :5]) < 1e-10
    assert np.count_nonzero(small & (plain != single[:, :5])) > 5  # plain sums leave rounding there
    assert np.array_equal(sheaves.boundary_term[:, :5][small], single[:, :5][small])
    assert np.array_equal(sheaves.of(7).boundary_term, sheaves.boundary_term[7])
    np.testing.assert_allclose(sheaves.harmonic_extension(), [Sheaf(net, x).harmonic_extension() for x in X], atol=1e-14)


@pytest.mark.parametrize("sliding", [(), (1, 4)])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_one_eigenbasis_serves_all_inputs(sliding, scale):
    """With weights that large the rates lie so far apart that singular values take the place of eigenvalues."""
    net, X, states = many([2, 3, 3, 3, 1], 5)
    net = Network([net.weights[0], *(scale * w for w in net.weights[1:])], net.biases)
    states[:, list(sliding)] = 0.0
    pattern = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1])
    shared = Eigenbasis(ActivationRegion(Sheaf(net, X[0]), pattern, sliding))
    assert (shared.region.eigensystem.singular is not None) == (scale > 1)
    shared.functions(states)  # keeps what belongs to its own input
    over = shared.over(Sheaves(net, X).boundary_term)
    heights, terms = over.functions(states)
    moved = over.flow(states, np.linspace(0.1, 2.0, 5))
    for k, x in enumerate(X):
        own = Eigenbasis(ActivationRegion(Sheaf(net, x), pattern, sliding))
        size = np.abs(own.rest).max() + np.abs(states).max()
        own_heights, own_terms = own.functions(states[k : k + 1])
        np.testing.assert_allclose(heights[k], own_heights[0], rtol=0, atol=1e-9 * size * scale)
        np.testing.assert_allclose(terms[:, k], own_terms[:, 0], rtol=0, atol=1e-9 * size * scale)
        np.testing.assert_allclose(moved[k], own.flow(states[k : k + 1], np.linspace(0.1, 2.0, 5)[k : k + 1])[0], rtol=1e-9, atol=1e-9)
        assert over.floor[k] == pytest.approx(own.floor, rel=1e-6)


def test_a_repelling_wall_is_named_for_the_inputs_that_have_one():
    net = Network([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    ensemble = Exact().ensemble(net, [0.0, 3.0], X=[[-1.0], [1.0]])
    assert ensemble.repelled.tolist() == [True, False]


@pytest.mark.parametrize("outputs", [1, 3])
def test_an_event_that_needs_a_closer_look_is_the_one_of_its_input(outputs):
    """z = 1e-12 - t² / 2 + … where the second neuron's drive is 1, as in test_exact; the other inputs have other drives."""
    second = np.zeros((outputs, 2))
    second[-1] = 1.0
    net, start = Network([[[0.0], [1.0]], second]), np.zeros(2 + outputs)
    start[[0, -1]] = 1e-12
    ensemble = Exact().ensemble(net, start, 30.0, X=[[3.0], [1.0], [2.0]])
    for log, x in zip(ensemble, (3.0, 1.0, 2.0), strict=True):
        exact = brentq(lambda t, x=x: 1e-12 - 1e-12 * t - x * t**2 / 2 + 5 * x * t**3 / 6, 1e-7, 2e-6, xtol=1e-22)
        assert log[0].time == pytest.approx(exact, rel=1e-9, abs=0)


def test_ties_of_whole_numbers_are_those_of_single_runs():
    """Speeds vanish at walls, several neurons switch at once: what is looked at anew is looked at with its own input."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for widths in ([2, 3, 1], [2, 3, 2], [2, 2, 2, 1]):
            weights = [rng.integers(-2, 3, (b, a)) / 2 for a, b in pairwise(widths)]
            net = Network(weights, [rng.integers(-2, 3, b) / 2 for b in widths[1:]])
            X, starts = rng.integers(-1, 2, (6, 2)) * 1.0, rng.integers(-2, 3, (6, net.free)) * 1.0
            for log, x, start in zip(Exact().ensemble(net, starts, 20.0, X=X), X, starts, strict=True):
                alone = Exact().run(Sheaf(net, x), start, 20.0).log
                assert sorted(words(log)) == sorted(words(alone))
                np.testing.assert_allclose(log.times, alone.times, rtol=1e-9)


def test_only_its_own_equilibrium_ends_the_search_of_a_row():
    net = Network([[[1.0]], [[1.0], [1.0]]])
    leaps = Leaps(Sheaves(net, [[8.0], [1.0]]))
    c, none = Sheaf(net, [8.0]).harmonic_extension()[None] + 0.1, np.zeros(1)
    codes, quiet = np.ones((1, 1), dtype=np.int8), np.zeros(1, dtype=np.int64)
    for k, rows in ((0, [0]), (1, [])):
        assert leaps.take(c, codes, quiet, none, 60.0, none + 1, np.array([k]))[0].tolist() == rows


def test_what_does_not_fit_is_named():
    net, X, starts = many([2, 4, 1], 3)
    sheaf, exact = Sheaf(net, X[0]), Exact()
    for call, message in (
        (lambda: exact.ensemble(net, starts), "`X` must be given with a Network"),
        (lambda: exact.ensemble(sheaf, starts, X=X), "`X` and `product` must be left out with a Sheaf"),
        (lambda: exact.ensemble(net, starts, X=X[0]), r"`X` must have shape \(m, 2\), got \(2,\)"),
        (lambda: exact.ensemble(net, starts, X=X[:, :1]), r"`X` must have shape \(m, 2\)"),
        (lambda: exact.ensemble(net, starts, X=X[:0]), "`X` must have at least one row"),
        (lambda: exact.ensemble(net, starts, X=[[np.nan, 1.0]]), "`X` must be finite"),
        (lambda: exact.ensemble(net, starts[:2], X=X), "`starts` must have a row for each of the 3 rows of `X`, got 2; product=True"),
        (lambda: exact.ensemble(net, starts[:0], X=X, product=True), "`starts` must have at least one row"),
        (lambda: exact.ensemble(net, starts[:, :2], X=X), r"`starts` must have shape \(m, 5\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
