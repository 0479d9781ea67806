"""Which notebook a download is, and which of several counts."""

from __future__ import annotations

import json
import sqlite3

import pytest

from graders.classroom.intake.results import FileStatus
from graders.commands.cli import main
from graders.lab.filenames import plain_name
from tests.graders.classroom.intake.conftest import first, notebook


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
        "lab09-3.ipynb.txt",
        "lab09-3.ipynb.json",
        "lab09-3.json",
        "Copy of lab09-3",
        "LAB.IPYNB",
    ],
)
def test_a_notebook_is_known_by_its_marks_whatever_its_name(inbox, name):
    inbox.put(f"jane/{name}", notebook("ex-3-1", "written-3-W"))
    (row,) = inbox.collect()
    assert (row.student, row.notebook, row.status) == ("jane", "lab09-3", FileStatus.TAKEN)
    folder = inbox.submitted / "jane" / "lab09"
    assert (folder / "lab09-3.ipynb").read_bytes() == notebook("ex-3-1", "written-3-W")
    assert not (folder / "timestamp.txt").exists()  # a file's own time says nothing of handing in


@pytest.mark.parametrize("content", [b"\xff\xfe no notebook", b"[1, 2]", b'{"cells": 3}', b"[" * 100_000])
def test_what_cannot_be_read_goes_by_its_name_so_that_the_grader_can_say_so(inbox, content):
    inbox.put("jane/lab09-3 (1).ipynb", content)
    (row,) = inbox.collect()
    assert (row.notebook, row.status) == ("lab09-3", FileStatus.DAMAGED)
    assert not row.status.fine  # a person must look
    assert row.more


BROKEN = {
    "empty": b"",
    "cut off": first("late")[:-30],
    "no JSON": b"PK\x03\x04",
    "no cells": b'{"cells": [], "metadata": {}}',
}
EARLY, LATE = "2026-11-20 10:00 UTC", "2026-11-21 10:00 UTC"


@pytest.mark.slow
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_later_file_that_cannot_be_read_replaces_no_readable_one(inbox, broken):
    inbox.put("jane/lab09-1.ipynb", first("good"))
    inbox.collect(submitted_at=EARLY)
    inbox.put("jane/lab09-1.ipynb", broken)
    (row,) = inbox.collect(submitted_at=LATE)
    assert row.status is FileStatus.BROKEN
    assert not row.status.fine
    assert row.more.endswith("--replace takes this one")
    assert inbox.owners == {"jane": "good"}
    assert inbox.time("jane") == "2026-11-20 10:00:00 UTC"
    (row,) = inbox.collect(submitted_at=LATE, replace=True)
    assert row.status is FileStatus.DAMAGED
    assert (inbox.submitted / "jane/lab09/lab09-1.ipynb").read_bytes() == broken
    inbox.put("jane/lab09-1.ipynb", first("mended"))
    assert inbox.collect(submitted_at="2026-11-22 10:00 UTC")[0].status is FileStatus.REPLACED
    assert inbox.owners == {"jane": "mended"}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_of_several_files_the_latest_that_can_be_read_counts(inbox, broken):
    inbox.put("jane/lab09-1.ipynb", broken)
    inbox.put("jane/lab09-1 (1).ipynb", first("good"))
    inbox.put("jane/lab09-1 (2).ipynb", broken + b" ")
    inbox.collect()
    assert inbox.owners == {"jane": "good"}
    assert inbox.status("/lab09-1.ipynb") == "OLDER"
    assert inbox.status("(2).ipynb") == "BROKEN"


def test_an_older_notebook_in_utf_16_or_of_an_old_format_can_be_read(inbox):
    inbox.put("jane/lab09-1.ipynb", first("good").decode().encode("utf-16"))
    old = {"worksheets": [{"cells": [{"cell_type": "markdown", "source": "x"}]}], "metadata": {}, "nbformat": 3}
    inbox.put("joe/lab09-1.ipynb", json.dumps(old).encode())
    assert {row.status for row in inbox.collect()} == {FileStatus.TAKEN}


def test_a_byte_order_mark_hides_no_marks(inbox):
    inbox.put("jane/x.ipynb", b"\xef\xbb\xbf" + notebook("ex-1-1"))
    assert inbox.collect()[0].notebook == "lab09-1"


def test_foreign_and_mixed_notebooks_are_left_and_said(inbox):
    inbox.put("jane/notes.ipynb", notebook())
    inbox.put("jane/other.ipynb", notebook("ex-9-9"))
    inbox.put("jane/lab09-1.ipynb", notebook("ex-1-1", "ex-3-1"))
    assert sorted(row.status.name for row in inbox.collect()) == ["FOREIGN", "FOREIGN", "MIXED"]
    assert not list(inbox.submitted.glob("*/"))


def test_a_cell_pasted_from_another_notebook_changes_nothing(inbox):
    inbox.put("jane/x.ipynb", notebook("ex-1-1", "task-3-1", "ex-3-1", "check-3-1", "grade-3-1"))
    assert inbox.collect()[0].notebook == "lab09-3"


