"""What a check takes for drawn: what a reader of the figure can see, by one rule for lines, bars and segments."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

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


def segments(ax, **look):
    ax.vlines(X, 0.0, 1.0, colors=look.pop("color", "C0"), **look)
    return read(ax).further


def steps(ax, **look):
    ax.stairs([1.0, 2.0], color=look.pop("color", "C0"), **look)
    return read(ax).further


def outline(ax, **look):
    ax.fill([0.0, 1.0, 1.0], [0.0, 1.0, 0.5], fill=False, edgecolor=look.pop("color", "C0"), **look)
    return read(ax).further


DRAWN = pytest.mark.parametrize("draw", [line, bar, edge, segments, steps, outline])


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


def test_a_hatch_is_seen_and_an_edge_of_no_width_is_not():
    assert [item.shown for item in bar(blank(), color="white", hatch="/")] == [True]
    assert [item.shown for item in edge(blank(), linewidth=0)] == [False]


def test_axes_in_the_same_place_stand_on_each_other():
    below = on("black")
    above = below.twinx()
    above.plot(X, X, color="white")
    above.plot(X, X, color="black")
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


def test_lone_markers_are_points_and_what_is_switched_off_is_nothing():
    ax = blank()
    ax.plot(X, X, "o")
    ax.plot(X, X, "o-")
    ax.plot(X, X, "o", visible=False)
    ax.scatter(X, X, alpha=0)
    assert [points.kind for points in read(ax).collections] == ["Line2D"]
