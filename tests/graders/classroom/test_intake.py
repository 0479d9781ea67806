"""Downloads under whatever name find their place in `submitted/`."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import PurePosixPath

import pytest

from graders.classroom import intake
from graders.classroom.intake import Status
from graders.commands.cli import main
from graders.lab.filenames import plain_name
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
avoid = []
[[notebook.exercise.check]]
name = "right"
title = "whether it is right"
points = 2
[[notebook.written]]
id = "{number}.W"
title = "a question"
points = 1
"""


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "source" / "lab09").mkdir(parents=True)
    (folder / "source" / "lab09" / "exercises.toml").write_text(MANIFEST)
    return Course.load(folder)


def notebook(*marks: str, note: str = "") -> bytes:
    cells = [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": mark}}, "source": note} for mark in marks]
    cells.append({"cell_type": "markdown", "metadata": {}, "source": note})
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def inbox(tmp_path, course):
    class Inbox:
        folder = tmp_path / "inbox"
        submitted = course.root / "submitted"

        def put(self, path: str, content: bytes, time: float | None = None):
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            if time is not None:
                os.utime(target, (time, time))
            return target

        def collect(self, *sources, student=None):
            found = intake.look_through(sources or [self.folder])
            return intake.collect(found, course, self.submitted, student)

    return Inbox()


@pytest.mark.parametrize(
    ("name", "plain", "number"),
    [
        ("lab09-3", "lab09-3", 0),
        ("lab09-3 (1)", "lab09-3", 1),
        ("lab09-3(12)", "lab09-3", 12),
        ("lab09-3-Copy2", "lab09-3", 2),
        ("lab09-3 copy", "lab09-3", 1),
        ("lab09-3 - Copy", "lab09-3", 1),
        ("lab09-3.v1a2b (1) (2)", "lab09-3.v1a2b", 2),
    ],
)
def test_what_a_browser_appends_is_taken_off(name, plain, number):
    assert plain_name(name) == (plain, number)


@pytest.mark.parametrize(
    "name",
    [
        "lab09-3.ipynb",
        "lab09-3 (1).ipynb",
        "lab09-3.v1a2b.ipynb",
        "lab09-3.v1a2b (2).ipynb",
        "my final answer.ipynb",
        "lab09-1.ipynb",
    ],
)
def test_a_notebook_is_known_by_its_marks_whatever_its_name(inbox, name):
    inbox.put(f"jane/{name}", notebook("ex-3-1", "written-3-W"))
    (report,) = inbox.collect()
    assert (report.student, report.notebook, report.status) == ("jane", "lab09-3", Status.TAKEN)
    folder = inbox.submitted / "jane" / "lab09"
    assert (folder / "lab09-3.ipynb").read_bytes() == notebook("ex-3-1", "written-3-W")
    assert (folder / "timestamp.txt").read_text().endswith(" UTC")


@pytest.mark.parametrize("content", [b"\xff\xfe no notebook", b"[1, 2]", b'{"cells": 3}', b"[" * 100_000])
def test_what_cannot_be_read_goes_by_its_name_so_that_the_grader_can_say_so(inbox, content):
    inbox.put("jane/lab09-3 (1).ipynb", content)
    (report,) = inbox.collect()
    assert (report.notebook, report.status) == ("lab09-3", Status.TAKEN)


def test_a_byte_order_mark_hides_no_marks(inbox):
    inbox.put("jane/x.ipynb", b"\xef\xbb\xbf" + notebook("ex-1-1"))
    assert inbox.collect()[0].notebook == "lab09-1"


def test_foreign_and_mixed_notebooks_are_left_and_said(inbox):
    inbox.put("jane/notes.ipynb", notebook())
    inbox.put("jane/other.ipynb", notebook("ex-9-9"))
    inbox.put("jane/lab09-1.ipynb", notebook("ex-1-1", "ex-3-1"))
    assert sorted(r.status.name for r in inbox.collect()) == ["FOREIGN", "FOREIGN", "MIXED"]
    assert not inbox.submitted.exists()


def test_the_latest_of_several_is_taken(inbox):
    inbox.put("jane/lab09-3.ipynb", notebook("ex-3-1", note="first"), 1000)
    inbox.put("jane/lab09-3 (1).ipynb", notebook("ex-3-1", note="second"), 2000)
    reports = inbox.collect()
    assert [r.status for r in reports] == [Status.TAKEN, Status.OLDER]
    assert b"second" in (inbox.submitted / "jane/lab09/lab09-3.ipynb").read_bytes()


def test_at_the_same_time_the_highest_number_is_the_latest(inbox):
    for name in ("lab09-3 (10).ipynb", "lab09-3 (2).ipynb", "lab09-3.ipynb"):
        inbox.put(f"jane/{name}", notebook("ex-3-1", note=name), 1000)
    inbox.collect()
    assert b"(10)" in (inbox.submitted / "jane/lab09/lab09-3.ipynb").read_bytes()


def test_again_changes_nothing_and_a_later_one_replaces_an_earlier_one_only(inbox):
    inbox.put("jane/lab09-3.ipynb", notebook("ex-3-1", note="a"), 2000)
    assert inbox.collect()[0].status is Status.TAKEN
    assert inbox.collect()[0].status is Status.UNCHANGED
    inbox.put("jane/lab09-3.ipynb", notebook("ex-3-1", note="b"), 1000)
    assert inbox.collect()[0].status is Status.OLDER
    inbox.put("jane/lab09-3.ipynb", notebook("ex-3-1", note="c"), 3000)
    assert inbox.collect()[0].status is Status.REPLACED
    assert b'"c"' in (inbox.submitted / "jane/lab09/lab09-3.ipynb").read_bytes()
    assert (inbox.submitted / "jane/lab09/timestamp.txt").read_text() == "1970-01-01 00:50:00 UTC"


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("jane/lab09-3.ipynb", "jane"),
        ("jane/deep/er/lab09-3.ipynb", "jane"),
        ("Jane Doe_4711_assignsubmission_file_/lab09-3.ipynb", "Jane-Doe"),
        ("jane@school.edu_lab09-3 (1).ipynb", "jane@school.edu"),
        ("doejane_123_456_lab09-3.v1a2b.ipynb", "doejane"),
        ("lab09-3.ipynb", None),
        ("../../etc/lab09-3.ipynb", None),
        ("-rf/lab09-3.ipynb", None),
    ],
)
def test_whose_it_is(course, path, student):
    assert intake.student_of(PurePosixPath(path), course) == student


