"""Exact at the edges: adversarial networks, walls at the start, ties, grazes, degenerate equilibria."""

from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from sheaflab import ActivationRegion, Euler, Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from sheaflab.results import Outcome

METHODS = ("auto", "closed", "taylor")
# Each takes several times as long in the browser's Python. All run outside; there are some, for its own LAPACK.
EXAMPLES = 40 if sys.platform == "emscripten" else 120
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-12, -1e-12, 1e-6, 10.0]),
    st.floats(-3, 3).map(lambda v: round(v, 3)),
)


@st.composite
def adversarial(draw):
    """Repeated and zero weights, mixed scales, dead neurons, walls at the start, equilibria close to a wall."""
    widths = draw(st.lists(st.integers(1, 4), min_size=3, max_size=5))
    pick = draw(st.lists(numbers, min_size=8, max_size=8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1.0, 1.0, 1.0, 1e-8, 1e-3, 30.0, 1e3]))
    weights = [scale * rng.choice(pick, (rows, cols)) for cols, rows in itertools.pairwise(widths)]
    biases = [rng.choice(pick, rows) for rows in widths[1:]]
    x = rng.choice(pick, widths[0])
    if draw(st.booleans()):  # the first layer's equilibrium within 1e-12 of a wall
        biases[0] = -(weights[0] @ x) + rng.choice([0.0, 1e-12, -1e-12, 1.0], widths[1])
    sheaf = Sheaf(Network(weights, biases), x)
    c0 = rng.choice([*pick, 0.0], sheaf.n) * draw(st.sampled_from([1.0, 1e-6, 100.0]))
    if draw(st.booleans()):
        c0 = sheaf.harmonic_extension() + draw(st.sampled_from([0.0, 1e-9, 1.0])) * c0
    return sheaf, c0


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(adversarial(), st.sampled_from(METHODS))
def test_adversarial_networks_never_hang_never_raise_and_never_gain_energy(problem, method):
    sheaf, c0 = problem
    integrator = Exact(method, max_events=2000)
    try:
        traj = integrator.run(sheaf, c0, 30.0)
    except ValueError as error:
        if "must be 'auto'" in str(error) or "coboundary of condition" in str(error):
            assert sheaf.condition(np.ones(sheaf.h)) > 1e5  # rates too many decades apart
            return
        raise
    assert traj.outcome.complete, traj
    energy = traj.energy()
    size = max(np.abs(traj.states).max(), np.abs(sheaf.boundary_term).max())
    size *= 1 + max(np.linalg.norm(w) for w in sheaf.net.weights[1:])  # an energy is a square of δ times a state
    assert np.all(np.diff(energy) <= 1e-12 * energy[0] + (1e-12 * size) ** 2)
    for piece in traj.pieces:
        assert piece.start <= piece.end
    assert traj.certify().verdict is not Verdict.REFUTED, traj.certify()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_an_event_early_in_large_motions_is_exact(method, outputs):
    """z = 1e-12 - t² / 2 + …: the rounding of motions of size 1 moves its root by a thousandth, unless moved back."""
    second = np.zeros((outputs, 2))
    second[-1] = 1.0
    sheaf = Sheaf(Network([[[0.0], [0.0]], second], [[0.0, 1.0], [0.0] * outputs]), [0.0])
    start = np.zeros(sheaf.n)
    start[[0, -1]] = 1e-12
    # For neurons a and b: a' = -2 a - b + y, b' = 1 - 2 b - a + y, y' = a + b - y, by the first terms of the series
    exact = brentq(lambda t: 1e-12 - 1e-12 * t - t**2 / 2 + 5 * t**3 / 6, 1e-6, 2e-6, xtol=1e-22)
    assert Exact(method).run(sheaf, start, 30.0).log[0].time == pytest.approx(exact, rel=1e-9, abs=0)
    logs = Exact(method).ensemble(sheaf, np.array([start, start]), 30.0)
    assert logs[1][0].time == pytest.approx(exact, rel=1e-9, abs=0)


