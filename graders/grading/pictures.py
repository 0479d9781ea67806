"""Pictures in a text cell: pasted, written out as data or lying beside the notebook, they all become attachments."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from graders.sandbox.inside.protocol import encodable

MAX_PICTURES = 8 * 2**20
"""Characters of the pictures that are pasted into one text cell, about."""
_PICTURE = re.compile(r"image/(png|jpeg|gif|webp)")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_DATA = re.compile(r"data:(image/(?:png|jpe?g|gif|webp));base64,([A-Za-z0-9+/=]+|(?:%[0-9A-F]{2})+)")
_TAG = re.compile(
    r"<img\b[^>]{0,2000}?\bsrc\s*=\s*(?:\"([^\"<>]+)\"|'([^'<>]+)'|([^\"'>\s]+))[^>]{0,2000}>", re.IGNORECASE
)
_LINK = re.compile(r"(!\[[^\]\n]{0,1000}\]\(\s*)<?([^)\s>]+)>?(\s+[\"'][^\n]{0,300}[\"'])?\s*\)")
_BEGINNINGS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Return the pictures among a cell's attachments, whatever it has: of formats that hold no program, and bounded."""
    kept: dict[str, dict[str, str]] = {}
    left = MAX_PICTURES
    for name, formats in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in formats.items() if isinstance(formats, dict) else ():
            fits = isinstance(data, str) and len(data) <= left and _PICTURE.fullmatch(kind) and _BASE64.fullmatch(data)
            if fits and len(name) < 200 and encodable(name) == name:
                kept.setdefault(name, {})[kind] = "".join(data.split())
                left -= len(data)
    return kept


def _room(attached: Mapping[str, Mapping[str, str]]) -> int:
    return MAX_PICTURES - sum(len(data) for formats in attached.values() for data in formats.values())


def unpacked(source: str, attached: dict[str, dict[str, str]]) -> str:
    """Move pictures that are written out in a text to `attached`; return the text with their names in their place."""

    def move(found: re.Match[str]) -> str:
        if len(found[2]) > _room(attached):
            return f"(a picture of {len(found[2])} characters, left out by the grader)"
        name = f"written-out-{len(attached) + 1}"
        attached[name] = {found[1].replace("jpg", "jpeg"): found[2]}
        return f"attachment:{name}"

    return _DATA.sub(move, source)


def arranged(
    source: str, attached: Mapping[str, Mapping[str, str]], files: Mapping[str, bytes], notes: list[str]
) -> tuple[str, dict[str, dict[str, str]]]:
    """Return a text and the pictures in it, under plain names, with those that lie beside the notebook among them.

    What a text names and nobody has is said in the text: nbconvert makes no page of such a cell.
    """
    known, names = {name: dict(formats) for name, formats in attached.items()}, dict[str, str]()
    by_name = {path.lower(): path for path in files}

    def place(where: str) -> str:
        """The name under which a picture is attached; empty for what is none."""
        inside, name = where.startswith("attachment:"), unquote(where.removeprefix("attachment:"))
        if inside:
            name = name if name in known else where.removeprefix("attachment:")
        else:
            path = posixpath.normpath(name.partition("?")[0].replace("\\", "/"))
            name = "beside/" + path
            raw = files.get(path, files.get(by_name.get(path.lower(), "")))
            kind = next((kind for start, kind in _BEGINNINGS.items() if raw and raw.startswith(start)), None)
            if name not in known and raw is not None and kind is not None:
                if len(raw) * 4 / 3 > _room(known):
                    notes.append(f"The picture {path} is too large for a page; it lies beside the notebook.")
                    return ""
                known[name] = {kind: base64.b64encode(raw).decode()}
        return names.setdefault(name, f"picture-{len(names) + 1}") if name in known else ""

    def replaced(whole: str, before: str, where: str, after: str) -> str:
        if name := place(where):
            return f"{before}attachment:{name}{after}"
        lost = where.removeprefix("attachment:")
        return whole if lost == where else f"(the picture {lost} is not in the notebook)"

    def as_link(tag: re.Match[str]) -> str:
        where = quote((tag[1] or tag[2] or tag[3]).strip(), safe="/:%")
        return f"![]({where})" if where.startswith("attachment:") or place(where) else tag[0]

    source = _TAG.sub(as_link, source)
    source = _LINK.sub(lambda link: replaced(link[0], link[1], link[2], f"{link[3] or ''})"), source)
    return source, {names[name]: formats for name, formats in known.items() if name in names}
