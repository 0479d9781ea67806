"""After a check or points have changed: everybody graded again, and a table of whose grade changed, where and why."""

from __future__ import annotations

import pytest

from graders.classroom import session
from graders.classroom.changes import Snapshot, changes, other_maximum, table
from graders.classroom.regrade import regrade, snapshots
from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.settings import Settings
from graders.gradebook.states import CellState, State
from tests.graders.conftest import autograde, edit, hand_in

SLIP = "def double(x):\n    return 2 * abs(x)\n"


def check(status, points=2.0, message=""):
    return {"status": status, "points": points, "message": message}


def snapshot(auto, manual=None, penalty=0.0, **checks):
    return Snapshot(State({"grade-1-1": CellState("mini-1", 3.0, auto, manual, 0.0, False)}, penalty), {"1.1": checks})


def test_changes_are_the_gradebooks_and_say_why(mini):
    told = "not right yet\n  call: f(1)\n  returned: 1\n  expected: 2\n  hint: add"
    before = {
        "ada": snapshot(3.0, a=check("OK"), gone=check("OK", 1.0)),
        "bob": snapshot(2.0, a=check("OK")),
        "cem": snapshot(2.0, manual=1.5, a=check("OK")),
        "dan": snapshot(2.0, penalty=0.5),
        "fay": snapshot(0.0, a=check("WRONG", message=told)),
    }
    after = {
        "ada": snapshot(0.0, a=check("WRONG", message=told)),
        "bob": snapshot(3.0, a=check("OK", 3.0)),
        "cem": snapshot(0.0, manual=1.5, a=check("WRONG")),
        "dan": snapshot(2.0, penalty=1.0),
        "eve": snapshot(2.0, a=check("OK")),
        "fay": snapshot(2.0, a=check("OK")),
    }
    found = {(c.student, c.exercise): (c.before, c.after, c.why) for c in changes(mini, before, after)}
    assert found == {
        ("ada", "1.1"): (3.0, 0.0, "a: ok → wrong, returned: 1; expected: 2; gone: the check is gone"),
        ("bob", "1.1"): (2.0, 3.0, "a: worth 3 instead of 2"),
        ("cem", "1.1"): (1.5, 1.5, "1.5 points given by hand stay; the machine says 0, it said 2; a: ok → wrong"),
        ("dan", "late penalty"): (-0.5, -1.0, "points off"),
        ("eve", "1.1"): (0.0, 2.0, "a: the check is new"),
        ("fay", "1.1"): (0.0, 2.0, "a: wrong → ok, said before: returned: 1; expected: 2"),
    }
    text = table(changes(mini, before, after), before, after)
    assert "| ada | 3 | 0 |" in text
    assert "| cem | 1.5 | 1.5 |" in text
    assert "| dan | 1.5 | 1 |" in text
    assert text.endswith("Another grade: 5 of 6 students.\n")
    assert table([], after, after) == "No grade changed (6 students).\n"


def test_what_waited_for_a_person_is_listed_with_its_reason_even_at_the_same_points(mini):
    broken = "the hidden check itself is at fault (NameError: name 'x' is not defined)"
    waits = snapshot(None, a=check("GRADER", message=broken), b=check("OK", 1.0))
    passes, fails = (snapshot(score, a=check(end), b=check("OK", 1.0)) for score, end in ((3.0, "OK"), (0.0, "WRONG")))

    def why(old, new):
        return [(c.before, c.after, c.why) for c in changes(mini, {"ada": old}, {"ada": new})]

    assert why(waits, passes) == [(0.0, 3.0, "waited for a person; a: grader error → ok")]
    assert why(waits, fails) == [(0.0, 0.0, "waited for a person; a: grader error → wrong")]
    assert why(passes, waits) == [(3.0, 0.0, f"waits for a person; a: ok → grader error, {broken}")]
    assert why(waits, waits) == []


@pytest.mark.slow
def test_a_broken_check_is_named_where_another_check_does_not_pass(course, submit, capsys):
    hand_in(course, "s0", submit(ex_1_1="def double(x): return 3 * x"))
    path = course.checks / "test_mini_1.py"
    edit(path, 'call="double(x)"', "call=not_there")
    assert main(["grade", f"--course={course.root}", "--workers=1"]) == 3
    assert "exercise 1.1: the hidden check itself is at fault (NameError: name 'not_there'" in capsys.readouterr().err


def test_another_maximum_is_told_even_where_no_points_change(mini):
    def worth(auto, points):
        return Snapshot(State({"grade-1-1": CellState("mini-1", points, auto, None, 0.0, False)}), {})

    before = {"ada": worth(3.0, 3.0), "bob": worth(0.0, 3.0), "cem": worth(1.0, 3.0)}
    after = {"ada": worth(4.0, 4.0), "bob": worth(0.0, 4.0), "cem": worth(1.0, 4.0), "new": worth(1.0, 4.0)}
    assert other_maximum(mini, before, after) == (
        "The maximum has changed from 3 to 4 points (1.1 from 3 to 4). "
        "Students with other points: 1 of 3; with another percentage: 1 of 3.\n"
    )
    assert other_maximum(mini, before, before) == ""


def run(course, *options):
    return main(["regrade", f"--course={course.root}", "--workers=2", *options])


def grades(course):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        return {found.student.id: found.score for found in book.assignment_submissions("mini")}


@pytest.fixture
def graded(course, submit):
    """Four students, two with a slip that the check on negative numbers would catch and that this course's does not."""
    path = course.checks / "test_mini_1.py"
    sharp = path.read_text()
    assert " * [1, -1, 1]:" in sharp
    path.write_text(sharp.replace(" * [1, -1, 1]:", ":"))
    for k in range(4):
        hand_in(course, f"s{k}", submit(ex_1_1=SLIP) if k % 2 == 0 else submit())
    assert main(["grade", f"--course={course.root}", "--workers=2"]) == 0
    return course, path, sharp