@pytest.mark.parametrize(("scale", "widths"), [(1e3, [2, 3, 3, 2]), (1e4, [2, 3, 1]), (1e4, [2, 3, 2])])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.slow
def test_rates_sixteen_decades_apart(scale, widths, seed):
    """Fast and slow events are both met: none is lost in amplitudes that cancel, or in products that underflow."""
    rng = np.random.default_rng(seed)
    net = Network.random(widths, rng, bias_scale=1.0)
    sheaf = Sheaf(Network([scale * w for w in net.weights], net.biases), [1.0, -1.0])
    traj = Exact("taylor").run(sheaf, 10 * rng.standard_normal(sheaf.n), 30.0)
    energy = traj.energy()
    assert np.all(np.diff(energy) <= 1e-12 * energy[0])
    assert traj.certify().verdict is not Verdict.REFUTED


def test_products_that_underflow_end_no_run_early():
    sheaf = Sheaf(Network([[[1.0], [0.0]], [[0.0, 1e4]]], [[0.0, 0.0], [1.0]]), [1.0])
    for method in METHODS:
        np.testing.assert_allclose(Exact(method).run(sheaf, [1e-3, 0.0, 10.0], 30.0).states[-1], [1, 0, 1], atol=1e-11)


def one(w, b, x, c0, t_end=30.0, **options):
    return Exact(**options).run(Sheaf(Network(w, b), x), c0, t_end)


@pytest.mark.parametrize("method", METHODS)
class TestEvents:
    """The matrix of event tests: none, two at once, start on a wall, graze, wrong direction, last instant, sliding."""

    def test_none(self, method):
        traj = one([[[1.0]], [[1.0]]], [[1.0], [0.0]], [1.0], [2.0, 2.0], method=method)
        assert len(traj.log) == 0
        assert traj.outcome is Outcome.REACHED_END

    def test_two_at_once(self, method):
        traj = one([[[1.0], [1.0]], [[0.5, 0.5]]], [[1.0, 1.0], [0.0]], [1.0], [-1.0, -1.0, 0.0], method=method)
        first, second = traj.log[:2]
        assert (first.neuron, second.neuron) == (0, 1)
        assert first.time == pytest.approx(second.time, rel=1e-14)
        assert first.time == pytest.approx(np.log(1.5), rel=1e-13)

    def test_start_on_a_wall_goes_where_both_sides_pull(self, method):
        up = one([[[1.0]], [[0.0]]], [[1.0], [0.0]], [0.0], [0.0, 0.0], method=method)
        assert len(up.log) == 0
        assert up.pieces[0].region.modes == ("active",)
        down = one([[[1.0]], [[0.0]]], [[-1.0], [0.0]], [0.0], [0.0, 0.0], method=method)
        assert down.pieces[0].region.modes == ("inactive",)

    def test_start_on_an_attracting_wall_slides(self, method):
        traj = one([[[1.0]], [[1.0]]], [[1.0], [0.0]], [0.0], [0.0, -3.0], method=method)
        assert traj.pieces[0].region.modes == ("sliding",)
        (leave,) = traj.log
        assert (leave.before, leave.after) == ("sliding", "active")
        assert leave.time == pytest.approx(np.log(3.0), rel=1e-13)  # r_o = -3 exp(-t) and f⁺ = 1 + r_o

    def test_start_on_a_repelling_wall_counts_as_inactive_and_says_so(self, method):
        traj = one([[[1.0]], [[1.0]]], [[-1.0], [0.0]], [0.0], [0.0, 3.0], method=method)
        assert traj.repelled == ((1, 0),)
        assert traj.pieces[0].region.modes == ("inactive",)
        assert len(traj.log) == 0

    def test_a_crossing_at_the_last_instant_is_logged_and_one_after_it_is_not(self, method):
        args = ([[[1.0]], [[0.0]]], [[1.0], [0.0]], [0.0], [-1.0, 0.0])
        time = np.log(2.0)
        assert len(one(*args, t_end=time * (1 + 1e-12), method=method).log) == 1
        assert len(one(*args, t_end=time * (1 - 1e-12), method=method).log) == 0

    def test_slides_in_and_out(self, method):
        traj = one([[[1.0]], [[1.0]]], [[1.0], [0.0]], [0.0], [-0.5, -5.0], method=method)
        assert [(s.before, s.after) for s in traj.log] == [("inactive", "sliding"), ("sliding", "active")]
        enter, leave = traj.log.times
        assert enter == pytest.approx(np.log(1.5), rel=1e-13)
        assert leave == pytest.approx(np.log(5.0), rel=1e-13)
        inside = traj.at(np.linspace(enter, leave, 7))
        np.testing.assert_array_equal(inside[:-1, 0], 0.0)

    def test_an_equilibrium_on_a_wall_is_approached_without_switches(self, method):
        traj = one([[[1.0], [1.0]], [[1.0, -1.0]]], [[0.0, 0.0], [0.0]], [0.0], [1.0, -1.0, 0.5], method=method)
        assert len(traj.log) < 5
        assert np.abs(traj.states[-1]).max() < 1e-4


