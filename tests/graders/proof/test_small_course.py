"""What the tests' small course says to the answers that its classes hand in, under any secret and without a sandbox.

Tests of gradebooks, doors and classes take a minute per secret. Of the secret they see these verdicts alone.
"""

from __future__ import annotations

import pytest

from graders.checking import local
from graders.status import Status

ANSWERS = {
    "key": ("", set()),
    "no arrays": ("def double(x):\n    return 2 * x if np.ndim(x) == 0 else x", {"arrays"}),
    "too small": ("def double(x):\n    return x", {"numbers", "arrays"}),
    "positive only": ("def double(x):\n    return 2 * abs(x)\n", {"numbers", "arrays"}),
    "by hand": ("def double(x):\n    return x + x", set()),
    "one call": ("def twice(f, x):\n    return f(x)", {"composition", "two_calls"}),
    "another parameter": ("def twice(f, z):\n    return f(f(z))", set()),
    "stub": ("def double(x):\n    raise NotImplementedError", {"numbers", "arrays"}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_loses_the_same_checks_under_any_secret(mini, key, secret, name):
    (spec,), (source, lost) = mini.notebooks, ANSWERS[name]
    names = {}
    for cell in ("import numpy as np", *(key[e.solution_cell] for e in spec.exercises), source):
        exec(cell, names)
    found = {}
    for exercise in spec.exercises:
        student = local.LocalStudent(names, {})
        for result in local.run_checks(student, mini.checks_of(spec), spec.name, exercise.id, exercise.checks, secret):
            found[result.name] = result.status
    assert {check for check, status in found.items() if status is not Status.OK} == lost
