"""Figures of every format that Jupyter shows are shown, and none of them is a program in a page."""

from __future__ import annotations

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from graders.gradebook.feedback import EscapeHtml
from graders.sandbox.outputs import clean_output

DRAW = "%config InlineBackend.figure_formats = ['{}']\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
LARGE = (
    "import numpy as np, matplotlib.pyplot as plt\nax = plt.figure(figsize=(6, 6), dpi=100).add_axes([0, 0, 1, 1])\n"
    "ax.imshow(np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8))\nplt.show()"
)  # more than a megabyte


EXPLORABLE = (
    "from sheaflab import Network, Sheaf\nfrom sheaflab.explorable import Explorable\n"
    "Explorable(Sheaf(Network.random([2, 4, 1], seed=464), [1, -1]), [4, -6, 2, 0, 3])"
)


def page_of(cell):
    EscapeHtml().preprocess_cell(cell, {}, 0)
    once = cell.copy()
    EscapeHtml().preprocess_cell(cell, {}, 0)
    assert cell == once
    return HTMLExporter().from_notebook_node(new_notebook(cells=[cell]))[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (DRAW.format("png"), "image/png"),
        (DRAW.format("svg"), "image/svg+xml"),
        (DRAW.format("jpeg"), "image/jpeg"),
        (DRAW.format("retina"), "image/png"),
        (LARGE, "image/png"),
        (EXPLORABLE, "image/png"),
        ("%matplotlib widget\n" + DRAW.format("png"), "image/png"),
        ("%matplotlib notebook\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])", "image/png"),
        ("from IPython.display import SVG\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')", "image/svg+xml"),
    ],
)
def test_a_figure_is_kept_and_stands_in_the_page(source, kind, submit, grade):
    notebook = submit()
    notebook.cells.insert(2, new_code_cell(source))
    outputs = grade(notebook).cells[2].outputs
    assert [output["data"].get(kind) for output in outputs if "data" in output][-1], outputs
    page = page_of(new_code_cell(source, outputs=[new_output(**output) for output in outputs]))
    assert f"data:{kind};base64," in page


def test_of_an_explorable_that_was_handed_in_the_picture_stands_in_the_page(submit, grade):
    scope: dict = {}
    exec(EXPLORABLE.replace("\nExplorable", "\nshown = Explorable"), scope)
    bundle = scope["shown"]._repr_mimebundle_()
    shown = new_output("execute_result", data=bundle, execution_count=1)
    notebook = submit()
    notebook.cells.insert(2, new_code_cell("1", outputs=[shown]))
    assert grade(notebook).earned == 10
    page = page_of(new_code_cell("1", outputs=[new_output(**clean_output(dict(shown), None))]))
    assert bundle["image/png"] in page
    assert "srcdoc" not in page


@pytest.mark.parametrize(
    "data",
    [
        {"image/svg+xml": "<svg onload='alert(1)'><script>alert(1)</script></svg>"},
        {"text/html": '<img alt="figure drawn by this cell" src="data:image/svg+xml;base64,AA" onerror="alert(1)">'},
        {"text/html": '<img alt="figure drawn by this cell" src="data:text/html;base64,AA">'},
    ],
)
def test_a_figure_is_no_program(data):
    page = page_of(new_code_cell("", outputs=[new_output("display_data", data={"text/plain": "figure", **data})]))
    assert "alert(1)" not in page
    assert "data:text/html" not in page


def test_a_drawing_with_entities_is_none():
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>'
    assert clean_output({"output_type": "display_data", "data": {"image/svg+xml": bomb}}, None) is None
