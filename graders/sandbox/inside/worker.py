"""The other side of the wall: runs a student's cells and answers calls to the functions they define.

Started by `graders.sandbox.process` inside the sandbox, with `protocol.py` and `confine.py` beside it and nothing
else of `graders`. Everything here shares a process with student code sooner or later, so nothing that is read from
here counts as a score: the trusted side gets data, and judges it.

Three kinds of process, each a fork of the one before:

- the *stem* has imported the libraries and runs no student code; it forks a notebook's first process when asked;
- a notebook's *guard* holds the notebook's state so far and only waits; it forks a child for the next cell, or for
  the calls of one exercise. A child that hangs or dies costs that cell or exercise alone: the guard still has the
  state before it;
- a cell's child that ends well *takes over* as the next guard.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from importlib import import_module
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import confine  # type: ignore[import-not-found]
from calls import perform  # type: ignore[import-not-found]
from library import decoder, encode  # type: ignore[import-not-found]
from protocol import Channel, ProtocolError, Unsendable  # type: ignore[import-not-found]
from shell import MAX_STREAM, Sink, describe_error, in_pieces, make_shell, record_error  # type: ignore[import-not-found]

CORES = 4
"""What student code is told about this machine: a pool of one process per core fits into the limit everywhere."""
OWN = ("confine", "calls", "library", "protocol", "shell")
FORK_PATIENCE = 5.0  # seconds


# -- one child: a cell, or the calls of one exercise ----------------------------------------------------------------
class Child:
    """Serves one channel; `serve` returns when this process is to take over as guard, else it never returns."""

    def __init__(self, sock: socket.socket, shell: Any, outputs: list[dict[str, Any]]) -> None:
        self.channel = Channel(sock, encode)
        self.shell, self.outputs, self.text = shell, outputs, ""

    def serve(self) -> None:
        while True:
            self.channel.decode = decoder(self.call_back)  # anew: what one request shares, the next one does not
            request = self.channel.receive()
            if request["op"] == "adopt":
                confine.set_cpu(None)
                return
            if request["op"] == "file":
                self.reply(write_file(request["path"], base64.b64decode(request["content"])))
                continue
            if request["op"] == "text":
                self.text += request["piece"]
                self.reply({"kept": len(self.text)})
                continue
            confine.set_cpu(request["cpu"])
            self.outputs.clear()
            self.reply(self.cell(request) if request["op"] == "cell" else self.answer(request))

    def reply(self, answer: dict[str, Any]) -> None:
        try:
            self.channel.send(answer)
        except Unsendable as error:
            self.channel.send({"unsendable": str(error)[:400]})
        except Exception as error:
            self.channel.send({"raised": describe_error(error)})

    def cell(self, request: dict[str, Any]) -> dict[str, Any]:
        source, self.text = self.text + request["source"], ""
        if request["unless"] in self.shell.user_ns:  # a placeholder, and the work is there already
            return {"outputs": [], "truncated": False, "count": None, "alone": not has_company()}
        streams = Sink("stdout", self.outputs), Sink("stderr", self.outputs)
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            result = self.shell.run_cell(source, store_history=True)
        if result.error_before_exec is not None and not any(o["output_type"] == "error" for o in self.outputs):
            record_error(self.outputs, type(result.error_before_exec), result.error_before_exec)
        flood = max(stream.count for stream in streams) > MAX_STREAM
        count = self.shell.execution_count - 1
        return {"outputs": in_pieces(self.outputs), "truncated": flood, "count": count, "alone": not has_company()}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        sinks = Sink("stdout", self.outputs), Sink("stderr", self.outputs)
        try:
            with contextlib.redirect_stdout(sinks[0]), contextlib.redirect_stderr(sinks[1]), self.shell.builtin_trap:
                return perform(self.shell.user_ns, request)  # type: ignore[no-any-return]
        except ProtocolError:
            raise
        except BaseException as error:
            return {"raised": describe_error(error)}

    def call_back(self, number: int, args: tuple[Any, ...]) -> Any:
        """A function of the grader's, handed to student code: ask the other side for its value."""
        self.channel.send({"callback": number, "args": list(args)})
        answer = self.channel.receive()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]


def has_company() -> bool:
    """Tell whether this process has threads or children of its own: a fork of it would be without them."""
    if len(sys._current_frames()) > 1:
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def write_file(path: str, content: bytes) -> dict[str, Any]:
    """Append to a file in the working directory, which is made when its first piece comes."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "ab") as file:
        file.write(content)
    return {"written": len(content)}


# -- guards ---------------------------------------------------------------------------------------------------------
def tell(control: socket.socket, **event: Any) -> None:
    with contextlib.suppress(OSError):
        control.send(json.dumps(event).encode())


def memory() -> int:
    """The most memory that this process has held at once, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fork() -> int:
    """Fork; where the user is out of processes for a moment, wait for one."""
    patience = time.monotonic() + FORK_PATIENCE
    while True:
        try:
            return os.fork()
        except BlockingIOError:
            if time.monotonic() > patience:
                raise
            time.sleep(0.05)


