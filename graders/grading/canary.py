"""A tiny submission with known answers: it must come out as known before a worker at its level grades anybody.

What can go wrong with a machine is endless: a limit that counts other people's processes, a kernel without a feature, a
full disk. All of it would look like the fault of whoever is graded. So each level first shows, with the limits that are
to be used, that honest work passes, that a wrong answer is told from a right one, and that an endless loop is stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from graders.checking.sandboxed import SandboxedStudent
from graders.checking.student import Student
from graders.sandbox import containment
from graders.sandbox.isolation import LADDER, Isolation, IsolationError, Limits
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import SandboxBroken, Status, StudentFault

CELL = """
import subprocess
import threading

import matplotlib.pyplot as plt
import numpy as np


def right(x):
    # What honest work asks of its machine: threads, a program, files, some memory, a figure.
    found = []
    threads = [threading.Thread(target=found.append, args=(x,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    subprocess.run(["/bin/true"], check=True)
    files = [open(f"canary-{k}.txt", "w") for k in range(16)]
    for file in files:
        file.write("x" * 2**16)
        file.close()
    plt.close(plt.figure())
    return 2 * float(np.full(2**22, sum(found) / 8).mean())


def wrong(x):
    return 3 * x


def loop(x):
    while True:
        pass
"""
X = 21.0
LOOP_CPU = 0.5  # seconds; the kernel counts whole ones
LOOP_WALL = 60.0

_verdicts: dict[tuple[object, ...], str] = {}


def _key(level: Isolation, limits: Limits) -> tuple[object, ...]:
    """What a verdict depends on; the time that is allowed is not part of it."""
    bounds = {name: bound for name, bound in limits.rlimits().items() if name != "CPU"}
    return level, limits.processes, *sorted(bounds.items()), limits.total_memory, limits.scratch


def refusal(level: Isolation, limits: Limits | None = None) -> str:
    """Return why `level` may not grade on this machine, or an empty text; tried once per process.

    Parameters
    ----------
    level : Isolation
    limits : Limits, optional
        Those that grading will use.
    """
    limits = limits or Limits()
    key = _key(level, limits)
    if key not in _verdicts:
        _verdicts[key] = trial(level, limits)
    return _verdicts[key]


def vouch(level: Isolation, limits: Limits) -> None:
    """Let this process use `level` without a trial: another process on this machine has made it."""
    _verdicts[_key(level, limits)] = ""


def require(level: Isolation, limits: Limits) -> None:
    """Raise unless `level` may grade.

    Raises
    ------
    IsolationError
        With what the canary met.
    """
    if why := refusal(level, limits):
        raise IsolationError(f"{level.name.lower()} must not grade on this machine: {why}")


def best_isolation(at_least: Isolation = Isolation.RLIMITS, limits: Limits | None = None) -> Isolation:
    """Return the best level that may grade on this machine.

    Raises
    ------
    IsolationError
        If nothing at least as good as `at_least` may; names each level's reason.
    """
    levels = LADDER[: at_least.rank + 1]
    for level in levels:
        if not refusal(level, limits):
            return level
    reasons = "; ".join(f"{level.name.lower()}: {refusal(level, limits)}" for level in levels)
    raise IsolationError(f"no isolation as good as {at_least.name.lower()} may grade on this machine ({reasons})")


def trial(level: Isolation, limits: Limits, *, loop: bool = True) -> str:
    """Let the tiny submission be graded by a new worker; return what came out otherwise than known, or an empty text.

    Parameters
    ----------
    level : Isolation
    limits : Limits
    loop : bool
        Whether to let the endless loop run as well; it takes a second.
    """
    if why := containment.hindrance(level):
        return why
    wall = max(limits.wall, LOOP_WALL)
    short = replace(limits, cpu=LOOP_CPU, wall=wall, total_wall=max(limits.total_wall, 4 * wall))
    try:
        with Host(short, level) as host, NotebookRun({0: CELL}, host) as run:
            if run.done[0].status is not Status.OK:
                return f"the canary's cell: {run.done[0].message}"
            student = SandboxedStudent(run, {})
            try:
                return _first_surprise(student, loop=loop)
            finally:
                student.next_exercise()
    except (IsolationError, SandboxBroken, OSError) as error:
        return " ".join(str(error).split())[-300:]


def _first_surprise(student: Student, *, loop: bool) -> str:
    known: list[tuple[str, Callable[[Any], bool], str]] = [
        ("right", lambda end: end == 2 * X, "a right answer must pass"),
        ("wrong", lambda end: isinstance(end, float) and end != 2 * X, "a wrong answer must be told from a right one"),
        ("loop", _stopped, f"an endless loop must be stopped by its limit of computing time within {LOOP_WALL:.0f} s"),
    ]
    for name, as_known, rule in known[: 3 if loop else 2]:
        student.next_exercise()
        end: Any
        try:
            end = student.call(name, X)
        except StudentFault as fault:
            end = fault
        if not as_known(end):
            came = f"{end.status.label}: {end.message}" if isinstance(end, StudentFault) else repr(end)[:80]
            return f"{rule}, but the canary's {name}({X:g}) ended with {came}"
    return ""


def _stopped(end: Any) -> bool:
    return isinstance(end, StudentFault) and end.status is Status.TIMED_OUT and "computing time" in end.message
