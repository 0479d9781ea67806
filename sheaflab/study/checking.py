"""Check an answer: the visible check, and in the self-study edition those on fresh problems too."""

from __future__ import annotations

import contextlib
import io
import os
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sheaflab import checks
from sheaflab.checks import CheckFailed
from sheaflab.study.catalogue import Exercise
from sheaflab.study.edition import Answers, Edition, Report

_UNWRITTEN = "nothing written yet: replace the line that raises NotImplementedError"


def check_here(
    exercise: Exercise, namespace: Mapping[str, Any], sources: Mapping[str, str], edition: Edition | None, secret: bytes
) -> Report:
    """Check what a notebook has defined, in this process."""
    if exercise.function not in namespace:
        told = f"there is no `{exercise.function}` yet: run its cell first"
        return Report(exercise.id, exercise.title, told, attempted=False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            checks.check(exercise.id, namespace[exercise.function])
    except CheckFailed as failure:
        told = str(failure).removeprefix(f"Exercise {exercise.id}: ")
        if told.startswith("not written yet"):
            return Report(exercise.id, exercise.title, _UNWRITTEN, attempted=False)
        return Report(exercise.id, exercise.title, told)
    except Exception as error:
        return Report(exercise.id, exercise.title, _raised(exercise, error))
    fresh = edition.check_here(exercise.id, namespace, sources, secret) if edition else ()
    return Report(exercise.id, exercise.title, "", fresh)


def check_answers(exercise: Exercise, answers: Answers, edition: Edition | None, secret: bytes) -> Report:
    """Check a notebook's text: in the edition's sandbox where there is one, else in this process."""
    if "raise NotImplementedError" in answers.sources.get(exercise.id, ""):
        return Report(exercise.id, exercise.title, _UNWRITTEN, attempted=False)
    if edition is not None and (report := edition.check_apart(exercise.id, answers, secret)) is not None:
        return report
    namespace: dict[str, Any] = {"__name__": "__main__"}
    trouble = execute(answers, exercise.cell, namespace)
    if trouble:
        return Report(exercise.id, exercise.title, trouble)
    found = check_here(exercise, namespace, answers.sources, edition, secret)
    return found if edition is None else replace(found, note="without a sandbox here: Ctrl+C stops an endless loop")


def execute(answers: Answers, own: str, namespace: dict[str, Any]) -> str:
    """Run code cells in this process, silently; return what is wrong with the cell `own`, or an empty text."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    trouble = ""
    for name, source in answers.cells:
        plain = "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.split("\n"))
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(plain, f"<cell {name or 'without a name'}>", "exec"), namespace)
            except (Exception, SystemExit) as error:  # a broken cell elsewhere need not matter here
                if name == own:
                    trouble = "its cell raises\n" + "".join(traceback.format_exception_only(error)).rstrip()
    _close_figures()
    return trouble


def _close_figures() -> None:
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def _raised(exercise: Exercise, error: Exception) -> str:
    line = next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if "cell" in f.filename), None)
    where = f" (line {line} of its cell)" if line else ""
    return f"{exercise.function} raised {type(error).__name__}: {error}{where}"
