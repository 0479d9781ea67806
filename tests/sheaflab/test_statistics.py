from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from sheaflab import Exact, Network, Sheaf, plots_statistics, statistics


@pytest.fixture(scope="module")
def sheaf():
    return Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])


def test_by_magnitude_counts_what_single_runs_log(sheaf):
    (found,) = statistics.by_magnitude(sheaf, [2.0], runs=30, seed=3)
    starts = 2.0 * np.random.default_rng(3).standard_normal((30, 5))
    logs = [Exact().run(sheaf, c).log for c in starts]
    assert found.counts.tolist() == [log.count for log in logs]
    assert found.slides.tolist() == [log.slides for log in logs]
    straight = [s.kink for log in logs for s in log if s.crosses]
    np.testing.assert_allclose(found.kinks, straight, rtol=1e-9)
    assert found.mean == pytest.approx(np.mean(found.counts))
    assert 0 <= found.share_sliding <= 1


def test_wider_networks_switch_more():
    narrow, wide = statistics.by_width([2, 16], runs=100)
    assert wide.mean - 3 * wide.standard_error > narrow.mean


def test_no_run_decays_slower_than_the_theorem(sheaf):
    starts = np.random.default_rng(0).standard_normal((200, 5))
    decay = statistics.decay_rates(sheaf, starts)
    assert decay.rates.min() >= decay.slowest.value * (1 - 1e-9)


def test_bad_magnitudes_are_named(sheaf):
    with pytest.raises(ValueError, match="`magnitudes`"):
        statistics.by_magnitude(sheaf, [-1.0])


def test_runs_and_networks_are_whole_numbers(sheaf):
    for name, call in (
        ("runs", lambda: statistics.by_magnitude(sheaf, [1.0], runs=2.5)),
        ("runs", lambda: statistics.by_width([2], runs=2.5)),
        ("nets", lambda: statistics.by_width([2], nets=2.5)),
    ):
        with pytest.raises(ValueError, match=rf"`{name}` must be a whole number, got 2\.5"):
            call()
    (whole,) = statistics.by_width([2], runs=4.0, nets=2.0)
    assert len(whole.counts) == 4


def test_every_plot_is_labelled(sheaf):
    found = statistics.by_magnitude(sheaf, [0.5, 5.0], runs=40)
    decay = statistics.decay_rates(sheaf, np.random.default_rng(0).standard_normal((50, 5)))
    for draw, data in (
        (plots_statistics.plot_counts, found),
        (plots_statistics.plot_kinks, found),
        (plots_statistics.plot_sliding, found),
        (plots_statistics.plot_decay_rates, decay),
    ):
        ax = Figure().add_subplot()
        assert draw(ax, data)
        assert ax.get_ylabel()
        assert ax.get_title()
        assert ax.get_legend() is not None
