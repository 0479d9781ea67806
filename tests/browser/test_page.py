"""What the course adds to JupyterLite's page: output that is joined, a way out of an endless cell, the explorable in a cell."""

from __future__ import annotations

import pytest

from tests.browser.lab import Lab, browser, printed

PRINTS = 2000
FIRST = 1
"""The one cell of code of the figure's notebook."""


@pytest.fixture(scope="module")
def lab(address, tmp_path_factory):
    with browser(tmp_path_factory.mktemp("page") / "profile") as context:
        lab = Lab(context, address)
        lab.open("play.ipynb")
        yield lab


JOIN = """async ([messages, address]) => {
  const {joining} = await import(address);
  const sent = [], stage = joining((message) => sent.push(message), 20);
  for (const [type, name, text, parent] of messages) {
    if (type === "wait") await new Promise((resolve) => setTimeout(resolve, 200));
    else stage.take({header: {msg_type: type}, parent_header: {msg_id: parent}, content: {name, text}});
  }
  const before = sent.length;
  stage.flush();
  return [sent.map((m) => [m.header.msg_type, m.content.name, m.content.text, m.parent_header.msg_id]), before];
}"""


def joined(lab: Lab, *messages: list[str]):
    return lab.page.evaluate(JOIN, [messages, f"{lab.address}/extensions/@sheaflab/page/streams.js"])


def test_texts_that_follow_one_another_are_one_message(lab):
    sent, before = joined(lab, *(["stream", "stdout", f"{i} ", "one"] for i in range(100)))
    assert sent == [["stream", "stdout", "".join(f"{i} " for i in range(100)), "one"]]
    assert before == 0


def test_a_text_alone_is_sent_after_a_moment(lab):
    _, before = joined(lab, ["stream", "stdout", "a", "one"], ["wait", "", "", ""])
    assert before == 1


WAITS = """async (address) => {
  const {joining} = await import(address);
  const own = window.setTimeout, waits = [], stage = joining(() => {}, 20);
  window.setTimeout = (call, ms) => waits.push({call, ms});
  const text = {header: {msg_type: "stream"}, parent_header: {msg_id: "one"}, content: {name: "stdout", text: "a"}};
  for (const busy of [0, 200, 0]) {
    stage.take(text);
    const {call, ms} = waits.at(-1), until = performance.now() + ms + busy;
    while (performance.now() < until);
    call();
  }
  stage.take(text);
  window.setTimeout = own;
  return waits.map(({ms}) => ms);
}"""


def test_a_page_that_does_not_keep_up_gets_more_time(lab):
    first, second, third, fourth = lab.page.evaluate(WAITS, f"{lab.address}/extensions/@sheaflab/page/streams.js")
    assert first == 20
    assert third >= 20 + 2 * 200
    assert third > second
    assert third > fourth


def test_streams_cells_and_other_messages_are_not_mixed(lab):
    messages = [
        ["stream", "stdout", "a", "one"],
        ["stream", "stderr", "b", "one"],
        ["stream", "stdout", "c", "one"],
        ["display_data", "", "", "one"],
        ["stream", "stdout", "d", "one"],
        ["error", "", "", "one"],
        ["stream", "stdout", "e", "one"],
        ["stream", "stdout", "f", "two"],
    ]
    assert joined(lab, *messages)[0] == messages


LISTEN = """() => {
  window.streams = 0;
  jupyterapp.shell.currentWidget.sessionContext.iopubMessage.connect((_, message) => {
    window.streams += message.header.msg_type === "stream";
  });
}"""


def test_many_prints_reach_the_page_whole_and_in_few_messages(lab):
    lab.type_into(FIRST, f"for i in range({PRINTS}):\n    print(i)")
    lab.page.evaluate(LISTEN)
    lab.run(FIRST)
    assert printed(lab.cells()[FIRST]) == "".join(f"{i}\n" for i in range(PRINTS))
    assert lab.page.evaluate("window.streams") < PRINTS / 4  # Python writes twice per print


def test_what_is_printed_breaks_between_words(lab):
    lab.type_into(FIRST, "print('a word')")
    lab.run(FIRST)
    assert lab.page.locator(".jp-OutputArea-output pre").first.evaluate("e => getComputedStyle(e).wordBreak") == "normal"


