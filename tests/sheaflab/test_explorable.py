"""The explorable as the value of a notebook's cell; what its page does is in tests/browser/test_explorable_page.py."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import numpy as np
import pytest

from sheaflab import Network, Sheaf
from sheaflab.explorable import Explorable
from sheaflab.explorable import notebook as module
from sheaflab.explorable.page import HERE


def sheaf(*widths: int) -> Sheaf:
    return Sheaf(Network.random(widths, seed=464), np.resize([1.0, -1.0], widths[0]))


START = 2 * np.random.default_rng(13).standard_normal(5)


def constant(page: str, name: str):
    """What the page was given by a name."""
    return json.loads(re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_its_page_begins_with_the_given_network_and_start():
    shown = Explorable(sheaf(2, 4, 1), START, until=12, dt=0.01)
    settings, numbers = constant(shown.page(), "settings"), constant(shown.page(), "numbers")
    assert (settings["until"], settings["euler"], settings["dt"]) == (12, True, 0.01)
    (given,), (direction,) = numbers["4"]["sheaves"], numbers["4"]["directions"]
    np.testing.assert_allclose(np.multiply(direction, settings["magnitude"]), START, rtol=1e-15)
    np.testing.assert_array_equal([*given["a"], given["b"]], shown.sheaf.boundary_term)
    np.testing.assert_array_equal(given["w"], shown.sheaf.net.weights[1][0])


def test_a_start_at_rest_is_a_start():
    settings = constant(Explorable(sheaf(3, 2, 1), np.zeros(3)).page(), "settings")
    assert settings["magnitude"] > 0
    assert settings["pair"] == [0, 1]


def test_its_value_has_a_picture_for_those_who_show_no_page():
    shown = Explorable(sheaf(2, 4, 1), START)
    bundle = shown._repr_mimebundle_()
    assert b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == repr(shown)
    assert "4 crossings" in repr(shown)
    before, after = bundle["text/html"].split("<script>", 1)
    assert f'src="data:image/png;base64,{bundle["image/png"]}"' in before
    assert re.search('alt="Network[^"]+4 crossings', before)
    assert re.findall("<[^ ]*", after) == ["</script></div>"]  # no markup within the script
    assert len(bundle["text/html"]) + len(bundle["image/png"]) < 500_000  # a notebook holds three, and travels


def test_what_it_offers_is_what_the_page_offers():
    script, markup = ((HERE / name).read_text(encoding="utf-8") for name in ("page.js", "page.html"))
    assert list(module.STEPS) == json.loads(re.search(r"STEPS = (\[.*?\])", script)[1])
    window = re.search(r'<select id="window">(.*?)</select>', markup)[1]
    assert [str(until) for until in module.WINDOWS] == re.findall(r"<option[^>]*>(\d+)", window)


@pytest.mark.parametrize("widths", [(2, 3, 3, 1), (2, 4, 2), (2, 1, 1), (2, 11, 1)])
def test_another_network_is_refused(widths):
    with pytest.raises(ValueError, match="`sheaf` must have one hidden layer of 2 to 10 neurons and one output, got widths"):
        Explorable(sheaf(*widths), np.zeros(sheaf(*widths).n))


def test_pins_that_the_page_does_not_know_are_refused():
    free = sheaf(2, 4, 1)
    with pytest.raises(ValueError, match=r"nothing pinned but the input, got pinned \[\(1, 0\)\]"):
        Explorable(Sheaf(free.net, free.x, pinned={(1, 0): 1.0}), START)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"until": 7}, "`until` must be one of"), ({"dt": 0.04}, "`dt` must be one of"), ({"start": START[:3]}, "`start` must")],
)
def test_other_values_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Explorable(**{"sheaf": sheaf(2, 4, 1), "start": START, **options})
