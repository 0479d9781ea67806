"""What each thing that goes out may not hold, and where one holds it after all."""

from __future__ import annotations

import contextlib
import html
import io
import json
import re
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from graders.lab.manifest import SECRET, Course
from graders.lab.percent import BEGIN, END, convert, strip

MARKERS = (BEGIN, END, "BEGIN HIDDEN TESTS")
_SHORT = 24  # characters; a shorter line says nothing
_PLAIN = ("from ", "import ", '"""', "def ", "class ")


class Secret(Enum):
    """What is kept back; the value is its name in a message."""

    CHECKS = "a hidden check"
    SOLUTIONS = "a solution"
    RIGHT = "a right answer of the bank"
    WRONG = "a planted wrong answer or another line of the bank's files"
    REASONS = "a reason why a key is right"
    MARKERS = "a marker of the source"
    COURSE = "the course secret"


class Artefact(Enum):
    """What goes out; the value is its name in a message."""

    RELEASE = "the release"
    WHEEL = "the student's wheel"
    SITE = "the student's site"
    SELF_STUDY = "the self-study edition"
    FEEDBACK = "the feedback on an empty submission"


MAY_NOT_HOLD = {
    Artefact.RELEASE: frozenset(Secret),
    Artefact.WHEEL: frozenset(Secret),
    Artefact.SITE: frozenset(Secret),
    Artefact.SELF_STUDY: frozenset({Secret.WRONG, Secret.COURSE}),  # checks, keys and reasons are what it is for
    Artefact.FEEDBACK: frozenset(Secret),
}
_LIBRARY_RUN = {Secret.SOLUTIONS: 3, Secret.RIGHT: 2, Secret.WRONG: 2}
"""So many lines in a row of a Python file are an answer; fewer the library has by itself, for it computes the same."""


class LeakError(ValueError):
    """Something that is to go out holds what is kept back; the text lists what and where."""


def refuse_leaks(course: Course, path: Path, artefact: Artefact) -> None:
    """Raise LeakError if the file or folder `path` holds what `artefact` may not."""
    if reports := leaks(course, path, artefact):
        listed = "\n".join(f"  - {text}" for text in reports[:20])
        raise LeakError(f"{artefact.value} must not go out, it holds what is kept back:\n{listed}")


def leaks(course: Course, path: Path, artefact: Artefact = Artefact.RELEASE) -> list[str]:
    """Return where the file or folder `path` holds what `artefact` may not; an empty list is good."""
    forbidden, texts = MAY_NOT_HOLD[artefact], secret_texts(course)
    public, right = list(_public(course)), [*texts[Secret.SOLUTIONS], *texts[Secret.RIGHT]]
    runs: dict[tuple[Secret, int], set[str]] = {}
    for kind in forbidden - {Secret.COURSE, Secret.MARKERS}:
        for length in (1, _LIBRARY_RUN.get(kind, 1)):
            known = [*public, *(right if kind is Secret.WRONG else ())]  # most of a wrong answer is right
            runs[kind, length] = _runs(texts[kind], length) - _runs(known, length)
    secret = _secret(course)
    reports: list[str] = []
    for where, data in _files(path):
        if secret and secret in data:
            reports.append(f"{where}: {Secret.COURSE.value}")
        shown = list(_texts(where, data))
        held = {length: _runs(shown, length) for length in {length for _, length in runs}}
        for kind in sorted(forbidden - {Secret.COURSE, Secret.MARKERS}, key=lambda kind: kind.name):
            length = _LIBRARY_RUN.get(kind, 1) if where.endswith(".py") else 1
            reports += [f"{where}: {kind.value}: {run[:100]}" for run in sorted(held[length] & runs[kind, length])]
        if Secret.MARKERS in forbidden:
            reports += [f"{where}: {Secret.MARKERS.value}: {m}" for m in MARKERS if any(m in text for text in shown)]
    return reports


def secret_texts(course: Course) -> dict[Secret, list[str]]:
    """Return the texts that are kept back, by kind."""
    texts: dict[Secret, list[str]] = {kind: [] for kind in Secret}
    texts[Secret.CHECKS] = [path.read_text(encoding="utf-8") for path in course.checks.rglob("*.py")]
    for spec in course.ready:
        for cell in convert(course, spec).cells:
            texts[Secret.SOLUTIONS] += re.findall(rf"{BEGIN}\n(.*?){END}", cell.source, flags=re.DOTALL)
    for path in course.bank.rglob("*"):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        texts[Secret.REASONS if path.stem == "reasons" else Secret.WRONG].append(text)
        if path.stem == "reasons":
            texts[Secret.REASONS] += tomllib.loads(text).values()
        elif path.suffix == ".toml":
            for kind, answer in _answers(tomllib.loads(text), Secret.WRONG, texts[Secret.SOLUTIONS]):
                texts[kind].append(answer)
    return texts


def _answers(data: Any, kind: Secret, solutions: list[str]) -> Iterator[tuple[Secret, str]]:
    """Yield the answers in a file of the bank, a change of the key as the key so changed."""
    if isinstance(data, list):
        for item in data:
            yield from _answers(item, kind, solutions)
    elif isinstance(data, dict):
        for name, value in data.items():
            if name == "edit":
                old, new = value
                yield from ((kind, text.replace(old, new)) for text in solutions if old in text)
            elif isinstance(value, str):
                if name == "code":
                    yield kind, value
            else:
                yield from _answers(value, Secret.RIGHT if name == "right" else kind, solutions)


def _public(course: Course) -> Iterator[str]:
    """Yield the part of each answer's cell that students get: its signature stands in every answer of the bank."""
    for spec in course.ready:
        cells = convert(course, spec).cells
        yield from (strip(cell.source, "") for cell in cells if BEGIN in cell.source and cell.cell_type == "code")


def _runs(texts: Iterable[str], length: int) -> set[str]:
    """Return the runs of `length` lines that say something."""
    runs: set[str] = set()
    for text in texts:
        lines = [line.strip() for line in text.split("\n")]
        telling = [line for line in lines if len(line) > _SHORT and not line.startswith(_PLAIN)]
        runs |= {"\n".join(telling[k : k + length]) for k in range(len(telling) - length + 1)}
    return runs


def _secret(course: Course) -> bytes:
    path = course.root / SECRET
    return path.read_bytes().strip() if path.is_file() else b""


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file; archives of our own are looked into."""
    paths = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in paths:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        yield from _opened(name, file.read_bytes())


def _opened(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    stem = name.rpartition("/")[2]
    if stem.endswith(".zip") or (stem.endswith(".whl") and stem.startswith("sheaflab")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _opened(f"{name}:{member}", archive.read(member))
    else:
        yield name, data


def _texts(name: str, data: bytes) -> Iterator[str]:
    """Yield what a reader of the file can read."""
    if b"\0" in data[:4096]:
        return  # a picture or a program has no lines
    text = data.decode("utf-8", errors="replace")
    yield text
    if name.endswith((".html", ".htm")):
        yield html.unescape(re.sub(r"<[^>]*>", "", text))
    elif name.endswith((".ipynb", ".json")):
        with contextlib.suppress(ValueError):  # what is no JSON has been read as text
            yield from _strings(json.loads(text))


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        if data and all(isinstance(item, str) for item in data):
            yield "".join(data)  # a text in pieces, as notebooks have it
        for item in data:
            yield from _strings(item)
    elif isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
