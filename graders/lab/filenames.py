"""Which notebook a file is: its name as served and as renamed, the marks of its cells, its assignment."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graders.lab.manifest import NotebookSpec

_COPY = r"(copy|kopie|copie|copia|c[oó]pia|kopia|копия|副本|コピー)"
_NOTEBOOK = re.compile(r"\.ipynb(\.(txt|json))?$|\.(txt|json)$", re.IGNORECASE)


def tidy(name: str) -> str:
    """Return a file's name as its writer sees it: in one form of Unicode, no space around it, nothing invisible.

    >>> tidy(" lab10\u20113\u200b .ipynb ")
    'lab10-3.ipynb'
    """
    kinds = [(c, unicodedata.category(c)) for c in unicodedata.normalize("NFKC", name)]
    plain = "".join("-" if kind == "Pd" else c for c, kind in kinds if c.isspace() or kind not in ("Cf", "Cc"))
    return re.sub(r"\s*\.\s*", ".", " ".join(plain.split()))


def is_notebook(file: str) -> bool:
    """Whether a file is a notebook by the end of its name, in any spelling."""
    return tidy(file).lower().endswith(".ipynb")


def may_be_notebook(file: str) -> bool:
    """Whether a file of a submission may be a notebook by its name: a system may have changed or added an ending."""
    return "/" not in file and _NOTEBOOK.search(tidy(file)) is not None


_WRITTEN_BY_SYSTEMS = ("timestamp.txt", "submission_secret.txt", "thumbs.db", "desktop.ini")


def is_never_work(path: str) -> bool:
    """Whether a file is what nbgrader's exchange or a system writes beside what a student hands in."""
    name = path.rpartition("/")[2]
    return name.startswith("._") or name.lower() in _WRITTEN_BY_SYSTEMS


def candidates(name: str, files: Sequence[str]) -> list[str]:
    """Files that a browser or a file manager may have made of `name`.ipynb, as ``name (1).ipynb``."""
    before, after = rf"({_COPY}\s+(of|von|de|di|z)\s+)?", rf"[ _-]*({_COPY}\s*)?(\(\d+\)|\d+)?"
    ends = r"\.ipynb(\.(txt|json))?"
    pattern = re.compile(before + re.escape(name) + after + ends, re.IGNORECASE)
    return [file for file in files if file != f"{name}.ipynb" and pattern.fullmatch(tidy(file))]


# "lab10-3 (1)", "lab10-3(2)", "lab10-3-Copy1", "lab10-3 copy 2", "lab10-3 - Copy": what browsers and systems append.
_RENAMED = re.compile(r"\s*(?:\((?P<round>\d+)\)|-Copy(?P<jupyter>\d+)|(?:-\s*)?[cC]opy(?:\s*(?P<system>\d+))?)$")


def plain_name(stem: str) -> tuple[str, int]:
    """Return a file's stem without what a browser or a system appended to it, and the number that was appended.

    >>> plain_name("lab10-3 (1)")
    ('lab10-3', 1)
    """
    number = 0
    while match := _RENAMED.search(stem):
        number = max(number, int(match["round"] or match["jupyter"] or match["system"] or 1))
        stem = stem[: match.start()]
    return stem, number


def is_copy(stem: str) -> bool:
    """Whether a person or Jupyter made a file as a copy: its number does not say that it is the later one.

    >>> is_copy("lab10-3-Copy1"), is_copy("lab10-3 (1)")
    (True, False)
    """
    return re.search(_COPY, stem, re.IGNORECASE) is not None


# `lab10-3` as it is served: a reader's browser keeps its own copy under the file's name and would never show a newer
# notebook of the same name. The mark is a digest of what the notebook says, so it changes when and only when that does.
SERVED = re.compile(r"(?P<name>[a-z0-9]+-[0-9]+)(?:\.v[0-9a-f]{4})?")


def marks(notebook: NotebookSpec) -> frozenset[str]:
    """Return the grade_ids that tell a notebook from the others: those of its exercises' and its written cells."""
    exercises = {f"{kind}-{e.slug}" for e in notebook.exercises for kind in ("task", "ex", "check", "grade")}
    return frozenset(exercises | {written.cell for written in notebook.written})


_MARK = re.compile(rb'"grade_id"\s*:\s*"([\w.-]{1,100})"')


def marks_in(raw: bytes) -> frozenset[str]:
    """Return the grade_ids in a notebook file, which is not decoded for it: inside its texts a quote is escaped."""
    return frozenset(found.decode() for found in _MARK.findall(raw))


_RELEASED_FOR = re.compile(rb'"sheaflab"\s*:\s*\{\s*"assignment"\s*:\s*"([^"\\]{1,100})"')


def assignment_in(raw: bytes) -> str:
    """Return what :func:`assignment_of` does, of a file that is not decoded for it."""
    told = Counter(_RELEASED_FOR.findall(raw))
    return told.most_common(1)[0][0].decode("utf-8", "replace") if told else ""


def most_marks(found: Iterable[str], notebooks: Iterable[NotebookSpec]) -> tuple[str, bool]:
    """Return the notebook most of whose marks are among those found, empty if there is none, and whether it is clear.

    A cell pasted from another notebook brings its own mark. Two notebooks in one file are neither.
    """
    found = frozenset(found)
    counts = sorted(((len(marks(notebook) & found), notebook.name) for notebook in notebooks), reverse=True)
    if not counts or not counts[0][0]:
        return "", False
    return counts[0][1], len(counts) < 2 or counts[0][0] > 2 * counts[1][0]


STAMP = "sheaflab"
"""Key of the metadata in which a released notebook, and each of its cells with a name, tells its assignment."""


def assignment_of(notebook: Mapping[str, Any]) -> str:
    """Return the assignment that a notebook was released for; empty if it does not tell.

    Its cells are asked first, and most of them decide: one that was pasted from elsewhere brings its own answer.

    Parameters
    ----------
    notebook : mapping
        A notebook file's JSON data, whatever it holds.
    """
    cells = notebook.get("cells")
    told = Counter(filter(None, map(_told, cells if isinstance(cells, list) else [])))
    return told.most_common(1)[0][0] if told else _told(notebook)


def _told(part: Any) -> str:
    metadata = part.get("metadata") if isinstance(part, dict) else None
    stamp = metadata.get(STAMP) if isinstance(metadata, dict) else None
    name = stamp.get("assignment") if isinstance(stamp, dict) else None
    return name if isinstance(name, str) else ""
