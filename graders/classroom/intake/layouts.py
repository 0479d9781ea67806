"""How learning platforms name their exports: the table of layouts, and what each layout reads from a path.

Where each naming was looked up stands in `course/docs/collecting.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from graders.classroom.intake.times import read_time

Visible = tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """Whose a file is, by its path.

    Attributes
    ----------
    layout : str
    names : tuple of str
        Names that a roster may have for the person; the first is shown, and is the id if there is no roster.
    keys : tuple of str
        What the system says of the person beyond the name, as ``moodle:101`` or ``login:alee``: it decides first.
    person : str
        Tells two people of one name apart, where the system does; else empty.
    time : datetime or None
        The system's own record, with a zone or without.
    late : str
        The system that marked it late; empty if none did.
    order : tuple of int
        Grows with each submission, by the system's count.
    level : int
        How many parts of the path were used up.
    inside : str
        The name that the file had when it was handed in, if the system put it into its own.
    refused : str
        Why the file has no owner, although the layout is known.
    written : str
        The system's record of the time as text, where it may name its zone by letters.
    shown : str
        What is told of the person, where nobody knows which of its words are the name.
    """

    layout: str
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    person: str = ""
    time: datetime | None = None
    late: str = ""
    order: tuple[int, ...] = ()
    level: int = 1
    inside: str = ""
    refused: str = ""
    written: str = ""
    shown: str = ""


@dataclass
class Surroundings:
    """What else was found: records of systems, and names side by side."""

    records: Mapping[tuple[int, Visible], Any] = field(default_factory=dict)
    folders: Mapping[tuple[int, Visible], set[str]] = field(default_factory=dict)
    source: int = 0
    forced: bool = False


_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?P<plugin>[a-z0-9]+)(?:_(?P<file>.*))?", re.S)
_CANVAS = re.compile(r"(?P<name>.+?)_(?:(?P<late>LATE|late)_)?(?P<user>\d+)_(?P<upload>\d+)_(?P<file>.+)", re.S)
_CANVAS_BLIND = re.compile(
    r"(?:(?P<late>LATE)_)?anon(?:ymous)?_(?P<user>[A-Za-z0-9]+)_(?P<upload>\d+)_(?P<file>.+)", re.S
)
_BLACKBOARD = re.compile(r"(?P<head>.+?)_attempt_(?P<time>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<file>.+)|\.txt)", re.S)
_D2L = re.compile(
    r"(?P<user>\d+)-(?P<folder>\d+) ?- ?(?P<name>.+?) ?- ?"
    r"(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:?\d\d [AP]M)(?: ?- ?(?P<file>.+))?",
    re.S,
)
_ILIAS = re.compile(r"(?P<last>[^_]+)_(?P<first>[^_]+)_(?P<login>.+)_(?P<number>\d+)", re.S)
_ILIAS_LATE = re.compile(r"(?:Late Submission|Verspätete Abgabe|Verspaetete Abgabe) - ", re.I)
_GRADESCOPE = re.compile(r"submission_\d+")
_EXCHANGE = re.compile(
    r"(?P<user>.+)\+(?P<assignment>[^+]+)\+"
    r"(?P<time>\d{4}-\d\d-\d\d \d\d[:_]\d\d[:_]\d\d(?:\.\d+)? ?[^+]*)(?:\+[\w=-]+)?",
    re.S,
)


def _moodle(path: Visible, level: int, around: Surroundings) -> Claim | None:
    leaf = level == len(path) - 1
    match = _MOODLE.fullmatch(path[level])
    if match is None or (leaf and not match["file"]):
        return None
    key = f"moodle:{match['number']}"
    names = (match["name"],)
    if match["name"].casefold() == "participant":  # Moodle's word for somebody whose name is hidden
        names = (f"{match['name']} {match['number']}",)
    return Claim("moodle", names, (key,), key, level=level + 1, inside=(match["file"] or "") if leaf else "")


def _canvas(path: Visible, level: int, around: Surroundings) -> Claim | None:
    if level != len(path) - 1:
        return None
    keys: tuple[str, ...]
    text = path[level]
    if match := _CANVAS_BLIND.fullmatch(text):
        person, shown, keys = f"canvas:anon {match['user']}", f"anon-{match['user']}", ()
    elif match := _CANVAS.fullmatch(text):
        person = f"canvas:{match['user']}"
        shown, keys = match["name"], (person,)
    else:
        return None
    late = "Canvas" if match["late"] else ""
    # Uploads are numbered as they come in; a file of the same name as before gets -1, -2 before its ending.
    return Claim("canvas", (shown,), keys, person, None, late, (int(match["upload"]),), level + 1, match["file"])


def _blackboard(path: Visible, level: int, around: Surroundings) -> Claim | None:
    match = _BLACKBOARD.fullmatch(path[level]) if level == len(path) - 1 else None
    if match is None:
        return None
    # Both the assignment and the user may have a _: a roster knows which of the endings is a user.
    pieces = match["head"].split("_")
    logins = tuple("_".join(pieces[start:]) for start in range(len(pieces) - 1, 0, -1)) or (match["head"],)
    time = read_time(match["time"])
    keys = tuple(f"login:{login}" for login in logins[:6])
    return Claim(
        "blackboard", logins[:1], keys, f"login:{logins[0]}", time, level=level + 1, inside=match["file"] or ""
    )


def _d2l(path: Visible, level: int, around: Surroundings) -> Claim | None:
    match = _D2L.fullmatch(path[level])
    leaf = level == len(path) - 1
    if match is None or (leaf and not match["file"]):
        return None
    time = match["time"]
    if ":" not in time:  # "936 PM": a colon cannot stand in a name
        time = re.sub(r"(\d{1,2})(\d\d) ([AP]M)$", lambda m: f"{int(m[1]):02d}{m[2]} {m[3]}", time)
    number = match["user"]
    return Claim(
        "d2l", (match["name"],), (f"d2l:{number}",), f"d2l:{number}", read_time(time),
        level=level + 1, inside=(match["file"] or "") if leaf else "",
    )  # fmt: skip


def _ilias(path: Visible, level: int, around: Surroundings) -> Claim | None:
    if level == len(path) - 1 or (match := _ILIAS.fullmatch(path[level])) is None:
        return None
    beside = around.folders.get((around.source, path[:level]), set())
    if not around.forced and not all(_ILIAS.fullmatch(name) for name in beside):
        return None  # a folder of such a name may be anybody's; ILIAS names all of them so
    late = "ILIAS" if _ILIAS_LATE.match(path[-1]) else ""  # a late one is later than one that is not
    keys = (f"login:{match['login']}", f"ilias:{match['number']}")
    names = (f"{match['first']} {match['last']}",)
    shown = match[0] if "_" in match["login"] else ""  # a name of several words, or a login that has the sign
    return Claim("ilias", names, keys, keys[1], None, late, (int(bool(late)),), level + 1, shown=shown)


def _gradescope(path: Visible, level: int, around: Surroundings) -> Claim | None:
    if level == len(path) - 1 or not _GRADESCOPE.fullmatch(path[level]):
        return None
    record = around.records.get((around.source, path[:level]))
    said = record.get(path[level]) if isinstance(record, dict) else None
    if not said or not said["submitters"]:
        reason = "submission_metadata.yml, which says whose it is, does not name this folder"
        return Claim("gradescope", (path[level],), level=level + 1, refused=reason)
    people = said["submitters"]
    who = people[0]
    keys = tuple(f"{kind}:{who[kind]}" for kind in ("sid", "email") if kind in who)
    name = who.get("name", "")
    names = tuple(filter(None, (who.get("sid") or who.get("email") or name, name)))
    refused = ""
    if len(people) > 1:
        everybody = ", ".join(person.get("name") or person.get("sid", "?") for person in people)
        refused = f"handed in together by {everybody}; collect it with --student for each"
    time = read_time(
        said["created"].removesuffix(" Z") + "+00:00" if said["created"].endswith(" Z") else said["created"]
    )
    return Claim("gradescope", names, keys, keys[0] if keys else "", time, level=level + 1, refused=refused)


def _github(path: Visible, level: int, around: Surroundings) -> Claim | None:
    if level == len(path) - 1:
        return None
    slug = path[level - 1].removesuffix("-submissions") if level and path[level - 1].endswith("-submissions") else ""
    if not slug and around.forced:
        slug = _common(around.folders.get((around.source, path[:level]), set()))
    if not slug or not path[level].startswith(f"{slug}-"):
        return None
    login = path[level].removeprefix(f"{slug}-")
    return Claim("github", (login,), (f"github:{login}",), f"github:{login}", level=level + 1)


def _common(names: set[str]) -> str:
    """Return what all names begin with, up to a hyphen."""
    first, last = min(names, default=""), max(names, default="")
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:same].rpartition("-")[0]


def _exchange(path: Visible, level: int, around: Surroundings) -> Claim | None:
    match = _EXCHANGE.fullmatch(path[level]) if level < len(path) - 1 else None
    if match is None:
        return None
    user, written = match["user"], match["time"].replace("_", ":")
    return Claim("exchange", (user,), (f"login:{user}",), f"login:{user}", level=level + 1, written=written)


LAYOUTS: dict[str, Callable[[Visible, int, Surroundings], Claim | None]] = {
    "exchange": _exchange,
    "moodle": _moodle,
    "blackboard": _blackboard,
    "d2l": _d2l,
    "gradescope": _gradescope,
    "github": _github,
    "canvas": _canvas,
    "ilias": _ilias,
}
"""Every layout that is known by its names, the plainest to tell first; "folder" is what remains."""


def claim_of(path: Visible, around: Surroundings, layout: str | None = None) -> Claim | None:
    """Return what the layouts read from a path; None if no layout fits.

    The outermost part that fits a layout decides: the parts below it are the student's own names.

    Parameters
    ----------
    path : tuple of str
        From the source down to the file, or to the archive that it came in.
    around : Surroundings
    layout : str, optional
        The only one to look for.
    """
    chosen = LAYOUTS if layout is None else {layout: LAYOUTS[layout]} if layout in LAYOUTS else {}
    for level in range(len(path)):
        for find in chosen.values():
            if claim := find(path, level, around):
                return claim
    return None


def by_pattern(path: Visible, pattern: re.Pattern[str]) -> Claim | None:
    """Return what the instructor's own expression reads from a path; None if it does not match.

    Groups: `student` or nbgrader's `student_id`, or `first_name` and `last_name`, or `email`; and perhaps `timestamp`.
    """
    match = pattern.search("/".join(path))
    if match is None:
        return None
    said = {key: value for key, value in match.groupdict().items() if value}
    full = " ".join(said[key] for key in ("first_name", "last_name") if key in said)
    names = tuple(filter(None, (said.get("student") or said.get("student_id"), full, said.get("email"))))
    time = read_time(said["timestamp"]) if "timestamp" in said else None
    keys = (f"email:{said['email']}",) if "email" in said else ()
    return Claim("pattern", names, keys, names[0], time, level=len(path)) if names else None
