"""Visible checks of notebook 2: the heat equation and Theorem 9.4."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sheaflab import Sheaf
from sheaflab.checks.figures import blank, read
from sheaflab.checks.messages import calling, close, fail
from sheaflab.checks.problems import DEEP, SHEAF, STATE, X, given


def velocity(answer: Callable[..., Any]) -> None:
    rest = SHEAF.harmonic_extension()
    with calling(answer, "velocity(SHEAF, SHEAF.harmonic_extension())", given("SHEAF")) as judge:
        judge(
            answer(SHEAF, rest),
            np.zeros(5),
            tol=1e-12,
            hint="the forward pass is the equilibrium: every residual is zero there",
        )
    # r = (-0.5, 0, 2, -0.5, -1.75); −r + σ W²ᵀ r² with σ = (1, 0, 1, 1)
    with calling(answer, "velocity(SHEAF, np.array([1, -1, 2, 0.5, 1]))", given("SHEAF")) as judge:
        judge(
            answer(SHEAF, STATE.copy()),
            [0.5 - 1.75, 0.0, -2 - 0.875, 0.5 - 1.75, 1.75],
            tol=1e-12,
            hint="−δᵀ(δc − b̃) with the pattern of c; check the sign, the transpose and that b̃ is inside the bracket",
        )


def lab_euler(answer: Callable[..., Any]) -> None:
    start = STATE.copy()
    call = "LabEuler(dt=0.1).run(SHEAF, c0=[1, -1, 2, 0.5, 1], t_end=0.1).states"
    with calling(answer, call, given("SHEAF")):
        states = answer(dt=0.1).run(SHEAF, start, t_end=0.1).states
    hint = "one step: the old state plus h times the velocity, here (-1.25, 0, -2.875, -1.25, 1.75)"
    moved = [0.875, -1.0, 1.7125, 0.375, 1.175]
    close(states[-1], moved, given=given("SHEAF"), call=f"{call}[-1]", tol=1e-12, hint=hint)
    hint = "the old state has changed too: c += … writes into it; return a new array"
    close(states[0], STATE, given=given("SHEAF"), call=f"{call}[0]", tol=0.0, hint=hint)


def slowest_rate(answer: Callable[..., Any]) -> None:
    s = 6.25  # ‖W²‖²: all neurons active is the worst pattern here
    with calling(answer, "slowest_rate(SHEAF)", given("SHEAF")) as judge:
        judge(
            answer(SHEAF),
            (2 + s - np.sqrt(s * s + 4 * s)) / 2,
            tol=1e-9,
            hint="the smallest eigenvalue of sheaf.laplacian(p), and the smallest of these over all patterns p",
        )
    deep = Sheaf(DEEP, X)
    codes = (np.arange(16)[:, None] >> np.arange(4)) & 1
    with calling(answer, "slowest_rate(Sheaf(DEEP, X))", given("DEEP", "X")) as judge:
        judge(
            answer(deep),
            min(float(np.linalg.svd(deep.restricted(p), compute_uv=False)[-1]) ** 2 for p in codes),
            tol=1e-9,
            hint="try all 2**sheaf.h patterns: with two hidden layers the all-active one need not be the worst",
        )


def plot_energy_decay(answer: Callable[..., Any]) -> None:
    times = np.array([0.0, 1.0, 2.0, 4.0])
    energies = np.array([8.0, 2.0, 0.9, 0.1])
    ax = blank()
    axes = "ax = plt.figure().add_subplot()"
    call = "plot_energy_decay(ax, np.array([0, 1, 2, 4]), np.array([8, 2, 0.9, 0.1]), 0.25)"
    with calling(answer, call, axes):
        answer(ax, times, energies, 0.25)
    figure, tell = read(ax), partial(fail, given=axes, call=call)
    lines = " and ".join("(" + ", ".join(f"{v:.4g}" for v in line.y) + ")" for line in figure.lines[:3])
    drawn = f"lines with y = {lines}" if lines else "no line; is it drawn into `ax`?"
    if not figure.has_line(times, energies):
        expected = "a line through (times, energies), with y = (8, 2, 0.9, 0.1)"
        tell(returned=drawn, expected=expected, hint="ax.semilogy(times, energies)")
    if figure.yscale != "log" or figure.xscale != "linear":
        scales = f"x {figure.xscale}, y {figure.yscale}"
        tell(returned=scales, expected="x linear, y log", hint="on which axis is e^(−t) a straight line?")
    if not figure.has_line(times, 8.0 * np.exp(-0.5 * times)):
        tell(
            returned=drawn,
            expected="a line with V(0) e^(−2 λ* t) at the same times: (8, 4.852, 2.943, 1.083)",
            hint="mind the 2, and start at V(0), the first of the energies",
        )
    if not (figure.xlabel and figure.ylabel and len(figure.legend) >= 2):
        tell(
            returned=f"xlabel {figure.xlabel!r}, ylabel {figure.ylabel!r}, legend {figure.legend}",
            expected="both axes named, and a legend with both lines",
            hint="ax.set(xlabel=…, ylabel=…); a label for each line, then ax.legend()",
        )


CHECKS: dict[str, Callable[[Any], None]] = {
    "2.1": velocity,
    "2.2": lab_euler,
    "2.3": slowest_rate,
    "2.4": plot_energy_decay,
}
