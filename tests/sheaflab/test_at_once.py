"""The proof of all stretches at once: it decides what is ordinary, and claims nothing that the step-by-step one does not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from sheaflab import certificate as front
from sheaflab.certificate import Verdict
from sheaflab.proof import closed as closed_form
from sheaflab.proof.closed import Closed, Spectra
from sheaflab.proof.follow import Stop, follow
from sheaflab.proof.law import exact_drive
from sheaflab.proof.passage import Passage, follow_at_once
from sheaflab.proof.positivity import Doubt
from sheaflab.proof.rows import Steps
from sheaflab.proof.spread import Segments
from sheaflab.proof.stretches import Stretches, blocks_of, law_of, spectra_of

SHAPES = ([2, 4, 1], [2, 8, 1], [3, 5, 2], [2, 4, 3, 1], [2, 3, 3, 3, 1], [2, 16, 16, 1], [2, *[12] * 8, 1])


def run(widths, seed, t_end=40.0, **options):
    rng = np.random.default_rng([seed, 31, *widths])
    sheaf = Sheaf(Network.random(widths, rng), rng.standard_normal(widths[0]))
    return Exact(**options).run(sheaf, rng.choice([0.5, 2.0, 5.0]) * rng.standard_normal(sheaf.n), t_end)


def at_once(traj, times=None, states=None, codes=None):
    given = traj.times if times is None else times, traj.states if states is None else states
    return follow_at_once(traj.sheaf, *given, traj._codes if codes is None else codes)


def refuse(*_):
    raise AssertionError("the quick proof did not decide")


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_ordinary_runs_need_no_other_proof(widths, monkeypatch):
    monkeypatch.setattr(front, "follow", refuse)
    for seed in range(8):
        proof = run(widths, seed).certify()
        assert proof.holds, proof


@pytest.mark.parametrize("widths", SHAPES[:-1], ids=str)
def test_it_agrees_with_the_proof_of_one_step_after_the_other(widths):
    """The two know times and states on their own; each is right within its errors, so both are together."""
    switches = 0
    for seed in range(4):
        traj = run(widths, seed)
        quick = at_once(traj)
        stops = [Stop(piece.start, piece.region.modes) for piece in traj.pieces]
        slow = follow(traj.sheaf, traj.states[0], stops, traj.t_end)
        for mine, other in zip(quick.times, slow.times, strict=True):
            # The other's errors hold the distance to the logged time already.
            assert mine.keys() == other.keys()
            switches += len(mine)
        for k, (a, b) in enumerate(zip(quick.states, slow.states, strict=True)):
            assert np.linalg.norm(a - b) <= quick.sizes[k] + slow.sizes[k]
    assert switches > 3


@pytest.mark.parametrize("widths", [[2, 8, 1], [2, 4, 3, 1]], ids=str)
@pytest.mark.parametrize("change", ["a later time", "a state", "a mode", "a switch left out"])
def test_what_is_changed_is_not_proved(widths, change):
    tried = 0
    for seed in range(30):
        traj = run(widths, seed)
        if len(traj.times) < 5:
            continue
        times, states, codes = traj.times.copy(), traj.states.copy(), traj._codes.copy()
        if change == "a later time":
            times[2] += 1e-8
        elif change == "a state":
            states[2][states[2] != 0] += 1e-9
        elif change == "a mode":
            i = int(np.flatnonzero(codes[2] == codes[1])[0])
            codes[2:, i] = 1 - codes[2:, i] % 2
        else:
            times, states, codes = (np.delete(a, 2, axis=0) for a in (times, states, codes))
        with pytest.raises(Doubt):
            at_once(traj, times, states, codes)
        tried += 1
    assert tried > 10


def test_another_law_is_not_proved():
    """The log of a flow whose weights differ by a millionth."""
    for seed in range(12):
        traj = run([2, 8, 1], seed)
        if len(traj.log) < 2:
            continue
        net = traj.sheaf.net
        other = Sheaf(Network([w * (1 + 1e-6) for w in net.weights], net.biases), traj.sheaf.x)
        with pytest.raises(Doubt):
            follow_at_once(other, traj.times, traj.states, traj._codes)


def test_a_switch_that_the_log_lacks_at_its_end_is_not_proved():
    """The run goes on in its last mode for longer than that lasts."""
    found = 0
    for seed in range(20):
        traj = run([2, 8, 1], seed)
        if len(traj.times) < 4:
            continue
        times, states = traj.times[:-1].copy(), traj.states[:-1]
        times[-1] += 0.1
        with pytest.raises(Doubt):
            at_once(traj, times, states, traj._codes[:-1])
        found += 1
    assert found > 5


@pytest.mark.parametrize("widths", [[2, 8, 8, 1], [2, 16, 16, 1], [2, 120, 120, 1]], ids=str)
def test_segments_hold_what_the_flow_makes_of_a_difference(widths):
    """By eigenvectors, in double and in single precision: the closed form's matrix carries each segment to within what the ball takes."""
    traj = run(widths, 3, 4.0)
    stretches = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
    k = int(np.argmax(np.diff(traj.times[:-1])))
    cloud = Segments(stretches)
    assert cloud.single == (widths[1] == 120)
    rng, region = np.random.default_rng(0), traj.pieces[k].region
    moving = region.moving
    start = rng.standard_normal((5, traj.sheaf.n)) * moving * 1e-12
    cloud.radius = 1e-13
    cloud.rows = (start / cloud.unit).astype(cloud.rows.dtype)
    cloud.carry(stretches, k)
    rates, vectors = np.linalg.eigh(region.laplacian)
    moved = np.zeros_like(start)
    moved[:, moving] = start[:, moving] @ vectors * np.exp(-rates * stretches.spans[k]) @ vectors.T
    off = np.linalg.norm(cloud.rows * cloud.unit - moved, axis=1).sum()
    assert len(cloud.rows) == 5
    assert off <= cloud.radius - 1e-13
    assert cloud.radius < 2e-13


