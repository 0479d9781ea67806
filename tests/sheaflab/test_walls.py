"""One law at the edges, in every method and in ensembles: starts on walls, speeds that vanish, ties, the last instant."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from sheaflab.modes import ACTIVE, INACTIVE, SLIDING
from sheaflab.walls import first_modes

METHODS = ("auto", "closed", "taylor")


def logs(sheaf, c0, t_end=40.0):
    """The logs of every method, and of ensembles by two of them, neurons of one instant in order."""
    found = [Exact(method).run(sheaf, c0, t_end).log for method in METHODS]
    found += [Exact(method).ensemble(sheaf, [c0], t_end)[0] for method in METHODS]
    return [[(s.time, s.layer, s.neuron, s.before, s.after) for s in log] for log in found]


def agree(sheaf, c0, t_end=40.0, rtol=1e-9):
    first, *others = logs(sheaf, c0, t_end)
    for other in others:
        assert Counter(row[1:] for row in other) == Counter(row[1:] for row in first), (first, other)
        np.testing.assert_allclose(sorted(r[0] for r in other), sorted(r[0] for r in first), rtol=rtol)
    return first


def test_a_speed_that_vanishes_has_the_sign_of_its_next_derivative():
    """z = 0 throughout and no biases: layer 2 leaves with the speeds that layer 1 gains, at t = 0."""
    net = Network([[[1.0]], [[1.0], [-1.0], [0.0]], [[0.0, 0.0, 0.0]]])
    start = first_modes(Sheaf(net, [1.0]), np.zeros(5))
    assert start.codes.tolist() == [ACTIVE, ACTIVE, INACTIVE, INACTIVE]
    assert start.orders.tolist() == [1, 2, 2, 0]  # the last one rests
    assert not start.repelled.any()


def test_a_start_that_slides_from_a_vanishing_speed_on():
    net = Network([[[1.0]], [[1.0]], [[1.0]]], [[0.0], [0.0], [1.0]])
    start = first_modes(Sheaf(net, [1.0]), np.array([0.0, 0.0, 0.0]))
    assert start.codes.tolist() == [ACTIVE, SLIDING]  # f⁻ = t + …, f⁺ = −1 + …
    start = first_modes(Sheaf(net, [1.0]), np.array([0.0, 0.0, 3.0]))
    assert start.codes.tolist() == [ACTIVE, ACTIVE]  # f⁺ = 2 + …
    net = Network([[[1.0]], [[1.0]], [[-1.0]]], [[0.0], [0.0], [0.0]])
    start = first_modes(Sheaf(net, [1.0]), np.array([0.0, 0.0, 3.0]))
    assert start.codes.tolist() == [ACTIVE, SLIDING]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 4, 4, 1], [2, 3, 3, 3, 1]], ids=str)
def test_at_the_origin_without_biases_nothing_that_belongs_to_the_start_is_a_switch(widths, seed):
    rng = np.random.default_rng(seed)
    net = Network.random(widths, rng, bias_scale=0.0)
    found = agree(Sheaf(net, [1.0, -1.0]), np.zeros(net.free))
    assert all(time > 1e-3 for time, *_ in found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_zero_biases_leave_no_neuron_sliding_with_a_speed_that_is_zero_by_structure(seed):
    widths = [2, 4, 4, 4, 1]
    rng = np.random.default_rng([seed, 22])
    net = Network([rng.standard_normal((b, a)) * np.sqrt(2 / a) for a, b in pairwise(widths)])
    sheaf = Sheaf(net, rng.standard_normal(2))
    c0 = rng.standard_normal(net.free)
    # A slide that ends because its driver falls silent is a tie: split by rounding, 1e-14 there is 1e-7 where z grows as t².
    agree(sheaf, c0, 30.0, rtol=1e-6)
    traj = Exact().run(sheaf, c0, 30.0)
    for piece in traj.pieces:
        c = piece.at(np.array([0.5 * (piece.start + piece.end)]))[0]
        down, _ = sheaf.wall_speeds(c)
        assert (down[list(piece.region.sliding)] != 0).all()
    assert traj.certify().verdict is not Verdict.REFUTED


@pytest.mark.parametrize("seed", range(60))
def test_whole_numbers_have_one_log(seed):
    rng = np.random.default_rng([seed, 4])
    widths = [1, *rng.integers(1, 4, rng.integers(1, 4)), 1]
    weights = [rng.integers(-2, 3, (b, a)) / 2 for a, b in pairwise(widths)]
    sheaf = Sheaf(Network(weights, [rng.integers(-2, 3, b) / 2 for b in widths[1:]]), [float(rng.integers(-1, 2))])
    agree(sheaf, rng.integers(-2, 3, sheaf.n).astype(float))


def test_a_wall_met_with_a_speed_that_vanishes_there_is_crossed_at_once():
    """At log 5 z meets its wall and f⁺ = 0 grows: no instant of sliding comes between."""
    sheaf = Sheaf(Network([[[1.0]], [[-0.5]], [[0.0]], [[1.0]]], [[-0.5], [1.0], [0.5], [0.5]]), [0.0])
    (found,) = agree(sheaf, [0.0, 0.0, -2.0, -2.0])
    assert found[1:] == (3, 0, "inactive", "active")


@pytest.mark.parametrize("widths", [[1, 2, 1], [1, 2, 2], [1, 2, 2, 1]], ids=str)
def test_a_switch_at_the_end_belongs_to_the_run(widths):
    """All of layer 1 meets its wall at log 2 exactly."""
    weights = [np.zeros((b, a)) for a, b in pairwise(widths)]
    sheaf = Sheaf(Network(weights, [np.ones(b) for b in widths[1:]]), [0.0])
    start = np.full(sheaf.n, 0.5)
    start[:2] = -1.0
    for t_end, number in ((np.log(2.0), 2), (np.log(2.0) * (1 - 1e-12), 0), (np.log(2.0) * (1 + 1e-12), 2)):
        for found in logs(sheaf, start, t_end):
            assert len(found) == number, (t_end, found)
            assert all(time <= t_end for time, *_ in found)


def test_what_repels_is_named_and_counts_as_inactive():
    sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[-1.0], [0.0]]), [0.0])
    start = first_modes(sheaf, np.array([0.0, 3.0]))
    assert start.codes.tolist() == [INACTIVE]
    assert start.repelled.tolist() == [True]


@pytest.mark.parametrize("seed", [113, 171, 223, 295])
def test_by_the_closed_form_a_neuron_that_has_come_to_rest_hides_no_later_switch(seed):
    """Without biases and input a neuron of the first layer that leaves its range stays at 0 for good."""
    rng = np.random.default_rng([seed, 5])
    net = Network.random([[2, 4, 4, 1], [2, 3, 3, 2], [2, 3, 3, 3, 1]][seed % 3], rng, bias_scale=0.0)
    sheaf = Sheaf(Network([rng.choice([1.0, 2.0]) * w for w in net.weights]), np.zeros(2))
    c0 = rng.standard_normal(sheaf.n)
    series, closed = (Exact(method).run(sheaf, c0, 8.0) for method in ("taylor", "closed"))
    assert series.certify().holds
    assert [(s.layer, s.neuron, s.after) for s in closed.log] == [(s.layer, s.neuron, s.after) for s in series.log]
    np.testing.assert_allclose(closed.log.times, series.log.times, rtol=1e-9)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_neurons_that_meet_their_walls_at_one_time_switch_together(method, order):
    """One rises, one falls and pulls nobody, both reach their walls at log 2: one instant, in whatever order they stand."""
    first, second, start = np.array([[1.0], [-1.0], [1.0]]), np.array([[0.5, 0.0, 0.7]]), np.array([-1.0, 1.0, 2.0])
    who = list(order)
    sheaf = Sheaf(Network([first[who], second[:, who]], [np.zeros(3), np.zeros(1)]), [1.0])
    traj = Exact(method).run(sheaf, [*start[who], 0.0], 20.0)
    assert [s.neuron for s in traj.log] == sorted([who.index(0), who.index(1)])
    assert traj.log.times == pytest.approx([np.log(2)] * 2, abs=1e-14)
    assert len(traj.pieces) == 2
