"""Run a notebook's hidden checks with pytest, in this trusted process."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from graders.checking import Instances, Student
from graders.manifest import Course, NotebookSpec
from graders.protocol import ProtocolError, Unsendable
from graders.results import CheckResult
from graders.run import text_of
from graders.status import Status, StudentError, StudentFault

MAX_MESSAGE = 6000
_one_at_a_time = threading.Lock()  # pytest is not made to run twice at once in one process


class HiddenChecksError(RuntimeError):
    """The hidden checks themselves are at fault: missing, broken, or not those of the manifest."""


@dataclass
class _Plugin:
    """Gives checks their fixtures and collects what becomes of them."""

    student_: Student
    spec: NotebookSpec
    secret: bytes
    outcomes: dict[tuple[str, str], list[BaseException | None]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    current: str = ""

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        """The student's notebook; each exercise meets a fresh copy of its state."""
        if (exercise := request.cls.__name__) != self.current:
            self.current = exercise
            self.student_.next_exercise()
        return self.student_

    @pytest.fixture
    def instances(self, request: pytest.FixtureRequest) -> Instances:
        """Fresh problems for this check."""
        exercise, name = key_of(request.node)
        return Instances(self.secret, self.spec.name, exercise, name)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(str(report.longrepr))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        if call.when == "call" or call.excinfo is not None:
            self.outcomes.setdefault(key_of(item), []).append(call.excinfo.value if call.excinfo else None)
        return (yield)


def key_of(item: Any) -> tuple[str, str]:
    """Exercise id and check name of a test item."""
    exercise = item.cls.__name__.removeprefix("TestExercise_").replace("_", ".") if item.cls else ""
    return exercise, item.originalname.removeprefix("test_")


def run_checks(
    student: Student, course: Course, spec: NotebookSpec, secret: bytes
) -> dict[tuple[str, str], CheckResult]:
    """Run all hidden checks of a notebook; return a result for each check of the manifest.

    Raises
    ------
    HiddenChecksError
        If the file is missing or cannot be imported, or a check of the manifest has no test.
    """
    path = course.checks_of(spec)
    if not path.is_file():
        raise HiddenChecksError(f"the hidden checks of {spec.name} are missing: {path}")
    plugin = _Plugin(student, spec, secret)
    quiet = ["terminal", "cacheprovider", "logging", "faulthandler", "warnings", "junitxml", "doctest", "stepwise"]
    quiet += ["unraisableexception", "threadexception"]  # they would judge the whole process, not the checks
    targets = [f"{path}::{exercise.test_class}" for exercise in spec.exercises]
    args = [*targets, "--import-mode=importlib", "-s", f"--rootdir={path.parent}", "-c", os.devnull, "--noconftest"]
    with _one_at_a_time, _clean_environment():
        code = pytest.main([*args, *(f"-pno:{name}" for name in quiet)], plugins=[plugin])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or plugin.problems:
        raise HiddenChecksError(
            f"the hidden checks of {spec.name} do not run ({code!r}): {' '.join(plugin.problems)[-2000:]}"
        )
    found = {}
    for exercise in spec.exercises:
        for check in exercise.checks:
            outcomes = plugin.outcomes.get((exercise.id, check.name))
            if not outcomes:
                raise HiddenChecksError(
                    f"check {check.name!r} of exercise {exercise.id} has no test_{check.name} in {path.name}"
                )
            failure = next((outcome for outcome in outcomes if outcome is not None), None)
            status, message = judge(failure)
            found[exercise.id, check.name] = CheckResult(
                check.name, check.title, status, check.points, message[:MAX_MESSAGE]
            )
    return found


def judge(failure: BaseException | None) -> tuple[Status, str]:
    """Status and message, safe to show to the student, of what a check has raised."""
    if failure is None:
        return Status.OK, ""
    if isinstance(failure, StudentError):
        shown = failure.traceback if failure.status is Status.RAISED else failure.message
        return (
            failure.status,
            f"{failure.call} raised {failure.message}" if not shown else f"{failure.call} raised\n{shown}",
        )
    if isinstance(failure, StudentFault):
        return failure.status, f"{failure.call}: {failure.message}" if failure.call else failure.message
    if isinstance(failure, ProtocolError):
        return Status.BAD_VALUE, str(failure)
    if isinstance(failure, Unsendable):
        return Status.GRADER, f"a check passes an argument that cannot be sent: {failure}"
    if isinstance(failure, AssertionError):
        return Status.WRONG, text_of(str(failure)) or "the check failed"
    told = text_of(str(failure))[:300]
    return Status.WRONG, f"the check could not use what your function returned ({type(failure).__name__}: {told})"


@contextlib.contextmanager
def _clean_environment() -> Iterator[None]:
    """Keep settings of an outer pytest, and third-party plugins, out of the hidden checks."""
    changed = {"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    kept = {key: os.environ.get(key) for key in (*changed, "PYTEST_CURRENT_TEST")}
    try:
        for key, value in changed.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        yield
    finally:
        for key, value in kept.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


def check_manifest(course: Course) -> list[str]:
    """Compare the manifest with the files of hidden checks, without running one; return what does not fit."""
    import ast

    problems = []
    for spec in course.notebooks:
        path = course.checks_of(spec)
        if not path.is_file():
            problems.append(f"{path.name} is missing")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        there = {
            (node.name, item.name.removeprefix("test_"))
            for node in tree.body
            if isinstance(node, ast.ClassDef)
            for item in node.body
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")
        }
        told = {(exercise.test_class, check.name) for exercise in spec.exercises for check in exercise.checks}
        problems += [f"{path.name}: {cls}.test_{name} is not in the manifest" for cls, name in sorted(there - told)]
        problems += [f"{path.name}: {cls}.test_{name} of the manifest is missing" for cls, name in sorted(told - there)]
    return problems
