"""Marking by hand: who marks what, the rubric in formgrader, students' requests for another look."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.markers import assign, deal, own_students
from tests.graders.conftest import autograde, grade_class, hand_in, nbgrader


def test_dealt_by_student_or_by_question(mini):
    students = ["s1", "s0", "s2"]
    by_student = deal(mini, students, ["anna", "ben"], by="student")
    assert {name: cells["written-1-W"] for name, cells in by_student.items()} == {"s0": "anna", "s1": "ben", "s2": "anna"}
    by_question = deal(mini, students, ["anna", "ben"], by="question")
    assert {cells["written-1-W"] for cells in by_question.values()} == {"anna"}


@contextlib.contextmanager
def formgrader(course, marker):
    """A real Jupyter server in the course directory; yields a function that fetches a page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    extensions = {"nbgrader.server_extensions.formgrader": True, "graders.gradebook.marking": True}
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", f"--ServerApp.port={port}", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=secret"]
    folder = course.root / "jupyter"
    folder.mkdir(exist_ok=True)
    (folder / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": extensions}}))
    env = {**os.environ, "GRADERS_MARKER": marker, "JUPYTER_CONFIG_DIR": str(folder)}
    log = (folder / f"log-{marker}").open("w")
    with log, subprocess.Popen(command, cwd=course.root, env=env, stdout=log, stderr=log) as server:
        def get(path):
            address = f"http://127.0.0.1:{port}/{path}"
            request = urllib.request.Request(address, headers={"Authorization": "token secret"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()

        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    get("api/status")
                    break
                assert server.poll() is None, (folder / f"log-{marker}").read_text()
                time.sleep(0.5)
            yield get
        finally:
            server.terminate()


@pytest.mark.slow
def test_formgrader_shows_each_marker_his_own_with_the_rubric_and_feedback_shows_none(course, submit, capsys):
    for name in ("s0", "s1"):
        hand_in(course, name, submit())
        autograde(course, name)
    where = f"--course={course.root}"
    assert main(["assign-markers", "anna", "ben", where]) == 0
    assert "ben: 1 answer of 1 student" in capsys.readouterr().out
    assert main(["look-again", "s1", "1.W", "--note", "see <b>my</b> plot", where]) == 0
    seen = {}
    for marker in ("ben", "instructor"):
        with formgrader(course, marker) as get:
            found = json.loads(get("formgrader/api/submitted_notebooks/mini/mini-1"))
            seen[marker] = [entry["student"] for entry in found]
            mine = next(entry["id"] for entry in found if entry["student"] == "s1")
            page = get(f"formgrader/submissions/{mine}/")
    assert seen["ben"] == ["s1"]
    assert sorted(seen["instructor"]) == ["s0", "s1"]
    assert "the rubric gives a point a reason" in page
    assert "see &lt;b&gt;my&lt;/b&gt; plot" in page
    assert "To be marked by ben." in page
    nbgrader_api.feedback(course, "s1")
    feedback = (course.root / "feedback" / "s1" / "mini" / "mini-1.html").read_text()
    for staff_only in ("the rubric gives a point a reason", "my</b> plot", "To be marked"):
        assert staff_only not in feedback


@pytest.mark.slow
def test_another_look_is_recorded_listed_and_answered(course, submit, capsys):
    hand_in(course, "s1", submit(ex_1_1="pass"))
    autograde(course, "s1")

    def run(*options):
        status = main(["look-again", *options, f"--course={course.root}"])
        return status, capsys.readouterr()

    assert run()[1].out == "Nobody has asked for another look.\n"
    assert run("s1", "1.1", "--note", "it is right")[0] == 0
    assert "| s1 | 1.1 | " in run()[1].out
    status, told = run("s1", "9.9", "--note", "x")
    assert (status, "`EXERCISE` must be one of 1.1, 1.2, 1.3, 1.4, 1.W, got '9.9'" in told.err) == (2, True)
    assert "`STUDENT` must have a submission" in run("s7", "1.1", "--note", "x")[1].err
    assert "no open request" in run("s1", "1.2", "--answer", "x")[1].err
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.find_grade("grade-1-1", "mini-1", "mini", "s1").manual_score = 2.5
        book.db.commit()
    assert main(["report", f"--course={course.root}", "--final", f"--out={course.root / 'out'}"]) == 3
    assert "asked for another look at 1.1" in capsys.readouterr().err
    told = run("s1", "1.1", "--answer", "yes")[1]
    assert ("| it is right | 0 | 2.5 | yes |" in told.out, told.err) == (True, "")
    assert "open" not in run()[1].out
    run("s1", "1.1", "--note", "half a point more")
    status, told = run("s1", "1.1", "--answer", "yes, half a point")
    assert (status, "the points of s1 for 1.1 are what they were, 2.5: an answer gives none" in told.err) == (0, True)
    assert "| half a point more | 2.5 | 2.5 | yes, half a point |" in told.out


@pytest.mark.slow
def test_an_answer_stands_on_the_feedback_page_and_survives_a_regrade(course, submit, capsys):
    for name in ("s1", "s2"):
        hand_in(course, name, submit(ex_1_1="pass"))
    assert grade_class(course) == 0
    where = f"--course={course.root}"
    pages = {name: course.root / "feedback" / name / "mini" / "mini-1.html" for name in ("s1", "s2")}
    assert main(["look-again", "s1", "1.1", "--note", "mine is right", where]) == 0
    assert main(["look-again", "s1", "1.W", "--note", "and this", where]) == 0
    nbgrader("generate_feedback", "mini", cwd=course.root)
    assert "looked at again" not in pages["s1"].read_text()  # nobody has answered
    answer = "No: <script>alert(1)</script>\nsee the second check."
    assert main(["look-again", "s1", "1.1", "--answer", answer, where]) == 0
    nbgrader("generate_feedback", "mini", cwd=course.root)

    def told():
        page = pages["s1"].read_text()
        assert page.count("looked at again") == 1
        assert "<script>alert" not in page
        return page.partition(" was looked at again on ")[2].partition("</p>")[0]

    first = told()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d UTC\. The answer:<br>"
        r"No: &lt;script&gt;alert\(1\)&lt;/script&gt;<br>see the second check\.",
        first,
    )
    assert '<p><a href="#grade-1-1">1.1</a> was looked at again' in pages["s1"].read_text()
    assert '<a name="grade-1-1">' in pages["s1"].read_text()
    assert "The feedback page of s1 tells this answer once" in capsys.readouterr().out
    assert main(["regrade", where]) == 0
    nbgrader("generate_feedback", "mini", "--force", cwd=course.root)
    assert told() == first
    assert "looked at again" not in pages["s2"].read_text()
    assert main(["look-again", "s1", "1.W", "--answer", "x" * 2001, where]) == 2
    assert "`--answer` must have at most 2000 characters, got 2001: shorten it" in capsys.readouterr().err


@pytest.mark.slow
def test_who_was_given_nothing_sees_everybody(course, submit):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert own_students(book, course, "mini-1", "anna") is None
        assign(book, "mini", {"s0": {"written-1-W": "anna"}, "s1": {"written-1-W": "ben"}})
        book.db.commit()
        assert own_students(book, course, "mini-1", "anna") == {"s0"}
        assert own_students(book, course, "other", "anna") == set()
        assert own_students(book, course, "mini-1", "head") is None
