"""Times of handing in, read from systems' records and brought to UTC by a named time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from graders.gradebook.nbgrader_api import CONFIG, load_config

TIMESTAMP = "%Y-%m-%d %H:%M:%S UTC"  # as nbgrader reads it
_WRITTEN = (
    "%Y-%m-%d-%H-%M-%S",  # Blackboard
    "%b %d, %Y %I%M %p",  # D2L, whose zip names cannot have a colon
    "%b %d, %Y %I:%M %p",
    "%A, %d %B %Y, %I:%M %p",  # Moodle's strftimedaydatetime, in English
    "%A, %d %B %Y, %H:%M",
    "%d %B %Y, %I:%M %p",
    "%d %B %Y, %H:%M",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M:%S %z",
)


@dataclass(frozen=True)
class Zone:
    """The time zone for times without one, and where it was set; `zone` is None if it was not set."""

    zone: ZoneInfo | None = None
    said_by: str = ""


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of an IANA name such as Europe/Berlin.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"`--zone` must be a time zone such as Europe/Berlin or UTC, got {name!r}") from None


def zone_of(root: Path, named: str | None) -> Zone:
    """Return the zone that `--zone` names, else the one that the course's configuration sets, else none."""
    if named is not None:
        return Zone(zone_named(named), "--zone")
    if (root / CONFIG).is_file():
        configured = load_config(root).Exchange.get("timezone")
        if isinstance(configured, str):
            return Zone(zone_named(configured), f"Exchange.timezone of the course's {CONFIG}")
    return Zone()


def read_time(text: str) -> datetime | None:
    """Return the time that a system wrote, with a zone if it names one; None if it cannot be read."""
    text = " ".join(text.split())
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for pattern in _WRITTEN:
        try:
            time = datetime.strptime(text, pattern)
        except ValueError:
            continue
        return time.replace(tzinfo=UTC) if pattern.endswith("UTC") else time
    return None


def definite(time: datetime | None, zone: Zone) -> datetime | None:
    """Return a time in UTC, or None if its zone is not known."""
    if time is None or (time.tzinfo is None and zone.zone is None):
        return None
    try:
        return (time if time.tzinfo else time.replace(tzinfo=zone.zone)).astimezone(UTC)
    except OverflowError:
        return None


def submitted_at(text: str, zone: Zone) -> datetime:
    """Return the time that `--submitted-at` gives; see :func:`moment`."""
    return moment(text, zone, "--submitted-at")


def moment(text: str, zone: Zone, option: str) -> datetime:
    """Return the time in UTC that an option of the command line gives.

    Raises
    ------
    ValueError
        If it is no time, or its zone is not known.
    """
    rule = f"`{option}` must be a time such as 2026-11-20T10:00+01:00 or '2026-11-20 10:00 Europe/Berlin'"
    when, _, name = text.strip().rpartition(" ")
    time = read_time(text)
    if time is None and when and (time := read_time(when)) is not None:
        time = time.replace(tzinfo=zone_named(name))
    if time is None:
        raise ValueError(f"{rule}, got {text!r}")
    if (sure := definite(time, zone)) is None:
        raise ValueError(f"{rule}, got {text!r}: it has no zone; add one, or name one with --zone")
    return sure
