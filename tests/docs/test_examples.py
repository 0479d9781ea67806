"""Every name of the reference has an example, and the examples of docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

import sheaflab
from sheaflab.study import edition, notebook
from tests.docs.blocks import BLOCK

DOCS = Path(__file__).resolve().parents[2] / "course" / "docs"
ENTRY = re.compile(r"^\.\. auto(?P<kind>class|function|module):: (?P<name>\S+)\n(?:   :members:(?P<members>.*)\n)?", re.M)
SHOWN = "\n".join(match["code"] for page in DOCS.glob("*.md") for match in BLOCK.finditer(page.read_text(encoding="utf-8")))


def documented() -> dict[str, Any]:
    """What the reference names: classes and functions, by full name."""
    found: dict[str, Any] = {}
    for entry in ENTRY.finditer((DOCS / "api.md").read_text(encoding="utf-8")):
        if entry["kind"] != "module":
            module, name = entry["name"].rsplit(".", 1)
            found[entry["name"]] = getattr(importlib.import_module(module), name)
            continue
        module = importlib.import_module(entry["name"])
        named = [name.strip() for name in (entry["members"] or "").split(",") if name.strip()]
        own = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__)
        for name in named or (name for name in own if not name.startswith("_")):
            found[f"{entry['name']}.{name}"] = getattr(module, name)
    return found


DOCUMENTED = documented()


def shows(text: str | None, name: str) -> bool:
    return re.search(rf"\b{name}\b", text or "") is not None


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_name_of_the_reference_has_an_example(name):
    thing = DOCUMENTED[name]
    if doctest.DocTestParser().get_examples(inspect.getdoc(thing) or ""):
        return
    package = importlib.import_module(thing.__module__.rsplit(".", 1)[0])
    examples = doctest.DocTestParser().get_examples(package.__doc__ or "")
    of_package = "\n".join(example.source for example in examples)
    assert shows(SHOWN, thing.__name__) or shows(of_package, thing.__name__)


def with_examples() -> dict[str, Any]:
    """The same by name, with the packages that have examples of their own."""
    things = DOCUMENTED | {"sheaflab.plots": importlib.import_module("sheaflab.plots")}
    return {name: thing for name, thing in things.items() if ">>>" in (inspect.getdoc(thing) or "")}


RUN = with_examples()
OF_THE_COURSE = [name for name in RUN if getattr(RUN[name], "__module__", name).startswith(("sheaflab.study.", "sheaflab.checks."))]


def run(name: str) -> None:
    """Run the examples of one docstring in the names of its module."""
    thing = RUN[name]
    home = importlib.import_module(getattr(thing, "__module__", name))
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(thing) or "", dict(vars(home)), name, None, None)
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    with plt.rc_context({"backend": "agg", "figure.max_open_warning": 0}):
        doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=said.append)
    plt.close("all")
    assert not said, "".join(said)


@pytest.mark.parametrize("name", [name for name in RUN if name not in OF_THE_COURSE])
def test_an_example_runs_and_prints_what_it_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(name)


@pytest.mark.parametrize("name", OF_THE_COURSE)
def test_an_example_of_the_course_does_so_in_the_student_edition(name, tmp_path, secret, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(edition, "_edition", lambda lab: None)
    monkeypatch.setattr(notebook, "_KEPT", [])
    run(name)


def test_all_that_one_imports_from_the_package_is_in_the_reference():
    things = list(DOCUMENTED.values())
    assert [name for name in sheaflab.__all__ if getattr(sheaflab, name) not in things] == []
