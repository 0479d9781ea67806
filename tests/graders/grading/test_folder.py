"""What a submission's folder costs to read: its writer cannot make it more."""

import contextlib
import os
import subprocess
from pathlib import Path

import nbformat
import pytest

from graders.gradebook.files import is_too_much, other_files
from graders.grading import elsewhere
from graders.grading import folder as folders
from graders.grading.beside import ALL, REASON, left_aside, read_beside
from graders.grading.folder import DEEPEST, ENTRIES, NAMES, TooMuch, walk
from graders.grading.submission import TOO_MANY, Submission, read_files
from graders.lab.percent import template
from graders.status import Status


class Scandir:
    """`os.scandir`, with as many hidden files more as one wishes, that counts what is asked of it."""

    def __init__(self, monkeypatch, folder=None, hidden=0):
        self.folder, self.hidden, self.count, self.real = folder, hidden, 0, os.scandir
        monkeypatch.setattr(folders.os, "scandir", self)

    @contextlib.contextmanager
    def __call__(self, path):
        with self.real(path) as entries:
            yield self.counted([*entries], self.hidden if Path(path) == self.folder else 0)

    def counted(self, entries, hidden):
        for number in range(hidden):
            self.count += 1
            yield Hidden(f".{number}")
        for entry in entries:
            self.count += 1
            yield entry


class Hidden:
    """The entry of a hidden file."""

    def __init__(self, name):
        self.name = self.path = name

    def is_dir(self, *, follow_symlinks):
        return False

    def is_file(self, *, follow_symlinks):
        raise AssertionError("nobody needs to know")


@pytest.fixture
def handed_in(tmp_path, submit):
    """A submission's folder: a notebook, and a module beside it."""
    import nbformat

    nbformat.write(submit(), tmp_path / "mini-1.ipynb")
    (tmp_path / "tools.py").write_text("A = 1\n")
    return tmp_path


