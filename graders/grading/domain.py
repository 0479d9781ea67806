"""A process of its own for what comes from one submission: limited, watched, and replaced when it ends.

All that reads, decodes, judges or renders a submission's bytes is called through a :class:`Domain`. The process that
serves a class decodes nothing itself: whatever a file makes of its reader, memory, time or a fault of ours, ends that
one call, with a reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import multiprocessing
import os
import resource
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.util import Finalize
from typing import Any, TypeVar

from graders.sandbox.bytecode import COPIES, make_copies
from graders.sandbox.containment import HERE
from graders.sandbox.inside.confine import set_cpu
from graders.sandbox.isolation import MEGA, IsolationError
from graders.sandbox.libraries import library_source
from sheaflab.startup import import_matplotlib

T = TypeVar("T")
GRACE = 10.0  # seconds after which a process that should have ended itself is killed
_M_ARENA_MAX = -8  # of glibc's malloc.h
_LATE = 1  # exit code with which faulthandler ends a process at its deadline


@dataclass(frozen=True)
class Budget:
    """What the work on one submission may take outside its sandbox. Times in seconds, sizes in bytes."""

    memory: int = 1024 * MEGA
    """More than the process takes before it has read anything."""
    cpu: float = 300.0
    """Computing time; what runs inside the sandbox has limits of its own and is not counted."""
    wall: float = 3600.0


class DomainEnded(Exception):
    """A call did not come back with a result; the text says what ended it, and the class goes on."""


class Domain:
    """Runs functions in one limited process, started when needed and again after it has ended.

    Parameters
    ----------
    budget : Budget
        What each call may take.
    begin : callable, optional
        Called once in each new process, before any limit holds.
    arguments : tuple
        For `begin`.
    """

    def __init__(
        self, budget: Budget | None = None, begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
    ) -> None:
        self.budget, self._begin, self._arguments = budget or Budget(), begin, arguments
        self._process: Any = None
        self._channel: Connection | None = None
        # at its own end a process waits for those it has started: they must not wait for it at the same time
        Finalize(self, _stop, (weakref.ref(self),), exitpriority=10)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what `function` returns in the process; both must be picklable.

        Raises
        ------
        DomainEnded
            If it needed more than its budget, raised an error, or ended the process.
        IsolationError
            If the function raised it: that is the machine's fault and nobody's work.
        """
        channel = self._started()
        try:
            channel.send((function, arguments))
            answered = self._wait(channel)
            answer: tuple[str, Any, bool] = channel.recv() if answered else ("late", None, True)
        except (EOFError, OSError):
            answer = ("ended", None, True)
        kind, value, last = answer
        if kind == "value":
            if last:
                self.close()
            result: T = value
            return result
        reason = self._reason(kind, value)
        self.close()
        if kind == "machine":
            raise IsolationError(reason)
        raise DomainEnded(reason)

    def _started(self) -> Connection:
        if self._channel is not None and self._process.is_alive():
            return self._channel
        self.close()
        context = multiprocessing.get_context("forkserver")
        mine, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.budget, self._begin, self._arguments))
        start_server()
        with _as_no_daemon():
            self._process.start()
        theirs.close()
        self._channel = mine
        return mine

    def _wait(self, channel: Connection) -> bool:
        return channel in wait([channel, self._process.sentinel], self.budget.wall + GRACE) or channel.poll()

    def _reason(self, kind: str, value: Any) -> str:
        if kind in ("error", "machine"):
            return str(value)
        if kind == "memory":
            return f"it needs more than {self.budget.memory // MEGA} MiB of memory"
        if kind == "late":
            return f"it takes more than {self.budget.wall:.0f} s"
        self._process.join(GRACE)
        code = self._process.exitcode
        if code == -signal.SIGXCPU:
            return f"it takes more than {self.budget.cpu:.0f} s of computing time"
        if code == _LATE:
            return f"it takes more than {self.budget.wall:.0f} s"
        end = f"signal {-code}" if code and code < 0 else f"exit code {code}"
        return f"the process that worked on it ended ({end})"

    def stop(self) -> None:
        """End the process from another thread: the call that it is at does not come back with a result."""
        with contextlib.suppress(AttributeError, ValueError):  # there is none, or none any more
            self._process.kill()

    def close(self) -> None:
        """End the process."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.join(0.5)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
            self._process = None

    def __enter__(self) -> Domain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _stop(domain: weakref.ref[Domain]) -> None:
    if (found := domain()) is not None:
        found.stop()


_here = threading.local()
_all: weakref.WeakSet[Domain] = weakref.WeakSet()
_STARTING = threading.Lock()


def domain_here(begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()) -> Domain:
    """Return the domain that works for this thread, a new one if the last was begun otherwise."""
    key = (begin, arguments)
    if getattr(_here, "key", None) != key:
        close_here()
        _here.key, _here.domain = key, Domain(begin=begin, arguments=arguments)
        _all.add(_here.domain)
    found: Domain = _here.domain
    return found


def close_here() -> None:
    """End the process that works for this thread, if there is one."""
    if (last := getattr(_here, "domain", None)) is not None:
        last.close()
        del _here.domain, _here.key


def stop_all() -> None:
    """End all threads' processes at once; what they were at does not come back with a result."""
    for domain in list(_all):
        domain.stop()


