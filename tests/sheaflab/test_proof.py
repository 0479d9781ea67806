"""PROVED means proved: of a start within rounding of another flow, of mixed scales and of ties nothing false is said."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from sheaflab.proof.walk import Walk
from tests import reference

METHODS = ("auto", "closed", "taylor")


def told(traj):
    return [(s.layer, s.neuron, s.before, s.after) for s in traj.log]


@pytest.mark.parametrize("offset", [0.0, 1e-15, -1e-15, 2e-16, -2e-16])
@pytest.mark.parametrize("method", METHODS)
def test_a_start_within_rounding_of_another_flow_is_undecided(method, offset):
    """A graze: neuron 0 touches its wall at 0.2947, or it does not and meets it at 1.4809."""
    sheaf = Sheaf(Network([[[1.0], [1.0]], [[1.0, 1.0]]], [[-1.0, -1.5], [0.0]]), [0.0])
    p = 0.05004040878790033 + offset
    assert Exact(method).run(sheaf, [p, 1.7, 0.6 + p + 1.7], 25.0).certify().verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("offset", [1e-9, -1e-9])
def test_a_start_further_away_is_proved(offset):
    sheaf = Sheaf(Network([[[1.0], [1.0]], [[1.0, 1.0]]], [[-1.0, -1.5], [0.0]]), [0.0])
    p = 0.05004040878790033 + offset
    proof = Exact().run(sheaf, [p, 1.7, 0.6 + p + 1.7], 25.0).certify()
    assert proof.holds
    assert proof.time_errors.max() < 1e-6


@pytest.mark.parametrize("scale", [1e6, 1e10, 1e12, 1e14])
@pytest.mark.parametrize("method", METHODS)
def test_of_layers_of_different_size_no_wrong_time_is_proved(method, scale):
    """Layer 2 is as in the unscaled network up to the rounding of one product."""
    rng = np.random.default_rng([20, 0])
    base = Network.random([2, 5, 5, 1], rng, bias_scale=0.5)
    weights, biases = [w.copy() for w in base.weights], [b.copy() for b in base.biases]
    weights[0] *= scale
    biases[0] *= scale
    weights[1] /= scale
    x, c0 = rng.standard_normal(2), 2 * rng.standard_normal(base.free)
    c0[:5] *= scale
    # The unscaled sheaf has another metric, so another flow; the reference is the same problem with layer 1 alone scaled.
    traj = Exact(method).run(Sheaf(Network(weights, biases), x), c0, 30.0)
    proof = traj.certify()
    if proof.holds:
        gaps = np.diff(traj.log.times)
        assert (proof.time_errors[:-1] + proof.time_errors[1:] < gaps).all()
        assert scale < 1e10
    else:
        assert proof.verdict is Verdict.UNDECIDED
        assert proof.findings


def test_a_tie_that_only_exact_numbers_decide_is_not_proved_twice():
    """At log 5 the neuron meets its wall and its speed on the active side vanishes."""
    sheaf = Sheaf(Network([[[1.0]], [[-0.5]], [[0.0]], [[1.0]]], [[-0.5], [1.0], [0.5], [0.5]]), [0.0])
    runs = [Exact(method).run(sheaf, [0.0, 0.0, -2.0, -2.0], 40.0) for method in METHODS]
    assert len({str(told(traj)) for traj in runs if traj.certify().holds}) <= 1


def test_errors_are_carried_from_switch_to_switch():
    """A time error bounds the distance to a run in which an early number is wrong by rounding."""
    rng = np.random.default_rng(3)
    sheaf = Sheaf(Network.random([2, 12, 12, 1], 3), [1.0, -1.0])
    c0 = 3 * rng.standard_normal(sheaf.n)
    traj = Exact().run(sheaf, c0)
    proof = traj.certify()
    other = Exact("closed").run(sheaf, c0)
    assert proof.holds
    assert told(traj) == told(other)
    assert (np.abs(traj.log.times - other.log.times) <= proof.time_errors + other.certify().time_errors).all()
    assert proof.time_errors.max() < 1e-8


def test_everything_undecided_says_where_and_why():
    sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[-1.0], [0.0]]), [0.0])
    proof = Exact().run(sheaf, [0.0, 3.0], 5.0).certify()
    assert proof.verdict is Verdict.UNDECIDED
    assert "neuron 0 of layer 1 starts on a wall that repels it to both sides" in proof.findings[0]


@pytest.mark.parametrize("start", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("method", METHODS)
def test_a_neuron_at_rest_on_a_wall_that_begins_to_repel_is_undecided(method, start):
    """Neuron 0 has no drive: it stays at 0, and may leave from t = 1.2 on, when its speed if active becomes positive."""
    sheaf = Sheaf(Network([[[0.0], [1.0]], [[1.0, 1.1]]], [[0.0, 0.4], [0.84]]), [0.0])
    traj = Exact(method).run(sheaf, [start, 5.0, -0.14], 30.0)
    proof = traj.certify()
    assert traj.at(1.0)[0] == 0
    assert max(sheaf.wall_speeds(traj.at(np.linspace(0, 30, 300)))[1][:, 0]) > 0.1
    assert proof.verdict is Verdict.UNDECIDED
    assert "neuron 0 of layer 1 rests on a wall that begins to repel it, so the flow is not unique, at t = 1." in str(proof)
    assert Exact(method).run(sheaf, [start, 5.0, -0.14], 1.15).certify().holds


def test_a_neuron_below_that_wall_stays_there_for_certain():
    sheaf = Sheaf(Network([[[0.0], [1.0]], [[1.0, 1.1]]], [[0.0, 0.4], [0.84]]), [0.0])
    assert Exact().run(sheaf, [-1e-9, 5.0, -0.14], 30.0).certify().holds


def test_neurons_at_rest_that_nothing_pulls_at_are_proved():
    """Layer 1 is inactive, all behind it rests at 0 with residuals 0."""
    sheaf = Sheaf(Network([[[1.0]], [[1.0], [-1.0]], [[1.0, 1.0]]]), [-1.0])
    assert Exact().run(sheaf, [-2.0, 0.0, 0.0, 0.0], 30.0).certify().holds


def test_a_drive_that_doubles_cannot_hold_is_not_taken_for_none():
    """The drive is 1e-400: z = -exp(-t) + 1e-400 meets its wall at t = 921."""
    sheaf = Sheaf(Network([[[1e-200]], [[0.01]]], [[0.0], [1.0]]), [1e-200])
    assert Exact().run(sheaf, [-1.0, 0.0], 1000.0).certify().verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 8, 1], [2, 16, 16, 1]], ids=str)
def test_ordinary_runs_are_decided(widths):
    for seed in range(40 if widths[1] < 16 else 6):
        rng = np.random.default_rng([seed, 5])
        sheaf = Sheaf(Network.random(widths, rng), rng.standard_normal(widths[0]))
        assert Exact().run(sheaf, rng.uniform(0.5, 5) * rng.standard_normal(sheaf.n)).certify().holds


@pytest.mark.parametrize("number", [8, 1])
def test_neurons_that_meet_their_walls_together_are_proved_together(number):
    sheaf = Sheaf(Network([[[0.0]] * number, [[0.5] * number]], [[1.0] * number, [0.0]]), [1.0])
    traj = Exact().run(sheaf, [-1.0] * number + [0.0])
    assert traj.certify().holds
    assert len(traj.log) == number


@pytest.mark.parametrize("ulps", [-8, -4, -1])
@pytest.mark.parametrize("method", METHODS)
def test_a_switch_that_delays_the_end_of_a_slide_by_more_than_its_error_is_not_proved_with_it(method, ulps):
    """At log 2 neuron 1 becomes active, an instant later neuron 0 would end its slide: now a thousand times as much later."""
    drive = 0.5 + 2 * (1 - 1e-3)
    sheaf = Sheaf(Network([[[1.0], [drive]], [[1.0, 0.5]]]), [1.0])
    delay = -ulps * 2.0**-52 / 2
    traj = Exact(method).run(sheaf, [0.0, -drive * (1 + ulps * 2.0**-52), -2.0], 0.72)
    proof = traj.certify()
    if proof.holds:
        slide = [s.neuron for s in traj.log].index(0)
        assert abs(traj.log.times[slide] - (np.log(2) + 999 * delay)) <= proof.time_errors[slide] + 1e-15
    assert proof.verdict is not Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 8, 1], [3, 5, 2], [2, 4, 3, 1]], ids=str)
def test_nothing_proved_is_refuted_by_the_reference(widths):
    """80-bit floats: the same switches, and each true time within the error that is claimed of it."""
    codes = {"inactive": 0, "active": 1, "sliding": 2}
    for seed in range(25):
        rng = np.random.default_rng([seed, 77, *widths])
        net = Network.random(widths, rng, bias_scale=rng.choice([0.1, 0.5]))
        sheaf = Sheaf(net, rng.standard_normal(widths[0]))
        traj = Exact().run(sheaf, rng.choice([0.5, 1.0, 2.0, 5.0]) * rng.standard_normal(sheaf.n), 20.0)
        proof = traj.certify()
        assert proof.holds
        expected, _ = reference.simulate(net.weights, net.biases, sheaf.x, traj.states[0], 20.0)
        assert [(sheaf.index(s.layer, s.neuron), codes[s.after]) for s in traj.log] == [(i, m) for _, i, m in expected]
        apart = np.abs(traj.log.times - np.array([float(t) for t, _, _ in expected]))
        assert (apart <= proof.time_errors + 1e-15 * (1 + traj.log.times)).all()


def test_what_happens_while_a_switch_may_already_have_been_refutes_nothing():
    """Two neurons pass their walls at 1e-9, 1e-7 apart; when the first one does is known to 1e-6."""
    second = [[1.051e-8, -1.15e-8], [-1.15e-8, 1.051e-8]]
    net = Network([[[0.0], [0.0]], second, [[1e-20, -1.15e-8]]], [[1.051, 1.051], [1e-12, 1e-12], [1e-12]])
    start = [1.051, 1.0510010509999999, 1.04996051e-6, 1.04996051e-6, 5.00001e-7]
    for method in ("auto", "closed", "taylor"):
        proof = Exact(method).run(Sheaf(net, [1e-6]), start, 30.0).certify()
        assert proof.verdict is Verdict.UNDECIDED, proof


def test_the_set_around_a_state_holds_every_start_of_it_after_a_flat_switch():
    """z falls over its top through the wall at -1.1e-3, then at -1: what is of second order is a thousandth of the error."""
    sheaf = Sheaf(Network([[[0.0]], [[1.0]]], [[-1.0], [0.0]]), [1.0])
    start, radius = np.array([4e-7, 1.0 - 6e-4 + 8e-7]), 5e-9
    walk, traj = Walk(sheaf, start), Exact().run(sheaf, start, 0.01)
    walk.cloud.widen(radius)
    walk.leaves = {0: "inactive"}
    walk.go(traj.log[0].time, [0])
    walk.switch([0], ("inactive",))
    other = Exact().run(sheaf, start - [0.9999 * radius, 0.0], 0.01)
    assert [s.after for s in other.log] == [s.after for s in traj.log] == ["inactive"]
    assert other.log[0].time < walk.t
    off = abs(other.at(walk.t) - walk.y)
    assert off[0] > 900 * radius
    assert off[0] <= walk.cloud.along(0)
    assert walk.cloud.size < 3 * off[0]


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "switches"), [(20, 300), (60, 900)], ids=["twenty", "sixty"])
def test_many_layers_with_flat_late_switches_are_certified(layers, switches):
    """He's weights, zero biases: of 960 switches in sixty layers the last have speeds of 2e-5."""
    widths, rng = [2, *[16] * layers, 1], np.random.default_rng([1, 60, 16])
    net = Network([rng.standard_normal((b, a)) * np.sqrt(2 / a) for a, b in pairwise(widths)])
    sheaf = Sheaf(net, rng.standard_normal(2))
    traj = Exact().run(sheaf, rng.standard_normal(sheaf.n), 60.0)
    proof = traj.certify()
    assert len(traj.log) > switches
    assert proof.holds, proof
    assert proof.time_errors.max() < 1e-5


@pytest.mark.needs("flint")
def test_a_switch_in_doubt_where_no_time_is_left_before_it_is_undecided():
    from tests.benchmarks import certified

    assert certified.run(certified.layers_of_different_size, 48).certify().verdict is Verdict.UNDECIDED
