"""A submitted file, read with care: bounded before it is decoded, and made plain before anybody looks into it."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from graders.sandbox.inside.protocol import encodable

MAX_FILE = 48 * 2**20
MAX_CELLS = 2000
MAX_SOURCE = 2**20
MAX_SOURCES = 8 * 2**20
MAX_PICTURES = 8 * 2**20
"""Characters of the pictures that are pasted into one text cell, about."""
MAX_TEXTS, MAX_CONTAINERS, MAX_VALUES = 1_000_000, 200_000, 1_000_000
"""What the JSON of a file may hold: texts; lists and dictionaries; values in them."""


class Unreadable(Exception):
    """The file is no notebook; the text says why."""


def read(raw: bytes) -> dict[str, Any]:
    """Return the JSON data of a notebook file.

    Raises
    ------
    Unreadable
        If the file is too large, not UTF-8, not JSON or no notebook.
    """
    if len(raw) > MAX_FILE:
        raise Unreadable(
            f"the file has {len(raw) / 2**20:.0f} MB, more than the {MAX_FILE // 2**20} MB allowed; clear its outputs"
        )
    for codec in ("utf-8-sig", "utf-16"):
        if codec == "utf-16" and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            raise Unreadable("the file is not UTF-8 text")
        with contextlib.suppress(UnicodeDecodeError):
            text = raw.decode(codec)
            break
    else:
        raise Unreadable("the file is neither UTF-8 nor UTF-16 text")
    _count(text)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the file is not JSON ({str(error)[:100]})") from None
    if not isinstance(data, dict):
        raise Unreadable("the file is JSON, but no notebook")
    return data


def plain_cells(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a notebook as plain dictionaries: cell_type, source, grade_id, outputs as they came.

    Raises
    ------
    Unreadable
        If there are none.
    """
    cells = data.get("cells")
    if cells is None and isinstance(sheets := data.get("worksheets"), list):  # nbformat 3
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON, but has no cells")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"the notebook has {len(cells)} cells, more than the {MAX_CELLS} allowed")
    found = [_plain(cell) for cell in cells if isinstance(cell, dict)]
    if not found:
        raise Unreadable("the notebook has no cells")
    if sum(len(cell["source"]) for cell in found) > MAX_SOURCES:
        raise Unreadable(f"the notebook's cells hold more than {MAX_SOURCES // 2**20} MB of text; outputs do not count")
    return found


def _count(text: str) -> None:
    """Refuse a text of which many small values would be made: in memory they take forty times as much."""
    bare = text.replace("\\\\", "").replace('\\"', "")  # what is left of quotes opens or closes a text
    told = "the file holds more {} than any notebook; clear its outputs"
    if bare.count('"') > 2 * MAX_TEXTS:
        raise Unreadable(told.format("texts"))
    outside = "".join(bare.split('"')[::2])
    if outside.count("[") + outside.count("{") > MAX_CONTAINERS:
        raise Unreadable(told.format("lists"))
    if outside.count(",") > MAX_VALUES:
        raise Unreadable(told.format("values"))


def _plain(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        source = ""
    source = encodable(source[:MAX_SOURCE]).replace("\r\n", "\n")
    kind = cell.get("cell_type")
    meta = cell.get("metadata")
    extra = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = extra.get("grade_id") if isinstance(extra, dict) else None
    return {
        "cell_type": kind if kind in ("code", "markdown", "raw") else "markdown",
        "source": source,
        "grade_id": name if isinstance(name, str) else "",
        "outputs": cell.get("outputs"),
        "pictures": pictures(cell.get("attachments")),
    }


_PICTURE = re.compile(r"image/(png|jpeg|gif|webp)")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


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
