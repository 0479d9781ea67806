"""Python texts from outside, read without running them, and only as far as reading them is cheap.

A few kilobytes of code can cost the parser gigabytes: ``import a.a.a`` with 40,000 dots, brackets in brackets. So a
text is looked over before it is parsed. Whoever gets no tree treats it as one that cannot be read, as with magics.
"""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from collections.abc import Callable
from itertools import accumulate
from typing import TypeVar

MAX_PARSED = 100_000  # characters
MAX_NESTED = 60  # brackets in brackets
MAX_DOTTED = 60  # names in a chain, such as a.b.c
_CHAIN = re.compile(rf"(?:\.[\s\\]*\w+[\s\\]*){{{MAX_DOTTED}}}")
_BRACKET = re.compile(r"[][(){}]")
_T = TypeVar("_T")


class Unparsable(ValueError):
    """A text that is not Python, such as one with magics, or that is :class:`TooDense`."""


class TooDense(Unparsable):
    """A text that costs too much to read; it may be Python."""


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a text.

    Raises
    ------
    Unparsable
        If it is not Python.
    TooDense
        If it is longer than `MAX_PARSED`, or chains or nests more than any cell does.
    """
    return _read(source, ast.parse)


def symbols(source: str) -> symtable.SymbolTable:
    """Return the names of a text by scopes.

    Raises
    ------
    Unparsable, TooDense
        As :func:`parse`.
    """
    return _read(source, lambda text: symtable.symtable(text, "cell", "exec"))


def _read(source: str, reader: Callable[[str], _T]) -> _T:
    _look_over(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(source)
    except (RecursionError, MemoryError):
        raise TooDense("the text nests too deep") from None
    except (SyntaxError, ValueError) as error:
        raise Unparsable(f"the text is not Python: {error}"[:200]) from None


def _look_over(source: str) -> None:
    if len(source) > MAX_PARSED:
        raise TooDense(f"the text has {len(source)} characters, more than the {MAX_PARSED} that are read")
    if _CHAIN.search(source):
        raise TooDense(f"the text chains more than {MAX_DOTTED} names")
    steps = (1 if bracket in "([{" else -1 for bracket in _BRACKET.findall(source))
    if max(accumulate(steps, lambda depth, step: max(depth + step, 0)), default=0) > MAX_NESTED:
        raise TooDense(f"the text nests more than {MAX_NESTED} brackets")
