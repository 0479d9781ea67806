"""An extension is a date that was promised: it stays when the class's due date moves, and whoever runs a command is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.api import Gradebook

from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.extensions import keep, promise
from sheaflab.startup import own_programs_first
from tests.graders.conftest import autograde, grade_class, hand_in

UNTIL = datetime(2026, 12, 3, 22, 59, tzinfo=UTC)


@pytest.fixture
def book(tmp_path):
    own_programs_first()  # opening a gradebook starts the program `alembic`
    with nbgrader_api.quiet(), Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as made:
        made.add_assignment("mini", duedate="2026-12-01 23:59 UTC")
        made.add_student("ann")
        yield made


def due_of(book):
    return book.find_submission("mini", "ann").duedate


def move(book, date):
    book.update_or_create_assignment("mini", duedate=date)
    return keep(book, "mini")


@pytest.mark.slow
def test_a_promised_date_stays_and_is_told_once(book):
    promise(book, book.update_or_create_submission("mini", "ann"), UNTIL)
    assert keep(book, "mini") == []
    for date in ("2026-11-27 23:59 UTC", "2026-12-02 12:00 UTC"):
        (told,) = move(book, date)
        assert told == (
            f"ann: the class's due date has moved to {date}; the extension until 2026-12-03 22:59 UTC stays as promised"
        )
        assert due_of(book) == UNTIL.replace(tzinfo=None)
        assert keep(book, "mini") == []


@pytest.mark.slow
def test_a_class_date_after_the_promise_counts_and_the_promise_returns_with_an_earlier_one(book):
    promise(book, book.update_or_create_submission("mini", "ann"), UNTIL)
    (told,) = move(book, "2026-12-05 12:00 UTC")
    assert "moved to 2026-12-05 12:00 UTC and counts" in told
    assert due_of(book) == datetime(2026, 12, 5, 12)
    (told,) = move(book, None)
    assert "no due date any more" in told
    move(book, "2026-12-01 12:00 UTC")
    assert due_of(book) == UNTIL.replace(tzinfo=None)


@pytest.mark.slow
def test_what_was_taken_back_or_changed_by_other_means_is_left(book):
    promise(book, book.update_or_create_submission("mini", "ann"), UNTIL)
    book.grant_extension("mini", "ann", hours=5)
    assert move(book, "2026-11-27 12:00 UTC") == []
    assert book.find_submission("mini", "ann").extension == timedelta(hours=5)
    promise(book, book.find_submission("mini", "ann"), None)
    assert move(book, "2026-11-28 12:00 UTC") == []
    assert due_of(book) == datetime(2026, 11, 28, 12)


@pytest.mark.slow
def test_each_command_that_meets_a_moved_date_keeps_the_promise_and_says_so(course, submit, tmp_path, capsys):
    def move_to(date):
        with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
            book.update_or_create_assignment("mini", duedate=date)

    where = f"--course={course.root}"
    hand_in(course, "ann", submit())
    move_to("2026-12-01 23:59 UTC")
    assert grade_class(course) == 0
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.add_student("bob")
    assert main(["extend", "ann", where, "--until", "2026-12-03 23:59 Europe/Berlin"]) == 0
    runs = {
        "grade": lambda: grade_class(course),
        "report": lambda: main(["report", where, f"--out={tmp_path}"]),
        "extend": lambda: main(["extend", "bob", where, "--until", "2026-12-09 12:00 UTC"]),
        "autograde": lambda: print(autograde(course, "ann")),
        "feedback": lambda: print(nbgrader_api.feedback(course, "ann")),
    }
    for day, run in enumerate(runs, start=20):
        move_to(f"2026-11-{day} 12:00 UTC")
        capsys.readouterr()
        runs[run]()
        told = "".join(capsys.readouterr())
        assert f"ann: the class's due date has moved to 2026-11-{day} 12:00 UTC; the extension until" in told, run
        with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
            assert due_of(book) == UNTIL.replace(tzinfo=None)
