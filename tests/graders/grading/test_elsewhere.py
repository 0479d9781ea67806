"""Work that lies where nothing is graded waits for a person; what is handed in as it should be does not."""

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from graders.grading import elsewhere, submission
from graders.grading.astray import astray
from graders.grading.beside import BELOW
from graders.grading.grade import answered
from graders.grading.results import OTHER_ANSWERS
from graders.grading.submission import Submission, read_files
from graders.lab.manifest import Course
from graders.lab.percent import grade_id, solutions, template
from graders.status import Status

ROOT = Path(__file__).resolve().parents[3]
TEXT = b"print('work')\n"


@pytest.fixture
def texts(mini, submit):
    """What a file may hold: the work, the release as it was given out, a half of the work, or no notebook."""
    half = submit(ex_1_2=solutions_stub(mini, "ex-1-2"), ex_1_3=solutions_stub(mini, "ex-1-3"))
    made = {"work": submit(), "blank": template(mini, mini.notebooks[0]), "half": half, "no cells": new_notebook()}
    made["no text"] = new_notebook(cells=[new_code_cell("")])
    found = {name: nbformat.writes(notebook).encode() for name, notebook in made.items()}
    return found | {"text": TEXT, "empty": b"", "cut": found["work"][:-30]}


def solutions_stub(course, name):
    return next(cell.source for cell in template(course, course.notebooks[0]).cells if grade_id(cell) == name)


