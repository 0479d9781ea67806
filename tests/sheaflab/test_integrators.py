from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sheaflab
from sheaflab import ActivationRegion, Euler, EventEuler, Exact, Integrator, Network, Outcome, Scheme, Sheaf
from tests.sheaflab.strategies import problems

STEPPERS = [Euler(dt=0.02), EventEuler(dt=0.02)]


def one_neuron(weight: float, bias: float, output_bias: float = 0.0) -> Sheaf:
    """ż = −(z − bias) + σ weight r, out with weight `weight`: a [1, 1, 1] network whose wall is met by hand."""
    return Sheaf(Network([[[0.0]], [[weight]]], [[bias], [output_bias]]), [0.0])


def test_every_public_stepping_scheme_is_among_them():
    public = [getattr(sheaflab, name) for name in sheaflab.__all__]
    schemes = {one for one in public if isinstance(one, type) and issubclass(one, Integrator)}
    assert schemes - {Integrator} == {type(stepper) for stepper in STEPPERS}


@pytest.mark.parametrize("stepper", STEPPERS, ids=repr)
@settings(max_examples=25)
@given(problem=problems(shapes=st.sampled_from([[2, 4, 1], [1, 1, 1], [3, 2, 3, 2]])))
def test_battery(stepper, problem):
    """What every stepping scheme promises, whatever the problem."""
    sheaf, c0 = problem
    traj = stepper.run(sheaf, c0, t_end=3.0)
    assert traj.outcome is Outcome.REACHED_END
    assert traj.times[0] == 0
    assert traj.times[-1] == 3.0
    assert np.all(np.diff(traj.times) > 0)
    assert np.array_equal(traj.states[0], c0)
    np.testing.assert_array_equal(traj.at(traj.times), traj.states)
    # The pieces tile the time and replay the log.
    assert [p.start for p in traj.pieces[1:]] == [p.end for p in traj.pieces[:-1]]
    modes = list(traj.pieces[0].region.modes)
    for piece in traj.pieces[1:]:
        for switch in (s for s in traj.log if s.time == piece.start):
            i = sheaf.index(switch.layer, switch.neuron)
            assert modes[i] == switch.before
            modes[i] = switch.after
        assert tuple(modes) == piece.region.modes
    assert not traj.log.certified


@pytest.mark.parametrize("stepper", STEPPERS, ids=repr)
def test_what_is_pinned_stays_and_the_rest_moves(stepper):
    """There the region's matrices are those of the coordinates that move, fewer than the state has."""
    sheaf = Sheaf(Network.random([2, 4, 3, 1], seed=0), [1.0, -1.0], {(1, 2): 0.5, (3, 0): 1.0})
    c0 = np.random.default_rng(0).standard_normal(sheaf.n)
    traj, exact = stepper.run(sheaf, c0, t_end=4.0), Exact().run(sheaf, c0, t_end=4.0)
    assert traj.outcome is Outcome.REACHED_END
    assert (traj.states[:, sheaf.held] == sheaf.pins.at[sheaf.held]).all()
    np.testing.assert_allclose(traj.states[-1], exact.states[-1], atol=0.05)
    assert np.abs(exact.states[-1] - exact.states[0]).max() > 0.5


@settings(max_examples=40)
@given(problem=problems(), dt=st.sampled_from([0.003, 0.02, 0.1, 0.9]), t_end=st.sampled_from([0.7, 3.0, 9.1]))
def test_many_steps_at_once_are_the_steps_one_by_one(problem, dt, t_end):
    """Bit for bit, with a remainder, chattering, or growing without bound; a subclass with its own `advance` never leaps."""

    class OneByOne(EventEuler):
        def advance(self, region, c, h):
            return super().advance(region, c, h)

    sheaf, c0 = problem
    for fast, slow in ((EventEuler(dt), OneByOne(dt)), (EventEuler(dt, max_steps=50), OneByOne(dt, max_steps=50))):
        one, other = fast.run(sheaf, c0, t_end), slow.run(sheaf, c0, t_end)
        assert one.outcome is other.outcome
        assert np.array_equal(one.times, other.times)
        assert np.array_equal(one.states, other.states)
        assert one.log == other.log


