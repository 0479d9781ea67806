from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaflab import ActivationRegion, Exact, Network, Sheaf
from sheaflab.engine.eigenbasis import Home
from tests.sheaflab.strategies import problems, seeds


@given(problems())
def test_restricted_coboundary_is_unit_lower_triangular_and_the_laplacian_positive_definite(problem):
    sheaf, c = problem
    sigma = sheaf.pattern(c)
    delta = sheaf.restricted(sigma)
    assert np.array_equal(delta, np.tril(delta))
    assert np.array_equal(np.diag(delta), np.ones(sheaf.n))
    laplacian = sheaf.laplacian(sigma)
    assert np.array_equal(laplacian, laplacian.T)
    np.linalg.cholesky(laplacian)
    assert np.isclose(np.linalg.det(delta), 1.0)


@given(problems())
def test_operators_and_fields_say_the_same(problem):
    sheaf, c = problem
    sigma, delta = sheaf.pattern(c), sheaf.restricted(sheaf.pattern(c))
    scale = 1 + np.abs(c).max() * (1 + np.abs(delta).max()) ** 2
    r = sheaf.residual(c)
    np.testing.assert_allclose(r, delta @ c - sheaf.boundary_term, atol=1e-12 * scale)
    full = sheaf.coboundary(sigma) @ np.concatenate([sheaf.x, c])
    biases = np.concatenate(sheaf.net.biases)
    np.testing.assert_allclose(full - biases, r, atol=1e-12 * scale)
    np.testing.assert_allclose(sheaf.velocity(c), -delta.T @ r, atol=1e-12 * scale)
    assert np.isclose(sheaf.energy(c), 0.5 * r @ r)
    assert np.isclose(0.5 * np.sum(sheaf.discrepancy(c) ** 2), sheaf.energy(c))
    inactive, active = sheaf.wall_speeds(c)
    assert np.array_equal(np.where(sigma, active, inactive), sheaf.velocity(c)[: sheaf.h])


@given(problems())
def test_velocity_is_minus_the_gradient_of_the_energy(problem):
    sheaf, c = problem
    h = 1e-6
    margin = np.abs(c[: sheaf.h]).min()
    if margin < 10 * h:
        return  # a wall within the difference quotient's reach: the gradient has no one value there
    gradient = [(sheaf.energy(c + h * e) - sheaf.energy(c - h * e)) / (2 * h) for e in np.eye(sheaf.n)]
    np.testing.assert_allclose(-np.array(gradient), sheaf.velocity(c), atol=1e-6 * (1 + sheaf.energy(c)))


@given(problems(), seeds, st.integers(0, 3))
def test_fields_of_many_cochains_are_those_of_each(problem, seed, m):
    sheaf, c = problem
    many = np.vstack([c, np.random.default_rng(seed).standard_normal((m, sheaf.n))])[:m]
    size = sheaf.gain**2 * (1 + np.abs(c).max())
    for field in (sheaf.residual, sheaf.discrepancy, sheaf.velocity, sheaf.pattern):
        found = field(many)
        assert len(found) == m
        for row, one in zip(found, many, strict=True):
            np.testing.assert_allclose(row, field(one), rtol=0, atol=1e-13 * size)
    assert sheaf.energy(many).shape == (m,)
    np.testing.assert_allclose(sheaf.energy(many), [sheaf.energy(one) for one in many], atol=1e-13 * size**2)
    for k, one in enumerate(many):
        for found, speeds in zip(sheaf.wall_speeds(many), sheaf.wall_speeds(one), strict=True):
            np.testing.assert_allclose(found[k], speeds, rtol=0, atol=1e-13 * size)
        for found, layer in zip(sheaf.split(many), sheaf.split(one), strict=True):
            assert np.array_equal(found[k], layer)
    assert isinstance(sheaf.energy(c), float)


@given(problems())
def test_forward_pass_is_the_equilibrium(problem):
    sheaf, _ = problem
    rest = sheaf.harmonic_extension()
    np.testing.assert_allclose(sheaf.split(rest)[-1], sheaf.net.forward(sheaf.x))
    assert np.abs(sheaf.residual(rest)).max() <= 1e-13 * (1 + np.abs(rest).max())
    region = ActivationRegion(sheaf, sheaf.pattern(rest))
    np.testing.assert_allclose(region.equilibrium, rest, atol=1e-9 * (1 + np.abs(rest).max()))


@given(problems())
def test_flow_solves_the_affine_law(problem):
    sheaf, c = problem
    region = ActivationRegion(sheaf, sheaf.pattern(c))
    scale = 1 + np.abs(c).max() + np.abs(region.equilibrium).max()
    assert np.array_equal(region.flow(c, 0.0), c)
    half = region.flow(region.flow(c, 0.7), 0.6)
    np.testing.assert_allclose(half, region.flow(c, 1.3), atol=1e-11 * scale)
    h = 1e-5
    ahead, behind = region.flow(c, [0.5 + h, 0.5 - h])
    speed = region.velocity(region.flow(c, 0.5))
    np.testing.assert_allclose((ahead - behind) / (2 * h), speed, atol=1e-7 * scale * region.spectrum[-1])
    far = region.flow(c, 60 / region.rate)
    np.testing.assert_allclose(far, region.equilibrium, atol=1e-8 * scale)


