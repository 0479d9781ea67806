"""Grades for other systems, and the page about the class: quoted, escaped, complete, final or not."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from matplotlib.axes import Axes

from graders.classroom import report
from graders.classroom.intake.left import Left
from graders.classroom.report_page import write_page
from graders.classroom.standing import Class, Row, collect
from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.lateness import duration
from graders.gradebook.states import CellState
from graders.lab.manifest import Course
from graders.lab.percent import template
from graders.status import Status
from tests.graders.classroom import importers
from tests.graders.conftest import hand_in, nbgrader

HERE = Path(__file__).resolve().parents[1]
HOSTILE = '<script>window.pwned=1</script>, "quoted"\n=1+1'


def rows_of(group, path):
    report.write_csv(group, Course.load(HERE / "course"), path)
    with path.open(newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


@pytest.fixture
def group():
    check = {
        "name": "numbers",
        "title": "random numbers",
        "points": 1.0,
        "earned": 0.0,
        "status": "WRONG",
        "message": HOSTILE + "\x00",
    }
    good = {**check, "name": "arrays", "points": 2.0, "earned": 2.0, "status": "OK", "message": ""}
    broken = {**check, "name": "line", "status": "GRADER"}
    exercise = {"id": "1.1", "title": "double", "status": "WRONG", "earned": 2.0, "points": 4.0}
    exercise["checks"] = [check, good, broken]
    result = {"mini-1": {"exercises": [exercise], "notes": [HOSTILE], "seconds": 1.5, "memory": 150_000}}
    cells = {
        "grade-1-1": CellState("mini-1", 3.0, 2.0, None, 0.0, False),
        "written-1-W": CellState("mini-1", 3.0, None, 1.5, 0.0, False),
    }
    first = Row(
        "+cmd|x", "O'Neil", 'Ann "A"', "a@b.c", 3.25, 3.5, 0.25, 13.0, handed_in=True, seconds_late=5400.0,
        submitted=datetime(2026, 12, 2, 1, tzinfo=UTC), cells=cells, results=result, notebooks={"mini-1": 3.5},
    )  # fmt: skip
    return Class([first, Row("bob", max_score=13.0)], [], 13.0)


@pytest.fixture
def mini_course():
    return Course.load(HERE / "course")


def test_tables_are_quoted_and_hold_no_formula(group, mini_course, tmp_path):
    report.write_canvas(group, mini_course, tmp_path / "canvas.csv")
    report.write_moodle(group, mini_course, tmp_path / "moodle.csv")
    lines = rows_of(group, tmp_path / "grades.csv")
    for name in ("canvas", "moodle", "grades"):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            table = list(csv.reader(file))
        assert len({len(line) for line in table}) == 1
        assert not any(cell.startswith(("=", "@", "+")) for line in table for cell in line)
    line = lines["'+cmd|x"]
    assert line["first_name"] == 'Ann "A"'
    assert (line["1.1 points"], line["1.1 status"], line["1.2 status"]) == ("2.0", "wrong", "")
    assert (line["score"], line["raw_score"], line["late_penalty"], line["1.W points"]) == ("3.25", "3.5", "0.25", "1.5")
    assert (line["submitted_utc"], line["seconds_late"]) == ("2026-12-02 01:00:00", "5400.0")
    assert (lines["bob"]["score"], lines["bob"]["handed_in"]) == ("0.0", "no")


def test_canvas_and_moodle_take_them(group, mini_course, tmp_path):
    report.write_canvas(group, mini_course, tmp_path / "canvas.csv")
    title, most, scores = importers.canvas(tmp_path / "canvas.csv", {"'+cmd|x", "bob"})
    assert (title, most, scores) == ("A small course", 13.0, {"'+cmd|x": 3.25, "bob": 0.0})
    report.write_moodle(group, mini_course, tmp_path / "moodle.csv")
    found = importers.moodle(tmp_path / "moodle.csv", {"ann": "'+cmd|x", "bob": "bob"})
    assert found == {"ann": pytest.approx(25.0), "bob": 0.0}


def test_moodle_gives_no_grade_to_the_student_of_the_line_before(group, mini_course, tmp_path):
    """Bob has no address; matched by address, his line would be Ann's."""
    report.write_moodle(group, mini_course, tmp_path / "moodle.csv")
    assert "Email address" not in (tmp_path / "moodle.csv").read_text()


def test_a_maximum_above_100_does_not_make_moodle_refuse(mini_course, tmp_path):
    best = Class([Row("ann", email="a@b.c", score=128.0, raw=128.0, max_score=128.0, handed_in=True)], [], 128.0)
    report.write_moodle(best, mini_course, tmp_path / "moodle.csv")
    assert importers.moodle(tmp_path / "moodle.csv", {"ann": "a@b.c"}, by="Email address") == {"ann": 100.0}


