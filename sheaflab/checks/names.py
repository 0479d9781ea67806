"""Names in figures: whether one consists of the words that its task asks for."""

from __future__ import annotations

import re
import unicodedata

_TEX = re.compile(
    r"\\(?:math(?:rm|it|bf|sf|tt|cal)|text(?:rm|it|bf|tt)?|rm|it|bf|sf|tt|boldsymbol|displaystyle|operatorname|left|right|quad)"
    r"(?![a-z])|\\[,;:! ]|\\(?=[#%&_])|[{}$~]"
)
_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CHANGED = re.compile(
    r"(?<!not )(?<!no )(?<!not a )(?<!non-)\b(normali[sz]ed|normiert|relativ(e|es?)?|rel"
    r"|(?<!log )(?<!log-)(?<!logarithmically )scaled"
    r"|shares?|fractions?|proportions?|ratios?|anteile?|per ?cent\w*|prozent|cumulat\w+|means?|averaged?|densit\w+|pdf"
    r"|probabilit\w+)\b|%"
)
"""What, in a remark, makes another quantity of that before it."""
_UNITS = re.compile(r"/\s*(s|sec|seconds|a\.?u\.?|1|j|units?)\b")
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s.,;:?#\"–—-]|_")


def plain(name: str) -> str:
    """Return a name in lower case, without the signs of TeX that change no meaning."""
    text = unicodedata.normalize("NFKC", name).replace("−", "-").replace("\\\\", " ")
    return " ".join(_TEX.sub(" ", text).lower().split())


def consists_of(name: str, words: str, needed: str, symbols: str = "") -> bool:
    """Tell whether a name consists of some words alone, and has what it needs; remarks in brackets are its author's.

    Parameters
    ----------
    name : str
    words : str
        In lower case, with spaces between them.
    needed : str
        A regular expression for what must be in it.
    symbols : str
        A regular expression for formulas that are allowed and no words, such as ``V(t)``.
    """
    text = plain(name)
    if symbols:
        text = re.sub(symbols, " v ", text)
    while remarks := _REMARK.findall(text):  # the inner ones first
        if any(_CHANGED.search(remark[1:-1]) for remark in remarks):
            return False
        text = _REMARK.sub(" ", text)
    body = _UNITS.sub(" ", text).strip()
    if body.startswith("-"):
        return False
    known = set(_WORD.findall(re.sub(r"\b([ldn])['’](?=\w\w)", r"\1 ", body))) <= set(words.split())
    return known and re.search(needed, body) is not None
