"""What a marker clicks: formgrader's pages and feedback of a submission that is full of traps, in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from graders.gradebook import nbgrader_api
from graders.gradebook.record import rows
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.publish.release import build, copy_course
from tests.browser.lab import browser
from tests.graders.conftest import grade_class

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.needs("chromium")]

MINI = Path(__file__).resolve().parents[1] / "graders" / "course"
ACT = "window.ACTED = 1"
PUT = (
    "fetch('/formgrader/api/grades').then(r => r.json()).then(all => all.forEach(g => "
    "fetch('/formgrader/api/grade/' + g.id, {method: 'PUT', body: JSON.stringify({manual_score: 99})})))"
)
WRITTEN = f"""
[one](javascript:{ACT}) [two](JaVaScRiPt&colon;{ACT}) [three][ref] [four](data:text/html,<script>{ACT}</script>)
[five](vbscript:x) <javascript:{ACT}> [six](/logout) [seven](evil.html) [eight](//example.org/x) [grades](javascript:{PUT})
[good](https://example.org/?a=1&b=2) [mail](mailto:ada@example.org)

![far](http://example.org/far.png) ![near](//example.org/near.png) ![logout](/logout) ![files](files//example.org/f.png)
![up](../../api/status) ![up](%2e%2e/%2e%2e/api/status) ![drawn](data:image/svg+xml;base64,PHN2Zy8+) ![mine](mine.svg)
![lost](attachment:lost.png) ![pasted](attachment:pasted.png)

<img src=x onerror="{ACT}"> <form action="/formgrader/api/x"><button style="position:fixed;inset:0">b</button></form>
</div></div><div style="position:fixed;inset:0;background:#fff">Graded: 99 of 99</div>

# grade-1-1

$\\require{{html}}\\href{{javascript:{ACT}}}{{x}}$ &#92;(\\href{{javascript:{ACT}}}{{x}}&#92;) and $a<b$, `1<2`

```mermaid
graph TD; A-->B; click A "javascript:{ACT}"
```

[ref]: javascript:{ACT}
"""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SHAPES = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>{ACT}</script><rect width="9" height="9"/></svg>'
PICTURES = "e => [...e.querySelectorAll('img')].map(i => [i.alt, (i.getAttribute('src') || '').slice(0, 21)])"
LINKS = "a[href]:not([href^='#'])"


@pytest.fixture(scope="module")
def course(tmp_path_factory, one_secret):
    """A graded course of one student, who has handed in the traps."""
    made = copy_course(Course.load(MINI), tmp_path_factory.mktemp("staff") / "course")
    build(made)
    code = "def double(x):\n    return 0 * x  # \u202e this is not the end\n"
    notebook = answered(made, made.notebooks[0], {"ex-1-1": code, "written-1-W": WRITTEN})
    for cell in notebook.cells:
        if cell.source == WRITTEN.strip("\n") or cell.source == WRITTEN:
            cell.attachments = {"pasted.png": {"image/png": PIXEL}, "evil.svg": {"image/svg+xml": SHAPES}}
    folder = made.root / "submitted" / "eve" / made.assignment
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "mini-1.ipynb")
    (folder / "mine.svg").write_text(SHAPES)
    (folder / "evil.html").write_text(f"<script>{ACT}</script>")
    assert grade_class(made, "--workers=1", "--cpu=2.0", "--wall=20.0") == 0
    nbgrader_api.feedback(made, "eve")
    return made


@contextlib.contextmanager
def formgrader(course, home):
    """Formgrader as a marker has it, on a port of its own."""
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home)}
    options = ["--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}", "--allow-root"]
    options += [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.token=",
        "--ServerApp.password=",
        "--port=0",
        "--ServerApp.port_retries=0",
    ]
    log = home / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options],
            cwd=course.root,
            env=environment,
            stdout=file,
            stderr=file,
        )
    try:
        yield _address(server, home)
    finally:
        server.terminate()
        server.wait(30)


def _address(server, home):
    while server.poll() is None:
        for record in home.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError, OSError):
                address = f"http://127.0.0.1:{json.loads(record.read_text())['port']}"
                urllib.request.urlopen(address + "/formgrader/api/assignments").close()
                return address
        time.sleep(0.2)
    raise RuntimeError((home / "log").read_text()[-2000:])


@pytest.fixture
def context(tmp_path):
    with browser(tmp_path / "profile") as opened:
        opened.set_default_timeout(20_000)
        yield opened


def look_and_click(context, address, asked):
    """Open a page and click all that can be clicked in what the student wrote; return the page."""
    context.on("request", lambda request: asked.append((request.method, request.url)))
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(address, wait_until="domcontentloaded")
    answer = page.locator(".written", has_text="Graded: 99 of 99")
    answer.wait_for()
    for link in answer.locator("a").all():
        link.click(force=True, modifiers=["Control"])  # into a new tab, so that this one stays
    page.wait_for_timeout(500)
    for other in context.pages:
        assert not other.evaluate("window.ACTED || 0")
    assert not page.evaluate("window.ACTED || 0")
    return page, answer


def check_answer(page, answer):
    """What must be left of the student's text."""
    kept = [link.get_attribute("href") for link in answer.locator(LINKS).all()]
    assert kept == ["https://example.org/?a=1&b=2", "mailto:ada@example.org"]
    shown = dict(answer.evaluate(PICTURES))
    assert {alt: source for alt, source in shown.items() if source} == {
        "mine": "mine.svg",
        "pasted": "data:image/png;base64",
    }
    assert answer.locator("form, button, iframe, svg, style, script, [id], .mermaid, [onclick]").count() == 0
    text = answer.inner_text()
    assert "the picture lost.png is not in the notebook" in text
    assert "far (a picture from the web, left out" in text
    assert "1<2" in text
    assert "<form action" in text  # as it was typed
    box, whole = answer.bounding_box(), page.viewport_size
    assert box["width"] < whole["width"]
    assert "⟨U+202E⟩" in page.inner_text("body")


def outside(asked, address):
    """Requests beyond the page's own server, but for formgrader's own parts and what was clicked to be opened."""
    known = ("data:", "blob:", "mailto:", "https://example.org/?a=1&b=2", address)
    return [
        url
        for _, url in asked
        if not url.startswith(known) and "/mathjax/" not in url.lower() and "/ajax/libs/" not in url
    ]


def test_formgrader_shows_an_answer_that_can_do_nothing(course, context, tmp_path):
    before = rows(f"sqlite:///{course.root}/gradebook.db")
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        number = book.find_submission_notebook("mini-1", course.assignment, "eve").id
    asked = []
    with formgrader(course, tmp_path / "home") as address:
        page, answer = look_and_click(context, f"{address}/formgrader/submissions/{number}/", asked)
        check_answer(page, answer)
        assert page.locator("#grade-1-1").count() == 1  # the field for the score, and no heading of the student's
        assert outside(asked, address) == []
        assert not [url for method, url in asked if "logout" in url or "evil.html" in url or "api/status" in url]
        assert not [url for method, url in asked if method != "GET" and "/formgrader/" in url]
    assert rows(f"sqlite:///{course.root}/gradebook.db") == before


def test_feedback_shows_an_answer_that_can_do_nothing(course, context):
    asked = []
    place = (course.root / "feedback" / "eve" / course.assignment / "mini-1.html").as_uri()
    page, answer = look_and_click(context, place, asked)
    check_answer(page, answer)
    assert outside(asked, "file:") == []
