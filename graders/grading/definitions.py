"""What the code cells of a notebook bind, found without running them."""

from __future__ import annotations

import re

from graders.grading.skipping import Names, names

MAX_READ = 2**20
"""Characters of a notebook's code that are parsed; what is beyond is searched for its functions as plain text."""


class Definitions:
    """What the code cells of one notebook bind; each cell is read once, and all of them only so far."""

    def __init__(self) -> None:
        self._left = MAX_READ
        self._known: dict[str, Names | None] = {}

    def has(self, source: str, name: str) -> bool:
        """Whether a code cell binds `name` in its notebook, in any way that can be seen; magics are looked past."""
        if source not in self._known:
            self._known[source] = self._read(source)
        found = self._known[source]
        if found is None:
            return bool(re.search(rf"\b(def|class)\s+{name}\b|^\s*{name}\s*(:[^=\n]+)?=[^=]", source, re.MULTILINE))
        return name in found.bound

    def begins(self, source: str, name: str) -> bool:
        """Whether a code cell that binds `name` does so anew, and not with what it was before, as ``f = f(2)`` does."""
        bound = self.has(source, name)
        found = self._known[source]
        return bound and (found is None or name not in found.values & found.read)

    def _read(self, source: str) -> Names | None:
        if len(source) > self._left:
            return None
        self._left -= len(source)
        lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
        return names("\n".join(lines))