def test_euler_is_of_first_order_inside_a_region():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    rest = sheaf.harmonic_extension()
    c0 = rest + 0.05 * np.abs(rest)  # near the equilibrium: no wall on the way
    exact = ActivationRegion(sheaf, sheaf.pattern(rest)).flow(c0, 1.0)
    errors = [np.abs(Euler(dt).run(sheaf, c0, t_end=1.0).states[-1] - exact).max() for dt in (0.02, 0.01, 0.005)]
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(ratios, 2.0, rtol=0.05)


@pytest.mark.parametrize("stepper", STEPPERS, ids=repr)
def test_the_forward_pass_is_the_limit(stepper):
    for seed in range(10):
        sheaf = Sheaf(Network.random([2, 4, 1], seed=seed), [1.0, -1.0])
        c0 = np.random.default_rng(seed).standard_normal(sheaf.n)
        rest = sheaf.harmonic_extension()
        np.testing.assert_allclose(stepper.run(sheaf, c0, t_end=120.0).states[-1], rest, atol=1e-4)


def test_a_crossing_with_a_known_time():
    # Output weight 0: ż = −(z − 1) from z = −1, so z = 1 − 2 e^{−t} meets 0 at log 2.
    sheaf, c0 = one_neuron(0.0, 1.0), [-1.0, 0.0]
    coarse = Euler(dt=0.1).run(sheaf, c0, t_end=2.0)
    located = EventEuler(dt=0.1, tol=1e-12).run(sheaf, c0, t_end=2.0)
    # Euler's own polygon crosses inside step 7: 1 − 2 · 0.9^k; bisection finds that point, not the true log 2.
    k = np.floor(np.log(0.5) / np.log(0.9))
    z = 1 - 2 * 0.9**k
    inside = 0.1 * k + 0.1 * (-z / (0.1 * (1 - z)))
    assert coarse.log.times.tolist() == [pytest.approx(0.1 * (k + 1))]
    assert located.log.times.tolist() == [pytest.approx(inside, abs=1e-11)]
    finer = EventEuler(dt=0.001).run(sheaf, c0, t_end=2.0)
    assert finer.log.times.tolist() == [pytest.approx(np.log(2), abs=1e-3)]


def test_a_region_can_be_skipped_by_a_long_step():
    """Two walls inside one step: Euler sees both at its end, bisection tells them apart."""
    net = Network([[[0.0], [0.0]], [[0.0, 0.0]]], [[1.0, 1.0], [0.0]])
    sheaf, c0 = Sheaf(net, [0.0]), [-0.01, -0.02, 0.0]
    coarse, located = (scheme.run(sheaf, c0, t_end=1.0).log for scheme in (Euler(0.1), EventEuler(0.1)))
    assert coarse.times.tolist() == [0.1, 0.1]
    assert len(located) == 2
    assert located.times[0] < located.times[1] < 0.1


def test_euler_chatters_where_the_flow_slides():
    """The number of sign changes grows like 1 / dt: it counts steps, not switches."""
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    c0 = 2 * np.random.default_rng(1).normal(size=5)
    counts = [Euler(dt).run(sheaf, c0, t_end=5.0).log.count for dt in (0.01, 0.005, 0.0025)]
    assert counts[0] > 100
    np.testing.assert_allclose(np.array(counts[1:]) / counts[:-1], 2.0, rtol=0.15)


def test_event_euler_does_not_stall_on_a_slide():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    traj = EventEuler(dt=0.01).run(sheaf, 2 * np.random.default_rng(1).normal(size=5), t_end=60.0)
    assert traj.outcome is Outcome.REACHED_END
    assert len(traj.times) <= 6001 * (1 + sheaf.h)


