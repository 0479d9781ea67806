"""Which cells a grade does not depend on: what was released only to show something need not run a second time.

A released notebook has worked examples, figures and visible checks. A student has run them; the hidden checks call the
student's own functions. So a cell that is just as released, whose outputs were handed in (or in whose notebook nothing
has been written), and that leaves nothing behind for a cell with the student's work, is left out and keeps the outputs
it came with. In doubt a cell is run.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nbformat import NotebookNode

from graders.sandbox.sources import Unparsable, parse, symbols

# Names through which code reaches names that it does not spell out; `_`, `_3` and `_i` are IPython's last results.
_ANY_NAME = {"globals", "locals", "vars", "dir", "eval", "exec", "get_ipython", "In", "Out", "__main__", "builtins"}
_HISTORY = re.compile(r"_+|_\d+|_i+|_i\d+|_[iod]h")
# What changes a library for the cells after it.
_STATE = {"rcParams", "rc", "style", "use", "seed", "set_state", "seterr", "set_printoptions", "setattr", "delattr"}
_STATE |= {"filterwarnings", "simplefilter", "environ", "chdir", "path", "modules", "reload", "open", "savefig", "save"}


_LONG = 20_000  # characters; longer cells are not kept in memory
_T = TypeVar("_T")


@dataclass(frozen=True)
class Names:
    """What a cell has to do with the names of its notebook.

    Attributes
    ----------
    bound : frozenset of str
        Names that it binds.
    values : frozenset of str
        Those of them that hold values: neither imported nor defined as a function or class.
    read : frozenset of str
        Names that it, or a function in it, looks up in the notebook.
    later : frozenset of str
        Those of `bound` that a function in it binds, whenever it is called.
    """

    bound: frozenset[str]
    values: frozenset[str]
    read: frozenset[str]
    later: frozenset[str] = frozenset()


def _names(source: str) -> Names | None:
    """Read off a cell's names without running it; None if that cannot be told, as with magics."""
    try:
        table = symbols(source)
    except Unparsable:
        return None
    bound, values, read, later = set[str](), set[str](), set[str](), set[str]()
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if symbol.is_imported() or symbol.is_assigned():
            bound.add(name)
            if symbol.is_assigned() and not symbol.is_namespace():
                values.add(name)
        if symbol.is_referenced():
            read.add(name)
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        for symbol in scope.get_symbols():
            if symbol.is_global() and symbol.is_assigned():
                later.add(symbol.get_name())
            if symbol.is_global() or scope.get_type() == "class":  # in a class body, `x = x` reads the notebook's x
                read.add(symbol.get_name())
    return Names(frozenset(bound | later), frozenset(values | later), frozenset(read), frozenset(later))


def _once(look: Callable[[str], _T]) -> Callable[[str], _T]:
    """Look at a text once: released cells are the same in every submission."""
    known = functools.lru_cache(maxsize=512)(look)
    return lambda source: known(source) if len(source) < _LONG else look(source)


names = _once(_names)


@_once
def opaque(source: str) -> bool:
    """Whether a cell may reach any name, told or not."""
    found = names(source)
    if found is None or any(name in _ANY_NAME or _HISTORY.fullmatch(name) for name in found.read - found.bound):
        return True
    imported = (
        alias.name.split(".")[0] if isinstance(node, ast.Import) else f"{getattr(node, 'module', '')}".split(".")[0]
        for node in ast.walk(parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    )
    return not _ANY_NAME.isdisjoint(imported)


@_once
def _changes_more(source: str) -> bool:
    """Whether a released cell may change something that it has not made itself."""
    found = names(source)
    if found is None:
        return True
    for node in ast.walk(parse(source)):
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            root: ast.expr = node
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            own = isinstance(root, ast.Name) and root.id in found.values
            if not isinstance(node.ctx, ast.Load) and not own:
                return True
            if isinstance(node, ast.Attribute) and node.attr in _STATE and not own:
                return True
        elif isinstance(node, ast.Name) and node.id in _STATE:
            return True
    return False


def as_given(released: NotebookNode) -> frozenset[str]:
    """Return the sources of a released notebook's code cells that hold neither an answer nor its points."""
    given = [cell for cell in released.cells if cell.cell_type == "code"]
    info = [cell.metadata.get("nbgrader", {}) for cell in given]
    return frozenset(
        cell.source.strip()
        for cell, metadata in zip(given, info, strict=True)
        if not metadata.get("solution") and not metadata.get("grade")
    )


def spare(cells: Mapping[int, str], shown: Iterable[int], wanted: Iterable[str]) -> frozenset[int]:
    """Return which of the cells `shown` can be left out.

    Parameters
    ----------
    cells : mapping of int to str
        Sources of all code cells that would be run, by their place in the notebook.
    shown : iterable of int
        Those that are as released and need not be shown anew.
    wanted : iterable of str
        Names that will be asked for afterwards.
    """
    found = {index: names(source) for index, source in cells.items()}
    left = set(shown)
    if any(opaque(cells[index]) for index in cells if index not in left):
        return frozenset()
    left -= {k for k in left if opaque(cells[k]) or _changes_more(cells[k])}
    values = {name for own in found.values() if own is not None for name in own.values}
    read = set(wanted)
    read.update(*(own.read for index, own in found.items() if own is not None and index not in left))
    while needed := {k for k in left if (own := found[k]) is not None and (own.bound | own.read & values) & read}:
        left -= needed
        read.update(*(own.read for k in needed if (own := found[k]) is not None))
    return frozenset(left)
