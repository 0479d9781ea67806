"""Visible checks of notebook 5: a wider hidden layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheaflab import Exact, Network, Sheaf
from sheaflab.checks.messages import calling
from sheaflab.checks.problems import NET, given


def closed_form_rate(answer: Callable[..., Any]) -> None:
    with calling(answer, "closed_form_rate(NET)", given("NET")) as judge:
        judge(
            answer(NET),
            (8.25 - np.sqrt(64.0625)) / 2,
            tol=1e-9,
            hint="W² = (1, -2, 0.5, 1), so s = ‖W²‖² = 6.25 with all neurons active; (2 + s − √(s² + 4s))/2",
        )
    two = Network([np.eye(2), [[1.0, 0.0], [0.0, 2.0]]])
    with calling(answer, "closed_form_rate(Network([np.eye(2), [[1, 0], [0, 2]]]))") as judge:
        judge(
            answer(two),
            3 - np.sqrt(8.0),
            tol=1e-9,
            hint="the norm is the largest singular value, here 2, not the root of the sum of squares",
        )


def mean_switches(answer: Callable[..., Any]) -> None:
    rng, counts = np.random.default_rng(3), []
    for _ in range(4):
        sheaf = Sheaf(Network.random([2, 3, 1], rng), [1.0, -1.0])
        counts.append(Exact().run(sheaf, 2.0 * rng.standard_normal(4), 20.0).log.count)
    with calling(answer, "mean_switches(3, np.random.default_rng(3), nets=4)") as judge:
        judge(
            answer(3, np.random.default_rng(3), nets=4),
            float(np.mean(counts)),
            tol=1e-12,
            hint="per run: first the network, then its start, both from rng; the input is [1, -1]",
        )


def late_rate(answer: Callable[..., Any]) -> None:
    times = np.linspace(0, 4, 81)
    energies = 5 * np.exp(-np.where(times < 1, 6 * times, 5.2 + 0.8 * times))
    energy = "5 * np.exp(-np.where(times < 1, 6 * times, 5.2 + 0.8 * times))"
    with calling(
        answer, "late_rate(times, energies, t_from=2.0)", f"times = np.linspace(0, 4, 81); energies = {energy}"
    ) as judge:
        judge(
            answer(times, energies, 2.0),
            0.4,
            tol=1e-9,
            hint="log V falls with slope −2λ, here −0.8 from t = 1 on; samples before t_from do not count",
        )


CHECKS: dict[str, Callable[[Any], None]] = {
    "5.1": closed_form_rate,
    "5.2": mean_switches,
    "5.3": late_rate,
}
