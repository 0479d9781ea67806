"""The site's first page: what it is, how to start, how to hand in, what start-up time to expect."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

import mistune

import sheaflab
from graders.lab.manifest import Course
from graders.publish.site.edition import Edition
from graders.publish.site.notebooks import Explorer, Released
from sheaflab.explore import Scene

TEMPLATE = Path(__file__).with_name("landing.html")
GUIDE = "hand-in-from-the-browser.md"
PICTURE = Scene()


def write(
    site: Path, notebooks: Sequence[Released], explore: Explorer, course: Course, edition: Edition, *, offline: bool
) -> None:
    """Write the page and its picture into a site, in the place of JupyterLite's own first page.

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
    guide = (course.root / GUIDE).read_text(encoding="utf-8") if edition.hands_in else ""
    size = "about 60 MB" if offline else "about 40 MB, from the address of Pyodide"
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"{course.title}: the lab in your browser"),
        lead=html.escape(course.lead),
        first=_address(notebooks[0].served),
        play=_address(explore.served),
        alt=html.escape(PICTURE.describe().split("\n")[0], quote=True),
        notebooks="\n".join(_row(notebook) for notebook in notebooks),
        startup=(
            f"The first start takes 10 to 30 seconds, longer over a slow line: the page fetches {size} once. While it "
            "does, <em>Connecting…</em> or <em>Unknown</em> stands beside <em>Python (Pyodide)</em> at the top right; "
            "a cell that you run meanwhile waits and shows <code>[*]</code>."
        ),
        after_checks=(
            "When you hand in, your function is tried on fresh problems too, so a check that passes here is a good "
            "sign and not yet the mark."
            if edition.hands_in
            else "Nobody marks you: go on when the check is content and so are you."
        ),
        guide=_section(guide),
        version=html.escape(sheaflab.__version__),
        connection=(
            "Nothing is fetched from anywhere but the server this page came from."
            if offline
            else "Python comes from the public address of the Pyodide project, all else from the server of this page."
        ),
    )
    (site / "index.html").write_text(page, encoding="utf-8")


def _address(file: str) -> str:
    return f"lab/index.html?path={html.escape(file, quote=True)}"


def _row(notebook: Released) -> str:
    minutes = "" if notebook.minutes is None else f"<span>{notebook.minutes} minutes</span>"
    number = notebook.name.rsplit("-", 1)[-1]
    link = f'<a href="{_address(notebook.served)}">{number}. {html.escape(notebook.title)}</a>'
    return f"    <li>{link}{minutes}</li>"


def _section(markdown: str) -> str:
    """Return a page of the course as a section: its title one level down."""
    markup = str(mistune.html(markdown))
    return re.sub(r"<(/?)h([1-5])>", lambda m: f"<{m[1]}h{int(m[2]) + 1}>", markup)
