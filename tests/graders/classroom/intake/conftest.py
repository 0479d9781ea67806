"""A course with two small notebooks, and a folder of downloads."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from graders.classroom.intake import times
from graders.classroom.intake.collecting import Options, collect
from graders.classroom.intake.roster import load
from graders.lab.manifest import Course

MANIFEST = """
[assignment]
title = "A lab"
"""
for number in (1, 3):
    MANIFEST += f"""
[[notebook]]
name = "lab09-{number}"
title = "Notebook {number}"
minutes = 25
[[notebook.exercise]]
id = "{number}.1"
title = "an exercise"
function = "solve"
minutes = 5
requires = []
hints = ["look", "look closer", "look here"]
[[notebook.exercise.check]]
name = "right"
title = "whether it is right"
points = 2
[[notebook.written]]
id = "{number}.W"
title = "a question"
points = 1
"""


def notebook(*marks: str, note: str = "") -> bytes:
    cells = [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": mark}}, "source": note} for mark in marks]
    cells.append({"cell_type": "markdown", "metadata": {}, "source": note})
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def first(note: str = "") -> bytes:
    return notebook("ex-1-1", note=note)


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    (folder / "source" / "lab09").mkdir(parents=True)
    (folder / "source" / "lab09" / "exercises.toml").write_text(MANIFEST)
    return Course.load(folder)


class Inbox:
    def __init__(self, root: Path, course: Course) -> None:
        self.root, self.course = root, course
        self.folder, self.submitted = root / "inbox", course.root / "submitted"
        self.rows, self.notes = [], []

    def put(self, path: str, content: bytes = b"") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def zip(self, files, name: str = "export.zip") -> Path:
        """Write an archive of paths, each with a notebook of its own unless it says another content."""
        path = self.root / name
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                content = files[file] if isinstance(files, dict) else first(file)
                archive.writestr(zipfile.ZipInfo(file, (2026, 11, 20, 10, 0, 0)), content)
        return path

    def collect(self, *sources, roster=(), people=None, zone=None, submitted_at=None, pattern=None, **options):
        zone = times.zone_of(self.course.root, zone)
        self.rows, self.notes = collect(
            list(sources) or [self.folder],
            self.course,
            self.submitted,
            Options(
                roster=load([str(path) for path in roster]) if roster else people,
                zone=zone,
                submitted_at=times.submitted_at(submitted_at, zone) if submitted_at else None,
                pattern=re.compile(pattern) if pattern else None,
                **options,
            ),
        )
        return self.rows

    def status(self, path: str) -> str:
        """What became of the one file whose path ends so."""
        (row,) = [row for row in self.rows if row.where.endswith(path)]
        return row.status.name

    @property
    def owners(self) -> dict[str, str]:
        """Who has lab09-1, and which: the note in it, which `zip` makes the path of the entry."""
        found = {}
        for path in self.submitted.glob("*/lab09/lab09-1.ipynb"):
            found[path.parts[-3]] = json.loads(path.read_bytes())["cells"][-1]["source"]
        return found

    def time(self, student: str) -> str | None:
        path = self.submitted / student / "lab09" / "timestamp.txt"
        return path.read_text() if path.exists() else None


@pytest.fixture
def inbox(tmp_path, course):
    return Inbox(tmp_path, course)
