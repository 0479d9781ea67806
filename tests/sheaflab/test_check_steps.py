"""Bars that are drawn as one outline."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab.checks.figures import blank, read

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
    twin = ax.twinx()
    twin.hist([1, 2, 2], bins=[0.5, 1.5, 2.5], histtype="stepfilled")
    ax.set_ylim(0, 3 * twin.get_ylim()[1])  # heights are read by the first axes' numbers
    found = read(ax)
    assert found.bars == []
    assert [bar.height for bar in found.more_bars] == pytest.approx([3, 6])
