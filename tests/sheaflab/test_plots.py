from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sheaflab import EventEuler, Exact, Network, Sheaf
from sheaflab.plots import (
    coordinate_label,
    mode_colors,
    plot_bands,
    plot_discrepancy,
    plot_energy,
    plot_projection,
    plot_run,
    plot_slope,
    switching_plane,
)
from sheaflab.plots.signs import PALETTE


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
    _, kinks, smooth, *_ = plot_energy(ax, sliding, rate=0.1)
    ends = [s.time for s in sliding.log if s.before == "sliding"]
    assert len(ends) == 1
    assert smooth.get_xdata() == ends
    assert list(kinks.get_xdata()) == [t for t in sliding.log.times if t not in ends]
    assert {"kink at a switch", "switch without a kink"} < {text.get_text() for text in ax.get_legend().get_texts()}


def test_energy_is_semilog_with_markers_at_the_switches_and_the_envelope(traj, ax):
    line, kinks, envelope = plot_energy(ax, traj, rate=0.1)
    assert ax.get_yscale() == "log"
    times, values = np.concatenate(line.get_segments()).T
    np.testing.assert_allclose(values, traj.energy(times))
    shown = traj.pieces[: len(line.get_segments())]
    np.testing.assert_allclose(line.get_colors(), [mode_colors(traj)[p.region.modes] for p in shown])
    np.testing.assert_array_equal(kinks.get_xdata(), traj.log.times)
    np.testing.assert_allclose(envelope.get_ydata(), values[0] * np.exp(-0.2 * envelope.get_xdata()))
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    early = np.concatenate(plot_energy(ax, traj, t_max=1.0)[0].get_segments())
    assert early[-1, 0] == 1.0


@pytest.fixture(scope="module")
def sliding():
    """Of its four switches the first begins a slide and the last ends it; neuron 0 slides, 2 and 3 cross."""
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    return Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8], t_end=60.0)


def test_the_slope_jumps_at_kinks_alone_and_lies_below_its_bound(sliding, ax):
    drawn, jumps, bound, *_ = plot_slope(ax, sliding, rate=0.277131)
    kinked = [s for s in sliding.log if s.before != "sliding"]
    assert len(kinked) == 3
    ends = np.array([path.vertices for path in jumps.get_paths()])
    np.testing.assert_allclose(ends[:, 0, 0], [s.time for s in kinked])
    np.testing.assert_allclose(ends[:, :, 1], [[s.slope_before, s.slope_after] for s in kinked], rtol=1e-6)
    slopes = np.concatenate(drawn.get_segments())[:, 1]
    assert slopes.max() <= bound.get_ydata()[0] == -2 * 0.277131
    assert plot_slope(ax, sliding, t_max=0.1)[0].get_segments()[-1][-1, 0] == 0.1


def test_sliding_is_striped_on_lines_and_hatched_in_bands_as_the_legends_say(sliding):
    figure = Figure()
    lines, bands = figure.subplots(2)
    path, *_, stripes = [a for a in plot_projection(lines, sliding) if isinstance(a, LineCollection)]
    slides = [np.asarray(line) for line, p in zip(path.get_segments(), sliding.pieces, strict=True) if "sliding" in p.region.modes]
    assert len(slides) == len(stripes.get_segments()) == 3
    for line, striped in zip(slides, stripes.get_segments(), strict=True):
        np.testing.assert_array_equal(line, striped)
    assert "striped: a neuron slides" in {text.get_text() for text in lines.get_legend().get_texts()}
    hatched = [bars for bars in plot_bands(bands, sliding) if getattr(bars, "get_hatch", lambda: None)()]
    assert len(hatched) == len(slides)
    legend = {text.get_text(): handle for text, handle in zip(bands.get_legend().get_texts(), bands.get_legend().legend_handles, strict=True)}
    how = bands.get_legend().get_title().get_text()
    assert how == "σ: neurons 0, 1, … from left to right; ~ slides"
    assert how in {text.get_text() for text in lines.get_legend().get_texts()}
    assert legend["hatched: slides"].get_hatch() == hatched[0].get_hatch()
    assert {handle.get_hatch() for label, handle in legend.items() if label.startswith("σ")} == {None}
    calm = Exact().run(sliding.sheaf, sliding.states[-1], t_end=1.0)
    plot_bands(figure.add_subplot(), calm)
    assert "hatched: slides" not in {text.get_text() for text in figure.axes[-1].get_legend().get_texts()}
    assert figure.axes[-1].get_legend().get_title().get_text() == "σ: neurons 0, 1, … from left to right"


