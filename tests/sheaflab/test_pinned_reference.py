"""Pinned runs against two references written apart from the library: 80-bit Taylor steps, and DOP853 restarted at events.

The first moves known columns to the right-hand side; the second knows no matrix, only layers.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sheaflab import Exact
from tests import reference
from tests.sheaflab.test_pinned import problem

CODES = {"inactive": 0, "active": 1, "sliding": 2}
RUNS, GROUPS = 500, 7  # the shapes of problems go round by six
T_END = 10.0


class Layers:
    """The heat equation of a network with pinned coordinates, layer after layer, in given modes."""

    def __init__(self, sheaf):
        self.weights, self.biases, self.x = sheaf.net.weights, sheaf.net.biases, sheaf.x
        self.sizes = [len(b) for b in self.biases]
        self.h, self.cuts = sum(self.sizes[:-1]), np.cumsum(self.sizes)[:-1]
        starts = np.append(0, self.cuts)
        self.values = {int(starts[layer - 1]) + k: value for (layer, k), value in sheaf.pinned.items()}

    def parts(self, c, mode):
        """Residuals, and what the next layer's pull at each hidden neuron."""
        z = np.split(c, self.cuts)
        gates = np.split((np.array(mode) == 1).astype(float), self.cuts[:-1])
        signals = [self.x, *(gate * part for gate, part in zip(gates, z, strict=False))]
        layers = zip(z, self.weights, signals, self.biases, strict=True)
        r = [part - w @ signal - b for part, w, signal, b in layers]
        pull = [w.T @ part for w, part in zip(self.weights[1:], r[1:], strict=True)]
        return np.concatenate(r), np.concatenate(pull)

    def velocity(self, c, mode):
        r, g = self.parts(c, mode)
        v = -r
        v[: self.h] += np.where(np.array(mode) == 1, g, 0.0)
        still = [i for i, m in enumerate(mode) if m == 2] + list(self.values)
        v[still] = 0.0
        return v


def by_solve_ivp(sheaf, c0, t_end):
    """[(time, coordinate, mode after)] and the state at the end."""
    law, c, t, log = Layers(sheaf), np.array(c0, dtype=float), 0.0, []
    for i, value in law.values.items():
        c[i] = value
    mode = [int(z > 0) for z in c[: law.h]]
    while t < t_end:
        events = []
        for i in (i for i in range(law.h) if i not in law.values):
            for becomes in (0, 1) if mode[i] == 2 else (None,):

                def event(_, y, i=i, becomes=becomes, mode=tuple(mode)):
                    if becomes is None:
                        return y[i] if mode[i] == 1 else -y[i]
                    r, g = law.parts(y, mode)
                    return -r[i] if becomes == 0 else r[i] - g[i]

                event.terminal, event.direction, event.means = True, -1, (i, becomes)
                events.append(event)
        done = solve_ivp(
            lambda _, y, mode=tuple(mode): law.velocity(y, mode), (t, t_end), c,
            method="DOP853", rtol=1e-11, atol=1e-13, max_step=0.25, events=events,
        )  # fmt: skip
        t, c = done.t[-1], done.y[:, -1].copy()
        if done.status == 1:
            (i, becomes), *_ = (e.means for e, found in zip(events, done.t_events, strict=True) if found.size)
            c[i] = 0.0
            if becomes is None:
                r, g = law.parts(c, mode)
                down, up = -r[i], g[i] - r[i]
                becomes = 1 if down > 0 and up > 0 else 0 if down < 0 and up < 0 else 2
            mode[i] = becomes
            log.append((t, i, becomes))
    return log, c


def compare(seeds):
    switches = slides = 0
    for seed in seeds:
        sheaf, c0 = problem(seed)
        values = {int(i): float(sheaf.pins.at[i]) for i in sheaf.held}
        expected, end = reference.simulate(sheaf.net.weights, sheaf.net.biases, sheaf.x, c0, T_END, values)
        rough, rough_end = by_solve_ivp(sheaf, c0, T_END)
        times = np.array([t for t, _, _ in expected], dtype=float)
        size = 1 + np.abs(c0).max()
        for method in ("auto", "closed", "taylor"):
            run = Exact(method).run(sheaf, c0, T_END)
            found = [(sheaf.index(s.layer, s.neuron), CODES[s.after]) for s in run.log]
            assert found == [(i, mode) for _, i, mode in expected] == [(i, mode) for _, i, mode in rough], (seed, method)
            np.testing.assert_allclose(run.log.times, times, rtol=1e-9, atol=1e-13, err_msg=f"{seed} {method}")
            np.testing.assert_allclose(run.log.times, [t for t, _, _ in rough], rtol=0, atol=1e-6, err_msg=f"{seed}")
            np.testing.assert_allclose(run.states[-1], end.astype(float), rtol=0, atol=1e-11 * size, err_msg=f"{seed}")
            np.testing.assert_allclose(run.states[-1], rough_end, rtol=0, atol=1e-7 * size, err_msg=f"{seed}")
            proof = run.certify()
            assert proof.holds, (seed, proof)
            # A bound that is proved holds for the 80-bit times, which are 1e-17 off.
            assert (np.abs(run.log.times - times) <= proof.time_errors + 1e-16).all(), (seed, method)
            energy = run.energy(np.linspace(0.0, T_END, 200))
            assert (np.diff(energy) <= 1e-13 * energy[0]).all(), (seed, method)
        switches += len(expected)
        slides += sum(mode == 2 for _, _, mode in expected)
    return switches, slides


def test_a_sample_of_the_runs():
    switches, slides = compare(range(8))
    assert switches > 8
    assert slides


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_every_sequence_every_time_and_every_end(group):
    switches, slides = compare(range(8 + group, 8 + RUNS, GROUPS))
    assert switches > RUNS / GROUPS
    assert slides > RUNS / GROUPS / 8
