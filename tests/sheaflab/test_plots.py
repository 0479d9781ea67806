from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from sheaflab import EventEuler, Exact, Network, Sheaf
from sheaflab.plots import coordinate_label, mode_colors, plot_bands, plot_energy, plot_projection


@pytest.fixture(scope="module")
def traj():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=3), [1.0, -1.0])
    return EventEuler(dt=0.02).run(sheaf, [2.0, -1.0, 1.0, -2.0, 1.0], t_end=20.0)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def test_projection_draws_the_path_in_the_colours_of_its_regions(traj, ax):
    path, start, end, *_ = plot_projection(ax, traj, (1, 2))
    assert isinstance(path, LineCollection)
    drawn = np.concatenate(path.get_segments())
    np.testing.assert_allclose(drawn[0], traj.states[0][[1, 2]])
    np.testing.assert_allclose(drawn[-1], traj.states[-1][[1, 2]])
    assert len(path.get_segments()) == len(traj.pieces)
    np.testing.assert_allclose(path.get_colors(), [mode_colors(traj)[p.region.modes] for p in traj.pieces])
    np.testing.assert_allclose(end.get_xydata()[0], traj.sheaf.harmonic_extension()[[1, 2]])
    assert start.get_xydata()[0].tolist() == [-1.0, 1.0]
    assert ax.get_xlabel() == "$z^{1}_{1}$"


def test_one_notation_names_a_coordinate():
    sheaf = Sheaf(Network.random([2, 4, 3, 1], seed=0), [1.0, -1.0])
    assert [coordinate_label(sheaf, i) for i in (0, 3, 5)] == ["$z^{1}_{0}$", "$z^{1}_{3}$", "$z^{2}_{1}$"]


def test_kinks_are_marked_where_there_is_one_and_the_end_of_a_slide_has_a_marker_of_its_own(ax):
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    sliding = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8], t_end=60.0)
    _, kinks, smooth, _ = plot_energy(ax, sliding, rate=0.1)
    ends = [s.time for s in sliding.log if s.before == "sliding"]
    assert len(ends) == 1
    assert smooth.get_xdata() == ends
    assert list(kinks.get_xdata()) == [t for t in sliding.log.times if t not in ends]
    assert {"kink at a switch", "switch without a kink"} < {text.get_text() for text in ax.get_legend().get_texts()}


def test_energy_is_semilog_with_markers_at_the_switches_and_the_envelope(traj, ax):
    line, kinks, envelope = plot_energy(ax, traj, rate=0.1)
    assert ax.get_yscale() == "log"
    times, values = line.get_data()
    np.testing.assert_allclose(values, traj.energy(times))
    np.testing.assert_array_equal(kinks.get_xdata(), traj.log.times)
    np.testing.assert_allclose(envelope.get_ydata(), values[0] * np.exp(-0.2 * envelope.get_xdata()))
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert plot_energy(ax, traj, t_max=1.0)[0].get_xdata().max() <= 1.0


def test_bands_cover_the_time_axis_with_the_active_neurons(traj, ax):
    bars = plot_bands(ax, traj, t_max=traj.t_end)
    covered = sum(path.get_extents().width for bar in bars if hasattr(bar, "get_paths") for path in bar.get_paths())
    active = sum((p.end - p.start) * p.region.pattern.sum() for p in traj.pieces)
    assert covered == pytest.approx(active)
    assert ax.get_xlim() == (0.0, traj.t_end)


def test_a_wide_network_still_draws(ax):
    sheaf = Sheaf(Network.random([2, 20, 10, 1], seed=0), [1.0, -1.0])
    traj = EventEuler(dt=0.05).run(sheaf, np.random.default_rng(0).normal(size=31) * 5, t_end=5.0)
    assert len(mode_colors(traj)) > 8
    for plot in (plot_projection, plot_energy, plot_bands):
        assert plot(ax.figure.add_subplot(), traj)
    ax.figure.canvas.draw()


def test_a_coordinate_that_is_no_hidden_neuron_is_named(traj, ax):
    with pytest.raises(ValueError, match="`neuron` must be between 0 and 3, got 4"):
        plot_projection(ax, traj, (0, 4))


def test_colours_differ_in_lightness_for_readers_who_see_few_hues(traj):
    colors = list(mode_colors(traj).values())[:4]
    grey = [float(np.dot(c[:3], [0.2126, 0.7152, 0.0722])) for c in colors]
    gaps = np.abs(np.subtract.outer(grey, grey))[np.triu_indices(len(grey), 1)]
    assert gaps.min() > 0.03