def test_the_plane_that_is_drawn_has_most_switches_on_its_walls(sliding, ax):
    assert switching_plane(sliding) == (0, 2)  # 0 switches twice, 2 before 3
    plot_projection(ax, sliding)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z^{1}_{0}$", "$z^{1}_{2}$")
    marks = {text.get_text(): text.xy for text in ax.texts if text.get_text()}
    assert list(marks) == ["1", "2", "3", "4"]
    for switch, at in zip(sliding.log, marks.values(), strict=True):
        np.testing.assert_allclose(at, sliding.at(switch.time)[[0, 2]])
    kinds = {line.get_label(): line.get_marker() for line in ax.lines if "switch" in str(line.get_label())}
    assert kinds == {"switch, on its neuron's wall": "o", "switch of another neuron": "D"}
    begins = {switch.time: number for number, switch in enumerate(sliding.log, start=1)}
    named = [text.get_text() for text in ax.get_legend().get_texts() if text.get_text().startswith("σ = ")]
    assert [name.partition(" from ")[2] for name in named] == [f"switch {begins[p.start]} on" if p.start else "" for p in sliding.pieces]
    one = Exact().run(Sheaf(Network.random([2, 1, 1], seed=0), [1.0, -1.0]), [1.0, 1.0], t_end=1.0)
    with pytest.raises(ValueError, match=r"a plane needs two hidden neurons, .* has 1"):
        switching_plane(one)


def test_arrows_point_the_way_of_time(sliding, ax):
    plot_projection(ax, sliding)
    arrows = [(np.array(text.xyann), np.array(text.xy)) for text in ax.texts if text.arrow_patch is not None]
    assert len(arrows) == 3
    path = np.concatenate([piece.at(np.linspace(piece.start, min(piece.end, 20.0), 2000))[:, [0, 2]] for piece in sliding.pieces])
    for tail, head in arrows:
        first, later = (int(np.argmin(np.linalg.norm(path - point, axis=1))) for point in (tail, head))
        assert first < later


def test_energy_slope_and_bands_share_one_time_axis_and_the_numbers_of_the_switches(sliding):
    figure = Figure(layout="constrained")
    energy, slope, bands = plot_run(figure, sliding, rate=0.277131)
    assert energy.get_xlim() == slope.get_xlim() == bands.get_xlim() == (0.0, pytest.approx(1.25 * sliding.log[-1].time))
    (top,) = energy.child_axes
    assert [label.get_text() for label in top.get_xticklabels()] == ["1, 2", "3", "4"]
    figure.canvas.draw()
    assert plot_run(Figure(), Exact().run(sliding.sheaf, sliding.states[-1], t_end=1.0))[0].child_axes == []


def test_bands_cover_the_time_axis_with_the_active_neurons(traj, ax):
    bars = plot_bands(ax, traj, t_max=traj.t_end)
    covered = sum(path.get_extents().width for bar in bars if hasattr(bar, "get_paths") for path in bar.get_paths())
    active = sum((p.end - p.start) * p.region.pattern.sum() for p in traj.pieces)
    assert covered == pytest.approx(active)
    assert ax.get_xlim() == (0.0, traj.t_end)


@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 3, 3, 2]])
def test_discrepancy_is_a_row_per_edge_over_time_in_the_colours_of_a_logarithmic_bar(widths, ax):
    sheaf = Sheaf(Network.random(widths, seed=3), [1.0, -1.0])
    run = Exact().run(sheaf, 2.0 * np.random.default_rng(3).standard_normal(sheaf.n), t_end=60.0)
    mesh, marks = plot_discrepancy(ax, run, t_max=3.0)
    corners = mesh.get_coordinates()
    times, layers = corners[0, :, 0], corners[:, 0, 1]
    np.testing.assert_array_equal(layers, np.arange(len(widths)) + 0.5)
    assert times[0] == 0.0
    assert 2.0 < times[-1] <= 3.0
    np.testing.assert_array_equal(marks.get_xdata(), run.log.times[run.log.times <= times[-1]])
    found = run.discrepancy(0.5 * (times[1:] + times[:-1]))
    np.testing.assert_allclose(np.asarray(mesh.get_array()).reshape(found.T.shape).T, found, rtol=1e-9)
    assert mesh.norm.vmax == found.max()
    bar = [other for other in ax.figure.axes if other is not ax]
    assert len(bar) == 1
    assert "discrepancy" in bar[0].get_ylabel()
    assert ax.get_ylim() == (len(widths) - 0.5, 0.5)


