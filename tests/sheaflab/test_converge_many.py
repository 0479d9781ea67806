"""Ensembles whose runs end when their energies have fallen far enough: each as its single run does."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaflab import Ensemble, Euler, Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from sheaflab.engine import falling
from sheaflab.engine.falling import waits_to
from sheaflab.results import Outcome
from tests.sheaflab.strategies import problems

METHODS = ["auto", "closed", "taylor"]


def words(log):
    return [(s.layer, s.neuron, s.before, s.after) for s in log]


def agrees(ensemble, k, traj, rtol=1e-8, atol=1e-9):
    """Run `k` ends as a single run does; a switch as late as the end, to rounding, may be in one of the logs alone."""
    assert ensemble.outcome(k) is traj.outcome
    # A start whose energy is the one asked for, to rounding, ends at 0 or at once.
    np.testing.assert_allclose(ensemble.ends[k], traj.t_end, rtol=rtol, atol=1e-13)
    size = np.abs(traj.states).max() + np.abs(traj.sheaf.boundary_term).max()
    np.testing.assert_allclose(ensemble.finals[k], traj.states[-1], rtol=0, atol=atol * size)
    early = traj.t_end * (1 - 10 * rtol)
    told, alone = ([s for s in log if s.time < early] for log in (ensemble[k], traj.log))
    assert words(told) == words(alone)
    np.testing.assert_allclose([s.time for s in told], [s.time for s in alone], rtol=1e-8)
    assert abs(len(ensemble[k]) - len(traj.log)) <= sum(s.time >= early for log in (ensemble[k], traj.log) for s in log)


@st.composite
def ensembles(draw):
    """A sheaf or a network with inputs, starts, and what single runs take for each: also pinned, and as a product."""
    sheaf, c0 = draw(problems())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    starts = c0 * rng.choice([0.0, 0.1, 1.0, 3.0], (4, 1)) + rng.standard_normal((4, sheaf.n)) * rng.choice([0.0, 1.0])
    if draw(st.booleans()):  # one of them slides, or rests, from the start on
        starts[0, 0] = 0.0
    kind = draw(st.sampled_from(["one", "pinned", "pairs", "product"]))
    if kind == "pinned":
        sheaf = Sheaf(sheaf.net, sheaf.x, {(len(sheaf.net.weights), 0): float(rng.standard_normal())})
        starts = np.array([sheaf.hold(row) for row in starts])
    if kind in ("one", "pinned"):
        return (sheaf, starts), {}, [(sheaf, row) for row in starts]
    X = rng.standard_normal((4, sheaf.net.widths[0]))
    if kind == "pairs":
        return (sheaf.net, starts), {"X": X}, [(Sheaf(sheaf.net, x), row) for x, row in zip(X, starts, strict=True)]
    alone = [(Sheaf(sheaf.net, x), row) for x in X for row in starts[:2]]
    return (sheaf.net, starts[:2]), {"X": X, "product": True}, alone


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(ensembles(), st.sampled_from(METHODS), st.sampled_from([0.3, 7.0, 100.0, math.inf]), st.floats(-10.0, 1.0))
def test_every_run_ends_as_its_single_run_does(problem, method, t_end, power):
    many, options, alone = problem
    energy = 10.0**power * max(max(sheaf.energy(c0) for sheaf, c0 in alone), 1e-3)
    ensemble = Exact(method).ensemble(*many, t_end, until=energy, **options)
    for k, (sheaf, c0) in enumerate(alone):
        agrees(ensemble, k, Exact(method).run(sheaf, c0, t_end, until=energy))
    assert np.isfinite(ensemble.sliding_share).all()


def many(widths, m=40, seed=0):
    sheaf = Sheaf(Network.random(widths, seed, bias_scale=0.3), np.resize([1.0, -1.0], widths[0]))
    rng = np.random.default_rng(seed + 1)
    starts = rng.choice([0.5, 2.0, 5.0], (m, 1)) * rng.standard_normal((m, sheaf.n))
    starts[::9, 0] = 0.0
    return sheaf, starts


SHAPES = [[2, 8, 1], [2, 6, 5, 2], [2, 16, 16, 1]]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", "taylor"])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
@pytest.mark.parametrize(("t_end", "until"), [(60.0, 1e-3), (math.inf, 1e-9), (1.0, 0.5), (60.0, 2.0), (60.0, 0.2), (math.inf, 1e6)])
def test_runs_end_together_as_they_do_alone(widths, method, t_end, until):
    sheaf, starts = many(widths)
    ensemble = Exact(method).ensemble(sheaf, starts, t_end, until=until)
    for k, c0 in enumerate(starts):
        traj = Exact(method).run(sheaf, c0, t_end, until=until)
        agrees(ensemble, k, traj, 1e-11, 1e-12)
        assert words(ensemble[k]) == words(traj.log)
    ended = np.array([ensemble.outcome(k) is Outcome.CONVERGED for k in range(len(starts))])
    assert (ensemble.energies[1][ended] <= until * (1 + 1e-12)).all()
    assert (ensemble.ends[~ended] == t_end).all()
    if t_end == math.inf:
        assert ended.all()


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_without_until_an_endless_ensemble_ends_where_energies_are_rounding(widths):
    sheaf, starts = many(widths)
    ensemble = Exact().ensemble(sheaf, starts, math.inf)
    assert ensemble.outcomes == {Outcome.CONVERGED: len(starts)}
    assert ensemble.t_end == math.inf
    np.testing.assert_allclose(ensemble.finals, np.tile(sheaf.forward_pass(), (len(starts), 1)), rtol=0, atol=1e-10)
    for k, c0 in enumerate(starts):  # near rounding, so is the time
        agrees(ensemble, k, Exact().run(sheaf, c0, math.inf), 0.02, 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_no_digit_depends_on_the_company_or_the_executor(widths):
    sheaf, starts = many(widths, 30)
    whole = Exact().ensemble(sheaf, starts, math.inf, until=1e-4)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        others = [
            Exact().ensemble(sheaf, starts, math.inf, until=1e-4, **options)
            for options in ({"chunk": 1}, {"chunk": 7}, {"chunk": 8, "executor": pool})
        ]
    for other in others:
        for name in whole.columns:
            np.testing.assert_array_equal(whole.columns[name], other.columns[name])
        np.testing.assert_array_equal(whole.ends, other.ends)
        np.testing.assert_array_equal(whole.finals, other.finals)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 5, 4, 2]], ids=str)
def test_one_of_one_start_is_the_run_to_the_last_digit(widths, method):
    sheaf, starts = many(widths, 5)
    for c0 in starts:
        one = Exact(method).ensemble(sheaf, c0[None], math.inf, until=1e-5)
        traj = Exact(method).run(sheaf, c0, math.inf, until=1e-5)
        assert (one[0], one.ends[0], one.outcome(0)) == (traj.log, traj.t_end, traj.outcome)
        assert np.array_equal(one.finals[0], traj.states[-1])


def test_starts_below_are_their_own_ends():
    sheaf, starts = many([2, 8, 1], 6)
    starts[2] = sheaf.forward_pass()
    for t_end in (1.0, math.inf):
        ensemble = Exact().ensemble(sheaf, starts, t_end, until=1e-20)
        assert (ensemble.ends[2], ensemble.counts[2], ensemble.outcome(2)) == (0.0, 0, Outcome.CONVERGED)
        assert (np.delete(ensemble.ends, 2) > 0).all()
        assert np.array_equal(ensemble.finals[2], starts[2])
        assert ensemble.sliding_share[2] == 0.0
        assert ensemble.trajectory(2).t_end == 0.0


@pytest.mark.parametrize(("widths", "factor"), [([2, 8, 1], 8.0), ([2, 6, 5, 2], 2.0)], ids=str)
def test_rates_that_lie_far_apart_take_runs_beyond_the_first_horizon(widths, factor):
    sheaf, starts = many(widths, 20)
    weights = [sheaf.net.weights[0], *(factor * w for w in sheaf.net.weights[1:])]
    slow = Sheaf(Network(weights, sheaf.net.biases), sheaf.x)  # so slow that certificates still decide each run
    ensemble = Exact().ensemble(slow, starts, math.inf, until=1e-10)
    assert 60.0 < ensemble.ends.max() < math.inf
    for k, c0 in enumerate(starts):
        agrees(ensemble, k, Exact().run(slow, c0, math.inf, until=1e-10), 1e-7)


def test_an_event_budget_ends_runs_that_would_converge_later():
    sheaf, starts = many([2, 16, 16, 1])
    ensemble = Exact(max_events=12).ensemble(sheaf, starts, math.inf, until=1e-2)
    assert set(ensemble.outcomes) == {Outcome.EVENT_BUDGET, Outcome.CONVERGED}
    for k, c0 in enumerate(starts):
        agrees(ensemble, k, Exact(max_events=12).run(sheaf, c0, math.inf, until=1e-2))


def test_what_follows_an_ensemble_takes_its_own_ends(tmp_path):
    sheaf, starts = many([2, 8, 1], 12)
    ensemble = Exact().ensemble(sheaf, starts, math.inf, until=1e-6)
    again = Ensemble.load(ensemble.save(tmp_path / "runs.npz"))
    assert again.t_end == math.inf
    np.testing.assert_array_equal(again.ends, ensemble.ends)
    for k in (1, 4):
        traj = ensemble.trajectory(k)
        assert traj.t_end == ensemble.ends[k]
        assert traj.outcome is Outcome.CONVERGED
        assert traj.certify().verdict is Verdict.PROVED
    assert ensemble.at(0.5 * ensemble.ends.min()).shape == starts.shape


def test_a_row_whose_next_event_lies_beyond_its_series_ends_by_the_closed_form(monkeypatch):
    """As where a look by other series has found an event after the step: here every row is taken for one."""
    sheaf, starts = many([2, 6, 5, 2])
    plain = Exact().ensemble(sheaf, starts, until=0.3)
    once = falling.Falling.in_step
    monkeypatch.setattr(falling.Falling, "in_step", lambda self, *a: once(self, *a[:-1], range(10_000)))
    other = Exact().ensemble(sheaf, starts, until=0.3)
    np.testing.assert_allclose(other.ends, plain.ends, rtol=1e-11)
    np.testing.assert_allclose(other.finals, plain.finals, rtol=0, atol=1e-12)
    assert not np.array_equal(other.ends, plain.ends)


def test_a_leap_to_an_event_ends_before_it():
    """One neuron fires at t = 6.9; the other's weight makes the steps to there short and many."""
    sheaf = Sheaf(Network([[[1.0], [1.0]], [[0.0, 20.0]]], [[1e-3, 1.0], [0.0]]), [0.0])
    starts = np.array([[-1.0, 2.0, 1.0], [-1.1, 2.0, 1.0]])
    exact = Exact("taylor")
    plain = exact.ensemble(sheaf, starts)
    assert plain.counts.tolist() == [1, 1]
    energy = sheaf.energy(plain.trajectory(0).at(5.0))
    ensemble = exact.ensemble(sheaf, starts, until=energy)
    for k, c0 in enumerate(starts):
        agrees(ensemble, k, exact.run(sheaf, c0, until=energy), 1e-11)
    assert ensemble.counts.tolist() == [0, 0]


