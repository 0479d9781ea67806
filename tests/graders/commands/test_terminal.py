"""Names and messages of students in terminals and tables: text, and nothing that a program obeys."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import pytest

from graders.classroom.changes import Change, Snapshot, table
from graders.classroom.report import safe
from graders.commands import cli
from graders.commands.terminal import PlainStream
from graders.gradebook.states import State
from sheaflab.cli import main as study
from tests.graders.conftest import hand_in

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp\r"
SHOWN = r"\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp\x0d"


def test_a_terminal_is_given_no_order():
    stream = io.StringIO()
    print(f"A person must look at {EVIL}:\n\tdone \udcff", file=PlainStream(stream))
    assert stream.getvalue() == f"A person must look at {SHOWN}:\n\tdone \\udcff\n"


def test_a_bar_of_progress_stays_one():
    stream = io.StringIO()
    PlainStream(stream).write("\r 50%|█████     |")
    assert stream.getvalue() == "\r 50%|█████     |"


def test_every_command_prints_through_it(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["grade", f"--course={EVIL}"]) == 2
    told = capsys.readouterr()
    assert SHOWN[:10] in told.err
    assert not set("\x1b\x07\x9b\u202e") & set(told.out + told.err)


@pytest.mark.parametrize(
    ("main", "arguments", "usage"),
    [(cli.main, ["selfcheck", "--student=2.1"], "graders selfcheck"), (study, ["demo", "--student=2.1"], "sheaflab demo")],
)
def test_an_unknown_option_is_answered_by_the_command_that_it_was_given_to(main, arguments, usage, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert told.startswith(f"usage: {usage} [-h] ")
    assert told.endswith(f"{usage}: error: unrecognized arguments: --student=2.1\n")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "\xa0=1", "＝1", "＠x", " x"])
def test_no_cell_of_a_table_is_a_formula(text):
    file = io.StringIO()
    csv.writer(file).writerow([safe(text)])
    (cell,) = next(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert cell == "'" + text


@pytest.mark.parametrize("value", ["ada", "", "a=b", 3, -1.5, None])
def test_other_cells_stay(value):
    assert safe(value) == value


def test_a_regrade_table_has_no_markup_of_students():
    why = "ok → wrong: returned: '![x](http://evil/x.png) [y](javascript:z) <img> www.evil.org `a` |b| @ada' " + EVIL
    text = table([Change("e|ve\n| x", "1.1", 1.0, 0.0, why)], {}, {"e|ve\n| x": Snapshot(State({}), {})})
    row, total = (line for line in text.splitlines() if line.startswith("| e\\"))
    assert row.startswith(r"| e\|ve\\x0a\| x | 1.1 | 1 | 0 | ok → wrong: returned: ")
    assert total.startswith(r"| e\|ve\\x0a\| x |")
    for part in (r"![x\](http\://evil", r"[y\](", r"\<img\>", r"www\.evil", r"\`a\`", r"\|b\|", r"\@ada"):
        assert part in row
    assert not set("\x1b\x07\x9b\u202e\r") & set(text)


@pytest.mark.slow
def test_nbgrader_s_log_shows_the_names_of_files_as_text(course, submit):
    folder = hand_in(course, "eve", submit()).parent
    (folder / f"{EVIL}.txt").write_text("x")
    command = [sys.executable, "-m", "nbgrader", "autograde", "mini"]
    done = subprocess.run(command, cwd=course.root, check=True, capture_output=True, text=True)
    told = done.stdout + done.stderr
    assert "pwned" in told
    assert not set("\x07\x9b\u202e") & set(told)
    assert "\x1b]" not in told