@cache
def grazing_bias():
    """The bias at which a neuron that the output pulls down for a while just touches its wall."""

    def lowest(bias):
        sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[bias], [0.0]]), [0.0])
        times = np.linspace(0.0, 8.0, 400_001)
        return float(ActivationRegion(sheaf, [1]).flow([1.0, -2.0], times)[:, 0].min())

    low, high = 0.0, 3.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if lowest(middle) > 0 else (middle, high)
    return 0.5 * (low + high)


@pytest.mark.parametrize("offset", [1e-3, 1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize("method", METHODS)
def test_a_graze_is_told_from_a_crossing_however_shallow(method, offset):
    for bias, switches in ((grazing_bias() + offset, 0), (grazing_bias() - offset, 2)):
        traj = one([[[1.0]], [[1.0]]], [[bias], [0.0]], [0.0], [1.0, -2.0], method=method)
        assert len(traj.log) == switches, traj
        assert traj.certify().holds


def test_the_methods_agree():
    for widths in ([2, 6, 1], [2, 5, 5, 1]):
        sheaf = Sheaf(Network.random(widths, seed=3), [1.0, -1.0])
        for k in range(10):
            c0 = 2 * np.random.default_rng(k).standard_normal(sheaf.n)
            logs = [Exact(method).run(sheaf, c0).log for method in METHODS]
            for log in logs[1:]:
                assert [(s.layer, s.neuron, s.after) for s in log] == [(s.layer, s.neuron, s.after) for s in logs[0]]
                np.testing.assert_allclose(log.times, logs[0].times, rtol=1e-9)
                np.testing.assert_allclose(log.kinks(), logs[0].kinks(), rtol=1e-7, atol=1e-9)


def test_an_exhausted_budget_is_an_outcome():
    sheaf = Sheaf(Network.random([2, 8, 1], seed=0), [1.0, -1.0])
    for method in METHODS:
        traj = Exact(method, max_events=2).run(sheaf, 5 * np.random.default_rng(0).standard_normal(9))
        assert traj.outcome is Outcome.EVENT_BUDGET
        assert len(traj.log) == 2
        assert traj.t_end == traj.log[-1].time


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="`method` must be one of auto, closed, taylor"):
        Exact("rk4")
    with pytest.raises(ValueError, match="`max_events`"):
        Exact(max_events=0)
    with pytest.raises(ValueError, match="`t_end`"):
        Exact().run(Sheaf(Network.random([1, 1, 1]), [0.0]), [0.0, 0.0], -1.0)


@pytest.mark.parametrize("scheme", [Exact(), Euler()], ids=repr)
def test_a_run_needs_a_sheaf(scheme):
    net = Network.random([1, 1, 1])
    with pytest.raises(TypeError, match=r"`sheaf` must be a Sheaf, as Sheaf\(net, x\) is, got Network"):
        scheme.run(net, [0.0, 0.0])
    with pytest.raises(TypeError, match="`sheaf` must be a Sheaf or a Network, got NoneType"):
        scheme.ensemble(None, [[0.0, 0.0]])


@pytest.mark.parametrize("scheme", [Exact(), Euler()], ids=repr)
@pytest.mark.parametrize("size", [10**400, -(10**5000)], ids=["large", "not printable"])
def test_integers_beyond_double_precision_are_named(scheme, size):
    sheaf = Sheaf(Network.random([1, 1, 1]), [0.0])
    for name, call in (
        ("c0", lambda: scheme.run(sheaf, [0, size])),
        ("t_end", lambda: scheme.run(sheaf, [0, 0], size)),
        ("starts", lambda: scheme.ensemble(sheaf, [[0, size]])),
    ):
        with pytest.raises(ValueError, match=rf"`{name}` must be within double precision \(1\.8e308\), got a larger"):
            call()


def test_a_mask_is_not_ignored():
    sheaf, c0 = Sheaf(Network.random([1, 1, 1]), [0.0]), np.ma.array([1.0, 2.0], mask=[True, False])
    with pytest.raises(ValueError, match=r"`c0` must have no masked entry, got one at index \(0,\)"):
        Exact().run(sheaf, c0)
    with pytest.raises(ValueError, match=r"`starts` must have no masked entry, got one at index \(0, 0\)"):
        Exact().ensemble(sheaf, c0[None])
    assert np.array_equal(Exact().run(sheaf, np.ma.array([1.0, 2.0])).states[0], [1.0, 2.0])  # without a mask it is one


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("max_events", lambda number: Exact(max_events=number)),
        ("max_steps", lambda number: Euler(max_steps=number)),
        ("chunk", lambda number: Exact().ensemble(Sheaf(Network.random([1, 1, 1]), [0.0]), [[0.0, 0.0]], chunk=number)),
    ],
)
def test_numbers_of_things_are_whole(name, call):
    with pytest.raises(ValueError, match=rf"`{name}` must be a whole number, got 2\.5"):
        call(2.5)
    call(1e6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [-497, -300, 300, 490])