@pytest.fixture(params=["d", "d" * 250], ids=["short names", "names that make a path too long"])
def deep(request, handed_in):
    """A submission with 2,000 levels of folders."""
    here = os.open(handed_in, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir(request.param, dir_fd=here)
        below = os.open(request.param, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    yield handed_in
    subprocess.run(["rm", "-rf", handed_in / request.param], check=True)  # shutil.rmtree calls itself for each level


@pytest.mark.parametrize(
    "read",
    [read_beside, lambda folder: other_files(folder, [".*"]), lambda folder: is_too_much(folder, [".*"])],
    ids=["read", "copied", "too much"],
)
def test_two_hundred_thousand_hidden_entries_are_not_looked_at(handed_in, monkeypatch, read):
    seen = Scandir(monkeypatch, handed_in, 200_000)
    assert read(handed_in) in ({ALL: None}, [], True)
    assert seen.count == ENTRIES + 1


@pytest.mark.parametrize("hidden", [ENTRIES - 2, NAMES])
def test_what_the_folder_may_hold_is_read_whole(handed_in, monkeypatch, hidden):
    Scandir(monkeypatch, handed_in, hidden if hidden < NAMES else NAMES - 2)
    found = read_files(handed_in)
    assert found["mini-1.ipynb"]
    assert (found.get("tools.py") == b"A = 1\n") == (hidden < NAMES) == (ALL not in found)


def test_a_person_looks_at_a_folder_of_more_entries_than_are_looked_at(handed_in, monkeypatch, mini):
    (handed_in / "timestamp.txt").write_text("2026-01-02 03:04:05 UTC")
    seen = Scandir(monkeypatch, handed_in, 200_000)
    files = read_files(handed_in)
    assert files == {REASON: TOO_MANY.encode(), "timestamp.txt": b"2026-01-02 03:04:05 UTC"}
    assert seen.count == NAMES + 1
    (mended,) = [Submission(files, mini).read(spec.name) for spec in mini.notebooks]
    assert mended.status is Status.GRADER
    assert "has more than 20000 entries" in mended.notes[0]


def test_two_thousand_levels_are_not_walked_down(deep, monkeypatch, mini):
    seen = Scandir(monkeypatch)
    found = read_files(deep)
    assert seen.count <= DEEPEST + 10
    assert found["mini-1.ipynb"]
    assert left_aside(found) == ["all files beside the notebooks"]
    (note,) = Submission(found, mini).read("mini-1").notes
    assert "all files beside the notebooks" in note
    assert other_files(deep, []) == []
    assert is_too_much(deep, [])


def test_short_names_reach_the_bound_of_levels(handed_in, monkeypatch):
    for levels, beyond in ((DEEPEST, False), (DEEPEST + 1, True)):
        bottom = handed_in.joinpath(*["d"] * levels)
        bottom.mkdir(parents=True, exist_ok=True)
        (bottom / "deep.txt").write_text("")
        assert (read_beside(handed_in) == {ALL: None}) is beyond
        assert is_too_much(handed_in, []) is beyond


def test_a_folder_of_the_course_has_no_bounds(handed_in, monkeypatch):
    Scandir(monkeypatch, handed_in, 200_000)
    with pytest.raises(TooMuch):
        walk(handed_in, lambda name: name.startswith("."))
    names = [entry.path.name for entry in walk(handed_in, lambda name: name.startswith("."), bounded=False)]
    assert names == ["mini-1.ipynb", "tools.py"]


def test_modules_of_a_package_come_along_and_compiled_ones_do_not(handed_in):
    for path in ("pack/__init__.py", "pack/__pycache__/x.py", "__MACOSX/tools.py", "pack/deep/data.csv", "a/z.txt"):
        (handed_in / path).parent.mkdir(parents=True, exist_ok=True)
        (handed_in / path).write_text("")
    (handed_in / "pack" / "x.pyc").write_text("")
    assert list(read_beside(handed_in)) == ["tools.py", "a/z.txt", "pack/__init__.py", "pack/deep/data.csv"]


def test_the_marks_of_each_file_are_searched_once(handed_in, mini, monkeypatch):
    for number in range(5):
        (handed_in / f"notes-{number}.ipynb").write_bytes((handed_in / "mini-1.ipynb").read_bytes())
    files, searched = read_files(handed_in), []
    real = elsewhere.marks_in
    monkeypatch.setattr(elsewhere, "marks_in", lambda raw: searched.append(raw) or real(raw))
    handed = Submission(files, mini)
    for _ in range(7):  # as many notebooks as an assignment may have
        assert handed.read("mini-1").status is not Status.MISSING
    assert len(searched) == 6


def test_links_in_the_place_of_notebooks_hide_no_file_and_wait_where_none_is_left(handed_in, mini):
    for number in range(300):
        (handed_in / f"{number}.ipynb").symlink_to("nowhere")
    (handed_in / "mini-2.ipynb").symlink_to("nowhere")
    submission_ = Submission(read_files(handed_in), mini)
    assert submission_.read("mini-1").status is Status.OK
    (handed_in / "mini-1.ipynb").rename(handed_in / "mini-1 (1).ipynb")
    (handed_in / "mini-1.ipynb").mkdir()
    submission_ = Submission(read_files(handed_in), mini)
    assert submission_.read("mini-1").status is Status.OK
    (handed_in / "mini-1 (1).ipynb").unlink()
    mended = Submission(read_files(handed_in), mini).read("mini-1")
    assert mended.status is Status.UNREADABLE
    assert "put the file itself there" in str(mended.notes)


@pytest.mark.parametrize(
    ("blank", "worked", "chosen"),
    [
        (["mini-1.ipynb"], ["mini-1-Copy1.ipynb"], "mini-1-Copy1.ipynb"),
        (["mini-1-Copy1.ipynb"], ["mini-1.ipynb"], "mini-1.ipynb"),
        (["mini-1 (2).ipynb", "mini-1-original.ipynb"], ["mini-1 (1).ipynb"], "mini-1 (1).ipynb"),
        ([], ["mini-1-Copy1.ipynb", "mini-1-Copy2.ipynb"], ""),
    ],
)
def test_a_file_in_which_nothing_is_written_is_not_graded_in_the_place_of_work(mini, submit, blank, worked, chosen):
    release = nbformat.writes(template(mini, mini.notebooks[0])).encode()
    files = dict.fromkeys(blank, release)
    files |= {name: nbformat.writes(submit(written_1_W=f"It is {n}.")).encode() for n, name in enumerate(worked)}
    mended = Submission(files, mini).read("mini-1")
    if chosen:
        assert mended.status is Status.OK
        assert any("It is 0." in cell.source for cell in mended.notebook.cells)
        assert f"was left aside: {chosen} is what counts." in " ".join(mended.notes)
    else:
        assert "may all be mini-1.ipynb" in " ".join(mended.notes)


def test_a_damaged_file_beside_a_release_may_be_the_work(mini):
    release = nbformat.writes(template(mini, mini.notebooks[0])).encode()
    mended = Submission({"mini-1.ipynb": release, "mini-1 (1).ipynb": release[:-30]}, mini).read("mini-1")
    assert mended.status is Status.GRADER
    assert "mini-1 (1).ipynb may be the work" in mended.notes[0]
