"""Numbers at ticks: each is that of its place."""

from __future__ import annotations

import pytest
from matplotlib.ticker import EngFormatter

from sheaflab.checks.figures import blank, read
from sheaflab.checks.ticks import number_at, plain

X = [0.0, 1.0]


@pytest.mark.parametrize(
    ("ticks", "texts", "wrong", "name"),
    [
        ([1, 2, 5], ["1", "2", "5"], [], "time"),
        ([1, 2, 5], ["0", "1", "2"], ["0 at 1", "1 at 2", "2 at 5"], "time"),
        ([1, 2.4], ["1", "2"], ["2 at 2.4"], "time"),  # rounded
        ([1, 2.4], ["1.0", "2.40"], [], "time"),
        ([1, 5], ["1.01", "5 s"], [], "time"),
        ([1, 2.5], ["1.0", "2.3"], ["2.3 at 2.5"], "time"),
        ([1, 2.75], ["1", "2"], ["2 at 2.75"], "time"),  # cut
        ([1, 2, 5], [1000, 2000, 5000], ["1000 at 1", "2000 at 2", "5000 at 5"], "time [ms]"),
        ([1, 2], ["1 %", "2k"], ["'1 %' at 1", "'2k' at 2"], "time"),
        ([1, 2], ["1–2", "run 2"], ["'1–2' at 1", "'run 2' at 2"], "switches"),
        ([1, 2], ["k = 1", "2 switches"], [], "switches"),
        ([1, 2], ["1 T", "2 T"], [], "time (T: half-life)"),
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


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (r"$\mathdefault{10^{-3}}$", 1e-3),
        (r"$\mathdefault{2\times10^{-2}}$", 2e-2),
        (r"$\mathdefault{2^{-3}}$", 0.125),
        (r"$-\mathdefault{10^{1}}$", None),
        ("$40$", 40.0),
        ("1e-03", 1e-3),
        ("2.5E+4", 2.5e4),
        ("3 sw.", 3.0),
        ("−0.5", -0.5),
        ("1/2", 0.5),
        ("$V(0)$", None),
        ("a", None),
        ("", None),
    ],
)
def test_what_number_a_text_at_a_tick_is(text, number):
    found = number_at(plain(text, None))
    assert found == (pytest.approx(number) if number is not None else None)


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
@pytest.mark.parametrize("values", [(1e-12, 1.0), (0.3, 0.7), (1.0, 3e5), (2.0, 9.0)])
def test_matplotlibs_own_numbers_are_those_of_their_places(scale, values):
    ax = blank()
    ax.plot(values, values)
    ax.set(xscale=scale, yscale=scale)
    assert read(ax).misread == []


def test_exponents_are_no_numbers_of_a_logarithmic_axis():
    ax = blank()
    ax.semilogy([1, 2], [0.1, 100])
    ax.set(ylabel="log V", yticks=[0.1, 1, 10, 100], yticklabels=[-1, 0, 1, 2])
    assert read(ax).misread


def test_minor_ticks_count_where_they_are_shown():
    for hidden in (False, True):
        ax = blank()
        ax.plot([0, 6], [0, 1])
        ax.set_xticks([1.5, 2.5], ["4", "5"], minor=True)
        ax.tick_params(which="minor", labelbottom=not hidden)
        assert bool(read(ax).misread) != hidden


def test_prefixes_are_those_of_matplotlibs_formatter_alone():
    ax = blank()
    ax.plot([0, 6e3], [0, 1])
    ax.set_xlabel("time (s)")
    for unit in ("", "s"):
        ax.xaxis.set_major_formatter(EngFormatter(unit))
        assert not read(ax).misread
    ax.xaxis.set_major_formatter(lambda v, _: f"{v / 1000:g} k")
    assert read(ax).misread


def test_at_a_logarithmic_axis_nothing_rounds_to_zero():
    ax = blank()
    ax.semilogy([1, 2], [0.01, 100])
    ax.yaxis.set_major_formatter("{x:.0f}")
    assert read(ax).misread
