"""Damaged notebooks: each becomes one that can be graded, or says why not; honest work is found again."""

from __future__ import annotations

import json

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator

from graders.release import grade_id
from graders.repair import parse, repair
from graders.status import Status

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
            cells[index]["metadata"]["nbgrader"] = {
                "grade_id": draw(st.sampled_from(["ex-1-1", "grade-1-1", "x", 5, None]))
            }
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


@given(st.data())
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_thousand_damaged_notebooks_can_all_be_graded(mini, submit, data):
    notebook = json.loads(nbformat.writes(submit()))
    for _ in range(data.draw(st.integers(1, 6))):
        damage(data.draw, notebook)
    raw = json.dumps(notebook).encode()
    if data.draw(st.integers(0, 9)) == 0:
        cut = data.draw(st.integers(0, len(raw)))
        raw = raw[:cut] + data.draw(st.binary(max_size=5)) + raw[cut + data.draw(st.integers(0, 20)) :]
    spec = mini.notebooks[0]
    mended = repair(raw, mini, spec)
    nbformat.validate(mended.notebook)
    MetadataValidator().validate_nb(mended.notebook)
    names = [grade_id(cell) for cell in mended.notebook.cells if grade_id(cell)]
    assert len(names) == len(set(names))
    for exercise in spec.exercises:
        assert {exercise.grade_cell, exercise.solution_cell} <= set(names)
    if mended.status is not Status.OK:
        assert mended.notes


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_end_in_a_notebook_and_a_reason(mini, raw):
    mended = repair(raw, mini, mini.notebooks[0])
    assert mended.status is Status.UNREADABLE
    assert mended.notes


def test_a_lost_name_is_found_by_the_function(mini, submit):
    notebook = submit(ex_1_1="def double(x):\n    return x + x")
    cell = next(cell for cell in notebook.cells if grade_id(cell) == "ex-1-1")
    cell.metadata = nbformat.from_dict({})
    mended = repair(nbformat.writes(notebook).encode(), mini, mini.notebooks[0])
    found = next(cell for cell in mended.notebook.cells if grade_id(cell) == "ex-1-1")
    assert "x + x" in found.source
    assert not mended.missing
    assert "found by its function double" in mended.notes[0]


def test_a_missing_cell_is_told(mini, submit, grade):
    notebook = submit()
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != "ex-1-1"]
    result = grade(notebook)
    assert result.exercises[0].status is Status.CELL_MISSING
    assert result.earned == 7
    assert "missing from your notebook" in result.exercises[0].text()


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf{}", b"{}", b'{"cells": 3}', b'{"cells": []}', b"null", b"[]"])
def test_json_that_is_no_notebook_is_unreadable(mini, raw):
    assert repair(raw, mini, mini.notebooks[0]).status is Status.UNREADABLE


def test_old_worksheets_are_read():
    assert parse(b'{"worksheets": [{"cells": [{"cell_type": "code", "input": ["a\\n", "b"]}]}]}')[0]["source"] == "a\nb"