@pytest.mark.parametrize("widths", [[2, 5, 1], [2, 5, 4, 2]], ids=str)
def test_a_power_of_two_as_unit_changes_no_time(method, power, widths):
    """The flow is homogeneous: from 1e-150 to 1e150 a log differs by its unit alone."""
    net, unit = Network.random(widths, 1, bias_scale=0.5), 2.0**power
    c0 = 2 * np.random.default_rng(1).standard_normal(net.free)
    plain = Exact(method).run(Sheaf(net, [1.0, -1.0]), c0, 20.0)
    sheaf = Sheaf(Network(net.weights, [unit * b for b in net.biases]), [unit, -unit])
    scaled = Exact(method).run(sheaf, unit * c0, 20.0)
    assert [(s.layer, s.neuron, s.after) for s in scaled.log] == [(s.layer, s.neuron, s.after) for s in plain.log]
    np.testing.assert_allclose(scaled.log.times, plain.log.times, rtol=1e-9)
    log = Exact(method).ensemble(sheaf, [unit * c0], 20.0)[0]
    np.testing.assert_allclose(log.times, plain.log.times, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-170, 1e160, 1e200])
def test_numbers_whose_squares_are_none_are_refused_at_once(size):
    sheaf = Sheaf(Network([[[0.0]], [[1.0]]], [[0.0], [0.0]]), [0.0])
    with pytest.raises(ValueError, match="`c0` must"):
        Exact().run(sheaf, [size, -size], 1.0)
    with pytest.raises(ValueError, match="`starts` must"):
        Exact().ensemble(sheaf, [[size, -size]], 1.0)


def test_complex_numbers_are_an_error():
    sheaf = Sheaf(Network.random([1, 1, 1]), [0.0])
    with pytest.raises(ValueError, match="`c0` must be a rectangular array of real numbers"):
        Exact().run(sheaf, np.array([1.0 + 1.0j, 0.0]))


def test_only_modes_that_are_met_are_judged():
    """He's weights at depth 60: all neurons active would be refused, the modes of the run are not near it."""
    rng = np.random.default_rng(0)
    widths = [2, *[16] * 60, 1]
    net = Network([rng.standard_normal((b, a)) * np.sqrt(2 / a) for a, b in itertools.pairwise(widths)])
    sheaf = Sheaf(net, [1.0, -1.0])
    assert sheaf.condition(np.ones(sheaf.h)) > 1e9
    assert Exact().run(sheaf, rng.standard_normal(sheaf.n), 0.05).outcome.complete


