"""The archives of each platform, named as its own code or documentation names them, with and without a class list.

Every table is: entry of the archive -> who has it. An archive has José, O'Neil, 王伟, namesakes, and one who handed in twice.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
import zipfile

import pytest
from nbgrader.api import Gradebook

from graders.classroom.intake.results import FileStatus
from graders.classroom.intake.roster import load
from graders.commands.cli import main
from sheaflab.startup import own_programs_first
from tests.graders.classroom.intake.conftest import first, notebook

MOODLE_FOLDERS = {
    "José Núñez_101_assignsubmission_file_/lab09-1.ipynb": "José-Núñez",
    "Una ONeil_102_assignsubmission_file/lab09-1.ipynb": "Una-ONeil",  # Moodle takes ' out of names; 4.x has no last _
    "王伟_103_assignsubmission_file_/lab09-1.ipynb": "王伟",
    "Wei Wang_104_assignsubmission_file_/lab09-1.ipynb": "Wei-Wang-104",
    "Wei Wang_105_assignsubmission_file_/work/lab09-1 (1).ipynb": "Wei-Wang-105",
    "דוד לוי_106_assignsubmission_file_/lab09-1.ipynb": "דוד-לוי",
    "Ann Lee_107_assignsubmission_file_/lab09-1 (1).ipynb": "Ann-Lee",
}
MOODLE_FLAT = {
    "José Núñez_101_assignsubmission_file_lab09-1.ipynb": "José-Núñez",
    "Wei Wang_104_assignsubmission_file_lab09-1.ipynb": "Wei-Wang-104",
    "Wei Wang_105_assignsubmission_file_Bo Chan_9_assignsubmission_file_x.ipynb": "Wei-Wang-105",
}
MOODLE_BLIND = {
    "Participant_101_assignsubmission_file_/lab09-1.ipynb": "Participant-101",
    "Participant_102_assignsubmission_file_/lab09-1.ipynb": "Participant-102",
    "Participant_103_assignsubmission_file_lab09-1.ipynb": "Participant-103",
}
MOODLE_BLIND_IN_GERMAN = {
    "Teilnehmerin_101_assignsubmission_file_/lab09-1.ipynb": "Teilnehmerin-101",
    "Teilnehmerin_102_assignsubmission_file_/lab09-1.ipynb": "Teilnehmerin-102",
}
CANVAS = {
    "núñezjosé_1001_20001_lab09-1.ipynb": "núñezjosé",
    "oneiluna_LATE_1002_20002_lab09-1-2.ipynb": "oneiluna",
    "王伟_1003_20003_lab09-1.ipynb": "王伟",
    "wangwei_1004_20004_lab09-1.ipynb": "wangwei-1004",
    "wangwei_1005_20005_lab09-1.ipynb": "wangwei-1005",
    "leeann_1006_20007_lab09-1-1.ipynb": "leeann",
}
CANVAS_BLIND = {
    "anon_aB12c_20001_lab09-1.ipynb": "anon-aB12c",
    "LATE_anon_ab12C_20002_lab09-1.ipynb": "anon-ab12C",
}
BLACKBOARD = {
    "lab09_jnunez_attempt_2026-11-20-10-00-00_lab09-1.ipynb": "jnunez",
    "lab09_uoneil_attempt_2026-11-20-10-00-00_lab09-1.ipynb": "uoneil",
    "lab09_alee_attempt_2026-11-20-11-00-00_lab09-1.ipynb": "alee",
}
D2L = {
    "1201-99 - José Núñez - Nov 20, 2026 936 PM/lab09-1.ipynb": "José-Núñez",
    "1202-99 - Una O'Neil - Nov 20, 2026 1000 AM/lab09-1.ipynb": "Una-O'Neil",
    "1203-99 - 王伟 - Nov 20, 2026 1000 AM/lab09-1.ipynb": "王伟",
    "1204-99 - Ann Lee - Nov 20, 2026 1010 AM/lab09-1.ipynb": "Ann-Lee",
    "1205-99 - Mary-Ann Smith - Nov 20, 2026 1010 AM - lab09-1.ipynb": "Mary-Ann-Smith",
}
ILIAS = {
    "Nunez_Jose_jnunez_301/lab09-1.ipynb": "Jose-Nunez",
    "ONeil_Una_una_oneil_302/Late Submission - lab09-1.ipynb": "Una-ONeil",
    "Lee_Ann_alee_303/lab09-1 (2).ipynb": "Ann-Lee",
}
GITHUB = {
    "lab09-submissions/lab09-octo-jose/lab09-1.ipynb": "octo-jose",
    "lab09-submissions/lab09-una/lab09-1.ipynb": "una",
}
EXCHANGE = {
    "inbound/alee+lab09+2026-11-20 11:00:00.123456 UTC+abcdefghijkl/lab09-1.ipynb": "alee",
    "inbound/jo+se+lab09+2026-11-20 10:00:00.000000 UTC+-_cdefghijkl/lab09-1.ipynb": "jo+se",
}
FOLDERS = {
    "José Núñez/lab09-1.ipynb": "José-Núñez",
    "Una O'Neil/lab09-1.ipynb": "Una-O'Neil",
    "王伟/deep/er/lab09-1.ipynb": "王伟",
}
WRAPPED = {f"lab09-export/{path}": owner for path, owner in MOODLE_FOLDERS.items()}
WRAPPED_FOLDERS = {f"exports/{path}": owner for path, owner in FOLDERS.items()}
EXPORTS = {
    "lab09-a/Ann Lee_101_assignsubmission_file_/lab09-1.ipynb": "Ann-Lee",
    "lab09-b/chanbo_1001_20001_lab09-1.ipynb": "chanbo",
    "lab09-c/lab09_cdiaz_attempt_2026-11-20-10-00-00_lab09-1.ipynb": "cdiaz",
}
ALL = {
    "Moodle, folders": MOODLE_FOLDERS,
    "Moodle, flat": MOODLE_FLAT,
    "Moodle, blind": MOODLE_BLIND,
    "Moodle, blind, in German": MOODLE_BLIND_IN_GERMAN,
    "Canvas": CANVAS,
    "Canvas, anonymous": CANVAS_BLIND,
    "Blackboard": BLACKBOARD,
    "D2L": D2L,
    "ILIAS": ILIAS,
    "GitHub Classroom": GITHUB,
    "nbgrader's exchange": EXCHANGE,
    "a folder per student": FOLDERS,
    "in a folder of its own": WRAPPED,
    "folders of students in a folder": WRAPPED_FOLDERS,
    "several exports": EXPORTS,
}


@pytest.mark.slow
@pytest.mark.parametrize("entries", ALL.values(), ids=ALL)
def test_every_entry_has_its_owner_in_an_archive_and_unpacked(inbox, entries):
    archive = inbox.zip(list(entries))
    inbox.collect(archive)
    assert inbox.owners == {owner: path for path, owner in entries.items()}
    for path in entries:
        inbox.put(path, first(path))
    assert {row.status for row in inbox.collect()} == {FileStatus.UNCHANGED}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_both_normal_forms_are_one_name(inbox, form):
    inbox.collect(inbox.zip([unicodedata.normalize(form, "José Núñez_101_assignsubmission_file_/lab09-1.ipynb")]))
    assert list(inbox.owners) == [unicodedata.normalize("NFC", "José-Núñez")]


def test_utf8_that_an_archive_does_not_declare_is_read(inbox):
    # As macOS writes it: the flag for UTF-8 is missing.
    path = inbox.zip(["Jos\xe9 N_101_assignsubmission_file_/lab09-1.ipynb"])
    data = path.read_bytes()
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data = data[:at] + bytes([data[at], data[at + 1] & ~0x08]) + data[at + 2 :]
    path.write_bytes(data)
    inbox.collect(path)
    assert list(inbox.owners) == ["José-N"]


def test_two_submissions_of_one_student_go_by_the_systems_own_record(inbox):
    entries = [
        "lab09_alee_attempt_2026-11-20-11-00-00_lab09-1.ipynb",
        "lab09_alee_attempt_2026-11-20-09-00-00_lab09-1 (9).ipynb",
        "chanbo_1001_20009_lab09-1-1.ipynb",
        "chanbo_1001_20010_lab09-1.ipynb",
        "1204-99 - Di Fox - Nov 20, 2026 936 PM/lab09-1.ipynb",
        "1204-99 - Di Fox - Nov 20, 2026 1010 AM/lab09-1.ipynb",
        "eve+lab09+2026-11-20 11:00:00.1 UTC/lab09-1.ipynb",
        "eve+lab09+2026-11-20 12:00:00.1 CET/lab09-1 (3).ipynb",
        "eve+lab09+2026-11-20 11:30:00.1 UTC/lab09-1.ipynb",
    ]
    inbox.collect(inbox.zip(entries))
    assert inbox.owners == {"alee": entries[0], "chanbo": entries[3], "Di-Fox": entries[4], "eve": entries[8]}


def test_one_whose_name_is_hidden_has_the_number_in_the_id(inbox):
    inbox.collect(inbox.zip(["Participant_101_assignsubmission_file_/lab09-1.ipynb"]))
    assert list(inbox.owners) == ["Participant-101"]


def test_namesakes_stay_apart_when_they_come_one_after_the_other(inbox):
    inbox.collect(inbox.zip(["Wei Wang_101_assignsubmission_file_/lab09-1.ipynb"], "one.zip"))
    assert list(inbox.owners) == ["Wei-Wang"]
    both = [f"Wei Wang_{number}_assignsubmission_file_/lab09-1.ipynb" for number in (101, 102)]
    inbox.collect(inbox.zip(both, "two.zip"))
    assert inbox.owners == {"Wei-Wang": both[0], "Wei-Wang-102": both[1]}


def test_namesakes_that_the_system_does_not_tell_apart_for_sure_are_left(inbox):
    entries = [f"{number}-99 - Wei Wang - Nov 20, 2026 1000 AM/lab09-1.ipynb" for number in (1201, 1202)]
    rows = inbox.collect(inbox.zip(entries))
    assert {row.status for row in rows} == {FileStatus.CONFLICT}
    assert all("d2l:1201 and d2l:1202" in row.more for row in rows)


METADATA = """
submission_1:
  :submitters:
  - :name: José Núñez
    :sid: '100'
    :email: jnunez@uni.example
  :created_at: 2026-11-20 10:00:00.178427000 Z
