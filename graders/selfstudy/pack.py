"""What the self-study wheel does: it answers `sheaflab` through its entry point. Runs without nbgrader and jupytext.

A reader's own answers in the reader's own process need no wall around them, so a notebook checks them there. From the
terminal they run in the same sandbox as a student's, where the machine has one: an endless loop then ends by itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from graders.bank.local import run_checks
from sheaflab.study.catalogue import Exercise, StudyError, catalogue
from sheaflab.study.edition import Answers, Outcome, Report, Solution

DATA = Path(__file__).resolve().parent / "data"


class Pack:
    """The edition behind :class:`sheaflab.study.edition.Edition`.

    Parameters
    ----------
    data : Path
        Folder with ``keys.json`` and ``notebooks``.
    """

    def __init__(self, data: Path = DATA) -> None:
        self.data = data

    def notebooks(self) -> Mapping[str, bytes]:
        """Files of the notebooks."""
        return {path.name: path.read_bytes() for path in sorted((self.data / "notebooks").glob("*.ipynb"))}

    def solution(self, exercise: str) -> Solution:
        """The key.

        Raises
        ------
        StudyError
            If there is none.
        """
        keys = json.loads((self.data / "keys.json").read_text(encoding="utf-8"))
        if exercise not in keys:
            raise StudyError(f"there is no key for {exercise}")
        key = keys[exercise]
        pairs = {name: tuple((str(a), str(b)) for a, b in key[name]) for name in ("alternatives", "mistakes")}
        return Solution(key["code"], key["reasoning"], pairs["alternatives"], pairs["mistakes"])

    def check_here(
        self, exercise: str, namespace: Mapping[str, Any], sources: Mapping[str, str], secret: bytes
    ) -> tuple[Outcome, ...]:
        """Run the checks on fresh problems in this process."""
        task = catalogue().task(exercise)
        found = {result.name: result for result in run_checks(task.notebook, exercise, namespace, sources, secret)}
        return tuple(
            Outcome(name, title, found[name].passed, _plain(found[name].message))
            for name, title in task.checks
            if name in found
        )

    def check_apart(self, exercise: str, answers: Answers, secret: bytes) -> Report | None:
        """Run the notebook's cells and all checks in a sandbox; None where there is none."""
        if sys.platform != "linux":
            return None
        from graders.canary import best_isolation
        from graders.isolation import IsolationError, Limits
        from graders.run import Host, NotebookRun
        from graders.status import SandboxBroken

        task = catalogue().task(exercise)
        visible = f'from sheaflab.checks import check as _check\n_check("{task.id}", {task.function})'
        cells = dict(enumerate([source for _, source in answers.cells] + [visible]))
        try:
            with Host(Limits(), best_isolation()) as host, NotebookRun(cells, host) as run:
                return self._judge(task, answers, run, secret)
        except (IsolationError, SandboxBroken, OSError):
            return None

    def _judge(self, task: Exercise, answers: Answers, run: Any, secret: bytes) -> Report:
        from graders.status import Status

        own = run.done[[name for name, _ in answers.cells].index(task.cell)]
        if own.status is not Status.OK:
            return Report(task.id, task.title, f"its cell: {_plain(own.message)}")
        seen = run.done[len(answers.cells)]
        if seen.status is not Status.OK:
            told = _plain(seen.message).removeprefix(f"Exercise {task.id}: ")
            unwritten = told.startswith("not written yet")
            return Report(
                task.id, task.title, told if seen.status is Status.RAISED else _fault(seen), (), not unwritten
            )
        return Report(task.id, task.title, "", tuple(self._fresh(task, answers, run, secret)))

    def _fresh(self, task: Exercise, answers: Answers, run: Any, secret: bytes) -> list[Outcome]:
        from graders.checking import Instances, Student
        from graders.status import StudentFault

        module = import_module(f"graders.checks.test_{task.notebook.replace('-', '_')}")
        suite = getattr(module, f"TestExercise_{task.id.replace('.', '_')}")()
        student = Student(run, answers.sources)
        outcomes = []
        student.next_exercise()
        for name, title in task.checks:
            told = ""
            try:
                getattr(suite, f"test_{name}")(student, Instances(secret, task.notebook, task.id, name))
            except AssertionError as failure:
                told = str(failure) or "the check failed"
            except StudentFault as fault:
                told = f"{fault.call} {fault.message or fault.status.value}".strip()
            except Exception as error:  # what came back could not be used
                told = f"the check could not use what came back ({type(error).__name__}: {error})"
            outcomes.append(Outcome(name, title, not told, _plain(told)))
        student.next_exercise()  # ends the last child
        return outcomes


def _plain(message: str) -> str:
    for prefix in ("CheckFailed: ", "AssertionError: "):
        message = message.removeprefix(prefix)
    return message


def _fault(run: Any) -> str:
    return f"{run.message}; {run.status.remedy}" if run.status.remedy else str(run.message)


def load() -> Pack:
    """The entry point."""
    return Pack()