@pytest.mark.parametrize("stepper", STEPPERS, ids=repr)
def test_a_start_on_a_wall_counts_as_inactive(stepper):
    traj = stepper.run(one_neuron(0.0, 1.0), [0.0, 0.0], t_end=1.0)
    assert [(s.before, s.after) for s in traj.log] == [("inactive", "active")]


def test_energies_and_slopes_in_the_log():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=3), [1.0, -1.0])
    traj = EventEuler(dt=0.01).run(sheaf, [2.0, -1.0, 1.0, -2.0, 1.0])
    assert len(traj.log)
    for switch in traj.log:
        c = traj.at(switch.time)
        assert switch.energy == pytest.approx(sheaf.energy(c))
        v = sheaf.velocity(c)
        assert switch.slope_after == pytest.approx(-(v @ v) / sheaf.energy(c))


def test_overflow_is_an_outcome_with_a_remedy():
    # The output obeys ȯ = −o: a step of 3 multiplies it by −2.
    traj = Euler(dt=3.0).run(one_neuron(0.0, 1.0), [1.0, 1.0], t_end=10_000.0)
    assert traj.outcome is Outcome.UNSTABLE
    assert not traj.outcome.complete
    assert "choose dt below" in traj.outcome.value
    assert np.isfinite(traj.states).all()
    assert traj.pieces[-1].end == traj.t_end < 10_000


@pytest.mark.parametrize("dt", [3.0, 50.0, 1e160])  # after many steps, after few, in the first
@pytest.mark.parametrize("bisecting", [False, True])
def test_a_stage_that_overflows_is_that_outcome_too(dt, bisecting):
    """A region refuses to give a velocity there; a scheme of several stages need not look after that itself."""

    class Heun(Integrator):
        def advance(self, region, c, h):
            start = region.velocity(c)
            return c + 0.5 * h * (start + region.velocity(c + h * start))

    class Bisecting(Heun):
        tol, locate = 1e-10, EventEuler.locate

    traj = (Bisecting if bisecting else Heun)(dt).run(one_neuron(-3.0, 1.0), [1.0, 1.0], t_end=10_000.0 * dt)
    assert traj.outcome is Outcome.UNSTABLE
    assert np.isfinite(traj.states).all()
    assert traj.pieces[-1].end == traj.t_end < 10_000 * dt


def test_a_locate_that_asks_about_nothing_finite_is_told_so():
    class Astray(Euler):
        def locate(self, region, c, h):
            return float(region.velocity(c * np.nan)[0])

    with pytest.raises(ValueError, match="`c` must be finite, got nan"):
        Astray(0.1).run(one_neuron(0.0, 1.0), [-1.0, 0.0], t_end=2.0)


@pytest.mark.parametrize("scheme", [Euler, EventEuler])
def test_a_run_overflows_without_a_warning_and_where_the_same_run_of_an_ensemble_does(scheme):
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    traj, batch = scheme(1e160).run(sheaf, np.ones(5), 1e163), scheme(1e160).ensemble(sheaf, np.ones((2, 5)), 1e163)
    assert traj.outcome is batch.outcome(0) is Outcome.UNSTABLE
    assert traj.t_end == batch.ends[0]


def test_step_budget_is_an_outcome_with_a_remedy():
    traj = Euler(dt=0.01, max_steps=10).run(one_neuron(0.0, 1.0), [1.0, 0.0], t_end=1.0)
    assert traj.outcome is Outcome.STEP_BUDGET
    assert traj.t_end == pytest.approx(0.1)
    assert "max_steps" in traj.outcome.value


