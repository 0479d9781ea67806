"""Four moments of the explorable in one picture, as the documentation shows them.

    python -m tests.browser.strip course/docs/images/explorable.png
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from sheaflab.explorable import page as explorable
from tests.browser.lab import browser

COLOURS = 64


def look(page: Page) -> Image.Image:
    """The plane above the panels, when the page has told what there is."""
    page.wait_for_selector("#said[aria-busy=false]")
    parts = [Image.open(io.BytesIO(page.locator(name).screenshot())) for name in ("#plane", "#times")]
    joined = Image.new("RGB", (parts[0].width, sum(part.height for part in parts) + 8), "white")
    joined.paste(parts[0], (0, 0))
    joined.paste(parts[1], (0, parts[0].height + 8))
    return joined


def moments(page: Page) -> list[Image.Image]:
    """Before, while and after the start is dragged, and later with Euler's steps."""
    page.set_viewport_size({"width": 400, "height": 1400})
    page.add_style_tag(content="#bar { position: static !important; }")
    found = [look(page)]
    box = page.locator("#handle").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in ((-60, -110), (-150, -210)):
        page.mouse.move(x + dx, y + dy, steps=5)
        found.append(look(page))
    page.mouse.up()
    page.click("#again")
    page.check("#euler")
    page.fill("#time", "300")
    return [*found, look(page)]


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    target = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder) / "profile") as context:
        file = Path(folder) / "explore.html"
        file.write_text(explorable.page(), encoding="utf-8")
        page = context.new_page()
        page.goto(file.as_uri())
        pictures = moments(page)
    strip = Image.new("RGB", (sum(p.width + 16 for p in pictures) - 16, max(p.height for p in pictures)), "white")
    x = 0
    for picture in pictures:
        strip.paste(picture, (x, 0))
        x += picture.width + 16
    strip.quantize(COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    main()
