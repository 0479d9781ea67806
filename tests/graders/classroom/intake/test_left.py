"""What `graders collect` left is kept until a later run settles it, or a person says that it is settled."""

from __future__ import annotations

import json

import pytest

from graders.classroom.intake.placing import Ledger
from graders.commands.cli import main
from tests.graders.classroom.intake.conftest import first, notebook

ONE, TWO = "ann/a.ipynb", "ann/b.ipynb"


def left(inbox):
    """Files that are left, as the ledger has them on disk: student, notebook, status, the file's name."""
    files = Ledger(inbox.submitted, inbox.course.assignment).left.files
    return [(one.student, one.notebook, one.status, one.file.rpartition("/")[2]) for one in files]


@pytest.fixture
def doubt(inbox):
    """Two files of one notebook, of which nobody knows the later."""
    inbox.put(ONE, first("one"))
    inbox.put(TWO, first("two"))
    inbox.collect()
    assert left(inbox) == [("ann", "lab09-1", "UNORDERED", name) for name in ("a.ipynb", "b.ipynb")]
    assert any("graders report" in note for note in inbox.notes)
    return inbox


def test_what_nobody_can_order_is_left_until_one_is_chosen(doubt):
    doubt.collect(doubt.folder / ONE, student="ann")
    assert left(doubt) == []
    doubt.collect()  # what was chosen stays chosen
    assert left(doubt) == []
    doubt.put("ann/c.ipynb", first("three"))
    doubt.collect()
    assert left(doubt) == [("ann", "lab09-1", "UNORDERED", "c.ipynb")]


def test_a_file_that_cannot_be_read_chooses_none(doubt):
    doubt.collect(doubt.zip({"ann_lab09-1.ipynb": b'{"cells": [tru'}))
    assert [name for *_, name in left(doubt)] == ["a.ipynb", "b.ipynb"]
    doubt.collect()
    assert [name for *_, name in left(doubt)] == ["a.ipynb", "b.ipynb"]


def test_what_gave_way_is_asked_for_again_where_nothing_is_in_place(doubt):
    for name in (ONE, TWO):
        doubt.collect(doubt.folder / name, student="ann", replace=True)
    (doubt.submitted / "ann" / "lab09" / "lab09-1.ipynb").unlink()
    doubt.collect()
    assert [name for *_, name in left(doubt)] == ["a.ipynb", "b.ipynb"]


def test_what_is_no_notebook_needs_nobody_where_all_of_them_are_there(inbox):
    for spec in inbox.course.notebooks:
        inbox.put(f"ann/{spec.name}.ipynb", notebook(spec.exercises[0].solution_cell))
    inbox.put("ann/scratch.ipynb", notebook("something-else"))
    inbox.put("ann/film.rar", b"Rar")
    inbox.collect()
    assert [name for *_, name in left(inbox)] == ["film.rar"]  # an archive may hold work
    last = f"{inbox.course.notebooks[-1].name}.ipynb"
    for folder in (inbox.submitted / "ann" / inbox.course.assignment, inbox.folder / "ann"):
        (folder / last).unlink()
    inbox.collect()
    assert {name for *_, name in left(inbox)} == {"film.rar", "scratch.ipynb"}


def test_a_run_of_another_students_files_or_a_dry_one_settles_nothing(doubt):
    doubt.collect(doubt.zip(["bob_lab09-1.ipynb"]))
    doubt.collect(doubt.folder / ONE, student="ann", dry=True)
    assert len(left(doubt)) == 2
    assert "bob" in doubt.owners


def test_one_that_is_there_already_stays_in_doubt_until_one_takes_the_place(inbox):
    one, two = inbox.put("x/ann/lab09-1.ipynb", first("one")), inbox.put("y/ann/lab09-1.ipynb", first("two"))
    for source in (one, two, one):
        inbox.collect(source, student="ann")
    assert left(inbox) == [("ann", "lab09-1", "EXISTING", "lab09-1.ipynb")]
    inbox.collect(two, student="ann", replace=True)
    assert left(inbox) == []
    inbox.collect(one, student="ann")  # it gave way, and nobody is asked again
    assert left(inbox) == []


