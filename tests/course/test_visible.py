"""Visible checks are of one session: what an answer does to its arguments is not there for the next one."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from graders.lab.bank import solved
from graders.lab.manifest import Course
from graders.proof.selfcheck import namespace
from sheaflab import checks
from sheaflab.checks.copies import with_copies

COURSE = Course.load(Path(__file__).parents[2] / "course", "lab09")
EVERY = [(spec, exercise) for spec in COURSE.notebooks for exercise in spec.exercises]


@pytest.fixture(scope="module")
def names():
    mpl.use("Agg")
    return {spec.name: namespace(solved(COURSE, spec), {}) for spec in COURSE.notebooks}


def spoiled(values):
    """Whether there was an array or list among some arguments: each is another one now, and wrong."""
    found = False
    for value in values:
        if isinstance(value, np.ndarray):
            value[...] = -7.0
        elif isinstance(value, list):
            value.reverse()
            value.append(value[0] if value else 0)
        found |= isinstance(value, (np.ndarray, list))
    return found


def changing(key, seen):
    """The key, which changes its arguments when it is done with them; a class does so in each run."""
    if not isinstance(key, type):

        def answer(*args, **kwargs):
            value = key(*args, **kwargs)
            seen.append(spoiled([*args, *kwargs.values()]))
            return value

        return answer

    class Changing(key):
        def run(self, *args, **kwargs):
            value = super().run(*args, **kwargs)
            seen.append(spoiled([*args, *kwargs.values()]))
            return value

    return Changing


@pytest.mark.parametrize(("spec", "exercise"), EVERY, ids=[e.id for _, e in EVERY])
def test_an_answer_that_changes_its_arguments_does_no_harm_to_the_one_after_it(spec, exercise, names):
    key, seen = names[spec.name][exercise.function], []
    for answer in (changing(key, seen), key):
        assert not isinstance(found := checks.judge(exercise.id, answer, lab="lab09"), checks.CheckFailed), found
    assert seen  # the first of them was called


def test_what_answers_are_given():
    given = {"array": np.arange(3.0), "parts": [np.arange(2.0), (np.ones(2), {"k": np.ones(1)})]}
    same = object()

    def spoil(*args, **kwargs):
        """An answer."""
        assert args[-1] is same
        return spoiled([args[0], args[1], args[1][0], args[1][1][0], args[1][1][1]["k"], kwargs["array"]])

    answer = with_copies(spoil)
    assert (answer.__name__, answer.__doc__, answer.__module__) == ("spoil", "An answer.", __name__)
    assert answer(given["array"], given["parts"], same, array=given["array"])
    np.testing.assert_array_equal(given["array"], [0, 1, 2])
    assert len(given["parts"]) == 2
    np.testing.assert_array_equal(np.concatenate([given["parts"][0], given["parts"][1][0]]), [0, 1, 1, 1])
    np.testing.assert_array_equal(given["parts"][1][1]["k"], [1])


def test_a_class_is_itself():
    class Stack(list):
        """A class."""

    assert with_copies(Stack) is Stack
