"""One submission is one fault domain: what ends the process that grades it is its own status, and the class goes on."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import AutogradeApp
from sqlalchemy.exc import OperationalError

from graders.classroom import batch, similar
from graders.commands.cli import main
from graders.gradebook import apart, doors, marker, nbgrader_api, record
from graders.gradebook.writing import read_result
from graders.grading import submission
from graders.grading.canary import best_isolation
from graders.sandbox.isolation import IsolationError, Limits
from graders.status import Status
from tests.graders.conftest import hand_in, listed
from tests.graders.hostile import corpus, hand_in_case, slug

pytestmark = pytest.mark.slow


def graded_or_dead(job):
    """In the place of the grader: it dies of one student's work."""
    if job.student == "eve":
        os.kill(os.getpid(), signal.SIGKILL)
    return REAL(job)


def graded_or_broken(job):
    if job.student == "eve":
        raise ValueError("a fault of ours")
    return REAL(job)


def machine_fails(job):
    if job.student == "eve":
        raise IsolationError("no level today")
    return REAL(job)


def by_graders(course):
    return main(["grade", f"--course={course.root}", "--workers=2"])


def by_regrade(course):
    return main(["regrade", f"--course={course.root}", "--workers=2"])


def by_nbgrader(course):
    """`nbgrader autograde` in this process."""
    with contextlib.chdir(course.root), nbgrader_api.quiet():
        app = AutogradeApp()
        app.initialize([course.assignment, "--force"])
        try:
            app.start()
        except SystemExit as end:
            return end.code
    return 0


def waits_for_a_person(course, student):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        found = book.find_submission("mini", student)
        grades = [g for n in found.notebooks for g in n.grades if g.name.startswith("grade-")]
        assert grades
        assert found.needs_manual_grade
        return all(grade.auto_score is None and grade.needs_manual_grade for grade in grades)


def decide(course):
    """As a person does in formgrader: give points for all that waits."""
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        for found in book.assignment_submissions("mini"):
            for notebook in found.notebooks:
                assert {comment.auto_comment for comment in notebook.comments} == {None}
                for grade in notebook.grades:
                    if grade.needs_manual_grade:
                        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()


def scores(course):
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        return {s.student.id: s.score for s in book.assignment_submissions("mini")}


REAL = apart.grade_submission


@pytest.mark.parametrize("door", [by_graders, by_nbgrader])
@pytest.mark.parametrize(
    ("grader", "reason"),
    [
        (graded_or_dead, "signal 9"),
        (graded_or_broken, "ValueError: a fault of ours"),
        (machine_fails, "the machine did not work as it should: no level today"),
    ],
)
def test_what_ends_the_grader_of_one_is_its_status_and_waits_for_a_person(
    course, submit, monkeypatch, caplog, capsys, grader, reason, door
):
    for student in ("ada", "eve", "zoe"):
        hand_in(course, student, submit())
    monkeypatch.setattr(apart, "grade_submission", grader)
    assert door(course) == 3
    said = capsys.readouterr().err + caplog.text
    assert "A person must look at eve" in said
    assert reason in said
    assert scores(course) == {"ada": 10, "eve": 0, "zoe": 10}
    assert waits_for_a_person(course, "eve")
    told = read_result(course.root / "autograded" / "eve" / "mini" / "mini-1.ipynb")
    assert {exercise["status"] for exercise in told["exercises"]} == {Status.GRADER.name}
    out = course.root / "report"
    assert main(["report", f"--course={course.root}", f"--out={out}"]) == 0
    told = capsys.readouterr().err
    assert "exercise 1.1 to grade by hand, or by machine again: this submission could not be graded" in told
    assert "written answer 1.W to grade by hand" in told.split("eve: ")[1].splitlines()[0]
    assert reason in (out / "class.html").read_text()
    with (out / "canvas.csv").open(newline="") as file:
        assert {line["Student"]: line["A small course (not final)"] for line in csv.DictReader(file)}["eve"] == ""
    monkeypatch.setattr(apart, "grade_submission", REAL)  # mended
    assert door(course) == 0
    if door is by_graders:
        assert "1 of 3 submissions graded" in capsys.readouterr().out
    assert scores(course) == dict.fromkeys(("ada", "eve", "zoe"), 10)


