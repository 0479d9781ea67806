"""A term from start to end, as `course/README.md` goes through it: its commands, the platforms' rules, the people in it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graders.classroom.standing import collect
from graders.commands.cli import COMMANDS, TERM, main, overview
from graders.gradebook import nbgrader_api
from graders.lab.manifest import Course
from tests.graders.classroom import importers
from tests.graders.conftest import HERE, hand_in

COURSE = HERE.parents[1] / "course"
PAGES = [COURSE / "README.md", COURSE / "docs" / "grades-out.md"]
STUDENTS = int(os.environ.get("GRADERS_TERM", "60"))


def commands(page):
    """The `graders` and `nbgrader` commands of a page, as they stand there, without their prompts."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"`((?:nb)?graders? [^`]+)`", text)
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL):
        found += re.findall(r"^\s*(?:\$ )?((?:nb)?graders? .+)$", block, re.MULTILINE)
    return sorted({" ".join(command.split()) for command in found if "…" not in command})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_one_that_there_is(page, monkeypatch, tmp_path):
    found = [shlex.split(command, comments=True) for command in commands(page)]
    assert found
    for program, name, *options in found:
        if program == "graders":
            parsed(name, options)
        else:
            assert name in ("autograde", "collect", "db", "submit", "export", "generate_assignment", "release_assignment",
                            "generate_feedback", "release_feedback"), (name, options)  # fmt: skip


def parsed(name, options):
    """Let a command read its options; what it cannot read ends the test."""
    import argparse
    import importlib

    parser = argparse.ArgumentParser(prog=f"graders {name}", exit_on_error=False)
    importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
    if name not in ("collect", "keys", "extend", "assign-markers") or options:  # named without what they need
        return parser.parse_args(options)
    return None


def test_graders_alone_goes_through_the_term_in_order(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert text.strip() == overview()
    places = [text.index(f"\n  {name} ") for part in TERM.values() for name in part]
    assert places == sorted(places)
    assert set(COMMANDS) == {name for part in TERM.values() for name in part}


def nbgrader(course, *arguments, home):
    """Run nbgrader as a person does: another program, another home."""
    env = {**os.environ, "HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_term_of_sixty(course, submit, tmp_path, capsys, monkeypatch):
    """Roster, extension, hand-in, late ones, grading, marking, a question, other points, report, exports, feedback."""
    monkeypatch.chdir(course.root)
    home = tmp_path / "home"
    home.mkdir()
    exchange = tmp_path / "exchange"
    exchange.mkdir(mode=0o777)
    exchange.chmod(0o777)
    (course.root / "nbgrader_config_local.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\nc = get_config()\n"
        f"c.Exchange.root = {str(exchange)!r}\n"
        "class Rule(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late // 3600\n"
        "c.AssignLatePenalties.plugin_class = Rule\n"
    )
    names = [f"s{1001 + k}" for k in range(STUDENTS)]
    lines = [f"{name},First{k},Last{k},{name}@b.c" for k, name in enumerate(names)]
    (course.root / "students.csv").write_text("\n".join(["id,first_name,last_name,email", *lines]) + "\n")
    nbgrader(course.root, "db", "student", "import", "students.csv", home=home)
    nbgrader(course.root, "db", "assignment", "add", "mini", "--duedate", "2026-01-02 12:00 UTC", home=home)
    nbgrader(course.root, "release_assignment", "mini", home=home)
    assert main(["extend", names[2], "--until", "2026-01-03 12:00 UTC"]) == 0

    # Hand-in: two thirds, of these a third late, named as the exchange names them.
    handed = [name for k, name in enumerate(names) if k % 3 != 1]
    slip = submit(ex_1_1="def double(x):\n    return 2 * abs(x)\n")
    export = tmp_path / "export"
    for k, name in enumerate(handed):
        folder = export / f"{name}+mini+{'2026-01-02 14:30:00.0' if k % 3 == 1 else '2026-01-02 10:00:00.0'} UTC"
        folder.mkdir(parents=True)
        hand_in(course, name, slip if k % 4 == 0 else submit())
        shutil.move(course.root / "submitted" / name / "mini" / "mini-1.ipynb", folder / "mini-1.ipynb")
        shutil.rmtree(course.root / "submitted" / name)
    assert main(["collect", str(export), "--roster", "gradebook.db", "--layout", "exchange"]) == 0
    assert main(["grade", "--workers", "2"]) == 0
    capsys.readouterr()
    assert main(["report", "--out", str(tmp_path / "out"), "--final"]) == 3
    assert f"{len(handed)} of {STUDENTS} students have no final grade yet" in capsys.readouterr().err

    # By hand, then a question, an answer, and an exercise that is worth more.
    assert main(["assign-markers", "anna", "ben", "--by", "question"]) == 0
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        for name in handed:
            grade = book.find_grade("written-1-W", "mini-1", "mini", name)
            grade.manual_score, grade.needs_manual_grade = 2.0, False
        book.db.commit()
    assert main(["look-again", handed[0], "1.1", "--note", "it was right"]) == 0
    assert main(["report", "--out", str(tmp_path / "out"), "--final"]) == 3
    assert main(["look-again", handed[0], "1.1", "--answer", "no, see negative numbers"]) == 0
    text = course.manifest.read_text()
    course.manifest.write_text(text.replace('name = "composition"\npoints = 2', 'name = "composition"\npoints = 5'))
    assert main(["regrade", "--workers", "2", "--out", "changes.md"]) == 0
    assert f"{len(handed)} of {len(handed)} students have another grade." in (course.root / "changes.md").read_text()

    # Out: what every platform would take is what the gradebook says, for the whole roster.
    out = tmp_path / "out"
    assert main(["report", "--out", str(out), "--final"]) == 0
    group = collect(course)
    scores = {row.student: row.score for row in group.rows}
    assert set(scores) == set(names)
    for k, name in enumerate(handed):
        late = 2.0 if k % 3 == 1 and name != names[2] else 0.0
        assert scores[name] == 15.0 - (3.0 if k % 4 == 0 else 0.0) - late, name
    assert {scores[name] for name in names if name not in handed} == {0.0}
    title, most, sent = importers.canvas(out / "canvas.csv", set(names))
    assert (title, most, sent) == ("A small course", 16.0, scores)
    for by in ("ID number", "Email address"):
        ids = {name: f"{name}@b.c" if by == "Email address" else name for name in names}
        percents = importers.moodle(out / "moodle.csv", ids, by=by)
        assert percents == {name: pytest.approx(score / 16.0 * 100) for name, score in scores.items()}
    for name in handed:
        assert importers.gradescope(out / "gradescope" / name / "results.json") == scores[name]
    assert importers.junit(out / "junit.xml")[0] == 6 * len(handed)
    nbgrader(course.root, "export", home=home)
    lines = (course.root / "grades.csv").read_text().splitlines()[1:]
    assert {line.split(",")[3]: float(line.split(",")[9]) for line in lines} == scores

    # Feedback, released through the exchange.
    nbgrader(course.root, "generate_feedback", "mini", home=home)
    nbgrader(course.root, "release_feedback", "mini", home=home)
    released = list(exchange.glob("*/feedback/*.html"))
    assert len(released) == len(handed)
    assert Course.load(course.root).assignment == "mini"


def test_a_mistyped_student_and_no_workers_are_refused_by_name_and_rule(course, submit, capsys):
    hand_in(course, "s1", submit())
    where = f"--course={course.root}"
    for command in ("grade", "regrade"):
        assert main([command, where, "--student=s99"]) == 2
        assert "`--student` must be one of the 1 who have handed in mini, got 's99'" in capsys.readouterr().err
    assert main(["grade", where, "--workers=0"]) == 2
    assert "`--workers` must be at least 1, got 0" in capsys.readouterr().err
