"""Sphinx settings: `sphinx-build -W course/docs OUT`. Warnings are errors; formulas and figures need no network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = "sheaflab"
author = "the sheaflab authors"
project_copyright = "the sheaflab authors"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx.ext.mathjax",
    "sphinx_argparse_cli",
    "sphinx-mathjax-offline",  # MathJax itself, from a wheel: pages read without the internet
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "README.md"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"  # light and dark, and a wide table scrolls in its own frame on a narrow screen
html_title = "sheaflab"
html_static_path = ["static"]
html_js_files = ["scrolled.js"]
html_show_sourcelink = False
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # types and shapes stand in the docstrings
suppress_warnings = ["config.cache"]


def setup(app: Any) -> None:
    """Draw the figures before the pages are read, and put the explorable beside them when they are written."""
    app.connect("builder-inited", draw)
    app.connect("build-finished", put_explorable)


def draw(app: Any) -> None:
    """Write `_figures`; none of them is committed."""
    import figures

    figures.save_all(HERE / "_figures")


def put_explorable(app: Any, exception: Exception | None) -> None:
    """Write `explore.html`, to which pages link."""
    from sheaflab.explorable import page

    if exception is None:
        (Path(app.outdir) / "explore.html").write_text(page.page(), encoding="utf-8")