@pytest.mark.parametrize("door", [by_graders, by_nbgrader])
def test_a_person_s_points_for_what_no_machine_could_grade_are_final_until_another_submission(
    course, submit, monkeypatch, capsys, door
):
    for student in ("ada", "eve"):
        hand_in(course, student, submit())
    monkeypatch.setattr(apart, "grade_submission", graded_or_dead)
    assert door(course) == 3
    decide(course)
    final = ["report", "--final", f"--course={course.root}", f"--out={course.root / 'report'}"]
    assert main(final) == 0
    assert by_graders(course) == 0
    assert "0 of 2 submissions graded" in capsys.readouterr().out
    hand_in(course, "eve", submit(ex_1_1="pass"))
    assert main(final) == 3
    assert door(course) == 3
    assert main(final) == 3
    assert waits_for_a_person(course, "eve")


@pytest.mark.parametrize("door", [by_graders, by_nbgrader])
def test_a_file_that_cannot_be_read_waits_for_a_person_who_decides_once(course, submit, caplog, capsys, door):
    hand_in(course, "ada", submit())
    path = hand_in(course, "eve", nbformat.writes(submit()).encode()[:-200])
    assert door(course) == 3
    said = capsys.readouterr().err + caplog.text
    assert "A person must look at eve: mini-1.ipynb: the file is not JSON" in said
    assert "a notebook whose end is missing" in said
    assert "look at ada" not in said
    assert waits_for_a_person(course, "eve")
    final = ["report", "--final", f"--course={course.root}", f"--out={course.root / 'report'}"]
    decide(course)
    assert main(final) == 0
    path.write_bytes(b"")
    assert main(final) == 3
    assert door(course) == 3
    capsys.readouterr()
    assert main(final) == 3
    told = capsys.readouterr().err.split("eve: ")[1].splitlines()[0]
    assert told.count("it is an empty file") == 1  # once, for all exercises
    assert "exercise 1.1 to grade by hand, or by machine again: the file is not JSON" in told
    assert "written answer 1.W to grade by hand" in told
    decide(course)
    assert by_graders(course) == 0
    assert main(["regrade", f"--course={course.root}", "--workers=2"]) == 0  # the same file: a person has decided
    assert main(final) == 0


@pytest.mark.parametrize("door", [by_graders, by_nbgrader])
def test_who_was_removed_stays_removed_unless_named(course, submit, caplog, capsys, door):
    for student in ("ada", "eve"):
        hand_in(course, student, submit())
    assert by_graders(course) == 0
    assert "2 of 2 submissions graded.\n" in capsys.readouterr().out  # there are no others
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.remove_student("eve")
    assert door(course) == 0
    told = capsys.readouterr().err + caplog.text
    assert "Skipped: eve is not in the gradebook. To have the student back, run `graders grade --student eve`; " in told
    assert "otherwise move submitted/eve, autograded/eve and feedback/eve out of the course" in told
    assert set(scores(course)) == {"ada"}
    assert main(["report", f"--course={course.root}", f"--out={course.root / 'report'}"]) == 0
    assert "1 student, all have handed in: " in capsys.readouterr().out
    assert main(["grade", f"--course={course.root}", "--student=eve"]) == 0
    assert set(scores(course)) == {"ada", "eve"}


def test_the_process_that_serves_the_class_decodes_nothing(course, submit, monkeypatch):
    hand_in(course, "ada", submit())
    job = batch.read_job(course, "ada", "", Limits(), best_isolation())

    def here(*_):
        raise AssertionError("decoded by the process that serves the class")

    monkeypatch.setattr("graders.grading.submission.repair", here)
    with ThreadPoolExecutor(1) as pool:
        assert next(batch.run_jobs(iter([job]), pool, 1)).earned == 10


