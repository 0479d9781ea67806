"""A time limit for a reader's code in this very process: advice first, then a stop.

It needs threads and nothing that only POSIX has: `_thread.interrupt_main` does what Ctrl+C does, on Windows too.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from sheaflab.checks.messages import rows
from sheaflab.checks.raised import Raised

SECONDS = 60.0
"""Limit for one exercise. A right answer takes a few seconds at most."""
_ADVICE = 10.0
_PATIENCE = 5  # interrupts that are ignored before the process ends

T = TypeVar("T")


class OutOfTimeError(Exception):
    """The work took too long; the text says where it was, and what to do."""


def limited(work: Callable[[], T], seconds: float, name: str) -> T:
    """Do some work in the main thread and stop it when it takes too long.

    Parameters
    ----------
    work : callable
        Without arguments.
    seconds : float
        The limit, of time on the clock.
    name : str
        Of the work, for the advice that is printed while it runs.

    Raises
    ------
    OutOfTimeError
        If it was stopped.
    KeyboardInterrupt
        If the reader stopped it.
    """
    if sys.platform == "emscripten" or threading.current_thread() is not threading.main_thread():
        return work()  # WebAssembly starts no threads, and an interrupt reaches the main thread alone
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
    watch = _Watch(seconds, name)
    try:
        try:
            watch.start()
            return work()
        finally:
            watch.end()
    except KeyboardInterrupt as stop:
        if not watch.expired:
            raise
        where = Raised.of(stop).rows()[1:]
        step = f"look for a loop that never ends; if it only needs more time, add `--limit {10 * seconds:g}`"
        raise OutOfTimeError(f"stopped after {seconds:g} s\n{rows([*where, ('next', step)])}") from None
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


class _Watch(threading.Thread):
    """The clock beside the work."""

    def __init__(self, seconds: float, name: str) -> None:
        super().__init__(daemon=True)
        self.seconds, self.work = seconds, name
        self.expired = False
        self._over, self._lock = threading.Event(), threading.Lock()

    def run(self) -> None:
        early = min(_ADVICE, self.seconds)
        if self._over.wait(early):
            return
        if early < self.seconds:
            self._tell(
                f"{self.work} has been running for {early:g} s. Is there a loop that never ends? "
                f"It is stopped after {self.seconds:g} s; Ctrl+C stops it now."
            )
            if self._over.wait(self.seconds - early):
                return
        for _ in range(_PATIENCE):
            with self._lock:
                if self._over.is_set():
                    return
                self.expired = True
                _thread.interrupt_main()
            if self._over.wait(1.0):
                return
        self._tell(
            f"{self.work} does not stop: an `except` catches the stop, or one numpy call takes very long. Ended."
        )
        sys.stdout.flush()
        os._exit(1)

    def end(self) -> None:
        """No interrupt comes after this."""
        with self._lock:
            self._over.set()

    def _tell(self, text: str) -> None:
        print(f"\n{text}", file=sys.__stderr__, flush=True)  # the work's own output is caught
