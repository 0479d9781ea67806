"""Code in cells that are texts: what stands in the fence of a solution, and a solution that stands in a text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_PYTHON = ("", "python", "python3", "py", "ipython", "ipython3")


def unfenced(text: str) -> str:
    """Return the code in a text with one fence; the text itself if there is none, or more than one.

    >>> unfenced("Mine:\\n```python\\nx = 1\\n```"), unfenced("x = 1")
    ('x = 1\\n', 'x = 1')
    """
    lines = text.split("\n")
    marks = [k for k, line in enumerate(lines) if line.lstrip().startswith("```")]
    if len(marks) != 2:
        return text
    begin, end = marks
    fenced = lines[begin].strip()[3:].strip().lower() in _PYTHON and lines[end].strip() == "```"
    return "\n".join(lines[begin + 1 : end]) + "\n" if fenced else text


def code_in(texts: Iterable[str], function: str, stub: str) -> str:
    """Return a digest of the texts in which a function is defined other than as released; empty if there are none."""
    defined = re.compile(rf"^[ \t>]*(?:async[ \t]+)?(?:def|class)[ \t]+{function}\b", re.MULTILINE)
    found = [text for text in texts if defined.search(text.replace(stub, ""))]
    return hashlib.sha256("\0".join(found).encode("utf-8", "surrogatepass")).hexdigest() if found else ""
