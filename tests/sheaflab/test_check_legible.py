"""What keeps a reader from reading a figure rightly: each rule refuses one figure, and admits its right neighbour."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab.checks.figures import blank, read

T = np.linspace(0.0, 10.0, 50)


def curve(ax, **look):
    ax.semilogy(T, np.exp(-T), label="energy", **look)
    ax.semilogy(T[[0, -1]], np.exp(-T[[0, -1]] / 2), "k--", label="envelope")
    ax.set(xlabel="time", ylabel="energy")
    ax.legend()


def bars(ax, **look):
    found = ax.bar([1, 2, 4], [5, 3, 1], **look)
    ax.set(xlabel="switches", ylabel="runs")
    return found


def doubled(ax, name):
    ax.secondary_yaxis("right", functions=(lambda v: 2 * v, lambda v: v / 2)).set_ylabel(name)


def of_all(ax, whole):
    doubled(ax, "")
    ax.child_axes[0].set_functions((lambda v: v * whole, lambda v: v / whole))
    ax.child_axes[0].set_ylabel("share of the runs (%)")


def below(ax, opacity):
    ax.legend(["one bar"], loc="upper center", bbox_to_anchor=(0.5, 0.0), framealpha=opacity)


@pytest.mark.parametrize(
    ("draw", "change", "rule"),
    [
        (curve, lambda ax: None, ""),
        (curve, lambda ax: ax.invert_xaxis(), "to the right"),
        (bars, lambda ax: ax.invert_yaxis(), "upward"),
        (curve, lambda ax: ax.set_xlim(-1, 1000), "limits at x"),
        (curve, lambda ax: ax.set_ylim(1e-150, 1e50), "limits at y"),
        (curve, lambda ax: ax.set(xlim=(-5, 30), ylim=(1e-12, 1e6)), ""),
        (bars, lambda ax: ax.set_ylim(0.8, 5.2), "stand on 0"),
        (bars, lambda ax: ax.set(yscale="log", ylim=(0.8, 6)), ""),
        (bars, lambda ax: ax.set_ylim(-0.5, 6), ""),
        (curve, lambda ax: ax.twinx(), "a name of its own"),
        (curve, lambda ax: ax.twinx().set_yticks([]), ""),
        (curve, lambda ax: ax.twinx().set(yscale="log", ylim=ax.get_ylim()), ""),
        (curve, lambda ax: doubled(ax, "energy"), "a name of its own"),
        (curve, lambda ax: doubled(ax, "twice the energy"), ""),
        (bars, lambda ax: of_all(ax, 5.0), "shares of all runs"),
        (bars, lambda ax: of_all(ax, 100 / 9), ""),
        (bars, lambda ax: below(ax, 1.0), "nothing lies on a name"),
        (bars, lambda ax: below(ax, 0.2), ""),
        (bars, lambda ax: ax.bar_label(ax.containers[0]), ""),
        (bars, lambda ax: ax.bar_label(ax.containers[0], ["56 %", "33 %", "11 %"]), ""),
        (bars, lambda ax: ax.bar_label(ax.containers[0], ["5 (56 %)", "3 runs", "n = 1"]), ""),
        (bars, lambda ax: ax.bar_label(ax.containers[0], ["a", "mean 2.1", "12 starts"]), ""),
        (bars, lambda ax: [ax.text(k, 0.1, k, ha="center") for k in (1, 2, 4)], ""),
        (bars, lambda ax: ax.bar_label(ax.containers[0], ["56", "33", "11"]), "own number of runs"),
        (bars, lambda ax: ax.bar_label(ax.containers[0], ["5", "8", "9"]), "own number of runs"),
        (bars, lambda ax: ax.text(2, 5, "5", ha="center"), ""),  # far above the bar
    ],
)
def test_each_rule_refuses_its_figure_and_admits_the_right_neighbour(draw, change, rule):
    ax = blank()
    draw(ax)
    change(ax)
    found = read(ax).faults
    assert all(rule in fault for fault in found)
    assert bool(found) == bool(rule), found


@pytest.mark.parametrize(("wide", "fault"), [(2.0, False), (30.0, True)])
def test_edges_and_strokes_are_so_thin_that_values_can_be_read(wide, fault):
    for draw in (curve, lambda ax, lw: bars(ax, lw=lw, edgecolor="black")):
        ax = blank()
        draw(ax, lw=wide)
        assert any("thin" in text for text in read(ax).faults) == fault


@pytest.mark.parametrize(
    ("look", "same"), [({"lw": 1.55}, True), ({"lw": 4}, False), ({"ls": "--"}, False), ({"color": "C1"}, False)], ids=str
)
def test_a_legend_names_lines_that_can_be_told_apart(look, same):
    ax = blank()
    ax.plot([0, 1], [0, 1], label="one", **{"color": "k", "lw": 1.5})
    ax.plot([0, 1], [1, 0], label="other", **{"color": "k", **look})
    ax.legend()
    assert any("look alike" in fault for fault in read(ax).faults) == same


def test_pieces_of_one_look_are_one_line():
    for color, number in (("C0", 1), ("C1", 2)):
        ax = blank()
        ax.plot([0, 1], [0, 1], color="C0")
        ax.plot([1, 3], [1, 0], color=color)
        lines = read(ax).lines
        assert len(lines) == number
        assert lines[0].x.tolist() == [0.0, 1.0, 3.0][: 4 - number]


def test_a_line_in_twin_axes_is_where_the_first_ones_numbers_say():
    ax = blank()
    ax.plot([0, 1], [0, 10])
    ax.set_ylim(0, 10)
    twin = ax.twinx()
    twin.plot([0, 1], [1, 0.5])
    twin.set_ylim(0, 1)
    assert read(ax).further[0].y == pytest.approx([10, 5])


def test_a_hatch_fills_an_area_and_is_no_ink_of_its_own():
    ax = blank()
    ax.plot(T, T)
    area = ax.fill_between(T, T, 10, facecolor="none", edgecolor="0.5", hatch="//", lw=0)
    found = read(ax)
    assert not len(found.rest.x)
    assert area.get_hatch() == "//"
