"""Exports as instructors reported them, by the report, and files as students rename them: whose they are, nothing left."""

from __future__ import annotations

import pytest

from tests.graders.classroom.intake.conftest import first, notebook
from tests.graders.classroom.intake.test_bounds import archive_of, no_date

# Entry of the archive -> who has it.
EXPORTS = {
    "Moodle, blind marking (Autolab#1933)": {
        "Participant_101_assignsubmission_file_/lab09-1.ipynb": "Participant-101",
        "Participant_102_assignsubmission_file_/lab09-1.ipynb": "Participant-102",
        "Participant_103_assignsubmission_file_/lab09-1.ipynb": "Participant-103",
    },
    "Moodle, namesakes": {
        "Wei Wang_101_assignsubmission_file_/lab09-1.ipynb": "Wei-Wang-101",
        "Wei Wang_102_assignsubmission_file_/lab09-1.ipynb": "Wei-Wang-102",
    },
    "Blackboard (nbgrader#511)": {
        "lab09_alee_attempt_2026-11-20-10-00-00_lab09-1.ipynb": "alee",
        "lab09_bchan_attempt_2026-11-20-11-00-00_lab09-1.ipynb": "bchan",
    },
    "in a folder of its own": {
        "lab09-export/Ann Lee_101_assignsubmission_file_/lab09-1.ipynb": "Ann-Lee",
        "lab09-export/Bo Chan_102_assignsubmission_file_/lab09-1.ipynb": "Bo-Chan",
    },
    "Moodle, flat": {
        "Ann Lee_101_assignsubmission_file_lab09-1.ipynb": "Ann-Lee",
        "Bo Chan_102_assignsubmission_file_lab09-1.ipynb": "Bo-Chan",
    },
    "names with accents (CodeGrade#227, Praktomat#168)": {
        "José Núñez_101_assignsubmission_file_/lab09-1.ipynb": "José-Núñez",
        "Una O'Neil_102_assignsubmission_file_/lab09-1.ipynb": "Una-O'Neil",
        "王伟_103_assignsubmission_file_/lab09-1.ipynb": "王伟",
    },
    "a zip in it (nbgrader's page on zip_collect)": {
        "Ann Lee_101_assignsubmission_file_/work.zip": "Ann-Lee",
        "Bo Chan_102_assignsubmission_file_/lab09-1.ipynb": "Bo-Chan",
    },
    "other endings (notebook#1800)": {
        "alee/lab09-1.ipynb.txt": "alee",
        "bchan/lab09-1.ipynb.json": "bchan",
        "cdiaz/lab09-1.json": "cdiaz",
    },
    "no date (dissect.target#1267, cpython#154667)": {"alee/lab09-1.ipynb": "alee", "bchan/lab09-1.ipynb": "bchan"},
    "a cell pasted from another notebook (nbgrader#1083, #1331)": {"alee/lab09-1.ipynb": "alee"},
    "Canvas, late and numbered": {
        "leeann_1001_20001_lab09-1.ipynb": "leeann",
        "chanbo_LATE_1002_20002_lab09-1-2.ipynb": "chanbo",
    },
}


def content(path, report):
    if path.endswith(".zip"):
        return archive_of(("lab09-1.ipynb", first(path)))
    own = [f"{kind}-1-1" for kind in ("task", "ex", "check", "grade")]
    return notebook("ex-3-1", *own, note=path) if report.startswith("a cell pasted") else first(path)


@pytest.mark.parametrize("report", EXPORTS)
def test_every_entry_of_a_reported_export_has_its_owner_and_nothing_is_left(inbox, report):
    entries = EXPORTS[report]
    path = inbox.zip({entry: content(entry, report) for entry in entries})
    if report.startswith("no date"):
        path.write_bytes(no_date(path.read_bytes()))
    rows = inbox.collect(path)
    assert {row.status.name for row in rows} == {"TAKEN"}
    assert inbox.owners == {owner: entry for entry, owner in entries.items()}


NAMES = [
    "Copy of lab09-1.ipynb", "lab09-1.ipynb.txt", "lab09-1.ipynb.json", "lab09-1 - Kopie.ipynb", "lab09-1(1).ipynb",
    "lab09-1-1.ipynb", "lab09-1 copy.ipynb", "Lab09-1.ipynb",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_renamed_file_is_collected_under_the_name_that_is_graded(inbox, name):
    inbox.collect(inbox.zip({f"alee/{name}": first("mine")}))
    assert inbox.owners == {"alee": "mine"}


def test_of_two_numbered_files_the_later_is_collected(inbox):
    rows = inbox.collect(inbox.zip({f"alee/lab09-1 ({n}).ipynb": first(str(n)) for n in (1, 2)}))
    assert inbox.owners == {"alee": "2"}
    assert sorted(row.status.name for row in rows) == ["OLDER", "TAKEN"]
