"""Written answers that are not where they should be: found by their text and their place; a person looks at them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graders.sandbox.sources import Unparsable, parse

Cell = dict[str, Any]
LONG = 80
"""Characters from which a text that lies anywhere may be a lost answer."""


def split_additions(cells: Sequence[Cell], released: Mapping[str, Any]) -> list[Cell]:
    """Return the cells; what a student has written into a locked one stands in a cell of its own below it.

    Parameters
    ----------
    cells : sequence of dict
    released : mapping of str to NotebookNode
        Locked cells as released, by grade_id.
    """
    made: list[Cell] = []
    for cell in cells:
        made.append(cell)
        given = released.get(cell["grade_id"])
        if given is not None and (added := _added(cell["source"], given.source)):
            made[-1] = {**cell, "source": given.source, "pictures": {}}
            made.append({**cell, "source": added, "grade_id": "", "outputs": None})
    return made


def _added(source: str, given: str) -> str:
    """Return what a text has more than the one that was given; empty if it is an edition of that."""
    theirs, ours = source.splitlines(), [line.rstrip() for line in given.strip().splitlines()]
    left, kept = list(ours), list[str]()
    for line in theirs:
        if left and line.rstrip() == left[0]:
            left.pop(0)
        else:
            kept.append(line)
    if not left:
        return "\n".join(kept).strip()
    if len(source) > 20_000 or difflib.SequenceMatcher(None, given, source, autojunk=False).quick_ratio() > 0.6:
        return ""
    return source.strip()


def is_prose(cell: Cell, given: frozenset[str]) -> bool:
    """Tell whether a cell is a text of the student's: in a text cell, or in a code cell that is no code."""
    text = cell["source"].strip()
    if not text or text in given:
        return False
    if cell["cell_type"] != "code":
        return True
    if text.startswith(("%", "!")):
        return False
    try:
        body = parse(text).body
    except Unparsable:
        return len(text.split()) > 5 and not any(mark in text for mark in ("def ", "import ", "return ", " = ", "(\n"))
    return all(type(node).__name__ == "Expr" and type(getattr(node.value, "value", 0)) is str for node in body)  # type: ignore[attr-defined]


def between(order: Sequence[str], name: str, place: Mapping[str, int], count: int) -> tuple[int, int]:
    """Return the places of the nearest cells before and after `name` in the release that are in the notebook."""
    at = order.index(name)
    before = next((place[other] for other in reversed(order[:at]) if other in place), -1)
    after = next((place[other] for other in order[at + 1 :] if other in place and place[other] > before), count)
    return before, after


def joined(cells: Iterable[Cell]) -> Cell:
    """Return one text cell with what several hold, each text once."""
    found, texts = list(cells), list[str]()
    pictures: dict[str, dict[str, str]] = {}
    for number, cell in enumerate(found):
        text = cell["source"].strip()
        for name, formats in cell["pictures"].items():
            if pictures.setdefault(name, formats) != formats:
                pictures[f"{number}-{name}"] = formats
                text = text.replace(f"attachment:{name}", f"attachment:{number}-{name}")
        texts.append(text)
    whole = "\n\n".join(dict.fromkeys(texts))
    return {**found[0], "cell_type": "markdown", "source": whole, "pictures": pictures}