def test_a_machine_that_still_fails_afterwards_stops_the_class_and_blames_nobody(course, submit, monkeypatch, capsys):
    hand_in(course, "eve", submit())
    monkeypatch.setattr(apart, "grade_submission", machine_fails)
    monkeypatch.setattr(
        "graders.grading.canary.trial", lambda *_, **options: "" if options.get("loop", True) else "ill"
    )
    assert main(["grade", f"--course={course.root}"]) == 2
    assert "no level today" in capsys.readouterr().err
    assert scores(course) == {}


def full_disk(*_, **__):
    raise OSError(28, "No space left on device")


def locked(*_, **__):
    raise OperationalError("INSERT", {}, Exception("database is locked"))


def too_long(*_, **__):
    raise OSError(36, "File name too long\nand more")


@pytest.mark.parametrize(
    ("door", "where"),
    [
        (by_graders, (record, "write_rows")),
        (by_graders, (marker, "write_marker")),
        (by_nbgrader, (doors.WholeSubmissions, "write_single_notebook")),
        (by_nbgrader, (doors, "write_rows")),
        (by_nbgrader, (marker, "write_marker")),
    ],
)
def test_what_cannot_be_written_waits_for_a_person_at_both_doors(course, submit, caplog, capsys, monkeypatch, door, where):
    hand_in(course, "eve", submit())
    with monkeypatch.context() as full:
        full.setattr(*where, too_long)
        assert door(course) == 3
    said = capsys.readouterr().err + caplog.text
    assert "A person must look at eve: it cannot be written: [Errno 36] File name too long" in said
    assert "and more" not in said
    assert not (course.root / "autograded" / "eve" / "mini").exists()
    assert door(course) == 0
    assert scores(course) == {"eve": 10}


@pytest.mark.parametrize("fault", [full_disk, locked])
@pytest.mark.parametrize(
    ("door", "owner"), [(by_graders, record), (by_regrade, record), (by_nbgrader, doors)], ids=["grade", "regrade", "doors"]
)
def test_a_full_disk_or_a_locked_gradebook_is_no_students_affair(
    course, submit, caplog, capsys, monkeypatch, door, owner, fault
):
    for student in ("ada", "eve"):
        hand_in(course, student, submit())
    if door is by_regrade:
        assert by_graders(course) == 0
    with monkeypatch.context() as failing:
        failing.setattr(owner, "write_rows", fault)
        assert door(course) not in (0, 3)
    said = capsys.readouterr().err + caplog.text
    assert "A person must look" not in said
    if fault is locked and door is not by_nbgrader:
        command = "graders regrade" if door is by_regrade else "graders grade"
        why = "the gradebook cannot be read or written ((builtins.Exception) database is locked); "
        assert f"\n{command}: {why}" in f"\n{said}"
    assert door(course) == 0
    assert scores(course) == {"ada": 10, "eve": 10}


@pytest.mark.parametrize("door", [by_graders, by_nbgrader])
def test_names_that_are_no_text_are_told_and_the_class_goes_on(course, submit, caplog, capsys, door):
    hand_in(course, "ada", submit())
    hand_in(course, "zoe", submit(), name=os.fsdecode(b"\xff.ipynb"))
    hand_in(course, os.fsdecode(b"Andr\xe9"), submit())
    assert door(course) == 3
    assert "not UTF-8" in capsys.readouterr().err + caplog.text
    assert scores(course) == {"ada": 10, "zoe": 10}  # her file is known by the marks of its cells
    assert main(["report", f"--course={course.root}", f"--out={course.root / 'report'}"]) == 0
    found = listed(course.root / "report" / "grades.csv")
    assert {row["student"] for row in found} == {"ada", "zoe", r"'Andr\udce9'"}
    assert "not UTF-8" in capsys.readouterr().err
    told = read_result(course.root / "autograded" / "zoe" / "mini" / "mini-1.ipynb")
    assert told["status"] == Status.OK.name
    assert "was taken for mini-1.ipynb" in told["notes"][0]


