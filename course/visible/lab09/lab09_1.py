"""Visible checks of notebook 1: build the sheaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheaflab.checks.forbidden import forbids
from sheaflab.checks.messages import calling, numbers
from sheaflab.checks.problems import DEEP, NET, STATE, X, given


def activation_pattern(answer: Callable[..., Any]) -> None:
    with calling(answer, "activation_pattern(np.array([0.5, -1.0, 2.0]))") as judge:
        judge(
            answer(np.array([0.5, -1.0, 2.0])),
            [1, 0, 1],
            tol=0.0,
            hint="an entry is 1 (or True) where the pre-activation is positive, else 0 (or False)",
        )
    with calling(answer, "activation_pattern(np.array([0.0, -0.0, 1e-300]))") as judge:
        judge(
            answer(np.array([0.0, -0.0, 1e-300])),
            [0, 0, 1],
            tol=0.0,
            hint="the inequality is strict: zero is inactive, however small a positive number is active",
        )
    with calling(answer, "activation_pattern(np.array([3.0])).shape") as judge:
        judge(
            np.shape(answer(np.array([3.0]))), (1,), tol=0.0, hint="one entry a neuron, also where there is one neuron"
        )


def block_hint(returned: object, hidden: int) -> str:
    """Say which block of a coboundary is wrong, the first that is."""
    got = numbers(returned)
    size = hidden + 1
    if got is None or got.shape != (size, size):
        return f"{hidden} hidden neurons and 1 output are {size} free coordinates: a matrix of {size} rows and columns"
    if np.array_equal(got[:hidden, hidden:], [[-5.0], [-7.0]]) and not got[hidden:, :hidden].any():
        return "transposed: each edge has its own row, each free coordinate its own column"
    if not np.array_equal(got[:hidden, :hidden], np.eye(hidden)) or got[hidden, hidden] != 1:
        return "each edge sees its right end with weight 1: the blocks on the diagonal are identities"
    if got[:hidden, hidden:].any():
        return "the first edge does not see the output: its upper right block is zero"
    return "the last row is the second edge: what the output is, minus what the hidden layer predicts"


def restricted_coboundary(answer: Callable[..., Any]) -> None:
    with calling(answer, "restricted_coboundary(np.array([[5, 7]]), np.array([True, True]))") as judge:
        returned = answer(np.array([[5.0, 7.0]]), np.array([True, True]))
        judge(returned, [[1, 0, 0], [0, 1, 0], [-5, -7, 1]], tol=1e-12, hint=block_hint(returned, 2))
    with calling(answer, "restricted_coboundary(np.array([[5, 7], [2, 3]]), np.array([True, False]))") as judge:
        judge(
            answer(np.array([[5.0, 7.0], [2.0, 3.0]]), np.array([True, False])),
            [[1, 0, 0, 0], [0, 1, 0, 0], [-5, 0, 1, 0], [-2, 0, 0, 1]],
            tol=1e-12,
            hint="an inactive neuron predicts nothing: all weights that leave it are switched off, a column of W²",
        )


@forbids(
    "Sheaf.energy",
    "Sheaf.residual",
    "Sheaf._residual",
    "Sheaf.discrepancy",
    "ActivationRegion.residual",
    "Trajectory.energy",
    "Trajectory.residual",
    "Trajectory.discrepancy",
    "schemes.scheme.Scheme",
    "schemes.walk.Walk",
    "engine.layers.Layers",
    "Exact",
)
def dirichlet_energy(answer: Callable[..., Any]) -> None:
    with calling(answer, "dirichlet_energy(NET, X, np.array([1.5, -1, 0, 1, 2.75]))", given("NET", "X")) as judge:
        judge(
            answer(NET, X, np.array([1.5, -1.0, 0.0, 1.0, 2.75])),
            0.0,
            tol=1e-12,
            hint="no edge of the forward pass disagrees: edges see relu(z), but the input as it is; mind the biases",
        )
    # z - (W x + b) = (-0.5, 0, 2, -0.5); the output predicts 1 + 0 + 1 + 0.5 + 0.25 = 2.75, so r² = -1.75
    with calling(answer, "dirichlet_energy(NET, X, np.array([1, -1, 2, 0.5, 1]))", given("NET", "X")) as judge:
        judge(
            answer(NET, X, STATE),
            0.5 * (0.25 + 4.0 + 0.25 + 1.75**2),
            tol=1e-12,
            hint="here r¹ = (-0.5, 0, 2, -0.5) and r² = -1.75: half the sum of all squared residuals, over both edges",
        )
    # r¹ = (1, -2) - (0, 1) = (1, -3); r² = (0, 3) - (1, -1) = (-1, 4); r³ = 1 - (-3) = 4
    with calling(answer, "dirichlet_energy(DEEP, X, np.array([1.0, -2, 0, 3, 1]))", given("DEEP", "X")) as judge:
        judge(
            answer(DEEP, X, np.array([1.0, -2.0, 0.0, 3.0, 1.0])),
            0.5 * (1 + 9 + 1 + 16 + 16),
            tol=1e-12,
            hint="two hidden layers, r = (1, -3 | -1, 4 | 4): edge ℓ compares z with W relu(z of the layer before) + b",
        )


CHECKS: dict[str, Callable[[Any], None]] = {
    "1.1": activation_pattern,
    "1.2": restricted_coboundary,
    "1.3": dirichlet_energy,
}
