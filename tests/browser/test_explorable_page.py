"""The explorable's page as a reader uses it: opened as a file, with mouse, keyboard and finger."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import sheaflab.explorable
from sheaflab import Euler, Exact
from sheaflab.demo import setting
from sheaflab.explorable import page as explorable
from tests.browser.lab import browser, findings

pytestmark = pytest.mark.slow

T_END = 60.0
PANELS = """() => {
  const canvas = document.getElementById('times'), box = canvas.getBoundingClientRect();
  const ctx = canvas.getContext('2d');
  const places = Panels.placesFor(box.width, +document.getElementById('hidden').value, document.getElementById('euler').checked);
  const found = {plane: document.querySelector('#plane canvas').toDataURL()};
  for (const [key, {top, height}] of Object.entries(places.panels)) {
    found[key] = Array.from(ctx.getImageData(places.left, top, places.width, height).data).join();
  }
  return found;
}"""
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

STOP = """() => new Promise(done => {
  const button = document.getElementById('play');
  const look = () => {
    if (+document.getElementById('time').value <= 20) return requestAnimationFrame(look);
    const said = button.textContent;
    button.click();
    done(said);
  };
  button.click();
  look();
})"""


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.set_default_timeout(20_000)
        yield opened


@pytest.fixture
def page(context, tmp_path):
    """The page as it is when it has just been opened; whatever it asks for or complains of is noted."""
    path = tmp_path / "explore.html"
    path.write_text(explorable.page(), encoding="utf-8")
    opened = context.new_page()
    opened.asked, opened.errors = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("console", lambda message: message.type == "error" and opened.errors.append(message.text))
    opened.goto(path.as_uri())
    yield opened
    assert opened.errors == []
    assert [url for url in opened.asked if url != path.as_uri() and not url.startswith("data:")] == []
    opened.close()


def start(page) -> tuple[float, float]:
    return float(page.input_value("#across")), float(page.input_value("#up"))


def log(page) -> list[list[str]]:
    """The table of switches, when the page has told what has changed."""
    page.wait_for_selector("#said[aria-busy=false]")
    return page.evaluate("[...document.querySelectorAll('#log tr')].map(row => [...row.cells].map(cell => cell.textContent))")


def expected(hidden=4, network=0, direction=1, magnitude=2.0, **coordinates):
    """The exact run that the page should show."""
    sheaf, c0 = setting((2, hidden, 1), network, direction, magnitude)
    for name, value in coordinates.items():
        c0[int(name[1:])] = value
    return Exact().run(sheaf, c0, T_END)


def same(rows: list[list[str]], run) -> None:
    assert [row[1:4] for row in rows] == [[f"z¹{'₀₁₂₃₄₅₆₇'[s.neuron]}", s.before, s.after] for s in run.log]
    assert rows
    for row, s in zip(rows, run.log, strict=True):
        numbers = [float(row[k].replace("−", "-")) for k in (0, 4, 5, 6)]
        np.testing.assert_allclose(numbers, [s.time, s.energy, s.slope_before, s.slope_after], rtol=2e-3, atol=1e-4)


def fill(page, **fields) -> None:
    for name, value in fields.items():
        page.fill(f"#{name}", str(value))
        page.press(f"#{name}", "Tab")


def grab(page) -> tuple[float, float]:
    """Press the mouse on the start; return where that is."""
    page.locator("#handle").scroll_into_view_if_needed()
    box = page.locator("#handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def test_the_page_is_one_file_with_the_tested_engine_in_it():
    text = explorable.page()
    engine = Path(sheaflab.explorable.__file__).with_name("engine.js").read_text(encoding="utf-8")
    assert engine in text
    assert not re.search(r"/\* \w+ \*/", text)
    assert not re.search(r"""(?:src|href)=["'](?!data:)|@import|url\(""", text)
    assert "default-src 'none'" in text


