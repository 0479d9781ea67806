"""Visible checks of notebook 4: kink sharpness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheaflab import Exact
from sheaflab.checks.forbidden import forbids
from sheaflab.checks.messages import calling, numbers
from sheaflab.checks.problems import SHEAF, STATE, given


def one_sided_slopes(answer: Callable[..., Any]) -> None:
    times = np.linspace(0, 2, 41)
    energies = 7 * np.exp(np.where(times <= 1, 1 - times, 3 - 3 * times))
    with calling(
        answer,
        "one_sided_slopes(times, energies, t=1.0, width=0.26)",
        "times = np.linspace(0, 2, 41); energies = 7 * np.exp(np.where(times <= 1, 1 - times, 3 - 3 * times))",
    ) as judge:
        judge(
            answer(times, energies, 1.0, 0.26),
            [-1.0, -3.0],
            tol=1e-9,
            hint="slope of log V, first before and then after; use samples of one side only for each",
        )


@forbids(
    "ActivationRegion.slope",
    "sheaf.log_slope",
    "sheaf.log_slopes",
    "engine.layers.slopes_in",
    "schemes.scheme.Scheme",
    "schemes.walk.Walk",
    "Exact",
    "Trajectory.slope",
)
def exact_slopes(answer: Callable[..., Any]) -> None:
    c = STATE.copy()
    c[2] = 0.0
    # r = (-0.5, 0, 0, -0.5, -0.75): V = 0.53125; neuron 2 adds (−0 − 0.375)² = 0.140625 to ‖ċ‖² when active
    with calling(answer, "exact_slopes(SHEAF, np.array([1, -1, 0, 0.5, 1]), neuron=2)", given("SHEAF")) as judge:
        returned = answer(SHEAF, c, 2)
        expected = [-0.6875 / 0.53125, -0.828125 / 0.53125]
        got = numbers(returned)
        turned = got is not None and got.shape == (2,) and np.allclose(got[::-1], expected, rtol=0, atol=1e-9)
        hint = "the other way round: inactive first, then active"
        if not turned:
            hint = "−‖ċ‖²/V with ċ = −δᵀ r and V = ½‖r‖²; the two sides differ in the pattern of neuron 2 alone"
        judge(returned, expected, tol=1e-9, hint=hint)


def kink_census(answer: Callable[..., Any]) -> None:
    starts = np.array([[-2.0, 1.0, 1.0, -1.0, 2.0], [1.5, -1.0, 0.1, 1.0, 2.75], [0.5, -2.5, 1.0, 1.5, -2.5]])
    kinks = np.concatenate([Exact().run(SHEAF, c0, 20.0).log.kinks() for c0 in starts])
    with calling(
        answer,
        "kink_census(SHEAF, np.array([[-2, 1, 1, -1, 2], [1.5, -1, 0.1, 1, 2.75], [0.5, -2.5, 1, 1.5, -2.5]]))",
        given("SHEAF"),
    ) as judge:
        judge(
            answer(SHEAF, starts),
            [int((kinks < 0).sum()), int((kinks > 0).sum())],
            tol=0.0,
            hint="steeper first: slope_after < slope_before; every switch of every run counts, and where a slide ends, "
            "in the last of these runs, both slopes are equal: neither",
        )


CHECKS: dict[str, Callable[[Any], None]] = {
    "4.1": one_sided_slopes,
    "4.2": exact_slopes,
    "4.3": kink_census,
}