def test_waits_are_found_next_to_where_the_energy_falls_and_down_to_the_least():
    targets = np.array([0.5, 1e-5, 0.9999])
    waits = waits_to(lambda w: np.exp(-w), np.zeros(3), np.full(3, 60.0), targets)
    np.testing.assert_allclose(waits, -np.log(targets), rtol=1e-11)
    steep = waits_to(lambda w: np.where(w > 0, 0.0, 1.0), np.zeros(1), np.ones(1), np.full(1, 0.5))
    assert 0 < steep[0] < 1e-300


def test_bad_arguments_are_named_as_by_a_run():
    sheaf, starts = many([2, 4, 1], 3)
    for options, message in (
        ({"until": 0.0}, "`until` must be finite and greater than 0"),
        ({"until": math.inf}, "`until` must be finite and greater than 0"),
        ({"until": 1.0, "t_end": -1.0}, "`t_end` must be greater than 0"),
        ({"t_end": math.nan}, "`t_end` must be greater than 0, got nan"),
    ):
        for rows in (starts, starts[:1]):
            with pytest.raises(ValueError, match=message):
                Exact().ensemble(sheaf, rows, **options)
    with pytest.raises(ValueError, match="`starts` must have shape"):
        Exact().ensemble(sheaf, starts[0], math.inf)
    with pytest.raises(ValueError, match="`t_end` must be finite"):
        Euler().ensemble(sheaf, starts, math.inf)


@pytest.mark.parametrize("starts", [[[1e200] * 5], [[1e200] * 5] * 2])
def test_starts_whose_squares_are_no_numbers_are_refused_without_an_end_too(starts):
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    with pytest.raises(ValueError, match="must give numbers up to"):
        Exact().ensemble(sheaf, starts, t_end=np.inf)
    with pytest.raises(ValueError, match="must give numbers up to"):
        Exact().run(sheaf, starts[0], t_end=np.inf)
