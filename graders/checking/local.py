"""Run hidden checks in this very process, without sandbox: for answers that we wrote ourselves, and for them only.

The grading chain starts a worker for each submission, which is right for strangers and slow for the same key under two
hundred secrets. Here the same check classes meet the same answers directly.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from graders.sandbox.isolation import Limits
from graders.sandbox.values import Instances, Seed


class LocalStudent:
    """The student's side of a check, by direct calls."""

    def __init__(self, namespace: Mapping[str, Any], sources: Mapping[str, str]) -> None:
        self.names, self._sources = namespace, sources

    def has(self, name: str) -> bool:
        """Tell whether the notebook defined `name`."""
        return name in self.names

    def source(self, exercise: str) -> str:
        """Return the text of an exercise's solution cell."""
        return self._sources[exercise]

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call the student's function on copies of the arguments."""
        with _cpu_limit():
            return self.names[name](*map(_sent, args), **{key: _sent(value) for key, value in kwargs.items()})

    def run(self, name: str, init: Mapping[str, Any], *args: Any, method: str = "run") -> Any:
        """Instantiate the student's class and call one of its methods."""
        with _cpu_limit():
            return getattr(self.names[name](**init), method)(*map(_sent, args))

    def draw(self, name: str, *args: Any) -> Any:
        """Let the student draw on a fresh `Axes` and return what it shows."""
        from sheaflab.checks.figures import blank, read

        ax = blank()
        with _cpu_limit():
            self.names[name](ax, *map(_sent, args))
        shown = read(ax)
        return SimpleNamespace(
            lines=[SimpleNamespace(x=x, y=y) for x, y in shown.lines],
            bars=[SimpleNamespace(x=b.left, width=b.width, height=b.height, y=0.0) for b in shown.bars],
            **{key: getattr(shown, key) for key in ("xscale", "yscale", "xlabel", "ylabel", "legend")},
        )


def _sent(value: Any) -> Any:
    if isinstance(value, Seed):
        return np.random.default_rng(value.value)
    return copy.deepcopy(value) if isinstance(value, (np.ndarray, list, dict)) else value


class OutOfTimeError(Exception):
    """A call took more CPU time than the sandbox would give it."""


def timed() -> bool:
    """Whether a call that takes too long can be stopped here."""
    timers = hasattr(signal, "setitimer") and hasattr(signal, "SIGPROF")
    return timers and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _cpu_limit() -> Iterator[None]:
    """Give a call the CPU time that it has in the sandbox: a wrong answer may enumerate 2⁶⁴ patterns.

    Needs the main thread and POSIX timers. Where a reader's machine has none of them (Windows, the browser) there is no
    limit, and the reader stops an endless loop by hand.
    """
    if not timed():
        yield
        return
    seconds = Limits().call_cpu

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError(f"the call was stopped after {seconds:g} s of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(frozen=True)
class CheckResult:
    """How one named check ended."""

    exercise: str
    name: str
    passed: bool
    message: str


@functools.cache
def load_checks(path: Path) -> ModuleType:
    """Import a file of hidden checks, which belongs to a course and to no package."""
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"`path` must be a Python file of hidden checks, got {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def suite_of(checks: Path, exercise: str) -> Any:
    """Return the hidden checks of one exercise: an object with a method ``test_…`` for each."""
    return getattr(load_checks(checks), "TestExercise_" + exercise.replace(".", "_"))()


def run_checks(
    checks: Path, notebook: str, exercise: str, namespace: Mapping[str, Any], sources: Mapping[str, str], secret: bytes
) -> list[CheckResult]:
    """Run all hidden checks of one exercise on what an executed notebook defines.

    Parameters
    ----------
    checks : Path
        File of the notebook's hidden checks.
    notebook, exercise : str
        Such as ``"lab10-1"`` and ``"1.2"``.
    namespace : mapping
        Names defined by the notebook.
    sources : mapping of str to str
        Text of the solution cells by exercise.
    secret : bytes
    """
    suite = suite_of(checks, exercise)
    student, results = LocalStudent(namespace, sources), []
    for attribute in [name for name in dir(suite) if name.startswith("test_")]:
        name = attribute.removeprefix("test_")
        try:
            getattr(suite, attribute)(student, Instances(secret, notebook, exercise, name))
        except Exception as error:  # whatever a wrong answer provokes is a failed check
            results.append(CheckResult(exercise, name, False, f"{type(error).__name__}: {error}"))
        else:
            results.append(CheckResult(exercise, name, True, ""))
    return results
