"""Run a notebook's hidden checks with pytest, in this trusted process."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import queue
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from graders.checking import kept
from graders.checking.student import Instances, Student
from graders.checking.verdict import CheckResult, HiddenChecksError, settle
from graders.lab.manifest import SECRET, Course, NotebookSpec
from graders.lab.places import visible_checks

_one_at_a_time = threading.Lock()  # the checks of one process take turns


@dataclass
class _Job:
    """One student's notebook to be held against the checks, and what becomes of each."""

    student: Student
    spec: NotebookSpec
    secret: bytes
    submission: bytes = b""
    kept: contextlib.AbstractContextManager[None] = field(default_factory=contextlib.nullcontext)
    outcomes: dict[tuple[str, str], list[BaseException | None]] = field(default_factory=dict)
    current: str = ""


class _Suite:
    """A file of hidden checks that pytest has collected once in this process and then runs for one job after the other.

    Starting pytest and collecting cost as much as the checks themselves. Its loop waits here in a thread of its own
    between two jobs; only one thread works at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.problems, self.over = path, list[str](), False
        self._job: _Job | None = None
        self._jobs, self._done = queue.SimpleQueue[_Job](), queue.SimpleQueue[object]()
        threading.Thread(target=self._main, name=f"checks of {path.stem}", daemon=True).start()
        self._done.get()

    def run(self, job: _Job) -> None:
        """Run the checks of the job's exercises.

        Raises
        ------
        HiddenChecksError
            If pytest has stopped.
        """
        if not self.over:
            self._jobs.put(job)
            self._done.get()
        if self.over:
            _suite.cache_clear()
            raise HiddenChecksError(f"the hidden checks in {self.path} do not run: {' '.join(self.problems)[-2000:]}")

    def _main(self) -> None:
        quiet = ["terminal", "cacheprovider", "logging", "faulthandler", "warnings", "junitxml", "doctest", "stepwise"]
        quiet += ["unraisableexception", "threadexception"]  # they would judge the whole process, not the checks
        args = [str(self.path), "--import-mode=importlib", "-s", f"--rootdir={self.path.parent}", "-c", os.devnull]
        args += ["--assert=plain"]  # a message says what its author wrote, here as in the self-study edition
        args += ["--noconftest", *(f"-pno:{name}" for name in quiet)]
        sys.modules.pop(self.path.stem, None)  # pytest would take another file's module of this name for ours
        try:
            self.problems.append(f"{pytest.main(args, plugins=[self])!r}")
        except BaseException as error:
            self.problems.append(repr(error))
        finally:
            self.over = True
            self._done.put(None)

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if self.problems:
            return None
        gc.collect()
        gc.freeze()  # libraries and checks stay: a full collection need not look through them for every student
        while True:
            self._done.put(None)
            self._job = job = self._jobs.get()
            places = {exercise.test_class: k for k, exercise in enumerate(job.spec.exercises)}
            items = [item for item in session.items if isinstance(item, pytest.Function) and item.cls is not None]
            items = sorted((i for i in items if i.cls.__name__ in places), key=lambda i: places[i.cls.__name__])
            with job.kept:
                for item, following in zip(items, [*items[1:], None], strict=True):
                    session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    @property
    def job(self) -> _Job:
        """The job at work."""
        assert self._job is not None
        return self._job

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        """The student's notebook; each exercise meets a fresh copy of its state."""
        if (exercise := request.cls.__name__) != self.job.current:
            self.job.current = exercise
            self.job.student.next_exercise()
        return self.job.student

    @pytest.fixture
    def instances(self, request: pytest.FixtureRequest) -> Instances:
        """Fresh problems for this check."""
        exercise, name = key_of(request.node)
        return Instances(self.job.secret, self.job.spec.name, exercise, name, submission=self.job.submission)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(str(report.longrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Keep the outcome; the report is a bare one, since nobody reads a traceback and pytest's take long to make."""
        if call.when == "call" or call.excinfo is not None:
            self.job.outcomes.setdefault(key_of(item), []).append(call.excinfo.value if call.excinfo else None)
        outcome, when = ("failed" if call.excinfo else "passed"), cast(Any, call.when)
        return pytest.TestReport(item.nodeid, item.location, {}, cast(Any, outcome), None, when)


@functools.lru_cache(maxsize=16)
def _suite(path: Path, stamp: int) -> _Suite:
    return _Suite(path)


def key_of(item: Any) -> tuple[str, str]:
    """Exercise id and check name of a test item."""
    exercise = item.cls.__name__.removeprefix("TestExercise_").replace("_", ".") if item.cls else ""
    return exercise, item.originalname.removeprefix("test_")


def run_checks(
    student: Student, course: Course, spec: NotebookSpec, secret: bytes, submission: bytes = b""
) -> dict[tuple[str, str], CheckResult]:
    """Run all hidden checks of a notebook; return a result for each check of the manifest.

    `secret` and `submission` decide the problems, as :class:`~graders.sandbox.values.Instances` says.

    Raises
    ------
    HiddenChecksError
        If the file is missing or cannot be imported, a check of the manifest has no test, or one finds no problem to
        pose.
    """
    path = course.checks_of(spec)
    if not path.is_file():
        raise HiddenChecksError(f"the hidden checks of {spec.name} are missing: {path}")
    job = _Job(student, spec, secret, submission, _kept(course, secret))
    with _one_at_a_time, _clean_environment(), visible_checks(course):
        _suite(path, path.stat().st_mtime_ns).run(job)
    results = {}
    for exercise in spec.exercises:
        mine = []
        for check in exercise.checks:
            outcomes = job.outcomes.get((exercise.id, check.name))
            if not outcomes:
                raise HiddenChecksError.no_test(check.name, exercise.id, path)
            failure = next((outcome for outcome in outcomes if outcome is not None), None)
            if isinstance(failure, HiddenChecksError):
                raise failure.of(check.name, exercise.id) from failure
            mine.append(CheckResult.of(check, failure, exercise.id))
        results.update({(exercise.id, result.name): result for result in settle(mine)})
    return results


def _kept(course: Course, secret: bytes) -> contextlib.AbstractContextManager[None]:
    """Keep how searches end with the course, if the problems are its own and not those of a trial."""
    own = (course.root / SECRET).is_file() and course.secret == secret
    return kept.kept_in(course.root, course.checks) if own else contextlib.nullcontext()


@contextlib.contextmanager
def _clean_environment() -> Iterator[None]:
    """Keep settings of an outer pytest, and third-party plugins, out of the hidden checks."""
    changed = {"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = {key: os.environ.get(key) for key in (*changed, "PYTEST_CURRENT_TEST")}
    try:
        for key, value in changed.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