@pytest.mark.slow
def test_a_sharper_check_and_a_file_that_keeps_what_is_in_it(graded, tmp_path, capsys):
    course, path, sharp = graded
    out = tmp_path / "changes.md"
    assert run(course, f"--out={out}") == 0
    assert "No grade changed (4 students)." in out.read_text()
    path.write_text(sharp)
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.find_grade("grade-1-1", "mini-1", "mini", "s2").manual_score = 2.5
        book.db.commit()
    before = grades(course)
    assert run(course, f"--out={out}") == 0
    text = out.read_text()
    assert text.startswith("## mini, ")
    assert "| s0 | 1.1 | 1 | 0 | numbers: ok → wrong" in text
    assert "| s2 | 1.1 | 2.5 | 2.5 | 2.5 points given by hand stay; the machine says 0, it said 1; numbers: ok → wrong" in text
    assert "Another grade: 1 of 4 students." in text
    after = grades(course)
    assert {name: before[name] - after[name] for name in after if before[name] != after[name]} == {"s0": 1.0}
    assert not list(course.root.glob(".regrade-*"))
    assert run(course, f"--out={out}") == 0
    assert out.read_text().startswith(text)


@pytest.mark.slow
def test_stopped_and_gone_on_with_it_misses_nothing(graded, tmp_path, capsys, monkeypatch):
    course, path, sharp = graded
    path.write_text(sharp)
    write, seen = session.Recorder.write, []

    def stop_after_two(recorder, result):
        write(recorder, result)
        seen.append(result.student)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(session.Recorder, "write", stop_after_two)
    out = tmp_path / "changes.md"
    assert run(course, f"--out={out}") == 130
    assert "still to be graded. Run it again to go on." in out.read_text()
    monkeypatch.setattr(session.Recorder, "write", write)
    first = len(out.read_text())
    assert run(course, f"--out={out}") == 0
    last = out.read_text()[first:]
    assert "| s0 | 1.1 | 1 | 0 |" in last
    assert "| s2 | 1.1 | 1 | 0 |" in last
    assert "Another grade: 2 of 4 students." in last


@pytest.mark.slow
def test_who_is_dropped_or_mistyped_is_named(graded, capsys):
    course, path, sharp = graded
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.remove_student("s3")
    path.write_text(sharp)
    assert run(course) == 0
    told = capsys.readouterr()
    assert "Skipped: s3 is not in the gradebook." in told.err
    assert "2 of 3 students" in told.out
    assert "s3" not in grades(course)
    assert run(course, "--student=s99") == 2
    assert "`--student` must be one of the 4 who have handed in mini, got 's99'" in capsys.readouterr().err


@pytest.mark.slow
def test_other_points_after_a_release_are_one_step_and_what_build_refuses_is_refused(graded, capsys):
    course, _, _ = graded
    text = course.manifest.read_text()
    course.manifest.write_text(text.replace('name = "composition"\npoints = 2', 'name = "composition"\npoints = 5'))
    before = grades(course)
    assert main(["grade", f"--course={course.root}"]) == 2  # its grades would be of the old points
    assert "other points than the release: 1.2 (3 in the gradebook, 6); run `graders regrade`" in capsys.readouterr().err
    assert main(["report", f"--course={course.root}", "--final"]) == 3
    assert "not graded as it is now: run `graders regrade`" in capsys.readouterr().err
    assert grades(course) == before
    assert run(course) == 0
    told = capsys.readouterr().out
    assert "| s1 | 1.2 | 3 | 6 | composition: worth 5 instead of 2 |" in told
    assert told.startswith(
        "The maximum has changed from 13 to 16 points (1.2 from 3 to 6). "
        "Students with other points: 4 of 4; with another percentage: 4 of 4.\n\n| student "
    )
    assert run(course) == 0
    assert capsys.readouterr().out.startswith("No grade changed (4 students).")
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        assert book.find_assignment("mini").max_score == 16.0
    source = course.source / "mini-1.py"
    source.write_text(source.read_text() + "\n# %%\nreturn 2 * x + 0 * x  # instructor's version of it\n")
    before = grades(course)
    assert run(course) == 2
    assert "the release is not fit to be handed out" in capsys.readouterr().err
    assert grades(course) == before


@pytest.mark.slow
def test_what_was_graded_by_hand_waits_again_only_if_the_answer_changed(graded, submit):
    course, path, sharp = graded
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        for name in ("s1", "s3"):
            grade = book.find_grade("written-1-W", "mini-1", "mini", name)
            grade.manual_score, grade.needs_manual_grade = 2.0, False
        book.db.commit()
    path.write_text(sharp)
    hand_in(course, "s3", submit(written_1_W="Because I say so."))
    assert run(course) == 0
    states = {name: found.state for name, found in snapshots(course, Settings.load(course.root), ["s1", "s3"]).items()}
    assert {name: state.cells["written-1-W"].waits for name, state in states.items()} == {"s1": False, "s3": True}
    assert {state.cells["written-1-W"].manual for state in states.values()} == {2.0}
    autograde(course, "s1")  # the other door
    assert not snapshots(course, Settings.load(course.root), ["s1"])["s1"].state.cells["written-1-W"].waits


@pytest.mark.slow
def test_called_from_python_it_leaves_its_journal_until_it_is_closed(graded):
    course, _, _ = graded
    done = regrade(course, workers=2, chosen=["s1"])
    assert done.journal.is_file()
    done.close()
    assert not done.journal.exists()
