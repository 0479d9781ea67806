"""Visible checks of notebook 6: step size and bisection."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sheaflab import Euler, EventEuler, Exact, Integrator, Sheaf
from sheaflab.checks.forbidden import forbids
from sheaflab.checks.forms import asks_for
from sheaflab.checks.messages import calling, fail
from sheaflab.checks.problems import NET, SHEAF, given


def skipped_regions(answer: Callable[..., Any]) -> None:
    cases: list[tuple[list[float], int, str]] = [
        ([0.31, 0.37, 0.52], 1, "0.31 and 0.37 lie in the same step, 0.52 in another"),
        ([0.39, 0.41], 0, "only 0.02 apart, but the grid time 0.4 lies in between"),
        ([0.31, 0.33, 0.38], 2, "three switches in one step: two regions between them"),
        ([], 0, "no switch, no region in between"),
    ]
    for times, expected, hint in cases:
        with calling(answer, f"skipped_regions({times}, 0.1)") as judge:
            judge(answer(times, 0.1), expected, tol=0.0, hint=hint)


def bisect(answer: Callable[..., Any]) -> None:
    for text, f in (
        ("t - 0.3", lambda t: t - 0.3),
        ("0.3 - t", lambda t: 0.3 - t),
        ("1.0 if t > 0.3 else -1.0", lambda t: 1.0 if t > 0.3 else -1.0),
    ):
        asked: list[float] = []

        def counted(t: float, f: Callable[[float], float] = f, asked: list[float] = asked) -> float:
            asked.append(float(t))
            return f(t)

        tell = partial(fail, given=f"f = lambda t: {text}", call="bisect(f, 0.0, 1.0, tol=1e-6)")
        hint = "the middle replaces the end whose sign it shares; stop when the bracket is as short as tol"
        with calling(answer, **tell.keywords) as judge:
            judge(answer(counted, 0.0, 1.0, 1e-6), 0.3, tol=1e-6, hint=hint)
        budget = math.ceil(math.log2(1e6)) + 3
        if len(asked) > budget:
            hint = "evaluate f once for each middle, remember its sign, and stop when b − a is at most tol"
            tell(returned=f"{len(asked)} evaluations of f", expected=f"at most {budget}", hint=hint)
        if min(asked, default=0.0) < 0 or max(asked, default=1.0) > 1:
            tell(returned="f was asked outside [0, 1]", expected="only times in [0, 1]", hint=hint)


@forbids("EventEuler", "Exact", "ActivationRegion.flow")
@asks_for(Integrator)
def bisecting_euler(answer: Callable[..., Any]) -> None:
    c0 = np.array([1.0, 0.5, -1.0, 2.0, -1.0])
    expected = EventEuler(0.1).run(SHEAF, c0, 5.0).log.times
    call = "BisectingEuler(dt=0.1).run(SHEAF, c0=[1, 0.5, -1, 2, -1], t_end=5.0).log.times"
    with calling(answer, call, given("SHEAF")) as judge:
        judge(
            answer(dt=0.1).run(SHEAF, c0, 5.0).log.times,
            expected,
            tol=1e-7,
            hint="`locate` returns the outer end of a bracket of 1e-10: inside, the pattern equals region.pattern",
        )


@forbids("EventEuler")
def compare(answer: Callable[..., Any]) -> None:
    sheaf = Sheaf(NET, [0.5, 1.0])
    c0 = np.array([1.0, -1.0, 0.5, -2.0, 1.0])
    exact = Exact().run(sheaf, c0, 10.0)
    runs = [scheme.run(sheaf, c0, 10.0) for scheme in (Euler(0.1), EventEuler(0.1))]
    with calling(answer, "compare(Sheaf(NET, [0.5, 1]), np.array([1, -1, 0.5, -2, 1]), 0.1)", given("NET")) as judge:
        judge(
            answer(sheaf, c0, 0.1),
            [float(np.linalg.norm(run.states - exact.at(run.times), axis=1).max()) for run in runs],
            tol=1e-6,
            hint="largest norm of run.states − exact.at(run.times), a row at a time: "
            "Euler first, BisectingEuler second",
        )


CHECKS: dict[str, Callable[[Any], None]] = {
    "6.1": skipped_regions,
    "6.2": bisect,
    "6.3": bisecting_euler,
    "6.4": compare,
}
