"""Names of people and files: as ids, and as keys to compare."""

from __future__ import annotations

import re
import unicodedata

LONGEST_ID = 128  # characters: what nbgrader's gradebook has room for
_IN_AN_ID = set("_.@+-'’·")


def student_id(text: str) -> str:
    """Return a name as an id: letters, marks and digits of any script, ``_.@+-'``, and ``-`` for spaces.

    It is empty if the text does not begin with a letter or digit, has what is no text (control characters, bytes that
    are no UTF-8) or a slash, or is longer than a gradebook holds.

    >>> student_id(" José Núñez "), student_id("Una O'Neil"), student_id("王伟"), student_id("../x")
    ('José-Núñez', "Una-O'Neil", '王伟', '')
    """
    text = re.sub(r"\s+", "-", unicodedata.normalize("NFC", text).strip())
    if not text or unicodedata.category(text[0])[0] not in "LN":
        return ""
    if any(c in "/\\" or unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in text):
        return ""
    kept = "".join(c for c in text if unicodedata.category(c)[0] in "LMN" or c in _IN_AN_ID)
    return kept if len(kept) <= LONGEST_ID and len(kept.encode()) <= 240 else ""


def name_key(text: str) -> str:
    """Return what is compared of a name: its letters and digits, in one case and one normal form.

    >>> name_key("O'Neil, Una") == name_key("ONeil Una")
    True
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in text if unicodedata.category(c)[0] in "LMN")


def plain_key(text: str) -> str:
    """Return `name_key` without accents, as systems write names that know ASCII only.

    >>> plain_key("José Núñez")
    'josenunez'
    """
    apart = unicodedata.normalize("NFKD", name_key(text))
    return "".join(c for c in apart if unicodedata.category(c)[0] != "M")
