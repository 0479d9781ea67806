"""Formulas of a page as MathML, which browsers set by themselves: no script, and nothing from the network."""

from __future__ import annotations

import hashlib
import html
import re
from xml.etree import ElementTree

FROM_AFAR = re.compile(
    r'<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->|<script src="https://[^"]*"[^>]*>\s*</script>',
    re.DOTALL,
)
"""What nbconvert puts into a page to load MathJax from a server."""
_MAY_STAY = frozenset({
    "xmlns", "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "separator",
    "lspace", "rspace", "minsize", "maxsize", "width", "height", "depth", "linethickness", "columnalign", "rowspacing",
    "notation", "columnspacing", "columnlines", "rowlines", "accent", "accentunder", "movablelimits", "largeop",
})  # fmt: skip
"""Attributes that only say how a formula looks. A student's \\href and \\style are dropped."""


def mathml(formula: str, *, block: bool = False) -> str:
    r"""Return a LaTeX formula as MathML, or as code if it cannot be converted.

    Parameters
    ----------
    formula : str
        Without dollars. Anybody may have written it: the result holds no link, no style and no other markup.
    block : bool, optional
        On a line of its own.
    """
    from latex2mathml.converter import convert  # feedback alone needs it

    display = "block" if block else "inline"
    try:
        element = ElementTree.fromstring(convert(formula, display=display))
    except Exception:  # a student's formula may break the converter in any way
        return f"<code>{html.escape(formula)}</code>"
    for part in element.iter():
        for name in set(part.keys()) - _MAY_STAY:
            del part.attrib[name]
    if block:  # a wide one is scrolled, by keyboard too
        element.set("tabindex", "0")
    namespace = "{http://www.w3.org/1998/Math/MathML}"
    for part in element.iter():
        part.tag = str(part.tag).removeprefix(namespace)
    return ElementTree.tostring(element, encoding="unicode")


class Formulas:
    """The formulas of a text as MathML. A mark stands for each while the text around it is cleaned.

    The mark has a digest of the whole `source`, so that the text cannot hold it.
    """

    def __init__(self, source: str) -> None:
        self._key, self._kept = hashlib.sha256(source.encode(errors="replace")).hexdigest(), list[str]()

    def keep(self, formula: str, *, block: bool) -> str:
        """Remember a formula; return the mark that stands for it in the text."""
        self._kept.append(mathml(formula, block=block))
        return f"formula-{self._key}-{len(self._kept) - 1}."

    def put_into(self, page: str) -> str:
        """Return the cleaned text with the formulas in their places."""
        return re.sub(rf"formula-{self._key}-(\d+)\.", lambda match: self._kept[int(match[1])], page)