def wide_flow(region, c, span):
    """Where a mode takes a state, in the widest floats there are: a Taylor series with the given boundary term."""
    delta, net = region.matrix.astype(np.longdouble), region.sheaf.net
    first = net.weights[0].astype(np.longdouble) @ region.sheaf.x.astype(np.longdouble)
    b = np.concatenate([first + net.biases[0], *net.biases[1:]])
    moving, x = region.moving, c.astype(np.longdouble)
    for _ in range(8):
        term = delta.T @ (b - delta @ x[moving]) * (np.longdouble(span) / 8)
        for k in range(2, 60):
            x[moving] += term
            term = -(delta.T @ (delta @ term)) * (np.longdouble(span) / 8 / k)
    return x


@pytest.mark.slow
@pytest.mark.parametrize("widths", [[2, 8, 1], [2, 16, 16, 1], [2, 40, 40, 1]], ids=str)
def test_the_flow_of_a_stretch_ends_within_what_is_claimed(widths):
    """By eigenvectors, by one matrix of all layers, and by layers."""
    seen = 0
    for seed in range(6):
        traj = run(widths, seed)
        stretches = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
        for k, piece in enumerate(traj.pieces[:-1]):
            end = wide_flow(piece.region, traj.states[k], stretches.spans[k])
            assert np.linalg.norm((end - traj.states[k + 1]).astype(np.float64)) <= stretches.wrong[k]
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("widths", [[2, 8, 8, 1], [2, 16, 16, 1]], ids=str)
def test_others_are_to_be_apart_while_a_switch_is_uncertain(widths):
    """By coordinates and, where neurons slide, by speeds: what others do in the uncertain time is to be less than that."""
    slid = 0
    for seed in range(12):
        traj = run(widths, seed)
        if len(traj.times) < 4:
            continue
        passage = Passage(Stretches(traj.sheaf, traj.times, traj.states, traj._codes))
        passage._others_apart()
        of = passage.of
        number = [np.delete(row == 2, i).sum() for row, i in zip(of.codes[1:], of.neurons, strict=True)]
        k = int(np.argmax(number))  # where most others slide
        others = np.delete(np.arange(traj.sheaf.h), of.neurons[k])
        free = others[of.codes[k + 1, others] != 2]
        times = np.abs(of.y[k + 1, free]) / of.speed[k + 1]
        passage.taus[k] = 0.3 * times.min()
        passage.bend = [0.0] * len(passage.bend)
        apart = len(free) == len(others)
        if apart:
            passage._others_apart()
        passage.taus[k] = 0.4 * times.min()
        with pytest.raises(Doubt):
            passage._others_apart()
        if not apart:
            passage.taus[k], passage.speeds[k] = 0.01 * times.min(), 1e9
            with pytest.raises(Doubt):
                passage._others_apart()
            slid += 1
    assert slid


