"""A visitor's way through the site: narrow screens, titles, links from one notebook to the next."""

from __future__ import annotations

import pytest

from tests.browser.conftest import COURSE, NOTEBOOKS, served
from tests.browser.lab import Lab, browser, findings


@pytest.fixture
def visitor(address, tmp_path):
    with browser(tmp_path / "profile") as context:
        yield Lab(context, address)


def title(number: int) -> str:
    return f"{number}. {COURSE.notebooks[number - 1].title}"


WIDER = """width => {
  const scrolls = (node) => ["auto", "scroll", "hidden"].includes(getComputedStyle(node).overflowX);
  const inside = (node) => node && node !== document.body && (scrolls(node) && node.getBoundingClientRect().right <= width || inside(node.parentElement));
  const nodes = [...document.querySelectorAll(".jp-Notebook *, .jp-NotebookPanel nav *")].filter((node) => node.checkVisibility());
  return nodes.filter((node) => node.getBoundingClientRect().right > width + 1 && !inside(node.parentElement)).map((node) => node.className);
}"""
SHOWN_TITLE = "getComputedStyle(document.getElementById('jp-title-panel-title'), '::before').content"
TAB_TITLES = "[...document.querySelectorAll('.lm-TabBar-tab[data-heading]')].map((tab) => tab.dataset.heading)"


def test_on_a_narrow_screen_the_way_out_of_an_endless_cell_is_not_cut_off(visitor, site):
    page = visitor.page
    page.set_viewport_size({"width": 360, "height": 740})
    visitor.open("play.ipynb")
    visitor.type_into(1, "while True: pass")
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell') }")
    page.get_by_role("button", name="Restart Python").wait_for(timeout=60_000)
    line = page.locator(".sheaflab-busy:visible")
    assert line.evaluate("line => line.scrollHeight <= line.clientHeight")
    assert findings(page, ".sheaflab-busy") == []
    page.get_by_role("button", name="Restart Python").click()
    visitor.ready()


@pytest.mark.parametrize("width", [390, 820])
def test_a_narrow_screen_shows_the_notebook_and_nothing_beside_it(visitor, site, width):
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 844})
    visitor.open(served(site, NOTEBOOKS[0]))
    page.wait_for_function("width => document.querySelector('.jp-Notebook').clientWidth > 0.97 * width", arg=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for index in range(0, len(visitor.cells()), 3):  # only what is near is in the page
        page.evaluate("i => jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')", index)
        assert page.evaluate(WIDER, width) == [], index
    page.get_by_role("button", name="Run this cell and advance").first.wait_for()
    assert page.evaluate(SHOWN_TITLE) == f'"{title(1)}"'
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("jupyterapp.shell.mode === 'multiple-document'")
    assert page.locator(".jp-SideBar.jp-mod-left").is_visible()


def test_the_bar_above_a_notebook_leads_to_the_next_and_tabs_have_titles(visitor, site):
    page = visitor.page
    visitor.open(served(site, NOTEBOOKS[0]))
    bar = page.locator("nav[aria-label=Notebooks]:visible")
    assert [link.inner_text() for link in bar.get_by_role("link").all()] == ["All notebooks", f"Next: {title(2)}"]
    assert findings(page, ".sheaflab-bar") == []
    assert page.title() == title(1)
    bar.get_by_role("link", name="Next").click()
    page.wait_for_function("title => document.title === title", arg=title(2))
    assert page.evaluate("jupyterapp.shell.currentWidget.context.path") == served(site, NOTEBOOKS[1])
    assert page.evaluate(TAB_TITLES) == [title(1), title(2)]
    assert bar.get_by_role("link", name="Before").get_attribute("href") == f"?path={served(site, NOTEBOOKS[0])}"
    assert (site / "files" / served(site, NOTEBOOKS[1])).exists()  # and its file has kept its name
    bar.get_by_role("link", name="All notebooks").click()
    page.get_by_role("heading", level=1, name=COURSE.title).wait_for()
