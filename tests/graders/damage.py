"""Accidents that happen to notebook files, drawn by hypothesis, and what of the work in them is still there."""

from __future__ import annotations

import json

import nbformat
from hypothesis import strategies as st

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def damage(draw, data):
    """One accident: to the cells, a cell, its metadata, or the file as a whole."""
    cells = data["cells"]
    kind = draw(
        st.sampled_from(["delete", "double", "swap", "retype", "rename", "key", "junk", "meta", "top", "source"])
    )
    index = draw(st.integers(0, max(len(cells) - 1, 0)))
    if not cells:
        return
    if not isinstance(cells[index], dict) or kind == "delete":
        cells.pop(index)
    elif kind == "double":
        cells.insert(draw(st.integers(0, len(cells))), json.loads(json.dumps(cells[index])))
    elif kind == "swap":
        other = draw(st.integers(0, len(cells) - 1))
        cells[index], cells[other] = cells[other], cells[index]
    elif kind == "retype":
        cells[index]["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw", "heading", 3, None]))
    elif kind == "rename":
        cells[index].setdefault("metadata", {})
        if isinstance(cells[index]["metadata"], dict):
            names = ["ex-1-1", "ex-1-2", "grade-1-1", "check-1-1", "text-1", "written-1-W", "x", 5, None]
            cells[index]["metadata"]["nbgrader"] = {"grade_id": draw(st.sampled_from(names))}
    elif kind == "key":
        if cells[index]:
            cells[index].pop(draw(st.sampled_from(sorted(cells[index]))))
    elif kind == "junk":
        cells[index] = draw(junk)
    elif kind == "meta":
        cells[index]["metadata"] = draw(junk)
    elif kind == "source":
        cells[index]["source"] = draw(junk)
    else:
        data[draw(st.sampled_from(["metadata", "nbformat", "nbformat_minor", "extra"]))] = draw(junk)


def damaged(draw, notebook):
    """Return the bytes of a notebook after one to six accidents, one file in ten cut into pieces as well."""
    data = json.loads(nbformat.writes(notebook))
    for _ in range(draw(st.integers(1, 6))):
        damage(draw, data)
    raw = json.dumps(data).encode()
    if draw(st.integers(0, 9)) == 0:
        cut = draw(st.integers(0, len(raw)))
        raw = raw[:cut] + draw(st.binary(max_size=5)) + raw[cut + draw(st.integers(0, 20)) :]
    return raw


def intact(raw, name, source):
    """Whether a solution still stands in the file, letter for letter: in a code cell, or under its own name."""
    try:
        cells = json.loads(raw)["cells"]
    except (ValueError, KeyError, TypeError):
        return False
    for cell in cells:
        if isinstance(cell, dict) and cell.get("source") in (source, source.splitlines(keepends=True)):
            meta = cell.get("metadata")
            extra = meta.get("nbgrader") if isinstance(meta, dict) else None
            if cell.get("cell_type") == "code" or (isinstance(extra, dict) and extra.get("grade_id") == name):
                return True
    return False
