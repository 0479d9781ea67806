"""What a cell shows, as it came from the worker or from a file: checked, bounded, plain."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any

from graders.sandbox.inside.protocol import ProtocolError
from graders.status import Status

MAX_TEXT = 64 * 1024
MAX_OUTPUTS = 64
MAX_HANDED_IN = 4 * 2**20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")  # all but \t and \n
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class CellRun:
    """What became of one cell."""

    status: Status
    message: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None


def broken_cell(status: Status, message: str) -> CellRun:
    output = {
        "output_type": "error",
        "ename": status.label,
        "evalue": message,
        "traceback": [f"{status.label}: {message}"],
    }
    return CellRun(status, message, [output])


def read_cell(answer: Any) -> CellRun:
    """Check a worker's answer to a cell and keep the kinds of output that can do no harm in a page."""
    if not isinstance(answer, dict):
        raise ProtocolError("the answer to a cell is no dictionary")
    if "outputs" not in answer:
        return broken_cell(Status.BAD_VALUE, "the cell's outputs cannot be read")
    outputs, status, message = [], Status.OK, ""
    raw = answer["outputs"]
    if not isinstance(raw, list):
        raise ProtocolError("the outputs of a cell are no list")
    count = answer.get("count")
    count = count if type(count) is int and 0 <= count < 10**6 else None
    for item in raw[:MAX_OUTPUTS]:
        clean = clean_output(item, count)
        if clean is not None:
            outputs.append(clean)
            if clean["output_type"] == "error":
                status, message = Status.RAISED, f"{clean['ename']}: {clean['evalue']}"
    if answer.get("truncated") is True:
        outputs.append({"output_type": "stream", "name": "stderr", "text": "(output cut off by the grader)\n"})
    return CellRun(status, message, outputs, count)


def clean_output(item: Any, count: int | None) -> dict[str, Any] | None:
    """Return a well-formed notebook output made of plain text and PNG only, or None."""
    if not isinstance(item, dict):
        return None
    kind = item.get("output_type")
    if kind == "stream":
        return {
            "output_type": kind,
            "name": "stderr" if item.get("name") == "stderr" else "stdout",
            "text": text_of(item.get("text")),
        }
    if kind == "error":
        trace = item.get("traceback")
        lines = [text_of(line) for line in trace[:200]] if isinstance(trace, list) else []
        return {
            "output_type": kind,
            "ename": text_of(item.get("ename")),
            "evalue": text_of(item.get("evalue")),
            "traceback": lines,
        }
    data = item.get("data")
    if kind not in ("display_data", "execute_result") or not isinstance(data, dict):
        return None
    kept = {}
    if isinstance(data.get("text/plain"), str):
        kept["text/plain"] = text_of(data["text/plain"])
    if isinstance(image := data.get("image/png"), str):
        try:
            pixels = base64.b64decode(image, validate=True)
        except (ValueError, binascii.Error):
            pixels = b""
        if pixels.startswith(PNG) and len(pixels) <= 2 * 2**20:
            kept["image/png"] = base64.b64encode(pixels).decode()
    if not kept:
        return None
    clean: dict[str, Any] = {"output_type": kind, "data": kept, "metadata": {}}
    if kind == "execute_result":
        clean["execution_count"] = count
    return clean


def handed_in(outputs: Any) -> list[dict[str, Any]]:
    """Return what a student's own file shows below a cell, with the same care; files may hold texts in pieces."""
    kept, size = list[dict[str, Any]](), 0
    for item in outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else []:
        if not isinstance(item, dict):
            continue
        data = item.get("data")
        whole = {**item, "text": _joined(item.get("text"))}
        if isinstance(data, dict):
            whole["data"] = {
                kind: _joined(data.get(kind)).strip("\n") for kind in ("text/plain", "image/png") if kind in data
            }
        clean = clean_output(whole, None)
        if clean is not None:
            size += len(str(clean))
            if size > MAX_HANDED_IN:
                break
            kept.append(clean)
    return kept


def _joined(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    return "".join(part for part in parts if isinstance(part, str))


def text_of(value: Any) -> str:
    """Return a bounded text without control characters, or an empty one."""
    if not isinstance(value, str):
        return ""
    return _CONTROL.sub("", value[:MAX_TEXT])