def read(folder, files, course):
    for path, raw in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    return Submission(read_files(folder), course).read("mini-1")


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"mini/mini-1.ipynb": "work"}, "mini/mini-1.ipynb"),
        ({"mini-1.ipynb": "blank", "my work/mini-1.ipynb": "work"}, "my work/mini-1.ipynb"),
        ({"mini-1.ipynb": "blank", "a/b/draft.ipynb": "work"}, "a/b/draft.ipynb"),
        ({".ipynb_checkpoints/mini-1-checkpoint.ipynb": "work"}, ".ipynb_checkpoints/mini-1-checkpoint.ipynb"),
        ({"mini-1.ipynb": "blank", ".ipynb_checkpoints/mini-1-checkpoint.ipynb": "work"}, "mini-1-checkpoint.ipynb"),
        ({"mini.zip": "text"}, "mini.zip"),
        ({"mini-1.ipynb": "blank", "all.tar.gz": "text"}, "all.tar.gz"),
        ({"mini-1.py": "text", "mini-1.html": "text"}, "mini-1.html, mini-1.py"),
        ({"mini-1.ipynb": "blank", "Mini 1 final.PDF": "text"}, "Mini 1 final.PDF"),
        ({"mini-1.ipynb": "blank", "solution.docx": "text"}, "solution.docx"),
        ({"answers.txt": "text"}, "answers.txt"),
        ({"photo.jpg": "text"}, "photo.jpg"),
        ({"below/mini-1.ipynb": "text"}, "below/mini-1.ipynb"),
        ({"draft.ipynb": "text"}, "draft.ipynb"),
        ({"mini-1.ipynb": "blank", "mini-1 (1).ipynb": "text"}, "mini-1 (1).ipynb"),
        ({"mini-1.ipynb": "blank", "mini-1": "text"}, "mini-1"),
        ({"mini-1.ipynb": "blank", "solved": "work"}, "solved"),
        ({"mini-1.ipynb": "blank", "solved.ipynb.download": "work"}, "solved.ipynb.download"),
        ({"mini-1.ipynb": "blank", "backup.bak": "work"}, "backup.bak"),
        ({"mini-1.ipynb": "blank", "Unconfirmed 12345.crdownload": "cut"}, "Unconfirmed 12345.crdownload"),
        ({"sub/x.json": "work"}, "sub/x.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_may_be_the_work_of_a_notebook_without_any_waits_for_a_person(tmp_path, mini, texts, files, place):
    mended = read(tmp_path, {path: texts[kind] for path, kind in files.items()}, mini)
    assert mended.status is Status.GRADER
    assert f"{place} may be the work and was not graded" in mended.notes[0]
    assert "then grade again, or give the points" in mended.notes[0]
    assert mended.unread  # a person's points are for these very files


ORDINARY = {
    "README.md": "text",
    "picture.png": "text",
    "data.csv": "text",
    "data.csv.gz": "text",
    ".DS_Store": "text",
    "._mini-1.ipynb": "text",
    "__MACOSX/._mini-1.ipynb": "text",
    "requirements.txt": "text",
    "helper.py": "text",
    "mini-1.pdf": "text",
    ".ipynb_checkpoints/mini-1-checkpoint.ipynb": "half",
    ".ipynb_checkpoints/helper-checkpoint.py": "text",
    "notes.ipynb": "text",
}


def test_work_with_harmless_files_beside_it_stays_as_it_is(tmp_path, mini, texts):
    mended = read(tmp_path, {"mini-1.ipynb": texts["work"]} | {p: texts[kind] for p, kind in ORDINARY.items()}, mini)
    assert mended.status is Status.OK
    assert mended.notes == []


@pytest.mark.parametrize(
    "files",
    [
        {"mini-1.ipynb": "blank", "requirements.txt": "text"},
        {"requirements.txt": "text"},
        {"empty.txt": "empty", "mini-1.py": "empty"},
        {"mini-1.ipynb": "blank", ".ipynb_checkpoints/mini-1-checkpoint.ipynb": "blank", ".DS_Store": "text"},
        {"mini-1.ipynb": "blank", "copy/mini-1.ipynb": "blank", "README.md": "text", "plot.png": "text"},
        {"mini-1.ipynb": "blank", "__MACOSX/._mini-1.ipynb": "text", "data.csv": "text"},
        {"submission_secret.txt": "text", "timestamp.txt": "text"},
        {"mini-1.ipynb": "blank", "submission_secret.txt": "text", "Thumbs.db": "text", "desktop.ini": "text"},
        {"Thumbs.db": "text", "a/desktop.ini": "text", "a/timestamp.txt": "text", "._photo.jpg": "text"},
        {"mini-1.ipynb": "blank", "._mini-1.ipynb": "text", "sub/._mini-1.ipynb": "text"},
        {"mini-1.ipynb": "blank", "Untitled.ipynb": "no cells", "Untitled1.ipynb": "no text", "x.ipynb": "empty"},
        {"mini-1.ipynb": "blank", "backup.bak": "blank", ".ipynb_checkpoints/Untitled-checkpoint.ipynb": "no text"},
        {},
    ],
    ids=" ".join,
)
def test_who_has_handed_in_nothing_but_the_release_waits_for_nobody(tmp_path, mini, texts, files):
    mended = read(tmp_path, {path: texts[kind] for path, kind in files.items()}, mini)
    assert mended.status is (Status.OK if "mini-1.ipynb" in files else Status.MISSING)


def test_what_was_handed_out_is_no_work_in_a_folder_either(tmp_path, submitted, texts):
    release = submitted.root / "release" / "mini"
    (release / "data").mkdir(parents=True)
    (release / "data" / "train.gz").write_bytes(b"train")
    (release / "handout.pdf").write_bytes(b"handout")
    files = {"mini-1.ipynb": texts["blank"], "data/train.gz": b"changed", "copy/handout.pdf": b"handout"}
    assert read(tmp_path / "s", files, submitted).status is Status.OK
    assert read(tmp_path / "s", {"copy/handout.pdf": b"other"}, submitted).status is Status.GRADER


def test_files_of_other_names_keep_no_blank_notebook_waiting_where_another_has_work():
    course = Course.load(ROOT / "course")
    first, second = course.notebooks[:2]
    made = {first.name: answered(course, first, solutions(course, first)), second.name: template(course, second)}
    files = {f"{name}.ipynb": nbformat.writes(notebook).encode() for name, notebook in made.items()}
    handed = Submission({**files, "data.zip": TEXT, "notes.pdf": TEXT}, course)
    assert [handed.read(spec.name).status for spec in (first, second)] == [Status.OK, Status.OK]
    for place in (f"{second.name}.zip", f"{course.assignment}.zip"):
        assert Submission({**files, place: TEXT}, course).read(second.name).status is Status.GRADER


@pytest.mark.parametrize("bound", ["LOOKED_AT", "READ_FOR_WORK", "PARTS"])
def test_what_is_read_for_work_has_one_bound_for_all_notebooks(monkeypatch, bound):
    course = Course.load(ROOT / "course")
    junk = nbformat.writes(new_notebook(cells=[new_code_cell("pass")])).encode()
    first, *others = course.notebooks
    files = {f"{spec.name}.ipynb": nbformat.writes(template(course, spec)).encode() for spec in others}
    files[f"{first.name}.ipynb"] = nbformat.writes(answered(course, first, solutions(course, first))).encode()
    scratch = {f"x{number}.ipynb": junk for number in range(10)}
    handed = Submission(files | scratch, course)
    assert {handed.read(spec.name).status for spec in course.notebooks} == {Status.OK}
    sizes = {"LOOKED_AT": 5, "READ_FOR_WORK": 5 * len(junk), "PARTS": 5 * len(others) * junk.count(b"{")}
    monkeypatch.setattr(elsewhere, bound, sizes[bound])
    calls, real = [], submission.work_in
    monkeypatch.setattr(submission, "work_in", lambda raw, *rest: calls.append(raw) or real(raw, *rest))
    handed = Submission(files | scratch, course)
    assert [handed.read(spec.name).status for spec in others][-1] is Status.GRADER
    assert calls.count(junk) == 5 * len(others)


@pytest.mark.parametrize(
    "name", ["mini-1.ipynb ", " mini-1.ipynb", "mini-1 .ipynb", "mini\u20111.ipynb", "mini-1.ipynb\u200b", "ｍini-1.ipynb"]
)
def test_a_name_that_looks_right_is_right(tmp_path, mini, texts, name):
    mended = read(tmp_path, {name: texts["work"]}, mini)
    assert mended.status is Status.OK
    assert mended.notes == [f"{name} was taken for mini-1.ipynb."]


@pytest.mark.parametrize("other", ["mini-1 (1).ipynb", "old/mini-1.ipynb"])
def test_another_version_with_other_answers_is_named_and_the_grade_stands(tmp_path, mini, texts, other):
    files = {"mini-1.ipynb": texts["half"], other: texts["work"]}
    mended = read(tmp_path, files, mini)
    assert mended.status is Status.OK
    assert f"{OTHER_ANSWERS}{other}; mini-1.ipynb is what counts." in mended.notes
    mended = read(tmp_path, {"mini-1.ipynb": texts["work"], other: texts["half"]}, mini)
    assert not any(note.startswith(OTHER_ANSWERS) for note in mended.notes)


def test_notebooks_pasted_into_another_one_wait_for_a_person_where_there_is_work_in_them(tmp_path):
    course = Course.load(ROOT / "course")
    first, second, third = course.notebooks[:3]
    whole = answered(course, first, solutions(course, first))
    whole.cells += answered(course, second, solutions(course, second)).cells + template(course, third).cells
    for number, cell in enumerate(whole.cells):
        cell.id = f"c{number}"
    files = {f"{first.name}.ipynb": nbformat.writes(whole).encode()}
    handed = Submission(files, course)
    statuses = [handed.read(spec.name).status for spec in (first, second, third)]
    assert statuses == [Status.OK, Status.GRADER, Status.MISSING]
    handed = Submission({**files, f"{second.name}.ipynb": nbformat.writes(template(course, second)).encode()}, course)
    assert handed.read(second.name).status is Status.GRADER


def test_a_cell_pasted_from_a_notebook_that_is_there_asks_nobody():
    course = Course.load(ROOT / "course")
    first, second = course.notebooks[:2]
    notebooks = [answered(course, spec, solutions(course, spec)) for spec in (first, second)]
    pasted = next(cell for cell in notebooks[0].cells if grade_id(cell) == first.exercises[0].solution_cell)
    notebooks[1].cells.append(nbformat.from_dict({**pasted, "id": "pasted"}))
    one, other = (nbformat.writes(notebook).encode() for notebook in notebooks)
    files = {f"{first.name}.ipynb": one, f"{second.name}.ipynb": other}
    checkpoint = f"{BELOW}.ipynb_checkpoints/{first.name}-checkpoint.ipynb"
    handed = Submission({**files, "helper.py": TEXT, "README.md": TEXT, checkpoint: b"{}"}, course)
    assert [handed.read(spec.name).status for spec in (first, second)] == [Status.OK, Status.OK]
    assert handed.read(course.notebooks[2].name).status is Status.MISSING


def test_what_is_whole_is_not_read_again_to_look_for_work_elsewhere(monkeypatch):
    course = Course.load(ROOT / "course")
    specs, read_again = course.notebooks[:2], list[bytes]()
    files = {f"{s.name}.ipynb": nbformat.writes(answered(course, s, solutions(course, s))).encode() for s in specs}
    monkeypatch.setattr(submission, "work_in", lambda raw, *_: read_again.append(raw))
    handed = Submission(files, course)
    assert [handed.read(spec.name).status for spec in specs] == [Status.OK, Status.OK]
    assert not read_again


def test_more_than_is_looked_at_waits_for_a_person_where_there_is_no_work(tmp_path, mini, texts):
    for number in range(2001):
        (tmp_path / f".{number}").touch()
    mended = read(tmp_path, {"mini-1.ipynb": texts["blank"]}, mini)
    assert mended.status is Status.GRADER
    assert mended.notes[0].startswith("more than is looked at may be the work")
    assert read(tmp_path, {"mini-1.ipynb": texts["work"]}, mini).status is Status.OK


@pytest.fixture
def submitted(tmp_path, mini):
    course = Course(tmp_path, mini.checks, *[getattr(mini, name) for name in list(mini.__dataclass_fields__)[2:]])
    (tmp_path / "submitted").mkdir()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "mini").symlink_to(mini.root / "source" / "mini")
    other = tmp_path / "source" / "mini2" / "exercises.toml"
    other.parent.mkdir()
    other.touch()
    return course


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("mini-1.ipynb", "mini-1.ipynb in submitted/s1/ is not in the folder mini: put it there"),
        ("Mini/mini-1.ipynb", "submitted/s1/Mini is not graded, for the folder is called mini: rename it"),
        ("_mini /mini-1.ipynb", "submitted/s1/_mini  is not graded"),
        ("mini", "mini in submitted/s1/ is not in the folder mini"),
        ("mini.zip", "mini.zip in submitted/s1/ is not in the folder mini"),
        ("work.zip", "work.zip in submitted/s1/ is not in the folder mini"),
        ("mini (1)/mini-1.ipynb", "submitted/s1/mini (1) is not graded"),
        ("mini-copy/mini-1.ipynb", "submitted/s1/mini-copy is not graded"),
        ("s1_mini_solved/mini-1.ipynb", "submitted/s1/s1_mini_solved is not graded"),
        ("submission/mini/mini-1.ipynb", "submitted/s1/submission/mini is not graded: put the folder mini into"),
        ("mini2/mini-1.ipynb", ""),
        ("mini2.zip", ""),
        ("mini2-1.ipynb", ""),
        ("mini2/mini/x.ipynb", ""),
        ("feedback.html", ""),
        ("Thumbs.db", ""),
        ("mini/mini-1.py", ""),
        ("other/mini-1.ipynb", ""),
        ("mini/mini-1.ipynb", ""),
        (".mini/x", ""),
    ],
)
def test_a_student_without_the_folder_of_the_assignment_is_named(submitted, path, why):
    target = submitted.root / "submitted" / "s1" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(TEXT)
    assert astray(submitted).get("s1", "").startswith(why) is True
    assert bool(astray(submitted)) is bool(why)