def small_beside_large(outputs, hidden):
    """Neuron 0 falls through its wall at once, from 1e-18; the last one stands at 1."""
    second = np.zeros((outputs, hidden))
    bias = [-1.0, *[1.0] * (hidden - 1)]
    sheaf = Sheaf(Network([np.zeros((hidden, 1)), second], [bias, [0.0] * outputs]), [0.0])
    return sheaf, [1e-18, *bias[1:], *[0.0] * outputs]


def every(sheaf, c0, t_end=30.0):
    """The log of each method, alone and in an ensemble."""
    for method in METHODS:
        yield method, Exact(method).run(sheaf, c0, t_end).log
        yield f"{method}, ensemble", Exact(method).ensemble(sheaf, [c0, c0], t_end)[1]


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_small_number_beside_a_large_one_has_a_rounding_of_its_own(outputs):
    for name, log in every(*small_beside_large(outputs, 3)):
        assert [(s.neuron, s.after) for s in log] == [(0, "inactive")], name
        assert log[0].time == pytest.approx(1e-18, rel=1e-9, abs=0), name


def test_a_dip_below_the_rounding_of_the_largest_coordinate_is_met():
    """z_i = 1e-18 - 4e-9 t + t² / 2 + … beside another at 0.5 + t: it is below zero between 2.6e-10 and 7.7e-9."""
    sheaf = Sheaf(Network([[[0.0]], [[1.0]], [[0.0]]], [[1.5], [-0.5 - 4e-9], [0.0]]), [0.0])
    for name, log in every(sheaf, [0.5, 1e-18, 0.0], 1.0):
        assert [(s.layer, s.after) for s in log] == [(2, "inactive"), (2, "active")], name
        np.testing.assert_allclose(log.times, 4e-9 + np.array([-1, 1]) * np.sqrt(14e-18), rtol=1e-6, err_msg=name)


def test_a_slow_passage_is_timed_by_its_own_row_and_not_by_eigenvectors():
    """The speed at the wall is 1e-12, where others are of size 3."""
    weights = [
        [[-1.034e-8, 0.0, -1.034e-8], [-1.034e-8, -1.034e-8, -3e-8], [0.0, 0.0, -3e-8]],
        [[-3e-8, -3e-8, -3e-8], [-1.034e-8, -1.034e-8, -3e-8], [-1.034e-8, -1.034e-8, -1.034e-8]],
    ]
    biases = [[-4.171056e-8, 0.99999986828844, -8.9999e-8], [-1.034, -3.0, -1.034]]
    sheaf = Sheaf(Network(weights, biases), [-1.034, -3.0, -3.0])
    c0 = [-2.999e-9, 0.999999998966, -2.999e-9, -1.03400003, -3.000000011374, -1.034000012182]
    first, *others = (log for _, log in every(sheaf, c0))
    assert len(first) == 2
    for log in others:
        np.testing.assert_allclose(log.times, first.times, atol=1e-4)
    for method in METHODS:
        assert Exact(method).run(sheaf, c0, 30.0).certify().verdict is not Verdict.REFUTED


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_drive_that_nearly_cancels_is_the_exact_one(outputs):
    """0.1 · 3 is not 0.30000000000000004: what is left, -2.8e-17, is where z goes, from 1e-18."""
    sheaf = Sheaf(Network([[[0.1]], [[0.0]] * outputs], [[-(0.1 * 3.0)], [0.0] * outputs]), [3.0])
    left = Fraction(0.1) * 3 - Fraction(0.1 * 3.0)
    for name, log in every(sheaf, [1e-18, *[0.0] * outputs]):
        assert [s.after for s in log] == ["inactive"], name
        assert log[0].time == pytest.approx(float(np.log1p(1e-18 / float(-left))), rel=1e-9), name


