"""What the slope of log V does at each kind of switch: over 200 seeds, and from the velocities at the wall."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from sheaflab.demo import setting


@pytest.fixture(scope="module", params=[(2, 4, 1), (2, 4, 3, 1)], ids=str)
def switches(request):
    """Each switch of 200 random runs with the sheaf and the state at the wall."""
    found = []
    for seed in range(200):
        traj = Exact().run(*setting(request.param, seed, seed + 1), 60.0)
        found += [(s, traj.sheaf, traj.at(s.time)) for s in traj.log]
    return found


def kind(switch) -> str:
    if switch.crosses:
        return "crosses"
    return "begins to slide" if switch.slides else "ends sliding"


def test_a_slide_begins_with_a_kink_that_flattens_and_ends_without_one(switches):
    """The relative size of a kink; rounding is far below 1e-12, and the smallest kink found above 1e-6."""
    kinks = {name: [] for name in ("crosses", "begins to slide", "ends sliding")}
    for s, *_ in switches:
        kinks[kind(s)].append(s.kink / abs(s.slope_before))
    assert all(len(found) >= 26 for found in kinks.values())
    assert max(map(abs, kinks["ends sliding"])) < 1e-12
    assert min(kinks["begins to slide"]) > 1e-6
    assert min(map(abs, kinks["crosses"])) > 1e-6
    assert min(kinks["crosses"]) < 0 < max(kinks["crosses"])


def test_the_kink_is_the_jump_of_the_neurons_own_squared_velocity(switches):
    for s, sheaf, state in switches:
        i = sheaf.index(s.layer, s.neuron)
        off, on = sheaf.wall_speeds(state)
        velocity = {"inactive": off[i], "active": on[i], "sliding": 0.0}
        jump = -(velocity[s.after] ** 2 - velocity[s.before] ** 2) / sheaf.energy(state)
        assert s.kink == pytest.approx(jump, rel=1e-6, abs=1e-9 * abs(s.slope_before)), s


def test_a_neuron_leaves_its_wall_with_velocity_zero(switches):
    for s, sheaf, state in switches:
        if kind(s) == "ends sliding":
            i = sheaf.index(s.layer, s.neuron)
            off, on = (speeds[i] for speeds in sheaf.wall_speeds(state))
            left, other = (on, off) if s.after == "active" else (off, on)
            assert abs(left) < 1e-7 * abs(other), s


@pytest.mark.parametrize("method", ["auto", "closed", "taylor"])
@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 3, 3, 1]])
def test_the_end_of_a_slide_has_no_kink_to_the_last_digit_by_any_method(widths, method):
    """Who counts kinks by their sign counts the same by each method, in a run and in an ensemble."""
    ends = 0
    for seed in range(30):
        rng = np.random.default_rng([seed, *widths])
        sheaf = Sheaf(Network.random(widths, rng, bias_scale=0.1), rng.standard_normal(widths[0]))
        starts = 4 * rng.standard_normal((2, sheaf.n))
        runs = [Exact(method).run(sheaf, c0, 20.0).log for c0 in starts]
        for s in (s for log in [*runs, *Exact(method).ensemble(sheaf, starts, 20.0)] for s in log):
            if s.before == "sliding":
                ends += 1
                assert s.kink == 0.0, (seed, s)
    assert ends >= 20