@pytest.mark.parametrize("door", [by_graders, by_nbgrader])
def test_what_is_read_of_a_submission_is_bounded(course, submit, monkeypatch, door):
    hand_in(course, "ada", submit())
    for k in range(300):
        hand_in(course, "ada", b"{}", name=f"notes-of-mine-{k}.ipynb")
    with hand_in(course, "eve", b"", name="mini-1.ipynb").open("r+b") as file:
        file.truncate(2**40)  # sparse
    assert door(course) == 3
    assert scores(course) == {"ada": 10, "eve": 0}
    told = read_result(course.root / "autograded" / "eve" / "mini" / "mini-1.ipynb")
    assert told["status"] == Status.UNREADABLE.name
    assert "96 MB allowed" in told["notes"][0]


def test_files_that_are_large_together_are_not_all_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "MAX_TOGETHER", 100)
    for name in ("b.ipynb", "a.ipynb", "longer.ipynb", "timestamp.txt"):
        (tmp_path / name).write_bytes(bytes(60))
    found = submission.read_files(tmp_path)
    assert {name: raw and len(raw) for name, raw in found.items()} == {
        "a.ipynb": 60, "b.ipynb": None, "longer.ipynb": None, "timestamp.txt": 60
    }  # fmt: skip


ONCE_STOPPED = (
    "tells of its end in words",
    "an empty array of endless lengths",
    "half a surrogate pair in a message",
    "half a surrogate pair in an output",
    "a quarter of a billion truth values",
    "keys of one hash",
    "imports a name of forty thousand parts",
    "sixty cells that show four megabytes",
    "millions of empty lists",
)


def test_what_once_stopped_or_starved_a_class_does_neither_at_the_other_door(course, submit):
    """By `graders grade` the whole corpus goes, in tests/graders/sandbox/test_hostile.py."""
    cases = corpus(submit)
    for name in ONCE_STOPPED:
        hand_in_case(course.root, slug(name), cases[name])
    for student in ("ada", "zoe"):
        (hand_in(course, student, submit()).parent / "timestamp.txt").write_text("9" * 30 + "h")
    assert by_nbgrader(course) == 3  # of the lists no machine can say more
    found = scores(course)
    assert found.pop("ada") == found.pop("zoe") == 10
    assert set(found) == set(map(slug, ONCE_STOPPED))
    for student in found:
        told = read_result(course.root / "autograded" / student / "mini" / "mini-1.ipynb")
        assert told["exercises"][0]["status"] not in (Status.OK.name, Status.GRADER.name), student
    sizes = [path.stat().st_size for path in (course.root / "autograded").rglob("*.ipynb")]
    assert max(sizes) < 24 * 2**20


HOSTILE_TIMES = {
    "path": b"2026-11-20 10:00:00 Europe/../../etc/passwd",
    "long": b"2026-11-20 10:00:00 " + b"A" * 3000,
    "half": b"2026-11-20 10:00:00 \xed\xa0\x80",
    "year": b"99999-01-01 00:00:00 UTC",
    "digits": b"9" * 2**20,
}


@pytest.mark.parametrize("door", [by_graders, by_nbgrader, by_regrade])
def test_a_time_that_nobody_can_read_is_one_student_s_affair(course, submit, caplog, capsys, door):
    for student in ("ada", *HOSTILE_TIMES, "zoe"):
        hand_in(course, student, submit())
    if door is by_regrade:
        assert by_graders(course) == 0
        capsys.readouterr()
    for student, raw in HOSTILE_TIMES.items():
        (course.root / "submitted" / student / "mini" / "timestamp.txt").write_bytes(raw)
    assert door(course) == 0
    said = capsys.readouterr().err + caplog.text
    for student in HOSTILE_TIMES:
        assert f"{student}/mini/timestamp.txt is no time" in said
    assert scores(course) == dict.fromkeys(("ada", *HOSTILE_TIMES, "zoe"), 10)
    api = nbgrader_api.api(course.root)  # as formgrader's list of submissions has it
    assert api.get_autograded_students("mini") == {"ada", *HOSTILE_TIMES, "zoe"}


class Fault(Exception):
    """Of no kind that anybody expects."""


