"""The manifest is read by type, and what it has to say to nobody is refused."""

from __future__ import annotations

import pytest

from graders.commands.cli import main
from graders.lab.manifest import Course
from graders.publish.release import copy_course
from tests.graders.conftest import edit


@pytest.fixture
def course(mini, tmp_path):
    return copy_course(mini, tmp_path / "course")


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('hints = ["f(f(x))"]', 'hint = ["f(f(x))"]', "exercise 1.2 must not have `hint`; it may have `check`, `function`, `hints`, `id`, `minutes`, `requires`, `title`"),
        ('title = "A small course"', 'title = "A small course"\nrule = "r"', "[assignment] must not have `rule`; it may have `hand_in`, `lead`, `rules`, `title`"),
        ("minutes = 5\n", "minutes = 5\nlead = ''\nfunction = ''\n", "notebook mini-1 must not have `function` and `lead`; it may have `exercise`, `minutes`, `name`, `title`, `written`"),
        ('title = "random numbers"', 'title = "random numbers"\nhints = []', "check 1 of exercise 1.1 must not have `hints`; it may have `name`, `points`, `title`"),
        ('title = "why"', 'title = "why"\nminutes = 3', "written 1 of notebook mini-1 must not have `minutes`; it may have `id`, `points`, `title`"),
        ("[assignment]", "[notebooks]\n[assignment]", "exercises.toml must not have `notebooks`; it may have `assignment`, `notebook`"),
    ],
)  # fmt: skip
def test_a_key_that_nobody_reads_is_refused(course, was, now, told, capsys):
    edit(course.manifest, was, now)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 – the whole message is compared
        Course.load(course.root)
    assert str(refused.value) == told
    assert main(["build", f"--course={course.root}"]) == 2
    assert capsys.readouterr().err == f"graders build: {told}\n"
