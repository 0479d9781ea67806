"""What a figure is read as: lines, other ink, scales; whatever it holds, it is left as it was."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from sheaflab.checks import ink, sight
from sheaflab.checks.figures import blank, read

X = [0.0, 1.0]


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


def test_an_artist_of_the_figure_over_the_axes_is_ink():
    ax = blank()
    ax.plot(X, X)
    ax.figure.add_artist(Line2D([0.2, 0.5, 0.8], [0.3, 0.7, 0.2], color="0.3"))
    assert read(ax).rest.x.size
