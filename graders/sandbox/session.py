"""A notebook in a worker, and the children that run its cells and answer calls."""

from __future__ import annotations

import json
import select
import signal
import socket
from typing import TYPE_CHECKING, Any

from graders.sandbox.events import ChildEnded, Deadline, Event, control_pair, read_event
from graders.status import SandboxBroken

if TYPE_CHECKING:
    from graders.sandbox.process import Worker


class Session:
    """One notebook in a worker: its guard's control socket. Whatever an earlier notebook has left there is ended."""

    def __init__(self, worker: Worker) -> None:
        worker.end_others()
        self.worker = worker
        self.memory = 0
        self.guard = 0
        """Process id of the guard; 0 as long as it has not spoken, and no student code has run in it."""
        self.control, theirs = control_pair()
        try:
            socket.send_fds(worker.control, [b'{"op":"open"}'], [theirs.fileno()])
        except OSError as error:
            raise worker.broken("the worker is gone") from error
        finally:
            theirs.close()

    def fork(self) -> Process:
        """Fork a child of the notebook's present state."""
        mine, theirs = socket.socketpair()
        try:
            socket.send_fds(self.control, [b'{"op":"fork"}'], [theirs.fileno()])
        except OSError as error:
            mine.close()
            raise self.worker.broken("the notebook's process is gone") from error
        finally:
            theirs.close()
        return Process(self, mine)

    def event(self, seconds: float) -> Event:
        """Next message of the guard; keeps the most memory (KiB) that it has told of: a figure for reports, no more."""
        try:
            event = read_event(self.control, Deadline(seconds))
        except SandboxBroken as error:
            raise self.worker.broken(error.message, error.status) from None
        if 0 < (told := event.numbers.get("memory", 0)) <= self.worker.limits.memory >> 10:
            self.memory = max(self.memory, told)
        self.guard = event.sender
        return event

    def end_strays(self) -> None:
        """End all that earlier cells and calls have left running: only the guard, which has the state, goes on."""
        if self.guard:
            self.worker.end_others(self.guard)

    def close(self) -> None:
        """Let go; the guard ends by itself or with the worker."""
        self.control.close()


class Process:
    """A stream socket to a forked child, with a deadline, that notices the child's death.

    Has `recv_into` and `sendall`, so a :class:`graders.sandbox.inside.protocol.Channel` runs over it.
    """

    def __init__(self, session: Session, sock: socket.socket) -> None:
        self.session, self.sock = session, sock
        self.sock.setblocking(False)
        self.deadline = Deadline(session.worker.limits.wall)

    def recv_into(self, buffer: Any, nbytes: int = 0, /) -> int:
        while True:
            try:  # mostly the rest of a frame is there
                if got := self.sock.recv_into(buffer, nbytes):
                    return got
                raise self._ended()
            except BlockingIOError:
                pass
            ready, _, _ = select.select([self.sock, self.session.control], [], [], self.deadline.left)
            if not ready:
                raise TimeoutError
            if self.sock not in ready:
                raise self._ended()

    def sendall(self, data: Any, /) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self.sock.send(view) :]
            except BlockingIOError:
                _, ready, _ = select.select([], [self.sock], [], self.deadline.left)
                if not ready:
                    raise TimeoutError from None
            except OSError as error:
                raise self._ended() from error

    def _ended(self) -> ChildEnded:
        event = self._answer("exit", 2.0)
        if event.numbers["signal"] == signal.SIGKILL and self.session.worker.out_of_memory:
            raise self.session.worker.broken("the process was killed")
        return ChildEnded(event.numbers["signal"], event.numbers["code"])

    def commit(self) -> None:
        """Let the child end its guard, to take its place once it is told to adopt."""
        self._order("commit")
        self._answer("committed", 2.0)

    def adopted(self) -> None:
        """Wait until the child has taken over as the notebook's guard."""
        self._answer("adopted", 5.0)

    def kill(self) -> None:
        """Kill the child; the state before it remains."""
        self._order("kill")
        self._answer("exit", 5.0)

    def _answer(self, kind: str, seconds: float) -> Event:
        event = self.session.event(seconds)
        if event.kind != kind:
            raise self.session.worker.broken("the worker's processes do not answer any more")
        return event

    def _order(self, op: str) -> None:
        try:
            self.session.control.send(json.dumps({"op": op}).encode())
        except OSError as error:
            raise self.session.worker.broken("the notebook's process is gone") from error

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()
