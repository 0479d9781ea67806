"""Visible checks of notebook 3: counting switches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sheaflab import Euler
from sheaflab.checks.figures import blank, read
from sheaflab.checks.messages import calling, fail
from sheaflab.checks.problems import SHEAF, given


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


def switch_counts(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(1)
    expected = [Euler(0.01).run(SHEAF, 2.0 * rng.standard_normal(SHEAF.n), 20.0).log.count for _ in range(3)]
    with calling(answer, "switch_counts(SHEAF, 2.0, np.random.default_rng(1), runs=3)", given("SHEAF")) as judge:
        judge(
            answer(SHEAF, 2.0, np.random.default_rng(1), runs=3),
            expected,
            tol=0.0,
            hint="one start a run, magnitude * rng.standard_normal(sheaf.n), with the generator that is passed in",
        )


def plot_histogram(answer: Callable[..., Any]) -> None:
    ax, axes, call = blank(), "ax = plt.figure().add_subplot()", "plot_histogram(ax, [1, 1, 2, 4])"
    with calling(answer, call, axes):
        answer(ax, [1, 1, 2, 4])
    figure, tell = read(ax), partial(fail, given=axes, call=call)
    bars = sorted((bar.centre, bar.height) for bar in figure.bars if bar.height)
    if not bars:
        tell(returned="no bars", expected="bars at 1, 2 and 4", hint="draw into `ax`, not into plt")
    if len(bars) != 3 or not np.allclose([x for x, _ in bars], [1, 2, 4], rtol=0, atol=1e-9):
        tell(
            returned="bars centred on " + ", ".join(f"{x:.4g}" for x, _ in bars),
            expected="bars centred on 1, 2, 4",
            hint="with bins from min − 0.5 to max + 0.5 in steps of 1 each bar is centred on a whole number",
        )
    if not np.allclose([height for _, height in bars], [2, 1, 1], rtol=0, atol=1e-9):
        tell(
            returned="bars of height " + ", ".join(f"{height:.4g}" for _, height in bars),
            expected="bars of height 2, 1, 1",
            hint="the height is the number of runs with that count",
        )
    if not (figure.xlabel and figure.ylabel):
        tell(
            returned=f"xlabel {figure.xlabel!r}, ylabel {figure.ylabel!r}",
            expected="both axes named",
            hint="ax.set(xlabel=…, ylabel=…)",
        )


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
