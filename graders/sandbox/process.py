"""The trusted side of the wall: start a worker, open a notebook in it, end all of it."""

from __future__ import annotations

import contextlib
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

from graders.sandbox import containment, orphans
from graders.sandbox.census import Census, too_much_memory
from graders.sandbox.cgroup import memory_group
from graders.sandbox.events import Deadline, Event, control_pair, read_event
from graders.sandbox.isolation import Isolation, IsolationError, Limits
from graders.sandbox.libraries import View
from graders.sandbox.tree import descendants, end_others, end_tree
from graders.sandbox.users import User
from graders.status import SandboxBroken, Status


class Worker:
    """One sandbox with the libraries imported and no student code run yet.

    Parameters
    ----------
    limits : Limits
    level : Isolation
    view : View, optional
        What of the course it sees, and what not.

    Raises
    ------
    IsolationError
        If it does not start.
    """

    def __init__(self, limits: Limits, level: Isolation, view: View | None = None) -> None:
        self.limits, self.level, self.view = limits, level, view or View()
        self.user = User() if os.geteuid() == 0 and level.changes_user else None
        self.scratch = Path(tempfile.mkdtemp(prefix="graders-"))
        self.first_pid: int | None = None
        self._own: frozenset[int] = frozenset()
        self._census: Census | None = None
        self._pidfd: int | None = None
        self._group = memory_group(limits.total_memory)
        self.process: subprocess.Popen[bytes] | None = None
        self.control, theirs = control_pair()
        try:
            self._start(theirs)
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()

    def _start(self, theirs: socket.socket) -> None:
        info_read, info_write = os.pipe()
        if self.level.shares_processes:
            orphans.adopt()
        try:
            command = self._command(theirs.fileno(), info_write)
            self._stderr = (self.scratch / "stderr").open("w+b")
            self.process = subprocess.Popen(
                command.argv if self._group is None else self._group.command(command.argv),
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
        if self.level.shares_processes:
            orphans.ROOTS.add(self.process.pid)

    def wait_ready(self) -> Worker:
        """Wait until the libraries are imported.

        Raises
        ------
        IsolationError
            With the worker's own words, if it does not get there.
        """
        why = ""
        try:
            event = read_event(self.control, Deadline(self.limits.start_wall))
            why = event.why
        except SandboxBroken:
            event = Event("failed", 0, {})
        if event.kind != "ready":
            self._stderr.seek(0)
            said = self._stderr.read(2000).decode("utf-8", "replace").strip()
            raise IsolationError(f"a worker does not start with {self.level.name}: {why or said or 'no reason given'}")
        assert self.process is not None
        self._own = frozenset(descendants(self.process.pid))
        folder = self.scratch / "work" if self.level.shares_processes else None
        self._census = Census(
            self.process.pid, self.limits, count=not event.numbers["exact"], folder=folder, group=self._group
        )
        self.first_pid = self._first_pid()
        if self.first_pid is not None:
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(self.first_pid)
        return self

    def _command(self, control: int, info: int) -> containment.Command:
        uid = None if self.user is None else self.user.number
        if self.level is Isolation.BUBBLEWRAP:
            return containment.bubblewrap_command(control, info, self.limits, uid, self.view)
        if self.level is Isolation.UNSHARE:
            return containment.unshare_command(control, self.limits, self.scratch, uid, self.view)
        return containment.plain_command(control, self.limits, self.scratch, self.level, uid, self.view)

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

    def broken(self, why: str, status: Status = Status.KILLED) -> SandboxBroken:
        """Say why this worker is of no use any more; that it was ended because it took too much explains all else."""
        if self._census is not None and self._census.found is not None:
            return SandboxBroken(*self._census.found)
        if self.out_of_memory:
            return SandboxBroken(*too_much_memory(self.limits))
        return SandboxBroken(status, why)

    @property
    def out_of_memory(self) -> bool:
        """Whether the kernel has ended one of the worker's processes because all together held too much."""
        return self._group is not None and self._group.exceeded()

    def end_others(self, *kept: int) -> None:
        """End all processes of the worker but its own first ones and `kept`.

        Raises
        ------
        SandboxBroken
            If they cannot be ended.
        """
        assert self.process is not None
        if self._group is not None and self._group.members() <= {self.process.pid, *self._own, *kept}:
            return
        if not end_others(self.process.pid, self._own.union(kept)):
            raise self.broken("processes that were left behind do not end")

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
            elif self.level.shares_processes:
                end_tree(self.process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if self._census is not None:
                self._census.close()
            if self.level.shares_processes:
                orphans.end(self.process.pid, self.limits.open_files)
            self._stderr.close()
            os.close(self._info)
            self.process = None
        if self.user is not None:
            self.user.release(everything=self.level.shares_processes)
            self.user = None
        if self._group is not None:
            self._group.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self) -> Worker:
        try:
            return self.wait_ready()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
