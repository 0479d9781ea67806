"""The code of the self-study wheel, which `sheaflab` finds by its entry point. It needs neither nbgrader nor jupytext.

A reader's own answers in the reader's own process need no wall around them, so a notebook checks them there. From the
terminal they run in the same sandbox as a student's, where the machine has one: an endless loop then ends by itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graders.checking.local import LocalStudent, failures
from graders.checking.student import Student
from graders.lab.manifest import Check
from graders.publish.selfstudy.failures import Asked
from graders.status import Status
from sheaflab.checks import CheckFailed, NotWritten
from sheaflab.checks.raised import Raised
from sheaflab.study.catalogue import StudyError, StudyTask
from sheaflab.study.catalogue import read as read_catalogue
from sheaflab.study.checking import UNWRITTEN, broken
from sheaflab.study.edition import Answers, CheckOutcome, Report, Solution

DATA = Path(__file__).resolve().parent / "data"


class Pack:
    """The edition behind :class:`sheaflab.study.edition.Edition`.

    Parameters
    ----------
    data : Path
        Folder with ``lab.txt``, ``keys.json``, ``notebooks`` and ``checks``.
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
        self, exercise: str, namespace: dict[str, Any], sources: Mapping[str, str], secret: bytes
    ) -> tuple[CheckOutcome, ...]:
        """Run the checks on fresh problems in this process."""
        task = self._task(exercise)
        return fresh(task, LocalStudent(namespace, sources), self._checks(task), secret)

    def _task(self, exercise: str) -> StudyTask:
        return read_catalogue((self.data / "lab.txt").read_text(encoding="utf-8")).task(exercise)

    def _checks(self, task: StudyTask) -> Path:
        return self.data / "checks" / f"test_{task.notebook.replace('-', '_')}.py"

    def check_apart(self, exercise: str, answers: Answers, secret: bytes) -> Report | None:
        """Run the notebook's cells and all checks in a sandbox; None where there is none."""
        if sys.platform != "linux":
            return None
        try:
            from graders.grading.canary import best_isolation
            from graders.sandbox.notebook import Host, NotebookRun
        except ImportError:  # a Python that was built without the parts that a sandbox is made of
            return None
        from graders.sandbox.isolation import IsolationError, Limits
        from graders.status import SandboxBroken

        task = self._task(exercise)
        visible = f'from sheaflab.checks import check as _check\n_check("{task.id}", {task.function}, lab="{task.lab}")'
        cells = dict(enumerate([source for _, source in answers.cells] + [visible]))
        try:
            with Host(Limits(), best_isolation()) as host, NotebookRun(cells, host) as run:
                return self._judge(task, answers, run, secret)
        except (IsolationError, SandboxBroken, OSError):
            return None

    def _judge(self, task: StudyTask, answers: Answers, run: Any, secret: bytes) -> Report:
        from graders.checking.sandboxed import SandboxedStudent

        own = run.done[[name for name, _ in answers.cells].index(task.solution_cell)]
        if own.status is not Status.OK:
            return Report(task.id, task.title, _broken_cell(own))
        seen = run.done[len(answers.cells)]
        if seen.status is Status.OK:
            student = SandboxedStudent(run, answers.sources)
            outcomes = fresh(task, student, self._checks(task), secret)
            student.next_exercise()  # ends the last child
            return Report(task.id, task.title, "", outcomes)
        kind, _, text = seen.message.partition(": ")
        if kind == NotWritten.__name__:
            return Report(task.id, task.title, UNWRITTEN, attempted=False)
        if kind == CheckFailed.__name__:
            return Report(task.id, task.title, text.removeprefix(f"Exercise {task.id}: "))
        return Report(task.id, task.title, _fault(seen))


def fresh(task: StudyTask, student: Student, checks: Path, secret: bytes) -> tuple[CheckOutcome, ...]:
    """Hold an answer against the checks on fresh problems.

    Parameters
    ----------
    task : StudyTask
    student : Student
        The answer, in a sandbox or in this process.
    checks : Path
        File of the notebook's hidden checks.
    secret : bytes
        What the problems are drawn from.
    """
    asked, outcomes = Asked(student, task.stub), []
    named = [Check(name, title, 0.0) for name, title in task.checks]  # nobody gives points here
    for check, failure in failures(asked, checks, task.notebook, task.id, named, secret):
        message = "" if failure is None else asked.message(failure)
        outcomes.append(CheckOutcome(check.name, check.title, failure is None, message))
        asked.next_check()
    return tuple(outcomes)


def _broken_cell(run: Any) -> str:
    if run.status is not Status.RAISED:
        return f"its cell: {_fault(run)}"
    printed = "\n".join(run.outputs[-1]["traceback"]) + "\n"
    return broken(Raised.read(run.message, printed), printed)


def _fault(run: Any) -> str:
    return f"{run.message}; {run.status.remedy}" if run.status.remedy else str(run.message)


def load() -> Pack:
    """The entry point."""
    return Pack()
