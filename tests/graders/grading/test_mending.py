"""Nothing of a student's work is lost in mending: pictures, answers without a name, twice, too long, in odd files."""

from __future__ import annotations

import base64
import json

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from graders.gradebook.feedback import EscapeHtml
from graders.grading import reading
from graders.grading.blank import work_in
from graders.grading.repair import repair
from graders.lab.percent import TEXT_STUB, grade_id, template
from graders.status import Status

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = base64.b64encode(PNG).decode()
WORDS = "Because twice the half is the whole, and the second reason is that the double of the half is the one."


def raw(notebook):
    return json.dumps(notebook).encode()


def at(notebook, name):
    return next(k for k, cell in enumerate(notebook.cells) if grade_id(cell) == name)


@pytest.fixture
def mend(mini):
    def run(notebook, files=None):
        return repair(notebook if isinstance(notebook, bytes) else raw(notebook), mini, mini.notebooks[0], files)

    return run


def answer(mended):
    return mended.notebook.cells[at(mended.notebook, "written-1-W")]


# -- pictures -------------------------------------------------------------------------------------------------------
def with_attachment(notebook):
    cell = notebook.cells[at(notebook, "written-1-W")]
    cell.source, cell.attachments = "![](attachment:my%20photo.png) end", {"my photo.png": {"image/png": TEXT}}


def with_data(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = f"![photo](data:image/png;base64,{TEXT}) end"


def with_tag(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = f"<img width=3 src='data:image/png;base64,{TEXT}'> end"


def with_file(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = "![photo](./pictures/my%20photo.png) end"


def with_file_tag(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = '<img src="Pictures/My Photo.PNG" alt=""/> end'


@pytest.mark.parametrize("how", [with_attachment, with_data, with_tag, with_file, with_file_tag])
def test_a_picture_in_a_written_answer_is_in_the_page(how, submit, mend):
    notebook = submit()
    how(notebook)
    found = answer(mend(notebook, {"pictures/my photo.png": PNG}))
    EscapeHtml().preprocess_cell(found, {}, 0)
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[found]))
    assert f"data:image/png;base64,{TEXT}" in page
    assert found.source.endswith(" end")


def test_a_large_photograph_leaves_the_conclusion_after_it(submit, mend):
    notebook = submit()
    data = base64.b64encode(bytes(2 * 2**20)).decode()
    notebook.cells[at(notebook, "written-1-W")].source = f"![](data:image/jpeg;base64,{data})\n\nConclusion."
    found = answer(mend(notebook))
    assert found.source.endswith("Conclusion.")
    assert [*found.attachments.values()] == [{"image/jpeg": data}]


def test_a_picture_that_nobody_has_is_said_and_breaks_no_page(submit, mend):
    notebook = submit()
    notebook.cells[at(notebook, "written-1-W")].source = "![photo](attachment:lost.png) and ![](lost.png)"
    found = answer(mend(notebook))
    assert "(the picture lost.png is not in the notebook)" in found.source
    HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[found]))


@pytest.mark.parametrize(
    "data", [{"text/html": "PHNjcmlwdD4="}, {"image/svg+xml": "PHN2Zz4="}, {"image/png": '"><script>'}, 3, None]
)
def test_an_attachment_that_is_no_picture_is_none(data, submit, mend):
    notebook = submit()
    cell = notebook.cells[at(notebook, "written-1-W")]
    cell.source, cell.attachments = "![](attachment:a.png)", {"a.png": data}
    assert "attachments" not in answer(mend(notebook))


# -- written answers ------------------------------------------------------------------------------------------------
def lost_name(notebook):
    notebook.cells[at(notebook, "written-1-W")].metadata = nbformat.from_dict({})


def no_names_at_all(notebook):
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def typed_below(notebook):
    place = at(notebook, "written-1-W")
    notebook.cells[place].source = TEXT_STUB
    notebook.cells.insert(place + 1, new_markdown_cell(WORDS))


def typed_above(notebook):
    place = at(notebook, "written-1-W")
    notebook.cells[place].source = ""
    notebook.cells.insert(place, new_markdown_cell(WORDS))


def in_a_raw_cell(notebook):
    notebook.cells[at(notebook, "written-1-W")] = new_raw_cell(WORDS)


def as_a_comment(notebook):
    notebook.cells[at(notebook, "written-1-W")] = new_code_cell("# " + WORDS)


def as_code(notebook):
    notebook.cells[at(notebook, "written-1-W")] = new_code_cell(WORDS)


def elsewhere(notebook):
    cell = notebook.cells.pop(at(notebook, "written-1-W"))
    cell.metadata = nbformat.from_dict({})
    notebook.cells.insert(0, cell)


