"""Find the problems that a class will share before anybody hands in.

Problems that tell a right answer from each near miss are searched for, which takes longer than all else in the grading
of a submission. Here it is done once, when the release is built, and an instructor learns then if a check has none.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from concurrent.futures import Executor, as_completed

from tqdm import tqdm

from graders.checking import kept, local
from graders.checking.verdict import HiddenChecksError, judge
from graders.lab.bank import solved
from graders.lab.manifest import Course
from graders.lab.places import show_visible_checks
from graders.proof.selfcheck import namespace
from graders.sandbox.values import POOL


def pose(course: Course, notebook: str, place: int) -> None:
    """Run the checks of a notebook on its key, in this process, and keep the problems that they find.

    Parameters
    ----------
    course : Course
    notebook : str
    place : int
        Which of the `POOL` sets of problems.

    Raises
    ------
    HiddenChecksError
        If a check has no test, finds no problem to pose, or does not pass the key: no student could pass it.
    """
    show_visible_checks(course)
    spec = course.notebook(notebook)
    key = solved(course, spec)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            student = local.LocalStudent(namespace(key, {}), key.keys)
    except Exception:  # a key that only a notebook can run: its problems are found when they are needed
        return
    with kept.kept_in(course.root, course.checks):
        for exercise in spec.exercises:
            path = course.checks_of(spec)
            for check, failure in local.failures(
                student, path, notebook, exercise.id, exercise.checks, course.secret, place
            ):
                if failure is not None:
                    told = f"the key does not pass it ({judge(failure)[1]}): mend the key or {path.name}"
                    raise HiddenChecksError(told).of(check.name, exercise.id)


@contextlib.contextmanager
def posing(course: Course, executor: Executor) -> Iterator[None]:
    """Find the problems of all notebooks of an assignment beside the work of this block; at its end all are found."""
    course.secret  # noqa: B018 – made here, once, and not by several processes at the same time
    # The later a notebook, the longer its search, as a rule: those begin first.
    jobs = [executor.submit(pose, course, spec.name, place) for spec in reversed(course.ready) for place in range(POOL)]
    try:
        yield
        shown = {"unit": "set", "desc": "problems of the hidden checks", "leave": False, "disable": None}
        for job in tqdm(as_completed(jobs), total=len(jobs), **shown):
            job.result()
    finally:
        for job in jobs:  # if the block has failed, nobody waits for them
            job.cancel()
