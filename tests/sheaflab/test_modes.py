"""Filippov's rule, once as a function and once as a table, and what a start on a wall makes of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sheaflab import Network, Sheaf
from sheaflab.modes import ACTIVE, INACTIVE, SLIDING, settle, settle_many
from sheaflab.walls import first_modes

SPEEDS = (-2.5, -5e-324, 0.0, 5e-324, 0.25)


def test_the_table_is_the_rule():
    cases = list(product((INACTIVE, ACTIVE, SLIDING), SPEEDS, SPEEDS, (False, True)))
    before, down, up, rises = (np.array(column) for column in zip(*cases, strict=True))
    assert settle_many(before.astype(np.int8), down, up, rises).tolist() == [settle(*case) for case in cases]


@pytest.mark.parametrize(
    ("before", "down", "up", "after"),
    [
        (INACTIVE, 1.0, 1.0, ACTIVE),
        (ACTIVE, -1.0, -1.0, INACTIVE),
        (INACTIVE, 1.0, -1.0, SLIDING),
        (ACTIVE, 1.0, -1.0, SLIDING),
        (INACTIVE, -1.0, 1.0, INACTIVE),  # a wall that repels, reached within rounding: back to where it came from
        (ACTIVE, -1.0, 1.0, ACTIVE),
        (INACTIVE, 1.0, 0.0, SLIDING),
        (ACTIVE, 0.0, -1.0, INACTIVE),
    ],
)
def test_both_speeds_to_one_side_cross_and_both_to_the_wall_slide(before, down, up, after):
    assert settle(before, down, up, rises=False) == after


@pytest.mark.parametrize(
    ("drive", "output", "mode", "repelled"),
    [
        (1.0, 3.0, ACTIVE, []),  # f⁺ = 7: both upwards
        (1.0, -3.0, SLIDING, []),  # f⁺ = −5: both to the wall
        (-1.0, -3.0, INACTIVE, []),  # f⁺ = −7: both downwards
        (-1.0, 3.0, INACTIVE, [0]),  # f⁺ = 5: both away
    ],
)
def test_a_start_on_a_wall_takes_the_mode_of_its_speeds(drive, output, mode, repelled):
    """At z = 0 the speeds are f⁻ = drive and f⁺ = drive + 2 output."""
    sheaf = Sheaf(Network([[[drive]], [[2.0]]]), [1.0])
    start = first_modes(sheaf, np.array([0.0, output]))
    assert (start.codes.tolist(), start.repelled.nonzero()[0].tolist()) == ([mode], repelled)
