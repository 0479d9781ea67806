"""The corpus is alive as far as its text tells: no attack looks for what a worker does not have, and so tests nothing."""

from __future__ import annotations

import ast
from importlib.util import find_spec

import pytest

from graders.sandbox.containment import WORKER
from tests.graders.hostile import BLIND, CODE

HIDDEN = {name.removesuffix(".py") for name in WORKER} | {"graders"}
"""Modules that student code cannot reach by their names: the worker lets go of its own before it starts."""
ON_PURPOSE = {
    "imports a name of forty thousand parts",  # the length of the name is the attack
    "brackets in brackets",  # no Python, on purpose
    "notebook nul and control characters",
}
SOURCES = {name: source for name, (source, _) in CODE.items()} | {case["name"]: case.get("code", "") for case in BLIND}


def looked_for_in_vain(source):
    """Names of modules that a source imports or names, and that are not there in a worker."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name for name in names if name.split(".")[0] in HIDDEN or find_spec(name.split(".")[0]) is None}
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} if node.value in HIDDEN - {"graders"} or node.value.startswith("graders.") else set()
    return found


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - ON_PURPOSE))
def test_an_attack_looks_for_nothing_that_a_worker_hides(name):
    assert looked_for_in_vain(SOURCES[name]) == set()


@pytest.mark.parametrize(
    "source",
    ["import protocol", "from calls import perform", "import sys\nsys.modules['shell'].x = 1", "import no_such_module",
     "import importlib\nimportlib.import_module('graders.checking')"],
)  # fmt: skip
def test_what_a_worker_hides_is_noticed(source):
    assert looked_for_in_vain(source)


def test_every_exception_is_in_the_corpus():
    assert SOURCES.keys() >= ON_PURPOSE