@given(problems(), seeds)
def test_sliding_neurons_stay_and_the_others_follow_the_smaller_law(problem, seed):
    sheaf, c = problem
    i = seed % sheaf.h
    c[i] = 0.0
    region = ActivationRegion(sheaf, sheaf.pattern(c), sliding=[i])
    assert region.contains(c)
    assert region.modes[i] == "sliding"
    assert region.velocity(c)[i] == 0
    moving = region.moving
    np.testing.assert_allclose(region.velocity(c)[moving], sheaf.velocity(c)[moving], atol=1e-10)
    assert np.all(region.flow(c, [0.1, 5.0])[:, i] == 0)
    assert region.rate >= ActivationRegion(sheaf, region.pattern).rate - 1e-12  # interlacing


@given(problems(shapes=st.just([2, 5, 1])))
def test_spectrum_with_one_hidden_layer_and_one_output_has_the_closed_form(problem):
    sheaf, c = problem
    sigma = sheaf.pattern(c)
    s = float(np.sum((sheaf.net.weights[1][0] * sigma) ** 2))
    root = np.sqrt(s * s + 4 * s)
    expected = np.sort([*np.ones(4), (2 + s - root) / 2, (2 + s + root) / 2])
    np.testing.assert_allclose(ActivationRegion(sheaf, sigma).spectrum, expected, rtol=1e-10)


def test_place_and_index_undo_each_other():
    sheaf = Sheaf(Network.random([2, 3, 4, 1]), [1.0, -1.0])
    places = [sheaf.place(i) for i in range(sheaf.h)]
    assert places == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3)]
    assert [sheaf.index(*place) for place in places] == list(range(sheaf.h))


SHEAF = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Sheaf(SHEAF.net, [1.0]), r"`x` must have shape \(2,\), got \(1,\)"),
        (lambda: SHEAF.energy([1.0]), r"`c` must have shape \(5,\), got \(1,\)"),
        (lambda: SHEAF.velocity(np.zeros((3, 4))), r"`c` must have shape \(m, 5\), got \(3, 4\)"),
        (lambda: SHEAF.energy(np.zeros((1, 1, 5))), r"`c` must have shape \(5,\), got \(1, 1, 5\)"),
        (lambda: SHEAF.energy([1, 2, 3, 4, np.nan]), r"`c` must be finite, got nan at index \(4,\)"),
        (lambda: SHEAF.laplacian([1, 0, 1]), r"`pattern` must have shape \(4,\), one entry per hidden neuron, got \(3,\)"),
        (lambda: SHEAF.laplacian([1, 0, 1, 2]), r"`pattern` must hold 0 or 1 only, got \[1, 0, 1, 2\]"),
        (lambda: ActivationRegion(SHEAF, [1, 0, 1, 0], sliding=[4]), "`sliding` must hold neurons between 0 and 3, got 4"),
        (lambda: SHEAF.place(4), "`neuron` must be between 0 and 3, got 4"),
        (lambda: SHEAF.index(2, 0), "`layer` must be a hidden layer, 1 to 1, got 2"),
        (lambda: SHEAF.index(1, 4), "`neuron` must be between 0 and 3 in layer 1, got 4"),
        (lambda: SHEAF.cochains(np.zeros(5)), r"`starts` must have shape \(m, 5\), got \(5,\)"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_sheaf_needs_a_network():
    with pytest.raises(TypeError, match="`net` must be a Network, got str"):
        Sheaf("net", [1.0])  # type: ignore[arg-type]


def test_only_what_makes_a_sheaf_travels_to_another_process():
    sheaf = Sheaf(Network.random([2, 40, 40, 1], seed=0), [1.0, -1.0])
    before = len(pickle.dumps(sheaf))
    traj = Exact().run(sheaf, np.ones(sheaf.n), 60.0)
    assert sheaf.shared(Home) is sheaf.shared(Home)
    assert len(pickle.dumps(sheaf)) == before
    there = pickle.loads(pickle.dumps(sheaf))
    assert np.array_equal(there.boundary_term, sheaf.boundary_term)
    assert not there.x.flags.writeable
    assert np.array_equal(Exact().run(there, np.ones(there.n), 60.0).states, traj.states)


def test_what_a_sheaf_keeps_changes_no_digit_of_the_next_run():
    sheaf, starts = (
        Sheaf(Network.random([2, 8, 8, 1], seed=3), [1.0, -1.0]),
        np.random.default_rng(0).normal(size=(5, 17)),
    )
    for c0 in starts:
        fresh = Exact().run(Sheaf(sheaf.net, sheaf.x), c0, 60.0)
        again = Exact().run(sheaf, c0, 60.0)
        assert again.log == fresh.log
        assert np.array_equal(again.states, fresh.states)
