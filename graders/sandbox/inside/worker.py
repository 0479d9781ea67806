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

import contextlib
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from types import TracebackType
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import confine  # type: ignore[import-not-found]
from protocol import Channel, ProtocolError, Unsendable  # type: ignore[import-not-found]

MAX_STREAM = 64 * 1024
MAX_FLOOD = 16 * 2**20
MAX_IMAGE = 2 * 2**20
MAX_OUTPUTS = 64
MAX_TRACEBACK = 6000
FORK_PATIENCE = 5.0  # seconds


class TooMuchOutput(RuntimeError):
    """A cell or a call has printed more than the grader reads."""


class Sink(io.TextIOBase):
    """A text stream that keeps the beginning and counts the rest."""

    def __init__(self, name: str, outputs: list[dict[str, Any]]) -> None:
        super().__init__()
        self.name, self.outputs, self.count = name, outputs, 0

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        room = MAX_STREAM - self.count
        self.count += len(text)
        if room > 0 and text:
            last = self.outputs[-1] if self.outputs else None
            if last is not None and last["output_type"] == "stream" and last["name"] == self.name:
                last["text"] += text[:room]
            elif len(self.outputs) < MAX_OUTPUTS:
                self.outputs.append({"output_type": "stream", "name": self.name, "text": text[:room]})
        if self.count > MAX_FLOOD:
            raise TooMuchOutput(f"more than {MAX_FLOOD // 2**20} MB printed")
        return len(text)


def make_shell(outputs: list[dict[str, Any]]) -> Any:
    """Return an IPython shell that puts what a cell shows into `outputs`, bounded."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    def keep(kind: str, data: Any, **more: Any) -> None:
        kept = {}
        if isinstance(text := data.get("text/plain"), str):
            kept["text/plain"] = text[:MAX_STREAM]
        image = data.get("image/png")
        if isinstance(image, bytes):
            import base64

            image = base64.b64encode(image).decode()
        if isinstance(image, str):
            if (
                len(image) <= MAX_IMAGE
                and sum(len(o.get("data", {}).get("image/png", "")) for o in outputs) < 2 * MAX_IMAGE
            ):
                kept["image/png"] = image
            else:
                kept["text/plain"] = "(an image that is too large to keep)"
        if kept and len(outputs) < MAX_OUTPUTS:
            outputs.append({"output_type": kind, "data": kept, **more})

    class Hook(DisplayHook):  # type: ignore[misc]
        def write_output_prompt(self) -> None: ...

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            keep("execute_result", format_dict)

        def finish_displayhook(self) -> None: ...

    class Publisher(DisplayPublisher):  # type: ignore[misc]
        def publish(self, data: Any, metadata: Any = None, **more: Any) -> None:
            keep("display_data", data)

        def clear_output(self, wait: bool = False) -> None:
            outputs.clear()

    class Shell(InteractiveShell):  # type: ignore[misc]
        displayhook_class = Type(Hook)
        display_pub_class = Type(Publisher)

        def enable_gui(self, gui: Any = None) -> None: ...

        def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
            record_error(outputs, etype, evalue)

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.enable_html_pager = False
    shell = Shell.instance(config=config)
    from matplotlib_inline.backend_inline import configure_inline_support

    configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    return shell


def student_traceback(error: BaseException, tb: TracebackType | None) -> str:
    """Format a traceback from the first frame of student code on, bounded."""
    here = os.path.abspath(__file__)
    while tb is not None and (
        os.path.abspath(tb.tb_frame.f_code.co_filename) == here or "/IPython/" in tb.tb_frame.f_code.co_filename
    ):
        tb = tb.tb_next
    with contextlib.suppress(Exception):
        text = "".join(traceback.format_exception(type(error), error, tb, limit=-12))
        return (
            text if len(text) < MAX_TRACEBACK else text[: MAX_TRACEBACK // 2] + "\n …\n" + text[-MAX_TRACEBACK // 2 :]
        )
    return type(error).__name__


def describe_error(error: BaseException) -> dict[str, str]:
    try:
        message = str(error)[:2000]
    except Exception:
        message = "(the exception has no readable text)"
    return {
        "type": type(error).__name__[:80],
        "message": message,
        "traceback": student_traceback(error, error.__traceback__),
    }


def record_error(outputs: list[dict[str, Any]], etype: Any, evalue: Any) -> None:
    error = evalue if isinstance(evalue, BaseException) else Exception(str(evalue)[:500])
    told = describe_error(error)
    with contextlib.suppress(Exception):  # as IPython has it, an exception may say itself how it is shown
        told["traceback"] = "\n".join(map(str, error._render_traceback_()))[:MAX_TRACEBACK]  # type: ignore[attr-defined]
    outputs.append(
        {
            "output_type": "error",
            "ename": told["type"],
            "evalue": told["message"],
            "traceback": told["traceback"].split("\n"),
        }
    )


# -- values of the library ----------------------------------------------------------------------------------------
def encode(value: Any) -> tuple[str, dict[str, Any]] | None:
    import sheaflab as lib

    if isinstance(value, lib.Sheaf):
        return "Sheaf", {"net": value.net, "x": value.x}
    if isinstance(value, lib.Network):
        return "Network", {"weights": list(value.weights), "biases": list(value.biases)}
    if isinstance(value, lib.Trajectory):
        return "Trajectory", {
            "times": value.times,
            "states": value.states,
            "log": list(value.log),
            "outcome": str(getattr(value.outcome, "value", value.outcome)),
        }
    if isinstance(value, lib.SwitchLog):
        return "SwitchLog", {"switches": list(value)}
    if isinstance(value, lib.Switch):
        names = ("time", "layer", "neuron", "before", "after", "energy", "slope_before", "slope_after")
        return "Switch", {name: getattr(value, name) for name in names}
    return None


def decoder(channel: Channel) -> Any:
    def decode(tag: str, parts: dict[str, Any]) -> Any:
        import numpy as np

        import sheaflab as lib

        if tag == "Network":
            return lib.Network(parts["weights"], parts["biases"])
        if tag == "Sheaf":
            return lib.Sheaf(parts["net"], parts["x"])
        if tag == "Seed":
            return np.random.default_rng(parts["seed"])
        if tag == "Callback":
            return lambda *args: call_back(channel, parts["id"], args)
        raise ProtocolError(f"unknown type {tag!r}")

    return decode


def call_back(channel: Channel, number: int, args: tuple[Any, ...]) -> Any:
    """A function of the grader's, handed to student code: ask the other side for its value."""
    channel.send({"callback": number, "args": list(args)})
    answer = channel.receive()
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["value"]


