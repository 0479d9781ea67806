"""Seconds of the browser edition in headless Chromium: to the first figure, cold and warm, and for many prints in a cell.

Usage: python -m tests.benchmarks.page SITE [PRINTS] [--runs 3]

SITE is a folder made by `graders site`. A reader opens its first page, clicks on the first notebook and runs the cells up to
the first figure. Cold is a browser that has never seen the site, warm the same one again. Beside the seconds stand the
processor time of the browser, its driver and the server, and how many cores other programs took meanwhile. Of several runs
the quickest is printed, and the least processor time. Two sites are compared in turn, not at once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from tests.browser.lab import Lab, browser, printed, serve

CODE = 1
"""The one cell of code of the figure's notebook."""
TO_FIGURE = [1, 3]
"""The first notebook's cells of code up to the first figure."""
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
RUN = """async (cells) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  for (const cell of cells) {
    notebook.activeCellIndex = cell;
    jupyterapp.commands.execute("notebook:run-cell");
  }
}"""
TICK = os.sysconf("SC_CLK_TCK")


def used() -> float:
    """Return the processor seconds of this process and of all below it: the browser's many, and Playwright's."""
    parents, seconds = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(folder.name)] = int(fields[1])
        seconds[int(folder.name)] = sum(map(int, fields[11:13])) / TICK
    total = 0.0
    for process, own in seconds.items():
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        total += own * (above == os.getpid())
    return total


def busy() -> float:
    """Return the processor seconds of the whole machine."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICK


def first_figure(profile: Path, address: str, reading: float = 0.0) -> tuple[float, float, float]:
    """Return seconds to the first figure without those of reading, processor seconds, and the cores that others took."""
    with browser(profile) as context:
        page = context.new_page()
        begun, own, all_ = time.perf_counter(), used(), busy()
        page.goto(address, wait_until="commit")
        page.wait_for_selector("a.go")
        page.wait_for_timeout(1000 * reading)
        page.click("a.go")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=180_000)
        page.wait_for_function(KERNEL, timeout=180_000)
        page.evaluate(RUN, TO_FIGURE)
        page.wait_for_selector(".jp-OutputArea img", timeout=180_000)
        seconds, own, all_ = time.perf_counter() - begun, used() - own, busy() - all_
        page.wait_for_timeout(3000)  # the browser keeps compiled code for the next time
        return seconds - reading, own, (all_ - own) / seconds


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


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("prints", type=int, nargs="?", default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float]]] = {"cold": [], "warm": [], "cold, after 5 s on the first page": []}
    with serve(options.site) as address:
        for _ in range(options.runs):
            with tempfile.TemporaryDirectory() as folder:
                rows["cold"].append(first_figure(Path(folder) / "profile", address))
                rows["warm"].append(first_figure(Path(folder) / "profile", address))
            with tempfile.TemporaryDirectory() as folder:
                rows["cold, after 5 s on the first page"].append(first_figure(Path(folder) / "profile", address, 5.0))
        print("to the first figure                    s  processor s  cores of others")
        for name, runs in rows.items():
            seconds, _, others = min(runs)
            print(f"{name:<35}{seconds:5.1f}{min(run[1] for run in runs):13.1f}{others:17.1f}")
        if options.prints:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{options.prints} prints: {prints(Path(folder) / 'profile', address, options.prints):.1f} s")


if __name__ == "__main__":
    main()