def test_at_the_same_time_the_highest_number_is_the_latest(inbox):
    for name in ("lab09-3 (10).ipynb", "lab09-3 (2).ipynb", "lab09-3.ipynb"):
        inbox.put(f"jane/{name}", notebook("ex-3-1", note=name))
    inbox.collect()
    assert b"(10)" in (inbox.submitted / "jane/lab09/lab09-3.ipynb").read_bytes()
    assert inbox.status("(2).ipynb") == "OLDER"


def test_of_different_files_that_nothing_orders_none_is_guessed(inbox):
    inbox.put("jane/a.ipynb", first("a"))
    inbox.put("jane/b.ipynb", first("b"))
    assert {row.status for row in inbox.collect()} == {FileStatus.UNORDERED}
    assert not inbox.owners
    inbox.put("jane/a.ipynb", first("b"))
    assert {row.status for row in inbox.collect()} == {FileStatus.TAKEN, FileStatus.SAME}


def test_again_changes_nothing_and_what_is_there_is_replaced_only_when_told(inbox):
    inbox.put("jane/lab09-1.ipynb", first("a"))
    assert inbox.collect()[0].status is FileStatus.TAKEN
    assert inbox.collect()[0].status is FileStatus.UNCHANGED
    inbox.put("jane/lab09-1.ipynb", first("b"))
    assert inbox.collect()[0].status is FileStatus.EXISTING
    assert inbox.owners == {"jane": "a"}
    assert inbox.collect(replace=True)[0].status is FileStatus.REPLACED
    assert inbox.owners == {"jane": "b"}


def test_a_dry_run_says_the_same_and_writes_nothing(inbox):
    inbox.put("jane/lab09-1.ipynb", first())
    inbox.put("jane/picture.png", b"png")
    assert sorted(row.status.name for row in inbox.collect(dry=True)) == ["BESIDE", "TAKEN"]
    assert not inbox.submitted.exists()


def test_pictures_and_modules_come_with_the_notebook(inbox):
    inbox.put("jane/work/lab09-1.ipynb", first())
    inbox.put("jane/work/img/photo.png", b"png")
    inbox.put("jane/elsewhere/other.png", b"png")
    inbox.collect()
    folder = inbox.submitted / "jane" / "lab09"
    assert (folder / "img" / "photo.png").read_bytes() == b"png"
    assert inbox.status("other.png") == "LOOSE"
    assert sorted(path.name for path in folder.iterdir()) == ["img", "lab09-1.ipynb"]


def test_files_beside_are_bounded_and_overwrite_nothing(inbox, monkeypatch):
    monkeypatch.setattr("graders.classroom.intake.beside.MOST", 3)
    inbox.put("jane/lab09-1.ipynb", first())
    for name in ("a.csv", "b.csv", "timestamp.txt.part", ".hidden", "c.csv", "d.csv"):
        inbox.put(f"jane/{name}", name.encode())
    inbox.collect()
    taken = sorted(path.name for path in (inbox.submitted / "jane" / "lab09").iterdir())
    assert taken == ["a.csv", "b.csv", "c.csv", "lab09-1.ipynb"]
    inbox.put("jane/a.csv", b"another")
    inbox.collect()
    assert inbox.status("a.csv") == "OTHER"
    assert (inbox.submitted / "jane/lab09/a.csv").read_bytes() == b"a.csv"


@pytest.mark.parametrize("times", [(EARLY, LATE), (LATE, EARLY), (None, None)])
@pytest.mark.parametrize("replace", [True, False])
def test_files_beside_follow_their_notebook(inbox, times, replace):
    for when, text in zip(times, ("old", "new"), strict=True):
        inbox.put("jane/lab09-1.ipynb", first(text))
        inbox.put("jane/helper.py", text.encode())
        rows = inbox.collect(submitted_at=when, replace=replace and text == "new")
    newer = replace or times == (EARLY, LATE)
    assert inbox.owners == {"jane": "new" if newer else "old"}
    assert (inbox.submitted / "jane/lab09/helper.py").read_bytes() == (b"new" if newer else b"old")
    assert inbox.status("helper.py") == ("BESIDE" if newer else "LOOSE"), rows


def test_files_beside_one_notebook_that_differ_are_told_apart_from_unreadable_ones(inbox):
    inbox.put("jane/lab09-1.ipynb", first("a"))
    inbox.put("jane/helper.py", b"a")
    inbox.put("jane/b/lab09-3.ipynb", notebook("ex-3-1"))
    inbox.put("jane/b/helper.py", b"b")
    inbox.collect()
    assert sorted(row.status.name for row in inbox.rows) == ["BESIDE", "OTHER", "TAKEN", "TAKEN"]
    inbox.put("jane/helper.py", b"mended")
    (inbox.folder / "jane/b/helper.py").unlink()
    inbox.collect()
    assert [row.more for row in inbox.rows if row.status is FileStatus.OTHER] == [
        "its notebook took no other's place; --replace takes this one"
    ]
    inbox.collect(replace=True)
    assert (inbox.submitted / "jane/lab09/helper.py").read_bytes() == b"mended"