submission_2:
  :submitters:
  - :name: Wei Wang
    :sid: '200'
  - :name: 王伟
    :sid: '201'
submission_3:
"""


def test_gradescope(inbox):
    files = {f"assignment_9_export/submission_{n}/lab09-1.ipynb": first(str(n)) for n in (1, 2, 3)}
    rows = inbox.collect(inbox.zip({**files, "assignment_9_export/submission_metadata.yml": METADATA}))
    assert inbox.owners == {"100": "1"}
    assert inbox.time("100") == "2026-11-20 10:00:00 UTC"
    said = {row.where[-25:]: row.more for row in rows if row.status is FileStatus.NOBODY}
    assert "together by Wei Wang, 王伟" in said["submission_2/lab09-1.ipynb"[-25:]]
    assert "does not name this folder" in said["submission_3/lab09-1.ipynb"[-25:]]


def test_a_layout_can_be_named_and_then_no_other_is_tried(inbox):
    inbox.put("class-a-ann/lab09-1.ipynb", first("ann"))
    inbox.put("class-a-bo/lab09-1.ipynb", first("bo"))
    inbox.collect(layout="github")
    assert inbox.owners == {"ann": "ann", "bo": "bo"}
    assert {row.status for row in inbox.collect(layout="canvas")} == {FileStatus.NOBODY}


def test_a_pattern_of_the_instructors_own(inbox):
    inbox.put("week1/ANN=2026-11-20T10:00Z=lab09-1.ipynb", first("ann"))
    inbox.put("week1/nobody.ipynb", first("?"))
    inbox.collect(pattern=r"/(?P<student_id>[A-Z]+)=(?P<timestamp>[^=]+)=")
    assert inbox.owners == {"ANN": "ann"}
    assert inbox.time("ANN") == "2026-11-20 10:00:00 UTC"
    assert inbox.status("nobody.ipynb") == "NOBODY"


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("jane/lab09-1.ipynb", "jane"),
        ("jane@school.edu_lab09-1 (1).ipynb", "jane@school.edu"),
        ("a_b_lab09-1.ipynb", "a_b"),
        ("lab09-1.ipynb", None),
        ("-rf/lab09-1.ipynb", None),
        ("submitted/jane/lab09/lab09-1.ipynb", "jane"),
        ("lab09/jane/lab09-1.ipynb", "jane"),
    ],
)
def test_folders_and_files_named_for_students(inbox, path, student):
    inbox.put(path, first())
    inbox.collect()
    assert list(inbox.owners) == ([student] if student else [])


def test_a_folder_that_may_be_a_student_or_hold_students_is_asked_about(inbox):
    inbox.put("jane/one/lab09-1.ipynb", first())
    inbox.put("jane/two/lab09-3.ipynb", notebook("ex-3-1"))
    assert {row.status for row in inbox.collect()} == {FileStatus.NOBODY}
    inbox.collect(student="jane")
    assert list(inbox.owners) == ["jane"]


def gradebook(folder, people):
    path = folder / "gradebook.db"
    own_programs_first()  # opening a gradebook starts the program `alembic`
    with Gradebook(f"sqlite:///{path}") as book:
        for student, first_name, last_name, email, lms in people:
            book.add_student(student, first_name=first_name, last_name=last_name, email=email, lms_user_id=lms)
    return path


PEOPLE = [
    ("s1", "José", "Núñez", "jnunez@uni.example", "1001"),
    ("s2", "Una", "O'Neil", "uoneil@uni.example", "1002"),
    ("s3", "伟", "王", "wwang@uni.example", "1003"),
    ("s4", "Wei", "Wang", "wei1@uni.example", "1004"),
    ("s5", "Wei", "Wang", "wei2@uni.example", "1005"),
    ("s6", "Ann", "Lee", "alee@uni.example", "1006"),
]
WORKSHEET = "Identifier,Full name,Email address,FileStatus,Grade,Last modified (submission)\n" + "".join(
    f'Participant {101 + n},{name},{email},Submitted,,"Friday, 20 November 2026, 10:0{n} AM"\n'
    for n, (name, email) in enumerate(
        [("José Núñez", PEOPLE[0][3]), ("Una O'Neil", PEOPLE[1][3]), ("王伟", PEOPLE[2][3]), ("Wei Wang", PEOPLE[3][3]),
         ("Wei Wang", PEOPLE[4][3])]
    )
)  # fmt: skip
CANVAS_CSV = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab 9\n    Points Possible,,,,,20\n"
    + "".join(f'"{last}, {given}",{lms},9{lms},{student},A,\n' for student, given, last, _, lms in PEOPLE)
)  # fmt: skip


@pytest.mark.slow
def test_names_numbers_and_mail_addresses_become_the_ids_of_the_gradebook(inbox, tmp_path):
    book = gradebook(tmp_path, PEOPLE)
    inbox.collect(
        inbox.zip(
            {
                "José Núñez_101_assignsubmission_file_/lab09-1.ipynb": first("1"),
                "oneiluna_1002_20002_lab09-1.ipynb": first("2"),
                "王伟/lab09-1.ipynb": first("3"),
                "wangwei_1005_20005_lab09-1.ipynb": first("5"),
                "alee@uni.example_lab09-1.ipynb": first("6"),
                "Wei Wang_104_assignsubmission_file_/lab09-1.ipynb": first("?"),
                "Bo Chan_108_assignsubmission_file_/lab09-1.ipynb": first("?"),
            }
        ),
        roster=[book],
    )
    assert inbox.owners == {"s1": "1", "s2": "2", "s3": "3", "s5": "5", "s6": "6"}
    left = {
        row.where.rpartition("zip/")[2][:7]: (row.status.name, row.more) for row in inbox.rows if not row.status.fine
    }
    assert left["Wei Wan"][0] == "AMBIGUOUS"
    assert "fits s4, s5 on the class list" in left["Wei Wan"][1]
    assert left["Bo Chan"][0] == "NOBODY"


@pytest.mark.slow
def test_moodles_worksheet_tells_blind_ids_and_times(inbox, tmp_path):
    book, sheet = gradebook(tmp_path, PEOPLE), tmp_path / "grades.csv"
    sheet.write_text("\ufeff" + WORKSHEET, encoding="utf-8")
    entries = [f"Participant_{n}_assignsubmission_file_/lab09-1.ipynb" for n in (101, 103, 104, 105, 999)]
    inbox.collect(inbox.zip(entries), roster=[sheet, book], zone="Europe/Berlin")
    assert inbox.owners == dict(zip(["s1", "s3", "s4", "s5"], entries, strict=False))
    assert inbox.time("s4") == "2026-11-20 09:03:00 UTC"
    assert inbox.status("Participant_999_assignsubmission_file_/lab09-1.ipynb") == "NOBODY"
    assert "times without a zone were read as Europe/Berlin (--zone)" in inbox.notes


def test_canvas_gradebook_as_the_class_list(inbox, tmp_path):
    sheet = tmp_path / "canvas.csv"
    sheet.write_text(CANVAS_CSV, encoding="utf-8")
    entries = list(CANVAS)
    inbox.collect(inbox.zip(entries), roster=[sheet])
    assert inbox.owners == dict(zip(["s1", "s2", "s3", "s4", "s5", "s6"], entries, strict=True))


# Somebody who changed her name, and two of one name: the login in Canvas is not what the gradebook has.
RENAMED = """Student,ID,SIS User ID,SIS Login ID,Section
"Smith, Ann",1001,s1,alee,1
"Wang, Wei",1003,s3,ww3,1
"Wang, Wei",1004,s4,ww4,1
"""


@pytest.mark.parametrize("listed", [True, False])
def test_of_the_ids_in_a_row_the_one_that_is_known_is_taken(inbox, tmp_path, listed):
    sheet, book = tmp_path / "canvas.csv", tmp_path / "gradebook.db"
    sheet.write_text(RENAMED, encoding="utf-8")
    entries = [f"{who}_2_lab09-1.ipynb" for who in ("smithann_1001", "wangwei_1003", "wangwei_1004")]
    with sqlite3.connect(book) as database:
        database.execute("CREATE TABLE student (id, first_name, last_name, email, lms_user_id)")
        names = "('s1', 'Ann', 'Lee'), ('s3', 'Wei', 'Wang'), ('s4', 'Wei', 'Wang')"
        database.execute(f"INSERT INTO student (id, first_name, last_name) VALUES {names}")
    found = load([str(sheet), str(book)]) if listed else load([str(sheet)], ["s1", "s3", "s4"])
    inbox.collect(inbox.zip(entries), people=found)
    assert inbox.owners == dict(zip(["s1", "s3", "s4"], entries, strict=True))


def test_of_several_known_ids_in_a_row_none_is_guessed(inbox, tmp_path):
    sheet = tmp_path / "canvas.csv"
    sheet.write_text(RENAMED, encoding="utf-8")
    inbox.collect(inbox.zip(["smithann_1001_2_lab09-1.ipynb"]), people=load([str(sheet)], ["alee", "S1"]))
    (row,) = inbox.rows
    assert row.status is FileStatus.AMBIGUOUS
    assert "fits alee, S1 on the class list" in row.more


def test_a_name_of_several_words_is_shown_as_it_stands(inbox, tmp_path):
    sheet = tmp_path / "list.csv"
    sheet.write_text("username\ns6\n", encoding="utf-8")
    (row,) = inbox.collect(inbox.zip(["van_der_Berg_Jan_jberg_305/lab09-1.ipynb"]), roster=[sheet])
    assert row.more == "van_der_Berg_Jan_jberg_305 fits nobody on the class list"


@pytest.mark.parametrize(
    ("head", "row", "path"),
    [
        ("id,first_name,last_name,email,lms_user_id", "s6,Ann,Lee,a@x.example,", "Lee_Ann_alee_303/lab09-1.ipynb"),
        ("identifier,github_username,github_id,name", "s6,ann-l,77,", "lab09-submissions/lab09-ann-l/lab09-1.ipynb"),
        ("Username;First Name;Last Name", "s6;Ann;Lee", "1-9 - Ann Lee - Nov 20, 2026 936 PM/lab09-1.ipynb"),
        ("username\tname", "s6\tLee, Ann", "Ann Lee_101_assignsubmission_file_lab09-1.ipynb"),
        ("username", "s6", "a_b_s6_attempt_2026-11-20-10-00-00_lab09-1.ipynb"),
        ("username", "s6", "submissions/s6/lab09-1.ipynb"),
    ],
)
def test_class_lists_of_many_makes(inbox, tmp_path, head, row, path):
    sheet = tmp_path / "list.csv"
    sheet.write_text(f"{head}\n{row}\n", encoding="utf-8")
    inbox.collect(inbox.zip([path]), roster=[sheet])
    assert list(inbox.owners) == ["s6"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_class_list_with_german_headings_as_excel_writes_it(inbox, tmp_path, codec):
    sheet = tmp_path / "list.csv"
    sheet.write_text(
        "Vorname;Nachname;ID-Nummer;E-Mail-Adresse\nJörg;Grün;s6;jg@x.example\nAnn;Lee;s7;al@x.example\n",
        encoding=codec,
    )
    inbox.collect(inbox.zip(["Jörg Grün_101_assignsubmission_file_/lab09-1.ipynb"]), roster=[sheet])
    assert list(inbox.owners) == ["s6"]


def test_an_id_that_a_class_list_has_twice_is_refused_by_name(inbox, tmp_path):
    sheet = tmp_path / "list.csv"
    sheet.write_text("username,name\ns6,Ann Lee\ns6,Bo Chan\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"must have each id once, got .* with s6 in two rows"):
        inbox.collect(inbox.zip(["s6/lab09-1.ipynb"]), roster=[sheet])


def test_a_class_list_that_was_given_is_not_asked_for(inbox, tmp_path):
    sheet = tmp_path / "list.csv"
    sheet.write_text("username\ns6\n", encoding="utf-8")
    inbox.put("lab09-1.ipynb", first())
    for roster, asked in (([], True), ([sheet], False)):
        (row,) = inbox.collect(roster=roster)
        assert row.status is FileStatus.NOBODY
        assert ("--roster" in row.more) is asked


def test_logins_with_an_underscore_are_told_by_the_class_list(inbox, tmp_path):
    sheet = tmp_path / "list.csv"
    sheet.write_text("username\nann_lee\nlee\n", encoding="utf-8")
    entry = "lab09_bo_chan_attempt_2026-11-20-10-00-00_lab09-1.ipynb"
    both = "lab09_ann_lee_attempt_2026-11-20-10-00-00_lab09-1.ipynb"
    inbox.collect(inbox.zip([entry, both]), roster=[sheet])
    assert inbox.status(entry) == "NOBODY"
    assert inbox.status(both) == "AMBIGUOUS"


@pytest.mark.slow
def test_two_owners_for_one_notebook_are_an_error_that_names_both(inbox, tmp_path):
    book = gradebook(tmp_path, PEOPLE)
    entries = [f"José Núñez_{number}_assignsubmission_file_/lab09-1.ipynb" for number in (101, 102)]
    rows = inbox.collect(inbox.zip([*entries, "s1/s2/lab09-1.ipynb"]), roster=[book])
    assert {row.status for row in rows} == {FileStatus.CONFLICT}
    assert "moodle:101 and moodle:102" in rows[-1].more + rows[0].more + rows[1].more
    assert any("s2's and s1's" in row.more for row in rows)
    assert not inbox.owners


@pytest.mark.parametrize("content", ["", "colour,size\nred,3\n", "\x00\xff"])
def test_a_class_list_without_people_is_refused(inbox, tmp_path, course, capsys, content):
    sheet = tmp_path / "list.csv"
    sheet.write_bytes(content.encode("latin-1"))
    inbox.put("jane/lab09-1.ipynb", first())
    assert main(["collect", str(inbox.folder), "--course", str(course.root), "--roster", str(sheet)]) == 2
    assert "`--roster` must" in capsys.readouterr().err


def test_a_database_that_is_no_gradebook_is_refused_and_not_changed(inbox, tmp_path, course, capsys):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    before = path.read_bytes()
    assert main(["collect", str(inbox.root), "--course", str(course.root), "--roster", str(path)]) == 2
    assert "`--roster` must be a gradebook of nbgrader" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_the_export_of_one_student_named_as_the_source(inbox):
    path = inbox.zip({"lab09-1.ipynb": first("x")}, "leeann_LATE_1001_20001_work.zip")
    inbox.collect(path)
    assert inbox.owners == {"leeann": "x"}
    assert (
        json.loads((inbox.submitted / ".collected-lab09.json").read_text())["students"]["leeann"]["person"]
        == "canvas:1001"
    )


def test_zips_of_students_in_an_export_and_in_each_other(inbox):
    inner = inbox.zip({"lab09-1.ipynb": first("deep")}, "inner.zip").read_bytes()
    outer = inbox.zip({"sub/inner.zip": inner}, "outer.zip").read_bytes()
    with zipfile.ZipFile(inbox.root / "export.zip", "w") as archive:
        archive.writestr("Ann Lee_101_assignsubmission_file_/work.zip", outer)
    inbox.collect(inbox.root / "export.zip")
    assert inbox.owners == {"Ann-Lee": "deep"}