def test_a_file_of_unknown_owner_is_left_until_its_owner_is_known(inbox):
    inbox.put("lab09-1.ipynb", first())
    inbox.collect()
    assert left(inbox) == [("", "lab09-1", "NOBODY", "lab09-1.ipynb")]
    inbox.put("ann/lab09-1.ipynb", first())  # the same content may be another's work
    inbox.collect(inbox.folder / "ann", student="ann")
    assert len(left(inbox)) == 1
    inbox.collect(inbox.folder / "lab09-1.ipynb", student="bob")
    assert left(inbox) == []


def test_two_unknown_people_may_have_handed_in_the_same(inbox):
    inbox.put("x.ipynb", first())
    inbox.put("y.ipynb", first())
    inbox.collect()
    assert [name for *_, name in left(inbox)] == ["x.ipynb", "y.ipynb"]


def test_what_cannot_be_read_is_left_and_what_needs_nobody_is_not(inbox):
    other = json.dumps(json.loads(first()) | {"metadata": {"sheaflab": {"assignment": "lab10"}}}).encode()
    inbox.put("ann/lab09-1.ipynb", notebook("ex-1-1", "ex-3-1"))
    inbox.put("ann/lab09-3.ipynb", notebook("ex-3-1"))
    inbox.put("ann/essay.pdf", b"%PDF")
    inbox.put("ann/work.rar", b"Rar")
    for student in ("ann", "bob"):
        inbox.put(f"{student}/lab10-1.ipynb", other)
    inbox.put("bob/essay.pdf", b"%PDF")
    inbox.put("index.html", b"<p>")
    inbox.put("readme.md", b"of the export")
    inbox.collect()
    assert left(inbox) == [
        ("ann", "", "MIXED", "lab09-1.ipynb"),
        ("ann", "", "UNREADABLE", "work.rar"),
        ("bob", "", "LOOSE", "essay.pdf"),  # there is nothing else of bob's
        ("bob", "", "ELSEWHERE", "lab10-1.ipynb"),
    ]
    inbox.put("bob/lab09-1.ipynb", first())
    inbox.collect()
    assert [student for student, *_ in left(inbox)] == ["ann", "ann"]


def test_a_loose_file_needs_nobody_once_its_student_has_handed_in(inbox):
    inbox.put("bob/essay.pdf", b"%PDF")
    inbox.collect()
    assert left(inbox) == [("bob", "", "LOOSE", "essay.pdf")]
    inbox.collect(inbox.zip(["bob_lab09-1.ipynb"]))
    assert left(inbox) == []


def test_names_that_are_no_unicode_can_be_kept(inbox):
    inbox.put("ann/\udcff.rar", b"Rar")
    inbox.collect()
    assert left(inbox) == [("ann", "", "UNREADABLE", "\udcff.rar")]


def test_a_ledger_of_before_holds_nothing_that_is_left(doubt):
    path = doubt.submitted / ".collected-lab09.json"
    path.write_text(json.dumps({"students": {}}))
    assert left(doubt) == []
    path.write_text(json.dumps({"students": {}, "left": {"files": [{"name": "x"}]}}))
    with pytest.raises(ValueError, match="must be as `graders collect` wrote it"):
        left(doubt)


@pytest.fixture
def command(doubt, capsys):
    """Run `graders collect` in the course; return its status and what it says."""

    def run(*arguments):
        return main(["collect", *map(str, arguments), f"--course={doubt.course.root}"]), capsys.readouterr()

    return run


def test_a_person_says_what_is_settled_and_a_later_run_remembers(doubt, command):
    status, told = command("--settled", "*/ann/a*", "--dry-run")
    assert (status, len(left(doubt))) == (0, 2)
    status, told = command("--settled", doubt.folder / ONE)
    assert (status, told.out) == (0, f"settled: {doubt.folder / ONE}\n")
    assert left(doubt) == [("ann", "lab09-1", "UNORDERED", "b.ipynb")]
    status, told = command(doubt.folder)
    assert status == 1
    assert "graders collect --settled FILE" in told.out
    assert left(doubt) == [("ann", "lab09-1", "UNORDERED", "b.ipynb")]
    assert command("--settled", "*")[0] == 0
    assert left(doubt) == []


def test_what_cannot_be_settled_is_told(doubt, command):
    status, told = command("--settled", "ann")
    assert status == 2
    assert "`--settled` must be a file that is left, as `graders report` names it, got 'ann'" in told.err
    for arguments in ([], [doubt.folder, "--settled", "*"]):
        status, told = command(*arguments)
        assert (status, "give either a `SOURCE` to collect, or `--settled`" in told.err) == (2, True)
