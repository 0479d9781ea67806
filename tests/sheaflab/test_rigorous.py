"""The certificate in ball arithmetic: what it proves and refutes, and that it agrees with the quick one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaflab import Exact, Network, Sheaf, SwitchLog, Trajectory
from sheaflab.certificate import Verdict, certify
from tests.sheaflab.test_certificate import chosen, parts, rebuilt, runs
from tests.sheaflab.test_exact import METHODS, adversarial

pytestmark = pytest.mark.needs("flint")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("widths", [[2, 4, 1], [3, 5, 2], [2, 4, 3, 1]], ids=str)
def test_every_exact_run_is_proved_and_the_quick_errors_are_bounds(widths, method):
    for traj in runs(widths, method, 6):
        proof, quick = traj.certify(rigorous=True), traj.certify()
        assert proof.holds, proof
        assert proof.state_error < 1e-12
        assert (proof.time_errors <= quick.time_errors * (1 + 1e-9)).all()
        assert proof.time_errors.max(initial=0.0) < 1e-11


def test_some_thirty_neurons():
    rng = np.random.default_rng(1)
    sheaf = Sheaf(Network.random([2, 16, 16, 1], rng), [1.0, -1.0])
    assert Exact().run(sheaf, 2 * rng.standard_normal(sheaf.n), 20.0).certify(rigorous=True).holds


def test_a_larger_network_is_refused_by_name():
    traj = Exact().run(Sheaf(Network.random([2, 33, 1], 0), [1.0, -1.0]), np.ones(34), 0.1)
    with pytest.raises(ValueError, match=r"`rigorous` must be False .* more than 32 hidden neurons, this one has 33"):
        traj.certify(rigorous=True)


def test_a_time_that_is_shifted_is_refuted():
    for traj in chosen([2, 4, 3, 1]):
        stops, regions, switches = parts(traj)
        for shift in (1e-7, -1e-7):
            moved = [stops[0] + shift, *stops[1:]]
            events = [replace(s, time=s.time + (shift if s.time == stops[0] else 0.0)) for s in switches]
            assert certify(rebuilt(traj, moved, regions, events), rigorous=True).verdict is Verdict.REFUTED


def test_a_run_that_stays_in_its_first_mode_is_refuted():
    for traj in chosen([3, 5, 2]):
        _, regions, _ = parts(traj)
        proof = certify(rebuilt(traj, [], regions[:1], []), rigorous=True)
        assert proof.verdict is Verdict.REFUTED
        assert any(word in proof.findings[0] for word in ("meets its wall at", "stops sliding at"))


def test_a_switch_too_many_is_not_proved():
    for traj in chosen([2, 8, 1]):
        stops, regions, switches = parts(traj)
        extra = [*stops[:1], 0.5 * (stops[0] + stops[1]), *stops[1:]]
        other = next(r for r in regions if r.modes != regions[1].modes)
        log = SwitchLog(switches, traj.t_end, certified=True)
        made = rebuilt(traj, extra, [*regions[:2], other, *regions[2:]], switches)
        made = Trajectory(traj.sheaf, made.times, made.states, made.pieces, log, traj.outcome)
        assert not certify(made, rigorous=True).holds


def test_a_graze_that_doubles_cannot_tell_is_decided():
    """z falls to some 1e-16 of its wall: two biases next to each other, one crosses."""
    low, high = 0.0, 3.0
    while high - low > 1e-15:
        middle = 0.5 * (low + high)
        sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[middle], [0.0]]), [0.0])
        low, high = (low, middle) if not len(Exact().run(sheaf, [1.0, -2.0], 8.0).log) else (middle, high)
    verdicts = []
    for bias in high + 2e-15 * np.arange(-4, 5):
        traj = Exact().run(Sheaf(Network([[[1.0]], [[1.0]]], [[bias], [0.0]]), [0.0]), [1.0, -2.0], 8.0)
        verdicts.append((traj.certify().verdict, traj.certify(rigorous=True).verdict))
    assert Verdict.UNDECIDED in {quick for quick, _ in verdicts}
    assert Verdict.UNDECIDED not in {slow for _, slow in verdicts}
    assert all(slow is Verdict.PROVED for quick, slow in verdicts if quick is Verdict.PROVED)


@pytest.mark.slow
@settings(max_examples=40)
@given(adversarial(), st.sampled_from(METHODS))
def test_the_quick_certificate_is_never_contradicted(problem, method):
    sheaf, c0 = problem
    try:
        traj = Exact(method, max_events=2000).run(sheaf, c0, 5.0)
    except ValueError:
        return
    quick, proof = traj.certify(), traj.certify(rigorous=True)
    assert not (quick.holds and proof.verdict is Verdict.REFUTED), (quick, proof)
    assert not (proof.holds and quick.verdict is Verdict.REFUTED), (quick, proof)
    if quick.holds and proof.holds:
        assert (proof.time_errors <= quick.time_errors * (1 + 1e-9) + 1e-30).all()
