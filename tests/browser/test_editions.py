"""In every edition in the browser a right answer passes, and a wrong one fails with its message.

The student edition, the self-study edition, and a site that fetches Pyodide from its public address.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from graders.publish.site.edition import Edition
from graders.publish.site.jupyterlite import build_site
from sheaflab.study.catalogue import catalogue
from tests.browser.conftest import COURSE, NOTEBOOKS, key, once, served
from tests.browser.lab import Lab, browser, printed, serve
from tests.selfstudy.solving import (
    FRESH,
    FRESH_TOLD,
    RAISES,
    RAISES_TOLD,
    UNWRITTEN_TOLD,
    WRONG,
    WRONG_TOLD,
    indented,
    marks,
)


@dataclass(frozen=True)
class Ran:
    """A notebook of another edition, run once for each of its answers.

    Attributes
    ----------
    right : dict of str to list
        The outputs of each cell by its name, all answers being the key.
    others : dict of str to dict
        The same for other answers to exercise 1.1, by their kind.
    outside : list of str
        Addresses beyond the site that were asked for.
    """

    right: dict[str, list[dict[str, Any]]]
    others: dict[str, dict[str, list[dict[str, Any]]]]
    outside: list[str]


OTHERS = {
    "wrong": WRONG,
    "raises": RAISES,
    "raises-on-fresh": FRESH,
    "unwritten": catalogue().find("1.1").stub,
    "missing": "def activation_pattern(z):\n    import tables_of_tomorrow\n    return z > 0\n",
}


def run_first(site: Path, folder: Path, *, published: Path | None = None, picture: Path | None = None) -> Ran:
    """Run the first notebook of a site; what it asks of Pyodide's public address is answered from `published`."""
    answers = key(NOTEBOOKS[0])
    others = {}
    with serve(site) as address, browser(folder) as context:
        lab = Lab(context, address)
        if published is not None:
            public = re.compile(r"^https://[^/]+/pyodide/v[0-9.]+/full/([^/?]+)")

            def answer(route):
                route.fulfill(path=published / public.match(route.request.url)[1])

            context.route(public, answer)
        lab.open(served(site, NOTEBOOKS[0]))
        place = {name_of(cell): index for index, cell in enumerate(lab.cells())}
        for name, text in answers.items():
            lab.type_into(place[name], text)
        lab.run_all()
        right = said(lab)
        for kind, text in OTHERS.items():
            lab.type_into(place["ex-1-1"], text)
            for name in ("ex-1-1", "check-1-1", "grade-1-1"):
                lab.run(place[name])
            others[kind] = said(lab)
            if picture is not None:
                lab.page.screenshot(path=picture.with_name(f"{picture.name}-{kind}.png"))
    return Ran(right, others, lab.outside)


def name_of(cell: dict[str, Any]) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"])


def said(lab: Lab) -> dict[str, list[dict[str, Any]]]:
    return {name_of(cell): cell["outputs"] for cell in lab.cells() if cell["cell_type"] == "code"}


def text(outputs: list[dict[str, Any]]) -> str:
    return printed({"outputs": outputs})


def failure(outputs: list[dict[str, Any]]) -> tuple[str, str]:
    """Kind of the error that a cell shows, and all that is shown of it."""
    (error,) = (output for output in outputs if output["output_type"] == "error")
    assert len(outputs) == 1
    return error["ename"], "\n".join(error["traceback"])


def raised(outputs: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [output["evalue"] for cell in outputs.values() for output in cell if output["output_type"] == "error"]


@pytest.fixture(scope="session")
def alone(shared, distribution) -> Ran:
    def make(path: Path) -> None:
        site = shared / "self-study"
        build_site(site, COURSE, pyodide=distribution, edition=Edition.SELF_STUDY)
        ran = run_first(site, shared / "self-study-profile", picture=shared / "alone")
        path.write_text(json.dumps(asdict(ran)))

    return Ran(**json.loads(once(shared, "alone.json", make).read_text()))


def test_alone_right_answers_pass_in_the_page_on_fresh_problems_too(alone):
    assert raised(alone.right) == []
    assert alone.outside == []
    for exercise in COURSE.notebook(NOTEBOOKS[0]).exercises:
        report = text(alone.right[exercise.grade_cell])
        assert marks(report) == ["✓"] * (1 + len(exercise.checks)), report


@pytest.mark.parametrize(
    ("kind", "expected", "told"),
    [
        ("wrong", ["✗"], indented(WRONG_TOLD, 2)),
        ("raises", ["✗"], indented(RAISES_TOLD, 2)),
        ("raises-on-fresh", ["✗", "✗", "✓"], FRESH_TOLD),
        ("unwritten", ["·"], "nothing written yet"),
    ],
)
def test_alone_other_answers_are_told_what_is_wrong(alone, kind, expected, told):
    report = text(alone.others[kind]["grade-1-1"])
    assert marks(report) == expected, report
    assert re.search(told if isinstance(told, re.Pattern) else re.escape(told), report), report


@pytest.fixture(scope="session")
def student(shared, site) -> Ran:
    def make(path: Path) -> None:
        ran = run_first(site, shared / "student-profile", picture=shared / "student")
        path.write_text(json.dumps(asdict(ran)))

    return Ran(**json.loads(once(shared, "student.json", make).read_text()))


def passes(ran: Ran) -> None:
    assert raised(ran.right) == []
    for exercise in COURSE.notebook(NOTEBOOKS[0]).exercises:
        told = f"Exercise {exercise.id}: the visible checks pass. Go on with the next cell: it is about fresh problems.\n"
        assert text(ran.right[f"check-{exercise.slug}"]) == told


def test_a_students_right_answers_pass_in_the_page(student):
    passes(student)
    assert student.outside == []


@pytest.mark.parametrize(
    ("kind", "error", "told"),
    [("wrong", "CheckFailed", WRONG_TOLD), ("raises", "CheckFailed", RAISES_TOLD), ("unwritten", "NotWritten", UNWRITTEN_TOLD)],
)  # fmt: skip
def test_a_students_failure_is_its_message_alone(student, kind, error, told):
    found, shown = failure(student.others[kind]["check-1-1"])
    assert error in found  # Pyodide's kernel gives the class as it prints itself
    assert shown == f"Exercise 1.1: {told}"


def test_a_package_that_is_missing_in_the_browser_is_told(student):
    _, shown = failure(student.others["missing"]["check-1-1"])
    assert "line 2:   import tables_of_tomorrow" in shown
    assert "there is no `tables_of_tomorrow` in this browser, only Python's own modules, numpy 2" in shown
    assert ", scipy, matplotlib 3" in shown  # it is there, but is loaded by who imports it


@pytest.fixture(scope="session")
def public(shared, release, distribution) -> Ran:
    def make(path: Path) -> None:
        site = shared / "public"
        build_site(site, COURSE, release=release)
        assert not (site / "static" / "pyodide").exists()
        path.write_text(json.dumps(asdict(run_first(site, shared / "public-profile", published=distribution))))

    return Ran(**json.loads(once(shared, "public.json", make).read_text()))


def test_a_public_site_asks_only_pyodides_own_address(public):
    passes(public)
    assert public.outside
    assert {re.sub(r"[^/]*$", "", url) for url in public.outside} == {re.sub(r"[^/]*$", "", public.outside[0])}
