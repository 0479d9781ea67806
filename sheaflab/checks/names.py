"""Names in figures: whether one consists of the words that its task asks for."""

from __future__ import annotations

import re
import unicodedata

_TEX = re.compile(
    r"\\(?:mathrm|mathit|mathbf|mathsf|mathcal|textrm|textit|textbf|text|operatorname|left|right|quad|[,;:! ])|[{}$~]"
)
_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CHANGED = re.compile(
    r"(?<!not )(?<!no )(?<!non-)\b(normali[sz]ed|relative|scaled|shares?|fractions?|per ?cent|cumulat\w+|means?"
    r"|averaged?|densit\w+|probabilit\w+)\b|%"
)
"""What, in a remark, makes another quantity of that before it."""
_UNITS = re.compile(r"/\s*(s|sec|seconds|a\.?u\.?|1|j|units?)\b")
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s.,;:?#'’\"()\[\]–—-]|_")


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
    remarks = _REMARK.findall(text)
    if any(_CHANGED.search(remark[1:-1]) for remark in remarks):
        return False
    body = _UNITS.sub(" ", _REMARK.sub(" ", text)).strip()
    known = set(_WORD.findall(body)) <= set(words.split())
    return known and re.search(needed, body) is not None