def test_a_neuron_at_its_wall_by_rounding_hides_no_event_of_another():
    """Neuron (2, 1) stays at 1e-15, where the rounding of the first layer's 1000 takes it to its wall again and again.

    The uncertainty that was assumed then, more each time and of all neurons, hid that (2, 0) goes from -1 to 1.
    """
    weights = [[[-1000.0]], [[1.0], [0.0]], [[0.0, 1000.0]], [[2.0]]]
    sheaf = Sheaf(Network(weights, [[0.0], [1.0, 1e-12], [0.0], [0.0]]), [1.0])
    for name, log in every(sheaf, [0.0, -1.0, 0.0, 0.0, 0.0]):
        assert [(s.layer, s.neuron, s.after) for s in log] == [(2, 0, "active")], name
        assert log[0].time == pytest.approx(np.log(2.0), rel=1e-12), name


def test_one_hidden_layer_gives_each_neuron_a_doubt_of_its_own():
    """Neuron 0 hovers at 1e-15, within the rounding of its 1000; neuron 2 goes from 1 to -1/2, and crosses at log 3."""
    weights = [[[-1000.0, 1000.0], [0.0, 1000.0], [1000.0, -1000.5]], [[1000.0, 0.0, 0.0]]]
    sheaf = Sheaf(Network(weights, [[-1e-12, 0.0, 0.0], [0.0]]), [1.0, 1.000000000001])
    starts = np.array([[-1e-15, 1000.0, 1.0, 1e-12], [-1.0, 1.0, 1.0, 0.0], [-1e-15, 1000.0, -1.0, 1e-12]])
    runs = Exact().ensemble(sheaf, starts, 30.0)
    for name, log in [*every(sheaf, starts[0]), ("in company", runs[0])]:
        assert (log[-1].neuron, log[-1].after) == (2, "inactive"), name
        assert log[-1].time == pytest.approx(np.log(3.0), rel=1e-8), name
    for log, start in zip(runs, starts, strict=True):
        alone = Exact().ensemble(sheaf, [start], 30.0)[0]
        assert [(s.neuron, s.after) for s in log] == [(s.neuron, s.after) for s in alone]
        np.testing.assert_allclose(log.times, alone.times, rtol=1e-12)


def test_a_tie_soon_after_another_switch_is_one_instant():
    """Three neurons rise at log 2; another has just done so, by 1e-3 to 1e-9 of that, and waits are from there."""
    for k in range(12):
        rng = np.random.default_rng(k)
        net = Network([rng.uniform(0.5, 2, (4, 1)), 0.3 * rng.standard_normal((1, 4))], [np.zeros(4), np.zeros(1)])
        sheaf = Sheaf(net, [1.0])
        c0 = np.append(-sheaf.boundary_term[:4], 0.0)
        c0[0] *= np.expm1(np.log(2.0) * (1 - 10.0 ** -rng.uniform(3, 9)))
        traj = Exact().run(sheaf, c0, 1.0)
        many = Exact().ensemble(sheaf, [c0, c0], 1.0)[1]
        one = [{s.time for s in log if s.neuron} for log in (traj.log, many)]
        assert [len(times) for times in one] == [1, 1], k
        assert traj.certify().holds, k


def test_an_event_soon_after_its_neuron_has_left_the_wall_is_at_its_own_time():
    """Neuron 7 is active from 0.207 to 0.324 only: the root was sought from there, and moved back from the wall itself."""
    rng = np.random.default_rng([884, 2, 8, 1])
    net = Network.random([2, 8, 1], rng)
    sheaf = Sheaf(net, rng.standard_normal(2))
    c0 = rng.uniform(0.5, 5) * rng.standard_normal(sheaf.n)
    runs = [Exact(method).run(sheaf, c0, 1.0) for method in METHODS]
    for traj in runs:
        np.testing.assert_allclose(traj.log.times, [0.20697723417381048, 0.3243855445432865], rtol=1e-12)
        assert traj.certify().holds
    many = Exact().ensemble(sheaf, [c0, c0 + 1e-3, c0 - 1e-3], 1.0)
    np.testing.assert_allclose([s.time for s in many[0]], runs[0].log.times, rtol=1e-12)
