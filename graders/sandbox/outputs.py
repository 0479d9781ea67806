"""What a cell shows, as it came from the worker or from a file: checked, bounded, plain."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any

from graders.sandbox.inside.protocol import ProtocolError, encodable
from graders.sandbox.private import without_paths
from graders.status import Status

MAX_TEXT = 64 * 1024
MAX_OUTPUTS = 64
MAX_SHOWN = 8 * 2**20
"""Characters of all outputs of a notebook together, about."""
LEFT_OUT = {
    "output_type": "stream",
    "name": "stderr",
    "text": f"(output left out by the grader: the notebook shows more than {MAX_SHOWN // 2**20} MB)\n",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but \t and \n; C1 holds a terminal's other escape
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
SVG = "image/svg+xml"
SHOWN = ("text/plain", *PICTURES, SVG)
"""What a cell may show; a drawing may hold a program, so a page has it only as a picture."""


def is_drawing(text: str) -> bool:
    """Whether a text is SVG that declares no entities, of which a few can grow to gigabytes."""
    return "<svg" in text and "<!ENTITY" not in text


@dataclass
class CellRun:
    """What became of one cell."""

    status: Status
    message: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None


class Shown:
    """What the cells of one notebook show together, bounded: pages are made of it."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}

    def bounded(self, place: int, run: CellRun) -> CellRun:
        """Return a cell's run with its outputs, or with a line in their place if there is no room for them."""
        run.outputs = self.outputs(place, run.outputs)
        return run

    def outputs(self, place: int, outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the outputs of the cell at `place`, or a line that says that there is no room for them."""
        self._sizes.pop(place, None)
        size = sum(map(_size, outputs))
        if sum(self._sizes.values()) + size > MAX_SHOWN:
            errors = [output for output in outputs if output["output_type"] == "error"]
            return [LEFT_OUT.copy(), *(errors if sum(map(_size, errors)) < MAX_TEXT else [])]
        self._sizes[place] = size
        return outputs


def _size(output: dict[str, Any]) -> int:
    texts = (output.get("text"), output.get("evalue"), *output.get("traceback", ()), *output.get("data", {}).values())
    return 64 + sum(len(text) for text in texts if text)


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
    """Return a well-formed notebook output made of plain text and pictures only, or None."""
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
    data = {kind: text for kind in SHOWN if (text := _joined(data.get(kind)))}
    kept = {}
    if isinstance(data.get("text/plain"), str):
        kept["text/plain"] = text_of(data["text/plain"])
    for format_, begins in PICTURES.items():
        if isinstance(image := data.get(format_), str):
            try:
                pixels = base64.b64decode("".join(image.split()), validate=True)
            except (ValueError, binascii.Error):
                pixels = b""
            if pixels.startswith(begins) and len(pixels) <= 2 * 2**20:
                kept[format_] = base64.b64encode(pixels).decode()
    if isinstance(drawing := data.get(SVG), str) and len(drawing) <= 2 * 2**20 and is_drawing(drawing):
        kept[SVG] = encodable(_CONTROL.sub("", drawing))
    if not kept:
        return None
    clean: dict[str, Any] = {"output_type": kind, "data": kept, "metadata": {}}
    if kind == "execute_result":
        clean["execution_count"] = count
    return clean


def handed_in(outputs: Any) -> list[dict[str, Any]]:
    """Return what a student's own file shows below a cell, with the same care; files may hold texts in pieces."""
    kept = list[dict[str, Any]]()
    for item in outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else []:
        if not isinstance(item, dict):
            continue
        clean = clean_output({**item, "text": _joined(item.get("text"))}, None)
        if clean is not None:
            kept.append(clean)
    return kept


def _joined(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    return "".join(part for part in parts if isinstance(part, str))


def text_of(value: Any) -> str:
    """Return a bounded text that can be encoded, without control characters and paths; empty if `value` is no text."""
    if not isinstance(value, str):
        return ""
    return without_paths(encodable(_CONTROL.sub("", value[:MAX_TEXT])))
