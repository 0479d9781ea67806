"""Ensembles: the same logs as single runs, the same digits whatever the chunk and the executor."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from sheaflab import Ensemble, Euler, EventEuler, Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from sheaflab.engine.replay import replay
from sheaflab.results import Event, Outcome


def many(widths, m=120, seed=0):
    sheaf = Sheaf(Network.random(widths, seed), np.resize([1.0, -1.0], widths[0]))
    rng = np.random.default_rng(seed + 1)
    starts = rng.choice([0.5, 2.0, 5.0], (m, 1)) * rng.standard_normal((m, sheaf.n))
    starts[0, 0] = 0.0  # one start on a wall
    return sheaf, starts


def same(a, b):
    assert set(a.columns) == set(b.columns)
    for name in a.columns:
        np.testing.assert_array_equal(a.columns[name], b.columns[name])
    np.testing.assert_array_equal(a.finals, b.finals)
    np.testing.assert_array_equal(a.ends, b.ends)


SHAPES = [[2, 4, 1], [2, 9, 1], [3, 5, 2], [2, 4, 4, 1], [2, 16, 16, 1], [1, 2, 2, 2, 2, 1], [2, 7, 1, 5, 3]]


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_logs_are_those_of_single_runs(widths):
    sheaf, starts = many(widths)
    ensemble = Exact().ensemble(sheaf, starts, 30.0)
    assert len(ensemble) == len(starts)
    assert ensemble.outcomes == {Outcome.REACHED_END: len(starts)}
    for k, log in enumerate(ensemble):
        traj = Exact().run(sheaf, starts[k], 30.0)
        assert log.certified
        assert [(s.layer, s.neuron, s.before, s.after) for s in log] == [
            (s.layer, s.neuron, s.before, s.after) for s in traj.log
        ]
        np.testing.assert_allclose(log.times, traj.log.times, rtol=1e-10)
        np.testing.assert_allclose(log.kinks(), traj.log.kinks(), rtol=1e-8, atol=1e-11)
        np.testing.assert_allclose(ensemble.finals[k], traj.states[-1], atol=1e-12)
        assert (ensemble.counts[k], ensemble.crossings[k], ensemble.slides[k]) == (log.count, log.crossings, log.slides)
        slid = sum(p.end - p.start for p in traj.pieces if p.region.sliding)
        assert ensemble.sliding_share[k] == pytest.approx(slid / 30.0, abs=1e-12)
    assert ensemble.histogram().sum() == len(starts)
    np.testing.assert_allclose(ensemble.energies[0], [sheaf.energy(c) for c in starts])
    assert len(ensemble.kinks) == ensemble.counts.sum()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [Exact(), Exact("taylor"), Exact("closed"), Euler(0.02), EventEuler(0.05)], ids=repr)
@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 5, 4, 2]], ids=str)
def test_every_digit_is_the_same_for_any_chunk_and_executor(scheme, widths):
    sheaf, starts = many(widths, 20)
    whole = scheme.ensemble(sheaf, starts, 6.0)
    for chunk in (1, 7, 19):
        same(whole, scheme.ensemble(sheaf, starts, 6.0, chunk=chunk))
    with ThreadPoolExecutor(3) as threads:
        same(whole, scheme.ensemble(sheaf, starts, 6.0, chunk=6, executor=threads))


@pytest.mark.parametrize("widths", [[2, 16, 16, 1], [2, 33, 7, 1]], ids=str)
def test_a_deep_row_keeps_its_digits_in_any_company(widths):
    """Rows change their places in the pool as others end: no product may round by place or number."""
    sheaf, starts = many(widths, 100)
    whole = Exact().ensemble(sheaf, starts)
    for chunk in (33, 99):
        same(whole, Exact().ensemble(sheaf, starts, chunk=chunk))
    back = Exact().ensemble(sheaf, starts[::-1])
    np.testing.assert_array_equal(whole.finals, back.finals[::-1])
    assert [tuple(log) for log in whole] == [tuple(log) for log in back][::-1]


@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 4, 4, 1]], ids=str)
def test_a_process_pool_gives_the_same_digits(widths):
    sheaf, starts = many(widths, 40)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same(Exact().ensemble(sheaf, starts), Exact().ensemble(sheaf, starts, executor=pool, chunk=9))


@pytest.mark.parametrize("scheme", [Euler(0.01), EventEuler(0.01), EventEuler(0.05, tol=1e-3)], ids=repr)
def test_a_batched_scheme_steps_as_its_single_runs_do(scheme):
    sheaf, starts = many([2, 4, 3, 1], 20)
    ensemble = scheme.ensemble(sheaf, starts, 5.0)
    assert not ensemble.certified
    assert ensemble.counts.max() > 20  # some slide: there bisection stops at every wall once a step
    for k, log in enumerate(ensemble):
        traj = scheme.run(sheaf, starts[k], 5.0)
        assert [(s.layer, s.neuron, s.before, s.after) for s in log] == [
            (s.layer, s.neuron, s.before, s.after) for s in traj.log
        ]
        np.testing.assert_allclose(log.times, traj.log.times, rtol=1e-12)
        np.testing.assert_allclose(log.kinks(), traj.log.kinks(), rtol=1e-9)
        np.testing.assert_allclose(ensemble.finals[k], traj.states[-1], rtol=1e-12)


def test_a_subclass_that_locates_otherwise_keeps_its_own_way():
    class Lazy(EventEuler):
        def locate(self, region, c, h):
            return h

    sheaf, starts = many([2, 4, 1], 4)
    assert Lazy(0.05).ensemble(sheaf, starts, 5.0)[1] == Lazy(0.05).run(sheaf, starts[1], 5.0).log


@pytest.mark.parametrize("widths", [[2, 8, 1], [2, 6, 6, 1]], ids=str)
def test_an_event_budget_ends_a_run_where_a_single_run_ends(widths):
    sheaf, starts = many(widths, 30)
    exact = Exact(max_events=2)
    short = exact.ensemble(sheaf, starts)
    assert short.outcomes[Outcome.EVENT_BUDGET] > 0
    assert short.counts.max() <= 3
    for k in range(len(starts)):
        traj = exact.run(sheaf, starts[k])
        assert short.outcome(k) is traj.outcome
        np.testing.assert_allclose(short.ends[k], traj.t_end, rtol=1e-12)
        np.testing.assert_allclose(short.finals[k], traj.states[-1], atol=1e-12)


@pytest.mark.parametrize(("scheme", "dt"), [(Euler, 5.0), (EventEuler, 1e160)])
def test_overflow_and_step_budgets(scheme, dt):
    sheaf, starts = many([2, 8, 1], 12)
    wild = scheme(dt).ensemble(sheaf, starts, 1e3 * dt)
    assert wild.outcomes == {Outcome.UNSTABLE: 12}
    with np.errstate(over="ignore"):
        traj = scheme(dt).run(sheaf, starts[3], 1e3 * dt)
    assert (wild.outcome(3), wild.ends[3], wild.counts[3]) == (traj.outcome, traj.t_end, traj.log.count)
    assert np.isfinite(wild.finals).all()
    assert scheme(0.1, max_steps=3).ensemble(sheaf, starts).outcomes == {Outcome.STEP_BUDGET: 12}


def test_bad_starts_are_named(capsys):
    sheaf, starts = many([2, 4, 1], 3)
    with pytest.raises(ValueError, match=r"`starts` must have shape \(m, 5\)"):
        Exact().ensemble(sheaf, starts[0])
    with pytest.raises(ValueError, match="at least one row"):
        Exact().ensemble(sheaf, starts[:0])
    Exact().ensemble(sheaf, starts, progress=True)
    assert "100%" in capsys.readouterr().err


def test_an_executor_must_be_one():
    sheaf, starts = many([2, 4, 1], 3)
    with pytest.raises(TypeError, match=r"`executor` must be a concurrent\.futures\.Executor or None, got 3"):
        Exact().ensemble(sheaf, starts, executor=3)


@pytest.mark.parametrize("k", [slice(0, 1), True, np.True_, 1.0, None], ids=repr)
def test_a_run_is_named_by_an_integer(pair, k):
    for call in (pair[0].__getitem__, pair[0].outcome, pair[0].trajectory):
        with pytest.raises(TypeError, match=rf"`k` must be an integer, the number of one run, got {re.escape(repr(k))}"):
            call(k)


def test_an_outcome_is_of_a_run_that_there_is(pair):
    with pytest.raises(IndexError, match="`k` must be between -30 and 29, got 30"):
        pair[0].outcome(30)
    assert pair[0].outcome(np.int32(-1)) is pair[0].outcome(29)


def inputs(widths, m=30):
    sheaf, starts = many(widths, m)
    return sheaf.net, starts, np.random.default_rng(5).standard_normal((m, widths[0]))


@pytest.fixture(params=[[2, 5, 1], [3, 5, 2], [2, 4, 4, 1]], ids=str)
def pair(request):
    """An ensemble of one sheaf, and one of many inputs."""
    sheaf, starts = many(request.param, 30)
    net, _, X = inputs(request.param)
    return Exact().ensemble(sheaf, starts, 12.0), Exact().ensemble(net, starts, 12.0, X=X)


def test_a_run_of_an_ensemble_is_a_trajectory_with_its_log(pair):
    for ensemble in pair:
        for k in (0, 3, 17, -1):
            traj, sheaf = ensemble.trajectory(k), ensemble.sheaf.of(k % 30)
            assert traj.log == ensemble[k]
            assert traj.certify().verdict is not Verdict.REFUTED
            alone = Exact().run(sheaf, ensemble.starts[k], 12.0)
            np.testing.assert_allclose(traj.states, alone.states, rtol=0, atol=1e-10)
            assert [p.region.modes for p in traj.pieces] == [p.region.modes for p in alone.pieces]
            times = np.linspace(0.0, 12.0, 50)
            np.testing.assert_allclose(traj.at(times), alone.at(times), rtol=0, atol=1e-10)
            np.testing.assert_allclose(traj.states[-1], ensemble.finals[k], rtol=0, atol=1e-11)
            for s in traj.log:
                where = np.searchsorted(traj.times, s.time)
                assert traj.states[where, sheaf.index(s.layer, s.neuron)] == 0.0
    assert sum(ensemble.trajectory(k).certify().holds for k in range(10)) >= 8


def test_a_run_cut_short_is_the_trajectory_up_to_there():
    sheaf, starts = many([2, 8, 1], 30)
    ensemble = Exact(max_events=2).ensemble(sheaf, starts)
    k = next(k for k in range(30) if ensemble.outcome(k) is Outcome.EVENT_BUDGET)
    traj, alone = ensemble.trajectory(k), Exact(max_events=2).run(sheaf, starts[k])
    assert traj.outcome is Outcome.EVENT_BUDGET
    assert len(traj.pieces) == len(alone.pieces) == len(traj.times) - 1
    np.testing.assert_allclose(traj.states, alone.states, rtol=0, atol=1e-11)


def test_two_switches_of_one_neuron_at_one_instant_follow_each_other():
    sheaf = Sheaf(Network([[[1.0]], [[0.0]]], [[1.0], [0.0]]), [0.0])
    events = [Event(0.5, 0, 0, 1, 1.0, -1.0, -1.0), Event(0.5, 0, 1, 0, 1.0, -1.0, -1.0)]
    record = replay(sheaf, np.array([-1.0, 0.0]), np.zeros(1, dtype=np.int8), events, 1.0, Outcome.REACHED_END)
    assert record.times == [0.0, 0.5, 0.5, 1.0]
    assert record.modes == [b"\0", b"\1", b"\0"]


def test_states_of_all_runs_at_a_time_are_those_of_each(pair):
    for ensemble in pair:
        times = [0.0, 0.3, 5.0, 12.0]
        states = ensemble.at(times)
        assert states.shape == (4, *ensemble.starts.shape)
        assert np.array_equal(states[0], ensemble.starts)
        assert np.array_equal(states[-1], ensemble.finals)
        for k in (0, 11, 29):
            np.testing.assert_allclose(states[:, k], ensemble.trajectory(k).at(times), rtol=0, atol=1e-10)
        assert np.array_equal(ensemble.at(5.0), states[2])


def test_states_and_trajectories_are_refused_where_there_are_none(pair):
    ensemble = pair[0]
    with pytest.raises(ValueError, match=r"`times` must lie between 0 and 12\.0, which all runs reach, got 13\.0"):
        ensemble.at([1.0, 13.0])
    with pytest.raises(IndexError, match="`k` must be between -30 and 29, got 30"):
        ensemble.trajectory(30)
    stepped = Euler(0.1).ensemble(ensemble.sheaf, ensemble.starts, 1.0)
    for call in (lambda: stepped.at(0.5), lambda: stepped.trajectory(0)):
        with pytest.raises(ValueError, match="needs the certified log of Exact"):
            call()


def test_an_ensemble_is_the_same_after_save_and_load(pair, tmp_path):
    for ensemble in (*pair, Euler(0.1).ensemble(pair[0].sheaf, pair[0].starts, 1.0)):
        there = Ensemble.load(ensemble.save(tmp_path / "ensemble"))
        same(there, ensemble)
        assert (there.t_end, there.certified, there.outcomes) == (ensemble.t_end, ensemble.certified, ensemble.outcomes)
        assert np.array_equal(there.starts, ensemble.starts)
        assert np.array_equal(there.repelled, ensemble.repelled)
        assert np.array_equal(there.energies, ensemble.energies)
        assert there[3] == ensemble[3]
        if ensemble.certified:
            assert np.array_equal(there.at(2.0), ensemble.at(2.0))


def test_load_says_what_it_wants(tmp_path):
    path = Network.random([2, 4, 1]).save(tmp_path / "net")
    with pytest.raises(ValueError, match=r"must be an \.npz file written by Ensemble\.save, got one without 'starts'"):
        Ensemble.load(path)
    (text := tmp_path / "text.npz").write_text("no")
    with pytest.raises(ValueError, match=r"must be an \.npz file written by Ensemble\.save"):
        Ensemble.load(text)