def test_what_is_not_final_takes_no_final_grades_place(mini_course, tmp_path):
    waiting = Class([Row("ann", max_score=13.0, waits=("written answer 1.W to grade by hand",))], [], 13.0)
    report.write_canvas(waiting, mini_course, tmp_path / "canvas.csv")
    assert importers.canvas(tmp_path / "canvas.csv", {"ann"})[0] == "A small course (not final)"
    assert rows_of(waiting, tmp_path / "grades.csv")["ann"]["waits_for"] == "written answer 1.W to grade by hand"


@pytest.mark.slow
def test_who_has_attempted_no_exercise_is_named_by_each_door(course, submit, capsys):
    stubs = template(course, course.notebooks[0])
    hand_in(course, "stub", stubs)
    hand_in(course, "one", submit(ex_1_1="pass"))
    told = "1 handed in, and no exercise is attempted in what was handed in: stub. Their grade stands"
    for command in ("grade", "report"):
        assert main([command, f"--course={course.root}"]) == 0
        assert told in capsys.readouterr().err
    log = nbgrader("autograde", "mini", "--force", cwd=course.root)
    assert "stub: no exercise is attempted in what was handed in." in log
    assert "one: no exercise" not in log


def test_junit_and_gradescope_hold_each_check(group, mini_course, tmp_path):
    report.write_junit(group, mini_course, tmp_path / "junit.xml")
    assert importers.junit(tmp_path / "junit.xml") == (3, 1, 1)
    report.write_gradescope(group.rows[0], mini_course, tmp_path / "one" / "results.json")
    assert importers.gradescope(tmp_path / "one" / "results.json") == 3.25
    data = json.loads((tmp_path / "one" / "results.json").read_text())
    assert [test["score"] for test in data["tests"]] == [0.0, 2.0, 0.0, 1.5]
    assert data["output"] == "0.25 points off for handing in late"


def test_the_page_about_the_class_escapes_everything_and_names_everybody(group, mini_course, tmp_path):
    write_page(group, mini_course, tmp_path / "class.html")
    page = (tmp_path / "class.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<img alt=") == 4
    assert '<td class="number">1.5</td><td class="number">146</td>' in page  # seconds and MiB
    assert "O&#39;Neil, Ann &#34;A&#34;" in page
    assert '<td class="number">1 of 2 students</td>' in page
    assert page.count('<td class="number">3.2</td>') == 2  # mean and median of the one who handed in
    assert '<td class="number">1 h 30 min</td>' in page
    assert page.index("Not handed in") < page.index("<td>bob</td>") < page.index("<h2>Students")


def one(status, notebook="mini-1", **more):
    """A result of a notebook whose only check ended with `status`."""
    check = {"name": status.lower(), "title": "", "points": 1.0, "earned": 0.0, "status": status, "message": ""}
    exercise = {"id": "1.1", "title": "double", "status": status, "earned": 0.0, "points": 1.0, "checks": [check]}
    return {notebook: {"status": status, "exercises": [exercise], "notes": [], "seconds": 0, "memory": 0, **more}}


def test_only_answers_count_as_failing_a_check(monkeypatch, mini_course, tmp_path):
    rows = [Row(status.name, handed_in=True, results=one(status.name)) for status in Status]
    drawn = []
    monkeypatch.setattr(Axes, "barh", lambda _, names, counts, **style: drawn.append(names))
    write_page(Class(rows, [], 13.0), mini_course, tmp_path / "class.html")
    assert sorted(drawn[0]) == ["1.1 bad_value", "1.1 raised", "1.1 wrong"]


def test_notebooks_that_are_missing_bury_neither_notes_nor_comments(mini_course, tmp_path):
    results = one("UNREADABLE", notes=["it is a photograph"])
    for name in ("mini-2", "mini-3"):
        results |= one("MISSING", name, notes=[f"there is no {name}.ipynb"])
    results |= one("MISSING", "mini-4", notes=["there is no mini-4.ipynb; q.ipynb has no name of this assignment"])
    cells = {"written-1-W": CellState("mini-1", 3.0, None, 1.5, 0.0, waits=False)}
    group = Class([Row("ann", handed_in=True, results=results, cells=cells, late_penalty=2.0)], [], 13.0)
    write_page(group, mini_course, tmp_path / "class.html")
    told = "it is a photograph; there is no mini-4.ipynb; q.ipynb has no name of this assignment; "
    assert f"<td>{told}not handed in: mini-2, mini-3, mini-4</td>" in (tmp_path / "class.html").read_text()

    def comment():
        report.write_moodle(group, mini_course, tmp_path / "moodle.csv")
        with (tmp_path / "moodle.csv").open(newline="") as file:
            return next(csv.DictReader(file))["Feedback comments"]

    left = "late: 2 points off; not handed in: mini-2, mini-3, mini-4; 1.1: unreadable file; 1.W: "
    assert comment() == f"{left}1.5 of 3"
    cells["written-1-W"] = CellState("mini-1", 3.0, None, None, 0.0, waits=True)
    assert comment() == f"{left}not graded yet"


