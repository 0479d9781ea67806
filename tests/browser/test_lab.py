"""Every notebook in a real browser without the internet, by the hands of a student who knows the key."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from graders.lab.filenames import assignment_of
from tests.browser.conftest import COURSE, NOTEBOOKS, WRITTEN
from tests.browser.lab import errors, printed

every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def code(cells):
    return [cell for cell in cells if cell["cell_type"] == "code"]


def figures(cell):
    return [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})]


@every_notebook
def test_filled_with_the_key_it_runs_clean(sitting, name):
    cells = sitting(name).cells
    assert not errors(cells)
    assert all(cell["execution_count"] for cell in code(cells) if cell["source"])
    assert "".join(c["source"] for c in cells).count(WRITTEN) == len(COURSE.notebook(name).written)


@every_notebook
def test_it_prints_what_it_prints_in_cpython(sitting, name):
    done = sitting(name)
    assert [printed(cell) for cell in code(done.cells)] == [printed(cell) for cell in code(done.python)]


@every_notebook
def test_its_figures_are_there(sitting, name):
    done = sitting(name)
    drawn = [len(figures(cell)) for cell in code(done.cells)]
    assert drawn == [len(figures(cell)) for cell in code(done.python)]
    pictures = [base64.b64decode(png) for cell in code(done.cells) for png in figures(cell)]
    assert all(picture.startswith(b"\x89PNG") and len(picture) > 3000 for picture in pictures)


@every_notebook
def test_a_reload_keeps_answers_and_outputs(sitting, name):
    done = sitting(name)
    assert [cell["source"] for cell in done.reloaded] == [cell["source"] for cell in done.cells]
    assert [printed(cell) for cell in code(done.reloaded)] == [printed(cell) for cell in code(done.cells)]


@every_notebook
def test_nothing_is_asked_of_the_world_outside(sitting, name):
    assert sitting(name).outside == []


@every_notebook
def test_the_download_has_the_answers_and_nbgraders_marks(sitting, release, name):
    done = sitting(name)
    downloaded = json.loads(Path(done.download).read_text(encoding="utf-8"))
    released = json.loads((release / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert Path(done.download).name.startswith(f"{name}.v")
    assert [c["source"] for c in downloaded["cells"]] == [c["source"] for c in done.cells]
    assert assignment_of({"metadata": downloaded["metadata"]}) == COURSE.assignment
    assert assignment_of({"cells": downloaded["cells"]}) == COURSE.assignment
    assert [c["metadata"].get("nbgrader") for c in downloaded["cells"]] == [
        c["metadata"].get("nbgrader") for c in released["cells"]
    ]
