"""A term of sixty, from roster to feedback: an exchange, two platforms, two processes, a cluster, a database, a browser."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime, timedelta
from functools import partial

import nbformat
import pytest

from graders.classroom.standing import collect
from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from tests.browser.lab import browser
from tests.browser.test_staff_pages import formgrader
from tests.graders.classroom import importers
from tests.graders.conftest import nbgrader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.postgres,
    pytest.mark.needs("chromium"),
    pytest.mark.needs("postgresql"),
]

STUDENTS = int(os.environ.get("GRADERS_TERM", "60"))
DUE = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)
LATE = DUE + timedelta(hours=2, minutes=30)
LOCAL = """
from nbgrader.plugins import LateSubmissionPlugin

c = get_config()
c.Exchange.root = {exchange!r}


class Rule(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late // 3600


c.AssignLatePenalties.plugin_class = Rule
"""


class Account:
    """A student's account beside the instructor's: it has a home, and knows of the course its exchange alone."""

    def __init__(self, home, exchange):
        self.home = home
        self.options = (f"--Exchange.root={exchange}", "--Exchange.cache=cache", "--course=sheaflab")
        home.mkdir()

    def submit(self, student, raw):
        folder = self.home / student / "mini"
        folder.mkdir(parents=True)
        (folder / "mini-1.ipynb").write_bytes(raw)
        nbgrader("submit", "mini", f"--student={student}", *self.options, cwd=folder.parent, HOME=str(self.home))

    def fetch(self, student):
        """Fetch the feedback; return its pages."""
        folder = self.home / student
        nbgrader("fetch_feedback", "mini", f"--student={student}", *self.options, cwd=folder, HOME=str(self.home))
        return [page.read_text() for page in (folder / "mini" / "feedback").glob("*/*.html")]


class Term:
    """Who is in the class, by the way in which they hand in."""

    def __init__(self, submit):
        self.names = [f"s{1001 + k}" for k in range(STUDENTS)]
        self.moodle, self.moodle_late = self.names[0::5], self.names[3::5]
        self.canvas, self.canvas_late = self.names[1::5], self.names[4:5]
        self.exchange = self.names[2:8:5]
        self.handed = [*self.moodle, *self.moodle_late, *self.canvas, *self.canvas_late, *self.exchange]
        self.late = {*self.moodle_late, *self.canvas_late}
        self.slips = set(self.handed[::4])
        good, slip = submit(), submit(ex_1_1="def double(x):\n    return 2 * abs(x)\n")
        self.work = {name: nbformat.writes(slip if name in self.slips else good).encode() for name in self.handed}

    def number(self, name):
        return int(name[1:])

    def zip(self, path, entry, names):
        """Write a platform's download; return its path as text."""
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(entry.format(k=self.number(name)), self.work[name])
        return str(path)

    def roster(self, path):
        rows = [f"{name},First{self.number(name)},Last{self.number(name)},{name}@b.c" for name in self.names]
        path.write_text("\n".join(["id,first_name,last_name,email", *rows]) + "\n")

    def worksheet(self, path):
        """Write Moodle's grading worksheet, which knows the times."""
        rows = ["Identifier,Full name,ID number,Email address,Grade,Last modified (submission)"]
        for name in (*self.moodle, *self.moodle_late):
            time = LATE if name in self.late else DUE - timedelta(hours=2)
            k, said = self.number(name), f"{time:%A}, {time.day} {time:%B %Y}, {time:%I:%M %p}"
            rows.append(f'Participant {k},First{k} Last{k},{name},{name}@b.c,,"{said}"')
        path.write_text("\n".join(rows) + "\n")
        return str(path)

    def canvas_gradebook(self, path):
        rows = ["Student,ID,SIS User ID,SIS Login ID,Section,Lab 9", "    Points Possible,,,,,16"]
        rows += [f'"Last{k}, First{k}",{k},{k},s{k},A,' for k in map(self.number, self.names)]
        path.write_text("\n".join(rows) + "\n")
        return str(path)


def mark_by_hand(course, term, folder):
    """Give 2 points for each written answer: three of them in formgrader, as a marker does."""
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        pages = {name: book.find_submission_notebook("mini-1", "mini", name).id for name in term.handed}
    clicked = term.handed[:3]
    with formgrader(course, folder / "formgrader") as address, browser(folder / "profile") as context:
        page = context.new_page()
        for name in clicked:
            page.goto(f"{address}/formgrader/submissions/{pages[name]}/", wait_until="domcontentloaded")
            page.wait_for_function("formgrader.grades && formgrader.grades.loaded")
            field = page.locator("#written-1-W")
            field.fill("2")
            with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
                field.press("Tab")
            assert saved.value.ok
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        for name in term.handed:
            grade = book.find_grade("written-1-W", "mini-1", "mini", name)
            if name in clicked:
                assert (grade.manual_score, grade.needs_manual_grade) == (2.0, False)
            grade.manual_score, grade.needs_manual_grade = 2.0, False
        book.db.commit()


def test_a_term_of_sixty(course, submit, tmp_path, capsys, monkeypatch, postgres, cluster):
    monkeypatch.chdir(course.root)
    monkeypatch.setenv("GRADERS_DB_URL", postgres)
    home, exchange, out = tmp_path / "instructor", tmp_path / "exchange", tmp_path / "out"
    home.mkdir()
    exchange.mkdir()
    exchange.chmod(0o777)
    (course.root / "nbgrader_config_local.py").write_text(LOCAL.format(exchange=str(exchange)))
    term, account = Term(submit), Account(tmp_path / "student", exchange)
    staff = partial(nbgrader, cwd=course.root, HOME=str(home))

    # Before the term.
    assert main(["build"]) == 0
    term.roster(course.root / "students.csv")
    staff("db", "student", "import", "students.csv")
    staff("db", "assignment", "add", "mini", "--duedate", f"{DUE:%Y-%m-%d %H:%M} UTC")
    staff("release_assignment", "mini")
    extended = term.moodle_late[0]
    for name in (extended, *term.exchange):  # the exchange takes the time of this day
        assert main(["extend", name, "--until", f"{DUE + timedelta(days=2):%Y-%m-%d %H:%M} UTC"]) == 0

    # Hand-in: Moodle's download first, graded by two processes; then Canvas' and the exchange, graded by a cluster.
    moodle = term.zip(
        tmp_path / "moodle.zip",
        "First{k} Last{k}_{k}_assignsubmission_file_/mini-1.ipynb",
        [*term.moodle, *term.moodle_late],
    )
    lists = ("--roster", postgres, "--roster", term.worksheet(tmp_path / "worksheet.csv"))
    assert main(["collect", moodle, *lists, "--zone", "UTC"]) == 0
    assert main(["grade", "--workers", "2"]) == 0
    assert f"{len(term.moodle + term.moodle_late)} of" in capsys.readouterr().out
    sheet = term.canvas_gradebook(tmp_path / "canvas.csv")
    on_time = term.zip(tmp_path / "canvas.zip", "last{k}first{k}_{k}_2{k}_mini-1.ipynb", term.canvas)
    late = term.zip(tmp_path / "late.zip", "last{k}first{k}_LATE_{k}_2{k}_mini-1.ipynb", term.canvas_late)
    assert main(["collect", on_time, "--roster", sheet]) == 0
    assert main(["collect", late, "--roster", sheet, "--replace", "--submitted-at", f"{LATE:%Y-%m-%d %H:%M} UTC"]) == 0
    for name in term.exchange:
        account.submit(name, term.work[name])
    staff("collect", "mini")
    capsys.readouterr()
    assert main(["grade", "--scheduler", cluster]) == 0
    again = len(term.canvas + term.canvas_late + term.exchange)
    assert f"{again} of {len(set(term.handed))} submissions graded" in capsys.readouterr().out
    assert main(["report", "--out", str(out), "--final"]) == 3
    assert f"No final grade yet: {len(term.handed)} of {STUDENTS} students:" in capsys.readouterr().err

    # By hand, then a question, an answer, a check that was too strict, and an exercise that is worth more.
    assert main(["assign-markers", "anna", "ben", "--by", "question"]) == 0
    mark_by_hand(course, term, tmp_path)
    first = term.handed[0]
    assert main(["look-again", first, "1.1", "--note", "it was right"]) == 0
    assert main(["report", "--out", str(out), "--final"]) == 3
    assert main(["look-again", first, "1.1", "--answer", "in part: see the changed check"]) == 0
    check = course.checks / "test_mini_1.py"
    check.write_text(check.read_text().replace(" * [1, -1, 1]:  # both signs, whatever the secret", ":"))
    text = course.manifest.read_text()
    course.manifest.write_text(text.replace('name = "composition"\npoints = 2', 'name = "composition"\npoints = 5'))
    assert main(["regrade", "--workers", "2", "--out", "changes.md"]) == 0
    changes = (course.root / "changes.md").read_text()
    assert f"Another grade: {len(term.handed)} of {len(term.handed)} students." in changes

    # Out: what every platform would take is what the gradebook says, for the whole roster.
    assert main(["report", "--out", str(out), "--final"]) == 0
    scores = {row.student: row.score for row in collect(course).rows}
    assert set(scores) == set(term.names)
    for name in term.handed:
        penalty = 2.0 if name in term.late and name != extended else 0.0
        assert scores[name] == 15.0 - (2.0 if name in term.slips else 0.0) - penalty, name
    assert {scores[name] for name in term.names if name not in term.handed} == {0.0}
    title, most, sent = importers.canvas(out / "canvas.csv", set(term.names))
    assert (title, most, sent) == ("A small course", 16.0, scores)
    for by in ("ID number", "Email address"):
        ids = {name: f"{name}@b.c" if by == "Email address" else name for name in term.names}
        percents = importers.moodle(out / "moodle.csv", ids, by=by)
        assert percents == {name: pytest.approx(score / 16.0 * 100) for name, score in scores.items()}
    for name in term.handed:
        assert importers.gradescope(out / "gradescope" / name / "results.json") == scores[name]
    assert importers.junit(out / "junit.xml")[0] == 6 * len(term.handed)
    staff("export")
    lines = (course.root / "grades.csv").read_text().splitlines()[1:]
    assert {line.split(",")[3]: float(line.split(",")[9]) for line in lines} == scores

    # Feedback: released by one account, fetched by the other.
    staff("generate_feedback", "mini")
    staff("release_feedback", "mini")
    for name in term.exchange:
        (page,) = account.fetch(name)
        assert "6 of 6 points" in page, page[-3000:]  # of 1.2, which was worth less when it was handed in
