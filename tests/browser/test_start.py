"""Python begins with a notebook's page, and its packages are what wheels would have made of them."""

from __future__ import annotations

import pytest

from graders.publish.site import quick
from tests.browser.lab import Lab, browser, printed, serve

FIRST = 1  # the one cell of code of the figure's notebook

PACKAGES = """\
import importlib.metadata, inspect, sys
import matplotlib, sheaflab
print(sys.path.count(""), importlib.metadata.version("matplotlib") == matplotlib.__version__)
print(inspect.getsource(sheaflab.Network.random).split()[0])
try:
    matplotlib.colors.to_rgb("no colour")
except ValueError:
    import traceback
    print("raise ValueError" in traceback.format_exc())
import os, six
os.truncate(six.__file__, 6)
print(open(six.__file__).read())"""

# What IPython imports at its own start is there when it is asked for, and not before.
WAITING = """\
import sys
print(sorted({"jedi", "prompt_toolkit"} & set(sys.modules)))
from IPython.core.completer import provisionalcompleter
with provisionalcompleter():
    print({found._origin for found in get_ipython().Completer.completions("sys.modul", 9)})
print(sys.modules["jedi"].settings.case_insensitive_completion)
import IPython
print(IPython.embed.__module__, IPython.terminal.embed.embed is IPython.embed, hasattr(IPython, "nothing"))
import inspect
from matplotlib.patches import Wedge
print(inspect.isfunction(vars(Wedge)["set"]), list(inspect.signature(Wedge.set).parameters)[:2], "radius: " in Wedge.set.__doc__)
print(inspect.isfunction(vars(Wedge)["set"]), Wedge((0, 0), 1, 0, 1).set(radius=2))
class Own(Wedge):
    "A class that is made later is described at once."
print(inspect.isfunction(vars(Own)["set"]), "radius: " in Own.set.__doc__)"""


def test_python_begins_before_jupyterlab_asks(address, tmp_path):
    with browser(tmp_path / "profile") as context:
        lab, asked = Lab(context, address), list[str]()
        context.on("request", lambda request: asked.append(request.url))
        lab.open("play.ipynb")
        names = [url.rpartition("/")[2].partition("?")[0] for url in asked]
        assert names.index("python.packages") < names.index("play.ipynb")
        assert names.count("python.packages") == 1  # the kernel got the Python that had begun
        lab.type_into(FIRST, PACKAGES)
        lab.run(FIRST)
        assert printed(lab.cells()[FIRST]).split() == ["1", "True", "@classmethod", "True", "#", "Copy"]
        lab.type_into(FIRST, WAITING)
        lab.run(FIRST)
        assert printed(lab.cells()[FIRST]).splitlines() == [
            "[]",
            "{'jedi'}",
            "False",
            "IPython.terminal.embed True False",
            "False ['self', 'agg_filter'] True",
            "True [None]",
            "True True",
        ]


@pytest.mark.parametrize("name", ["python.packages", "worker.mjs"])
def test_a_file_that_cannot_be_fetched_once_costs_nobody_the_kernel(name, site, tmp_path):
    with serve(site, [name]) as address, browser(tmp_path / "profile") as context:
        lab = Lab(context, address)
        lab.open("play.ipynb")
        lab.type_into(FIRST, "print(1 + 1)")
        lab.run(FIRST)
        assert printed(lab.cells()[FIRST]) == "2\n"


def test_a_second_start_of_a_new_site_asks_the_server_for_nothing_large(site, tmp_path):
    asked = list[str]()
    with serve(site, asked=asked) as address:
        for _ in range(2):
            with browser(tmp_path / "profile") as context:
                Lab(context, address).open("play.ipynb")
    assert {name: asked.count(name) for name in quick.LASTING} == dict.fromkeys(quick.LASTING, 1)


TURNING = """window.turning = new Set();
setInterval(() => document.getAnimations().filter(({effect}) => effect.getTiming().iterations === Infinity)
  .forEach(({animationName}) => turning.add(animationName)), 20)"""


def test_nothing_turns_beside_a_python_that_begins(address, tmp_path):
    with browser(tmp_path / "profile") as context:
        lab = Lab(context, address)
        lab.page.add_init_script(TURNING)
        lab.open("play.ipynb")
        assert set(lab.page.evaluate("[...turning]")) <= {"cm-blink", "cm-blink2"}  # of the text cursor
        for picture in ("#jupyterlite-loading-indicator", "#jupyterlab-splash"):
            lab.page.wait_for_selector(picture, state="hidden")


FIGURE = """\
import matplotlib.pyplot as plt
import numpy as np
plt.plot(np.random.default_rng(0).standard_normal(3))
plt.show()"""
BY_WORKER = """performance.getEntriesByType("resource")
  .filter((each) => each.workerStart > 0 && each.workerMatchedSourceType !== "network").map((each) => each.name)"""


def test_a_second_start_asks_no_service_worker_for_files_and_a_first_figure_no_page_for_modules(address, tmp_path):
    with browser(tmp_path / "profile") as context:
        lab, asked = Lab(context, address), list[str]()
        lab.open("play.ipynb")  # it brings the service worker
        lab.open("play.ipynb")
        assert not [name for name in lab.page.evaluate(BY_WORKER) if name.startswith(f"{address}/build/")]
        context.on("request", lambda request: asked.append(request.url))
        lab.type_into(FIRST, FIGURE)
        lab.run(FIRST)
        assert any("image/png" in output.get("data", {}) for output in lab.cells()[FIRST]["outputs"])
        assert not [url for url in asked if "/api/drive" in url]
        lab.page.goto(address)
        lab.page.wait_for_load_state("networkidle")
        assert lab.page.locator("link[rel=prefetch]").count() == 0  # this browser has it all
