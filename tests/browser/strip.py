"""Four moments of the explorable in one picture, with the page's own key, as the documentation shows them.

    python -m tests.browser.strip course/docs/images/explorable.png
"""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from sheaflab.explorable import page as explorable
from tests.browser.lab import browser

COLOURS = 256
TITLES = ("1. The first start.", "2. The start, dragged.", "3. Dragged further.", "4. The first start, and Euler.")
SHEET = """
  body { width: 840px; }
  #strip { display: grid; grid-template-columns: repeat(2, 1fr); gap: 16px; padding: 8px; }
  #strip h2 { font-size: 17px; line-height: 1.3; margin: 0 0 4px; }
  #strip p { font-size: 15px; line-height: 1.35; min-height: 4em; margin: 0; max-width: none; }
  #strip img { width: 100%; }
  #strip .repels { display: none; } /* there is none in these pictures */
  #strip .key, #strip #slice { grid-column: 1 / -1; font-size: 15px; color: var(--ink); }
"""
LAY_OUT = """([sheet, moments]) => {
  const make = (name, text) => Object.assign(document.createElement(name), {textContent: text});
  const strip = Object.assign(document.createElement("section"), {id: "strip"});
  for (const {title, told, image} of moments) {
    const moment = make("div", ""), picture = Object.assign(make("img", ""), {src: `data:image/png;base64,${image}`});
    moment.append(make("h2", title), make("p", told), picture);
    strip.append(moment);
  }
  strip.append(document.querySelector(".key"), document.querySelector("#slice"));
  document.head.append(make("style", sheet));
  document.body.replaceChildren(strip);
  return Promise.all([...strip.querySelectorAll("img")].map((image) => image.decode()));
}"""


def look(page: Page) -> Image.Image:
    """The plane above the panels, when the page has told what there is."""
    page.wait_for_selector("#said[aria-busy=false]")
    parts = [Image.open(io.BytesIO(page.locator(name).screenshot())) for name in ("#plane", "#times")]
    joined = Image.new("RGB", (parts[0].width, sum(part.height for part in parts) + 8), "white")
    joined.paste(parts[0], (0, 0))
    joined.paste(parts[1], (0, parts[0].height + 8))
    return joined


def moments(page: Page) -> list[tuple[Image.Image, str]]:
    """Before, while and after the start is dragged, and later with Euler's steps: pictures, and what the page says."""
    page.set_viewport_size({"width": 400, "height": 1400})
    page.add_style_tag(content="#bar { position: static !important; }")
    found = [(look(page), told(page))]
    box = page.locator("#handle").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in ((50, -270), (-130, -240)):
        page.mouse.move(x + dx, y + dy)
        found.append((look(page), told(page)))
    page.mouse.up()
    page.click("#again")
    page.check("#euler")
    page.fill("#step", "10")
    page.fill("#time", "300")
    return [*found, (look(page), told(page))]


def told(page: Page) -> str:
    """The time that is shown, and what the page says of the run, but for its energy."""
    now, said = page.locator("#now").inner_text(), page.locator("#said").inner_text()
    return f"Shown at {now.split(' · ')[0]}. {said.split(' The energy')[0]}"


def strip(page: Page) -> bytes:
    """All moments beside each other, each with what the page says of it, above the page's key: a PNG file."""
    shown = []
    for title, (picture, said) in zip(TITLES, moments(page), strict=True):
        file = io.BytesIO()
        picture.save(file, "png")
        shown.append({"title": title, "told": said, "image": base64.b64encode(file.getvalue()).decode()})
    page.set_viewport_size({"width": 856, "height": 1400})
    page.evaluate(LAY_OUT, [SHEET, shown])
    return page.locator("#strip").screenshot()


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
        picture = Image.open(io.BytesIO(strip(page)))
    picture.convert("RGB").quantize(COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    main()
