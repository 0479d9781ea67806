"""The benchmark's plain C program finds the engine's logs: else its times would say nothing, and it shares no code."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from tests.benchmarks import plain

pytestmark = pytest.mark.needs("cc")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return plain.build(tmp_path_factory.mktemp("plain"))


def both(library, widths, secret, m=300):
    rng = np.random.default_rng([*secret, *widths])
    sheaf = Sheaf(Network.random(widths, rng), rng.standard_normal(widths[0]))
    starts = rng.choice([0.5, 1.0, 2.0, 5.0], (m, 1)) * rng.standard_normal((m, sheaf.n))
    found = Exact().ensemble(sheaf, starts)
    return found, *plain.Plain(library, sheaf).run(starts, 60.0, 200 * m)


SHAPES = [2, 4, 1], [2, 8, 1], [3, 32, 1], [3, 5, 2], [2, 16, 16, 1], [2, 4, 4, 4, 2]


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_plain_c_finds_the_same_switches(library, widths, secret):
    found, log, finals = both(library, widths, secret)
    assert len(log) == found.counts.sum() > 0
    assert not plain.different(found, log, finals).size


def test_one_wrong_switch_is_seen(library, secret):
    found, log, finals = both(library, [2, 4, 1], secret)
    log["neuron"][5] += 1
    finals[7] += 1e-6
    log["time"][-1] *= 1 + 1e-6
    assert plain.different(found, log, finals).tolist() == sorted({int(log["trajectory"][5]), 7, int(log["trajectory"][-1])})
