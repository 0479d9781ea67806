"""Damaged notebooks: each becomes one that can be graded, or says why not; honest work is found again."""

from __future__ import annotations

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator

from graders.grading.reading import plain_cells, read
from graders.grading.repair import repair
from graders.lab.percent import grade_id, shared_template, template
from graders.status import Status
from tests.graders.damage import damaged


@given(st.data())
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_a_thousand_damaged_notebooks_can_all_be_graded(mini, submit, data):
    raw = damaged(data.draw, submit())
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


def test_a_submission_leaves_no_trace_in_the_release_that_the_next_is_held_against(mini, submit):
    spec = mini.notebooks[0]
    before = nbformat.writes(template(mini, spec))
    mended = repair(nbformat.writes(submit()).encode(), mini, spec)
    for cell in mended.notebook.cells:
        cell.source, cell.metadata["trace"] = "trace", True
        cell.metadata.get("nbgrader", {}).clear()
    assert nbformat.writes(shared_template(mini, spec)) == before


@given(st.binary(max_size=200))
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
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
    assert plain_cells(read(b'{"worksheets": [{"cells": [{"cell_type": "code", "input": ["a\\n", "b"]}]}]}'))[0]["source"] == "a\nb"
