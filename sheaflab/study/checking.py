"""Check an answer: the visible check, and in the self-study edition those on fresh problems too."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
import sys
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sheaflab import checks
from sheaflab.checks import CheckFailed, NotWritten
from sheaflab.checks.messages import rows
from sheaflab.checks.raised import Raised
from sheaflab.study.catalogue import StudyTask, read
from sheaflab.study.edition import Answers, Edition, Report
from sheaflab.study.files import plain
from sheaflab.study.limit import SECONDS, OutOfTimeError, limited
from sheaflab.study.workspace import Workspace

UNWRITTEN = "nothing written yet, or the line that raises NotImplementedError is still there"
_HEARD = 1000
_UNKNOWN = re.compile(r"NameError: name '(\w+)' is not defined")


def check_here(
    exercise: StudyTask,
    namespace: Mapping[str, Any],
    sources: Mapping[str, str],
    edition: Edition | None,
    secret: bytes,
) -> Report:
    """Check what a notebook has defined, in this process."""
    if exercise.function not in namespace:
        told = f"there is no `{exercise.function}` here: run the cell that defines it, under exactly this name"
        return Report(exercise.id, exercise.title, told, attempted=False)
    heard = _Heard()
    with contextlib.redirect_stdout(heard):
        found = checks.judge(exercise.id, namespace[exercise.function], lab=exercise.lab)
    if isinstance(found, NotWritten):
        return Report(exercise.id, exercise.title, UNWRITTEN, attempted=False)
    if isinstance(found, CheckFailed):
        told = str(found).removeprefix(f"Exercise {exercise.id}: ")
        printed = rows([("printed", heard.getvalue().rstrip())])
        return Report(exercise.id, exercise.title, f"{told}\n{printed}".rstrip())
    fresh = edition.check_here(exercise.id, namespace, sources, secret) if edition else ()
    return Report(exercise.id, exercise.title, "", fresh, note=found)


class _Heard(io.StringIO):
    """The beginning of what an answer prints: a loop that never ends may print for a minute."""

    def write(self, text: str) -> int:
        if (room := _HEARD - self.tell()) > 0:
            super().write(text[:room] + (" …" if len(text) > room else ""))
        return len(text)


def check_answers(
    exercise: StudyTask, answers: Answers, edition: Edition | None, secret: bytes, limit: float = SECONDS
) -> Report:
    """Check a notebook's text: in the edition's sandbox if there is one, else in this process, for `limit` seconds."""
    source = answers.sources.get(exercise.id, "")
    if untouched(exercise, source):
        return Report(exercise.id, exercise.title, UNWRITTEN, attempted=False)
    if not any(mentions(cell, exercise.function) for _, cell in answers.cells):
        return Report(exercise.id, exercise.title, undefined(exercise, source), attempted=bool(code(source)))
    report = edition.check_apart(exercise.id, answers, secret) if edition is not None else None
    if report is None:
        try:
            report = limited(lambda: _check_cells(exercise, answers, edition, secret), limit, exercise.id)
        except OutOfTimeError as stopped:
            report = Report(exercise.id, exercise.title, str(stopped))
    return replace(report, visible=report.visible + _earlier(exercise, answers, report.visible))


def check_saved(
    workspace: Workspace, exercise: StudyTask, edition: Edition | None, secret: bytes, limit: float = SECONDS
) -> Report:
    """Check an exercise as it stands in the saved notebook, and remember how that ended.

    Raises
    ------
    StudyError
        If its notebook or its cell is not there, or cannot be read.
    """
    found = check_answers(exercise, workspace.answers(exercise), edition, secret, limit)
    unsaved = "" if found.attempted else "the saved file is read: save the notebook in Jupyter first"
    notes = [note for note in (workspace.taken(exercise), found.note, unsaved) if note]
    if found.attempted:
        workspace.remember(exercise, passed=found.passed)
    return replace(found, note="; ".join(notes))


def _check_cells(exercise: StudyTask, answers: Answers, edition: Edition | None, secret: bytes) -> Report:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    trouble = execute(answers, exercise.solution_cell, namespace)
    if trouble:
        return Report(exercise.id, exercise.title, trouble)
    return check_here(exercise, namespace, answers.sources, edition, secret)


def _earlier(exercise: StudyTask, answers: Answers, told: str) -> str:
    """What to do about a name that another exercise defines; an empty text if a message speaks of none."""
    unknown = _UNKNOWN.search(told)
    others = {task.function: task for task in read(exercise.lab).exercises if task.id != exercise.id}
    if unknown is None or (task := others.get(unknown[1])) is None:
        return ""
    try:
        ast.parse(plain(answers.sources.get(task.id, "")))
        step = f"`{task.function}` is exercise {task.id}: write it first, in a cell above"
    except SyntaxError as error:
        step = (
            f"`{task.function}` is exercise {task.id}, and its cell cannot be read (line {error.lineno}): mend it first"
        )
    return "\n" + rows([("next", step)])


def code(source: str) -> list[ast.stmt] | None:
    """Return the statements of a cell, none if it is empty or commented out; None if it cannot be read."""
    try:
        return ast.parse(plain(source)).body
    except (SyntaxError, ValueError):
        return None


def mentions(source: str, name: str) -> bool:
    """Tell whether a cell may define a name: it has it somewhere in its code, or cannot be read."""
    found = code(source)
    if found is None:
        return True
    nodes = [node for statement in found for node in ast.walk(statement)]
    return any(name in (getattr(node, part, None) for part in ("id", "name", "asname")) for node in nodes)


def undefined(exercise: StudyTask, source: str) -> str:
    """Say why there is no answer under the exercise's name."""
    found = code(source)
    if not found:
        step = f"write your answer, or take the beginning back with `sheaflab reset {exercise.id}`"
        return f"its cell has no code: it is empty or commented out\n{rows([('next', step)])}"
    own = [node.name for node in found if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    found_name = f"defines `{'`, `'.join(own)}`, and not" if own else "does not define"
    step = f"use exactly the name `{exercise.function}`, with which the cell was handed out"
    return f"its cell {found_name} `{exercise.function}`\n{rows([('next', step)])}"


def untouched(exercise: StudyTask, source: str) -> bool:
    """Tell whether a cell says what it said when it was handed out; comments and blank lines do not count.

    Anything else is run: whether it still meets the placeholder, its `NotImplementedError` tells.
    """
    try:
        return ast.dump(ast.parse(source)) == ast.dump(ast.parse(exercise.stub))
    except (SyntaxError, ValueError):
        return False


def execute(answers: Answers, own: str, namespace: dict[str, Any]) -> str:
    """Run code cells in this process, silently; return what is wrong with the cell `own`, or an empty text."""
    trouble = ""
    for number, (name, source) in enumerate(answers.cells):
        file = f"<cell {number}>"
        # Where tracebacks look for the text of a line; without a time stamp it is not looked for on the disk.
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(plain(source), file, "exec"), namespace)
            except (Exception, SystemExit) as error:  # a broken cell elsewhere need not matter here
                if name == own:
                    trouble = broken(Raised.of(error), "".join(traceback.format_exception_only(error)))
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    return trouble


def broken(raised: Raised, printed: str) -> str:
    """Say what is wrong with a cell that raises when it is run.

    Parameters
    ----------
    raised : Raised
    printed : str
        The error as Python prints it, which for an error of syntax shows the line and the place in it.
    """
    if raised.error.startswith(("SyntaxError", "IndentationError", "TabError")):
        lines = printed.rstrip().split("\n")
        at = next((k for k, line in enumerate(lines) if line.startswith("  File ")), 0)
        lines[at] = "  " + lines[at].rpartition(", ")[2]  # the cell's file name says nothing
        return "its cell cannot be read\n" + "\n".join(lines[at:])
    return "its cell raises an error\n" + rows(raised.rows())
