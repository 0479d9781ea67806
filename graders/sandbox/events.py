"""What the trusted side waits for: messages of a worker, the end of a child, and no longer than a deadline."""

from __future__ import annotations

import json
import select
import signal
import socket
import time
from typing import Any

from graders.status import OUT_OF_TIME, SandboxBroken, Status


class Deadline:
    """A point in time, asked for what is left of it."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(self.end - time.monotonic(), 0.0)


class ChildEnded(Exception):
    """A child died on its own: by `signal`, or with exit `code`."""

    def __init__(self, number: int, code: int) -> None:
        super().__init__(f"signal {number}, exit code {code}")
        self.signal, self.code = number, code

    def status(self) -> tuple[Status, str]:
        """What that means for the student."""
        if self.signal in (signal.SIGXCPU, signal.SIGALRM):
            return Status.TIMED_OUT, OUT_OF_TIME
        if self.signal == signal.SIGKILL:
            return Status.KILLED, "the process was killed (by its own code, or because of its use of memory)"
        if self.signal:
            return (
                Status.KILLED,
                f"the interpreter crashed with signal {self.signal} (endless recursion?)",
            )
        return Status.KILLED, f"the code ended its own process (exit code {self.code})"


def read_event(control: socket.socket, deadline: Deadline) -> dict[str, Any]:
    """Read one small JSON message; anything else means that the worker is broken."""
    if not select.select([control], [], [], deadline.left)[0]:
        raise SandboxBroken(Status.TIMED_OUT, "the worker does not answer")
    try:
        data = control.recv(4096)
        event = json.loads(data) if data else None
    except (OSError, ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not all(type(v) in (int, str) for v in event.values()):
        raise SandboxBroken(Status.KILLED, "the worker is gone")
    return event