def test_who_is_not_known_is_asked_for(inbox):
    file = inbox.put("lab09-3.ipynb", notebook("ex-3-1"))
    assert inbox.collect(file)[0].status is Status.NOBODY
    assert inbox.collect(file, student="jane")[0].status is Status.TAKEN


def test_an_archive_is_read_and_never_unpacked_by_its_names(inbox, tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("jane/lab09-3 (1).ipynb", notebook("ex-3-1"))
        archive.writestr("__MACOSX/jane/._lab09-3.ipynb", b"junk")
        archive.writestr("../../evil/lab09-3.ipynb", notebook("ex-3-1"))
        archive.writestr("jane/readme.txt", b"hello")
    reports = inbox.collect(path)
    assert sorted((r.student or "?", r.status.name) for r in reports) == [("?", "NOBODY"), ("jane", "TAKEN")]
    assert [p.name for p in inbox.submitted.iterdir()] == ["jane"]


def test_a_huge_file_is_left(inbox, monkeypatch):
    monkeypatch.setattr(intake, "LIMIT", 10)
    inbox.put("jane/lab09-3.ipynb", notebook("ex-3-1"))
    assert inbox.collect()[0].status is Status.TOO_LARGE


def test_the_command_says_what_became_of_each_file(inbox, course, capsys):
    inbox.put("jane/lab09-3 (1).ipynb", notebook("ex-3-1"))
    assert main(["collect", str(inbox.folder), "--course", str(course.root)]) == 0
    out = capsys.readouterr().out
    assert "jane lab09-3" in out
    assert out.endswith("1 of 1 files taken\n")
    inbox.put("jane/notes.ipynb", notebook())
    assert main(["collect", str(inbox.folder), "--course", str(course.root)]) == 1
    assert "no notebook of this assignment" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.zip"], "`SOURCE` must be a notebook, a folder or a zip archive that is there, got nowhere.zip"),
        ([".", "--student", "../x"], "`--student` must be letters, digits"),
        ([".", "--course", "/"], "/ is no course directory: it has no source/<assignment>/exercises.toml"),
    ],
)
def test_bad_arguments_are_named(tmp_path, course, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    where = [] if "--course" in arguments else ["--course", str(course.root)]
    assert main(["collect", *arguments, *where]) == 2
    assert message in capsys.readouterr().err
