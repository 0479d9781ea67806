"""What goes along with a submission: plain files of its own, and not more than a bound."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from graders.gradebook import nbgrader_api
from graders.gradebook.files import is_too_much, other_files, with_links
from graders.gradebook.writing import read_result
from graders.grading.folder import COPIED, MOST
from tests.graders.conftest import grade_class, hand_in, nbgrader

COURSE = Path(__file__).resolve().parents[3] / "course"
IGNORE = [".*", "*.py", "__pycache__"]


@pytest.fixture
def folder(tmp_path):
    """A submission with a plain file at two levels."""
    made = tmp_path / "eve" / "mini"
    (made / "data").mkdir(parents=True)
    for name in ("notes.txt", "data/table.csv", "mini-1.ipynb", "own.py", ".hidden"):
        (made / name).write_text(name)
    return made


def names(folder):
    return [str(path.relative_to(folder)) for path in other_files(folder, IGNORE)]


def test_plain_files_at_every_level(folder):
    assert names(folder) == ["data/table.csv", "notes.txt"]


def test_no_link_fifo_socket_or_device_at_any_level(folder, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("secret")
    for place in (folder, folder / "data"):
        (place / "stolen.txt").symlink_to(tmp_path / "secret")
        (place / "far").symlink_to(tmp_path)
        (place / "loop").symlink_to("loop")
        (place / "zero").symlink_to("/dev/zero")
        os.mkfifo(place / "waits")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    assert names(folder) == ["data/table.csv", "notes.txt"]
    assert {"stolen.txt", "far", "loop", "zero", "waits", "socket"} <= set(with_links(folder, IGNORE))


def test_a_submission_that_is_a_link_has_no_files(folder, tmp_path):
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "mini").symlink_to(folder)
    (tmp_path / "cyn").symlink_to(folder.parent)
    for student in ("bob", "cyn"):
        assert names(tmp_path / student / "mini") == []
        assert with_links(tmp_path / student / "mini", IGNORE) == ["*"]


def many(folder):
    for number in range(MOST):
        (folder / f"{number}.txt").write_text("")


def large(folder):
    with (folder / "sparse.bin").open("wb") as file:
        file.truncate(COPIED)


def deep(folder):
    os.makedirs(folder.joinpath(*["d"] * 25))


def ignored(folder):
    """What is not copied anyway takes its time as well."""
    for number in range(30 * MOST):
        (folder / f".{number}").write_text("")


@pytest.mark.parametrize("more", [many, large, deep, ignored])
def test_a_submission_beyond_the_bounds_takes_none_of_its_files_along(folder, more):
    assert not is_too_much(folder, IGNORE)
    more(folder)
    assert is_too_much(folder, IGNORE)
    assert names(folder) == []


def test_the_course_s_own_files_have_no_bound(folder):
    many(folder)
    assert len(other_files(folder, IGNORE, bounded=False)) == MOST + 2


@pytest.mark.slow
@pytest.mark.parametrize("door", ["graders", "nbgrader"])
def test_a_link_to_another_s_work_and_ten_thousand_files(course, submit, capfd, door):
    hand_in(course, "ada", submit())
    submitted = course.root / "submitted"
    (submitted / "bob").mkdir()
    (submitted / "bob" / "mini").symlink_to(submitted / "ada" / "mini")
    (submitted / "cyn").symlink_to(submitted / "ada")
    dan = hand_in(course, "dan", submit()).parent
    for number in range(10_000):
        (dan / f"{number}.txt").write_text("")
    if door == "graders":
        assert grade_class(course, "--workers=2", "--cpu=1.0", "--wall=12.0") == 3
        assert "lie beside the notebooks; none of them was copied" in capfd.readouterr().err
    else:
        subprocess.run([sys.executable, "-m", "nbgrader", "autograde", "mini"], cwd=course.root, check=False)  # 3
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        scores = {s.student.id: s.score for s in book.assignment_submissions("mini")}
        waiting = {s.student.id for s in book.assignment_submissions("mini") if s.needs_manual_grade}
    assert scores == {"ada": 10, "bob": 0, "cyn": 0, "dan": 10}
    assert waiting >= {"bob", "cyn"}
    for student in ("bob", "cyn"):
        folder = course.root / "autograded" / student / "mini"
        result = read_result(folder / "mini-1.ipynb")
        assert result["status"] == "GRADER"
        assert "its folder is a link" in str(result)
    assert not list((course.root / "autograded" / "dan" / "mini").glob("*.txt"))


PLAIN = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>'
LEFT = ("evil.html", "more/EVIL.HTM", "evil.xhtml", "evil.xml", "evil.js", "evil.svg", "lab.svgz", "own.html")


@pytest.mark.slow
@pytest.mark.parametrize("door", ["graders", "nbgrader"])
def test_what_a_browser_may_run_comes_to_no_place_from_which_pages_are_served(course, submit, door):
    (course.source / "ours.html").write_text("ours")
    (course.source / "own.svg").write_text("<svg/>")
    folder = hand_in(course, "eve", submit()).parent
    (folder / "more").mkdir()
    for name in (*LEFT, "ours.html", "own.svg"):
        (folder / name).write_text("<script>alert(1)</script>")
    (folder / "evil.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    (folder / "more" / "plot.svg").write_text(PLAIN)
    (folder / "notes.txt").write_text("read me")
    if door == "graders":
        assert grade_class(course) == 0
    else:
        nbgrader("autograde", "mini", cwd=course.root)
    nbgrader_api.feedback(course, "eve")
    for step in ("autograded", "feedback"):
        there = course.root / step / "eve" / "mini"
        names = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
        assert names >= {"ours.html", "own.svg", "more/plot.svg", "notes.txt"}
        assert not names & set(LEFT)
        assert (there / "ours.html").read_text() == "ours"
        assert (there / "own.svg").read_text() == "<svg/>"
        assert (there / "more" / "plot.svg").read_text() == PLAIN
    told = read_result(course.root / "autograded" / "eve" / "mini" / "mini-1.ipynb")
    assert "stayed in submitted/: a browser may run it" in str(told["notes"])
    assert "evil.html, evil.js" in str(told["notes"])
    assert "plot.svg" not in str(told["notes"])
    assert (folder / "evil.html").exists()


_ASK = """
import sys, warnings
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import PyFileConfigLoader

config = PyFileConfigLoader("nbgrader_config.py", path=sys.argv[1]).load_config()
config.CourseDirectory.root = sys.argv[2]
warnings.simplefilter("error")
print(NbGraderAPI(config=config).get_submitted_timestamp("mini", "eve"))
"""


@pytest.mark.parametrize(("text", "time"), [("9" * 30 + "h", "None"), ("2026-12-01 10:00 CET", "2026-12-01 09:00:00")])
def test_formgrader_reads_times_as_grading_does_by_the_configuration_alone(tmp_path, text, time):
    folder = tmp_path / "submitted" / "eve" / "mini"
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(COURSE), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == (time, 0), done.stderr