def at_the_end(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = TEXT_STUB
    notebook.cells.append(new_markdown_cell("My answer to the question. " + WORDS))


def at_the_top(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = TEXT_STUB
    notebook.cells.insert(0, new_markdown_cell("My answer to the question. " + WORDS))


def in_two_cells(notebook):
    place, half = at(notebook, "written-1-W"), len(WORDS) // 2
    notebook.cells[place : place + 1] = [new_markdown_cell(WORDS[:half]), new_markdown_cell(WORDS[half:])]


def in_the_locked_cell(notebook):
    notebook.cells[at(notebook, "written-1-W")].source = TEXT_STUB
    notebook.cells[at(notebook, "grade-1-4")].source += "\n# " + WORDS


@pytest.mark.parametrize(
    "how",
    [lost_name, no_names_at_all, typed_below, typed_above, in_a_raw_cell, as_a_comment, as_code, elsewhere,
     at_the_end, at_the_top, in_two_cells, in_the_locked_cell],
)  # fmt: skip
def test_a_written_answer_is_found_and_waits_for_a_person(how, submit, mend):
    notebook = submit(written_1_W=WORDS)
    how(notebook)
    mended = mend(notebook)
    found = answer(mended)
    assert "".join(found.source.split()).endswith("".join(WORDS[-40:].split()))
    assert found.source.strip() != TEXT_STUB
    assert "".join(cell.source for cell in mended.notebook.cells).count(WORDS[-40:]) == 1  # nor is it there twice
    assert any("written-1-W" in note for note in mended.notes)
    assert not mended.missing


@pytest.mark.parametrize("text", ["", TEXT_STUB, TEXT_STUB + "\n\n", f"\n {TEXT_STUB.replace(' ', '  ')}\n"])
def test_an_untouched_placeholder_is_no_answer(text, submit, mend):
    mended = mend(submit(written_1_W=text))
    assert answer(mended).source == TEXT_STUB
    assert not mended.notes


def test_answers_in_two_cells_of_one_name_are_both_there(submit, mend):
    notebook = submit(written_1_W="First.")
    notebook.cells.append(notebook.cells[at(notebook, "written-1-W")].copy())
    notebook.cells[-1].source = "Second."
    assert answer(mend(notebook)).source == "First.\n\nSecond."


def test_what_is_written_into_a_locked_cell_stands_below_it(submit, mend, grade):
    notebook = submit(ex_1_1="def double(x): return FACTOR * x")
    notebook.cells[at(notebook, "check-1-1")].source = "FACTOR = 2\n" + notebook.cells[at(notebook, "check-1-1")].source
    mended = mend(notebook)
    assert mended.notebook.cells[at(mended.notebook, "check-1-1") + 1].source == "FACTOR = 2"
    assert grade(notebook).earned == 10


# -- the same cell twice --------------------------------------------------------------------------------------------
RIGHT, FALSE = "def double(x): return 2 * x", "def double(x): return 3 * x"


@pytest.mark.parametrize(("first", "last", "points"), [(FALSE, RIGHT, 10), (RIGHT, FALSE, 7), (RIGHT, "y = 1", 10)])
def test_of_two_cells_of_one_name_the_last_that_defines_it_counts(first, last, points, submit, mend, grade):
    notebook = submit(ex_1_1=first)
    place = at(notebook, "ex-1-1")
    notebook.cells.insert(place + 1, notebook.cells[place].copy())
    notebook.cells[place + 1].source = last
    mended, result = mend(notebook), grade(raw(notebook))
    assert result.earned == points
    counting = last if "double" in last else first
    assert mended.notebook.cells[at(mended.notebook, "ex-1-1")].source == counting
    assert "the last one that defines double counts" in result.exercises[0].text()


# -- large and odd files --------------------------------------------------------------------------------------------
def test_code_is_graded_without_outputs_that_are_too_large(submit, grade, monkeypatch):
    notebook = submit()
    cell = notebook.cells[at(notebook, "ex-1-1")]
    tricky = '"]}, {"outputs": [\\'
    cell.outputs = [nbformat.v4.new_output("stream", text=[tricky, "x" * 300_000])]
    monkeypatch.setattr(reading, "MAX_DECODED", 200_000)
    result = grade(raw(notebook))
    assert result.earned == 10
    assert reading.OUTPUTS_LEFT_OUT in result.notes


def test_nor_do_many_small_outputs_cost_the_points(submit, grade, monkeypatch):
    notebook = submit()
    notebook.cells[at(notebook, "ex-1-1")].outputs = [nbformat.v4.new_output("stream", text=["a\n"] * 20_000)]
    monkeypatch.setattr(reading, "MAX_TEXTS", 10_000)
    assert grade(raw(notebook)).earned == 10


@pytest.mark.parametrize("indent", [None, 1])
def test_only_outputs_are_left_out(submit, indent):
    notebook = submit()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text='"outputs": [1] \\" {')]
            cell.source += '\n# "outputs": [2]'
    data = json.loads(reading.without_outputs(json.dumps(notebook, indent=indent).encode()))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    assert data == json.loads(json.dumps(notebook))