@pytest.mark.parametrize("widths", [[2, 8, 8, 1], [2, 16, 16, 1]], ids=str)
@pytest.mark.parametrize("name", ["margins", "rises", "falls", "wrong"])
def test_each_bound_of_a_stretch_has_to_hold(widths, name):
    traj = run(widths, 1)
    stretches = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
    errors = Passage(stretches).times
    bound = getattr(stretches, name)
    if name == "wrong":
        bound[1] += 1e-10
        assert Passage(stretches).times[1] > 10 * errors[1]
        bound[1] += 1.0
    else:
        bound[1] = 1e-17 if name == "margins" else (1e-17, 0.0)
    with pytest.raises(Doubt):
        Passage(stretches)


@pytest.mark.parametrize("widths", [[2, 30, 1], [2, 16, 16, 1]], ids=str)
def test_functions_that_begin_or_end_at_0_rise_and_fall_no_less_than_is_claimed(widths):
    """Sampled on the whole step; the bound is a tenth of that or more."""
    traj = run(widths, 2)
    of = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
    rows = np.flatnonzero((of.orders[:-1] > 0) & (of.kinds == 0) & (of.steps_of[:-1] == 1))
    assert rows.size
    steps = Steps(of.blocks, of.codes[rows], of.y[rows], of.spans[rows])
    x, k = np.linspace(0.0, 1.0, 201)[1:-1, None], np.arange(rows.size)
    rate = of.law.fastest * steps.h * 1.01
    for kind, i in (("departs", of.neurons[rows - 1]), ("falls", of.neurons[rows])):
        f = steps.function(k, i, "z")
        values = np.array([np.polynomial.polynomial.polyval(x[:, 0], column) for column in f.T]).T
        orders = of.orders[rows]
        if kind == "departs":
            low, turns, last = steps.departs(k, i, orders)
            means, rate_here = np.where(orders == 1, values / x, 2 * values / x**2), rate**orders
        else:
            low, turns, last = steps.falls(k, i, "z")
            means, rate_here = (values - f.sum(axis=0)) / (1 - x), rate
        least = means.min(axis=0) / rate_here
        assert (low <= least * (1 + 1e-9)).all()
        assert (low >= 0.1 * least).all()
        assert (turns >= 0).all()
        assert (last <= (f.sum(axis=0) if kind == "departs" else f[0])).all()


def test_pinned_coordinates_and_starts_on_walls_are_left_to_the_other_proof():
    net = Network.random([2, 4, 1], 0)
    for sheaf, c0 in (
        (Sheaf(net, [1.0, -1.0], pinned={(2, 0): 0.5}), np.ones(5)),
        (Sheaf(net, [1.0, -1.0]), np.array([0.0, 1.0, -1.0, 1.0, 0.5])),
    ):
        traj = Exact().run(sheaf, c0, 20.0)
        with pytest.raises(Doubt):
            at_once(traj)
        assert traj.certify().verdict in (Verdict.PROVED, Verdict.UNDECIDED)


def functions(traj, k, x):
    """Event functions of stretch `k` at fractions `x` of it, their rows divided by bounds of their norms."""
    law, piece, h = traj.sheaf.shared(law_of), traj.pieces[k], traj.sheaf.h
    states = piece.at(traj.times[k] + x * (traj.times[k + 1] - traj.times[k]))
    down, up = traj.sheaf.wall_speeds(states)
    slides = traj._codes[k] == 2
    sides = np.where(slides, down / law.gain, np.where(traj._codes[k] == 1, 1.0, -1.0) * states[:, :h])
    return np.concatenate([sides, np.where(slides, -up / law.fastest, np.inf)], axis=1)


