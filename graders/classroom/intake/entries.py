"""What is known of a file or of an archive's entry before it is taken."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

from graders.classroom.intake.records import Refused

Place = Path | zipfile.ZipInfo
"""Where a file is, on the disk or in an archive."""
FAULTS = (
    OSError, ValueError, RuntimeError, EOFError, MemoryError, OverflowError, RecursionError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
"""What reading a file of any content may raise."""
_HASHED = 2**27  # bytes of a large file that are looked at


def decoded(info: zipfile.ZipInfo) -> str:
    """Return an entry's name; programs of macOS write UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def pieces_of(info: zipfile.ZipInfo) -> list[str]:
    """Return the parts of an entry's name."""
    name = decoded(info)
    if "\\" in name and "/" not in name:
        name = name.replace("\\", "/")  # some programs of Windows
    return [piece for piece in name.split("/") if piece not in ("", ".")]


def date_of(info: zipfile.ZipInfo) -> float | None:
    """Return an entry's date in seconds, in no known zone; None if it is none, or 1980 as some programs write."""
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp() if info.date_time[0] > 1980 else None
    except ValueError:
        return None


def mark_of(at: Place) -> str:
    """Return what tells a file, or an archive's entry, from another at its place; empty if nothing does.

    No link is followed, and nothing is waited for. An entry may be encrypted, or too much to read.
    """
    if isinstance(at, zipfile.ZipInfo):
        return f"entry {at.CRC:08x} {at.compress_size} {at.file_size}"
    try:
        status = at.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link {os.readlink(at)}"
        if not stat.S_ISREG(status.st_mode):
            return f"{stat.filemode(status.st_mode)[0]} {status.st_mtime_ns}"
        with open(at, "rb", opener=_plainly) as file:
            digest = hashlib.sha256()
            while file.tell() < _HASHED and (block := file.read(2**20)):
                digest.update(block)
            return f"{digest.hexdigest()} {status.st_size}"
    except (OSError, ValueError):  # it is not there any more, may not be read, or has a name that no system knows
        return ""


def _plainly(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def kind_of(mode: int) -> str:
    """Return what is no plain file, by its mode."""
    return {
        stat.S_IFLNK: "a link", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder",
        stat.S_IFBLK: "a device", stat.S_IFCHR: "a device",
    }.get(stat.S_IFMT(mode), "something else")  # fmt: skip


def reason_of(error: BaseException) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, MemoryError):
        return "reading it takes more memory than it may"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return f"damaged, or packed in an unknown way ({type(error).__name__}: {str(error)[:200]})"