def describe_axes(ax: Any) -> dict[str, Any]:
    """What a reader would measure in the figure, as numbers and texts."""
    import numpy as np
    from matplotlib.colors import to_hex
    from matplotlib.patches import Rectangle

    def points(values: Any) -> Any:
        return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan), dtype=float)

    lines = [
        {
            "x": points(line.get_xdata()), "y": points(line.get_ydata()), "label": str(line.get_label()),
            "linestyle": str(line.get_linestyle()), "marker": str(line.get_marker()), "color": to_hex(line.get_color()),
        }
        for line in ax.lines
    ]  # fmt: skip
    bars, collections = [], []
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            box = {"x": patch.get_x(), "y": patch.get_y(), "width": patch.get_width(), "height": patch.get_height()}
            bars.append({**{k: float(v) for k, v in box.items()}, "color": to_hex(patch.get_facecolor())})
        else:
            xy = points(patch.get_path().vertices)
            collections.append({"kind": type(patch).__name__, "x": xy[:, 0], "y": xy[:, 1]})
    for item in ax.collections:
        xy = points(item.get_offsets())
        if not len(xy) or (len(xy) == 1 and item.get_paths() and type(item).__name__ != "PathCollection"):
            vertices = [points(path.vertices) for path in item.get_paths() if len(path.vertices)]
            xy = np.concatenate(vertices) if vertices else np.empty((0, 2))
        collections.append({"kind": type(item).__name__, "x": xy[:, 0], "y": xy[:, 1]})
    legend = ax.get_legend()
    return {
        "lines": lines, "bars": bars, "collections": collections,
        "xscale": ax.get_xscale(), "yscale": ax.get_yscale(), "xlabel": ax.get_xlabel(), "ylabel": ax.get_ylabel(),
        "title": ax.get_title(), "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
        "xlim": [float(v) for v in ax.get_xlim()], "ylim": [float(v) for v in ax.get_ylim()],
    }  # fmt: skip


