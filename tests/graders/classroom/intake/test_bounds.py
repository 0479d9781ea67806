"""One bad entry, archive or file costs that one only; nothing is followed, waited for, or put where it does not belong."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import struct
import time
import zipfile

import pytest

from graders.classroom.intake import reader, walker
from graders.classroom.intake.names import name_key, plain_key, student_id
from graders.classroom.intake.notebooks import Content
from graders.classroom.intake.reader import read
from graders.classroom.intake.results import FileRow, FileStatus, table
from graders.grading.reading import MAX_FILE
from graders.lab.printing import printable
from tests.graders.classroom.intake.conftest import first

GOOD = "Bo Chan_102_assignsubmission_file_/lab09-1.ipynb"
BAD = "Ann Lee_101_assignsubmission_file_/lab09-1.ipynb"


def archive_of(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def patched(data: bytes, local: int, central: int, value: bytes) -> bytes:
    """The first entry with other bytes in its local and its central header."""
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = data.index(signature) + offset
        data = data[:at] + value + data[at + len(value) :]
    return data


def bad_crc(data: bytes) -> bytes:
    return patched(data, 14, 16, b"\x01\x02\x03\x04")


def encrypted(data: bytes) -> bytes:
    return patched(data, 6, 8, b"\x01\x08")


def unknown_compression(data: bytes) -> bytes:
    return patched(data, 8, 10, struct.pack("<H", 97))


def broken_stream(data: bytes) -> bytes:
    at = data.index(b"PK\x03\x04") + 30 + len(BAD.encode()) + 3
    return data[:at] + b"\xff" * 20 + data[at + 20 :]


def lying_offset(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02") + 42
    return data[:at] + struct.pack("<I", 2**31) + data[at + 4 :]


def no_date(data: bytes) -> bytes:
    return patched(data, 10, 12, b"\0\0\0\0")


FAULTS = [bad_crc, encrypted, unknown_compression, broken_stream, lying_offset]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_bad_entry_is_left_with_a_reason_and_the_others_are_taken(inbox, fault):
    path = inbox.root / "export.zip"
    path.write_bytes(fault(archive_of((BAD, first("bad" * 100)), (GOOD, first("good")))))
    inbox.collect(path)
    assert inbox.owners == {"Bo-Chan": "good"}
    (row,) = [row for row in inbox.rows if not row.status.fine]
    assert row.status is FileStatus.UNREADABLE
    assert row.where.endswith(BAD)
    assert row.more


def test_a_date_that_is_none_does_not_matter(inbox):
    path = inbox.root / "export.zip"
    path.write_bytes(no_date(archive_of((BAD, first("bad")), (GOOD, first("good")))))
    inbox.collect(path)
    assert inbox.owners == {"Ann-Lee": "bad", "Bo-Chan": "good"}


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 no archive", b"", archive_of(("x", b""))[:-10], bad_crc(archive_of(("lab09-1.ipynb", first())))],
    ids=["garbage", "empty", "cut off", "bad entry"],
)
def test_a_bad_archive_of_one_student_is_that_students_only(inbox, content):
    inbox.collect(inbox.zip({BAD.replace("ipynb", "zip"): content, GOOD: first("good")}))
    assert inbox.owners == {"Bo-Chan": "good"}
    assert sum(not row.status.fine for row in inbox.rows) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../evil/lab09-1.ipynb",
        "/etc/lab09-1.ipynb",
        "C:/lab09-1.ipynb",
        "..\\..\\evil\\lab09-1.ipynb",
        "x" * 60_000 + ".ipynb",
        "/".join("x" * 100) + "/lab09-1.ipynb",
    ],
    ids=["up", "absolute", "drive", "backslashes", "long", "deep"],
)
def test_paths_that_lead_out_or_have_no_end_are_left(inbox, name):
    inbox.collect(inbox.zip({name: first(), GOOD: first("good")}))
    assert inbox.owners == {"Bo-Chan": "good"}
    assert [row.status for row in inbox.rows if not row.status.fine] == [FileStatus.UNREADABLE]
    assert {path.name for path in inbox.root.iterdir()} == {"course", "export.zip"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR])
def test_entries_that_are_no_plain_files_are_left(inbox, kind):
    info = zipfile.ZipInfo(BAD)
    info.create_system, info.external_attr = 3, (kind | 0o644) << 16
    path = inbox.root / "export.zip"
    path.write_bytes(archive_of((info, b"/etc/passwd"), (GOOD, first("good"))))
    inbox.collect(path)
    assert inbox.owners == {"Bo-Chan": "good"}
    assert "not a plain file" in next(row.more for row in inbox.rows if not row.status.fine)


def test_links_fifos_sockets_and_folders_named_as_notebooks_are_refused_at_every_level(inbox):
    inbox.put("ann/lab09-1.ipynb", first("ann"))
    inbox.put("secret/lab09-3.ipynb", first("secret"))
    (inbox.folder / "eve").symlink_to(inbox.folder / "ann")
    inbox.put("dan/x", b"")
    (inbox.folder / "dan/lab09-1.ipynb").symlink_to(inbox.folder / "ann/lab09-1.ipynb")
    (inbox.folder / "dan/deep").symlink_to(inbox.folder / "secret")
    os.mkfifo(inbox.folder / "dan/pipe.ipynb")
    (inbox.folder / "bo/lab09-1.ipynb").mkdir(parents=True)
    inbox.put("bo/lab09-1.ipynb/lab09-1.ipynb", first("inside"))
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(inbox.folder / "dan")  # a socket's path must be short
        try:
            server.bind("s.ipynb")
        finally:
            os.chdir(here)
        inbox.collect()
    assert set(inbox.owners) == {"ann", "secret"}
    left = {
        row.where.removeprefix(f"{inbox.folder}/"): row.more for row in inbox.rows if row.status is FileStatus.UNREADABLE
    }
    assert left == {
        "eve": "a link, not a plain file",
        "dan/lab09-1.ipynb": "a link, not a plain file",
        "dan/deep": "a link, not a plain file",
        "dan/pipe.ipynb": "a FIFO, not a plain file",
        "dan/s.ipynb": "a socket, not a plain file",
        "bo/lab09-1.ipynb": "a folder with the name of a notebook",
    }


def test_nothing_is_written_through_a_link_in_submitted(inbox):
    (inbox.submitted / "ann").mkdir(parents=True)
    (inbox.root / "elsewhere").mkdir()
    (inbox.submitted / "ann" / "lab09").symlink_to(inbox.root / "elsewhere")
    inbox.put("ann/lab09-1.ipynb", first())
    assert inbox.collect()[0].status is FileStatus.UNREADABLE
    assert not list((inbox.root / "elsewhere").iterdir())


@pytest.mark.parametrize(
    "inner",
    ["Bo Chan_102_assignsubmission_file_/lab09-1.ipynb", "Bo-Chan/lab09-1.ipynb", "chanbo_1_2_lab09-1.ipynb",
     "lab09_Bo-Chan_attempt_2027-01-01-00-00-00_lab09-1.ipynb", "Bo-Chan+lab09+2027-01-01 00:00:00 UTC/lab09-1.ipynb"],
)  # fmt: skip
def test_what_lies_in_one_students_archive_is_never_anothers(inbox, inner):
    packed = archive_of((inner, first("forged")))
    entries = {"Eve Poe_103_assignsubmission_file_/work.zip": packed, GOOD: first("good")}
    inbox.collect(inbox.zip(entries))
    assert inbox.owners == {"Bo-Chan": "good", "Eve-Poe": "forged"}
    inbox.put("homework.zip", packed)  # whoever's it is
    inbox.collect()
    assert inbox.status("homework.zip/" + inner) == "NOBODY"
    assert inbox.owners == {"Bo-Chan": "good", "Eve-Poe": "forged"}


@pytest.mark.slow
def test_bombs_and_nests_are_bounded(inbox, monkeypatch):
    nest = archive_of(("lab09-1.ipynb", first()))
    for _ in range(walker.DEPTH):
        nest = archive_of(("n.zip", nest))
    bomb = archive_of((BAD, b"\0" * (MAX_FILE + 1)))
    many = archive_of(*((f"{n}.ipynb", b"") for n in range(walker.ENTRIES + 1)))
    large = archive_of(*((f"{n}.png", b"\0" * walker.BESIDE) for n in range(walker.ARCHIVE // walker.BESIDE + 1)))
    entries = {f"S{n} X_{n}_assignsubmission_file_/w.zip": data for n, data in enumerate((nest, bomb, many, large))}
    inbox.collect(inbox.zip({**entries, GOOD: first("good")}))
    assert inbox.owners == {"Bo-Chan": "good"}
    said = {row.student: row.more for row in inbox.rows if row.status is FileStatus.UNREADABLE}
    assert "more than 4 archives inside each other" in said["S0-X"]
    assert f"larger than {MAX_FILE // 2**20} MB" in said["S1-X"]
    assert "more than 10000 entries" in said["S2-X"]
    assert "holds more than 256 MB" in said["S3-X"]


@pytest.mark.slow
def test_what_grading_reads_is_collected_up_to_the_last_byte(inbox):
    cells = [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "ex-1-1"}}, "source": "", "outputs": ["@"]}]
    raw = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    head, tail = raw.split(b"@")
    inbox.put("ann/lab09-1.ipynb", head + b"x" * (MAX_FILE - len(head + tail)) + tail)
    inbox.put("bo/lab09-1.ipynb", head + b"x" * (MAX_FILE + 1 - len(head + tail)) + tail)
    inbox.collect()
    assert (inbox.status("ann/lab09-1.ipynb"), inbox.status("bo/lab09-1.ipynb")) == ("TAKEN", "UNREADABLE")


@pytest.mark.slow
def test_a_file_that_takes_too_much_memory_ends_neither_the_run_nor_the_others(inbox):
    inbox.put("ann/lab09-1.ipynb", b'{"":[' + b'{"":[]},' * 4_000_000 + b"{}]}")
    inbox.put("bo/lab09-1.ipynb", first("good"))
    inbox.collect()
    assert inbox.status("ann/lab09-1.ipynb") == "DAMAGED"  # by its name
    assert inbox.status("bo/lab09-1.ipynb") == "TAKEN"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_reading_goes_on_after_a_file_that_ends_the_reader(inbox, tmp_path, number):
    for name in "abc":
        inbox.put(f"{name}/lab09-1.ipynb", first(name))
    spool = tmp_path / "spool"
    spool.mkdir()
    files = sorted(inbox.folder.glob("*/*.ipynb"))
    os.truncate(files[number], MAX_FILE)  # sparse: small on the disk, large in memory
    items = list(read([inbox.folder], spool, memory=100 * 2**20))
    assert [item.parts[0] for item in items] == ["a", "b", "c"]
    assert [bool(item.problem) or not item.content.marks for item in items] == [n == number for n in range(3)]


def walk_slowly(*arguments):
    walker.inspect = lambda content: time.sleep(600) if b"slow" in content else Content()
    reader._walk(*arguments)


def walk_to_an_end(*arguments):
    walker.inspect = lambda content: os._exit(7) if b"slow" in content else Content()
    reader._walk(*arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("walk", "reason"),
    [
        (walk_slowly, "reading it took more than 5 seconds"),
        (walk_to_an_end, "reading it ended the reader (exit code 7)"),
    ],
)
def test_a_reader_that_is_held_up_or_dies_is_started_again_after_that_file(inbox, tmp_path, monkeypatch, walk, reason):
    for name in ("a", "b", "c"):
        inbox.put(f"{name}/lab09-1.ipynb", b"slow" if name == "b" else first(name))
    inbox.put("d/w.zip", archive_of(("1.ipynb", first()), ("2.ipynb", b"slow"), ("3.ipynb", first())))
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(reader, "_walk", walk)
    items = list(reader.read([inbox.folder], spool, patience=5))
    assert [("/".join(item.parts), item.problem) for item in items] == [
        ("a/lab09-1.ipynb", ""),
        ("b/lab09-1.ipynb", reason),
        ("c/lab09-1.ipynb", ""),
        ("d/w.zip/1.ipynb", ""),
        ("d/w.zip/2.ipynb", reason),
        ("d/w.zip/3.ipynb", ""),
    ]
    assert len({item.mark for item in items if item.problem} - {""}) == 1  # they are alike


def test_names_that_are_no_text_are_shown_and_never_ids(inbox):
    inbox.folder.mkdir()
    folder = os.fsencode(inbox.folder) + b"/M\xfcller"
    os.mkdir(folder)
    with open(folder + b"/\xff.ipynb", "wb") as file:
        file.write(first())
    inbox.put("ann\x1b[31m/lab09-1.ipynb", first("ann"))
    inbox.collect()
    text = table(inbox.rows)
    assert "\x1b" not in text
    assert text.encode().decode() == text
    assert "ann\\x1b[31m" in text
    assert "M\\udcfcller" in text
    assert {row.status for row in inbox.rows} == {FileStatus.NOBODY}


@pytest.mark.parametrize("text", ["\x1b]0;x\x07", "a\nb", "\u202eb", "\udcff", "\x9b31m", "\u2066"])
def test_nothing_that_a_terminal_obeys_is_printed(text):
    assert all(character.isprintable() for character in printable(text))
    row = FileRow(text, FileStatus.TAKEN, text, text, "", text)
    assert "\n".join(line for line in table([row]).splitlines()).count("\n") == 2
    assert all(character.isprintable() or character == "\n" for character in table([row]))


def test_names_of_any_script_are_ids_and_keys():
    assert student_id("'Aisha") == student_id("") == student_id("a\x1bb") == student_id("M\udcfcller") == ""
    assert student_id("محمد بن علي") == "محمد-بن-علي"
    assert student_id("x" * 129) == ""
    assert name_key("LEE, Ann") == name_key("lee ann")
    assert plain_key("Łukasz Żółć") == plain_key("łukasz zołc")
