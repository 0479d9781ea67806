"""The explorable: its engine held against `Exact`, and its page as a reader uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheaflab.explorable
from sheaflab import Euler, Exact, Network, Sheaf
from sheaflab.rate import slowest_rate
from tests.browser.lab import browser

ENGINE = Path(sheaflab.explorable.__file__).with_name("engine.js")
MODES = ["inactive", "active", "sliding"]
RUNS, T_END = 200, 60.0
TIMES = np.linspace(0.0, T_END, 61)

FOLLOW = """({sheaf, start, times, end, dt}) => {
  const run = Engine.run(sheaf, start, end);
  return {
    events: run.events,
    states: run.events.map(e => Engine.at(run, e.time).state),
    samples: times.map(t => Engine.at(run, t)),
    changes: Engine.euler(sheaf, start, dt, end).changes,
    end: run.tEnd,
    rate: Engine.slowestRate(sheaf),
  };
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """An empty page with the engine in it."""
    with browser(tmp_path_factory.mktemp("profile")) as context:
        opened = context.new_page()
        opened.add_script_tag(path=ENGINE)
        yield opened


def draw(seed: int) -> tuple[Sheaf, np.ndarray]:
    """A random network of one hidden layer and a start; every tenth start is on a wall."""
    rng = np.random.default_rng(seed)
    sheaf = Sheaf(Network.random([2, int(rng.choice([1, 2, 4, 8])), 1], rng), rng.standard_normal(2))
    start = float(rng.choice([0.5, 2.0, 8.0])) * rng.standard_normal(sheaf.n)
    if seed % 10 == 0:
        start[rng.integers(sheaf.h)] = 0.0
    return sheaf, start


def numbers(sheaf: Sheaf) -> dict[str, Any]:
    """A sheaf as the engine takes it."""
    h = sheaf.h
    return {
        "a": sheaf.boundary_term[:h].tolist(),
        "w": sheaf.net.weights[1][0].tolist(),
        "b": float(sheaf.boundary_term[h]),
    }


@pytest.fixture(scope="module")
def followed(page):
    """All runs as the engine and as `Exact` follow them."""
    pairs = []
    for seed in range(RUNS):
        sheaf, start = draw(seed)
        given = {"sheaf": numbers(sheaf), "start": start.tolist(), "times": TIMES.tolist(), "end": T_END, "dt": 0.05}
        pairs.append((page.evaluate(FOLLOW, given), Exact().run(sheaf, start, T_END)))
    return pairs


def test_the_engine_logs_the_switches_of_exact(followed):
    count = {"crossings": 0, "slides": 0}
    for found, exact in followed:
        assert [(e["neuron"], MODES[e["before"]], MODES[e["after"]]) for e in found["events"]] == [
            (s.neuron, s.before, s.after) for s in exact.log
        ]
        assert found["end"] == exact.t_end
        for kind in count:
            count[kind] += getattr(exact.log, kind)
        np.testing.assert_allclose([e["time"] for e in found["events"]], exact.log.times, rtol=0, atol=1e-9)
        for e, s in zip(found["events"], exact.log, strict=True):
            given = (e["energy"], e["slopeBefore"], e["slopeAfter"])
            np.testing.assert_allclose(given, (s.energy, s.slope_before, s.slope_after), rtol=1e-9, atol=1e-9)
    assert count["crossings"] > 300
    assert count["slides"] > 20


def test_the_engine_has_the_states_and_energies_of_exact(followed):
    for found, exact in followed:
        for state, known in zip(found["states"], exact.states[1:], strict=False):
            np.testing.assert_allclose(state, known, rtol=1e-9, atol=1e-9)
        states = [sample["state"] for sample in found["samples"]]
        np.testing.assert_allclose(states, exact.at(TIMES), rtol=1e-9, atol=1e-9)
        energies = [sample["energy"] for sample in found["samples"]]
        np.testing.assert_allclose(energies, exact.energy(TIMES), rtol=1e-9, atol=1e-9)


def test_the_engine_has_the_rate_of_the_theorem_and_its_slopes_keep_it(followed):
    for found, exact in followed:
        rate = slowest_rate(exact.sheaf.net).value
        assert found["rate"] == pytest.approx(rate, rel=1e-12)
        start = found["samples"][0]["energy"]
        slopes = [s["slope"] for s in found["samples"] if s["energy"] > 1e-20 * start]
        assert max(slopes) <= -2 * rate * (1 - 1e-6)


def test_the_engines_euler_counts_as_euler_does(followed):
    counts = []
    for found, exact in followed:
        log = Euler(0.05).run(exact.sheaf, exact.states[0], T_END).log
        assert [(e["neuron"], e["time"]) for e in found["changes"]] == [(s.neuron, s.time) for s in log]
        counts.append((log.count, exact.log.count, exact.log.slides))
    assert max(euler for euler, exact, slides in counts if slides) > 50


def test_the_wall_says_what_the_velocities_on_both_sides_do(page):
    kinds = set()
    for seed in range(0, RUNS, 4):
        sheaf, state = draw(seed)
        if sheaf.h < 2:
            continue
        parts = page.evaluate("([s, c]) => Engine.wall(s, c, 0, 1, 5)", [numbers(sheaf), state.tolist()])
        assert [part["from"] for part in parts] == [-5, *(part["to"] for part in parts[:-1])]
        assert parts[-1]["to"] == 5
        for part in parts:
            state[1] = part["from"] + 0.4 * (part["to"] - part["from"])
            state[0] = -1e-12
            down = sheaf.velocity(state)[0]
            state[0] = 1e-12
            up = sheaf.velocity(state)[0]
            wanted = "slide" if down > 0 > up else "repel" if down < 0 < up else "cross"
            assert part["kind"] == wanted
            kinds.add(wanted)
    assert kinds == {"slide", "repel", "cross"}


def test_two_zeros_close_together_are_not_overlooked(page):
    """A sum of exponentials with three zeros; the first two lie so close that few samples would fall between them."""
    rng = np.random.default_rng(0)
    for gap in np.geomspace(1e-4, 0.5, 60):
        first = rng.uniform(0.1, 2.0)
        zeros = np.array([first, first + gap, first + gap + rng.uniform(0.5, 2.0)])
        l1 = rng.uniform(0.2, 0.8)
        rates = np.array([l1, 1.0, 1.0 / l1])
        coefficients = np.linalg.solve(np.exp(-np.outer(zeros, rates)), np.ones(3))
        terms, limit = [-1.0, *coefficients.tolist()], zeros[1:].mean()
        law = {"l1": l1, "l2": 1.0 / l1}
        start = coefficients.sum() - 1.0
        assert start > 0
        found = page.evaluate("([f, law, start, limit]) => Engine.firstFall(f, law, start, limit)", [terms, law, start, limit])
        assert found == pytest.approx(first, abs=1e-3 * gap)
