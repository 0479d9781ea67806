"""States, energies and velocities along a finished run: against the closed form of each stretch, and each other."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaflab import Euler, Exact, Network, Sheaf
from sheaflab.engine import dense, eigenbasis
from tests.sheaflab.strategies import problems, seeds

SHAPES = ([2, 4, 1], [2, 12, 1], [3, 5, 2], [2, 16, 16, 1], [2, *[4] * 12, 1])


def run(widths, seed=0, t_end=20.0, scale=3.0):
    sheaf = Sheaf(Network.random(widths, seed, bias_scale=0.5), np.linspace(1.0, -1.0, widths[0]))
    return Exact().run(sheaf, scale * np.random.default_rng(seed).standard_normal(sheaf.n), t_end)


def by_eigenvectors(traj, times):
    """The closed form of each stretch by its eigendecomposition: nothing of the engine but the stretches' starts."""
    states = np.empty((len(times), traj.sheaf.n))
    for row, t in zip(states, times, strict=True):
        piece = traj.pieces[int(np.searchsorted(traj.times[1:-1], t, side="right"))]
        row[:] = piece.region.flow(piece.state, t - piece.start)
    return states


@given(problems(), seeds, st.sampled_from(["auto", "closed", "taylor"]))
def test_states_are_those_of_the_closed_form_of_each_stretch(problem, seed, method):
    sheaf, c0 = problem
    traj = Exact(method).run(sheaf, c0, 20.0)
    times = np.concatenate([np.random.default_rng(seed).uniform(0, 20.0, 12), traj.times])
    size = np.abs(traj.states).max() + np.abs(sheaf.boundary_term).max()
    np.testing.assert_allclose(traj.at(times), by_eigenvectors(traj, times), rtol=0, atol=1e-11 * sheaf.gain * size)


@pytest.mark.parametrize("widths", SHAPES)
def test_the_times_of_the_run_give_its_states_to_the_last_digit(widths):
    traj = run(widths)
    assert len(traj.log) > 1
    assert np.array_equal(traj.at(traj.times[:-1]), traj.states[:-1])
    np.testing.assert_allclose(traj.at(traj.t_end), traj.states[-1], rtol=0, atol=1e-12 * np.abs(traj.states).max())


def test_a_neuron_without_weights_after_it_decays_to_its_drive():
    traj = Exact().run(Sheaf(Network([[[1.0]], [[0.0]]], [[1.0], [0.0]]), [1.0]), [-3.0, 1.0], 10.0)
    times = np.linspace(0.0, 10.0, 101)
    exact = np.stack([2.0 - 5.0 * np.exp(-times), np.exp(-times)], axis=1)
    np.testing.assert_allclose(traj.at(times), exact, rtol=0, atol=1e-14)
    moved = np.stack([5.0 * np.exp(-times), -np.exp(-times)], axis=1)
    np.testing.assert_allclose(traj.velocity(times), moved, rtol=0, atol=1e-14)
    np.testing.assert_allclose(traj.residual(times), -moved, rtol=0, atol=1e-14)
    np.testing.assert_allclose(traj.discrepancy(times), np.abs(moved), rtol=0, atol=1e-14)
    np.testing.assert_allclose(traj.energy(times), 13.0 * np.exp(-2 * times), rtol=1e-7)
    np.testing.assert_allclose(traj.slope(times), -2.0, rtol=1e-7)


@pytest.mark.parametrize("widths", SHAPES)
def test_a_state_depends_neither_on_the_order_of_times_nor_on_what_was_asked_before(widths):
    traj = run(widths)
    times = np.random.default_rng(1).uniform(0, traj.t_end, 200)
    states = traj.at(times)
    np.testing.assert_allclose(traj.at(np.sort(times)), states[np.argsort(times)], rtol=0, atol=1e-13)
    again = run(widths)
    for k in (150, 3, 77):
        np.testing.assert_allclose(again.at(times[k]), states[k], rtol=0, atol=1e-13)
    assert again.at(times.reshape(20, 10)).shape == (20, 10, traj.sheaf.n)
    assert again.at([]).shape == (0, traj.sheaf.n)


@pytest.mark.parametrize("widths", [[3, 5, 2], [2, 16, 16, 1]])
def test_neither_the_bound_of_memory_nor_the_closed_form_of_the_rest_changes_what_comes_out(widths, monkeypatch):
    times = np.random.default_rng(1).uniform(0, 20.0, 200)
    states = run(widths).at(times)
    monkeypatch.setattr(dense, "_ROOM", 1.0)
    again = run(widths)
    for part in (times, times[::-1]):
        np.testing.assert_allclose(again.at(part), states if part is times else states[::-1], rtol=0, atol=1e-13)
    assert len(again.pieces.dense._parts) == 1
    monkeypatch.setattr(eigenbasis, "DENSE", 0)
    np.testing.assert_allclose(run(widths).at(times), states, rtol=0, atol=1e-12)


