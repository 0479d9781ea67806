"""One front door: whichever way a class is graded, gradebook, folders and what students get back are the same."""

from __future__ import annotations

import datetime
import functools
import json
import re
import shutil
import sqlite3
import stat

import nbformat
import pytest
from nbgrader.preprocessors import AssignLatePenalties

from graders.classroom.regrade import regrade
from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.penalties import SubmissionPenalty
from graders.gradebook.record import rows
from graders.gradebook.writing import read_result
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.lab.percent import solutions
from graders.publish.release import build, copy_course
from graders.status import Status
from tests.graders.conftest import autograde, hand_in, nbgrader

pytestmark = pytest.mark.slow

DUE = datetime.datetime(2100, 1, 1)
LOCAL = """
from nbgrader.plugins import LateSubmissionPlugin

c = get_config()

class AnHourAPoint(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late // 3600

c.AssignLatePenalties.plugin_class = AnHourAPoint
c.TrustedGrader.cpu_seconds = 2.0
c.TrustedGrader.wall_seconds = 20.0
c.CourseDirectory.course_id = "doors"
c.Exchange.root = {exchange!r}
c.Exchange.assignment_dir = {exchange!r}
"""


def two_notebooks(mini, root):
    """The tests' course with its notebook twice, so that there is something to spread a penalty over."""
    course = copy_course(mini, root)
    text = course.manifest.read_text()
    second = text[text.index("[[notebook]]") :].replace("mini-1", "mini-2").replace('"1.', '"2.')
    course.manifest.write_text(text + second)
    source = (course.source / "mini-1.py").read_text()
    source = re.sub(r'"(text|ex|check|grade|written)-1', r'"\1-2', source).replace("Exercise 1.", "Exercise 2.")
    (course.source / "mini-2.py").write_text(source)
    checks = (course.checks / "test_mini_1.py").read_text().replace("TestExercise_1_", "TestExercise_2_")
    (course.checks / "test_mini_2.py").write_text(checks)
    return Course.load(root)


def as_student(classroom, *arguments):
    exchange = classroom.root.parent / "exchange"
    where = (f"--Exchange.root={exchange}", f"--Exchange.cache={exchange.parent / 'cache'}", "--course=doors")
    return nbgrader(*arguments, *where, cwd=exchange.parent / "ada")


@pytest.fixture(scope="module")
def classroom(mini, one_secret, tmp_path_factory):
    """A class with a rule for late work, ungraded; one has handed in by a real exchange. Copy it before use."""
    home = tmp_path_factory.mktemp("doors")
    exchange = home / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    course = two_notebooks(mini, home / "course")
    (course.source / "data.csv").write_text("1,2\n")
    (course.root / "nbgrader_config_local.py").write_text(LOCAL.format(exchange=str(exchange)))
    build(course)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.update_or_create_assignment("mini", duedate=DUE)
    first, second = course.notebooks
    good = {
        spec.name: nbformat.writes(answered(course, spec, {**solutions(course, spec), written: "Because."})).encode()
        for spec, written in ((first, "written-1-W"), (second, "written-2-W"))
    }
    slip = answered(course, first, {"ex-1-1": "def double(x):\n    return 2 * x if np.ndim(x) == 0 else x"})

    nbgrader("release_assignment", "mini", cwd=course.root)
    (home / "ada" / "mini").mkdir(parents=True)
    for name, raw in good.items():
        (home / "ada" / "mini" / f"{name}.ipynb").write_bytes(raw)
    as_student(course, "submit", "mini", "--student=ada")
    nbgrader("collect", "mini", cwd=course.root)

    def late(path, text="2100-01-01 02:30:00 UTC"):
        (path.parent / "timestamp.txt").write_text(text)

    hand_in(course, "bob", slip)
    late(hand_in(course, "bob", good["mini-2"], "mini-2.ipynb"))
    late(hand_in(course, "cyn", good["mini-1"], "mini-1-Copy1.ipynb"), "2100-01-03 00:00:00 UTC")
    (course.root / "submitted" / "dan" / "mini").mkdir(parents=True)
    late(hand_in(course, "eve", b"\xff\xd8 this is a photograph"))
    fay = hand_in(course, "fay", good["mini-1"])
    late(fay, "tomorrow at noon")
    (fay.parent / "data.csv").write_text("changed by fay\n")
    (fay.parent / "more").mkdir()
    (fay.parent / "more" / "notes.txt").write_text("read me")
    (fay.parent / "helper.py").write_text("print('ignored')")
    (fay.parent / "stolen.txt").symlink_to(course.root / ".secret")
    (fay.parent / "mini-2.ipynb").symlink_to(course.root / "submitted" / "ada" / "mini" / "mini-2.ipynb")
    (fay.parent / "course").symlink_to(course.root)
    _ = course.secret
    return course


