"""A submitted file, read with care: bounded before it is decoded, and made plain before anybody looks into it."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from graders.grading.kinds import described
from graders.grading.pictures import pictures, unpacked
from graders.sandbox.inside.protocol import encodable

MAX_FILE = 96 * 2**20
MAX_DECODED = 48 * 2**20
"""Bytes of a file that are decoded; outputs are left out of a larger one first."""
MAX_CELLS = 6000
MAX_SOURCE = 2**20
MAX_CODE = 3 * 2**20
"""Characters of a code cell: it is run whole or not at all."""
MAX_SOURCES = 8 * 2**20
MAX_TEXTS, MAX_CONTAINERS, MAX_VALUES = 1_000_000, 200_000, 1_000_000
"""What the JSON of a file may hold: texts; lists and dictionaries; values in them."""


class Unreadable(Exception):
    """The file is no notebook; the text says why."""


class _TooMuch(Unreadable):
    """Decoded, the file would be too large; without its outputs it may not."""


def read(raw: bytes, notes: list[str] | None = None) -> dict[str, Any]:
    """Return the JSON data of a notebook file; where that is too much, without the outputs of its cells.

    Parameters
    ----------
    raw : bytes
    notes : list of str, optional
        What was left out is added to it.

    Raises
    ------
    Unreadable
        If the file is too large, not UTF-8, not JSON or no notebook; the text says what it is, if that can be told.
    """
    try:
        return _read(raw)
    except _TooMuch:
        if len(raw) > MAX_FILE:
            raise
        data = _read(without_outputs(raw))
    (notes if notes is not None else []).append(OUTPUTS_LEFT_OUT)
    return data


def _read(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_DECODED:
        allowed = f"{MAX_FILE // 2**20} MB ({MAX_DECODED // 2**20} MB without outputs)"
        raise _TooMuch(f"the file has {len(raw) / 2**20:.0f} MB, more than the {allowed} allowed; clear its outputs")
    for codec in ("utf-8-sig", "utf-16"):
        if codec == "utf-16" and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            raise Unreadable(_said("the file is not UTF-8 text", raw))
        with contextlib.suppress(UnicodeDecodeError):
            text = raw.decode(codec)
            break
    else:
        raise Unreadable("the file is neither UTF-8 nor UTF-16 text")
    _count(text)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_said(f"the file is not JSON ({str(error)[:100]})", raw)) from None
    if not isinstance(data, dict):
        raise Unreadable("the file is JSON, but no notebook")
    return data


def _said(problem: str, raw: bytes) -> str:
    what = described(raw)
    return f"{problem}: it is {what}" if what else problem


OUTPUTS_LEFT_OUT = "What your cells had shown was too much to be read and was left out; the code was run and graded."
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)
_LIST = re.compile(rb"\s*:\s*(?=\[)")


def without_outputs(raw: bytes) -> bytes:
    """Return the text of a notebook file with empty lists for its cells' outputs, read from bracket to bracket only."""
    kept, start, depth = list[bytes](), 0, 0
    skipped = -1  # depth at which a list of outputs began
    for found in _TOKEN.finditer(raw):
        token = found[0]
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
            if depth == skipped:
                start, skipped = found.start(), -1
        elif skipped < 0 and token == b'"outputs"' and (opens := _LIST.match(raw, found.end())):
            kept.append(raw[start : opens.end() + 1])
            skipped = depth
    return b"".join([*kept, raw[start:] if skipped < 0 else b""])


def plain_cells(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a notebook as plain dictionaries.

    Keys: cell_type, source, grade_id, outputs as they came, pictures, and cut, whether a bound has cut something off.

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
    found = [_plain(cell) for cell in cells if isinstance(cell, dict)]
    if len(found) > MAX_CELLS:
        found = [cell for cell in found if cell["source"].strip() or cell["grade_id"]]
    if len(found) > MAX_CELLS:
        cut = f"{CUT} of {len(found)} cells the first {MAX_CELLS} were read]"
        found[MAX_CELLS:] = [_plain({"cell_type": "markdown", "source": cut})]
    if not found:
        raise Unreadable("the notebook has no cells")
    if sum(len(cell["source"]) for cell in found) > MAX_SOURCES:
        raise Unreadable(f"the notebook's cells hold more than {MAX_SOURCES // 2**20} MB of text; outputs do not count")
    return found


def _count(text: str) -> None:
    """Refuse a text of which many small values would be made: in memory they take forty times as much."""
    bare = text.replace("\\\\", "").replace('\\"', "")  # what is left of quotes opens or closes a text
    told = "the file holds more {} than any notebook, with or without its outputs"
    if bare.count('"') > 2 * MAX_TEXTS:
        raise _TooMuch(told.format("texts"))
    outside = "".join(bare.split('"')[::2])
    if outside.count("[") + outside.count("{") > MAX_CONTAINERS:
        raise _TooMuch(told.format("lists"))
    if outside.count(",") > MAX_VALUES:
        raise _TooMuch(told.format("values"))


def _plain(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        source = ""
    kind = cell.get("cell_type")
    attached = pictures(cell.get("attachments"))
    source, cut = _bounded(source.replace("\r\n", "\n"), kind, attached)
    meta = cell.get("metadata")
    extra = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = extra.get("grade_id") if isinstance(extra, dict) else None
    return {
        "cell_type": kind if kind in ("code", "markdown", "raw") else "markdown",
        "source": source,
        "grade_id": name if isinstance(name, str) else "",
        "outputs": cell.get("outputs"),
        "pictures": attached,
        "cut": cut,
    }


CUT = "[cut off by the grader:"
"""How the line begins that stands where a bound has cut something off; a person looks at the rest."""


def _bounded(source: str, kind: object, attached: dict[str, dict[str, str]]) -> tuple[str, bool]:
    """Return a cell's text within bounds, and whether it was cut; pictures in it become attachments and are no text."""
    if kind == "code":
        if len(source) <= MAX_CODE:
            return encodable(source), False
        return f"# {CUT} this cell has {len(source)} characters, more than the {MAX_CODE} that are run]", True
    source = encodable(unpacked(source, attached))
    if len(source) <= MAX_SOURCE:
        return source, False
    return f"{source[:MAX_SOURCE]}\n\n{CUT} of {len(source)} characters the first {MAX_SOURCE} are shown]", True
