"""What a check takes for drawn: what a reader of the figure can see, by one rule for lines, bars and segments."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import _mathtext
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from sheaflab.checks.figures import blank, read

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
        ("white", "white", 1.0, "#d8d8d8", True),
        ("white", "white", 1.0, "yellow", True),
        ("white", "white", 1.0, "#f0f0f0", False),
        ("white", "white", 1.0, "azure", False),
        ("black", "white", 1.0, "#101010", False),
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


def test_of_lines_on_each_other_all_are_seen():
    ax = blank()
    for _ in range(2):
        ax.plot(X, X, color="C0")
    assert [line.shown for line in read(ax).lines] == [True, True]


def test_bars_thinner_than_a_pixel_are_seen_wherever_they_stand():
    ax = blank()
    ax.bar(np.arange(60) * 1.013, 1 + np.arange(60) % 3, width=0.06, color="black")
    assert all(bar.shown for bar in read(ax).bars)


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
@pytest.mark.parametrize(("part", "seen"), [(0.06, True), (0.2, False)])
def test_a_line_is_seen_if_no_more_than_a_tenth_of_it_is_covered(cover, part, seen):
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


def test_a_formula_is_read_once_for_all_drawings_of_a_figure_and_of_others(monkeypatch):
    """Each drawing had a reader of its own, which took more time than all else of a figure."""
    parser, asked = _mathtext.Parser, list[str]()
    parse = parser.parse
    monkeypatch.setattr(parser, "parse", lambda self, s, *more: asked.append(s) or parse(self, s, *more))
    for _ in range(2):
        ax = blank()
        ax.plot(X, X, label="$z^{31}$")
        ax.set(xlabel="$t_{31}$")
        ax.legend()
        assert read(ax).legend == ["$z^{31}$"]
    assert sorted(asked) == ["$t_{31}$", "$z^{31}$"]