@pytest.mark.slow
def test_a_long_cell_and_a_long_notebook_are_run(submit, grade):
    notebook = submit()
    notebook.cells[at(notebook, "ex-1-1")].source = f"TABLE = '{'é' * 1_500_000}'\ndef double(x): return 2 * x"
    notebook.cells[2:2] = [new_code_cell(f"x{k} = {k}") for k in range(2500)]
    notebook.cells.insert(0, new_code_cell(""))
    assert grade(raw(notebook)).earned == 10


def test_what_a_bound_cuts_off_is_said_there_and_a_person_looks(submit, mend, grade, monkeypatch):
    monkeypatch.setattr(reading, "MAX_SOURCE", 1000)
    monkeypatch.setattr(reading, "MAX_CODE", 1000)
    notebook = submit(ex_1_1="def double(x): return 2 * x\n" + "#" * 1000, written_1_W="word " * 500)
    assert reading.CUT in answer(mend(notebook)).source
    result = grade(raw(notebook))
    assert result.exercises[0].undecided
    assert "too long to be read" in result.exercises[0].text()
    assert result.exercises[1].earned == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "git-lfs"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"%PDF-1.7\n\xe2\xe3", "PDF"),
        (b"\n<!DOCTYPE html>\n<html><head>", "web page"),
        (b"\xef\xbb\xbf<HTML>", "web page"),
        (b'{\n<<<<<<< HEAD\n "cells": [\n=======\n "cells": [ \n>>>>>>> main\n]}', "conflict markers"),
        (b"", "empty"),
        (b"\0" * 500, "empty"),
        (b'{"cells": [{"cell_type": "co', "end is missing"),
        (b"# %%\nimport numpy as np\n", "Python program"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"[InternetShortcut]\nURL=x", "link"),
    ],
)
def test_what_a_file_really_is_is_said(content, said, mend):
    mended = mend(content)
    assert mended.status is Status.UNREADABLE
    assert said in mended.notes[0]


# -- code in texts --------------------------------------------------------------------------------------------------
CODE = "def double(x):\n    return 2 * x\n"
FENCED = f"```python\n{CODE}```\n"


@pytest.fixture
def idle(mini, submit):
    """Right work, but for an exercise that is untouched."""
    return submit(ex_1_1=next(cell.source for cell in template(mini, mini.notebooks[0]).cells if grade_id(cell) == "ex-1-1"))


@pytest.mark.parametrize("text", [FENCED, f"My solution:\n\n{FENCED}\nIt doubles."])
def test_the_code_in_the_fence_of_a_solution_is_taken(text, submit, mend):
    notebook = submit()
    place = at(notebook, "ex-1-1")
    notebook.cells[place] = new_markdown_cell(text, metadata=notebook.cells[place].metadata)
    mended = mend(notebook)
    cell = mended.notebook.cells[at(mended.notebook, "ex-1-1")]
    assert (cell.cell_type, cell.source) == ("code", CODE)
    assert any("was a text" in note for note in mended.notes)


@pytest.mark.parametrize("kind", [new_markdown_cell, new_raw_cell])
@pytest.mark.parametrize("text", [CODE, FENCED, f"{FENCED}\n{FENCED}", "class double(dict):\n    pass", f"> {CODE}"])
def test_a_solution_in_a_text_beside_an_untouched_cell_is_found(kind, text, idle, mend):
    assert mend(idle).in_texts == {}
    idle.cells.insert(at(idle, "ex-1-1") + 1, kind(text))
    assert set(mend(idle).in_texts) == {"ex-1-1"}
    idle.cells[at(idle, "ex-1-1")].source = CODE
    assert mend(idle).in_texts == {}


def test_a_solution_in_a_question_is_found(idle, mend):
    assert grade_id(idle.cells[0])
    idle.cells[0].source += f"\n\n{CODE}"
    assert set(mend(idle).in_texts) == {"ex-1-1"}


def test_what_was_handed_out_is_no_solution_in_a_text(idle, mend, mini):
    stub = idle.cells[at(idle, "ex-1-1")].source
    idle.cells += [new_markdown_cell(f"The cell was\n\n{stub}"), new_markdown_cell("I use double(x) there, def? no.")]
    assert mend(idle).in_texts == {}
    assert "ex-1-1" not in dict(work_in(raw(idle), mini, mini.notebooks[0]))


@pytest.mark.slow
def test_a_solution_in_a_text_waits_for_a_person(idle, grade, mini):
    idle.cells.append(new_raw_cell(CODE))
    assert work_in(raw(idle), mini, mini.notebooks[0])
    result = grade(idle)
    assert [exercise.undecided for exercise in result.exercises] == [True, *[False] * (len(result.exercises) - 1)]
    assert "double stands in a cell that is a text" in result.exercises[0].text()
    assert result.earned == mini.notebooks[0].points - result.exercises[0].points