def guard(control: socket.socket, shell: Any, outputs: list[dict[str, Any]]) -> None:
    """Wait for orders: fork a child for a cell or an exercise, kill it when told, give way when it takes over."""
    while True:
        data, fds, _, _ = socket.recv_fds(control, 4096, 1)
        if not data:
            os._exit(0)
        if json.loads(data)["op"] != "fork":
            continue  # an order that came too late for the child it was meant for
        sock = socket.socket(fileno=fds[0])
        pid = fork()
        if pid == 0:
            os.setpgid(0, 0)
            Child(sock, shell, outputs).serve()
            sock.close()
            tell(control, event="adopted")
            continue  # the cell went well: this process has the new state and is the guard from now on
        sock.close()
        watch(control, pid)


def watch(control: socket.socket, pid: int) -> None:
    """Wait until the child ends; or kill it, or end this process in its favour, as told."""
    ended = os.pidfd_open(pid)
    try:
        while True:
            waiting: list[Any] = [ended, control]
            ready, _, _ = select.select(waiting, [], [])
            if ended in ready:
                break
            data = control.recv(4096)
            order = json.loads(data)["op"] if data else "kill"
            if order == "commit":
                tell(control, event="committed", memory=memory())
                os._exit(0)
            if order == "kill":
                break
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        _, status, used = os.wait4(pid, 0)
    finally:
        os.close(ended)
    code = os.waitstatus_to_exitcode(status)
    tell(control, event="exit", signal=max(-code, 0), code=max(code, 0), memory=max(memory(), used.ru_maxrss))


def warm_up() -> None:
    """Do once what libraries put off until they are used: every child would have to do it again."""
    import matplotlib.artist as artists
    import numpy.random  # noqa: F401

    # Most of pyplot's import makes tables for its docstrings, and a signature for each artist's `set`.
    artist: Any = artists.Artist
    tables, sign = artists.kwdoc, vars(artist)["_update_set_signature_and_docstring"]
    artists.kwdoc = lambda artist: ""
    artist._update_set_signature_and_docstring = classmethod(
        lambda kind: setattr(kind.set, "_autogenerated_signature", True)
    )
    import matplotlib.pyplot as plt

    artists.kwdoc, artist._update_set_signature_and_docstring = tables, sign
    import sheaflab.checks.figures
    import sheaflab.checks.problems
    import sheaflab.plots  # noqa: F401

    for name in ("bdb", "IPython.core.logger"):  # a shell's first cell wants them
        import_module(name)

    figure, ax = plt.subplots()
    ax.semilogy([1.0, 2.0], [1.0, 2.0], label="$t$")
    ax.legend()
    plt.close(figure)


def enlarge_pages() -> None:
    """Put this process's memory into huge pages, where the kernel can (Linux 6.1) and has some.

    A fork copies an entry for each page, and its end lets go of each; a worker is forked some forty times.
    """
    with contextlib.suppress(OSError, AttributeError):  # it is quicker so, and no more
        madvise, collapse = ctypes.CDLL(None).madvise, 25  # of linux/mman.h
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            for line in maps:
                span, rights, _, _, inode, *name = line.split()
                if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
                    start, end = (int(place, 16) for place in span.split("-"))
                    madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), collapse)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    orders: dict[str, Any] = json.loads(sys.argv[2])
    os.umask(0o077)
    exact = confine.limit_processes(**orders["processes"])
    confine.adopt_orphans()
    for name, value in orders["rlimits"].items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for key in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR"):
        os.makedirs(os.environ[key], exist_ok=True)
    warm_up()
    outputs: list[dict[str, Any]] = []
    shell = make_shell(outputs)
    enlarge_pages()
    if orders["files"] is not None:
        confine.restrict_files(**orders["files"])
    if orders["seccomp"]:
        confine.load_filter(bytes.fromhex(orders["seccomp"]))
    os.cpu_count = lambda: CORES
    for name in OWN:  # a student's module of such a name is the student's
        del sys.modules[name]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = ["", *(path for path in sys.path if path != here)]  # as in Jupyter: what lies beside comes first
    # A collection in a child would write to every page that holds an object, and copy it. None is made here, either: it
    # would take longer than any import, for a few thousand objects.
    gc.freeze()
    gc.enable()
    tell(control, event="ready", exact=int(exact))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whatever ends below, adopted or not, leaves no zombie
    while True:
        data, fds, _, _ = socket.recv_fds(control, 4096, 1)
        if not data:
            os._exit(0)
        if json.loads(data)["op"] == "open":
            if fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                control.close()
                guard(socket.socket(fileno=fds[0]), shell, outputs)
            os.close(fds[0])


if __name__ == "__main__":
    stem = os.getpid()
    try:
        main()
    except BaseException as failure:  # the trusted side sees the end of the channel; the stem can say why
        if os.getpid() == stem:
            tell(socket.socket(fileno=int(sys.argv[1])), event="failed", why=repr(failure)[:1000])
        os._exit(1)