def copied(classroom, target):
    shutil.copytree(classroom.root, target, symlinks=True)
    return Course.load(target)


def grade(course, *arguments):
    return main(["grade", f"--course={course.root}", "--workers=2", *arguments])


def by_command(course, status=0):
    nbgrader("autograde", "mini", cwd=course.root, status=status)


def by_button(course):
    """As formgrader does it: one student at a time; its button is for those only who have handed in a notebook."""
    for student in ("ada", "bob", "cyn", "eve", "fay"):
        autograde(course, student)


def gradebook_of(course):
    """Everything in a gradebook but the random ids of rows; these are right if :func:`rows` agree."""
    found = {}
    with sqlite3.connect(course.root / "gradebook.db") as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            lines = database.execute(f"SELECT * FROM {table}").fetchall()
            found[table] = sorted(re.sub(r"'[0-9a-f]{32}'", "id", repr(line)) for line in lines)
    with nbgrader_api.quiet():
        return found | {"rows": rows(f"sqlite:///{course.root}/gradebook.db")}


def folders_of(course):
    """Files of `autograded/` by name: access, and content without how long it took."""
    found = {}
    for path in sorted((course.root / "autograded").rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        content = path.read_text() if path.is_file() else "a folder"
        if path.suffix == ".ipynb":
            content = json.loads(content)
            del content["metadata"]["graders"]["seconds"], content["metadata"]["graders"]["memory"]
        found[str(path.relative_to(course.root))] = (mode, content)
    return found


@pytest.fixture(scope="module")
def graded(classroom, tmp_path_factory):
    """The class as `graders grade` leaves it; copy it before use."""
    course = copied(classroom, tmp_path_factory.mktemp("graded") / "course")
    assert grade(course) == 3  # eve's photograph
    return course


@pytest.mark.parametrize("door", [functools.partial(by_command, status=3), by_button], ids=["by_command", "by_button"])
def test_every_door_leaves_the_same_gradebook_and_folders(classroom, graded, tmp_path, door, capsys):
    theirs = copied(classroom, tmp_path / "course")
    door(theirs)
    if door is by_button:
        assert grade(theirs, "--student=dan") == 0
    assert gradebook_of(theirs) == gradebook_of(graded)
    assert folders_of(theirs) == folders_of(graded)
    assert grade(theirs) == 0
    assert "0 of 6 submissions graded" in capsys.readouterr().out


@pytest.mark.parametrize("door", [grade, by_command])
def test_a_class_without_a_notebook_is_a_class(classroom, tmp_path, door):
    course = copied(classroom, tmp_path / "course")
    for folder in (course.root / "submitted").iterdir():
        if folder.name != "dan":
            shutil.rmtree(folder)
    door(course)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert [(s.student.id, s.score) for s in book.assignment_submissions("mini")] == [("dan", 0)]
    told = read_result(course.root / "autograded" / "dan" / "mini" / "mini-1.ipynb")
    assert {exercise["status"] for exercise in told["exercises"]} == {Status.MISSING.name}


@pytest.mark.parametrize("door", [grade, by_command])
def test_who_is_not_in_a_closed_gradebook_is_refused_by_name_and_the_others_are_graded(classroom, tmp_path, door, capsys):
    course = copied(classroom, tmp_path / "course")
    with (course.root / "nbgrader_config_local.py").open("a") as file:
        file.write("\nc.Autograde.create_student = False\n")
    for folder in (course.root / "submitted").iterdir():
        if folder.name not in ("ada", "bob"):
            shutil.rmtree(folder)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.add_student("ada")
    if door is grade:
        assert grade(course) == 3
        said = capsys.readouterr().err
    else:
        said = nbgrader("autograde", "mini", cwd=course.root, status=1)
    assert re.search(r"look at bob: the gradebook has no such|No student with ID 'bob' exists", said)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert [s.id for s in book.students] == ["ada"]
        assert book.find_submission("mini", "ada").score == 20
    assert [path.parent.name for path in (course.root / "autograded").glob("*/mini")] == ["ada"]


def test_what_the_gradebook_and_folders_hold(classroom, graded):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(graded.root) as book:
        found = {
            s.student.id: (s.score, [n.late_submission_penalty for n in s.notebooks])
            for s in book.assignment_submissions("mini")
        }
    assert found["ada"] == (20, [None, None])
    assert found["bob"][0] == 11
    assert sum(found["bob"][1]) == 2  # 2½ hours late, for the submission and not for each notebook
    assert all(0 < share < 2 for share in found["bob"][1])
    assert found["cyn"] == (10, [10, 0])  # two days
    assert found["eve"][0] == 0
    assert found["fay"] == (10, [None, None])  # notebook 2 was a link to ada's
    autograded = graded.root / "autograded"
    for name in ("submission_secret.txt", "timestamp.txt"):
        assert (autograded / "ada/mini" / name).read_bytes() == (
            classroom.root / "submitted/ada/mini" / name
        ).read_bytes()
    assert (autograded / "fay/mini/data.csv").read_text() == "1,2\n"  # the instructor's
    assert (autograded / "fay/mini/more/notes.txt").read_text() == "read me"
    names = {str(path.relative_to(autograded / "fay/mini")) for path in (autograded / "fay/mini").rglob("*")}
    assert names == {
        ".graders.json", "data.csv", "mini-1.ipynb", "mini-2.ipynb", "more", "more/notes.txt", "timestamp.txt"
    }  # fmt: skip


@pytest.mark.parametrize("door", [grade, by_command])
def test_feedback_goes_back_through_the_exchange(classroom, tmp_path, door):
    course = copied(classroom, tmp_path / "course")
    for folder in (course.root / "submitted").iterdir():
        if folder.name != "ada":
            shutil.rmtree(folder)
    door(course)
    nbgrader("generate_feedback", "mini", cwd=course.root)
    shutil.rmtree(classroom.root.parent / "exchange" / "doors" / "feedback", ignore_errors=True)
    shutil.rmtree(classroom.root.parent / "ada" / "mini" / "feedback", ignore_errors=True)
    nbgrader("release_feedback", "mini", cwd=course.root)
    as_student(classroom, "fetch_feedback", "mini", "--student=ada")
    pages = list((classroom.root.parent / "ada" / "mini" / "feedback").glob("*/*.html"))
    assert sorted(page.name for page in pages) == ["mini-1.html", "mini-2.html"]
    assert all("3 of 3 points" in page.read_text() for page in pages)


def test_a_time_that_cannot_be_read_is_reported_by_every_run(graded, tmp_path, capsys):
    course = copied(graded, tmp_path / "course")
    for _ in range(2):
        assert grade(course, "--student=fay") == 0
        told = capsys.readouterr()
        assert "0 of 1 submission graded" in told.out
        assert "fay/mini/timestamp.txt is no time (b'tomorrow at noon')" in told.err


def test_graded_already_is_read_from_the_gradebook_in_use(classroom, graded, tmp_path, capsys, monkeypatch):
    course = copied(graded, tmp_path / "course")
    wanted, database = gradebook_of(graded), course.root / "gradebook.db"

    def grades(count):
        capsys.readouterr()
        assert grade(course) == (3 if count >= 4 else 0)  # eve's photograph is one of the six, fay's link of four
        assert f"{count} of 6 submissions graded" in capsys.readouterr().out

    grades(0)
    shutil.copy(classroom.root / "gradebook.db", database)  # a backup from before
    grades(6)
    assert gradebook_of(course) == wanted
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.remove_student("bob")
        book.add_student("bob")
    grades(1)
    assert gradebook_of(course) == wanted
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE grade SET auto_score = 0 WHERE auto_score = 2")
    grades(4)
    assert gradebook_of(course) == wanted
    monkeypatch.setenv("GRADERS_DB_URL", f"sqlite:///{tmp_path}/new.db")
    build(course)
    grades(6)
    grades(0)


@pytest.mark.parametrize("door", [lambda course: grade(course, "--student=bob"), lambda course: autograde(course, "bob")])
def test_the_time_of_an_older_submission_is_not_this_ones(graded, tmp_path, door):
    course = copied(graded, tmp_path / "course")
    (course.root / "submitted" / "bob" / "mini" / "timestamp.txt").unlink()
    door(course)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        found = book.find_submission("mini", "bob")
        assert (found.timestamp, found.late_submission_penalty) == (None, 0)


def test_a_penalty_survives_regrading_and_follows_extension_and_rule(graded, tmp_path, capsys):
    course = copied(graded, tmp_path / "course")
    wanted = gradebook_of(graded)
    assert regrade(course, workers=2, chosen=["bob", "cyn"]).table == "No grade changed (2 students).\n"
    assert gradebook_of(course) == wanted

    def penalties():
        with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
            return {s.student.id: s.late_submission_penalty for s in book.assignment_submissions("mini")}

    before = penalties()
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.grant_extension("mini", "bob", hours=1)
    capsys.readouterr()
    assert grade(course) == 0
    assert "0 of 6 submissions graded" in (told := capsys.readouterr().out)
    assert "Another penalty for late work now: 1 of the others." in told
    assert penalties() == before | {"bob": 1}
    local = course.root / "nbgrader_config_local.py"
    local.write_text(local.read_text().replace("// 3600", "// 1800"))
    assert grade(course) == 0
    assert penalties() == before | {"bob": 3}


@pytest.mark.parametrize("divisor", [1, 4])
def test_a_rule_that_takes_a_part_of_the_score_is_what_nbgrader_makes_of_it(graded, tmp_path, divisor):
    course = copied(graded, tmp_path / "course")
    local = course.root / "nbgrader_config_local.py"
    local.write_text(local.read_text().replace("total_seconds_late // 3600", f"score / {divisor}"))
    config = nbgrader_api.load_config(course.root)
    found = []
    for name in ("mini-1", "mini-2"):
        told = {"notebook": name, "assignment": "mini", "student": "bob", "db_url": config.CourseDirectory.db_url}
        AssignLatePenalties(config=config).preprocess(nbformat.v4.new_notebook(), {"nbgrader": told})
    for assign in (lambda _: None, SubmissionPenalty(config=config).assign):
        with nbgrader_api.gradebook(course.root) as book:
            assign(book.find_submission("mini", "bob"))
            found.append([n.late_submission_penalty for n in book.find_submission("mini", "bob").notebooks])
    assert found[0] == found[1]
    assert sum(found[0]) == 11 / divisor


def test_options_override_the_configuration_and_say_so(graded, tmp_path, capsys):
    course = copied(graded, tmp_path / "course")
    assert grade(course, "--student=ada", "--cpu=3", "--wall=20") == 0
    told = capsys.readouterr().err
    assert "--cpu 3.0 replaces TrustedGrader.cpu_seconds = 2.0" in told
    assert "--wall" not in told
    with (course.root / "nbgrader_config_local.py").open("a") as file:
        file.write("\nc.TrustedGrader.require_isolation = 'moat'\n")
    assert grade(course) == 2
    assert "require_isolation" in capsys.readouterr().err


def test_the_configured_checks_and_students_hold_for_graders_grade_too(graded, tmp_path, capsys):
    course = copied(graded, tmp_path / "course")
    shutil.move(course.checks, course.root / "stricter")
    path = course.root / "stricter" / "test_mini_1.py"
    path.write_text(path.read_text().replace("2 * x, call", "3 * x, call"))
    with (course.root / "nbgrader_config_local.py").open("a") as file:
        file.write("\nc.TrustedGrader.checks = 'stricter'\nc.CourseDirectory.student_id_exclude = 'bob,cyn,dan,eve'\n")
    assert grade(course) == 3  # fay's link in a notebook's place
    assert "2 of 2 submissions graded" in capsys.readouterr().out
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert book.find_submission("mini", "ada").score == 17