MIXED = """\
import sys
from IPython.display import display
print('a')
print('b', file=sys.stderr)
print('c')
display('d')
print('e')
print('f', end='')
1 / 0"""


def test_what_a_cell_prints_stands_in_its_order_when_it_raises(lab):
    lab.type_into(FIRST, MIXED)
    lab.run(FIRST)
    seen = []
    for output in lab.cells()[FIRST]["outputs"]:
        text = "".join(output["text"]) if "text" in output else "".join(output.get("data", {}).get("text/plain", ""))
        seen.append((output.get("name") or output["output_type"], text or output["evalue"]))
    assert seen == [
        ("stdout", "a\n"),
        ("stderr", "b\n"),
        ("stdout", "c\n"),
        ("display_data", "'d'"),
        ("stdout", "e\nf"),
        ("error", "division by zero"),
    ]


@pytest.mark.parametrize("loop", ["while kept: pass", "while kept: print(kept)"])
def test_a_cell_that_never_ends_is_ended_by_one_click_and_answers_and_output_stay(lab, loop):
    lab.type_into(FIRST, f"kept = 1\nprint('before')\n{loop}")
    lab.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell') }")
    button = lab.page.get_by_role("button", name="Restart Python")
    assert not button.is_visible()  # a cell that is quick is nobody's trouble
    button.click(timeout=60_000)
    lab.ready()
    assert not button.is_visible()
    cell = lab.cells()[FIRST]
    assert cell["source"].endswith(loop)
    told, *rest = printed(cell).split()
    assert told == "before"
    assert set(rest) == ({"1"} if "print" in loop else set())
    lab.type_into(FIRST, "print('kept' in globals())")
    lab.run(FIRST)
    assert printed(lab.cells()[FIRST]) == "False\n"


LATER = """\
from importlib.util import find_spec
print(find_spec("scipy"))"""
IMPORTED = """\
def f():
    from scipy.linalg import expm
    return expm([[0.0]])
print(f())"""


def test_scipy_is_loaded_when_a_cell_imports_it(lab):
    lab.type_into(FIRST, LATER)
    lab.run(FIRST)
    assert printed(lab.cells()[FIRST]) == "None\n"
    lab.type_into(FIRST, IMPORTED)
    lab.run(FIRST)
    assert printed(lab.cells()[FIRST]) == "[[1.]]\n"


DRAGGED = """\
import numpy as np
from sheaflab import Network, Sheaf
from sheaflab.explorable import Explorable
sheaf = Sheaf(Network.random([2, 4, 1], seed=464), x=[1.0, -1.0])
Explorable(sheaf, 2 * np.random.default_rng(13).standard_normal(sheaf.n), dt=0.05)"""
FRAME = ".jp-OutputArea iframe"
LIVES_OR_NOT = """(markup) => {
  const host = document.body.appendChild(document.createElement("div"));
  host.innerHTML = markup; // so written, scripts are not run
  return [host.querySelectorAll("iframe").length, host.querySelector("img").complete && host.innerText.trim()];
}"""


def test_the_explorable_in_a_cell_follows_the_pointer(lab, tmp_path):
    lab.type_into(FIRST, DRAGGED)
    lab.run(FIRST)
    page, frame = lab.page, lab.page.frame_locator(FRAME)
    counts = frame.locator("#counts")
    assert counts.inner_text() == "Exact: 4 switches until t = 6. Euler, Δt = 0.05: 4 sign changes"
    assert frame.locator("#questions").is_hidden()
    page.wait_for_function("""frame => document.querySelector(frame).clientHeight !== 900""", arg=FRAME)  # it is as high as its page
    before = frame.locator("#across").input_value()
    handle = frame.locator("#handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] - 60, steps=5)
    page.mouse.up()
    assert frame.locator("#across").input_value() != before
    assert "4 switches" not in counts.inner_text()
    page.screenshot(path=tmp_path / "dragged.png")
    (output,) = lab.cells()[FIRST]["outputs"]
    assert {"text/html", "image/png", "text/plain"} <= set(output["data"])
    assert page.evaluate(LIVES_OR_NOT, "".join(output["data"]["text/html"])) == [0, ""]
