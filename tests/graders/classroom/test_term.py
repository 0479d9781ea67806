"""The commands that `course/README.md` names, and how the terminal says what it will not do."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from graders.commands.cli import COMMANDS, TERM, main, overview
from tests.graders.conftest import HERE, hand_in

COURSE = HERE.parents[1] / "course"
PAGES = [COURSE / "README.md", *(COURSE / "docs" / f"{name}.md" for name in ("grades-out", "collecting", "extending"))]


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


def test_git_ignores_every_file_that_a_command_of_the_page_takes_or_makes(tmp_path):
    """All of them are private or made; the course's `.gitignore` says so for the names that the page gives."""
    shutil.copy(COURSE / ".gitignore", tmp_path)
    found = [shlex.split(command, comments=True) for command in commands(PAGES[0])]
    named = {str(path) for program, name, *options in found if program == "graders" for path in paths(parsed(name, options))}
    named |= {option for program, *options in found if program == "nbgrader" for option in options if option.endswith(".csv")}
    assert {"KEYS", "changes.md", "EXPORT.zip", "gradebook.db", "students.csv"} <= named
    for name in named:
        file = tmp_path / name if Path(name).suffix else tmp_path / name / "page.html"
        file.parent.mkdir(exist_ok=True)
        file.write_text("private")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout == ".gitignore\n"


def paths(options):
    """The files and folders that a command's options name."""
    listed = [value for given in vars(options or argparse.Namespace()).values() for value in (given if isinstance(given, list) else [given])]
    return [value for value in listed if isinstance(value, Path) or str(value).endswith(".db")]


def test_paths_of_the_page_are_those_in_the_folder_where_it_is_worked():
    text = PAGES[0].read_text(encoding="utf-8")
    named = {path.replace("N", "1") for path in re.findall(r"`((?:course|source|checks|bank|visible|docs)/[^`\s]*)`", text)}
    assert len(named) > 5
    assert {path for path in named if not (COURSE / path).exists()} == {"source/lab10"}  # a second assignment, if there is one


def parsed(name, options):
    """Let a command read its options; what it cannot read ends the test."""
    parser = argparse.ArgumentParser(prog=f"graders {name}", exit_on_error=False)
    importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
    if name not in ("collect", "keys", "extend", "assign-markers", "site") or options:  # named without what they need
        return parser.parse_args(options)
    return None


def test_graders_alone_goes_through_the_term_in_order(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert text.strip() == overview()
    places = [text.index(f"\n  {name} ") for part in TERM.values() for name in part]
    assert places == sorted(places)
    assert set(COMMANDS) == {name for part in TERM.values() for name in part}


@pytest.mark.slow
def test_a_mistyped_student_and_no_workers_are_refused_by_name_and_rule(course, submit, capsys):
    hand_in(course, "s1", submit())
    where = f"--course={course.root}"
    for command in ("grade", "regrade"):
        assert main([command, where, "--student=s99"]) == 2
        assert "`--student` must be one of the 1 who have handed in mini, got 's99'" in capsys.readouterr().err
    assert main(["grade", where, "--workers=0"]) == 2
    assert "`--workers` must be at least 1, got 0" in capsys.readouterr().err