def prepare(*modules: str) -> None:
    """Have new processes start with these modules imported."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__, *modules])


def start_server() -> None:
    """Start the server of new processes, if it does not run.

    It is started with -c, and is to import nothing from the current folder all the same. And what it starts computes in
    one thread: a class has a process per core already, and threads of OpenBLAS that wait for each other at a small
    product take many times what it takes. The workers that it starts have bytecode.
    """
    changed = {"PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with _STARTING:  # threads that start domains share one environment: none may keep what another has put there
        changed[COPIES] = make_copies(library_source(), HERE)
        before = {name: os.environ.get(name) for name in changed}
        os.environ.update(changed)
        try:
            forkserver.ensure_running()
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextlib.contextmanager
def _as_no_daemon() -> Iterator[None]:
    """Let a daemonic process, as dask's workers are, have a child: this one ends by itself when its parent does."""
    config: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    before = config.get("daemon")
    config["daemon"] = False
    try:
        yield
    finally:
        config["daemon"] = before


def _serve(channel: Connection, budget: Budget, begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Answer calls until the other side hangs up."""
    signal.signal(signal.SIGINT, lambda *_: None)  # the other side decides what Ctrl-C means
    _share_arenas()
    die_with_parent()
    import_matplotlib()
    if begin is not None:
        begin(*arguments)
    base = _address_space()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (base + budget.memory, hard))
    with open(os.devnull, "w") as nowhere:
        while True:
            try:
                function, given = channel.recv()
            except EOFError:
                return
            set_cpu(budget.cpu)
            faulthandler.dump_traceback_later(budget.wall, exit=True, file=nowhere)
            try:
                answer = ("value", function(*given))
            except MemoryError:
                answer = ("memory", None)
            except IsolationError as error:
                answer = ("machine", str(error))
            except Exception as error:  # a fault of ours that this work has brought to light
                answer = ("error", f"{type(error).__name__}: {str(error)[:1000]}")
            finally:
                faulthandler.cancel_dump_traceback_later()
                set_cpu(None)
            channel.send((*answer, _address_space() > base + budget.memory // 2))


def _share_arenas() -> None:
    """Let all threads allocate from two arenas: each reserves 128 MiB of address space, which RLIMIT_AS counts."""
    with contextlib.suppress(OSError, AttributeError):  # a C library of another kind
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _address_space() -> int:
    """Bytes of this process's address space, which is what RLIMIT_AS counts."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def die_with_parent() -> None:
    """Let a killed grader leave no process behind: this one ends when the one that started it has ended.

    Its parent by the kernel's count is the fork server, which outlives a killed grader as long as a child lives.
    """
    starter = multiprocessing.parent_process()
    assert starter is not None

    def watch() -> None:
        starter.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
