"""A file in which nothing is written never counts before one with work in it, whatever its name and its date."""

from __future__ import annotations

import os
import shutil
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from graders.classroom.intake.placing import Ledger
from graders.lab.manifest import Course
from graders.lab.percent import template
from tests.graders.classroom.intake.conftest import Inbox

pytestmark = pytest.mark.slow

WORKED, COPY, AGAIN = "jane/mini-1.ipynb", "jane/mini-1-Copy1.ipynb", "jane/mini-1 (1).ipynb"
EARLY, LATE = "2026-11-20 10:00 UTC", "2026-11-21 10:00 UTC"


@pytest.fixture
def inbox(mini, tmp_path):
    shutil.copytree(mini.root, tmp_path / "course")
    return Inbox(tmp_path, Course.load(tmp_path / "course"))


def raw(notebook, note=""):
    notebook.cells.append(new_markdown_cell(note))
    return nbformat.writes(notebook).encode()


@pytest.fixture
def blank(mini):
    return raw(template(mini, mini.notebooks[0]), "Monday")


@pytest.fixture
def worked(submit):
    return raw(submit())


def there(inbox):
    return (inbox.submitted / "jane" / inbox.course.assignment / "mini-1.ipynb").read_bytes()


@pytest.mark.parametrize("name", [COPY, AGAIN, "jane/mini-1-original.ipynb", "jane/a/mini-1.ipynb"])
def test_a_copy_of_the_release_beats_no_work(inbox, name, blank, worked):
    inbox.put(WORKED, worked)
    inbox.put(name, blank)
    inbox.collect()
    assert (inbox.status(WORKED), inbox.status(name)) == ("TAKEN", "BLANK")
    assert there(inbox) == worked
    inbox.collect(replace=True)
    assert there(inbox) == worked


def test_work_in_the_copy_counts_before_the_release_beside_it(inbox, blank, worked):
    inbox.put(WORKED, blank)
    inbox.put(COPY, worked)
    inbox.collect()
    assert (inbox.status(WORKED), inbox.status(COPY)) == ("BLANK", "TAKEN")
    assert there(inbox) == worked


def test_a_later_file_without_work_replaces_none_and_a_person_is_told(inbox, blank, worked):
    inbox.put(WORKED, worked)
    inbox.collect(submitted_at=EARLY)
    inbox.put(WORKED, blank)
    (row,) = inbox.collect(submitted_at=LATE)
    assert (row.status.name, row.status.fine) == ("EMPTIED", False)
    assert there(inbox) == worked


@pytest.mark.parametrize("together", [True, False])
def test_who_wants_the_file_without_work_is_told_how_to_take_it(inbox, together, blank, worked):
    """A student who takes the work back, say."""
    inbox.put(WORKED, worked)
    inbox.collect(submitted_at=EARLY)
    source = inbox.put("later/" + WORKED, blank)
    (row,) = inbox.collect(source, student="jane", submitted_at=LATE, replace=True)
    target = inbox.submitted / "jane" / inbox.course.assignment / "mini-1.ipynb"
    assert row.more == f"to take this one all the same, remove {target} and collect this file by itself"
    if together:  # with `--replace`, for without it nobody has asked
        rows = {row.status.name: row for row in inbox.collect(inbox.folder, student="jane")}
        assert (rows["UNCHANGED"].more, rows["BLANK"].more) == ("", "")
        rows = {row.status.name: row for row in inbox.collect(inbox.folder, student="jane", replace=True)}
        assert str(target) in rows["BLANK"].more
    target.unlink()
    inbox.collect(source, student="jane", submitted_at=LATE)
    assert there(inbox) == blank


@pytest.mark.parametrize("recorded", [True, False])
def test_work_takes_the_place_of_a_release_that_was_collected(inbox, recorded, blank, worked):
    inbox.put(WORKED, blank)
    inbox.collect(submitted_at=LATE)
    if not recorded:
        inbox.submitted.joinpath(f".collected-{inbox.course.assignment}.json").unlink()
    inbox.put(WORKED, worked)
    assert [row.status.name for row in inbox.collect(submitted_at=EARLY)] == ["REPLACED"]
    assert there(inbox) == worked


def test_of_two_copies_with_different_work_none_is_guessed(inbox, submit, worked):
    inbox.put(WORKED, worked)
    inbox.put(COPY, raw(submit(written_1_W="Because it is so.")))
    assert {row.status.name for row in inbox.collect()} == {"UNORDERED"}
    inbox.put(COPY, raw(submit(), "a note"))  # the same work: it does not matter which
    assert sorted(row.status.name for row in inbox.collect()) == ["OLDER", "TAKEN"]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("hours", "statuses"), [(0, ["OLDER", "TAKEN"]), (3, ["UNORDERED", "UNORDERED"])])
def test_a_date_that_speaks_against_a_number_makes_a_doubt(inbox, packed, hours, statuses, submit, worked):
    """Dates alone prove nothing, and files that were unpacked together have about the same."""
    files = {WORKED: (worked, 9 + hours), AGAIN: (raw(submit(written_1_W="Because it is so.")), 9)}
    source = inbox.root / "export.zip" if packed else inbox.folder
    for path, (content, hour) in files.items():
        if packed:
            with zipfile.ZipFile(source, "a") as archive:
                archive.writestr(zipfile.ZipInfo(path, (2026, 11, 20, hour, 0, 0)), content)
        else:
            os.utime(inbox.put(path, content), (hour * 3600, hour * 3600))
    assert sorted(row.status.name for row in inbox.collect(source)) == statuses


def test_nothing_is_looked_into_where_nothing_competes(inbox, worked, monkeypatch):
    looked = []
    monkeypatch.setattr("graders.classroom.intake.written.Written.work", lambda *a: looked.append(a))
    inbox.put(WORKED, worked)
    inbox.collect()
    inbox.collect()
    assert not looked
    inbox.put(COPY, worked + b"\n")
    inbox.collect()
    assert looked


def test_a_file_without_work_settles_nothing(inbox, blank, submit):
    for name in ("one", "two"):
        inbox.put(f"jane/{name}.ipynb", raw(submit(), name))
    inbox.collect()
    inbox.collect(inbox.zip({"jane_mini-1.ipynb": blank}))
    left = Ledger(inbox.submitted, inbox.course.assignment).left.files
    assert [one.file.rpartition("/")[2] for one in left] == ["one.ipynb", "two.ipynb"]
