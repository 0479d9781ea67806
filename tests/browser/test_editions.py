"""The self-study edition in the browser, and a site that fetches Pyodide from its public address."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from graders.site.build import build_site
from graders.site.edition import Edition
from tests.browser.conftest import COURSE, NOTEBOOKS, key, once, served
from tests.browser.lab import Lab, browser, errors, printed, serve


@dataclass(frozen=True)
class Ran:
    """A notebook of another edition, filled with the key and run."""

    failed: list[str]
    said: dict[str, str]
    outside: list[str]


def run_first(site: Path, folder: Path, *, published: Path | None = None) -> Ran:
    """Run the first notebook of a site; what it asks of Pyodide's public address is answered from `published`."""
    answers = key(NOTEBOOKS[0])
    with serve(site) as address, browser(folder) as context:
        lab = Lab(context, address)
        if published is not None:
            public = re.compile(r"^https://[^/]+/pyodide/v[0-9.]+/full/([^/?]+)")

            def answer(route):
                route.fulfill(path=published / public.match(route.request.url)[1])

            context.route(public, answer)
        lab.open(served(site, NOTEBOOKS[0]))
        for index, cell in enumerate(lab.cells()):
            mark = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if mark in answers:
                lab.type_into(index, answers[mark])
        lab.run_all()
        cells = lab.cells()
        said = {cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"]): printed(cell) for cell in cells}
    return Ran(errors(cells), said, lab.outside)


@pytest.fixture(scope="session")
def alone(shared, distribution) -> Ran:
    def make(path: Path) -> None:
        site = shared / "self-study"
        build_site(site, COURSE, pyodide=distribution, edition=Edition.SELF_STUDY)
        path.write_text(json.dumps(asdict(run_first(site, shared / "self-study-profile"))))

    return Ran(**json.loads(once(shared, "alone.json", make).read_text()))


def test_alone_the_checks_on_fresh_problems_run_in_the_page(alone):
    assert alone.failed == []
    assert alone.outside == []
    for exercise in COURSE.notebook(NOTEBOOKS[0]).exercises:
        assert exercise.id in alone.said[exercise.grade_cell]


@pytest.fixture(scope="session")
def public(shared, release, distribution) -> Ran:
    def make(path: Path) -> None:
        site = shared / "public"
        build_site(site, COURSE, release=release)
        assert not (site / "static" / "pyodide").exists()
        path.write_text(json.dumps(asdict(run_first(site, shared / "public-profile", published=distribution))))

    return Ran(**json.loads(once(shared, "public.json", make).read_text()))


def test_a_public_site_asks_only_pyodides_own_address(public):
    assert public.failed == []
    assert public.outside
    assert {re.sub(r"[^/]*$", "", url) for url in public.outside} == {re.sub(r"[^/]*$", "", public.outside[0])}
