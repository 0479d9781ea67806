"""Visible checks of notebook 7: chattering and sliding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sheaflab import Exact
from sheaflab.checks.messages import calling, close, fail, show
from sheaflab.checks.problems import SLIDER, given


def wall_verdict(answer: Callable[..., Any]) -> None:
    cases = [
        (1.0, 2.0, "turns on", "both velocities point up"),
        (-1.0, -2.0, "turns off", "both velocities point down"),
        (1.0, -2.0, "slides", "below the wall it is pushed up, above it is pushed down: it is held"),
        (-1.0, 2.0, "repels", "below the wall it is pushed down, above it is pushed up: it is sent away"),
    ]
    for f_minus, f_plus, expected, hint in cases:
        call = f"wall_verdict({f_minus}, {f_plus})"
        with calling(answer, call):
            returned = answer(f_minus, f_plus)
        if returned != expected:
            fail(call=call, returned=show(returned), expected=repr(expected), hint=hint)


def pair(returned: object, call: str, expected: str) -> Sequence[Any]:
    """Return the two values, or say that two were expected."""
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        hint = "return two values, in this order"
        fail(given=given("SLIDER"), call=call, returned=show(returned), expected=expected, hint=hint)
    return returned


def sliding_velocity(answer: Callable[..., Any]) -> None:
    # z = 0, output −2: r = (−1, −2); f⁻ = 1, f⁺ = 1 − 4 = −3, so α = 1/4; the output moves with −r² = 2
    call = "sliding_velocity(SLIDER, np.array([0.0, -2.0]), 0)"
    with calling(answer, call, given("SLIDER")):
        returned = answer(SLIDER, np.array([0.0, -2.0]), 0)
    alpha, velocity = pair(returned, call, "α and the velocity")
    hint = "here f⁻ = 1 and f⁺ = −3: solve α f⁺ + (1 − α) f⁻ = 0 for α, the weight of the active side"
    close(alpha, 0.25, given=given("SLIDER"), call=f"{call}[0]", tol=1e-12, hint=hint)
    hint = "mix the two velocities with the same α; the sliding coordinate then stands still"
    close(velocity, [0.0, 2.0], given=given("SLIDER"), call=f"{call}[1]", tol=1e-12, hint=hint)


def chattering_neurons(answer: Callable[..., Any]) -> None:
    cases: list[tuple[list[float], list[int], list[int], str]] = [
        ([0.10, 0.11, 0.12, 0.14, 0.15], [3] * 5, [3], "five changes, each at most 2.5 Δt after the one before"),
        ([0.10, 0.11, 0.12, 0.20, 0.21], [3] * 5, [], "five changes, not five in a row: there is a pause after 0.12"),
        ([0.10, 0.11, 0.12, 0.13, 0.14, 0.50], [3] * 6, [3], "five in a row are enough, whatever comes later"),
        (
            [0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18, 0.19],
            [0, 1, 2, 0, 1, 2, 0, 1, 2, 0],
            [],
            "three neurons take turns: each one's own changes are 3 Δt apart",
        ),
    ]
    for times, neurons, expected, hint in cases:
        call = f"chattering_neurons({times}, {neurons}, dt=0.01)"
        with calling(answer, call) as judge:
            judge(answer(times, neurons, 0.01), expected, tol=0.0, hint=hint)


def sliding_euler(answer: Callable[..., Any]) -> None:
    c0 = np.array([0.5, -3.0])
    exact = Exact().run(SLIDER, c0, 8.0)
    call = "sliding_euler(SLIDER, np.array([0.5, -3.0]), dt=0.01, t_end=8.0)"
    with calling(answer, call, given("SLIDER")):
        returned = answer(SLIDER, c0, 0.01, 8.0)
    switches, last = pair(returned, call, "the number of mode changes and the last state")
    hint = "this neuron begins to slide once and leaves its wall once: two mode changes"
    close(switches, exact.log.count, given=given("SLIDER"), call=f"{call}[0]", tol=0.0, hint=hint)
    hint = "a sliding neuron has velocity 0; the output's velocity is that of sheaf.velocity(c)"
    room = 1e-2  # four times the scheme's own error at this step, 2.3e-3: a step sooner or later may be right, too
    close(last, exact.states[-1], given=given("SLIDER"), call=f"{call}[1]", tol=room, hint=hint)


CHECKS: dict[str, Callable[[Any], None]] = {
    "7.1": wall_verdict,
    "7.2": sliding_velocity,
    "7.3": chattering_neurons,
    "7.4": sliding_euler,
}
