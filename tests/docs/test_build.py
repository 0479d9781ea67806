"""The documentation builds without a warning, its links resolve, and its pages need no network."""

from __future__ import annotations

import argparse
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from graders.commands import cli as staff
from sheaflab import cli as library
from sheaflab.explorable import page as explorable
from tests.browser.lab import browser, findings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The built pages."""
    out = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(out / "doctrees")]
    done = subprocess.run(
        [*command, str(ROOT / "course" / "docs"), str(out / "html")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return out / "html"


class Page(HTMLParser):
    """Collects what a page is called from outside, and what it calls."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if known.get("id"):
            self.ids.add(known["id"])
        if tag == "a" and known.get("href"):
            self.links.append(known["href"])
        if tag in ("script", "img") and known.get("src"):
            self.loads.append(known["src"])
        if tag == "link" and known.get("rel") == "stylesheet":
            self.loads.append(known["href"])


def test_links_inside_resolve_and_nothing_is_loaded_from_elsewhere(pages):
    found = {path: Page(path) for path in pages.rglob("*.html") if "_static" not in path.parts}
    assert len(found) >= 6
    assert [path.name for path, page in found.items() if not (page.loads and page.links)] == ["explore.html"]
    for path, page in found.items():
        for address in page.loads:
            assert not urlsplit(address).netloc, f"{path.name} loads {address}"
            assert (path.parent / unquote(urlsplit(address).path)).exists(), f"{path.name}: {address}"
        for address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name}: {address}"
            if parts.fragment and target in found:
                assert unquote(parts.fragment) in found[target].ids, f"{path.name}: {address}"


def test_the_reference_has_every_public_name(pages):
    import sheaflab

    page = Page(pages / "api.html")
    for name in sheaflab.__all__:
        assert any(known.startswith("sheaflab.") and known.endswith(f".{name}") for known in page.ids), name


def test_the_explorable_is_a_page_of_the_documentation(pages):
    for name in ("index.html", "gallery.html"):
        assert "explore.html" in Page(pages / name).links
    assert (pages / "explore.html").read_text(encoding="utf-8") == explorable.page()


def test_formulas_are_set_by_a_script_of_the_site_itself(pages):
    page = Page(pages / "exact.html")
    scripts = [address for address in page.loads if "mathjax" in address.lower() or "tex-" in address]
    assert scripts


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [390, 820, 1280])
def test_no_page_is_wider_than_the_screen(pages, tmp_path, width):
    with browser(tmp_path / "profile") as context:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 844})
        for path in sorted(pages.glob("*.html")):
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(pages, tmp_path, scheme):
    with browser(tmp_path / "profile") as context:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        for path in sorted(set(pages.glob("*.html")) - {pages / "explore.html"}):  # which has a test of its own
            page.goto(path.as_uri())
            assert findings(page) == [], path.name


@pytest.mark.needs("chromium")
def test_the_search_finds(pages, tmp_path):
    with browser(tmp_path / "profile") as context:
        page = context.new_page()
        page.goto((pages / "search.html").as_uri() + "?q=sliding")
        page.locator("#search-results li a").first.wait_for()
        assert any("exact.html" in str(link.get_attribute("href")) for link in page.locator("#search-results li a").all())


@pytest.mark.parametrize("parser", [library.parser(), staff.parser()], ids=lambda parser: parser.prog)
def test_every_command_and_option_is_on_its_page(pages, parser):
    text = (pages / "commands.html").read_text(encoding="utf-8")
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        options = [option for action in command._actions for option in action.option_strings]
        assert [option for option in options if f'id="{parser.prog}-{name}-{option}"' not in text] == []


@pytest.mark.needs("chromium")
def test_pages_are_dark_where_the_reader_wants_it(pages, tmp_path):
    with browser(tmp_path / "profile") as context:
        page = context.new_page()
        page.goto((pages / "start.html").as_uri())
        grounds = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(set(grounds)) == 2
