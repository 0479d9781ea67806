"""`sheaflab watch`: checks what was changed each time a notebook is saved, and goes on to the next exercise.

The files are looked at a few times a second. That works on every system, on network drives and in the browser, where
nothing tells of a change.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from sheaflab.study import words
from sheaflab.study.catalogue import Catalogue, StudyError, StudyTask
from sheaflab.study.checking import check_saved
from sheaflab.study.edition import Report, installed
from sheaflab.study.limit import SECONDS
from sheaflab.study.terminal import clearing, terminal_paint
from sheaflab.study.workspace import Workspace

PERIOD = 0.3
"""Seconds between two looks."""

Stamp = tuple[Path, int, int]
Show = Callable[[list[Report], str, StudyTask | None], None]
Code = tuple[str, tuple[tuple[str, str], ...]]
"""The text of an answer, and of all cells that it rests on."""


class Watch:
    """Follows the reader's work in a folder.

    Parameters
    ----------
    catalogue : Catalogue
    workspace : Workspace
    check : callable
        Checks an exercise as it is saved; :exc:`StudyError` if it cannot be read.
    first : StudyTask, optional
        The exercise to begin with; by default the first that is not solved.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        workspace: Workspace,
        check: Callable[[StudyTask], Report],
        first: StudyTask | None = None,
    ) -> None:
        self._catalogue, self._workspace, self._check, self._first = catalogue, workspace, check, first
        self._stamps = dict(self._look())
        self._code = {task.id: self._read(task) for task in catalogue.exercises}

    @property
    def current(self) -> StudyTask | None:
        """The exercise that is being worked on; None when all are solved."""
        if self._first is not None and self._workspace.solved(self._first):
            self._first = None
        return self._first or words.upcoming(self._catalogue, self._workspace)

    def run(self, show: Show) -> None:
        """Check and show until everything is solved.

        Parameters
        ----------
        show : callable
            Is given reports, what is the matter with a notebook (else nothing), and the current exercise.
        """
        begin = self.current
        told = self._tell(show, [begin] if begin else [])
        while told is not None:
            time.sleep(PERIOD)
            self._workspace.memory.refresh()
            changed = self._changed()
            if changed or self.current != told:  # a saved figure alone is no news; what a notebook solved is
                told = self._tell(show, changed)

    def _tell(self, show: Show, tasks: list[StudyTask]) -> StudyTask | None:
        """Show how these stand; return the current exercise as it was shown: a file may be saved meanwhile."""
        reports, troubles = [], dict[str, None]()
        for task in tasks:
            try:
                reports.append(self._check(task))
            except StudyError as error:
                troubles[str(error)] = None
        current = self.current
        show(reports, "\n".join(troubles), current)
        return current

    def _changed(self) -> list[StudyTask]:
        """The exercises whose answers were changed since the last look.

        If none was, but code that the current one rests on, then this one.
        """
        stamps = dict(self._look())
        saved = [name for name, stamp in stamps.items() if stamp != self._stamps.get(name)]
        if saved:
            self._settle(saved, stamps)
        answers, rests = [], []
        for task in self._catalogue.exercises:
            if task.notebook not in saved:
                continue
            before, now = self._code[task.id], self._read(task)
            self._code[task.id] = now
            if now[0] != before[0]:
                answers.append(task)
            elif now != before and task == self.current:
                rests.append(task)
        return answers or rests

    def _settle(self, saved: list[str], stamps: dict[str, Stamp]) -> None:
        """Wait until a file that is being written has been."""
        while True:
            self._stamps = stamps
            time.sleep(PERIOD / 3)
            stamps = dict(self._look())
            if all(stamps.get(name) == self._stamps.get(name) for name in saved):
                return

    def _look(self) -> Iterator[tuple[str, Stamp]]:
        for notebook in self._catalogue.notebooks:
            try:
                path = self._workspace.path(notebook.exercises[0])
                now = path.stat()
            except (StudyError, OSError, IndexError):  # none of it is here, or it is being replaced
                continue
            yield notebook.name, (path, now.st_mtime_ns, now.st_size)

    def _read(self, task: StudyTask) -> Code:
        try:
            answers = self._workspace.answers(task)
        except (StudyError, OSError) as error:  # what is the matter is news, too
            return str(error), ()
        return answers.sources.get(task.id, ""), answers.cells


def watch(
    catalogue: Catalogue,
    workspace: Workspace,
    first: StudyTask | None = None,
    *,
    limit: float = SECONDS,
    in_json: bool = False,
) -> None:
    """Check and show in the terminal until everything is solved or the keyboard stops it.

    Parameters
    ----------
    catalogue : Catalogue
    workspace : Workspace
    first : StudyTask, optional
        As for :class:`Watch`.
    limit : float
        Seconds for one exercise.
    in_json : bool
        Whether each report is a line of JSON.
    """
    edition, paint, clear = installed(), terminal_paint(), clearing()

    def check(task: StudyTask) -> Report:
        return check_saved(workspace, task, edition, workspace.secret(again=False), limit)

    def show(reports: list[Report], trouble: str, current: StudyTask | None) -> None:
        if in_json:
            for found in reports:
                print(json.dumps({**asdict(found), "passed": found.passed}, ensure_ascii=False), flush=True)
            return
        screen = words.screen(catalogue, workspace, reports, trouble, current, paint)
        print(f"{clear}{screen}" if clear else f"{screen}\n", flush=True)

    Watch(catalogue, workspace, check, first).run(show)