def left(file, why, student="", notebook=""):
    return Left(f"inbox/{file}", f"/inbox/{file}", "", "UNORDERED", why, student, notebook)


def test_files_that_were_left_have_their_place_and_no_grade_is_a_silent_0(mini_course, tmp_path):
    two, one = (left("b<i>.ipynb", "left: several", "ann", "mini-1"), left("c.ipynb", "left: whose is it?"))
    waiting = Row("ann", email="a@b.c", max_score=13.0, waits=(str(two),), left=(two,))
    half = Row("cem", email="c@b.c", score=2.0, max_score=13.0, handed_in=True, waits=(str(two),), left=(two,))
    group = Class([waiting, Row("bob", max_score=13.0, email="b@b.c"), half], [], 13.0, ownerless=[one])
    assert (group.unfinished, group.final) == ([waiting, half], False)
    assert not Class([Row("bob")], [], 13.0, ownerless=[one]).final
    lines = rows_of(group, tmp_path / "grades.csv")
    assert [lines[name]["score"] for name in ("ann", "bob", "cem")] == ["", "0.0", ""]
    assert lines["ann"]["waits_for"].startswith("inbox/b<i>.ipynb was left: several; when it is settled: ")
    report.write_moodle(group, mini_course, tmp_path / "moodle.csv")
    with (tmp_path / "moodle.csv").open(newline="") as file:
        comments = [line["Feedback comments"] for line in csv.DictReader(file)]
    waits = "a file that was handed in waits for a person"
    assert comments == [waits, "not handed in", waits]
    write_page(group, mini_course, tmp_path / "class.html")
    page = (tmp_path / "class.html").read_text()
    assert "<td>ann</td><td>mini-1</td><td>inbox/b&lt;i&gt;.ipynb</td><td>left: several</td>" in page
    assert "<td>?</td><td>–</td><td>inbox/c.ipynb</td><td>left: whose is it?</td>" in page
    absent = page[page.index("Not handed in") : page.index("<h2>Students")]
    assert ("<td>bob</td>" in absent, "<td>ann</td>" in absent) == (True, False)
    report.write_gradescope(half, mini_course, tmp_path / "results.json")
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["score"], results["output"]) == (2.0, f"not final: {waits}")
    assert f"the words “not final: {waits}”." in page  # which of the exports have a grade all the same


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, ""), (1, "1 min"), (3600, "1 h"), (90 * 60, "1 h 30 min"), (90000, "1 d 1 h")]
)
def test_lateness_in_words(seconds, told):
    assert duration(seconds) == told