# Linear sRGB as it is seen with each deficiency, complete (Machado, Oliveira & Fernandes 2009); and CIE XYZ of it.
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, in which a distance of some 2 is just seen."""
    t = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("dark", [False, True])
def test_colours_of_modes_differ_for_everybody_and_stand_out_from_the_paper(dark):
    rules = explorable.page().split("@media (prefers-color-scheme: dark)")[dark].split("}")[0]
    modes, (paper,) = re.findall(r"--mode-\d: (#\w{6})", rules), re.findall(r"--paper: (#\w+)", rules)
    assert len(modes) == 8
    ground = (XYZ @ linear(paper.ljust(7, "f")))[1]
    for mode in modes:
        low, high = sorted(((XYZ @ linear(mode))[1], ground))
        assert (high + 0.05) / (low + 0.05) >= 3, mode
    for name, sight in SIGHTS.items():
        for a, b in itertools.combinations(modes, 2):
            assert np.linalg.norm(lab(sight @ linear(a)) - lab(sight @ linear(b))) > 20, (name, a, b)


def test_a_pattern_keeps_its_colour_while_a_start_is_dragged_and_two_of_a_run_never_share_one(page):
    met = """runs => {
      const palette = Drawing.colours(), places = new Map();
      return runs.map((codes) => {
        const run = {pieces: codes.map((code) => ({modes: [code >> 3 & 1, code >> 2 & 1, code >> 1 & 1, code & 1]}))};
        return codes.map((code, k) => [...Drawing.modeColours(run, palette, places).values()][k]);
      });
    }"""
    first, other, again, full = page.evaluate(met, [[1, 2, 3], [7, 3, 1, 4], [1, 2, 3], [8, 9, 10, 11, 12, 13, 14, 3]])
    assert first == again
    assert [other[2], other[1]] == [first[0], first[2]]
    assert not {other[0], other[3]} & set(first)
    assert len(set(other)) == 4
    assert len(set(full)) == 8
    assert full[-1] == first[2]


def test_at_first_it_shows_the_run_of_the_demo(page):
    run = expected()
    assert run.log.slides == 1
    same(log(page), run)
    assert "Exact: 4 switches until t = 6" in page.inner_text("#counts")
    assert "The flow slides." in page.inner_text("#said")


def test_the_start_is_dragged_and_all_pictures_follow_at_once(page):
    before = page.evaluate(PANELS)
    x, y = grab(page)
    was = start(page)
    page.mouse.move(x + 60, y - 90, steps=6)
    page.evaluate(FRAMES)
    now, during = start(page), page.evaluate(PANELS)
    assert [key for key in before if before[key] == during[key]] == []
    box = page.locator("#plane canvas").bounding_box()
    extent = float(page.get_attribute("#handle", "aria-valuemax"))
    wide = page.evaluate("size => Plane.scaleOf(size, 1).width", box["width"])
    np.testing.assert_allclose(np.subtract(now, was), np.array([60, 90]) / wide * 2 * extent, atol=0.02)
    page.mouse.up()
    page.mouse.move(x, y)
    page.evaluate(FRAMES)
    assert start(page) == now  # nothing follows a mouse that is up
    same(log(page), expected(z0=now[0], z3=now[1]))


def finger(context, page, *places: tuple[float, float]) -> None:
    """Touch the first place and move over the others."""
    session = context.new_cdp_session(page)
    for k, (x, y) in enumerate(places):
        kind = "touchMove" if k else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_finger_drags_it_too(context, page):
    was, box = start(page), page.locator("#handle").bounding_box()
    x, y = box["x"] + 22, box["y"] + 22
    finger(context, page, *((x + dx, y) for dx in (0, 20, 40)))
    page.evaluate(FRAMES)
    assert start(page)[0] > was[0] + 0.1
    assert start(page)[1] == pytest.approx(was[1], abs=0.02)


def test_a_finger_on_the_plane_scrolls_the_page(context, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(FRAMES)
    was, box = start(page), page.locator("#plane").bounding_box()
    x, y = box["x"] + 80, box["y"] + 200
    finger(context, page, *((x, y - dy) for dy in (0, 30, 60, 90)))
    page.evaluate(FRAMES)
    assert start(page) == was


def test_a_tap_on_the_plane_puts_the_start_there(context, page):
    box = page.locator("#plane").bounding_box()
    for _ in range(10):  # one that a busy machine has drawn out is a long press and no tap
        finger(context, page, (box["x"] + 80, box["y"] + 200))
        page.wait_for_timeout(300)
        if start(page)[0] < -1:
            break
    assert start(page)[0] == pytest.approx(-2.4, abs=0.2)


def test_the_start_moves_by_keys_and_says_where_it_is(page):
    page.focus("#handle")
    extent = float(page.get_attribute("#handle", "aria-valuemax"))
    x, y = start(page)
    for key, dx, dy in (
        ("ArrowRight", 1, 0), ("ArrowLeft", -1, 0), ("ArrowUp", 0, 1), ("ArrowDown", 0, -1), ("Shift+ArrowUp", 0, 0.1),
    ):  # fmt: skip
        page.keyboard.press(key)
        page.evaluate(FRAMES)
        x, y = x + dx * extent / 40, y + dy * extent / 40
        assert start(page) == pytest.approx((x, y), abs=2e-3)
    said = page.get_attribute("#handle", "aria-valuetext").replace("−", "-")
    assert said == f"z¹₀ = {start(page)[0]:.2f}, z¹₃ = {start(page)[1]:.2f}"
    same(log(page), expected(z3=y))


def test_what_has_focus_is_seen(page):
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, line = page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            " return [document.activeElement.id, `${s.outlineStyle} ${parseFloat(s.outlineWidth) >= 2}`] }"
        )
        if name in seen:
            break
        if name:
            seen.append(name)
            assert line == "solid true", name
    assert seen[:3] == ["handle", "play", "time"]
    wanted = {"hidden", "network", "first", "second", "direction", "magnitude", "across", "up", "window", "euler", "step", "again"}
    assert wanted <= set(seen)


def readout(page) -> dict[str, float]:
    page.evaluate(FRAMES)
    t, energy, slope = re.findall(r"-?\d[\d.e+-]*", page.inner_text("#now").split("σ")[0].replace("−", "-"))
    return {"t": float(t), "energy": float(energy), "slope": float(slope)}


def test_time_plays_pauses_and_is_scrubbed(page):
    run = expected()
    assert page.evaluate(STOP) == "Pause"  # played, and paused as soon as time has moved
    stopped = readout(page)["t"]
    assert 0 < stopped < 6
    page.wait_for_timeout(200)
    assert readout(page)["t"] == stopped
    page.focus("#time")
    page.keyboard.press("End")
    assert readout(page)["t"] == 6
    assert page.get_attribute("#time", "aria-valuetext") == "t = 6.00, active: 0, 1, 3; sliding: none"
    for share in (0.1, 0.5):
        page.fill("#time", str(int(1000 * share)))
        shown = readout(page)
        assert shown["t"] == pytest.approx(6 * share)
        assert shown["energy"] == pytest.approx(float(run.energy(6 * share)), rel=1e-2)
        velocity = (run.at(6 * share + 1e-5) - run.at(6 * share - 1e-5)) / 2e-5
        assert shown["slope"] == pytest.approx(-float(velocity @ velocity / run.energy(6 * share)), abs=0.01)


def test_a_new_start_begins_at_time_0_and_stands_still(page):
    page.fill("#time", "500")
    page.click("#play")
    page.focus("#handle")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    assert readout(page)["t"] == 0
    assert page.inner_text("#play") == "Play"


def test_the_panels_are_scrubbed_with_the_mouse(page):
    canvas = page.locator("#times")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    before = page.evaluate(PANELS)
    places = page.evaluate("width => Panels.placesFor(width, 4, false)", box["width"])
    page.mouse.move(box["x"] + places["left"], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + places["left"] + places["width"] / 3, box["y"] + 60, steps=4)
    page.mouse.up()
    assert readout(page)["t"] == pytest.approx(2, abs=0.02)
    after = page.evaluate(PANELS)
    assert [key for key in before if before[key] == after[key]] == []


def test_each_setting_changes_what_it_names_and_nothing_else(page):
    page.select_option("#hidden", "8")
    same(log(page), expected(8))
    fill(page, network=10)
    same(log(page), expected(8, 10))
    fill(page, direction=0)
    same(log(page), expected(8, 10, 0))
    page.fill("#magnitude", "3.5")
    run = expected(8, 10, 0, 3.5)
    same(log(page), run)
    page.select_option("#first", "3")
    page.select_option("#second", "6")
    same(log(page), run)
    assert start(page) == pytest.approx((run.states[0][3], run.states[0][6]), abs=1e-3)
    fill(page, across=-1.25, up=0.5)
    same(log(page), expected(8, 10, 0, 3.5, z3=-1.25, z6=0.5))
    page.click("#again")
    same(log(page), run)
    page.select_option("#second", "3")  # the same twice: they change places
    assert [page.input_value(f"#{name}") for name in ("first", "second")] == ["6", "3"]


def test_numbers_out_of_bounds_are_brought_back(page):
    fill(page, network=99, direction=-4)
    assert (page.input_value("#network"), page.input_value("#direction")) == ("11", "0")
    same(log(page), expected(4, 11, 0))
    fill(page, across="")
    page.evaluate(FRAMES)
    assert start(page) == pytest.approx(tuple(expected(4, 11, 0).states[0][[0, 3]]), abs=1e-3)


def test_eulers_count_is_eulers(page):
    run = expected()
    page.check("#euler")
    for place, dt in ((8, 0.05), (4, 0.01), (0, 0.002)):
        page.fill("#step", str(place))
        page.evaluate(FRAMES)
        count = Euler(dt).run(run.sheaf, run.states[0], 6.0).log.count
        assert page.inner_text("#counts") == f"Exact: 4 switches until t = 6. Euler, Δt = {dt}: {count} sign changes"


def pixel(page, x: float, y: float) -> list[int]:
    """Colour of the plane beside a point, on the edge of what may be drawn there as a thick line."""
    return page.evaluate(
        """([x, y]) => {
          const canvas = document.querySelector('#plane canvas'), extent = +document.getElementById('handle').getAttribute('aria-valuemax');
          const scale = Plane.scaleOf(canvas.width / devicePixelRatio, extent);
          return [...canvas.getContext('2d').getImageData(Math.floor(scale.x(x) + 3.5), Math.round(scale.y(y)), 1, 1).data].slice(0, 3);
        }""",
        [x, y],
    )


def test_the_part_of_a_wall_on_which_a_flow_slides_is_marked(page):
    sheaf, state = setting()
    wall = [int(page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--wall')")[k : k + 2], 16) for k in (1, 3, 5)]
    marked = {}
    for network in range(6):
        fill(page, network=network)
        page.evaluate(FRAMES)
        sheaf, state = setting((2, 4, 1), network)
        for height in (-0.7, 0.4):
            state[0], state[3] = -1e-9, height
            down = sheaf.velocity(state)[0]
            state[0] = 1e-9
            slides = down > 0 > sheaf.velocity(state)[0]
            assert (pixel(page, 0.0, height) == wall) == slides, (network, height)
            marked[network, height] = slides
    assert set(marked.values()) == {True, False}


def choose(page, question: int, choice: int):
    box = page.locator(f"#questions > li:nth-child({question})")
    box.get_by_role("radio").nth(choice).check()
    return box


def test_a_question_is_predicted_then_answered_by_dragging(page):
    box = page.locator("#questions > li:nth-child(1)")
    button = box.get_by_role("button")
    assert button.is_disabled()
    assert box.locator(".try").is_hidden()
    choose(page, 1, 2)
    assert box.locator(".seen").inner_text() == ""
    free = next(z for z in np.arange(0.5, 3.0, 0.5) if not expected(z0=-1.5, z3=z).log.slides)
    fill(page, across=-1.5, up=free)
    log(page)
    assert "The flow does not slide." in page.inner_text("#said")
    assert box.locator(".seen").inner_text() == ""
    page.click("#again")
    assert box.locator(".seen").inner_text() == "✓ done"
    button.click()
    answer = box.get_by_role("status").inner_text()
    assert answer.startswith("You predicted “point away from each other”. It is: point towards each other.")


def test_the_question_about_kinks_is_answered_at_the_end_of_the_slide(page):
    box = choose(page, 2, 2)
    page.fill("#time", "400")
    page.evaluate(FRAMES)
    assert box.locator(".seen").inner_text() == ""
    end = next(s for s in expected().log if s.before == "sliding")
    page.fill("#time", str(round(1000 * end.time / 6)))
    assert box.locator(".seen").inner_text() == "✓ done"
    box.get_by_role("button").click()
    answer = box.get_by_role("status").inner_text()
    assert answer.startswith("As you predicted: where a slide ends.")
    slope = f"−{-end.slope_before:.3f}"
    assert f"at t = {end.time:.2f} it goes from {slope} to {slope}" in answer


def test_the_question_about_eulers_count_tells_the_counts_that_were_seen(page):
    box = choose(page, 3, 0)
    page.fill("#step", "6")
    assert box.locator(".seen").inner_text() == ""
    page.fill("#step", "4")
    assert box.locator(".seen").inner_text() == "✓ done"
    box.get_by_role("button").click()
    run = expected()
    counts = [f"{Euler(dt).run(run.sheaf, run.states[0], 6.0).log.count} with Δt = {dt}" for dt in (0.05, 0.02, 0.01)]
    answer = box.get_by_role("status").inner_text()
    assert f"You have seen {', '.join(counts[1:])}." in answer
    assert "The exact flow has 4 switches." in answer


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_accessible_and_fits(page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate(FRAMES)
    page.check("#euler")
    choose(page, 1, 0).get_by_role("button").click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_pictures_change_with_the_colour_scheme(page):
    mean = """() => {
      const canvas = document.querySelector('#plane canvas');
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((_, k) => k % 4 === 1).reduce((sum, green) => sum + green) / (data.length / 4);
    }"""
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(FRAMES)
        found[scheme] = page.evaluate(mean)
    assert found["light"] > found["dark"] + 60
