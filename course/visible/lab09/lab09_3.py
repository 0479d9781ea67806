"""Visible checks of notebook 3: counting switches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NoReturn

import numpy as np

from sheaflab import Euler
from sheaflab.checks.figures import blank, read
from sheaflab.checks.legible import legible, numbers
from sheaflab.checks.messages import calling, fail
from sheaflab.checks.names import plain
from sheaflab.checks.problems import SHEAF, given

from ._names import names_runs, names_switches


def count_switches(answer: Callable[..., Any]) -> None:
    states = np.array([[1.0, -1.0, 5.0], [2.0, 1.0, 5.0], [-1.0, 2.0, -5.0], [-2.0, 2.0, 5.0]])
    with calling(answer, "count_switches(np.array([[1, -1, 5], [2, 1, 5], [-1, 2, -5], [-2, 2, 5]]), h=2)") as judge:
        judge(
            answer(states, 2),
            2,
            tol=0.0,
            hint="neuron 1 turns on, neuron 0 turns off; the third column is the output and has no wall",
        )
    with calling(answer, "count_switches(np.array([[1, -1, 0], [-1, 1, 0]]), h=2)") as judge:
        judge(
            answer(np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]), 2),
            2,
            tol=0.0,
            hint="two neurons that change between the same two rows are two switches",
        )
    with calling(answer, "count_switches(np.array([[1, 0], [0, 0], [-1, 0]]), h=1)") as judge:
        judge(
            answer(np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]]), 1),
            1,
            tol=0.0,
            hint="zero is inactive: from 1 to 0 the neuron turns off, from 0 to -1 nothing happens",
        )


@cache
def _three_counts() -> tuple[int, ...]:
    rng = np.random.default_rng(1)
    return tuple(Euler(0.01).run(SHEAF, 2.0 * rng.standard_normal(SHEAF.n), 20.0).log.count for _ in range(3))


def switch_counts(answer: Callable[..., Any]) -> None:
    with calling(answer, "switch_counts(SHEAF, 2.0, np.random.default_rng(1), runs=3)", given("SHEAF")) as judge:
        judge(
            answer(SHEAF, 2.0, np.random.default_rng(1), runs=3),
            list(_three_counts()),
            tol=0.0,
            hint="one start a run, magnitude * rng.standard_normal(sheaf.n), with the generator that is passed in",
        )


def _bars(figure: Any) -> list[Any]:
    bars = [bar for bar in figure.bars if bar.shown and bar.height and _within(figure, bar)]
    return sorted(bars, key=lambda bar: float(bar.x))


def _within(figure: Any, bar: Any) -> bool:
    """Whether the axes show where a bar stands, and its top."""
    (left, right), top = sorted(figure.xlim), max(figure.ylim)
    end = max(bar.y, bar.y + bar.height)
    return bool(left < bar.x + 0.5 * bar.width < right and end <= top * (1 + 1e-9))


def _drawn_again(figure: Any, counts: Sequence[int]) -> bool:
    """Whether other ink is as high as each of the bars, at each of them, or second axes have bars there."""
    numbers, others = Counter(counts), [bar for bar in figure.more_bars if bar.shown]
    if others and all(any(abs(bar.x + 0.5 * bar.width - k) < 0.51 for bar in others) for k in numbers):
        return True
    x, y, near = figure.rest.x, figure.rest.y, 0.006 * abs(figure.ylim[1] - figure.ylim[0])
    tops = [np.unique(x[(np.abs(x - k) < 0.51) & (np.abs(y - n) < near)]) for k, n in numbers.items()]
    uneven = len(set(numbers.values())) > 1  # of bars of one height a level line has the heights, too
    return uneven and all(len(columns) >= 6 for columns in tops)  # a dot on a bar is no bar


def heights(figure: Any, counts: Sequence[int], tell: Callable[..., NoReturn]) -> None:
    """Compare how high the bars are, from left to right."""
    bars, expected = _bars(figure), [list(counts).count(k) for k in sorted(set(counts))]
    numbers(figure, tell)
    if not bars:
        tell(returned="no bars that can be seen", expected=f"{len(expected)} bars", hint="draw into `ax`, not into plt")
    legible(figure, tell)
    low = [float(bar.y) for bar in bars if bar.y]
    if low:
        hint = "one bar a number, not one on top of another"
        tell(returned=f"a bar that begins at y = {low[0]:g}", expected="bars that stand on 0", hint=hint)
    if _drawn_again(figure, counts):
        hint = "one kind of bars: either `hist` or `bar`, called once"
        tell(returned="bars, and the same heights once more on top", expected="each bar once", hint=hint)
    got = [float(bar.height) for bar in bars]
    if len(got) != len(expected) or not np.allclose(got, expected, rtol=0, atol=1e-9):
        tell(
            returned="bars of height " + ", ".join(f"{height:.4g}" for height in got),
            expected="bars of height " + ", ".join(map(str, expected)),
            hint="one bar for each number that occurs, which can be seen within the limits of the axes; its height is "
            "the number of runs with that count",
        )


def centred(figure: Any, counts: Sequence[int], tell: Callable[..., NoReturn]) -> None:
    """Compare where the bars stand."""
    bars, expected = _bars(figure), sorted(set(counts))
    got = [bar.x + 0.5 * bar.width for bar in bars]
    if len(got) != len(expected) or not np.allclose(got, expected, rtol=0, atol=1e-6):
        tell(
            returned="bars centred on " + (", ".join(f"{x:.4g}" for x in got) or "nothing"),
            expected="one bar for each count, centred on " + ", ".join(map(str, expected)),
            hint="with bins from min − 0.5 to max + 0.5 in steps of 1 each bar is centred on a whole number",
        )
    if any(not 0.05 < bar.width < 1 + 1e-6 for bar in bars):
        widths = f"bars of width {min(b.width for b in bars):g} to {max(b.width for b in bars):g}"
        tell(returned=widths, expected="bars wide enough to be seen, and not wider than 1", hint="width=0.9")


def names(figure: Any, counts: Sequence[int], tell: Callable[..., NoReturn]) -> None:
    """Look at the names of the axes."""
    got, expected = f"xlabel {figure.xlabel!r}, ylabel {figure.ylabel!r}", "the number of switches at x, of runs at y"
    if not (figure.xlabel.strip() and figure.ylabel.strip()):
        tell(returned=got, expected="both axes named", hint="ax.set(xlabel=…, ylabel=…), where they can be read")
    if plain(figure.xlabel) == plain(figure.ylabel):
        tell(returned=got, expected="two different names", hint="switches at x, runs at y")
    counted = re.fullmatch("counts?", plain(figure.xlabel)) and "frequen" in plain(figure.ylabel)  # of what, y tells
    runs = names_runs(figure.ylabel, counts, log=figure.yscale != "linear")
    right = (counted or names_switches(figure.xlabel)) and runs
    if not right and names_runs(figure.xlabel, counts) and names_switches(figure.ylabel):
        tell(returned=got, expected=expected, hint="the names are swapped")
    if not right:
        words = "`switches` or `sign changes` at x, `runs`, `frequency` or `count` at y, with `number of` or `per run`"
        tell(returned=got, expected=expected, hint=f"{words}; other remarks belong in the title")


PLOTTED = [1, 1, 2, 4]
"""Counts of the visible case. The hidden checks look at it, too, each at its own part."""
_AXES, _CALL = "ax = plt.figure().add_subplot()", f"plot_histogram(ax, {PLOTTED})"
tell_plotted: Callable[..., NoReturn] = partial(fail, given=_AXES, call=_CALL)


def plot_histogram(answer: Callable[..., Any]) -> None:
    ax = blank()
    with calling(answer, _CALL, _AXES):
        answer(ax, list(PLOTTED))
        figure = read(ax)
    if not _bars(figure):
        hint = "draw into `ax`, not into plt"
        tell_plotted(returned="no bars that can be seen", expected="bars at 1, 2 and 4", hint=hint)
    centred(figure, PLOTTED, tell_plotted)
    heights(figure, PLOTTED, tell_plotted)
    names(figure, PLOTTED, tell_plotted)


def differs(answer: Callable[..., Any]) -> None:
    cases: list[tuple[list[int], list[int], bool, str]] = [
        ([1, 2, 3, 2], [7, 8, 9, 8], True, "the means are 6 apart, two standard errors are 1.15"),
        ([7, 8, 9, 8], [1, 2, 3, 2], True, "a fall counts as much as a rise: take the distance of the means"),
        ([1, 5, 3, 3], [2, 6, 4, 4], False, "the means are 1 apart, two standard errors are 2.31"),
    ]
    for a, b, expected, hint in cases:
        with calling(answer, f"differs({a}, {b})") as judge:
            judge(answer(a, b), expected, tol=0.0, hint=hint)


CHECKS: dict[str, Callable[[Any], None]] = {
    "3.1": count_switches,
    "3.2": switch_counts,
    "3.3": plot_histogram,
    "3.4": differs,
}