def test_the_discrepancy_has_a_logarithmic_time_axis_from_a_first_time_on_and_four_decades_of_colour(ax):
    net = Network.random([2, 4, 4, 4, 1], seed=3)
    run = Exact().run(Sheaf(net, [-1.0, 1.0]), Sheaf(net, [1.0, -1.0]).forward_pass(), t_end=60.0)
    mesh, *_ = plot_discrepancy(ax, run, t_min=0.01, t_max=10.0)
    times = mesh.get_coordinates()[0, :, 0]
    assert ax.get_xscale() == "log"
    assert (times[0], times[-1]) == (pytest.approx(0.01), pytest.approx(10.0))
    np.testing.assert_allclose(np.diff(np.log(times)), np.log(times[1] / times[0]), rtol=1e-6)
    assert mesh.norm.vmax / mesh.norm.vmin == pytest.approx(1e4)
    assert mesh.colorbar.extend == "min"
    with pytest.raises(ValueError, match="`t_min` must be finite and greater than 0"):
        plot_discrepancy(ax, run, t_min=0.0)


def test_discrepancy_at_rest_still_draws(ax):
    sheaf = Sheaf(Network.random([2, 4, 1], seed=3), [1.0, -1.0])
    plot_discrepancy(ax, Exact().run(sheaf, sheaf.harmonic_extension(), t_end=5.0))
    ax.figure.canvas.draw()


def test_a_wide_network_still_draws(ax):
    sheaf = Sheaf(Network.random([2, 20, 10, 1], seed=0), [1.0, -1.0])
    traj = EventEuler(dt=0.05).run(sheaf, np.random.default_rng(0).normal(size=31) * 5, t_end=5.0)
    assert len(mode_colors(traj)) > 8
    for plot in (plot_projection, plot_energy, plot_slope, plot_bands):
        assert plot(ax.figure.add_subplot(), traj)
    assert plot_run(Figure(), traj)
    ax.figure.canvas.draw()


def test_a_coordinate_that_is_no_hidden_neuron_is_named(traj, ax):
    with pytest.raises(ValueError, match="`neuron` must be between 0 and 3, got 4"):
        plot_projection(ax, traj, (0, 4))


def test_colours_differ_in_lightness_for_readers_who_see_few_hues(traj):
    colors = list(mode_colors(traj).values())[:4]
    grey = [float(np.dot(c[:3], [0.2126, 0.7152, 0.0722])) for c in colors]
    gaps = np.abs(np.subtract.outer(grey, grey))[np.triu_indices(len(grey), 1)]
    assert gaps.min() > 0.03


def test_the_first_six_colours_differ_in_grey_print():
    linear = [np.power(to_rgb(name), 2.2) @ [0.2126, 0.7152, 0.0722] for name in PALETTE[:6]]
    lightness = np.sort(116 * np.cbrt(linear) - 16)
    assert np.diff(lightness).min() > 9


def test_the_energys_legend_lies_on_no_part_of_the_curve():
    sheaf = Sheaf(Network.random([2, 4, 1], seed=280), [1.0, -1.0])
    run = Exact().run(sheaf, 2 * np.random.default_rng(281).standard_normal(sheaf.n), t_end=12.0)
    figure = Figure(figsize=(6.25, 7.2), layout="constrained")
    energy, *_ = plot_run(figure, run, rate=0.213)
    figure.canvas.draw()
    box = energy.get_legend().get_window_extent()
    curve = np.concatenate([line for shown in energy.collections for line in shown.get_segments() if len(line) > 2])
    assert box.count_contains(energy.transData.transform(curve)) == 0


def test_the_planes_title_counts_patterns_and_says_where_the_flow_slides(sliding, ax):
    plot_projection(ax, sliding)
    assert ax.get_title().startswith(f"The flow passes {len(mode_colors(sliding))} activation patterns; where striped")
    plot_projection(ax, Exact().run(sliding.sheaf, sliding.states[-1], t_end=1.0))
    assert ax.get_title() == "The flow keeps its activation pattern"


@pytest.mark.parametrize(("rate", "holds"), [(0.01, True), (1.0, False)])
def test_titles_claim_only_what_is_drawn(sliding, ax, rate, holds):
    plot_energy(ax, sliding, rate)
    assert ("stays under" in ax.get_title()) is holds
    ax.clear()
    plot_slope(ax, sliding, rate)
    assert any("no slope lies above" in text.get_text() for text in ax.texts) is holds


def test_without_a_kink_no_title_speaks_of_jumps_and_of_eulers_run_none_of_the_flow(sliding, ax):
    rest = Exact().run(sliding.sheaf, sliding.states[-1], t_end=1.0)
    plot_slope(ax, rest)
    assert ax.get_title() == "The slope of log V has no jump"
    plot_projection(ax, EventEuler(0.01).run(sliding.sheaf, sliding.states[0], t_end=1.0))
    assert ax.get_title().startswith("This run ")


def test_colours_that_follow_each_other_differ_in_grey_print():
    grey = [float(np.dot(to_rgb(name), [0.2126, 0.7152, 0.0722])) for name in PALETTE]
    assert np.abs(np.diff(grey)).min() > 0.15
