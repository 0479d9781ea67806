"""Visible checks of notebook 7: chattering and sliding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheaflab.checks.messages import close, fail
from sheaflab.exact import Exact
from sheaflab.network import Network
from sheaflab.sheaf import Sheaf

# One hidden neuron with weight 2 to the output: on its wall f⁻ = b¹ + x and f⁺ = f⁻ + 2 r².
_SLIDER = Sheaf(Network([[[1.0]], [[2.0]]]), [1.0])


def wall_verdict(answer: Callable[..., Any]) -> None:
    cases = [
        (1.0, 2.0, "turns on", "both velocities point up"),
        (-1.0, -2.0, "turns off", "both velocities point down"),
        (1.0, -2.0, "slides", "below the wall it is pushed up, above it is pushed down: it is held"),
        (-1.0, 2.0, "repels", "below the wall it is pushed down, above it is pushed up: it is sent away"),
    ]
    for f_minus, f_plus, expected, hint in cases:
        call = f"wall_verdict({f_minus}, {f_plus})"
        returned = answer(f_minus, f_plus)
        if returned != expected:
            fail(call=call, returned=returned, expected=repr(expected), hint=hint)


def sliding_velocity(answer: Callable[..., Any]) -> None:
    # z = 0, output −1: r = (−1, −1); f⁻ = 1, f⁺ = 1 − 2 = −1, so α = 1/2; the output moves with −r² = 1
    call = "sliding_velocity(sheaf, np.array([0.0, -1.0]), 0) with f⁻ = 1, f⁺ = −1"
    returned = answer(_SLIDER, np.array([0.0, -1.0]), 0)
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        fail(call=call, returned=returned, expected="α and the velocity", hint="return alpha, velocity")
    close(returned[0], 0.5, call=call + ": α", tol=1e-12, hint="α f⁺ + (1 − α) f⁻ = 0, solved for α")
    close(returned[1], [0.0, 1.0], call=call + ": velocity", tol=1e-12, hint="mix the two velocities with the same α")


def chattering_neurons(answer: Callable[..., Any]) -> None:
    own = [0.10, 0.11, 0.12, 0.14, 0.15]
    close(
        answer(own, [3] * 5, 0.01),
        [3],
        call=f"chattering_neurons({own}, [3, 3, 3, 3, 3], dt=0.01)",
        tol=0.0,
        hint="five changes, each at most 2.5 Δt after the one before",
    )
    apart = [0.10, 0.11, 0.12, 0.20, 0.21]
    close(
        answer(apart, [3] * 5, 0.01),
        [],
        call=f"chattering_neurons({apart}, [3, 3, 3, 3, 3], dt=0.01)",
        tol=0.0,
        hint="five changes, but not five in a row: there is a pause after 0.12",
    )


def sliding_euler(answer: Callable[..., Any]) -> None:
    c0 = np.array([0.5, -3.0])
    exact = Exact().run(_SLIDER, c0, 8.0)
    call = "sliding_euler(sheaf, np.array([0.5, -3.0]), dt=0.001, t_end=8.0)"
    returned = answer(_SLIDER, c0.copy(), 0.001, 8.0)
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        fail(
            call=call, returned=returned, expected="the number of switches and the last state", hint="return two values"
        )
    hint = "this neuron slides onto its wall once and leaves it once; a mode change is one switch"
    close(returned[0], exact.log.count, call=call + ": switches", tol=0.0, hint=hint)
    hint = "a sliding neuron has velocity 0; the output's velocity is that of sheaf.velocity(c)"
    close(returned[1], exact.states[-1], call=call + ": last state", tol=5e-3, hint=hint)


CHECKS: dict[str, Callable[[Any], None]] = {
    "7.1": wall_verdict,
    "7.2": sliding_velocity,
    "7.3": chattering_neurons,
    "7.4": sliding_euler,
}
