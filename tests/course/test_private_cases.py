"""Each check poses a problem that belongs to one submission alone, so that a neighbour's numbers earn nothing."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from graders.checking.local import LocalStudent, load_checks
from graders.checking.verdict import OWN_WORK
from graders.lab.manifest import Course
from graders.lab.places import show_visible_checks
from graders.proof.selfcheck import namespace, solved
from graders.sandbox.inside.protocol import dump
from graders.sandbox.values import POOL, Callbacks, Instances

COURSE = Course.load(Path("course"))
EXERCISES = [(spec.name, exercise.id) for spec in COURSE.notebooks for exercise in spec.exercises]
SLOW = {"2.3", "3.2", "4.3", "5.2", "6.3", "6.4", "7.4"}


class Asked(LocalStudent):
    """Keeps what the checks ask for."""

    def __init__(self, names, sources):
        super().__init__(names, sources)
        self.requests = set()

    def _perform(self, request, name):
        self.requests.add(b"".join(dump(request, Callbacks().encode)))
        return super()._perform(request, name)


def of_one_place(path):
    """Problems of two submissions that share what a class shares."""
    made = [Instances(b"private", *path, submission=b"%d" % k) for k in range(3 * POOL)]
    return next(
        pair for pair in itertools.combinations(made, 2) if pair[0].pooled("a").random() == pair[1].pooled("a").random()
    )


@pytest.mark.parametrize(
    ("notebook", "exercise"),
    [pytest.param(*e, marks=pytest.mark.slow if e[1] in SLOW else ()) for e in EXERCISES],
    ids=[e for _, e in EXERCISES],
)
def test_two_submissions_that_share_a_pool_are_asked_for_something_else_in_each_check(notebook, exercise):
    show_visible_checks(COURSE)
    spec = COURSE.notebook(notebook)
    key = solved(COURSE, spec)
    suite = getattr(load_checks(COURSE.checks_of(spec)), "TestExercise_" + exercise.replace(".", "_"))
    for check in next(e.checks for e in spec.exercises if e.id == exercise):
        if check.name == OWN_WORK:  # no number of it earns anything
            continue
        asked = []
        for instances in of_one_place((notebook, exercise, check.name)):
            student = Asked(namespace(key, {}), key.keys)
            getattr(suite(), f"test_{check.name}")(student, instances)
            asked.append(student.requests)
        assert asked[1] - asked[0], f"{exercise} {check.name} asks two submissions for the same"
