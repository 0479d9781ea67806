"""Texts for people: those of students without control characters, and numbers with what they count."""

from __future__ import annotations

import unicodedata


def counted(number: float, one: str, many: str = "") -> str:
    """Return a number with what it counts, in the singular for 1.

    >>> counted(1, "point"), counted(2.5, "point"), counted(0, "penalty", "penalties")
    ('1 point', '2.5 points', '0 penalties')
    """
    return f"{number:g} {one if number == 1 else many or one + 's'}"


def printable(text: str, length: int = 160) -> str:
    r"""Return text without anything that a terminal obeys: control and direction characters become escapes.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    shown = escaped(text[: length + 1])
    return shown if len(text) <= length else f"{shown[:length]}… ({len(text)} characters)"


def escaped(text: str, kept: str = "") -> str:
    r"""Return text in which control, direction and other invisible characters are escapes, but for those in `kept`.

    >>> escaped("a\x1b[31m\n", kept="\n")
    'a\\x1b[31m\n'
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c)[0] == "C" and c not in kept else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
