"""Check an answer: the visible check, and in the self-study edition those on fresh problems too."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
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
from sheaflab.study.catalogue import Exercise
from sheaflab.study.edition import Answers, Edition, Report

UNWRITTEN = "nothing written yet: replace the line that raises NotImplementedError"


def check_here(
    exercise: Exercise, namespace: Mapping[str, Any], sources: Mapping[str, str], edition: Edition | None, secret: bytes
) -> Report:
    """Check what a notebook has defined, in this process."""
    if exercise.function not in namespace:
        told = f"there is no `{exercise.function}` yet: run its cell first"
        return Report(exercise.id, exercise.title, told, attempted=False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            checks.check(exercise.id, namespace[exercise.function], lab=exercise.lab)
    except NotWritten:
        return Report(exercise.id, exercise.title, UNWRITTEN, attempted=False)
    except CheckFailed as failure:
        return Report(exercise.id, exercise.title, str(failure).removeprefix(f"Exercise {exercise.id}: "))
    fresh = edition.check_here(exercise.id, namespace, sources, secret) if edition else ()
    return Report(exercise.id, exercise.title, "", fresh)


def check_answers(exercise: Exercise, answers: Answers, edition: Edition | None, secret: bytes) -> Report:
    """Check a notebook's text: in the edition's sandbox where there is one, else in this process."""
    if untouched(exercise, answers.sources.get(exercise.id, "")):
        return Report(exercise.id, exercise.title, UNWRITTEN, attempted=False)
    if edition is not None and (report := edition.check_apart(exercise.id, answers, secret)) is not None:
        return report
    namespace: dict[str, Any] = {"__name__": "__main__"}
    trouble = execute(answers, exercise.cell, namespace)
    if trouble:
        return Report(exercise.id, exercise.title, trouble)
    found = check_here(exercise, namespace, answers.sources, edition, secret)
    return found if edition is None else replace(found, note="without a sandbox here: Ctrl+C stops an endless loop")


def untouched(exercise: Exercise, source: str) -> bool:
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
        plain = "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.split("\n"))
        file = f"<cell {number}>"
        # Where tracebacks look for the text of a line; without a time stamp it is not looked for on the disk.
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(plain, file, "exec"), namespace)
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
