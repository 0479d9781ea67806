"""The solved notebooks as pages that need no network: formulas are set by a script that lies beside them."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

from graders.keys import write_keys
from graders.manifest import Course

SCRIPT = "tex-svg-full.js"  # one file, fonts inside
_LOCAL = (
    '<script>window.MathJax = {tex: {inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]]}};</script>\n'
    f'<script src="mathjax/{SCRIPT}" defer></script>\n'
)
_FROM_AFAR = re.compile(
    r'<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->|<script src="https://[^"]*"[^>]*>\s*</script>',
    re.DOTALL,
)


def write_pages(course: Course, out: Path) -> list[Path]:
    """Run all solved notebooks and write their pages into `out`; return the paths.

    Raises
    ------
    ValueError
        If MathJax is not installed.
    """
    script = mathjax()
    write_keys(course, out)
    (out / "mathjax").mkdir()
    shutil.copyfile(script, out / "mathjax" / SCRIPT)
    paths = sorted(out.glob("*.html"))
    for path in paths:
        path.write_text(offline(path.read_text(encoding="utf-8")), encoding="utf-8")
    return paths


def mathjax() -> Path:
    """Return MathJax's file in the wheel that carries it.

    Raises
    ------
    ValueError
        If the wheel is not installed.
    """
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ValueError('the pages of solutions need MathJax from a wheel; run pip install -e ".[docs]"')
    return Path(spec.origin).parent / "static" / "mathjax" / SCRIPT


def offline(page: str) -> str:
    """Return a page that loads MathJax from beside it and nothing from elsewhere."""
    return _FROM_AFAR.sub("", page).replace("</head>", _LOCAL + "</head>", 1)