def test_no_link_is_followed_to_a_student_and_an_empty_folder_is_nobodys_work(submitted):
    students = submitted.root / "submitted"
    (students / "s1" / "Mini").mkdir(parents=True)
    os.symlink("s1", students / "s2")
    (students / "s3" / "mini").mkdir(parents=True)
    (students / "s3" / "other.txt").write_bytes(TEXT)
    assert astray(submitted) == {}


@pytest.mark.parametrize("there", [(), ("timestamp.txt", "submission_secret.txt")])
def test_an_empty_folder_of_the_assignment_hides_no_work_beside_it(submitted, there):
    student = submitted.root / "submitted" / "s1"
    (student / "mini").mkdir(parents=True)
    for name in there:
        (student / "mini" / name).write_bytes(TEXT)
    assert astray(submitted) == {}
    (student / "mini-1.ipynb").write_bytes(TEXT)
    assert "mini-1.ipynb in submitted/s1/ is not in the folder mini" in astray(submitted)["s1"]
    (student / "mini" / "mini-1.ipynb").write_bytes(TEXT)
    assert astray(submitted) == {}
    (student / "mini (1)").mkdir()
    (student / "mini (1)" / "mini-1.ipynb").write_bytes(TEXT)
    assert "submitted/s1/mini (1) is not graded" in astray(submitted)["s1"]


def test_a_folder_that_may_be_listed_and_not_entered_is_one_student_s_affair(submitted, monkeypatch):
    for student in ("s1", "s2"):
        (submitted.root / "submitted" / student / "mini").mkdir(parents=True)
    real = os.stat

    def stat(path, *rest, **options):
        if str(path).endswith("s1/mini"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **options)

    monkeypatch.setattr(os, "stat", stat)  # to root, who may run these tests, no folder is closed
    assert astray(submitted) == {"s1": "submitted/s1/ cannot be read: Permission denied"}


def test_an_archive_in_a_folder_that_is_no_student_s_is_nobodys(submitted):
    for place in ("downloads/x.zip", "ann/x.zip", "bob/mini.zip", "eve/mini-1.ipynb"):
        target = submitted.root / "submitted" / place
        target.parent.mkdir()
        target.write_bytes(TEXT)
    assert list(astray(submitted, ["ann", "zoe"])) == ["ann", "bob", "eve"]
    assert list(astray(submitted)) == ["ann", "bob", "downloads", "eve"]
