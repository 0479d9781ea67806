"""What `graders collect` left is kept until a later run settles it, or a person says that it is settled."""

from __future__ import annotations

import json
import shlex
import zipfile

import pytest

from graders.classroom.intake.left import Left, LeftFiles
from graders.classroom.intake.placing import Ledger
from graders.commands.cli import main
from graders.lab.manifest import Course
from tests.graders.classroom.intake.conftest import Inbox, first, notebook

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


def encrypted(content):
    """An archive of one entry with the mark of an encrypted one."""

    def write(inbox):
        with zipfile.ZipFile(inbox.folder / "export.zip", "w") as archive:
            archive.writestr("ann_lab09-1.ipynb", content)
            archive.getinfo("ann_lab09-1.ipynb").flag_bits |= 1

    return write


def linked(target):
    def write(inbox):
        path = inbox.folder / "work.ipynb"
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return write


UNREADABLE = {
    "an archive that is no zip": [lambda inbox, c=c: inbox.put("ann/work.rar", c) for c in (b"one", b"two")],
    "a damaged zip": [lambda inbox, c=c: inbox.put("ann/work.zip", b"PK\3\4" + c) for c in (b"one", b"two")],
    "an encrypted entry": [encrypted("one"), encrypted("two")],
    "an archive in an archive": [
        lambda inbox, c=c: inbox.put("x.zip", inbox.zip({"ann/work.7z": c}).read_bytes()) for c in (b"one", b"two")
    ],
    "a link": [linked("/one"), linked("/two")],
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_settled_file_that_cannot_be_read_hides_no_other_of_its_path(kind, inbox, command):
    for write in UNREADABLE[kind]:
        inbox.folder.mkdir(exist_ok=True)
        write(inbox)
        inbox.collect()
        ((*_, status, _),) = left(inbox)
        assert status == "UNREADABLE"
        assert command("--settled", "*")[0] == 0
        inbox.collect()
        assert left(inbox) == []


def test_folders_and_links_of_one_student_are_one_file_each(inbox):
    (inbox.folder / "ann").mkdir(parents=True)
    with zipfile.ZipFile(inbox.folder / "ann" / "work.zip", "w") as archive:
        archive.mkdir("lab09-1.ipynb")
        archive.mkdir("lab09-3.ipynb")
    for name in ("lab09-2.ipynb", "lab09-4.ipynb"):
        (inbox.folder / "ann" / name).symlink_to("elsewhere")
    inbox.collect()
    assert {name for *_, name in left(inbox)} >= {"lab09-2.ipynb", "lab09-4.ipynb"}
    assert len(left(inbox)) == 4


def test_where_nothing_tells_two_files_apart_none_is_settled_for_good():
    files = LeftFiles({})
    unknown = Left("x/a.ipynb", "/x/a.ipynb", "", "UNREADABLE", "left: it cannot be read")
    files.update([], [], [], [unknown], [])
    assert files.settle("x/a.ipynb") == [unknown]
    assert files.files == []
    files.update([], [], [], [unknown], [])
    assert files.files == [unknown]


@pytest.fixture
def two_labs(inbox):
    """The collection of lab09, and that of lab10, which the course has as well."""
    manifest = (inbox.course.source / "exercises.toml").read_text()
    (inbox.course.root / "source" / "lab10").mkdir()
    (inbox.course.root / "source" / "lab10" / "exercises.toml").write_text(manifest.replace("lab09", "lab10"))
    return inbox, Inbox(inbox.root, Course.load(inbox.course.root, "lab10"))


def of_lab10(note):
    data = json.loads(first(note))
    return json.dumps(data | {"metadata": {"sheaflab": {"assignment": "lab10"}}}).encode()


def test_a_notebook_of_another_assignment_is_listed_until_that_one_takes_it(two_labs):
    lab09, lab10 = two_labs
    lab09.put("ann/lab10-1.ipynb", of_lab10("ann"))
    lab09.put("bob/lab10-1.ipynb", of_lab10("bob"))
    lab09.collect()
    assert [student for student, *_ in left(lab09)] == ["ann", "bob"]
    lab10.collect(lab09.folder / "ann", dry=True)
    assert len(left(lab09)) == 2
    lab10.collect(lab09.folder / "ann", student="ann")
    assert [student for student, *_ in left(lab09)] == ["bob"]
    lab09.collect()  # and it is not asked about again
    assert [student for student, *_ in left(lab09)] == ["bob"]
    lab09.put("bob/lab10-1.ipynb", of_lab10("another one of bob's"))
    lab10.collect(lab09.folder)
    lab09.put("bob/lab10-1.ipynb", of_lab10("bob"))
    assert [student for student, *_ in left(lab09)] == ["bob"]  # what was taken was not this one


def test_a_ledger_of_another_assignment_that_is_damaged_stops_no_run(two_labs):
    lab09, lab10 = two_labs
    lab09.put("ann/lab10-1.ipynb", of_lab10("ann"))
    lab09.collect()
    (lab09.submitted / ".collected-lab09.json").write_text("{")
    lab10.collect(lab09.folder)
    assert lab10.status("lab10-1.ipynb") == "TAKEN"
    assert any(".collected-lab09.json must be as" in note for note in lab10.notes)


def test_what_another_assignment_leaves_as_well_stays_listed(two_labs):
    lab09, lab10 = two_labs
    for name in ("a", "b"):
        lab09.put(f"ann/{name}.ipynb", of_lab10(name))
    lab09.collect()
    lab10.collect(lab09.folder)
    assert [(status, name) for *_, status, name in left(lab10)] == [("UNORDERED", "a.ipynb"), ("UNORDERED", "b.ipynb")]
    assert [(status, name) for *_, status, name in left(lab09)] == [("ELSEWHERE", "a.ipynb"), ("ELSEWHERE", "b.ipynb")]


def test_a_file_of_no_one_notebook_is_listed_until_another_is_at_its_place(inbox):
    inbox.put("ann/all.ipynb", notebook("ex-1-1", "ex-3-1"))
    inbox.put("ann/work.rar", b"Rar")
    inbox.collect()
    for spec in inbox.course.notebooks:
        inbox.put(f"ann/{spec.name}.ipynb", notebook(spec.exercises[0].solution_cell))
    for _ in range(2):
        inbox.collect()
        assert [status for _, _, status, _ in left(inbox)] == ["MIXED", "UNREADABLE"]
    inbox.put("ann/all.ipynb", notebook("ex-1-1"))
    inbox.collect()
    assert [status for _, _, status, _ in left(inbox)] == ["UNREADABLE"]


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
def command(inbox, capsys):
    """Run `graders collect` in the course; return its status and what it says."""

    def run(*arguments):
        return main(["collect", *map(str, arguments), f"--course={inbox.course.root}"]), capsys.readouterr()

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


LONG = "x" * 290
NAMES = ("a[1].ipynb", "b\x1b[2J]m.ipynb", "c\\x1b.ipynb", "\udcff.ipynb", "e*.ipynb", "e2.ipynb", f"{LONG}/f.ipynb", f"{LONG}/g.ipynb")


def test_a_file_is_settled_by_the_command_that_is_printed_for_it(inbox, command):
    for name in NAMES:
        inbox.put(name.replace(LONG, f"{LONG[:200]}/{LONG[200:]}"), first(repr(name)))
    inbox.collect()
    files = Ledger(inbox.submitted, inbox.course.assignment).left.files
    assert len(files) == len(NAMES)
    for waiting, one in enumerate(files, start=1):
        program, collect, *arguments = shlex.split(str(one).partition("`")[2].removesuffix("`"))
        assert (program, collect) == ("graders", "collect")
        assert command(*arguments)[0] == 0, one
        assert len(left(inbox)) == len(NAMES) - waiting, one
