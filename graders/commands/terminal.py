"""What commands print, made safe for a terminal: students' names and messages may hold control characters."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from graders.lab.printing import escaped


class PlainStream:
    """A text stream that escapes all control characters but line breaks and tabs."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write `text`; a bar that shows progress begins with a carriage return."""
        first = "\r" if text.startswith("\r") else ""
        self.stream.write(first + escaped(text[len(first) :], kept="\n\t"))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def plain_streams() -> Iterator[None]:
    """Let all that this process prints pass through :class:`PlainStream`."""
    with (
        contextlib.redirect_stdout(PlainStream(sys.stdout)),
        contextlib.redirect_stderr(PlainStream(sys.stderr)),
    ):
        yield