def of_eve(method, argument=0):
    def fails(*arguments, **options):
        if "eve" in Path(getattr(arguments[argument], "student", arguments[argument])).parts:
            raise Fault("out of order")
        return method(*arguments, **options)

    return fails


@pytest.mark.parametrize(
    ("owner", "name", "argument"),
    [
        (record.Recorder, "refusal", 1),
        (marker, "read_files", 0),
        (record.Recorder, "is_done", 1),
        (record.Recorder, "write", 1),
        (record, "write_rows", 2),
    ],
)
@pytest.mark.parametrize("door", [by_graders, by_regrade])
def test_whatever_fails_around_the_grading_of_one_is_that_ones_affair(
    course, submit, monkeypatch, capsys, door, owner, name, argument
):
    for student in ("ada", "eve", "zoe"):
        hand_in(course, student, submit())
    if door is by_regrade:
        assert by_graders(course) == 0
    monkeypatch.setattr(owner, name, of_eve(getattr(owner, name), argument))
    untouched = door is by_regrade and name == "is_done"  # a regrade does not ask
    assert door(course) == (0 if untouched else 3)
    said = capsys.readouterr().err
    assert untouched or ("A person must look at eve: " in said and "out of order" in said)
    assert {name: score for name, score in scores(course).items() if name != "eve"} == {"ada": 10, "zoe": 10}
    monkeypatch.undo()
    assert door(course) == 0
    assert scores(course) == dict.fromkeys(("ada", "eve", "zoe"), 10)


@pytest.mark.parametrize(
    ("owner", "name", "argument"), [(marker, "read_files", 0), (doors, "with_links", 0), (doors, "write_rows", 2)]
)
def test_whatever_fails_around_the_grading_of_one_is_that_ones_affair_by_nbgrader(
    course, submit, monkeypatch, caplog, capsys, owner, name, argument
):
    for student in ("ada", "eve", "zoe"):
        hand_in(course, student, submit())
    monkeypatch.setattr(owner, name, of_eve(getattr(owner, name), argument))
    assert by_nbgrader(course) == 3
    said = capsys.readouterr().err + caplog.text
    assert "A person must look at eve: " in said
    assert "out of order" in said
    found = scores(course)
    assert (found["ada"], found["zoe"]) == (10, 10)
    monkeypatch.undo()
    assert by_nbgrader(course) == 0
    assert scores(course) == dict.fromkeys(("ada", "eve", "zoe"), 10)


def test_a_person_is_told_of_the_work_of_one_whose_thread_fails(course, submit, monkeypatch, capsys):
    for student in ("ada", "eve", "zoe"):
        hand_in(course, student, submit())
    monkeypatch.setattr(apart, "grade_apart", of_eve(apart.grade_apart))
    assert by_graders(course) == 3
    assert "A person must look at eve: " in (said := capsys.readouterr().err)
    assert "Fault: out of order" in said
    assert scores(course) == {"ada": 10, "eve": 0, "zoe": 10}
    assert waits_for_a_person(course, "eve")


def shapes_or_dead(course, student):
    if student == "eve":
        os.kill(os.getpid(), signal.SIGKILL)
    return SHAPES(course, student)


SHAPES = similar.shapes


def test_solutions_are_compared_without_one_that_ends_its_reader(course, submit, monkeypatch, capsys):
    body = "def double(x):\n" + "".join(f"    y = [x + {k}, x * {k}, (x, {k})]\n" for k in range(12)) + "    return 2 * x"
    for student in ("ada", "eve", "zoe"):
        hand_in(course, student, submit(ex_1_1=body.replace("y", f"of_{student}")))
    assert main(["similar", f"--course={course.root}"]) == 0
    assert "1.1   100%  ada eve zoe" in capsys.readouterr().out
    monkeypatch.setattr(similar, "shapes", shapes_or_dead)
    assert main(["similar", f"--course={course.root}"]) == 3
    told = capsys.readouterr()
    assert "1.1   100%  ada zoe" in told.out
    assert "A person must look at eve" in told.err
