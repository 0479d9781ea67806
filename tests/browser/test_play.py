"""The interactive figure, and the exact engine, inside the browser."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import once
from tests.browser.lab import Lab, browser, errors, findings, printed

RUNS = '''
import json
import numpy as np
from sheaflab import Exact, Network, Sheaf

def runs():
    """Switch times of fifty runs of several shapes, sliding ones included."""
    shapes = [[2, 4, 1], [2, 8, 1], [3, 5, 2], [2, 3, 3, 1], [2, 4, 3, 2]]
    found = []
    for k in range(50):
        rng = np.random.default_rng(k)
        net = Network.random(shapes[k % 5], rng)
        sheaf = Sheaf(net, rng.standard_normal(net.widths[0]))
        log = Exact().run(sheaf, 2.0 * rng.standard_normal(sheaf.n)).log
        found.append([[s.layer, s.neuron, s.after, s.time] for s in log])
    return found
'''


FIELDS = ("network seed", "start seed", "magnitude")


@dataclass(frozen=True)
class Played:
    """What was seen in the notebook of the figure.

    Attributes
    ----------
    words : list of str
        Below the picture: at first, then after each of the three fields was changed by one press of the arrow up.
    shown : list of list of str
        What the three fields read, each time.
    alt : list of str
        The text of the picture, each time.
    findings : list of str
        Of axe-core.
    """

    failed: list[str]
    pictures: int
    words: list[str]
    shown: list[list[str]]
    alt: list[str]
    findings: list[str]
    runs: str
    outside: list[str]


@pytest.fixture(scope="session")
def played(shared, address) -> Played:
    def make(path: Path) -> None:
        folder = shared / "play"
        folder.mkdir()
        with browser(folder / "profile") as context:
            lab = Lab(context, address)
            lab.open("play.ipynb")
            lab.run_all()
            picture = lab.page.locator(".jp-OutputArea .widget-html img")
            picture.wait_for()
            fields = [lab.page.get_by_label(name, exact=True) for name in FIELDS]
            words, shown, alt = [], [], []

            def note() -> None:
                words.append(lab.page.locator(".jp-OutputArea .widget-html pre").inner_text())
                shown.append([field.input_value() for field in fields])
                alt.append(picture.get_attribute("alt"))

            note()
            for field in fields:
                said = words[-1]
                field.press("ArrowUp")
                field.press("Enter")
                lab.page.wait_for_function(
                    "was => document.querySelector('.jp-OutputArea .widget-html pre').innerText !== was", arg=said
                )
                note()
            pictures = picture.count()
            found_by_axe = findings(lab.page, ".jp-OutputArea")
            lab.page.screenshot(path=folder / "picture.png")
            code = next(index for index, cell in enumerate(lab.cells()) if cell["cell_type"] == "code")
            lab.type_into(code, RUNS + "\nprint(json.dumps(runs()))")
            lab.run_all()
            cells = lab.cells()
            found = Played(errors(cells), pictures, words, shown, alt, found_by_axe, printed(cells[code]), lab.outside)
        path.write_text(json.dumps(asdict(found)))

    return Played(**json.loads(once(shared, "played.json", make).read_text()))


def test_each_field_redraws_the_figure_and_reads_what_it_is(played):
    assert not played.failed
    assert played.pictures == 1
    assert played.shown == [["0", "1", "2"], ["1", "1", "2"], ["1", "2", "2"], ["1", "2", "2.1"]]
    for words, alt, (network, start, magnitude) in zip(played.words, played.alt, played.shown, strict=True):
        assert f"network seed {network}, start seed {start}, magnitude {magnitude}:" in words
        assert words.startswith(alt)
    assert played.outside == []


def test_the_figure_and_its_fields_are_accessible(played):
    assert played.findings == []


def test_exact_finds_the_same_switches_to_a_billionth_of_a_thousandth(played):
    scope: dict = {}
    exec(RUNS, scope)
    here, there = scope["runs"](), json.loads(played.runs)
    assert [[s[:3] for s in log] for log in there] == [[s[:3] for s in log] for log in here]
    times, others = (np.array([s[3] for log in run for s in log]) for run in (here, there))
    assert times.size > 50
    np.testing.assert_allclose(others, times, rtol=0, atol=1e-12)
