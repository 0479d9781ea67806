"""Exact against a general-purpose integrator that knows nothing of it: DOP853, restarted at every crossing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sheaflab import Euler, Exact, Network, Sheaf
from sheaflab.rate import slowest_rate

SHAPES = ([2, 4, 1], [2, 8, 1], [3, 5, 2], [2, 4, 3, 1], [2, 3, 3, 3, 1])
RUNS_PER_SHAPE = 40
T_END = 20.0


def problem(widths, seed):
    rng = np.random.default_rng([seed, *widths])
    sheaf = Sheaf(Network.random(widths, rng), rng.standard_normal(widths[0]))
    return sheaf, rng.choice([0.5, 1.0, 2.0, 5.0]) * rng.standard_normal(sheaf.n)


def crossings(sheaf, c0):
    """(times, neurons) of a run that never slides, by solve_ivp's own event location."""
    z, t = np.array(c0, dtype=float), 0.0
    sigma = z[: sheaf.h] > 0
    times, neurons = [], []
    while t < T_END:
        delta = sheaf.restricted(sigma)
        law, drive = -delta.T @ delta, delta.T @ sheaf.boundary_term
        events = []
        for i in range(sheaf.h):

            def wall(_, y, i=i):
                return y[i]

            wall.terminal = True
            wall.direction = -1 if sigma[i] else 1  # so a neuron that has just crossed does not fire again at once
            events.append(wall)
        done = solve_ivp(
            lambda _, y, law=law, drive=drive: law @ y + drive, (t, T_END), z,
            method="DOP853", rtol=1e-12, atol=1e-15, max_step=0.2, events=events,
        )  # fmt: skip
        t, z = done.t[-1], done.y[:, -1].copy()
        if done.status == 1:
            (i,) = (i for i, found in enumerate(done.t_events) if found.size)
            z[i] = 0.0
            sigma[i] = ~sigma[i]
            times.append(t)
            neurons.append(i)
    return np.array(times), neurons


@pytest.mark.slow
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_every_switch_time_on_runs_without_sliding(widths):
    compared = seed = switches = 0
    while compared < RUNS_PER_SHAPE:
        sheaf, c0 = problem(widths, seed)
        seed += 1
        log = Exact().run(sheaf, c0, T_END).log
        if log.slides:
            continue
        times, neurons = crossings(sheaf, c0)
        assert [sheaf.index(s.layer, s.neuron) for s in log] == neurons
        np.testing.assert_allclose(log.times, times, rtol=0, atol=1e-8)
        compared += 1
        switches += len(log)
    assert switches >= RUNS_PER_SHAPE  # the comparison is about something


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_limit_energy_and_envelope_on_every_run_sliding_included(widths):
    slides = 0
    for seed in range(40):
        sheaf, c0 = problem(widths, seed)
        traj = Exact().run(sheaf, c0, 200.0 / slowest_rate(sheaf.net).value)
        slides += traj.log.slides
        rest = sheaf.harmonic_extension()
        np.testing.assert_allclose(traj.states[-1], rest, atol=1e-9 * (1 + np.abs(rest).max()))
        times = np.unique(np.concatenate([np.geomspace(1e-6, 1, 200) * traj.t_end, traj.log.times]))
        energy, start = traj.energy(times), sheaf.energy(c0)
        noise = 1e-13 * start + 1e-24
        assert np.all(np.diff(energy) <= noise)
        assert np.all(energy <= start * np.exp(-2 * slowest_rate(sheaf.net).value * times) * (1 + 1e-9) + noise)
    assert slides  # the bound is claimed for sliding runs too: some must be here


def test_a_run_that_slides_has_one_log_whatever_is_sampled_while_euler_counts_steps():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    c0 = 2 * np.random.default_rng(1).standard_normal(5)
    log = Exact().run(sheaf, c0, 60.0).log
    assert log.slides
    for t_end in (10.0, 25.0, 60.0):
        traj = Exact().run(sheaf, c0, t_end)
        traj.at(np.linspace(0, t_end, 999))
        assert tuple(traj.log) == tuple(s for s in log if s.time <= t_end)
    counts = np.array([Euler(dt).run(sheaf, c0, 5.0).log.count for dt in (0.01, 0.005, 0.0025, 0.00125)])
    assert np.all(counts[1:] > 1.6 * counts[:-1])
    assert counts[0] > 10 * log.count