@pytest.mark.slow
def test_the_whole_roster_and_what_waits(course, submit, tmp_path, capsys):
    """From the gradebook: who has handed in nothing, what waits, whose submission is newer, who was removed."""
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.update_or_create_assignment("mini", duedate="2026-01-02 12:00:00 UTC")
        for name in ("ann", "bob", "cem"):
            book.add_student(name, last_name=name.title(), email=f"{name}@b.c")
    stamp = "2026-01-02 13:30:00 UTC"
    for name in ("ann", "dan"):
        (hand_in(course, name, submit()).parent / "timestamp.txt").write_text(stamp)
    local = course.root / "nbgrader_config_local.py"
    local.write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\nc = get_config()\n"
        "class Rule(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late // 3600\n"
        "c.AssignLatePenalties.plugin_class = Rule\n"
    )
    grade = ["grade", f"--course={course.root}", "--workers=2"]
    out = tmp_path / "out"
    send = ["report", f"--course={course.root}", f"--out={out}"]
    assert main(grade) == 0
    told = capsys.readouterr().err
    assert "1 not on the roster (in the gradebook without name and address, unlike others): dan." in told
    assert "`nbgrader db student remove ID --force` and move submitted/ID, autograded/ID and feedback/ID out of the" in told
    assert main(send) == 0
    told = capsys.readouterr()
    assert "4 students, 2 of them have not handed in: " in told.out
    assert "; not on the roster: 1 student" in told.out
    assert "1 not on the roster" in told.err
    assert "moodle.csv has no e-mail addresses and is matched by ID number: without one 1 student, dan." in told.err
    shutil.rmtree(out)
    assert main([*send, "--final"]) == 3
    told = capsys.readouterr().err
    assert "No final grade yet: 2 of 4 students:" in told
    assert "ann: written answer 1.W to grade by hand" in told
    assert not out.exists()
    assert main(["extend", "bob", "--until", "2126-01-02 12:00 UTC", f"--course={course.root}"]) == 0
    waits = {row.student: row.waits for row in collect(course).rows}
    assert waits["bob"] == ("may hand in until 2126-01-02 12:00 UTC",)
    assert waits["cem"] == ()
    assert main(["extend", "bob", "--none", f"--course={course.root}"]) == 0
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        for name in ("ann", "dan"):
            found = book.find_grade("written-1-W", "mini-1", "mini", name)
            found.manual_score, found.needs_manual_grade = 3.0, False
        book.db.commit()
    assert main([*send, "--final"]) == 0
    assert importers.canvas(out / "canvas.csv", {"ann", "bob", "cem", "dan"})[2] == {
        "ann": 12.0, "bob": 0.0, "cem": 0.0, "dan": 12.0,
    }  # fmt: skip
    capsys.readouterr()
    assert main(["extend", "ann", "--until", "2026-01-02 14:00 UTC", f"--course={course.root}"]) == 0
    assert "The penalty, in points, was 1 and is 0." in capsys.readouterr().out
    assert {row.student: row.score for row in collect(course).rows}["ann"] == 13.0
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.grant_extension("mini", "ann")  # as nbgrader takes it back: the penalty stays as it is
    assert {row.student: row.waits for row in collect(course).rows}["ann"] == (
        "the penalty for late work is not up to date: run `graders grade`",
    )
    hand_in(course, "ann", submit(ex_1_1="pass"))
    assert {row.student: row.waits for row in collect(course).rows}["ann"] == (
        "handed in, and not graded as it is now: run `graders grade`",
    )
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.remove_student("dan")
    assert collect(course).strangers == ["dan"]


@pytest.mark.slow
def test_what_collect_left_waits_in_the_report_until_it_is_settled(course, submit, tmp_path, capsys):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.add_student("ann")
    for path, work in (
        ("ann/mini-1-Copy1.ipynb", submit()),
        ("ann/mini-1-Copy2.ipynb", submit(ex_1_1="def double(x):\n    return x")),
        ("mini-1.ipynb", submit()),
    ):
        target = tmp_path / "inbox" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(nbformat.writes(work))
    mine, inbox = f"--course={course.root}", str(tmp_path / "inbox")
    assert main(["collect", inbox, mine]) == 1
    assert main(["report", "--final", mine]) == 3
    told = capsys.readouterr().err
    assert "No final grade yet: 1 of 1 student:" in told
    assert f"  ann: {inbox}/ann/mini-1-Copy1.ipynb was left: several different ones" in told
    assert f"  ?: {inbox}/mini-1.ipynb was left: whose is it?" in told
    assert main(["collect", f"{inbox}/ann/mini-1-Copy1.ipynb", "--student=ann", mine]) == 0
    assert main(["collect", "--settled", f"{inbox}/mini-1.ipynb", mine]) == 0
    found = collect(course)
    assert found.ownerless == []
    assert [row.waits for row in found.rows] == [("handed in, and not graded as it is now: run `graders grade`",)]


@pytest.mark.slow
def test_what_no_option_places_goes_into_the_course(course, monkeypatch):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.add_student("ann")
    monkeypatch.chdir(course.source)
    left = course.root / "build" / "report" / "mini" / "gradescope" / "bob" / "results.json"  # who has left the class
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    assert main(["report"]) == 0
    assert (course.root / "build" / "report" / "mini" / "class.html").is_file()  # another assignment has its own folder
    assert not left.parent.exists()
    assert main(["report", "--out", "mine"]) == 0
    assert (course.source / "mine" / "class.html").is_file()
    assert not (course.source / "build").exists()


@pytest.mark.slow
def test_an_extension_is_refused_by_name_and_rule(course, capsys):
    def told(*options):
        assert main(["extend", *options, f"--course={course.root}"]) == 2
        return capsys.readouterr().err

    until = ("--until", "2026-01-02 12:00 UTC")
    assert "`STUDENT` must be in the gradebook, got 'ann'; add the student: nbgrader db" in told("ann", *until)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.add_student("ann")
    assert "got 'Ann'; the gradebook has 'ann'\n" in told("Ann", *until)
    assert "mini must have a due date" in told("ann", *until)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.update_or_create_assignment("mini", duedate="2026-01-03 12:00:00 UTC")
    assert "`--until` must not be before the due date 2026-01-03 12:00 UTC" in told("ann", *until)
    assert "`--until` must be a time such as" in told("ann", "--until", "soon")
