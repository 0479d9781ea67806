"""A student in front of the site: headless Chromium, cut off from every address but the site's own."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import BrowserContext, Page, sync_playwright

from graders.sandbox.machine import chromium

# The notebook in front: `jupyterapp` is JupyterLab's own object, which the site exposes.
_FRONT = "jupyterapp.shell.currentWidget"
_IDLE = f"{_FRONT}?.sessionContext?.session?.kernel?.status === 'idle'"
_START = 180_000  # ms; generous, as CI's two cores also run other tests
_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The network is cut off: no name but this machine's own number resolves.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


def findings(page: Page, within: str = "body") -> list[str]:
    """What axe-core finds serious or worse in the part of a page that a selector names, with the places."""
    page.add_script_tag(path=_AXE)
    result = page.evaluate("part => axe.run(part, {resultTypes: ['violations']})", within)
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: {[node['target'] for node in found['nodes']][:5]}"
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
    ]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, refuse: list[str], asked: list[str], **kwargs: Any) -> None:
        self.refuse = refuse
        self.asked = asked
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        self.asked.append(name)
        if name in self.refuse:
            self.refuse.remove(name)
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that is closed hangs up in the middle of its requests: that is no error."""


@contextlib.contextmanager
def serve(folder: Path, refuse: Iterable[str] = (), asked: list[str] | None = None) -> Iterator[str]:
    """Serve a folder of static files, as any web server would; gives its address.

    The files to `refuse` are not there once. The names of all that are asked for are added to `asked`.
    """
    asked = [] if asked is None else asked
    handler = functools.partial(_Quiet, directory=str(folder), refuse=list(refuse), asked=asked)
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[BrowserContext]:
    """The system's Chromium (Playwright's own browsers are not downloaded) with its own, initially empty, profile."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=chromium(),
            headless=True,
            args=list(_ARGS),
            accept_downloads=True,
            viewport={"width": 1280, "height": 900},
        )
        try:
            yield context
        finally:
            context.close()


class Lab:
    """One notebook of the site, open in a tab.

    Attributes
    ----------
    page : Page
    outside : list of str
        The addresses beyond the site that anything asked for.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.outside: list[str] = []
        context.on("request", self._note)
        self.page: Page = context.new_page()

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.outside.append(request.url)

    def open(self, file: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.goto(f"{self.address}/lab/index.html?path={file}")
        self.ready()

    def ready(self) -> None:
        """Wait until the notebook is shown and its kernel idle."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=_START)
        self.page.wait_for_function(_IDLE, timeout=_START)
        self.page.evaluate("() => jupyterapp.restored.then(() => true)")  # Python may be ready before the page

    def reload(self) -> None:
        """Reload the page, as the browser's button does, and wait for the notebook; its kernel is not needed."""
        self.page.reload()
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=_START)
        self.page.wait_for_function(f"{_FRONT}?.content?.model?.cells.length", timeout=_START)

    def notebook(self) -> dict[str, Any]:
        """The notebook as it stands in the page."""
        return json.loads(self.page.evaluate(f"JSON.stringify({_FRONT}.content.model.toJSON())"))

    def cells(self) -> list[dict[str, Any]]:
        return list(self.notebook()["cells"])

    def type_into(self, index: int, text: str) -> None:
        """Click into a cell, select what is there and type `text` over it."""
        self.page.evaluate(f"i => {{ const n = {_FRONT}.content; n.activeCellIndex = i; n.mode = 'edit'; }}", index)
        self.page.evaluate(f"i => {_FRONT}.content.scrollToItem(i, 'center')", index)
        click = "i => { const e = NOTEBOOK.widgets[i].editor; e?.focus(); return e?.hasFocus(); }"  # a cell may be drawn late
        self.page.wait_for_function(click.replace("NOTEBOOK", f"{_FRONT}.content"), arg=index)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def run_all(self) -> None:
        """Run every cell and wait for the last."""
        self.page.evaluate(
            "() => { window.ran = false; jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ran = true }) }"
        )
        self.page.wait_for_function("window.ran", timeout=_START)
        self.page.wait_for_function(_IDLE, timeout=_START)

    def run(self, index: int) -> None:
        """Run one cell, as Ctrl+Enter does, and wait for it."""
        self.page.evaluate(f"i => {{ const n = {_FRONT}.content; n.deselectAll(); n.activeCellIndex = i; }}", index)
        self.page.evaluate(f"i => {_FRONT}.content.scrollToItem(i, 'start')", index)
        self.page.evaluate(
            "() => { window.ran = false; jupyterapp.commands.execute('notebook:run-cell').then(() => { window.ran = true }) }"
        )
        self.page.wait_for_function("window.ran", timeout=_START)
        self.page.wait_for_function(_IDLE, timeout=_START)

    def save(self) -> None:
        """Press Ctrl+S and wait until nothing is left to save."""
        self.page.keyboard.press("Control+S")
        self.page.wait_for_function(f"!{_FRONT}.content.model.dirty", timeout=30_000)

    def download(self, into: Path) -> Path:
        """Take File > Download; the file gets the name that the browser would give it."""
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        with self.page.expect_download() as waiting:
            self.page.get_by_role("menuitem", name="Download", exact=True).click()
        target = into / waiting.value.suggested_filename
        waiting.value.save_as(target)
        return target


def errors(cells: list[dict[str, Any]]) -> list[str]:
    """What went wrong in a run notebook, for an assertion's message."""
    return [
        f"{output['ename']}: {output['evalue']} in {cell['source'][:200]!r}"
        for cell in cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]


def printed(cell: dict[str, Any]) -> str:
    """What a cell printed and displayed as text."""
    parts = []
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            parts.append("".join(output["text"]))
        elif "text/plain" in output.get("data", {}) and "image/png" not in output["data"]:
            parts.append("".join(output["data"]["text/plain"]))
    return "".join(parts)
