"""Names in figures: whether one is a phrase that its task asks for, as people write it, with TeX and with a remark."""

from __future__ import annotations

import re
import unicodedata

_TEX = re.compile(
    r"\\(?:math(?:rm|it|bf|sf|tt|cal)|text(?:rm|it|bf|tt)?|rm|it|bf|sf|tt|boldsymbol|displaystyle|operatorname|left|right|quad)"
    r"(?![a-z])|\\[,;:! ]|\\(?=[#%&_])|[{}$~]"
)
_REMARK = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_INNER = re.compile(r"\b(c|v|e|z) ?\( ?(c ?\( ?t ?\)|c|t|0) ?\)")
"""Brackets that are no remark: V(c(t))."""
UNIT = (
    r"s|sec|seconds?|sekunden|j|joules?|1|-|a\.? ?u\.?|arb\.? ?u(?:nits?|\.)|arbitrary(?: units?)?"
    r"|dimensionless|unitless|(?:no|without) units?|units?(?: of (?:the )?(?:heat equation|flow|time))?|time units?"
)
"""Remarks of units, as a regular expression."""


def plain(name: str) -> str:
    """Return a name in lower case, without the signs of TeX that change no meaning."""
    text = unicodedata.normalize("NFKC", name).replace("−", "-").replace("\\\\", " ")
    return " ".join(_TEX.sub(" ", text).lower().split())


def is_phrase(name: str, phrase: str, remark: str) -> bool:
    """Tell whether a name is a phrase, with known remarks in brackets behind it or in it.

    What is neither is another quantity, or may be one: of a language that is not bounded nobody can tell.

    Parameters
    ----------
    name : str
    phrase, remark : str
        Regular expressions for a whole name in lower case, without marks at its end and with single spaces, and for
        a whole remark. ``V(t)`` stands as ``v_t`` in both, ``V(c(t))`` and ``V(c)`` as ``v_c``.
    """
    text = re.sub(r"\b([ldn])['’](?=\w\w)", r"\1 ", plain(name).replace("–", "-").replace("—", "-"))
    while _INNER.search(text):
        text = _INNER.sub(lambda found: f"{found[1]}_{found[2][0]}", text)
    while found := _REMARK.search(text):
        said = " ".join((found[1] or found[2] or "").split())
        if not all(re.fullmatch(remark, part) for part in said.split(", ")):
            return False
        text = f"{text[: found.start()]} {text[found.end() :]}"
    text = re.sub(r"\s+([,;:?])", r"\1", " ".join(text.split())).rstrip(".:,; ")
    return re.fullmatch(phrase, text) is not None
