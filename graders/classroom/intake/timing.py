"""When each file was handed in: by the system's record, or else by --submitted-at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from graders.classroom.intake.owners import FOLDER, Owner, Owners
from graders.classroom.intake.times import Zone, definite, read_time
from graders.classroom.intake.walker import Item
from graders.gradebook.timestamps import read_timestamp, written_time


@dataclass
class Timing:
    """The times of the files of one run, and notes about them.

    Parameters
    ----------
    zone : Zone
    submitted_at : datetime or None
        For files without a record of a system. It goes before the `timestamp.txt` of a folder per student, which
        a student may have written. It is used for a file that its system marks late only if all files are late.
    owners : Owners
    """

    zone: Zone
    submitted_at: datetime | None
    owners: Owners
    _unknown: set[str] = field(default_factory=set)
    _unreadable: dict[str, None] = field(default_factory=dict)
    _by_zone: bool = False

    def of(self, item: Item, owner: Owner, *, all_late: bool) -> tuple[datetime | None, datetime | None, str, str]:
        """Return a file's time in UTC, the same as written, within which layout that compares, and text for people."""
        claim = owner.claim
        assert claim is not None
        records = self._records(item, owner)
        local = claim.time or next(filter(None, (read_timestamp(text, self.zone.zone) for text in records)), None)
        if local is None and (found := next(filter(None, map(written_time, records)), None)):
            return self._unplaced(claim.layout, *found)
        said = owner.person.time if owner.person is not None and claim.layout in ("moodle", "github") else ""
        if local is None and said and (local := read_time(said)) is None:
            self._unreadable[said] = None
        late = f", late by {claim.late}" if claim.late else ""
        if local is None and self.submitted_at is not None and (not claim.late or all_late):
            local = self.submitted_at
        time = definite(local, self.zone)
        if time is not None:
            self._by_zone |= local is not None and local.tzinfo is None
            return time, local, claim.layout, f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC{late}"
        if local is not None:
            self._unknown.add("zone")
            return None, local, claim.layout, f"{local:%Y-%m-%d %H:%M}, zone unknown{late}"
        self._unknown.add("late" if claim.late else "time")
        return None, None, claim.layout, f"unknown{late}"

    def _unplaced(
        self, layout: str, local: datetime, letters: str
    ) -> tuple[datetime | None, datetime | None, str, str]:
        """As :meth:`of`, for a time whose zone nobody knows: it compares with others of the same letters."""
        if self.submitted_at is not None:
            return self.submitted_at, local, f"{layout} {letters}", f"{self.submitted_at:%Y-%m-%d %H:%M} UTC"
        self._unknown.add("zone")
        return None, local, f"{layout} {letters}", f"{local:%Y-%m-%d %H:%M} {letters}, zone unknown"

    def _records(self, item: Item, owner: Owner) -> list[str]:
        """Return what nbgrader wrote: the time in a folder's name, and the timestamp.txt beside a notebook."""
        if owner.claim is None or owner.claim.layout not in (FOLDER, "exchange"):
            return []
        if owner.claim.layout == FOLDER and self.submitted_at is not None:
            return []
        folder = (self.owners.names[item.source], *item.parts[:-1])
        record = self.owners.around.records.get((item.source, folder))
        return [text for text in (owner.claim.written, record) if isinstance(text, str) and text]

    def notes(self) -> list[str]:
        """Return notes about the times for the user."""
        notes = [
            f"a time of the class list cannot be read: {said!r}; a list in English can" for said in self._unreadable
        ]
        if self._by_zone and self.zone.zone is not None:
            notes.append(f"times without a zone were read as {self.zone.zone.key} ({self.zone.said_by})")
        texts = {
            "zone": "some times have no zone and were not recorded: name it (--zone Europe/Berlin) and collect again",
            "time": "of some the time is unknown: none was recorded, and nbgrader counts a submission without any as "
            "on time; --submitted-at gives it",
            "late": "some are late, and the system does not say by how much: collect these by themselves with "
            "--submitted-at, or nbgrader counts them as on time",
        }
        return notes + [text for kind, text in texts.items() if kind in self._unknown]