@pytest.mark.parametrize("widths", [[2, 8, 1], [2, 8, 8, 1], [2, 3, 3, 3, 1]], ids=str)
def test_event_functions_of_small_networks_are_no_less_than_is_claimed(widths):
    """Sampled: in each piece of a stretch, from one piece to the next, and by shorter pieces."""
    slid = 0
    for seed in range(6):
        traj = run(widths, seed)
        of = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
        closed = Closed(traj.sheaf.shared(spectra_of), of.codes, of.y, of.spans, of.largest)
        number = closed.low.shape[1]
        for k in range(len(of.y)):
            nodes = closed.times[k] / closed.times[k, -1]
            x = (nodes[:-1, None] + np.diff(nodes)[:, None] * np.linspace(0.0, 1.0, 9)).ravel()
            values = functions(traj, k, x)[:, :number].T.reshape(number, -1, 9).min(axis=2)
            assert (closed.low[k] <= values + 1e-12).all()
            told = np.isfinite(values) & (values > 0)
            assert np.median(closed.low[k][told] / values[told]) > 0.9
            slid += (traj._codes[k] == 2).any()
            i, left = int(np.argmin(values.min(axis=1))), len(nodes) // 2
            rows = np.array([k]), np.array([i]), closed.times[k, left : left + 1], closed.times[k, left + 1 : left + 2]
            finer = closed._lowest(*rows, np.inf, 2)
            assert closed.low[k, i, left] <= finer[0] <= values[i, left] + 1e-12
    assert slid or len(widths) < 4


@pytest.mark.parametrize("widths", [[2, 8, 1], [2, 8, 8, 1]], ids=str)
def test_functions_of_small_networks_rise_and_fall_no_less_than_is_claimed(widths):
    """By differences of samples, over the pieces in which their slopes stand for them."""
    seen = {"falls": 0, 1: 0, 2: 0}
    for seed in range(8):
        traj = run(widths, seed)
        of = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
        low = of.closed.low
        for k, i in enumerate(of.neurons.tolist()):
            rate = of.law.fastest * of.spans
            row = i + (of.before[k] == 2 and of.after[k] == 1) * traj.sheaf.h
            pieces = int(np.isinf(low[k, row]).sum() - (k and of.neurons[k - 1] == i and np.isinf(low[k, row, :9]).sum()))
            x = np.linspace(of.closed.times[k, -1 - pieces] / of.closed.times[k, -1], 1.0, 50)
            slopes = -np.diff(functions(traj, k, x)[:, row]) / np.diff(x) / rate[k]
            assert of.falls[k][0] <= slopes.min() * (1 + 1e-6) + 1e-10
            assert of.falls[k][0] >= 0.3 * slopes.min()
            seen["falls"] += 1
            if of.after[k] == 2:
                continue
            order = 2 if of.before[k] == 2 else 1
            x = np.linspace(0.0, of.closed.times[k + 1, 1] / of.closed.times[k + 1, -1], 9)
            f = functions(traj, k + 1, x)[1:, i] / x[1:] ** order * order / rate[k + 1] ** order
            if of.spans[k + 1] > 0.1:
                assert 0.3 * f.min() <= of.rises[k + 1][0] <= f.min() * (1 + 1e-6) + 1e-6 * order
                seen[order] += 1
    assert min(seen["falls"], seen[1]) > 5


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e9])
def test_first_residuals_of_small_networks_have_next_to_no_rounding(size, secret):
    """Near the equilibrium, where they are all cancellation."""
    rng = np.random.default_rng(list(secret))
    net = Network.random([3, 6, 4, 2], rng)
    sheaf = Sheaf(Network(net.weights, [size * b for b in net.biases]), size * rng.standard_normal(3))
    y = sheaf.forward_pass() + 1e-9 * size * rng.standard_normal((4, sheaf.n))
    codes = (y[:, : sheaf.h] > 0).astype(np.int8)
    closed = Closed(sheaf.shared(spectra_of), codes, y, np.full(4, 0.1), float(np.abs(y).max()))
    drive, rest = exact_drive(sheaf)
    for k in range(4):
        r = [Fraction(v) - Fraction(b) - Fraction(c) for v, b, c in zip(y[k].tolist(), drive.tolist(), rest.tolist(), strict=True)]
        for w, before, after in sheaf.layers:
            fed = [Fraction(v) for v in (codes[k, before] * y[k, before]).tolist()]
            for j, row in enumerate(w.tolist()):
                r[after.start + j] -= sum((Fraction(a) * v for a, v in zip(row, fed, strict=True)), Fraction(0))
        off = [abs(float(Fraction(v) - exact)) for v, exact in zip(closed.r[k].tolist(), r, strict=True)]
        assert max(off) <= 1.2e-16 * np.abs(closed.r[k]).max() + 1e-20 * size
        assert np.linalg.norm(off) <= closed.wrong_speed[k]
        exact = np.array([float(v) for v in r])
        pulled = np.array(sheaf.pull) @ exact
        v = -exact
        v[: sheaf.h] += codes[k] * pulled
        assert np.linalg.norm(closed.g[k] - pulled) <= closed.wrong_speed[k]
        assert np.linalg.norm(closed.v[k] - v) <= 1.5 * closed.wrong_v[k]


