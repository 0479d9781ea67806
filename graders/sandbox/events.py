"""What the trusted side waits for: messages of a worker, the end of a child, and no longer than a deadline."""

from __future__ import annotations

import json
import select
import signal
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graders.sandbox.inside.protocol import encodable
from graders.status import OUT_OF_TIME, SandboxBroken, Status

MAX_EVENT = 4096  # bytes
_CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user and group id
_FIELDS: Mapping[str, Mapping[str, int]] = {
    "ready": {"exact": 1},
    "failed": {},
    "committed": {"memory": 2**40},
    "adopted": {},
    "exit": {"signal": 64, "code": 255, "memory": 2**40},
}
"""Every message that a worker may send, with its numbers: each is an integer from 0 to the value here."""


@dataclass(frozen=True)
class Event:
    """A message of a worker: a kind of the table above, its numbers, and who has sent it.

    Attributes
    ----------
    kind : str
    sender : int
        Process id as the kernel tells it, 0 if it does not: no sender can lie about it.
    numbers : mapping of str to int
    why : str
        What a worker says that does not start, shortened.
    """

    kind: str
    sender: int
    numbers: Mapping[str, int]
    why: str = ""


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


def control_pair() -> tuple[socket.socket, socket.socket]:
    """Return our end of a new control socket, on which the kernel names the sender of each message, and the other."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return mine, theirs


def read_event(control: socket.socket, deadline: Deadline) -> Event:
    """Read one message.

    Raises
    ------
    SandboxBroken
        If none comes in time, the other side is gone, or it says what no worker says.
    """
    if not select.select([control], [], [], deadline.left)[0]:
        raise SandboxBroken(Status.TIMED_OUT, "the worker does not answer")
    try:
        data, extra, flags, _ = control.recvmsg(MAX_EVENT, socket.CMSG_SPACE(_CREDENTIALS.size))
    except OSError:
        data, extra, flags = b"", [], 0
    event = None if flags & socket.MSG_TRUNC else _typed(data)
    if event is None:
        raise SandboxBroken(Status.KILLED, "the worker is gone" if not data else "the worker's processes talk nonsense")
    senders = [
        _CREDENTIALS.unpack(raw)[0]
        for level, kind, raw in extra
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(raw) == _CREDENTIALS.size
    ]
    return Event(event.kind, senders[0] if senders else 0, event.numbers, event.why)


def _typed(data: bytes) -> Event | None:
    """Return the message if each of its fields has the type and the range that it must have."""
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    kind = found.pop("event", None) if isinstance(found, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        return None
    why = found.pop("why", "") if kind == "failed" else ""
    most = _FIELDS[kind]
    if not isinstance(why, str) or set(found) != set(most):
        return None
    if not all(type(value) is int and 0 <= value <= most[name] for name, value in found.items()):
        return None
    return Event(kind, 0, found, encodable(why[:1000]))