# -- one child: a cell, or the calls of one exercise ----------------------------------------------------------------
class Child:
    """Serves one channel; `serve` returns when this process is to take over as guard, else it never returns."""

    def __init__(self, sock: socket.socket, shell: Any, outputs: list[dict[str, Any]]) -> None:
        self.channel = Channel(sock, encode)
        self.channel.decode = decoder(self.channel)
        self.shell, self.outputs = shell, outputs

    def serve(self) -> None:
        while True:
            request = self.channel.receive()
            if request["op"] == "adopt":
                set_cpu(None)
                return
            set_cpu(request["cpu"])
            self.outputs.clear()
            self.reply(self.cell(request["source"]) if request["op"] == "cell" else self.answer(request))

    def reply(self, answer: dict[str, Any]) -> None:
        try:
            self.channel.send(answer)
        except Unsendable as error:
            self.channel.send({"unsendable": str(error)[:400]})
        except Exception as error:
            self.channel.send({"raised": describe_error(error)})

    def cell(self, source: str) -> dict[str, Any]:
        streams = Sink("stdout", self.outputs), Sink("stderr", self.outputs)
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            result = self.shell.run_cell(source, store_history=True)
        if result.error_before_exec is not None and not any(o["output_type"] == "error" for o in self.outputs):
            record_error(self.outputs, type(result.error_before_exec), result.error_before_exec)
        flood = max(stream.count for stream in streams) > MAX_STREAM
        return {"outputs": list(self.outputs), "truncated": flood, "count": self.shell.execution_count - 1}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self.shell.user_ns.get(request["name"])
        if request["op"] == "has":
            return {"value": callable(found)}
        if not callable(found):
            return {"missing": type(found).__name__ if request["name"] in self.shell.user_ns else ""}
        sinks = Sink("stdout", self.outputs), Sink("stderr", self.outputs)
        try:
            with contextlib.redirect_stdout(sinks[0]), contextlib.redirect_stderr(sinks[1]), self.shell.builtin_trap:
                return {"value": self.perform(found, request)}
        except ProtocolError:
            raise
        except BaseException as error:
            return {"raised": describe_error(error)}

    def perform(self, found: Any, request: dict[str, Any]) -> Any:
        args, kwargs = request["args"], request["kwargs"]
        if request["op"] == "run":
            return getattr(found(**request["init"]), request["method"])(*args, **kwargs)
        if request["op"] == "call":
            return found(*args, **kwargs)
        import matplotlib.pyplot as plt

        plt.close("all")
        _, ax = plt.subplots()
        found(ax, *args, **kwargs)
        return describe_axes(ax)


def set_cpu(seconds: float | None) -> None:
    """Let this process use `seconds` more of CPU time; SIGXCPU ends it, and then the hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = hard if seconds is None else int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard) if hard >= 0 else soft, hard))


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

    tables, artists.kwdoc = artists.kwdoc, lambda artist: ""  # most of pyplot's import makes tables for its docstrings
    import matplotlib.pyplot as plt

    artists.kwdoc = tables
    import sheaflab.checks.problems
    import sheaflab.plots  # noqa: F401

    figure, ax = plt.subplots()
    ax.semilogy([1.0, 2.0], [1.0, 2.0], label="$t$")
    ax.legend()
    plt.close(figure)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    orders: dict[str, Any] = json.loads(sys.argv[2])
    os.umask(0o077)
    exact = confine.limit_processes(**orders["processes"])
    if not exact:
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
    if orders["files"] is not None:
        confine.restrict_files(**orders["files"])
    if orders["seccomp"]:
        confine.load_filter(bytes.fromhex(orders["seccomp"]))
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