@pytest.mark.parametrize("widths", SHAPES)
def test_what_follows_a_run_decomposes_no_mode_that_the_run_did_not(widths, monkeypatch):
    calls, eigh = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: calls.append(1) or eigh(matrix))
    traj = run(widths)
    made = len(calls)
    times = np.linspace(0.0, traj.t_end, 1000)
    traj.at(times), traj.energy(times), traj.slope(times), traj.velocity(times)
    for piece in traj.pieces:
        piece.at(np.linspace(piece.start, piece.end, 5))
    assert len(calls) == made


@pytest.mark.parametrize("widths", SHAPES)
def test_a_pickle_holds_the_run_and_nothing_that_was_computed_after_it(widths):
    traj = run(widths)
    before, times = pickle.dumps(traj), np.linspace(0.0, traj.t_end, 1000)
    states, energy = traj.at(times), traj.energy(times)
    after = pickle.dumps(traj)
    assert len(after) <= 10 * len(pickle.dumps((traj.log, traj.states)))
    assert len(after) == len(before)
    there = pickle.loads(after)
    assert there.log == traj.log
    assert there.repelled == traj.repelled
    assert np.array_equal(there.at(times), states)
    assert np.array_equal(there.energy(times), energy)


def test_a_pickled_region_computes_its_matrices_anew():
    traj = run([2, 16, 16, 1])
    region = traj.pieces[0].region
    small, rates = len(pickle.dumps(region)), region.spectrum
    assert len(pickle.dumps(region)) == small
    there = pickle.loads(pickle.dumps(region))
    assert there.modes == region.modes
    assert np.array_equal(there.spectrum, rates)


@given(problems(), seeds)
def test_velocity_and_slope_are_those_of_the_mode_there(problem, seed):
    sheaf, c0 = problem
    traj = Exact().run(sheaf, c0, 5.0)
    for t in np.random.default_rng(seed).uniform(0, 5.0, 5):
        piece = traj.pieces[int(np.searchsorted(traj.times[1:-1], t, side="right"))]
        c, size = traj.at(t), sheaf.gain**2 * (np.abs(traj.states).max() + np.abs(sheaf.boundary_term).max())
        np.testing.assert_allclose(traj.velocity(t), piece.region.velocity(c), rtol=0, atol=1e-12 * size)
        np.testing.assert_allclose(traj.residual(t), sheaf.residual(c), rtol=0, atol=1e-12 * size)
        if traj.energy(t) > 1e-12 * size**2:
            np.testing.assert_allclose(traj.slope(t), piece.region.slope(c), rtol=1e-6)


@pytest.mark.parametrize("widths", SHAPES)
def test_at_a_switch_the_slope_is_the_one_after_it_and_just_before_the_one_before(widths):
    traj = run(widths, t_end=3.0)
    switches = [s for s in traj.log if np.count_nonzero(traj.log.times == s.time) == 1]
    assert switches
    times = np.array([s.time for s in switches])
    np.testing.assert_allclose(traj.slope(times), [s.slope_after for s in switches], rtol=1e-8)
    np.testing.assert_allclose(traj.slope(times * (1 - 1e-12)), [s.slope_before for s in switches], rtol=1e-8)
    np.testing.assert_allclose(traj.energy(times), [s.energy for s in switches], rtol=1e-10)


def test_a_sliding_neuron_stands_still():
    sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[1.0], [0.0]]), [0.0])
    traj = Exact().run(sheaf, [0.0, -3.0], 5.0)
    assert traj.pieces[0].region.modes == ("sliding",)
    times = np.linspace(0.0, traj.log.times[0], 9, endpoint=False)
    assert not traj.at(times)[:, 0].any()
    assert not traj.velocity(times)[:, 0].any()
    np.testing.assert_allclose(traj.velocity(times)[:, 1], 3.0 * np.exp(-times), rtol=1e-14)
    assert traj.velocity(traj.log.times[0] + 0.1)[0] > 0


def test_time_stepping_runs_have_the_same_fields():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=3), [1.0, -1.0])
    traj = Euler(dt=0.01).run(sheaf, [2.0, -1.0, 1.0, -2.0, 1.0], 5.0)
    times = traj.times[:-1] + 1e-9
    moved = (traj.states[1:] - traj.states[:-1]) / np.diff(traj.times)[:, None]
    calm = ~np.isin(np.arange(len(moved)), [np.searchsorted(traj.times, p.start) - 1 for p in traj.pieces])
    np.testing.assert_allclose(traj.velocity(times)[calm], moved[calm], rtol=0, atol=1e-6)
    v, energy = traj.velocity(times), traj.energy(times)
    np.testing.assert_allclose(traj.slope(times), -np.square(v).sum(axis=1) / energy, rtol=1e-12)
    np.testing.assert_allclose(0.5 * np.square(traj.discrepancy(times)).sum(axis=1), energy, rtol=1e-12)


def test_times_outside_the_run_are_named():
    traj = run([2, 4, 1])
    for field in (traj.at, traj.energy, traj.residual, traj.discrepancy, traj.velocity, traj.slope):
        with pytest.raises(ValueError, match=r"`times` must lie between 0 and 20\.0, got 21\.0"):
            field([1.0, 21.0])
        assert len(field([])) == 0
