"""What a check takes for drawn: what a reader of the figure can see, by one rule for lines, bars and segments."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from sheaflab.checks import ink, sight
from sheaflab.checks.figures import blank, read
from sheaflab.checks.ticks import number_at

X = [0.0, 1.0]


def line(ax, **look):
    ax.plot(X, X, **look)
    return read(ax).lines


def bar(ax, **look):
    ax.bar([0.5], [1.0], **{"facecolor": look.pop("color", "C0"), "edgecolor": "none", **look})
    return read(ax).bars


def edge(ax, **look):
    ax.bar([0.5], [1.0], fill=False, edgecolor=look.pop("color", "C0"), **look)
    return read(ax).bars


DRAWN = pytest.mark.parametrize("draw", [line, bar, edge])


def segments(ax, **look):
    ax.vlines([0.2, 0.8], 0.0, 1.0, colors=look.pop("color", "C0"), lw=5, **look)


def steps(ax, **look):
    ax.stairs([1.0, 2.0], color=look.pop("color", "C0"), **look)


def outline(ax, **look):
    ax.fill([0.0, 1.0, 1.0], [0.0, 1.0, 0.5], fill=False, edgecolor=look.pop("color", "C0"), **look)


def area(ax, **look):
    ax.fill_between(X, 0.3, 0.5, color=look.pop("color", "C0"), **look)


def markers(ax, **look):
    ax.plot(X, X, "o", **look)


def scattered(ax, **look):
    ax.scatter(X, X, **look)


def on(ground, figure="white", opacity=1.0):
    ax = Figure(facecolor=figure).add_subplot(facecolor=ground)
    ax.patch.set_alpha(opacity)
    return ax


@DRAWN
@pytest.mark.parametrize(
    ("ground", "figure", "opacity", "color", "seen"),
    [
        ("white", "white", 1.0, "C0", True),
        ("white", "white", 1.0, "white", False),
        ("white", "white", 1.0, "#fefefe", False),
        ("white", "white", 1.0, "#f0f0f0", True),
        ("white", "white", 1.0, (0.0, 0.0, 0.0, 0.0), False),
        ("white", "white", 1.0, (0.0, 0.0, 0.0, 0.005), False),
        ("black", "white", 1.0, "black", False),
        ("black", "white", 1.0, "white", True),
        ("black", "white", 0.0, "white", False),
        ("black", "white", 0.0, "black", True),
        ("white", "black", 0.0, "black", False),
        ("black", "white", 0.5, "#808080", False),
        ("black", "white", 0.5, "black", True),
    ],
)
def test_what_has_the_colour_of_its_ground_is_not_seen(draw, ground, figure, opacity, color, seen):
    found = draw(on(ground, figure, opacity), color=color)
    assert found
    assert {item.shown for item in found} == {seen}


@DRAWN
@pytest.mark.parametrize("look", [{"visible": False}, {"alpha": 0.0}, {"alpha": 0.004}])
def test_what_is_switched_off_or_transparent_is_not_seen(draw, look):
    found = draw(blank(), **look)
    assert found
    assert {item.shown for item in found} == {False}


@pytest.mark.parametrize("draw", [segments, steps, outline, area, markers, scattered])
def test_ink_that_is_neither_line_nor_bar_is_the_rest(draw):
    for look, seen in (({}, True), ({"color": "white"}, False), ({"alpha": 0.004}, False), ({"visible": False}, False)):
        ax = blank()
        draw(ax, **look)
        ax.set(xlim=(-0.5, 2.5), ylim=(-0.5, 2.5))
        rest = read(ax).rest
        assert rest.x.shape == rest.y.shape
        assert bool(rest.x.size) == seen, look


def test_the_rest_is_where_it_is_drawn_and_holds_no_lines_axes_or_shading():
    ax = blank()
    ax.semilogy([0, 10], [1, 1e-4], label="V")
    ax.axvspan(2, 3, alpha=0.3)
    ax.axhline(0.1)
    ax.set(xlabel="t", title="T")
    ax.grid(True, which="both")
    ax.text(5, 0.5, "a remark")
    ax.annotate("an arrow", (5, 1e-2), (8, 0.3), arrowprops={"arrowstyle": "->"})
    ax.legend()
    assert read(ax).rest.x.size == read(ax).marks.x.size == 0
    ax.scatter([4], [1e-2], s=4)
    rest = read(ax).rest
    assert rest.x == pytest.approx(4, abs=0.1)
    assert rest.y == pytest.approx(1e-2, rel=0.1)


def test_many_texts_or_arrows_are_marks():
    for draw in (lambda ax, v: ax.text(v, v, "x"), lambda ax, v: ax.annotate("", (v, v), (v + 0.05, v), arrowprops={})):
        ax = blank()
        for value in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]:
            draw(ax, value)
        assert abs(read(ax).marks.x - read(ax).marks.y).max() < 0.1


def test_many_remarks_that_differ_are_no_marks():
    ax = blank()
    for value in range(20):
        ax.text(value / 20, value / 20, str(value + 10))
    assert not read(ax).marks.x.size


def test_lines_of_an_inset_are_further_lines_and_its_bars_no_more_bars():
    ax = blank()
    ax.bar([1, 2], [1, 2])
    inset = ax.inset_axes([0.5, 0.5, 0.4, 0.4])
    inset.plot(X, X)
    inset.bar([1, 2], [1, 2])
    found = read(ax)
    assert [line.shown for line in found.further] == [True]
    assert not found.more_bars
    ax.twinx().bar([1, 2], [1, 2])
    assert [bar.shown for bar in read(ax).more_bars] == [True, True]


def test_a_zoomed_inset_and_its_mark_are_no_further_ink():
    ax = blank()
    ax.plot(X, X)
    inset = ax.inset_axes([0.1, 0.5, 0.4, 0.4])
    inset.plot(X, X)
    inset.set(xlim=(0, 0.1), ylim=(0, 0.1))
    ax.indicate_inset_zoom(inset)
    found = read(ax)
    assert [line.shown for line in found.further] == [True]
    assert not found.rest.x.size


def test_thin_level_and_upright_segments_are_helper_lines():
    ax = blank()
    ax.plot(X, X)
    ax.hlines([0.1, 0.2, 0.7], 0, 1)
    ax.vlines([0.3, 0.4, 0.9], 0, 1, linestyles=":")
    assert not read(ax).rest.x.size
    ax.vlines([0.3, 0.4, 0.9], 0, 1, lw=5)
    assert read(ax).rest.x.size


def test_segments_that_follow_each_other_and_outlines_are_lines():
    ax = blank()
    path = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    ax.add_collection(LineCollection([path[:2], path[1:3], path[2:], path[:2] + 1]))
    ax.stairs([1.0, 2.0], baseline=None)
    ax.autoscale_view()
    found = read(ax)
    assert [line.shown for line in found.lines] == [True] * 3
    assert np.column_stack([found.lines[0].x, found.lines[0].y]) == pytest.approx(path)
    assert set(found.lines[2].y) == {1, 2}


def test_an_axline_goes_from_one_end_to_the_other():
    ax = blank()
    ax.set(yscale="log", xlim=(0, 4), ylim=(1e-4, 10))
    ax.axline((1, 1), (3, 1e-2))
    (found,) = read(ax).lines
    assert found.shown
    assert found.x == pytest.approx([0, 4])
    assert found.y == pytest.approx([10, 1e-3])


@pytest.mark.parametrize(
    ("scale", "name"),
    [
        ({"value": "function", "functions": (np.log, np.exp)}, "log"),
        ({"value": "function", "functions": (np.sqrt, np.square)}, "function"),
        ({"value": "symlog", "linthresh": 1e-3}, "log"),
        ({"value": "symlog", "linthresh": 1.0}, "symlog"),
        ({"value": "linear"}, "linear"),
    ],
)
def test_a_scale_is_what_it_does(scale, name):
    ax = blank()
    ax.set_ylim(0.01, 10)
    ax.set_yscale(**scale)
    assert read(ax).yscale == name


def test_of_lines_on_each_other_all_are_seen():
    ax = blank()
    for _ in range(2):
        ax.plot(X, X, color="C0")
    assert [line.shown for line in read(ax).lines] == [True, True]


def test_bars_thinner_than_a_pixel_are_seen_wherever_they_stand():
    ax = blank()
    ax.bar(np.arange(60) * 1.013, 1 + np.arange(60) % 3, width=0.06, color="black")
    assert all(bar.shown for bar in read(ax).bars)


def refuses(*_):
    raise ValueError("no number")


@pytest.mark.parametrize(
    "change",
    [
        lambda ax: ax.set_title("$\\undefined$"),
        lambda ax: ax.text(0.5, 0.5, "a", usetex=True),
        lambda ax: ax.figure.set_size_inches(1e7, 1e-7),
        lambda ax: ax.set_axes_locator(refuses),
    ],
    ids=["formula", "LaTeX", "size", "place"],
)
def test_a_figure_that_cannot_be_drawn_here_is_judged_by_its_data(change, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no LaTeX
    ax = blank()
    ax.plot(X, X, color="white", label="V")
    ax.plot(X, X, "o", color="white")
    ax.bar([1], [1], color="white")
    ax.set(xlabel="t")
    ax.legend()
    change(ax)
    found = read(ax)
    assert [line.shown for line in found.lines] == [True, False]
    assert [bar.shown for bar in found.bars] == [True]
    assert (found.xlabel, found.legend, found.misread) == ("t", ["V"], [])


@pytest.mark.parametrize(
    "change",
    [
        lambda ax: ax.remove(),
        lambda ax: ax.xaxis.set_major_formatter(refuses),
        lambda ax: ax.plot([0, np.nan, 1e300], [1, np.inf, -1e300]),
        lambda ax: ax.plot([], []),
        lambda ax: ax.figure.add_subplot(projection="polar").plot(X, X),
        lambda ax: ax.figure.add_subplot(projection="3d").plot(X, X, X),
        lambda ax: ax.figure.subfigures(1, 2)[1].subplots().plot(X, X),
        lambda ax: ax.set_title("包絡線"),
        lambda ax: ax.figure.clear(),
        lambda ax: ax.figure.savefig("f.pdf", bbox_inches="tight"),
        lambda ax: ax.set_position([2, 2, 0, 0]),
        lambda ax: ax.scatter(np.arange(100_000), np.arange(100_000)),
        lambda ax: [ax.text(k, k, "o") for k in range(300)],
    ],
)
def test_whatever_the_figure_holds_it_is_read_without_a_warning(change, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ax = blank()
    ax.plot(X, X, label="V")
    ax.legend()
    change(ax)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seen in (True, False):
            read(ax, seen)


@pytest.mark.parametrize(
    "change",
    [
        lambda ax, line: line.set_alpha(0.02),
        lambda ax, line: line.set_color("#fafafa"),
        lambda ax, line: line.set_linewidth(0.001),
        lambda ax, line: line.set_linestyle((0, (0.01, 5000))),
        lambda ax, line: line.set_linestyle("none"),
        lambda ax, line: ax.axhspan(-9, 9, color="white", zorder=9),
        lambda ax, line: ax.axvspan(0.2, 0.8, color="white", zorder=9),
        lambda ax, line: line.set_clip_path(line.axes.patch.get_path(), line.get_transform() + Affine2D().scale(0)),
        lambda ax, line: ax.set_visible(False),
        lambda ax, line: ax.set_xlim(5, 6),
    ],
)
def test_a_line_without_ink_along_its_way_is_not_seen(change):
    ax = blank()
    (line,) = ax.plot(X, X, marker="o")
    assert read(ax).lines[0].shown
    change(ax, line)
    assert not read(ax).lines[0].shown


@pytest.mark.parametrize(
    "style", [{"ls": ":"}, {"ls": (0, (1, 10))}, {"lw": 0.3}, {"drawstyle": "steps-post"}, {"marker": "o", "ms": 30}]
)
def test_dots_thin_lines_steps_and_large_markers_are_seen(style):
    assert line(blank(), **style)[0].shown


def test_bars_of_height_one_must_be_more_than_a_stroke():
    ax = blank()
    ax.bar([1, 2, 3], [1, 20, 3])
    assert [bar.shown for bar in read(ax).bars] == [True] * 3
    ax.set_yscale("log")
    for bottom, seen in ((0.5, True), (0.98, False), (1.0, False)):
        ax.set_ylim(bottom, 25)
        assert [bar.shown for bar in read(ax).bars] == [seen, True, True]


def test_a_white_text_box_hides_bars():
    ax = blank()
    ax.bar([1, 2, 3], [1, 2, 3])
    box = {"facecolor": "white", "edgecolor": "white"}
    ax.text(0.5, 0.5, " " * 80 + "\n" * 25, ha="center", va="center", transform=ax.transAxes, bbox=box, fontsize=16)
    assert not any(bar.shown for bar in read(ax).bars)


@pytest.mark.parametrize(
    ("change", "read_name"),
    [
        (lambda ax: ax.legend(), "V"),
        (lambda ax: ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1)), "V"),  # a notebook makes the paper larger
        (lambda ax: ax.legend(labelcolor="white"), ""),
        (lambda ax: ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1), labelcolor="white"), ""),
        (lambda ax: ax.legend(loc="upper left", bbox_to_anchor=(5, 5)), ""),
        (lambda ax: ax.legend(fontsize=0.1), ""),
        (lambda ax: ax.legend(labelcolor="lightgrey"), "V"),
        (lambda ax: ax.figure.legend(), "V"),
        (lambda ax: ax.legend().get_texts()[0].set_visible(False), ""),
        (lambda ax: ax.legend().set_visible(False), None),
    ],
)
def test_a_name_in_the_legend_is_one_that_can_be_read(change, read_name):
    ax = blank()
    ax.plot(X, X, label="V")
    change(ax)
    assert read(ax).legend == ([] if read_name is None else [read_name])
    assert read(ax).lines[0].entry == (read_name or "")


@pytest.mark.parametrize(
    ("ticks", "texts", "wrong", "name"),
    [
        ([1, 2, 5], ["1", "2", "5"], [], "time"),
        ([1, 2, 5], ["0", "1", "2"], ["0 at 1", "1 at 2", "2 at 5"], "time"),
        ([1, 2.4], ["1", "2"], [], "time"),
        ([1, 2.5], ["1", "2"], [], "time"),  # rounded either way
        ([1, 2.5], ["1.0", "2.3"], ["2.3 at 2.5"], "time"),
        ([1, 2.75], ["1", "2"], ["2 at 2.75"], "time"),  # cut
        ([1, 2, 5], [1000, 2000, 5000], [], "time [ms]"),
        ([1, 2, 5], [1000, 2000, 5000], ["1000 at 1", "2000 at 2", "5000 at 5"], "time"),  # nobody says that these are ms
        ([1, 2, 5], [2, 4, 10], ["2 at 1", "4 at 2", "10 at 5"], "time"),
        ([1, 2], ["one", "x"], [], "time"),
    ],
)
def test_a_number_at_a_tick_is_that_of_its_place(ticks, texts, wrong, name):
    ax = blank()
    ax.set_xlabel(name)
    ax.plot([0, 6], [-1e-9, 1e9])  # with a factor at the end of the axis
    ax.set_xticks(ticks, texts)
    assert read(ax).misread == wrong


@pytest.mark.parametrize("hide", [lambda text: text.set_visible(False), lambda text: text.set_alpha(0), lambda text: None])
@pytest.mark.parametrize("changed", [{"style": "sci", "scilimits": (1, 1)}, {"useOffset": 3.0}])
def test_the_factor_or_shift_of_an_axis_is_part_of_its_numbers(changed, hide):
    ax = blank()
    ax.plot([2, 40], X)
    ax.ticklabel_format(axis="x", **changed)
    hide(ax.xaxis.get_offset_text())
    text = ax.xaxis.get_offset_text()
    shown = text.get_visible() and text.get_alpha() is None
    assert bool(read(ax).misread) == (not shown)


def test_lines_of_one_colour_are_told_by_their_width_or_strength():
    for look in ({"lw": 3.5}, {"alpha": 0.4}):
        ax = blank()
        ax.plot(X, X, color="black", lw=1.0, label="V")
        ax.plot(X, [0.5, 0.2], color="black", label="bound", **{"lw": 1.0, **look})
        for handle in ax.legend().legend_handles[:1]:
            handle.set_linewidth(2.0)  # to be seen better; no other line is like it
        assert [line.entry for line in read(ax).lines] == ["V", "bound"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (r"$\mathdefault{10^{-3}}$", 1e-3),
        (r"$\mathdefault{2\times10^{-2}}$", 2e-2),
        (r"$-\mathdefault{10^{1}}$", None),
        ("$40$", 40.0),
        ("1e-03", 1e-3),
        ("2.5E+4", 2.5e4),
        ("25 %", 0.25),
        ("3 sw.", 3.0),
        ("−0.5", -0.5),
        ("3 ms", None),
        ("5 k", None),
        ("a", None),
        ("", None),
        ("1/2", None),
    ],
)
def test_what_number_a_text_at_a_tick_is(text, number):
    found = number_at(text)
    assert (found[0] if found else None) == (pytest.approx(number) if number is not None else None)


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
@pytest.mark.parametrize("values", [(1e-12, 1.0), (0.3, 0.7), (1.0, 3e5), (2.0, 9.0)])
def test_matplotlibs_own_numbers_are_those_of_their_places(scale, values):
    ax = blank()
    ax.plot(values, values)
    ax.set(xscale=scale, yscale=scale)
    assert read(ax).misread == []


def test_numbers_at_a_logarithmic_axis_may_be_exponents():
    ax = blank()
    ax.semilogy([1, 2], [0.1, 100])
    ax.set_yticks([0.1, 1, 10, 100], [-1, 0, 1, 2])
    assert read(ax).misread
    ax.set_ylabel("log V")
    assert not read(ax).misread
    ax.set_yscale("linear")
    ax.set_yticks([0.1, 1, 10, 100], [-1, 0, 1, 2])
    assert read(ax).misread


def test_at_a_logarithmic_axis_nothing_rounds_to_zero():
    ax = blank()
    ax.semilogy([1, 2], [0.01, 100])
    ax.yaxis.set_major_formatter("{x:.0f}")
    assert read(ax).misread


def test_a_figure_is_left_as_it_was_and_costs_no_more_when_it_is_huge():
    ax = Figure(figsize=(300, 200), dpi=200, layout="constrained").add_subplot()
    (line,) = ax.plot(X, X, "o-", ms=7, label="V")
    legend = ax.legend()
    engine = ax.figure.get_layout_engine()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(ax)
    assert (ax.figure.dpi, line.get_markersize(), ax.figure.get_layout_engine()) == (200, 7, engine)
    assert all(part.get_visible() for part in (line, legend, ax.xaxis, ax.spines["top"]))
    assert len(ax.get_xticks())


def test_without_drawing_all_that_is_switched_on_is_taken_for_seen():
    ax = blank()
    ax.plot(X, X, color="white")
    ax.plot(X, X, visible=False)
    ax.scatter(X, X)
    found = read(ax, seen=False)
    assert [line.shown for line in found.lines] == [True, False]
    assert not found.rest.x.size


def test_a_hatch_is_seen_and_an_edge_of_no_width_is_not():
    assert [item.shown for item in bar(blank(), color="white", hatch="/", edgecolor="black", linewidth=0)] == [True]
    assert [item.shown for item in edge(blank(), linewidth=0)] == [False]


def test_axes_in_the_same_place_stand_on_each_other():
    below = on("black")
    above = below.twinx()
    above.plot(X, X, color="white")
    above.plot(X, X[::-1], color="black")
    assert [item.shown for item in read(below).further] == [True, False]


@pytest.mark.parametrize(
    ("strip", "seen"),
    [
        (lambda ax: ax.axhspan(0, 1, color="white", zorder=9), [False, True]),
        (lambda ax: ax.axhspan(0, 1, color="0.9"), [False, True]),
        (lambda ax: ax.fill_between([0, 3], 0, 1, color="white", zorder=9), [False, True]),
        (lambda ax: ax.axhspan(0, 1, color="white", zorder=0), [True, True]),
        (lambda ax: ax.axhspan(0, 1, color="C1", alpha=0.3), [True, True]),
        (lambda ax: ax.axhspan(0.2, 0.5, color="white", zorder=9), [True, True]),
    ],
)
def test_an_opaque_strip_hides_the_bars_that_lie_under_it(strip, seen):
    ax = blank()
    ax.bar([1, 2], [1, 3])
    strip(ax)
    assert [bar.shown for bar in read(ax).bars] == seen


EDGES = np.arange(0.5, 5)


@pytest.mark.parametrize("look", [{"histtype": "stepfilled"}, {"histtype": "step", "fill": True}, {"histtype": "barstacked"}])
def test_a_histogram_in_one_outline_is_read_as_its_bars(look):
    ax, plain = blank(), blank()
    ax.hist([1, 2, 2, 4, 4, 4], bins=EDGES, **look)
    plain.hist([1, 2, 2, 4, 4, 4], bins=EDGES)
    found = read(ax)
    assert found.bars == read(plain).bars
    assert not len(found.rest.x)
    assert not found.lines
    assert ax.patches[0].get_visible()


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda ax, patch: ax.axhspan(0, 1.5, color="white", zorder=9), [False, False, False, True]),
        (lambda ax, patch: ax.axvspan(3.5, 5, color="white", zorder=9), [True, True, False, False]),
        (lambda ax, patch: patch.set_facecolor("white"), [False] * 4),
        (lambda ax, patch: patch.set_visible(False), [False] * 4),
        (lambda ax, patch: ax.set_ylim(0, 300), [False, False, False, True]),
    ],
)
def test_each_bar_of_an_outline_is_looked_at_by_itself(change, seen):
    ax = blank()
    ax.hist([1, 2, 2, 4, 4, 4, 4, 4, 4], bins=EDGES, histtype="stepfilled")
    change(ax, ax.patches[0])
    assert [bar.shown for bar in read(ax).bars] == seen


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.hist([1, 2, 2, 4, 4, 4], bins=EDGES, histtype="step"),
        lambda ax: ax.fill([0, 1, 2], [0, 1, 0]),
        lambda ax: ax.fill([0, 3, 3, 1, 1, 3, 3, 0], [0, 0, 1, 1, 2, 2, 3, 3]),
        lambda ax: ax.fill([0, 1, 1, np.nan], [0, 0, 1, 1]),
        lambda ax: ax.arrow(0, 0, 1, 0, head_width=0.1),
        lambda ax: ax.fill([0.2, 0.4, 0.4, 0.2], [0.2, 0.2, 0.4, 0.4], transform=ax.transAxes),
        lambda ax: ax.fill(np.repeat(np.arange(2000), 2)[1:-1], np.repeat(np.arange(1999) % 2, 2)),
    ],
)
def test_what_is_not_filled_or_no_histogram_has_no_bars(draw):
    ax = blank()
    draw(ax)
    assert read(ax).bars == []


def test_bars_in_an_outline_of_second_axes_are_more_bars():
    ax = blank()
    ax.twinx().hist([1, 2, 2], bins=[0.5, 1.5, 2.5], histtype="stepfilled")
    found = read(ax)
    assert (found.bars, [bar.height for bar in found.more_bars]) == ([], [1, 2])


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda ax: None, "time"),
        (lambda ax: ax.set_axis_off(), ""),
        (lambda ax: ax.xaxis.set_visible(False), ""),
        (lambda ax: ax.xaxis.label.set_color("white"), ""),
        (lambda ax: ax.xaxis.label.set_alpha(0), ""),
        (lambda ax: ax.yaxis.set_visible(False), "time"),
    ],
)
def test_a_name_that_cannot_be_seen_is_none(change, name):
    ax = blank()
    ax.set_xlabel(" time ")
    change(ax)
    assert read(ax).xlabel == name


def test_a_line_without_ink_is_not_seen_by_one_beside_it():
    ax = blank()
    ax.plot(X, X)
    ax.plot(X, [value + 1e-3 for value in X], color="white", alpha=0.01)
    assert [line.shown for line in read(ax).lines] == [True, False]


def drawings(monkeypatch, ax) -> int:
    """How often a figure is drawn to be read."""
    count = []
    draw = ink.draw
    monkeypatch.setattr(ink, "draw", lambda figure: count.append(figure) or draw(figure))
    read(ax)
    return len(count)


def two_lines(ax, **look):
    ax.plot(X, X, label="V")
    ax.plot(X, [1.0, 0.3], **{"label": "bound", "linestyle": "--", **look})
    ax.set(xlabel="t", ylabel="V")
    ax.legend()


@pytest.mark.parametrize(
    "fill",
    [
        two_lines,
        lambda ax: two_lines(ax, color="green"),
        lambda ax: ax.hist([1, 2, 2, 4, 4, 4], bins=np.arange(0.5, 5), rwidth=0.9),
        lambda ax: ax.bar([1, 2, 3], [1, 0, 2]),
    ],
)
def test_a_plain_figure_is_drawn_once(monkeypatch, fill):
    ax = blank()
    fill(ax)
    assert drawings(monkeypatch, ax) == 1
    found = read(ax)
    monkeypatch.setattr(sight, "own_ink", lambda *parts: [])
    again = read(ax)
    assert [line.shown for line in found.lines] == [line.shown for line in again.lines]
    assert found.bars == again.bars
    assert found.legend == again.legend
    assert not len(found.rest.x)
    assert not len(again.rest.x)


def hidden(ax, number: int, **look):
    ax.lines[number].set(**look)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda ax: hidden(ax, 1, linewidth=0.1, marker="o"), None),
        (lambda ax: hidden(ax, 1, linestyle="none", marker="o"), [True, False]),
        (lambda ax: hidden(ax, 1, alpha=0.01), [True, False]),
        (lambda ax: hidden(ax, 1, color="white"), [True, False]),
        (lambda ax: hidden(ax, 1, visible=False), [True, False]),
        (lambda ax: hidden(ax, 1, zorder=-5), None),
        (lambda ax: hidden(ax, 1, color=(0.56, 0.73, 0.85)), None),  # as the edges of the other line's stroke
        (lambda ax: hidden(ax, 1, color="C0"), [True, True]),
        (lambda ax: hidden(ax, 1, color="black"), [True, True]),
        (lambda ax: hidden(ax, 1, dashes=(1, 400)), [True, False]),
        (lambda ax: ax.plot(X, [1.0, 0.3], color="red", lw=9), [True, True, True]),  # on the very same way
        (lambda ax: ax.plot(X, [1.0, 0.302], color="red", lw=9), [True, False, True]),
        (lambda ax: ax.axhspan(0, 2, color="white", zorder=9), [False, False]),
        (lambda ax: ax.fill_between(X, [2, 2], [-1, -1], color="white", zorder=9), [False, False]),
        (lambda ax: ax.figure.add_axes((0, 0, 1, 1)).plot(X, X), [False, False]),
        (lambda ax: ax.figure.patches.append(Rectangle((0, 0), 1, 1, color="white", zorder=9)), None),
        (lambda ax: ax.scatter(np.linspace(0, 1, 50), np.linspace(1, 0.3, 50), color="C1"), None),
    ],
)
def test_what_is_not_plain_is_looked_at_as_closely_as_before(monkeypatch, change, seen):
    ax = blank()
    two_lines(ax)
    change(ax)
    found = read(ax)
    monkeypatch.setattr(sight, "own_ink", lambda *parts: [])
    again = [line.shown for line in read(ax).lines]
    assert [line.shown for line in found.lines] == again
    if seen is not None:
        assert again == seen


def test_under_an_opaque_legend_nothing_is_seen():
    for alpha, seen in ((1.0, False), (0.8, True)):
        ax = blank()
        ax.plot(X, X, label="a")
        ax.plot(X, [1.0, 0.5], label="b")
        ax.legend(bbox_to_anchor=(0, 0, 1, 1), mode="expand", borderpad=9, framealpha=alpha, loc="center")
        assert [line.shown for line in read(ax).lines] == [seen, seen]


def test_a_line_that_is_clipped_is_not_seen():
    ax = blank()
    (line,) = ax.plot(X, X)
    line.set_clip_path(Rectangle((0, 0), 0.5, 1, transform=ax.transAxes))
    assert not read(ax).lines[0].shown
    line.set_clip_path(Rectangle((0, 0), 1, 1, transform=ax.transAxes))
    assert read(ax).lines[0].shown


def test_steps_are_told():
    ax = blank()
    ax.step(X, X)
    ax.plot(X, X)
    assert [line.stepped for line in read(ax).lines] == [True, False]


def test_straight_pieces_in_a_row_are_ink_and_lines_across_are_not():
    def points(ax, x, y):
        for a, b in zip(x, y, strict=True):
            ax.plot(a, b, "k.")

    x = np.linspace(0, 1, 30)
    row = [
        lambda ax: ax.hlines(x**2, x, x + 1 / 30),
        lambda ax: ax.errorbar(x, x**2, 0.05, fmt="none"),
        lambda ax: points(ax, x, x**2),
        lambda ax: ax.vlines(x, 0, 0.3 + 0.4 * x**2),  # long, up to a curve that is drawn by nothing else
        lambda ax: ax.vlines(x, 0.3 + 0.4 * x**2, 1),
        lambda ax: [ax.plot([a, a], [0, 0.9 - a / 2]) for a in x],
    ]
    long = [
        lambda ax: ax.vlines(x, 0, 1),
        lambda ax: [ax.axvline(a) for a in x],
        lambda ax: ax.hlines(x, 0, 1),
        lambda ax: [ax.plot([a, a], [0, 1 - a]) for a in x[::3]],  # from points of a curve down to the axis
    ]
    for draw, is_row in [*((draw, True) for draw in row), *((draw, False) for draw in long)]:
        ax = blank()
        ax.plot(X, [1.0, 0.0])
        ax.set(xlim=(0, 1), ylim=(0, 1))
        draw(ax)
        assert bool(read(ax).rest.x.size) is is_row


def test_an_artist_of_the_figure_over_the_axes_is_ink():
    ax = blank()
    ax.plot(X, X)
    ax.figure.add_artist(Line2D([0.2, 0.5, 0.8], [0.3, 0.7, 0.2], color="0.3"))
    assert read(ax).rest.x.size


def inset(ax, part):
    ax.inset_axes([0.0, 0.0, part, 1.0]).set(xticks=[], yticks=[])


def rectangle(ax, part, **look):
    ax.add_patch(Rectangle((0, 0), part, 1, transform=ax.transAxes, **{"color": "w", "zorder": 9, **look}))


def filled(ax, part, **look):
    ax.fill_between([0, part], -9, 9, **{"color": "0.9", "lw": 0, "zorder": 9, **look})


def band(ax, part, **look):
    ax.axvspan(0, part, **{"color": "0.9", "lw": 0, "zorder": 9, **look})


def opaque_legend(ax, part, **look):
    ax.legend(loc="lower left", borderaxespad=0, **{"framealpha": 1, **look})
    ax.figure.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    ax.legend(loc="lower left", borderaxespad=0, **{"framealpha": 1, **look}, fontsize=10 * part * ax.bbox.width / box.width)


@pytest.mark.parametrize("cover", [inset, rectangle, filled, band, opaque_legend])
@pytest.mark.parametrize(("part", "seen"), [(0.25, True), (0.4, False)])
def test_a_line_is_seen_if_no_more_than_a_third_of_it_is_covered(cover, part, seen):
    ax = blank()
    ax.plot(X, [0.05, 0.06], label="a name")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    cover(ax, part)
    assert read(ax).lines[0].shown is seen


@pytest.mark.parametrize("cover", [rectangle, filled, band])
@pytest.mark.parametrize("look", [{"alpha": 0.3}, {"zorder": 0}])
def test_shading_that_a_line_shines_through_covers_nothing(cover, look):
    ax = blank()
    ax.plot(X, X)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    cover(ax, 0.7, color="C1", **look)
    assert read(ax).lines[0].shown


@pytest.mark.parametrize(("width", "seen"), [(6, True), (30, False)])
def test_lines_cover_no_others_unless_they_are_as_thick_as_areas(width, seen):
    ax = blank()
    ax.plot([0, 0.55, 1], [0.1, 0.1, 0.9])
    ax.plot([0, 0.55, 1], [0.1, 0.1, 0.1], lw=width)
    ax.plot([0.5], [0.2], "k.")  # else one look is enough
    ax.set(xlim=(0, 1), ylim=(0, 1))
    assert read(ax).lines[0].shown is seen


@pytest.mark.parametrize(
    ("draw", "seen"),
    [
        (lambda ax, x: ax.scatter(x, x, s=9, color="C0", zorder=3), True),
        (lambda ax, x: ax.scatter(x, x, s=9, c=x, zorder=3), True),
        (lambda ax, x: ax.scatter(x, x, s=90, facecolors="none", edgecolors="k", zorder=3), True),
        (lambda ax, x: ax.scatter(x, x, s=90, color="w", zorder=3), False),
        (lambda ax, x: ax.scatter(x, x + 0.01, s=90, color="C1", zorder=3), False),  # beside it: points of something else
        (lambda ax, x: ax.lines[0].set(marker="o", mfc="w"), True),
        (lambda ax, x: ax.lines[0].set(marker="o", mfc="w", mec="w"), False),
    ],
)
def test_points_on_a_line_are_its_markers_and_may_not_hide_it(draw, seen):
    ax, x = blank(), np.linspace(0, 1, 300)
    ax.plot(x, x)
    draw(ax, x)
    assert read(ax).lines[0].shown is seen


def test_a_bar_is_seen_with_its_top():
    ax = blank()
    ax.bar([0, 1], [10, 10])
    ax.axhspan(7, 10, xmin=0.5, color="w", zorder=3)
    assert [bar.shown for bar in read(ax).bars] == [True, False]
    ax.patches[-1].remove()
    ax.axhspan(3, 6, color="w", zorder=3)
    assert [bar.shown for bar in read(ax).bars] == [True, True]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax, x, y: ax.scatter(x, y),
        lambda ax, x, y: ax.plot(x, y, "o"),
        lambda ax, x, y: ax.fill_between(x, y, 1e-4, alpha=0.2),
        lambda ax, x, y: ax.fill_between(x, y, 1e-4, facecolor="none", edgecolor="C1"),
        lambda ax, x, y: ax.fill([*x, 1, 0], [*y, 1e-4, 1e-4], alpha=0.2),
        lambda ax, x, y: ax.vlines(x, 1e-4, y),
    ],
)
def test_points_outlines_and_rows_of_pieces_are_spots_at_their_places(draw):
    ax, x = blank(), np.linspace(0, 1, 40)
    ax.set(yscale="log", xlim=(0, 1), ylim=(1e-4, 1))
    ax.plot([0, 1], [1e-4, 1], color="k")
    draw(ax, x, 0.5 * np.exp(-5 * x))
    spots = read(ax).spots
    above = spots.y > 2e-4
    assert len(np.unique(np.round(20 * spots.x[above]))) > 15
    np.testing.assert_allclose(np.log(spots.y[above]), np.log(0.5) - 5 * spots.x[above], atol=0.08)  # two pixels


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax, x, y: ax.scatter(x, y, color="w"),
        lambda ax, x, y: ax.fill_between(x, y, 1e-4, color="w"),
        lambda ax, x, y: ax.axvspan(0.2, 0.4),
        lambda ax, x, y: ax.fill_between([0.2, 0.4], 0.1, 0.9),  # level and upright edges
        lambda ax, x, y: ax.vlines(x[::5], 1e-4, 1.0),
    ],
)
def test_what_is_not_seen_or_level_or_upright_has_no_spots(draw):
    ax, x = blank(), np.linspace(0, 1, 40)
    ax.set(yscale="log", xlim=(0, 1), ylim=(1e-4, 1))
    draw(ax, x, 0.5 * np.exp(-5 * x))
    assert not read(ax).spots.x.size