@pytest.mark.parametrize("where", [0.3, 0.5])
def test_a_function_that_sags_between_two_times_is_seen_to(where):
    """A sum of two exponentials that touches 0 inside a piece."""
    traj = run([2, 8, 1], 2)
    of = Stretches(traj.sheaf, traj.times, traj.states, traj._codes)
    closed, k = of.closed, len(of.y) - 1
    piece = int(np.searchsorted(closed.times[k], 0.1))
    left, right = closed.times[k, piece : piece + 2]
    t, shares = left + where * (right - left), closed.shares[k]
    slow, fast = int(np.argmin(shares)), int(np.argmax(shares))
    b = np.zeros_like(shares)
    b[fast] = -np.exp(shares[fast] * t) / shares[fast]
    b[slow] = np.exp(shares[slow] * t) / shares[slow]
    closed.b[k, 0], closed.heights[k, 0] = b, np.exp(-shares * t) @ b
    closed._look(closed.times[:, -1], -closed.shares)
    row = np.array([k]), np.array([0]), np.array([left]), np.array([right])
    assert closed.ends[k, 0, piece] > 0
    assert closed.low[k, 0, piece] < 0
    assert closed.low[k, 0, piece] < closed._lowest(*row, np.inf, 0)[0] < 1e-15
    closed.low[k, 0, : piece - 1] = closed.low[k, 0, piece + 2 :] = np.inf
    assert closed.margins(1.0)[k] < 0  # whoever looks closer sees that it is not above 0


@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-9])
@pytest.mark.parametrize("what", ["rates", "vectors"])
def test_eigenvectors_are_candidates_alone(monkeypatch, what, off):
    """By as much as they or their rates are wrong, so is the stretch."""
    eigh = np.linalg.eigh

    def near(matrix):
        rates, vectors = eigh(matrix)
        if what == "rates":
            return rates * (1 + off), vectors
        return rates, vectors + off * np.random.default_rng(0).standard_normal(matrix.shape)

    trajs = [run([2, 6, 6, 1], seed) for seed in range(4)]
    monkeypatch.setattr(np.linalg, "eigh", near)
    for traj in trajs:
        spectra = Spectra(traj.sheaf.shared(law_of), traj.sheaf.shared(blocks_of))
        y, spans = traj.states[:-1], np.diff(traj.times)
        closed = Closed(spectra, traj._codes, y, spans, float(np.abs(y).max()))
        for k, piece in enumerate(traj.pieces[:-1]):
            end = wide_flow(piece.region, y[k], spans[k])
            assert np.linalg.norm((end - closed.end[k]).astype(np.float64)) <= closed.wrong[k]
            assert closed.wrong[k] < 1e-12 + 1e3 * off


def test_modes_beyond_the_room_for_them_are_found_again(monkeypatch):
    first = run([2, 8, 1], 3)
    proof = first.certify()
    monkeypatch.setattr(closed_form, "_ROOM", 0)
    sheaf = Sheaf(first.sheaf.net, first.sheaf.x)
    for scale in (1.0, -1.0, 1.0):
        traj = Exact().run(sheaf, scale * first.states[0], 40.0)
        found = traj.certify()
        assert len(sheaf.shared(spectra_of)._known) <= 6  # of the 9 modes that the two have seen
    assert found.time_errors.tolist() == proof.time_errors.tolist()
