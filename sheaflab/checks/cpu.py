"""A limit on the computing time of a call of an answer in this very process: an endless loop ends by itself.

It needs the main thread and POSIX timers. Where a machine has none of them (Windows, the browser) there is no limit.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

CALL_SECONDS = 10.0
"""CPU time of one call, wherever it is made. A right answer takes a second or two at most."""


class CpuTimeError(BaseException):
    """A call took more CPU time than it may; an answer's `except Exception` does not catch it."""


def timed() -> bool:
    """Whether a call that takes too long can be stopped here."""
    timers = hasattr(signal, "setitimer") and hasattr(signal, "SIGPROF")
    return timers and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Stop the block after so much CPU time of this process; of blocks in each other the inner one is limited.

    Parameters
    ----------
    seconds : float

    Raises
    ------
    CpuTimeError
        If the block took longer.
    """
    if not timed():
        yield
        return

    def stop(_signal: int, _frame: object) -> None:
        raise CpuTimeError

    before = signal.signal(signal.SIGPROF, stop)
    left, _ = signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        signal.setitimer(signal.ITIMER_PROF, left)  # of the block around it; 0 starts none
