"""What the terminal can show."""

from __future__ import annotations

import os
import sys

from sheaflab.study.words import Paint


def terminal_paint() -> Paint:
    """Return the marks and colours for standard output: none in a file, or where the reader wants none."""
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return Paint(on=colours, encoding=sys.stdout.encoding or "utf-8")  # text in memory has no encoding


def clearing() -> str:
    """Return what clears the screen and what can be scrolled back to; nothing where there is no screen."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return ""
    if os.name == "nt":
        os.system("")  # after any command Windows' own console understands what follows
    return "\033[2J\033[3J\033[H"
