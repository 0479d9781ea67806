"""The site's first page: what it is, how to start, how to hand in, what start-up time to expect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import mistune

import sheaflab
from graders.lab.manifest import Course
from graders.lab.templates import render
from graders.publish.site import quick
from graders.publish.site.edition import Edition
from graders.publish.site.locking import LOCK
from graders.publish.site.notebooks import Explorer, Released
from graders.publish.site.pyodide import CORE, LATER
from sheaflab.explorable import page as explorable
from sheaflab.explore import Scene

TEMPLATE = Path(__file__).with_name("landing.html")
GUIDE = "hand-in-from-the-browser.md"
EXPLORABLE = "explore.html"
PICTURE = Scene()
_PYTHON = (*CORE, LOCK, *quick.FILES, "*.whl")
EARLY = (*(f"static/pyodide/**/{name}" for name in _PYTHON), "build/jlab_core.*.js")
"""Patterns of what every notebook needs first, in the order of that need."""


def write(
    site: Path, notebooks: Sequence[Released], explore: Explorer, course: Course, edition: Edition, *, offline: bool
) -> None:
    """Write the page, its picture and the explorable into a site; it replaces JupyterLite's own first page.

    Parameters
    ----------
    site : Path
    notebooks : sequence of Released
        At least one.
    explore : Explorer
    course : Course
        Title and lead come from its manifest; the guide for handing in is its `hand-in-from-the-browser.md`.
    edition : Edition
    offline : bool
        Whether Pyodide is part of the site.
    """
    (site / "sheaf.png").write_bytes(PICTURE.png())
    (site / EXPLORABLE).write_text(explorable.page(), encoding="utf-8")
    guide = (course.root / GUIDE).read_text(encoding="utf-8") if edition.hands_in else ""
    page = render(
        TEMPLATE,
        title=f"{course.title}: the lab in your browser",
        lead=course.lead,
        first=_address(notebooks[0].served),
        play=_address(explore.served),
        explorable=EXPLORABLE,
        alt=PICTURE.describe().split("\n")[0],
        notebooks=[
            {
                "address": _address(notebook.served),
                "title": notebook.heading,
                "minutes": notebook.minutes,
            }
            for notebook in notebooks
        ],
        offline=offline,
        hands_in=edition.hands_in,
        guide=_section(guide),
        version=sheaflab.__version__,
        early=_early(site),
    )
    (site / "index.html").write_text(page, encoding="utf-8")


def _address(file: str) -> str:
    return f"lab/index.html?path={quote(file)}"


def _early(site: Path) -> list[str]:
    """Return what the page fetches while it is read: Python and what is loaded with it, where the site has them."""
    found = (path for pattern in EARLY for path in sorted(site.glob(pattern)) if not path.name.startswith(f"{LATER}-"))
    return list(dict.fromkeys(path.relative_to(site).as_posix() for path in found))


def _section(markdown: str) -> str:
    """Return a page of the course as a section: its title one level down."""
    markup = str(mistune.html(markdown))
    return re.sub(r"<(/?)h([1-5])>", lambda m: f"<{m[1]}h{int(m[2]) + 1}>", markup)