@pytest.mark.parametrize("names", [("data", "data/x.csv"), ("data/x.csv", "data")])
@pytest.mark.parametrize("together", [True, False])
def test_a_file_and_a_folder_of_one_name_end_no_collecting(inbox, names, together):
    inbox.put("jane/lab09-1.ipynb", first())
    inbox.put(f"jane/{names[0]}", b"a")
    if not together:
        inbox.collect()
        (inbox.folder / "jane" / names[0]).unlink()
        if "/" in names[0]:
            (inbox.folder / "jane" / "data").rmdir()
    else:
        inbox.put("jane/b/lab09-3.ipynb", notebook("ex-3-1"))
    inbox.put(f"jane/{'b/' if together else ''}{names[1]}", b"b")
    inbox.collect()
    assert (inbox.submitted / "jane/lab09/lab09-1.ipynb").is_file()
    assert [row.status for row in inbox.rows].count(FileStatus.UNREADABLE) == 1


def test_the_command_says_what_became_of_each_file(inbox, course, capsys):
    inbox.put("jane/lab09-3 (1).ipynb", notebook("ex-3-1"))
    arguments = ["collect", str(inbox.folder), "--course", str(course.root)]
    assert main([*arguments, "--dry-run"]) == 0
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "jane     lab09-3" in out
    assert "1 of 1 file taken, 0 left (a dry run: nothing was written)" in out
    assert out.endswith("1 of 1 file taken, 0 left\n")
    inbox.put("jane/notes.ipynb", notebook())
    (inbox.folder / "jane" / "lab09-1.ipynb").write_bytes(b"")
    assert main(arguments) == 1
    out = capsys.readouterr().out
    assert "taken, but it cannot be read as a notebook: a person must look: the file is not JSON" in out
    assert "an empty file; save the notebook and hand it in again" in out
    assert out.endswith("1 of 3 files taken, 1 left\n")
    assert main(arguments) == 1
    assert "no notebook of this assignment" in capsys.readouterr().out


def test_the_command_names_ids_that_are_not_in_the_gradebook(inbox, course, capsys):
    (course.root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.db_url = 'sqlite:///{course.root}/elsewhere.db'\n"
    )
    with sqlite3.connect(course.root / "elsewhere.db") as database:
        database.execute("CREATE TABLE student (id, first_name, last_name, email, lms_user_id)")
    inbox.put("jane/lab09-1.ipynb", first())
    inbox.put("joe/lab09-1.ipynb", first("joe"))
    arguments = ["collect", str(inbox.folder), "--course", str(course.root)]
    assert main([*arguments, "--dry-run"]) == 0
    assert "not in the gradebook" not in capsys.readouterr().out  # there is no roster
    with sqlite3.connect(course.root / "elsewhere.db") as database:
        database.execute("INSERT INTO student (id) VALUES ('jane')")
    assert main(arguments) == 0
    assert "\n1 not in the gradebook: joe; give the class list by --roster, or" in capsys.readouterr().out
    assert main([*arguments, "--roster", str(course.root / "elsewhere.db"), "--student", "joe"]) == 1
    told = capsys.readouterr().out
    assert "\n1 not in the gradebook: joe; if one is there under another id" in told
    assert "nbgrader db student add ID --lms-user-id 1001" in told
    (course.root / "elsewhere.db").write_text("no database")
    assert main(arguments) == 2
    assert "elsewhere.db, cannot be read: see db_url in nbgrader_config.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.zip"], "`SOURCE` must be a notebook, a folder or a zip archive that is there, got nowhere.zip"),
        ([".", "--student", "../x"], "`--student` must be letters, digits"),
        ([".", "--student", "a\u202eb"], "`--student` must be letters, digits"),
        ([".", "--course", "/"], "/ is no course directory: it has no source/<assignment>/exercises.toml"),
        ([".", "--pattern", "("], "`--pattern` must be a regular expression, got '('"),
        ([".", "--pattern", "(?P<who>.*)"], "`--pattern` must have the group (?P<student>…)"),
        ([".", "--pattern", "(?P<student>.*)", "--layout", "moodle"], "must not be given together"),
        ([".", "--submitted-at", "2026-11-20 10:00"], "it has no zone; add one, or name one with --zone"),
        ([".", "--submitted-at", "yesterday"], "`--submitted-at` must be a time such as"),
        ([".", "--zone", "Mars/Base"], "`--zone` must be a time zone such as Europe/Berlin or UTC, got 'Mars/Base'"),
        ([".", "--roster", "none.csv"], "`--roster` must be a file that can be read, got none.csv"),
    ],
)
def test_bad_arguments_are_named(tmp_path, course, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    where = [] if "--course" in arguments else ["--course", str(course.root)]
    assert main(["collect", *arguments, *where]) == 2
    assert message in capsys.readouterr().err
