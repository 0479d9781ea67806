"""The time in a submission's timestamp file. A student may have written it, so only a few forms are read.

nbgrader's own reader guesses: it takes `Friday` for the Friday after the day of grading, looks for the name of a zone
among the files of this machine, and raises errors and warnings of many kinds.
"""

from __future__ import annotations

import contextlib
import functools
import re
import time
from datetime import UTC, datetime, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r" *([+-][0-9]{2}(?::?[0-9]{2})?)?([A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)?"
)
LONGEST = 100


def read_timestamp(text: str, zone: tzinfo | None = None) -> datetime | None:
    """Return the time in UTC that a timestamp file holds; None if it holds none.

    Parameters
    ----------
    text : str
        As nbgrader's exchange, `graders collect` or ISO 8601 writes it, such as ``2026-12-01 23:59:00.000000 UTC``.
        A zone is a difference, a name such as Europe/Berlin, what this machine calls its own, or letters that stand for
        one difference alone at that time, such as CEST in July and not CST; without one it is UTC.
    zone : tzinfo, optional
        What letters such as CST stand for where that zone calls itself so at that time: the exchange's.
    """
    if (found := _parts(text)) is None:
        return None
    try:
        when = datetime.fromisoformat(f"{found[1]} {found[2]}{found[3] or ''}")
        if when.tzinfo is None:
            when = _at(found[4], when, zone) or when.replace(tzinfo=_zone(found[4] or "UTC", when))
        return when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written_time(text: str) -> tuple[datetime, str] | None:
    """Return the time of a timestamp file as it is written, and the letters behind it, whatever they stand for."""
    found = _parts(text)
    with contextlib.suppress(ValueError):
        return (datetime.fromisoformat(f"{found[1]} {found[2]}"), found[4]) if found is not None and found[4] else None
    return None


def _parts(text: str) -> re.Match[str] | None:
    found = _TIME.fullmatch(text[:LONGEST].removeprefix("\ufeff").strip())
    return None if found is None or (found[3] and found[4]) else found


def _at(name: str | None, when: datetime, zone: tzinfo | None) -> datetime | None:
    """Return a time in a zone that calls itself `name` then; None if it does not. An hour may come twice."""
    both = (when.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return next((at for at in both if at.tzname() == name), None) if name and zone is not None else None


def _zone(name: str, when: datetime) -> tzinfo | None:
    """Return the zone of a name at a time; None for that of this machine."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    with contextlib.suppress(KeyError, OSError, ValueError):
        return ZoneInfo(name)
    if name in time.tzname:
        return None
    there = (when.replace(tzinfo=zone) for zone in _zones())
    (difference,) = {at.utcoffset() for at in there if at.tzname() == name}  # a ValueError unless there is just one
    return timezone(difference) if difference is not None else UTC


@functools.cache
def _zones() -> list[ZoneInfo]:
    return [ZoneInfo(name) for name in available_timezones()]
