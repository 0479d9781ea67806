"""The same from a notebook: ``sheaflab.check("4.1")``, ``sheaflab.hint("4.1")``, …; also in the browser."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sheaflab import checks
from sheaflab.study import words
from sheaflab.study.catalogue import StudyError, StudyTask, catalogue
from sheaflab.study.edition import installed, required
from sheaflab.study.problem import Problem, problem_of
from sheaflab.study.workspace import Workspace


def check(exercise: str | float, answer: object = None, *, again: bool = False) -> None:
    """Check an exercise of the course and print what was found.

    Parameters
    ----------
    exercise : str
        Its id, such as ``"4.1"``; the number 4.1 is taken for it.
    answer : function or class, optional
        By default what the notebook has defined under the exercise's name.
    again : bool
        In the self-study edition: the same fresh problems as the last time, not new ones.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> import sheaflab
    >>> sheaflab.check("1.1", lambda z: (z > 0).astype(int))
    ✓ 1.1 the activation pattern
    ...
    """
    from sheaflab.study.checking import check_here

    task, workspace = catalogue().task(exercise), _workspace()
    namespace = dict(_namespace())
    if answer is not None:
        namespace[task.function] = answer
    secret = workspace.secret(again=again)
    found = check_here(task, namespace, _sources(namespace), installed(), secret)
    if found.attempted:
        workspace.remember(task, passed=found.passed)
    if fresh := [outcome.message for outcome in found.fresh if not outcome.passed]:
        checks.failed[task.id] = fresh[0]
    print(words.report(found))


def problem(exercise: str | float) -> Problem:
    """Return the inputs with which an exercise's last check in this session failed, by the names of the parameters.

    ``restricted_coboundary(**sheaflab.problem("1.2"))`` makes the call again. The inputs are made
    anew each time, generators of random numbers too.

    Parameters
    ----------
    exercise : str
        Its id, such as ``"4.1"``; the number 4.1 is taken for it.

    Returns
    -------
    Problem
        A mapping; printed, it shows the lines that make the call.

    Raises
    ------
    ValueError
        If no check has failed, or its inputs are too large to write out.

    Examples
    --------
    >>> import sheaflab
    >>> sheaflab.check("1.1", lambda z: (z >= 0).astype(int))
    ✗ 1.1 the activation pattern
    ...
    >>> sheaflab.problem("1.1")["z"]
    array([ 0.e+000, -0.e+000,  1.e-300])
    """
    task = catalogue().task(exercise)
    if task.id not in checks.failed:
        told = f'run the cell with its check, or sheaflab.check("{task.id}"), then this again'
        if installed():
            told += (
                ". What a terminal has found is not known here: run the cell with your answer, then "
                f'sheaflab.check("{task.id}", again=True), which poses the same problems'
            )
        raise StudyError(
            f"no check of {task.id} has failed since this session began, or the last one passed; {told}"
        )
    return problem_of(task, checks.failed[task.id], _namespace().get(task.function))


def hint(exercise: str | float) -> None:
    """Print the next hint for an exercise and how many are left.

    Parameters
    ----------
    exercise : str
        Its id, such as ``"4.1"``; the number 4.1 is taken for it.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> import sheaflab
    >>> sheaflab.hint("1.1")
    1.1 the activation pattern, hint 1 of 3 (2 hints left):
    ...
    """
    task = catalogue().task(exercise)
    print(words.hint(task, _workspace().next_hint(task)))


def solution(exercise: str | float, *, sure: bool = False) -> None:
    """Print the key of an exercise with its reasoning (self-study edition only).

    Parameters
    ----------
    exercise : str
        Its id, such as ``"4.1"``; the number 4.1 is taken for it.
    sure : bool
        Without it you are asked to try once more.

    Raises
    ------
    ValueError
        If there is no such exercise, or this is the student edition.

    Examples
    --------
    >>> import sheaflab
    >>> sheaflab.solution("1.1")  # the self-study edition asks whether you are sure; this one has none
    Traceback (most recent call last):
    ...
    StudyError: solutions are in the self-study edition only
    """
    found: StudyTask = catalogue().find(exercise)
    edition = required("solutions are in")
    if not sure:
        print(f'Sure? A hint may be enough. To see the solution: sheaflab.solution("{found.id}", sure=True)')
        return
    print(words.solution(found, edition.solution(found.id)))


def progress() -> None:
    """Print how many exercises are solved and which one comes next.

    Examples
    --------
    >>> import sheaflab
    >>> sheaflab.progress()
    lab...
    0 of 25 exercises solved
    ...
    """
    print(words.progress(catalogue(), _workspace()))


_KEPT: list[Workspace] = []


def _workspace() -> Workspace:
    """The folder of the notebook; one object for the whole session, for a folder may not be writable."""
    if not _KEPT or _KEPT[0].folder not in (Path.cwd(), *Path.cwd().parents):
        # A notebook's kernel runs in the notebook's folder, whatever the notebook is called.
        _KEPT[:] = [Workspace.find(Path.cwd(), catalogue(), settle=_shell() is not None)]
        if _KEPT[0].memory.notice:
            print(f"({_KEPT[0].memory.notice})")
    return _KEPT[0]


def _namespace() -> Mapping[str, Any]:
    """What the notebook has defined."""
    shell = _shell()
    return vars(sys.modules["__main__"]) if shell is None else shell.user_ns


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _sources(namespace: Mapping[str, Any]) -> dict[str, str]:
    """Text of the answers by exercise: the last cell that was run with its definition."""
    shell = _shell()
    ran: list[str] = list(shell.user_ns.get("In", [])) if shell is not None else []
    found = {}
    for task in catalogue().exercises:
        defined = re.compile(rf"^(def|class) {task.function}\b", re.MULTILINE)
        cell = next((source for source in reversed(ran) if defined.search(source)), "")
        if not cell and task.function in namespace:
            try:
                cell = inspect.getsource(namespace[task.function])
            except (OSError, TypeError):
                continue
        if cell:
            found[task.id] = cell
    return found
