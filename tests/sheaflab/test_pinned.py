"""Pinned hidden neurons and outputs: fields, runs by every method, certificates, and what is refused."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sheaflab import ActivationRegion, Ensemble, Euler, EventEuler, Exact, Integrator, Network, Sheaf, Trajectory, plots
from sheaflab.certificate import Verdict, certify
from sheaflab.engine.eigenbasis import Eigenbasis
from sheaflab.proof.law import Law
from sheaflab.results import Outcome
from sheaflab.statistics import decay_rates
from tests.sheaflab.test_certificate import parts, rebuilt

METHODS = ("auto", "closed", "taylor")
SHAPES = ([2, 4, 1], [3, 5, 2], [2, 4, 3, 1], [2, 3, 3, 3, 1], [1, 1, 1], [2, 6, 6, 2])


def problem(seed, widths=None):
    """A network, some pinned coordinates, one in five of them at 0, and a start that has other values there."""
    rng = np.random.default_rng([seed, 77])
    widths = SHAPES[seed % len(SHAPES)] if widths is None else widths
    net = Network.random(widths, rng, bias_scale=rng.choice([0.1, 0.5]))
    places = [(layer, k) for layer in range(1, len(widths)) for k in range(widths[layer])]
    chosen = rng.permutation(len(places))[: int(rng.integers(1, max(2, len(places) // 2)))]
    pinned = {places[i]: float(rng.choice([0.0, 1.0, -1.0, 2.0, rng.standard_normal()])) for i in chosen}
    sheaf = Sheaf(net, rng.standard_normal(widths[0]), pinned)
    return sheaf, rng.choice([0.5, 1.0, 2.0, 5.0]) * rng.standard_normal(sheaf.n)


def two_wells():
    """One hidden neuron that wants to be at -1, and an output pinned at 2 that wants it at 2."""
    return Sheaf(Network([[[1.0]], [[1.0]]]), [-1.0], {(2, 0): 2.0})


# -- the sheaf --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(12))
def test_fields_are_those_of_the_layers_one_by_one(seed):
    sheaf, start = problem(seed)
    c, net = sheaf.cochain(start), sheaf.net
    assert dict(zip(sheaf.held.tolist(), sheaf.pinned.values(), strict=True)) == {i: c[i] for i in sheaf.held.tolist()}
    free = np.setdiff1d(np.arange(sheaf.n), sheaf.held)
    np.testing.assert_array_equal(c[free], start[free])
    before = [sheaf.x, *(np.maximum(z, 0.0) for z in sheaf.split(c)[:-1])]
    layers = zip(sheaf.split(c), net.weights, before, net.biases, strict=True)
    r = [z - w @ signal - b for z, w, signal, b in layers]
    np.testing.assert_allclose(sheaf.residual(start), np.concatenate(r), rtol=0, atol=1e-13)
    for found, part, signal in zip(sheaf.local_gradients(start), r, before, strict=True):
        np.testing.assert_allclose(found, np.outer(part, signal), rtol=0, atol=1e-13)
    sigma = sheaf.pattern(c)
    np.testing.assert_array_equal(sheaf.restricted(sigma), sheaf.coboundary(sigma)[:, net.widths[0] + free])
    delta = sheaf.restricted(sigma)
    np.testing.assert_allclose(delta @ c[free] - sheaf.boundary_term, np.concatenate(r), rtol=0, atol=1e-13)
    assert np.linalg.eigvalsh(sheaf.laplacian(sigma))[0] > 0
    v = sheaf.velocity(start)
    np.testing.assert_allclose(v[free], -delta.T @ np.concatenate(r), rtol=0, atol=1e-12)
    assert not v[sheaf.held].any()
    inner = sheaf.held[sheaf.held < sheaf.h]
    assert not np.array(sheaf.wall_speeds(start))[:, inner].any()
    np.testing.assert_allclose(sheaf.velocity([start, start]), [v, v], rtol=1e-13)
    region = ActivationRegion(sheaf, np.where(np.isin(np.arange(sheaf.h), inner), ~sigma, sigma))
    np.testing.assert_array_equal(region.pattern, sigma)  # of pinned neurons their values decide
    np.testing.assert_allclose(region.velocity(start), v, rtol=0, atol=1e-12)


def test_velocity_and_local_gradients_are_minus_the_derivatives_of_the_energy():
    sheaf, start = problem(2)
    c, step = sheaf.cochain(start), 1e-6
    free = np.setdiff1d(np.arange(sheaf.n), sheaf.held)
    steps = step * np.eye(sheaf.n)[free]
    slopes = [(sheaf.energy(c + d) - sheaf.energy(c - d)) / (2 * step) for d in steps]
    np.testing.assert_allclose(sheaf.velocity(c)[free], -np.array(slopes), atol=1e-7)
    for layer, gradient in enumerate(sheaf.local_gradients(c)):
        found = np.empty_like(gradient)
        for place in np.ndindex(gradient.shape):
            ends = []
            for sign in (1, -1):
                weights = [w.copy() for w in sheaf.net.weights]
                weights[layer][place] += sign * step
                ends.append(Sheaf(Network(weights, sheaf.net.biases), sheaf.x, sheaf.pinned).energy(c))
            found[place] = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(gradient, -found, atol=1e-7)
    many = sheaf.local_gradients([c, 2 * c])
    for one, both in zip(sheaf.local_gradients(2 * c), many, strict=True):
        np.testing.assert_array_equal(both[1], one)


@pytest.mark.parametrize(
    ("pinned", "error", "message"),
    [
        ([((1, 0), 1.0)], TypeError, r"`pinned` must be a mapping from \(layer, neuron\) to a value, got list"),
        ([], TypeError, r"`pinned` must be a mapping .* got list"),
        ({1: 1.0}, TypeError, r"`pinned` must have keys \(layer, neuron\), two whole numbers, got 1"),
        ({(1, 0.5): 1.0}, TypeError, r"two whole numbers, got \(1, 0.5\)"),
        ({(0, 0): 1.0}, ValueError, r"must name hidden neurons or outputs, got \(0, 0\); `x` pins the input"),
        ({(3, 0): 1.0}, ValueError, r"`pinned` must name a layer from 1 to 2, got \(3, 0\)"),
        ({(-1, 0): 1.0}, ValueError, r"`pinned` must name a layer from 1 to 2, got \(-1, 0\)"),
        ({(1, 4): 1.0}, ValueError, r"a neuron between 0 and 3 in layer 1, got \(1, 4\)"),
        ({(1, -1): 1.0}, ValueError, r"a neuron between 0 and 3 in layer 1, got \(1, -1\)"),
        ({(2, 0): np.nan}, ValueError, r"`pinned\[\(2, 0\)\]` must be a finite number, got nan"),
        ({(2, 0): "1"}, ValueError, r"`pinned\[\(2, 0\)\]` must be a finite number, got '1'"),
        ({(2, 0): [1.0, 2.0]}, ValueError, r"`pinned\[\(2, 0\)\]` must be a finite number"),
        ({**{(1, k): 1.0 for k in range(4)}, (2, 0): 1.0}, ValueError, "must leave at least one coordinate free"),
    ],
)
def test_what_cannot_be_pinned_is_refused_by_name(pinned, error, message):
    with pytest.raises(error, match=message):
        Sheaf(Network.random([2, 4, 1], 0), [1.0, -1.0], pinned)


def test_nothing_pinned_is_the_sheaf_of_the_input():
    net = Network.random([2, 4, 1], 0)
    for sheaf in (Sheaf(net, [1.0, -1.0], {}), Sheaf(net, [1.0, -1.0], None)):
        assert not sheaf.pinned
        np.testing.assert_array_equal(sheaf.forward_pass(), sheaf.harmonic_extension())
        np.testing.assert_array_equal(sheaf.boundary_term, Sheaf(net, [1.0, -1.0]).boundary_term)


def test_what_rests_on_one_equilibrium_is_refused_and_the_forward_pass_holds_pins():
    sheaf, _ = problem(5)
    with pytest.raises(ValueError, match=r"`pinned` must be empty for a harmonic extension"):
        sheaf.harmonic_extension()
    with pytest.raises(ValueError, match=r"`sheaf` must have no pinned neuron or output"):
        decay_rates(sheaf, np.ones((2, sheaf.n)))
    with pytest.raises(ValueError, match=r"`sliding` must hold free neurons, got 0, which is pinned"):
        ActivationRegion(Sheaf(sheaf.net, sheaf.x, {(1, 0): 1.0}), np.ones(sheaf.h), [0])
    r = sheaf.residual(sheaf.forward_pass())
    np.testing.assert_allclose(np.delete(r, sheaf.held), 0.0, atol=1e-13)
    assert np.abs(r[sheaf.held]).min() > 1e-3
    with pytest.raises(ValueError, match=r"`pinned` must give numbers up to 1e\+150, got 1e\+200"):
        Exact().run(Sheaf(sheaf.net, sheaf.x, {(1, 0): 1e200}), np.ones(sheaf.n))
    assert "pinned={(" in repr(sheaf)
    assert pickle.loads(pickle.dumps(sheaf)).pinned == sheaf.pinned


# -- runs -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(18))
def test_all_methods_agree_the_energy_never_rises_and_pins_never_move(seed):
    sheaf, c0 = problem(seed)
    runs = [Exact(method).run(sheaf, c0, 25.0) for method in METHODS]
    times = np.unique(np.concatenate([np.geomspace(1e-6, 1, 200) * 25.0, runs[0].log.times]))
    for run in runs:
        assert [(s.layer, s.neuron, s.after) for s in run.log] == [(s.layer, s.neuron, s.after) for s in runs[0].log]
        assert not {(s.layer, s.neuron) for s in run.log} & set(sheaf.pinned)
        np.testing.assert_allclose(run.log.times, runs[0].log.times, rtol=1e-9, atol=1e-13)
        states, energy = run.at(times), run.energy(times)
        np.testing.assert_allclose(states, runs[0].at(times), rtol=0, atol=1e-11 * (1 + np.abs(c0).max()))
        assert (np.diff(energy) <= 1e-13 * energy[0]).all()
        np.testing.assert_array_equal(states[:, sheaf.held], np.tile(sheaf.pins.at[sheaf.held], (len(times), 1)))
        assert not run.velocity(times)[:, sheaf.held].any()
        np.testing.assert_allclose(run.slope(times), -np.square(run.velocity(times)).sum(axis=1) / energy, rtol=1e-9)
        assert all(piece.region.contains(run.at(0.5 * (piece.start + piece.end))) for piece in run.pieces)
        assert run.certify().holds, run.certify()


@pytest.mark.needs("flint")
@pytest.mark.parametrize("seed", range(12))
def test_balls_prove_runs_and_the_quick_errors_are_bounds(seed):
    sheaf, c0 = problem(seed)
    run = Exact(METHODS[seed % 3]).run(sheaf, c0, 15.0)
    proof, quick = run.certify(rigorous=True), run.certify()
    assert proof.holds, proof
    assert (proof.time_errors <= quick.time_errors * (1 + 1e-9)).all()


@pytest.mark.parametrize("rigorous", [False, pytest.param(True, marks=pytest.mark.needs("flint"))])
def test_a_run_that_is_not_quite_that_of_these_pins_is_not_proved(rigorous):
    tried = 0
    for seed in range(6, 12):
        sheaf, c0 = problem(seed)
        run = Exact().run(sheaf, c0, 15.0)
        for place in sheaf.pinned:
            other = Sheaf(sheaf.net, sheaf.x, {**sheaf.pinned, place: sheaf.pinned[place] + 1e-6})
            regions = [ActivationRegion(other, p.region.pattern, p.region.sliding) for p in run.pieces]
            claimed = rebuilt(run, list(run.times[1:-1]), regions, list(run.log))
            told = Trajectory(other, claimed.times, claimed.states, claimed.pieces, claimed.log, run.outcome)
            if np.abs(Exact().run(other, c0, 15.0).states - run.states).max() > 1e-7 and len(run.log):
                assert certify(told, rigorous=rigorous).verdict is not Verdict.PROVED
                tried += 1
    assert tried > 4


def test_a_time_that_is_shifted_is_refuted():
    tried = 0
    for seed in range(12):
        run = Exact().run(*problem(seed), 15.0)
        stops, regions, switches = parts(run)
        if stops and len(switches) == len(stops):
            moved = [stops[0] + 1e-7, *stops[1:]]
            events = [replace(switches[0], time=moved[0]), *switches[1:]]
            assert certify(rebuilt(run, moved, regions, events)).verdict is Verdict.REFUTED
            tried += 1
    assert tried > 4


@pytest.mark.parametrize("rigorous", [False, pytest.param(True, marks=pytest.mark.needs("flint"))])
def test_no_proof_ends_early_near_a_forward_pass_that_is_not_home(rigorous):
    """The hidden neuron starts where its input drives it, and the pinned output pulls it to its wall."""
    sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[0.0], [5.0]]), [1.0], {(2, 0): 3.0})
    run = Exact().run(sheaf, [1.0, 3.0], 10.0)
    assert [s.after for s in run.log] == ["sliding"]
    assert run.certify(rigorous=rigorous).holds
    quiet = rebuilt(run, [], [ActivationRegion(sheaf, [1])], [])
    assert certify(quiet, rigorous=rigorous).verdict is Verdict.REFUTED


def test_a_pinned_zero_is_no_wall_beside_starts_on_walls():
    switched = 0
    for seed in range(30):
        rng = np.random.default_rng([seed, 5])
        widths = ([2, 4, 1], [2, 3, 3, 1])[seed % 2]
        net = Network.random(widths, rng)
        sheaf = Sheaf(net, [1.0, -1.0], {(1, 0): 0.0, (len(widths) - 1, 0): float(rng.standard_normal())})
        c0 = rng.standard_normal(sheaf.n)
        c0[1:3] = 0.0
        runs = [Exact(method).run(sheaf, c0, 20.0) for method in METHODS]
        for run in runs:
            assert [(s.layer, s.neuron, s.after) for s in run.log] == [
                (s.layer, s.neuron, s.after) for s in runs[0].log
            ]
            assert (1, 0) not in {(s.layer, s.neuron) for s in run.log} | set(run.repelled)
            assert {p.region.modes[0] for p in run.pieces} == {"inactive"}
            assert not run.pieces.codes[:, 0].any()
            assert run.certify().holds or run.repelled
        switched += len(runs[0].log)
    assert switched > 15


@pytest.mark.parametrize("method", METHODS)
def test_a_pinned_zero_that_is_hardly_driven_does_not_switch_with_others(method):
    base, switched = Network.random([2, 4, 1], 0), 0
    weights, biases = [w.copy() for w in base.weights], [b.copy() for b in base.biases]
    weights[0][0], biases[0][0] = 0.0, 1e-18
    sheaf = Sheaf(Network(weights, biases), [1.0, -1.0], {(1, 0): 0.0})
    for seed in range(10):
        run = Exact(method).run(sheaf, 2 * np.random.default_rng(seed).standard_normal(5), 20.0)
        assert not run.pieces.codes[:, 0].any()
        switched += len(run.log)
    assert switched > 5


@pytest.mark.parametrize("method", METHODS)
def test_a_start_whose_side_is_decided_by_the_second_derivative(method):
    """f⁻ = 1, f⁺ = 0, and its derivative is -1/2: it would be +1/2 if the pinned output moved."""
    sheaf = Sheaf(Network([[[1.0], [2.5]], [[1.0, 1.0]]]), [1.0], {(2, 0): 0.0})
    start = [0.0, 1.0, 0.0]
    np.testing.assert_array_equal(np.ravel(sheaf.wall_speeds(start)), [1.0, 1.5, 0.0, 0.5])
    run = Exact(method).run(sheaf, start, 5.0)
    assert run.pieces[0].region.modes == ("sliding", "active")
    assert run.certify().holds


def test_a_start_on_a_wall_after_a_pinned_neuron():
    proved = 0
    for seed in range(20):
        rng = np.random.default_rng([seed, 6])
        sheaf = Sheaf(Network.random([2, 3, 3, 1], rng), [1.0, -1.0], {(1, 0): 4.0})
        c0 = 2 * rng.standard_normal(sheaf.n)
        c0[3:5] = 0.0
        run = Exact().run(sheaf, c0, 10.0)
        assert run.certify().holds or run.repelled
        proved += run.certify().holds
    assert proved > 10


def test_the_quick_certificate_needs_no_steps_to_a_late_end():
    late = 0
    for seed in range(18):
        run = Exact().run(*problem(seed), 1e5)
        if run.pieces[-1].region.margin > 0.01:
            assert run.certify().holds, (seed, run.certify())
            assert run.certify().state_error < 1e-10
            late += "sliding" in run.pieces[-1].region.modes
    assert late >= 2


def test_without_pins_the_equilibrium_is_the_forward_pass():
    sheaf = Sheaf(Network.random([2, 4, 3, 1], 0), [1.0, -1.0])
    run = Exact().run(sheaf, np.ones(sheaf.n), 60.0)
    np.testing.assert_allclose(run.equilibrium, sheaf.harmonic_extension(), atol=1e-12)
    assert run.equilibrium is not run.pieces[-1].region.equilibrium  # whoever changes it changes his own
    assert Exact(max_events=1).run(sheaf, -np.ones(sheaf.n), 60.0).equilibrium is None


def test_a_run_without_end_settles_and_says_where():
    settled = 0
    for seed in range(18):
        sheaf, c0 = problem(seed)
        run = Exact().run(sheaf, c0, np.inf)
        assert run.outcome is Outcome.CONVERGED
        if (rest := run.equilibrium) is not None:
            np.testing.assert_allclose(run.states[-1], rest, atol=1e-11)
            again = Exact("closed").run(sheaf, rest + 1e-9, 20.0)
            np.testing.assert_allclose(again.states[-1], rest, atol=1e-8)
            settled += run.t_end == 60.0  # the first look was enough
    assert settled > 8
    assert Exact().run(sheaf, c0, 1e-3).equilibrium is None


def test_a_flow_within_the_margin_stays_and_one_beyond_it_may_leave():
    held = left = 0
    for seed in range(36):
        sheaf, c0 = problem(seed)
        region = Exact().run(sheaf, c0, 60.0).pieces[-1].region
        if not (region.sliding and region.margin > 0 and region.moving.any()):
            continue
        rng = np.random.default_rng(seed)
        for _ in range(8):
            direction = rng.standard_normal(sheaf.n) * region.moving
            direction *= region.margin / np.linalg.norm(direction)
            near = Exact().run(sheaf, region.equilibrium + 0.99 * direction, 30.0)
            assert not near.log
            np.testing.assert_allclose(near.states[-1], region.equilibrium, atol=1e-4 * region.margin + 1e-9)
            far = Exact().run(sheaf, region.equilibrium + 30 * direction, 30.0)
            held, left = held + 1, left + (far.pieces[0].region.modes != region.modes or bool(far.log))
    assert held > 24
    assert left > held / 4


def test_the_margin_counts_the_speeds_of_sliding_neurons():
    """The first neuron slides with f⁻ = 1 and f⁺ = 1.3 - 3 z of the second, which rests at z = 0.6."""
    sheaf = Sheaf(Network([[[1.0], [5.1]], [[1.0, 3.0]]]), [1.0], {(2, 0): 0.3})
    region = ActivationRegion(sheaf, [0, 1], [0])
    np.testing.assert_allclose(region.equilibrium, [0.0, 0.6, 0.3], rtol=1e-13)
    np.testing.assert_allclose([f[0] for f in sheaf.wall_speeds(region.equilibrium)], [1.0, -0.5], rtol=1e-13)
    np.testing.assert_allclose(region.margin, 0.5 / 3.0, rtol=1e-12)


def test_the_closed_form_of_rates_many_decades_apart():
    rng = np.random.default_rng(0)
    net = Network([np.abs(rng.standard_normal((4, 4))) * 9 for _ in range(8)] + [np.ones((1, 4))])
    sheaf = Sheaf(net, np.ones(4), {(3, 1): 0.5, (9, 0): 1.0})
    region = ActivationRegion(sheaf, np.ones(sheaf.h))
    assert region.eigensystem.singular is not None
    start, times = sheaf.cochains(rng.standard_normal((2, sheaf.n))), np.array([0.01, 0.3])
    found = Eigenbasis(region).flow(start, times)
    for c, t, state in zip(start, times, found, strict=True):
        np.testing.assert_allclose(state, region.flow(c, t), rtol=0, atol=1e-12)


def test_two_equilibria_and_the_start_decides():
    sheaf, found = two_wells(), []
    for start in (-0.1, 0.1):
        run = Exact().run(sheaf, [start, 0.0], 40.0)
        assert not run.log
        assert run.certify().holds
        found.append((run.equilibrium[0], run.energy(40.0)))
    np.testing.assert_allclose(found, [(-1.0, 2.0), (0.5, 2.25)], atol=1e-9)
    run = Exact().run(sheaf, [0.0, 0.0], 40.0)
    assert run.repelled == ((1, 0),)
    assert run.certify().verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("method", METHODS)
def test_a_run_in_which_nothing_moves_any_more(method):
    sheaf = Sheaf(Network([[[1.0]], [[1.0]]]), [1.0], {(2, 0): -2.0})
    run = Exact(method).run(sheaf, [0.5, 7.0], 30.0)
    assert [s.after for s in run.log] == ["sliding"]
    np.testing.assert_array_equal(run.states[-1], [0.0, -2.0])
    np.testing.assert_array_equal(run.equilibrium, [0.0, -2.0])
    assert run.energy(30.0) == 2.5
    assert run.certify().holds
    assert run.pieces[-1].region.rate == np.inf


@pytest.mark.parametrize("method", METHODS)
def test_all_hidden_neurons_pinned(method):
    net = Network.random([2, 3, 2], 0)
    sheaf = Sheaf(net, [1.0, -1.0], {(1, k): float(k - 1) for k in range(3)})
    run = Exact(method).run(sheaf, np.ones(5), 40.0)
    np.testing.assert_allclose(run.states[-1, 3:], net.weights[1] @ [0.0, 0.0, 1.0] + net.biases[1], atol=1e-12)
    assert not run.log
    assert run.certify().holds


def test_information_goes_both_ways():
    """Bosca & Ghrist: a pinned neuron constrains the layers before it too, and a clamped forward pass does not."""
    net = Network.random([2, 6, 6, 6, 1], 3, bias_scale=0.5)
    free = Sheaf(net, [1.0, -1.0])
    forward = free.forward_pass()
    assert np.abs(Exact().run(free, forward, 30.0).states - forward).max() < 1e-12  # unpinned it is at rest
    for place, value in (((4, 0), forward[-1] + 2.0), ((2, int(np.argmax(forward[6:12]))), forward[6:12].max() + 2.0)):
        sheaf = Sheaf(net, [1.0, -1.0], {place: value})
        start = sheaf.forward_pass()
        before = slice(0, 6 * (place[0] - 1))
        np.testing.assert_array_equal(start[before], forward[before])  # clamping does not reach back
        run = Exact().run(sheaf, start, 400.0)
        rest = run.equilibrium
        moved = [np.abs(z).max() for z in sheaf.split(rest - forward)]
        assert min(moved) > 0.02, moved  # the heat equation reaches every layer, before and after
        edges = run.discrepancy([0.0, 400.0])
        assert np.count_nonzero(edges[0] > 1e-12) == 1  # at first one edge disagrees, at last it shares that with all before
        assert (edges[1][: place[0]] > 1e-3).all()
        assert edges[1][place[0] - 1] < edges[0][place[0] - 1]
        assert run.energy(400.0) < run.energy(0.0)


# -- time-stepping schemes, ensembles, figures ------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", [Euler, EventEuler])
def test_euler_s_schemes_are_of_first_order(scheme):
    sheaf, c0 = problem(3)
    end = Exact().run(sheaf, c0, 4.0).states[-1]
    errors = [np.abs(scheme(dt).run(sheaf, c0, 4.0).states[-1] - end).max() for dt in (0.02, 0.01, 0.005)]
    assert errors[0] < 0.1
    assert all(0.3 < b / a < 0.75 for a, b in pairwise(errors))
    run = scheme(0.01).run(sheaf, c0, 4.0)
    assert (run.states[:, sheaf.held] == sheaf.pins.at[sheaf.held]).all()
    many = scheme(0.01).ensemble(sheaf, [c0, 2 * c0], 4.0)
    np.testing.assert_array_equal(many.finals[0], run.states[-1])


def test_a_scheme_of_one_s_own_cannot_move_what_is_pinned():
    class Careless(Integrator):
        def advance(self, region, c, h):
            return c - h * region.sheaf.residual(c)

    sheaf, c0 = problem(5)
    assert sheaf.residual(c0)[sheaf.held].all()
    assert (Careless(0.1).run(sheaf, c0, 1.0).states[:, sheaf.held] == sheaf.pins.at[sheaf.held]).all()


def test_an_ensemble_is_its_runs_and_comes_back_from_a_file(tmp_path):
    sheaf, _ = problem(8)
    starts = 2 * np.random.default_rng(0).standard_normal((6, sheaf.n))
    many = Exact().ensemble(sheaf, starts, 20.0)
    again = Ensemble.load(many.save(tmp_path / "pinned"))
    assert dict(again.sheaf.pinned) == dict(sheaf.pinned)
    for k, c0 in enumerate(starts):
        run = Exact().run(sheaf, c0, 20.0)
        np.testing.assert_array_equal(many.finals[k], run.states[-1])
        assert many[k] == run.log == again[k]
        np.testing.assert_allclose(again.trajectory(k).at(3.0), run.at(3.0), atol=1e-12)
        np.testing.assert_allclose(again.at(3.0)[k], run.at(3.0), atol=1e-12)
    assert many.counts.sum() > 3


def test_figures_of_a_pinned_run_and_the_envelope_that_is_refused():
    run = Exact().run(*problem(5), 20.0)
    figure = plt.figure()
    plots.plot_run(figure, run)
    plots.plot_discrepancy(figure.add_subplot(), run)
    ax = figure.add_subplot()
    end = plots.plot_projection(ax, run)[2]
    assert end.get_label() == "end of the run"
    np.testing.assert_array_equal(np.ravel(end.get_data()), run.states[-1][list(plots.switching_plane(run))])
    for draw in (plots.plot_energy, plots.plot_slope):
        with pytest.raises(ValueError, match=r"`rate` must be left out where neurons or outputs are pinned"):
            draw(ax, run, rate=0.1)
    plt.close(figure)
    sheaf = Sheaf(Network.random([2, 4, 1], 0), [1.0, -1.0], {(1, 0): 1.0, (1, 1): -1.0})
    quiet = Exact().run(sheaf, sheaf.forward_pass(), 1.0)
    assert not quiet.log
    assert plots.switching_plane(quiet) == (2, 3)
    assert [plots.coordinate_label(sheaf, i) for i in (0, 2)] == ["$z^{1}_{0}$ pinned", "$z^{1}_{2}$"]


@pytest.mark.parametrize(("value", "driven"), [(1e-200, True), (0.0, False)])
def test_the_proof_knows_a_pinned_neuron_s_drive_even_if_the_product_underflows(value, driven):
    sheaf = Sheaf(Network([[[1.0], [1.0]], [[1e-200, 1.0]]]), [1.0], pinned={(1, 0): value})
    assert Law(sheaf).undriven[2] == (not driven)
