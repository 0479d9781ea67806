"""The certificate accepts the flow and rejects whatever has been tampered with, however little."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from sheaflab import ActivationRegion, Euler, Exact, Network, Sheaf, Switch, SwitchLog, Trajectory
from sheaflab.certificate import Verdict, certify
from sheaflab.trajectory import FlowPiece

SHAPES = ([2, 4, 1], [2, 8, 1], [3, 5, 2], [2, 4, 3, 1], [2, 3, 3, 3, 1])


def runs(widths, method="auto", number=12):
    for seed in range(number):
        rng = np.random.default_rng([seed, 9, *widths])
        sheaf = Sheaf(Network.random(widths, rng), rng.standard_normal(widths[0]))
        yield Exact(method).run(sheaf, rng.choice([0.5, 2.0, 5.0]) * rng.standard_normal(sheaf.n), 40.0)


@pytest.mark.parametrize("method", ["auto", "closed", "taylor"])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_every_exact_run_is_proved(widths, method):
    for traj in runs(widths, method):
        proof = traj.certify()
        assert proof.holds, proof
        assert proof.state_error < 1e-11
        assert len(proof.time_errors) == len(traj.log)
        assert proof.rate.value > 0


def rebuilt(traj, stops, regions, switches):
    """A trajectory of honest flow pieces between dishonest switches: (time, region) by (time, region)."""
    times, states = [0.0], [traj.states[0]]
    pieces = []
    for k, region in enumerate(regions):
        end = stops[k] if k < len(stops) else traj.t_end
        pieces.append(FlowPiece(region, times[-1], end, states[-1]))
        c = region.flow(states[-1], end - times[-1])
        times.append(end)
        states.append(c)
        if k + 1 < len(regions):
            states[-1][list(regions[k + 1].sliding)] = 0.0
    log = SwitchLog(switches, traj.t_end, certified=True)
    return Trajectory(traj.sheaf, np.array(times), np.array(states), pieces, log, traj.outcome)


def parts(traj):
    return list(traj.times[1:-1]), [piece.region for piece in traj.pieces], list(traj.log)


def chosen(widths):
    """Runs with a few switches, each at a time of its own, one of them a slide."""
    found = [t for t in runs(widths, number=60) if len(t.log) >= 3 and t.log.slides and len(t.log) == len(t.times) - 2]
    assert found
    return found[:4]


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_rebuilding_honestly_is_accepted(widths):
    for traj in chosen(widths):
        assert certify(rebuilt(traj, *parts(traj))).holds


@pytest.mark.parametrize("shift", [1e-6, -1e-6])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_an_event_moved_by_a_millionth_is_refuted(widths, shift):
    for traj in chosen(widths):
        for k in range(len(traj.log)):
            stops, regions, switches = parts(traj)
            stops[k] += shift
            switches[k] = replace(switches[k], time=stops[k])
            proof = certify(rebuilt(traj, stops, regions, switches))
            assert proof.verdict is Verdict.REFUTED, (k, proof)
            assert proof.findings


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_a_deleted_event_is_refuted(widths):
    for traj in chosen(widths):
        for k in range(len(traj.log)):
            stops, regions, switches = parts(traj)
            del stops[k], regions[k + 1], switches[k]
            assert certify(rebuilt(traj, stops, regions, switches)).verdict is Verdict.REFUTED
            quiet = Trajectory(
                traj.sheaf, traj.times, traj.states, traj.pieces,
                SwitchLog(switches, traj.t_end, certified=True), traj.outcome,
            )  # fmt: skip
            assert certify(quiet).verdict is Verdict.REFUTED  # deleted from the log alone


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_the_wrong_neuron_is_refuted(widths):
    for traj in chosen(widths):
        sheaf = traj.sheaf
        for k, switch in enumerate(traj.log):
            stops, regions, switches = parts(traj)
            i = sheaf.index(switch.layer, switch.neuron)
            j = (i + 1) % sheaf.h
            switches[k] = replace(switch, layer=sheaf.place(j)[0], neuron=sheaf.place(j)[1])
            assert certify(rebuilt(traj, stops, regions, switches)).verdict is Verdict.REFUTED
            old, new = regions[k], regions[k + 1]
            if switch.crosses and j not in old.sliding:  # the pieces themselves follow the wrong neuron
                pattern = new.pattern.copy()
                pattern[[i, j]] = ~pattern[[i, j]]
                regions[k + 1] = ActivationRegion(sheaf, pattern, new.sliding)
                assert certify(rebuilt(traj, stops, regions, switches)).verdict is Verdict.REFUTED


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_sliding_dropped_is_refuted(widths):
    for traj in chosen(widths):
        stops, regions, switches = parts(traj)
        k = next(k for k, s in enumerate(switches) if s.slides)
        i = traj.sheaf.index(switches[k].layer, switches[k].neuron)
        for side in (0, 1):
            pattern = regions[k + 1].pattern.copy()
            pattern[i] = side
            dropped = [*regions]
            dropped[k + 1] = ActivationRegion(traj.sheaf, pattern, set(regions[k + 1].sliding) - {i})
            after = "active" if side else "inactive"
            told = [*switches]
            told[k] = replace(switches[k], after=after)
            assert certify(rebuilt(traj, stops, dropped, told)).verdict is Verdict.REFUTED


@pytest.mark.parametrize("field", ["energy", "slope_before", "slope_after"])
def test_numbers_of_the_log_are_checked(field):
    traj = chosen([2, 4, 1])[0]
    switches = list(traj.log)
    switches[1] = replace(switches[1], **{field: getattr(switches[1], field) * (1 + 1e-6)})
    log = SwitchLog(switches, traj.t_end, certified=True)
    told = Trajectory(traj.sheaf, traj.times, traj.states, traj.pieces, log, traj.outcome)
    assert certify(told).verdict is Verdict.REFUTED


def test_gaps_and_moved_states_are_refuted():
    traj = chosen([2, 4, 1])[0]
    states = traj.states.copy()
    states[1] += 1e-9
    for changed in (
        Trajectory(traj.sheaf, traj.times, states, traj.pieces, traj.log, traj.outcome),
        Trajectory(traj.sheaf, traj.times, traj.states, traj.pieces[:-1], traj.log, traj.outcome),
    ):
        assert certify(changed).verdict is Verdict.REFUTED


def test_a_time_stepping_run_is_not_checked():
    sheaf = Sheaf(Network.random([2, 4, 1]), [1, -1])
    proof = certify(Euler().run(sheaf, np.ones(5), 1.0))
    assert proof.verdict is Verdict.NOT_CHECKED
    assert "Exact" in proof.verdict.value


def test_two_joints_at_one_instant_each_keep_their_own_errors():
    """The log has one time for switches at 1e-18 and 2e-18."""
    sheaf = Sheaf(Network([[[0.0], [0.0]], [[0.0, 0.0]]], [[1.0, 1.0], [0.0]]), [0.0])
    traj = Exact().run(sheaf, [-1e-18, -2e-18, 0.0], 4e-18)
    regions = [ActivationRegion(sheaf, pattern) for pattern in ([0, 0], [1, 0], [1, 1])]
    energy, slope = sheaf.energy(traj.states[0]), regions[0].slope(traj.states[0])
    switches = [Switch(1e-18, 1, i, "inactive", "active", energy, slope, slope) for i in (0, 1)]
    proof = certify(rebuilt(traj, [1e-18, 1e-18], regions, switches))
    assert proof.verdict is Verdict.UNDECIDED
    assert "and the next one is 0 later" in proof.findings[0]
    assert proof.time_errors[0] < 1e-18 <= proof.time_errors[1] < 2e-18


def test_without_python_flint_the_rigorous_certificate_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    traj = next(runs([2, 4, 1]))
    with pytest.raises(ImportError, match=re.escape("pip install 'sheaflab[proof]'")):
        traj.certify(rigorous=True)


def test_certifying_a_long_run_keeps_no_matrix_of_its_modes():
    """1,500 modes of 20 layers of 64 neurons would take 60 GB."""
    sheaf = Sheaf(Network.random([2, 8, 8, 1], 0), [1.0, -1.0])
    traj = Exact().run(sheaf, 2 * np.random.default_rng(1).standard_normal(sheaf.n))
    assert traj.certify().holds
    assert len(traj.pieces) > 5
    kept = [value for piece in traj.pieces for value in vars(piece.region).values() if isinstance(value, np.ndarray)]
    assert all(value.ndim == 1 for value in kept)


@pytest.mark.parametrize("rigorous", [False, pytest.param(True, marks=pytest.mark.needs("flint"))])
@pytest.mark.parametrize("field", ["energy", "slope_before", "slope_after"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_that_of_the_state(field, value, rigorous):
    traj = next(run for run in runs([2, 4, 1]) if len(run.log) > 1)
    log = SwitchLog([replace(s, **{field: value}) for s in traj.log], traj.t_end, certified=True)
    told = Trajectory(traj.sheaf, traj.times, traj.states, traj.pieces, log, traj.outcome)
    assert certify(told, rigorous=rigorous).verdict is Verdict.REFUTED


def test_pieces_of_another_sheaf_are_refuted():
    traj = next(runs([2, 4, 1]))
    other = Sheaf(Network([1.3 * w for w in traj.sheaf.net.weights], traj.sheaf.net.biases), traj.sheaf.x)
    pieces = [
        FlowPiece(ActivationRegion(other, p.region.pattern, p.region.sliding), p.start, p.end, p.state)
        for p in traj.pieces
    ]
    told = Trajectory(traj.sheaf, traj.times, traj.states, pieces, traj.log, traj.outcome)
    assert certify(told).verdict is Verdict.REFUTED


NEAR_A_TANGENCY = Network(
    [
        [[-1.3661191890536661, 2.6757241348434606], [3.2400136651458684, -3.1012909617121514],
         [-3.1530905543988386, -0.20856528505333216], [-1.3333009163223966, -0.2603183710701862],
         [-0.3370672588516502, 0.9887499127891124]],
        [[-0.4126711585418616, -0.472626174778506, 1.4200354361886172, -0.11511215548152177, -0.19778220567647095],
         [2.7846674843286334, -1.117983325351184, -0.9314733484699211, -0.7685045875092791, -1.8388975209982084],
         [-0.6841372001827997, 0.1832262636554386, 2.2103520324378314, -1.1572228737840176, -0.8301258454246336],
         [-0.661406027391662, -3.6804176827634225, -0.28500202812878017, -0.740373466292103, -0.6470324776989566],
         [0.9012473829482427, -0.6648882471596638, 1.8570623814400795, 2.627889190462065, -0.6444454805968611]],
        [[-1.2033853414929907, -1.605342050384551, 1.2906963850486752, -1.9455208925277687, -0.663767078695534]],
    ],
    [
        [-0.6136726889136757, -0.4047389638258817, -0.22037029102517663, -0.4234780601821458, -0.799927007105809],
        [0.5291297983471628, -1.3018361979110826, 0.6533329156933401, -1.6518631666530172, -0.8539274821959675],
        [0.0583770464099244],
    ],
)  # fmt: skip
"""The sixth switch from this start is at 3.60354403; a run in doubles has it 7.6e-6 earlier."""
ITS_START = [
    -0.5102344674574928, -1.1229450833181234, -3.066078248262811, 1.812011625439859, 0.9089441552975006, -0.18563913412340116,
    1.0181288113858198, 0.12613351161759062, -1.6009983611750784, 1.1560863004006667, -14.039843642810624,
]  # fmt: skip


@pytest.mark.parametrize("t_end", [3.603537228291011, 3.6035375, 3.603538])
def test_a_switch_that_comes_after_the_end_is_not_proved(t_end):
    traj = Exact().run(Sheaf(NEAR_A_TANGENCY, [0.43184086355664786, 0.9632829567479518]), ITS_START, t_end)
    assert len(traj.log) == 6
    assert not certify(traj).holds


@pytest.mark.parametrize("before", [1e-12, 1e-10])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_a_switch_told_of_a_run_that_ends_before_it_is_not_proved(widths, before):
    for traj in chosen(widths):
        for k in range(1, len(traj.log) + 1):
            end = traj.log[k - 1].time - before
            stops, regions, switches = parts(traj)
            stops, switches = [*stops[: k - 1], end], [*switches[: k - 1], replace(switches[k - 1], time=end)]
            states = np.concatenate([traj.states[: k + 1], traj.states[k : k + 1]])
            times = np.array([0.0, *stops, end])
            pieces = [FlowPiece(r, *times[j : j + 2], states[j]) for j, r in enumerate(regions[: k + 1])]
            log = SwitchLog(switches, end, certified=True)
            assert not certify(Trajectory(traj.sheaf, times, states, pieces, log, traj.outcome)).holds, (k, end)


def test_the_error_of_a_state_is_a_distance():
    sheaf = Sheaf(Network.random([2, 64, 1], seed=1), x=[1.0, -1.0])
    traj = Exact().run(sheaf, np.random.default_rng(1).standard_normal(65), 20.0)
    off = np.zeros_like(traj.states)
    off[-1] = 5e-11
    pieces = [FlowPiece(p.region, p.start, p.end, c) for p, c in zip(traj.pieces, traj.states, strict=False)]
    proof = certify(Trajectory(sheaf, traj.times, traj.states + off, pieces, traj.log, traj.outcome))
    assert proof.holds
    assert proof.state_error >= 0.99 * np.linalg.norm(off[-1])


def test_a_log_of_another_length_of_time_is_refuted():
    traj = chosen(SHAPES[0])[0]
    log = SwitchLog(list(traj.log), 2 * traj.t_end, certified=True)
    proof = certify(Trajectory(traj.sheaf, traj.times, traj.states, traj.pieces, log, traj.outcome))
    assert proof.verdict is Verdict.REFUTED
    assert "the log ends at" in proof.findings[0]


@pytest.mark.parametrize("read", [False, True])
def test_pieces_need_not_have_been_read_to_be_looked_at(read):
    """What they will be made of is; once they are there, they themselves are."""
    other = Sheaf(Network.random([2, 4, 1], 5), [1.0, -1.0])
    for traj in list(runs([2, 4, 1], number=4)):
        if read:
            assert traj.pieces[0].start == 0.0
        assert traj.certify().holds
        assert ("_pieces" in vars(traj.pieces)) is read
        moved, late = traj.states.copy(), traj.times.copy()
        moved[0, 0] += 1e-9
        late[-1] += 1e-9
        for sheaf, times, states in (
            (traj.sheaf, traj.times, moved), (traj.sheaf, late, traj.states), (other, traj.times, traj.states),
        ):  # fmt: skip
            proof = certify(Trajectory(sheaf, times, states, traj.pieces, traj.log, traj.outcome))
            assert proof.verdict is Verdict.REFUTED
            assert "pieces" in proof.findings[0]
        traj.pieces[0].end += 1e-9
        assert traj.certify().verdict is Verdict.REFUTED


@pytest.mark.parametrize("stopped", [lambda s, c: Exact(max_events=2).run(s, c), lambda s, c: Exact().run(s, c, on_switch=lambda _: True)])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_a_run_that_is_stopped_at_a_switch_is_undecided(widths, stopped):
    for traj in chosen(widths):
        short = stopped(traj.sheaf, traj.states[0])
        if len(traj.log) > 2:
            assert certify(short).verdict is Verdict.UNDECIDED
            assert "stopped at this switch" in certify(short).findings[0]


@pytest.mark.parametrize("t_end", [1e19, 1e100, 1e300])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_a_run_that_lasts_nearly_for_ever_is_proved(widths, t_end):
    sheaf, c0 = chosen(widths)[0].sheaf, chosen(widths)[0].states[0]
    assert Exact().run(sheaf, c0, t_end).certify().holds
