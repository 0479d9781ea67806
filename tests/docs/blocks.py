"""Run the Python blocks of a Markdown page, one namespace a page, and compare what they print with what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n?```text\n(?P<said>.*?)^```$)?", re.DOTALL | re.MULTILINE)


def run(path: Path) -> int:
    """Return how many blocks were run."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    count = 0
    page = path.read_text(encoding="utf-8")
    for match in BLOCK.finditer(page):
        line = page[: match.start()].count("\n") + 2
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (line - 1) + match["code"], str(path), "exec"), namespace)
        if match["said"] is not None:
            assert out.getvalue() == match["said"], f"{path.name}, line {line} prints\n{out.getvalue()}"
        count += 1
    return count
