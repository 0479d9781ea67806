"""The trusted side of the wall: start a worker, open a notebook in it, end all of it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from graders.sandbox import containment
from graders.sandbox.census import Census, kill_marked
from graders.sandbox.events import ChildEnded, Deadline, read_event
from graders.sandbox.isolation import Isolation, IsolationError, Limits
from graders.status import SandboxBroken, Status


class Worker:
    """One sandbox with the libraries imported and no student code run yet.

    Parameters
    ----------
    limits : Limits
    level : Isolation
    visible : Path, optional
        Visible checks of the course; by default the checkout's own.

    Raises
    ------
    IsolationError
        If it does not start.
    """

    def __init__(self, limits: Limits, level: Isolation, visible: Path | None = None) -> None:
        self.limits, self.level, self.visible = limits, level, visible
        self.scratch = Path(tempfile.mkdtemp(prefix="graders-"))
        self.first_pid: int | None = None
        self._census: Census | None = None
        self._pidfd: int | None = None
        self.process: subprocess.Popen[bytes] | None = None
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = mine
        try:
            self._start(theirs)
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()

    def _start(self, theirs: socket.socket) -> None:
        info_read, info_write = os.pipe()
        try:
            command = self._command(theirs.fileno(), info_write)
            self._stderr = (self.scratch / "stderr").open("w+b")
            self.process = subprocess.Popen(
                command.argv,
                env=command.env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=[theirs.fileno(), *([info_write] if command.info_fd is not None else [])],
                start_new_session=True,
            )
        except OSError as error:
            os.close(info_read)
            raise IsolationError(f"cannot start {self.level.name}: {error}") from error
        finally:
            os.close(info_write)
        theirs.close()
        self._info = info_read

    def wait_ready(self) -> Worker:
        """Wait until the libraries are imported.

        Raises
        ------
        IsolationError
            With the worker's own words, if it does not get there.
        """
        try:
            event = self.event(Deadline(self.limits.start_wall))
        except SandboxBroken:
            event = {}
        if event.get("event") != "ready":
            self._stderr.seek(0)
            said = self._stderr.read(2000).decode("utf-8", "replace").strip()
            raise IsolationError(
                f"a worker does not start with {self.level.name}: {event.get('why') or said or 'no reason given'}"
            )
        if not event.get("exact"):
            assert self.process is not None
            self._census = Census(self.process.pid, self.limits.processes)
        self.first_pid = self._first_pid()
        if self.first_pid is not None:
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(self.first_pid)
        return self

    def _command(self, control: int, info: int) -> containment.Command:
        if self.level is Isolation.BUBBLEWRAP:
            return containment.bubblewrap_command(control, info, self.limits, self.visible)
        if self.level is Isolation.UNSHARE:
            return containment.unshare_command(control, self.limits, self.scratch, self.visible)
        return containment.plain_command(control, self.limits, self.scratch, self.level, self.visible)

    def _first_pid(self) -> int | None:
        """First process of the sandbox's process namespace: when it is gone, so is everything in there."""
        assert self.process is not None
        if self.level is Isolation.BUBBLEWRAP:
            text = b""
            while select.select([self._info], [], [], 2)[0] and (piece := os.read(self._info, 4096)):
                text += piece
            return int(json.loads(text)["child-pid"])
        if self.level is Isolation.UNSHARE:
            pid = self.process.pid
            return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        return None

    def event(self, deadline: Deadline) -> dict[str, Any]:
        """Next message of the control socket."""
        return read_event(self.control, deadline)

    def broken(self, why: str, status: Status = Status.KILLED) -> SandboxBroken:
        """Say why this worker is of no use any more; that it was ended for its many processes explains all else."""
        if self._census is not None and self._census.exceeded:
            return SandboxBroken(Status.KILLED, f"more than {self.limits.processes} processes or threads at once")
        return SandboxBroken(status, why)

    def open(self) -> Session:
        """Fork a fresh notebook process and return its session."""
        return Session(self)

    def close(self) -> None:
        """Kill every process of the sandbox and wait until they are gone."""
        self.control.close()
        if self.process is not None:
            if self._pidfd is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                select.select(
                    [self._pidfd], [], [], 10
                )  # readable once the namespace is empty and its first process dead
                os.close(self._pidfd)
                self._pidfd = None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if self._census is not None:
                self._census.close()
            if self.level.rank >= Isolation.OTHER_USER.rank:
                kill_marked(f"TMPDIR={self.scratch / 'work'}")
            self._stderr.close()
            os.close(self._info)
            self.process = None
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self) -> Worker:
        try:
            return self.wait_ready()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class Session:
    """One notebook in a worker: its guard's control socket."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.memory = 0
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
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

    def event(self, seconds: float) -> dict[str, Any]:
        """Next message of the guard; keeps the most memory (KiB) that it has told of: a figure for reports, no more."""
        try:
            event = read_event(self.control, Deadline(seconds))
        except SandboxBroken as error:
            raise self.worker.broken(error.message, error.status) from None
        if type(told := event.get("memory")) is int and 0 < told <= self.worker.limits.memory >> 10:
            self.memory = max(self.memory, told)
        return event

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
            ready, _, _ = select.select([self.sock, self.session.control], [], [], self.deadline.left)
            if self.sock in ready:
                if got := self.sock.recv_into(buffer, nbytes):
                    return got
                raise self._ended()
            if not ready:
                raise TimeoutError
            raise self._ended()

    def sendall(self, data: Any, /) -> None:
        view = memoryview(data)
        while view:
            _, ready, _ = select.select([], [self.sock], [], self.deadline.left)
            if not ready:
                raise TimeoutError
            try:
                view = view[self.sock.send(view) :]
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EINTR):
                    continue
                raise self._ended() from error

    def _ended(self) -> ChildEnded:
        event = self.session.event(2.0)
        if event.get("event") != "exit":
            raise self.session.worker.broken("the worker's processes do not answer any more")
        return ChildEnded(int(event.get("signal", 0)), int(event.get("code", 0)))

    def commit(self) -> None:
        """Let the child take over as the notebook's guard."""
        self._order("commit")
        if self.session.event(2.0).get("event") != "committed":
            raise self.session.worker.broken("the worker's processes do not answer any more")

    def kill(self) -> None:
        """Kill the child; the state before it remains."""
        self._order("kill")
        if self.session.event(5.0).get("event") != "exit":
            raise self.session.worker.broken("the worker's processes do not answer any more")

    def _order(self, op: str) -> None:
        try:
            self.session.control.send(json.dumps({"op": op}).encode())
        except OSError as error:
            raise self.session.worker.broken("the notebook's process is gone") from error

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()
