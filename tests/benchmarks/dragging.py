"""Frames per second of the explorable while its start is dragged, in headless Chromium.

    python -m tests.benchmarks.dragging [--hidden 8] [--seconds 5]

A mouse goes round while the page notes when it draws. Three rows: the exact flow, Euler's steps over it, the shortest steps.
A page that keeps up draws 60 frames per second, the most that Chromium shows; the last column is what its main thread needs
for one frame, of the 16.7 ms that there are.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from sheaflab.explorable import page as explorable
from tests.browser.lab import browser

NOTE = """() => {
  window.frames_ = [];
  window.note_ = true;
  const step = (moment) => { if (window.note_) { window.frames_.push(moment); requestAnimationFrame(step); } };
  requestAnimationFrame(step);
}"""


def metrics(session: Any) -> dict[str, float]:
    """Seconds that the page's main thread has worked so far, by kind."""
    return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}


def drag(page: Page, session: Any, seconds: float) -> str:
    """Drag the start in circles; return a row of the table."""
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#plane").bounding_box()
    assert box is not None
    x, y, size = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 3
    was = page.input_value("#across")
    page.mouse.move(x + size, y)
    page.mouse.down()
    page.evaluate(NOTE)
    before, begin, moves = metrics(session), time.perf_counter(), 0
    while (now := time.perf_counter() - begin) < seconds:
        page.mouse.move(x + size * math.cos(2 * now), y + size * math.sin(2 * now))
        moves += 1
    after, times = metrics(session), page.evaluate("() => { window.note_ = false; return window.frames_ }")
    page.mouse.up()
    if page.input_value("#across") == was:
        raise SystemExit("the start did not follow the mouse")
    gaps = sorted(b - a for a, b in pairwise(times))
    busy = 1e3 * (after["TaskDuration"] - before["TaskDuration"]) / len(times)
    late = sum(gap > 25 for gap in gaps)
    return (
        f"{1e3 * len(gaps) / sum(gaps):6.1f} {statistics.median(gaps):8.1f} {gaps[-1]:9.1f} {late:5d} of {len(gaps):4d} "
        f"{moves / seconds:9.0f} {busy:10.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", choices=["2", "4", "8"], default="8")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder) / "profile") as context:
        file = Path(folder) / "explore.html"
        file.write_text(explorable.page(), encoding="utf-8")
        page = context.new_page()
        page.goto(file.as_uri())
        page.select_option("#hidden", options.hidden)
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        print(f"widths 2, {options.hidden}, 1      frames/s  median ms  longest ms  over 25 ms  moves/s  ms per frame")
        for name, step in (("exact", None), ("and Euler, 0.05", "8"), ("and Euler, 0.002", "0")):
            if step is not None:
                page.fill("#step", step)
            print(f"{name:<18}{drag(page, session, options.seconds)}", flush=True)


if __name__ == "__main__":
    main()
