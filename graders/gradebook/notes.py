"""Our notes in the gradebook's database: what nbgrader has no field for, in the file that is backed up.

nbgrader's comments cannot be used: formgrader overwrites them, and feedback shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, Text, delete, insert, inspect, select, update
from sqlalchemy.schema import CreateTable

_TABLE = Table(
    "graders_note",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("student", String(128), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("text", Text, nullable=False),
)
_KEY = (_TABLE.c.assignment, _TABLE.c.student, _TABLE.c.kind, _TABLE.c.name)


@dataclass(frozen=True)
class Note:
    """A note about one student and one cell, notebook or exercise called `name`."""

    student: str
    name: str
    text: str


class Notes:
    """The notes of one assignment.

    Parameters
    ----------
    gradebook : nbgrader.api.Gradebook
        Its session reads and writes; the caller commits. It must have no uncommitted write when this is made.
    assignment : str
    """

    def __init__(self, gradebook: Any, assignment: str) -> None:
        self._db, self.assignment = gradebook.db, assignment
        if not inspect(gradebook.engine).has_table(_TABLE.name):
            with gradebook.engine.begin() as connection:
                connection.execute(CreateTable(_TABLE, if_not_exists=True))

    def of(self, student: str, kind: str) -> dict[str, str]:
        """Return one student's notes of a kind, by name."""
        return {note.name: note.text for note in self.all(kind, student)}

    def all(self, kind: str, student: str | None = None) -> list[Note]:
        """Return the notes of a kind, by student and name."""
        wanted = select(_TABLE.c.student, _TABLE.c.name, _TABLE.c.text).where(
            _TABLE.c.assignment == self.assignment, _TABLE.c.kind == kind
        )
        if student is not None:
            wanted = wanted.where(_TABLE.c.student == student)
        return [Note(*row) for row in self._db.execute(wanted.order_by(_TABLE.c.student, _TABLE.c.name))]

    def put(self, student: str, kind: str, texts: Mapping[str, str]) -> None:
        """Write notes by name; they replace notes of the same names. The caller commits."""
        old, columns = self.of(student, kind), [column.name for column in _KEY]
        fresh = list[dict[str, str]]()
        for name, text in texts.items():
            key = (self.assignment, student, kind, name)
            if name not in old:
                fresh.append(dict(zip(columns, key, strict=True)) | {"text": text})
            elif old[name] != text:
                self._db.execute(update(_TABLE).where(*_is(key)).values(text=text))
        if fresh:
            self._db.execute(insert(_TABLE), fresh)

    def clear(self, kind: str) -> None:
        """Remove all notes of a kind. The caller commits."""
        self._db.execute(delete(_TABLE).where(_TABLE.c.assignment == self.assignment, _TABLE.c.kind == kind))


def _is(key: tuple[str, ...]) -> list[Any]:
    return [column == value for column, value in zip(_KEY, key, strict=True)]
