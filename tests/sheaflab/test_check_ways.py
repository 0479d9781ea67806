"""Lines and pieces of lines: which are helper lines, which a curve, and where points, outlines and pieces stand."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from sheaflab.checks.figures import blank, read

X = [0.0, 1.0]


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


def test_lines_of_one_colour_are_told_by_their_width_or_strength():
    for look in ({"lw": 3.5}, {"alpha": 0.4}):
        ax = blank()
        ax.plot(X, X, color="black", lw=1.0, label="V")
        ax.plot(X, [0.5, 0.2], color="black", label="bound", **{"lw": 1.0, **look})
        for handle in ax.legend().legend_handles[:1]:
            handle.set_linewidth(2.0)  # to be seen better; no other line is like it
        assert [line.entry for line in read(ax).lines] == ["V", "bound"]


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
