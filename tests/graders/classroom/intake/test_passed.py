"""What systems and editors leave in a hand-in is passed over, and never what is all that a student has handed in."""

from __future__ import annotations

import shutil

import nbformat
import pytest

from graders.classroom.intake.passing import environments_in, is_environment, passed_over
from graders.grading.folder import MOST
from graders.lab.manifest import Course
from graders.lab.percent import template
from tests.graders.classroom.intake.conftest import Inbox, first
from tests.graders.classroom.intake.test_bounds import archive_of
from tests.graders.classroom.intake.test_left import left

ANN, BO = "Ann Lee_101_assignsubmission_file_", "Bo Chan_102_assignsubmission_file_"
CHECKPOINT = ".ipynb_checkpoints/lab09-1-checkpoint.ipynb"
LEFT_BEHIND = {
    "__MACOSX/lab/._lab09-1.ipynb": b"x",
    "lab/.DS_Store": b"x",
    "lab/.git/config": b"x",
    "lab/.vscode/settings.json": b"{}",
    "lab/.venv/pyvenv.cfg": b"x",
    "lab/.gitignore": b"x",
    "lab/env/pyvenv.cfg": b"x",
    "lab/env/bin/activate": b"x",
    "lab/node_modules/a/index.js": b"x",
}


def handed_in(inbox, files, door):
    """Hand in Ann's files, as a folder or in an archive, beside Bo's notebook."""
    if door == "archive":
        inbox.put(f"{ANN}/work.zip", archive_of(*files.items()))
    else:
        for name, content in files.items():
            inbox.put(f"{ANN}/{name}", content)
    inbox.put(f"{BO}/lab09-1.ipynb", first("Bo"))
    inbox.collect()
    return {row.status.name for row in inbox.rows if row.student == "Ann-Lee"}


doors = pytest.mark.parametrize("door", ["archive", "folder"])


def test_an_archive_with_nothing_in_it_is_left(inbox):
    assert handed_in(inbox, {}, "archive") == {"NOTHING"}
    assert [row.more for row in inbox.rows if row.student == "Ann-Lee"] == ["an archive with nothing in it"]
    assert left(inbox) == [("Ann-Lee", "", "NOTHING", "work.zip")]
    inbox.put(f"{ANN}/lab09-1.ipynb", first("Ann"))
    inbox.collect()
    assert left(inbox) == []


def test_a_source_with_nothing_in_it_is_said(inbox):
    (row,) = inbox.collect(inbox.zip({}))
    assert row.status.name == "NOTHING"


@doors
def test_a_hand_in_of_what_is_passed_over_is_left(inbox, door):
    assert handed_in(inbox, LEFT_BEHIND, door) == {"NOTHING"}
    assert [(one[0], one[2]) for one in left(inbox)] == [("Ann-Lee", "NOTHING")]


@doors
@pytest.mark.parametrize(
    "copy",
    [
        CHECKPOINT,
        pytest.param("lab/.history/lab09-1_2026.ipynb", marks=pytest.mark.slow),
        pytest.param("lab/env/lib/site-packages/lab09-1.ipynb", marks=pytest.mark.slow),
    ],
)
def test_a_copy_that_is_all_there_is_of_a_notebook_is_left(inbox, door, copy):
    found = handed_in(inbox, {**LEFT_BEHIND, copy: first("all of it"), "lab/notes.txt": b"x"}, door)
    assert "KEPT" in found
    assert ("Ann-Lee", "lab09-1", "KEPT", copy.rpartition("/")[2]) in left(inbox)
    assert inbox.owners == {"Bo-Chan": "Bo"}
    inbox.put(f"{ANN}/lab09-1.ipynb", first("Ann"))
    inbox.collect()
    assert not [one for one in left(inbox) if one[2] == "KEPT"]


@doors
def test_what_is_passed_over_beside_a_notebook_is_one_line(inbox, door):
    files = {**LEFT_BEHIND, "lab/lab09-1.ipynb": first("Ann"), f"lab/{CHECKPOINT}": first("older"), "lab/own.py": b"x"}
    assert handed_in(inbox, files, door) == {"TAKEN", "BESIDE"}
    assert [note for note in inbox.notes if "passed over" in note] == [
        "9 files or folders of systems and editors (such as __MACOSX) were passed over"
    ]
    folder = inbox.submitted / "Ann-Lee" / "lab09"
    assert {path.name for path in folder.iterdir()} == {"lab09-1.ipynb", "own.py"}


def test_what_the_instructors_own_system_left_in_an_export_is_nobodys(inbox):
    path = inbox.zip({f"__MACOSX/{ANN}/._lab09-1.ipynb": b"x", f"{ANN}/lab09-1.ipynb": first("Ann")})
    assert [row.status.name for row in inbox.collect(path)] == ["TAKEN"]
    inbox.put("notes/.DS_Store", b"x")  # without a class list a folder of any name may be no student's
    assert inbox.collect() == []


def test_a_students_own_module_goes_before_a_folder_of_many_files(inbox):
    files = {f"lab/data/{number}.txt": b"x" for number in range(MOST + 20)}
    handed_in(inbox, {"lab/lab09-1.ipynb": first("Ann"), **files, "lab/zsol.py": b"x"}, "archive")
    assert (inbox.submitted / "Ann-Lee" / "lab09" / "zsol.py").is_file()
    (row,) = [row for row in inbox.rows if row.status.left]
    assert row.more.endswith("; 21 are left")


def test_a_folder_of_notebooks_is_no_environment(tmp_path):
    paths = [["pyvenv.cfg"], ["lab", "pyvenv.cfg"], ["env", "pyvenv.cfg"], ["lab", "week", "lab09-1.ipynb"]]
    assert environments_in(paths) == {("env",)}
    (tmp_path / "week").mkdir()
    assert is_environment(tmp_path, ["pyvenv.cfg"])
    (tmp_path / "week" / "lab09-1.ipynb").write_text("")
    assert not is_environment(tmp_path, ["pyvenv.cfg"])


@pytest.mark.parametrize("path", [".lab/lab09-1.ipynb", ".lab09-1.ipynb.icloud", ".lab.zip", "env/tool.py"])
def test_what_may_be_a_students_is_not_passed_over(path):
    assert passed_over(path.split("/")) == 0


@pytest.mark.slow
def test_a_copy_counts_for_nothing_beside_work(mini, submit, tmp_path):
    shutil.copytree(mini.root, tmp_path / "course")
    inbox = Inbox(tmp_path, Course.load(tmp_path / "course"))
    blank, worked = (nbformat.writes(book).encode() for book in (template(mini, mini.notebooks[0]), submit()))
    for student, shown, copy in (("ann", blank, worked), ("bo", worked, blank), ("cy", blank, blank)):
        inbox.put(f"{student}/mini-1.ipynb", shown)
        inbox.put(f"{student}/.ipynb_checkpoints/mini-1-checkpoint.ipynb", copy + b" ")
    inbox.collect()
    assert [row.student for row in inbox.rows if row.status.name == "KEPT"] == ["ann"]
