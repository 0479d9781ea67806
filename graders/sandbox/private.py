"""Paths of this machine, kept out of what a student reads: tables of mounts and tracebacks are full of them."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from graders.sandbox.libraries import library_source

_PUBLIC = frozenset(map(Path, ("/", "/usr", "/usr/local", "/opt", "/home", "/srv", "/tmp", "/var", "/var/tmp")))
_private = set[Path]()


def keep_private(paths: Iterable[Path]) -> None:
    """Have these directories replaced wherever they are named from now on, as those of Python and the library are."""
    fresh = {form for path in paths for form in (path.absolute(), path.resolve())} - _PUBLIC - _private
    if fresh:
        _private.update(fresh)
        _pattern.cache_clear()


@functools.cache
def _pattern() -> re.Pattern[str]:
    own = (Path(sys.prefix), Path(sys.base_prefix), library_source().parent, Path.home(), Path.cwd())
    forms = {form for path in own for form in (path, path.resolve())} - _PUBLIC | _private
    texts = {text for path in forms for text in (str(path), str(path).replace(" ", r"\040"))}  # as mountinfo has it
    listed = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
    return re.compile(rf"(?<![\w.…/-])(?:{listed})(?![\w-])")


def without_paths(text: str) -> str:
    """Return `text` with dots in the place of this machine's directories."""
    return _pattern().sub("…", text) if "/" in text else text