def test_a_subclass_says_how_to_advance_and_run_only_loops():
    class Midpoint(Integrator):
        def advance(self, region, c, h):
            return c + h * region.velocity(c + 0.5 * h * region.velocity(c))

    sheaf, c0 = one_neuron(0.0, 1.0), [2.0, 0.0]
    exact = 1 + np.exp(-1.0)
    error = [abs(Midpoint(dt).run(sheaf, c0, t_end=1.0).states[-1][0] - exact) for dt in (0.1, 0.05)]
    assert error[0] / error[1] == pytest.approx(4.0, rel=0.1)
    assert repr(Midpoint(0.1)) == "Midpoint(dt=0.1)"


def test_a_wrong_locate_is_named():
    class Backwards(Euler):
        def locate(self, region, c, h):
            return -h

    with pytest.raises(ValueError, match=r"`Backwards.locate` must return a step in \(0, .*\], got -"):
        Backwards(0.1).run(one_neuron(0.0, 1.0), [-1.0, 0.0], t_end=2.0)


SHEAF = one_neuron(1.0, 1.0)



@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Euler(dt=0), ValueError, "`dt` must be finite and greater than 0, got 0.0"),
        (lambda: Euler(dt=-0.1), ValueError, "`dt` must be finite and greater than 0, got -0.1"),
        (lambda: Euler(dt=float("nan")), ValueError, "`dt` must be finite and greater than 0, got nan"),
        (lambda: Euler(dt="0.1"), TypeError, "`dt` must be a number, got '0.1'"),
        (lambda: EventEuler(tol=0), ValueError, "`tol` must be"),
        (lambda: Euler().run(SHEAF, [1.0]), ValueError, r"`c0` must have shape \(2,\), got \(1,\)"),
        (lambda: Euler().run(SHEAF, [1.0, np.inf]), ValueError, r"`c0` must be finite, got inf"),
        (lambda: Euler().run(SHEAF, [1.0, 1.0], t_end=0), ValueError, "`t_end` must be finite and greater than 0"),
        (lambda: Euler().run(SHEAF, [1.0, 1.0], t_end=1).at(2.0), ValueError, r"`times` must lie between 0 and 1.0, got 2.0"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_exact_scheme_has_no_step():
    """What has a step is an Integrator; what can run is a Scheme."""
    assert isinstance(Exact(), Scheme)
    assert not isinstance(Exact(), Integrator)
    assert not {"dt", "max_steps", "advance", "locate"} & set(dir(Exact()))
    assert all(isinstance(stepper, Scheme) and isinstance(stepper, Integrator) for stepper in STEPPERS)


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        (lambda c: None, "got None: is a `return` missing\\?"),
        (lambda c: np.append(c, 0.0), r"got shape \(6,\)"),
        (lambda c: "there", "got 'there'"),
        (lambda c: 3.0, r"got shape \(\)"),
    ],
)
def test_what_a_subclass_returns_is_judged_where_its_author_sees_it(moved, told):
    class Mine(Integrator):
        def advance(self, region, c, h):
            return moved(c)

    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    with pytest.raises(
        (TypeError, ValueError), match=rf"^`Mine\.advance` must return the next state, .*\(5,\), {told}$"
    ):
        Mine(0.1).run(sheaf, np.ones(5), 1.0)


def test_a_subclass_may_return_a_list():
    class Listing(Euler):
        def advance(self, region, c, h):
            return super().advance(region, c, h).tolist()

    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    c0 = [0.7, 1.6, 0.7, -2.6, 1.8]
    assert np.array_equal(Listing(0.1).run(sheaf, c0, 5.0).states, Euler(0.1).run(sheaf, c0, 5.0).states)


@pytest.mark.parametrize(("step", "told"), [(None, "got None: is a `return` missing\\?"), ("soon", "got 'soon'")])
def test_what_locate_returns_is_judged_too(step, told):
    class Mine(Euler):
        def locate(self, region, c, h):
            return step

    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    with pytest.raises(TypeError, match=rf"^`Mine\.locate` must return a step in \(0, .*\], {told}$"):
        Mine(0.1).run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8], 5.0)
