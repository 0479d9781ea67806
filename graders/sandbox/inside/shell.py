"""An IPython shell whose outputs are kept, bounded, and errors as their author sees them."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import traceback
from collections.abc import Sequence
from typing import Any

MAX_STREAM = 64 * 1024
MAX_FLOOD = 128 * 2**20  # a chatty answer prints tens of MB in the CPU time of a call: that costs nothing but time
MAX_IMAGE, MAX_IMAGES = 2 * 2**20, 3 * 2**20  # one, and all of a cell; a frame holds 4 MiB
MAX_OUTPUTS = 64
MAX_TRACEBACK = 6000


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
        for format_ in ("image/png", "image/jpeg", "image/gif", "image/svg+xml"):
            image = data.get(format_)
            if isinstance(image, bytes):
                image = base64.b64encode(image).decode()
            if not isinstance(image, str):
                continue
            shown = sum(len(text) for o in outputs for k, text in o.get("data", {}).items() if k.startswith("image/"))
            if len(image) <= MAX_IMAGE and shown + len(image) <= MAX_IMAGES:
                kept[format_] = image
            else:
                kept["text/plain"] = "(an image that is too large to keep)"
            break
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

        def enable_matplotlib(self, gui: Any = None) -> Any:
            return super().enable_matplotlib("inline")  # a window or a widget would show nothing here

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


def in_pieces(outputs: Sequence[dict[str, Any]], size: int = 2**19) -> list[dict[str, Any]]:
    """Return outputs as a frame can hold them: long texts of pictures as lists of pieces, as in notebook files."""
    made = []
    for output in outputs:
        data = {
            kind: [text[start : start + size] for start in range(0, len(text), size)] if len(text) > size else text
            for kind, text in output.get("data", {}).items()
        }
        made.append({**output, "data": data} if data else output)
    return made


def student_traceback(error: BaseException, own: Sequence[str] = ()) -> str:
    """Format a traceback without frames that lie in this folder, in IPython or in a folder of `own`; bounded."""
    folders = (os.path.dirname(os.path.abspath(__file__)), *own)
    with contextlib.suppress(Exception):
        told = traceback.TracebackException(type(error), error, error.__traceback__, limit=-24, compact=True)
        told.stack[:] = [
            frame
            for frame in told.stack
            if os.path.dirname(os.path.abspath(frame.filename)) not in folders and "/IPython/" not in frame.filename
        ][-12:]
        text = "".join(told.format())
        return (
            text if len(text) < MAX_TRACEBACK else text[: MAX_TRACEBACK // 2] + "\n …\n" + text[-MAX_TRACEBACK // 2 :]
        )
    return type(error).__name__


def describe_error(error: BaseException, own: Sequence[str] = ()) -> dict[str, str]:
    try:
        message = str(error)[:2000]
    except Exception:
        message = "(the exception has no readable text)"
    return {
        "type": type(error).__name__[:80],
        "message": message,
        "traceback": student_traceback(error, own),
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
