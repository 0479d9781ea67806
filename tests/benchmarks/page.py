"""Seconds of the browser edition in headless Chromium: to the first figure, cold and warm, and for many prints in a cell.

Usage: python -m tests.benchmarks.page SITE [PRINTS]

SITE is a folder made by `graders site`. Cold is a browser that has never seen it. Two sites are compared in turn, not at once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.browser.lab import Lab, browser, printed, serve

CODE = 1
"""The one cell of code of the figure's notebook."""
FIGURE = "import sheaflab, matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"


def first_figure(profile: Path, address: str) -> float:
    """Return the seconds from the first request to a figure on the page."""
    with browser(profile) as context:
        lab = Lab(context, address)
        begun = time.perf_counter()
        lab.page.goto(f"{address}/lab/index.html?path=play.ipynb")
        lab.page.wait_for_function(KERNEL, timeout=180_000)
        lab.type_into(CODE, FIGURE)
        lab.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell') }")
        lab.page.wait_for_selector(".jp-OutputArea img", timeout=180_000)
        return time.perf_counter() - begun


def prints(profile: Path, address: str, count: int) -> float:
    """Return the seconds that a cell with so many prints takes; what it printed must be whole."""
    with browser(profile) as context:
        lab = Lab(context, address)
        lab.open("play.ipynb")
        lab.type_into(CODE, f"for i in range({count}):\n    print(i)")
        begun = time.perf_counter()
        lab.run(CODE)
        seconds = time.perf_counter() - begun
        assert printed(lab.cells()[CODE]) == "".join(f"{i}\n" for i in range(count))
    return seconds


def main(site: str, count: str = "20000") -> None:
    """Measure, and print it."""
    with tempfile.TemporaryDirectory() as folder, serve(Path(site)) as address:
        profile = Path(folder) / "profile"
        print(f"first figure, cold: {first_figure(profile, address):.1f} s")
        print(f"first figure, warm: {first_figure(profile, address):.1f} s")
        print(f"{count} prints: {prints(profile, address, int(count)):.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
