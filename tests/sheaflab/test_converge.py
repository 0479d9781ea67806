"""Runs that end when the energy has fallen far enough."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from sheaflab.results import Outcome
from tests.sheaflab.strategies import problems

METHODS = ["auto", "closed", "taylor"]


def decaying():
    """z = 2 - 5 exp(-t), which crosses at log 2.5, and an output exp(-t) of weight zero: V = 13 exp(-2 t)."""
    return Sheaf(Network([[[1.0]], [[0.0]]], [[1.0], [0.0]]), [1.0]), [-3.0, 1.0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("t_end", [60.0, math.inf])
@pytest.mark.parametrize("energy", [12.9, 2.5, 1.0, 1e-3, 1e-12])
def test_a_run_ends_when_its_energy_is_the_one_asked_for(method, t_end, energy):
    traj = Exact(method).run(*decaying(), t_end, until=energy)
    assert traj.outcome is Outcome.CONVERGED
    assert traj.outcome.complete
    assert traj.t_end == pytest.approx(0.5 * math.log(13.0 / energy), rel=1e-8, abs=0)
    assert traj.energy(traj.t_end) <= energy
    assert traj.energy(traj.t_end * (1 - 1e-8)) > energy
    assert traj.log.t_end == traj.t_end == traj.pieces[-1].end
    assert len(traj.pieces) == len(traj.times) - 1
    assert len(traj.log) == (energy < 13.0 / 2.5**2)
    assert traj.certify().verdict is Verdict.PROVED


@pytest.mark.parametrize("t_end", [60.0, math.inf])
def test_a_start_that_is_close_enough_is_the_end(t_end):
    sheaf, start = decaying()
    traj = Exact().run(sheaf, start, t_end, until=13.0)
    assert (traj.outcome, traj.t_end, len(traj.log)) == (Outcome.CONVERGED, 0.0, 0)
    assert np.array_equal(traj.at(0.0), start)
    resting = Exact().run(sheaf, sheaf.harmonic_extension(), math.inf)
    assert (resting.outcome, resting.t_end) == (Outcome.CONVERGED, 0.0)


@settings(max_examples=50)
@given(problems(), st.sampled_from(METHODS), st.floats(-12.0, -1.0))
def test_the_log_is_the_one_of_a_longer_run_up_to_there(problem, method, power):
    sheaf, c0 = problem
    energy = 10.0**power * sheaf.energy(c0)
    traj = Exact(method).run(sheaf, c0, math.inf, until=energy)
    assert traj.outcome is Outcome.CONVERGED
    assert traj.energy(traj.t_end) <= energy * (1 + 1e-9)
    assert traj.energy(traj.t_end * (1 - 1e-6)) > energy
    longer = Exact(method).run(sheaf, c0, 2 * traj.t_end)
    earlier = [s for s in longer.log if s.time < traj.t_end * (1 - 1e-9)]
    assert [(s.layer, s.neuron, s.before, s.after) for s in traj.log][: len(earlier)] == [
        (s.layer, s.neuron, s.before, s.after) for s in earlier
    ]
    assert len(traj.log) - len(earlier) in (0, np.count_nonzero(np.abs(longer.log.times - traj.t_end) <= 1e-8 * traj.t_end))
    size = np.abs(traj.states).max() + np.abs(sheaf.boundary_term).max()
    np.testing.assert_allclose(traj.at(traj.t_end), longer.at(traj.t_end), rtol=0, atol=1e-8 * size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 4, 3, 2], [2, 16, 16, 1], [2, *[3] * 8, 1]], ids=str)
def test_a_run_without_an_end_reaches_the_forward_pass(method, widths):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        sheaf = Sheaf(Network.random(widths, rng, bias_scale=0.5), [1.0, -1.0])
        traj = Exact(method).run(sheaf, 3.0 * rng.standard_normal(sheaf.n), math.inf)
        assert traj.outcome is Outcome.CONVERGED
        assert traj.energy(traj.t_end) < 1e-24 * traj.energy(0.0)
        assert traj.energy(0.3 * traj.t_end) > 1e-20 * traj.energy(0.0)  # and not long after it has
        np.testing.assert_allclose(traj.states[-1], sheaf.harmonic_extension(), rtol=0, atol=1e-10)


def test_rates_that_keep_the_energy_above_its_rounding_end_a_run_too():
    net = Network.random([2, 3, 3, 1], 0)
    sheaf = Sheaf(Network([net.weights[0], *(100.0 * w for w in net.weights[1:])], net.biases), [1.0, -1.0])
    traj = Exact().run(sheaf, np.random.default_rng(0).standard_normal(sheaf.n), math.inf)
    assert traj.outcome is Outcome.CONVERGED
    assert traj.t_end < 1e13
    np.testing.assert_allclose(traj.states[-1], sheaf.harmonic_extension(), rtol=1e-6)


def test_an_end_that_comes_first_is_the_plain_run():
    sheaf, start = decaying()
    plain, early = Exact().run(sheaf, start, 3.0), Exact().run(sheaf, start, 3.0, until=1e-9)
    assert (early.outcome, early.t_end, early.log) == (Outcome.REACHED_END, 3.0, plain.log)
    assert np.array_equal(early.states, plain.states)
    late = Exact().run(sheaf, start, 100.0, until=1e-200)
    assert (late.outcome, late.t_end) == (Outcome.REACHED_END, 100.0)


def test_an_event_budget_comes_before_convergence_as_it_is():
    sheaf = Sheaf(Network.random([2, 16, 16, 1], seed=5), [1.0, -1.0])
    start = 2.0 * np.random.default_rng(6).standard_normal(sheaf.n)
    cut, plain = (Exact(max_events=3).run(sheaf, start, t_end) for t_end in (math.inf, 60.0))
    assert cut.outcome is plain.outcome is Outcome.EVENT_BUDGET
    assert cut.log == plain.log


def busy(widths=(2, 16, 16, 1)):
    sheaf = Sheaf(Network.random(list(widths), seed=5), [1.0, -1.0])
    return sheaf, 2.0 * np.random.default_rng(6).standard_normal(sheaf.n)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("widths", [(2, 8, 1), (2, 16, 16, 1)], ids=str)
@pytest.mark.parametrize("options", [{}, {"t_end": math.inf}, {"t_end": math.inf, "until": 1.0}, {"t_end": 400.0, "until": 1e-9}], ids=str)
def test_each_switch_of_the_log_is_told_once_and_in_order(method, widths, options):
    told = []
    traj = Exact(method).run(*busy(widths), on_switch=told.append, **options)
    assert len(told) >= 3
    assert told == list(traj.log)
    plain = Exact(method).run(*busy(widths), **options)
    assert (traj.log, traj.outcome) == (plain.log, plain.outcome)
    assert np.array_equal(traj.states, plain.states)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("widths", [(2, 8, 1), (2, 16, 16, 1)], ids=str)
@pytest.mark.parametrize("t_end", [60.0, math.inf])
def test_what_is_told_may_stop_the_run(method, widths, t_end):
    plain = Exact(method).run(*busy(widths))
    traj = Exact(method).run(*busy(widths), t_end, on_switch=lambda s: s.time >= plain.log[2].time)
    assert traj.outcome is Outcome.STOPPED
    assert not traj.outcome.complete
    assert list(traj.log) == list(plain.log[:3])
    assert traj.t_end == plain.log[2].time
    assert len(traj.pieces) == len(traj.times) - 1
    assert np.array_equal(traj.states, plain.states[: len(traj.states)])


def test_all_switches_of_an_instant_are_told_before_a_run_stops():
    sheaf = Sheaf(Network([[[1.0], [1.0]], [[0.5, 0.5]]], [[1.0, 1.0], [0.0]]), [1.0])
    told = []
    traj = Exact().run(sheaf, [-1.0, -1.0, 0.0], on_switch=lambda s: told.append(s.neuron) or True)
    assert told == [0, 1]
    assert len(traj.log) == 2


def test_a_budget_ends_a_run_that_is_told_too_and_errors_come_through():
    assert Exact(max_events=2).run(*busy(), on_switch=lambda s: None).outcome is Outcome.EVENT_BUDGET
    with pytest.raises(ZeroDivisionError):
        Exact().run(*busy(), on_switch=lambda s: 1 / 0)


def test_bad_arguments_are_named():
    sheaf, start = decaying()
    for options, message in (
        ({"until": 0.0}, "`until` must be finite and greater than 0"),
        ({"until": math.inf}, "`until` must be finite and greater than 0"),
        ({"until": 1.0, "t_end": -1.0}, "`t_end` must be greater than 0"),
        ({"t_end": math.nan}, "`t_end` must be greater than 0, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            Exact().run(sheaf, start, **options)
    with pytest.raises(ValueError, match="`c0` must have shape"):
        Exact().run(sheaf, start[:1], math.inf)
