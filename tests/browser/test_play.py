"""The interactive figure, and the exact engine, inside the browser."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import once
from tests.browser.lab import Lab, browser, errors, printed

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


@dataclass(frozen=True)
class Played:
    """What was seen in the notebook of the figure."""

    failed: list[str]
    pictures: int
    before: str
    after: str
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
            picture = lab.page.locator(".jp-OutputArea img.widget-image")
            picture.wait_for()
            words = lab.page.locator(".jp-OutputArea .widget-html pre")
            first, before = picture.get_attribute("src"), words.inner_text()
            handle = lab.page.locator(".noUi-handle").first
            handle.focus()
            handle.press("ArrowRight")
            lab.page.wait_for_function(
                "was => document.querySelector('.jp-OutputArea img.widget-image').src !== was", arg=first
            )
            after = words.inner_text()
            pictures = picture.count()
            lab.page.screenshot(path=folder / "picture.png")
            code = next(index for index, cell in enumerate(lab.cells()) if cell["cell_type"] == "code")
            lab.type_into(code, RUNS + "\nprint(json.dumps(runs()))")
            lab.run_all()
            cells = lab.cells()
            found = Played(errors(cells), pictures, before, after, printed(cells[code]), lab.outside)
        path.write_text(json.dumps(asdict(found)))

    return Played(**json.loads(once(shared, "played.json", make).read_text()))


def test_the_slider_redraws_the_figure(played):
    assert not played.failed
    assert played.pictures == 1
    assert "start of magnitude 2:" in played.before
    assert "start of magnitude 2.0" in played.after
    assert played.before != played.after
    assert played.outside == []


def test_exact_finds_the_same_switches_to_a_billionth_of_a_thousandth(played):
    scope: dict = {}
    exec(RUNS, scope)
    here, there = scope["runs"](), json.loads(played.runs)
    assert [[s[:3] for s in log] for log in there] == [[s[:3] for s in log] for log in here]
    times, others = (np.array([s[3] for log in run for s in log]) for run in (here, there))
    assert times.size > 50
    np.testing.assert_allclose(others, times, rtol=0, atol=1e-12)
