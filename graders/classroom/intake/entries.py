"""What an archive says of an entry before anything of it is read."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime


def decoded(info: zipfile.ZipInfo) -> str:
    """Return an entry's name; programs of macOS write UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def date_of(info: zipfile.ZipInfo) -> float | None:
    """Return an entry's date in seconds, in no known zone; None if it is none, or 1980 as some programs write."""
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp() if info.date_time[0] > 1980 else None
    except ValueError:
        return None
