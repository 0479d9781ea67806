"""What a file really is that was handed in as a notebook: said to whoever has to hand in another one."""

from __future__ import annotations

import re

_BEGINNINGS = (
    (b"version https://git-lfs.github.com/spec", "a pointer of git-lfs, not the notebook itself; run `git lfs pull`"),
    (b"PK\x03\x04", "a zip archive or an Office document; unpack it"),
    (b"%PDF", "a PDF; hand in the notebook that it was made from"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\x89PNG", "a picture (PNG); hand in the notebook that it shows"),
    (b"\xff\xd8\xff", "a picture (JPEG); hand in the notebook that it shows"),
    (b"{\\rtf", "a text document (RTF); hand in the notebook"),
    (b"[InternetShortcut]", "a link to a page; download the notebook from there"),
    (b"/annex/objects/", "a pointer of git-annex, not the notebook itself; run `git annex get`"),
)
_CONFLICT = re.compile(rb"^<{7} .*?^={7}\s*$.*?^>{7} ", re.MULTILINE | re.DOTALL)
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_PYTHON = re.compile(rb"\s*(#.*\n\s*)*(# %%|import \w|from \w+ import|def \w+\()")


def described(raw: bytes) -> str:
    """Return what a file is that is no notebook, and what to do; empty if that cannot be told."""
    bare = raw.removeprefix(b"\xef\xbb\xbf")
    start = bare[:4096].lstrip()
    if not bare.strip(b"\0 \r\n\t"):
        return "an empty file; save the notebook and hand it in again"
    for beginning, what in _BEGINNINGS:
        if start.startswith(beginning):
            return what
    if _HTML.match(start):
        return "a web page; in the browser, download the notebook itself (File, Download) instead of saving the page"
    if start.startswith(b"<"):
        return "a text in XML; hand in the notebook"
    if _CONFLICT.search(bare[: 2**23]):
        return "a file with conflict markers of git (<<<<<<<); resolve the conflict, open it in Jupyter and save it"
    if _PYTHON.match(start):
        return "a Python program; hand in the notebook"
    if start.startswith(b"{") and not bare.rstrip(b"\0 \r\n\t").endswith(b"}"):
        return "a notebook whose end is missing; the download or the upload was broken off, hand it in again"
    return ""
