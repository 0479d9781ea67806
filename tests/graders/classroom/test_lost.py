"""Work that lies where nothing is graded is named at the end of each run and in the report, and is no 0 anywhere."""

from html import unescape

import pytest

from graders.commands.cli import main
from graders.gradebook.nbgrader_api import gradebook
from tests.graders.conftest import grade_class, hand_in, listed, nbgrader

pytestmark = pytest.mark.slow


def test_work_that_is_not_graded_is_named_by_each_door_and_in_the_report(course, submit, capsys, tmp_path):
    students = course.root / "submitted"
    hand_in(course, "right", submit())
    for place in ("zipped/mini/mini.zip", "loose/mini-1.ipynb", "upper/Mini/mini-1.ipynb"):
        (students / place).parent.mkdir(parents=True)
        (students / place).write_text("work")
    half = submit(ex_1_1="def double(x): return 3 * x")
    hand_in(course, "twice", half)
    hand_in(course, "twice", submit(), "mini-1 (1).ipynb")
    assert grade_class(course) == 3
    told = capsys.readouterr().err
    why = {
        "zipped": "mini.zip may be the work and was not graded",
        "loose": "mini-1.ipynb in submitted/loose/ is not in the folder mini",
        "upper": "submitted/upper/Mini is not graded",
    }
    for student, text in why.items():
        assert f"A person must look at {student}: " in told
        assert text in told
    assert "A person must look at right" not in told
    other = "twice: Other answers, not graded: mini-1 (1).ipynb; mini-1.ipynb is what counts."
    assert f"Attention: {other}" in told
    assert main(["report", f"--course={course.root}", "--final"]) == 3
    out = tmp_path / "report"
    assert main(["report", f"--course={course.root}", f"--out={out}"]) == 0
    assert f"Attention: {other}" in capsys.readouterr().err
    page = unescape((out / "class.html").read_text())
    assert all(text in page for text in [*why.values(), other.partition(": ")[2]])
    rows = {row["student"]: row for row in listed(out / "grades.csv")}
    for student, text in why.items():
        assert rows[student]["score"] == ""
        assert text in rows[student]["waits_for"]
    assert float(rows["right"]["score"]) > float(rows["twice"]["score"]) > 0
    assert sorted(path.name for path in (students / "upper").iterdir()) == ["Mini"]
    log = nbgrader("autograde", "mini", "--force", cwd=course.root, status=3)
    assert all(text in log for text in [*why.values(), other])


def test_a_student_beside_the_folder_is_named_where_nobody_has_handed_in(course, capsys):
    place = course.root / "submitted" / "upper" / "MINI"
    place.mkdir(parents=True)
    (place / "mini-1.ipynb").write_text("work")
    assert grade_class(course) == 3
    assert "A person must look at upper: " in capsys.readouterr().err
    assert main(["regrade", f"--course={course.root}"]) == 3
    assert "A person must look at upper: " in capsys.readouterr().err


def test_points_of_a_person_hold_for_what_was_there(course, capsys):
    place = course.root / "submitted" / "zipped" / "mini" / "mini.zip"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"work")
    assert grade_class(course) == 3
    with gradebook(course.root) as book:
        for grade in book.find_submission("mini", "zipped").notebooks[0].grades:
            grade.manual_score, grade.needs_manual_grade = 1.0, False
        book.db.commit()
    assert grade_class(course, "--no-since-change") == 0
    assert main(["report", f"--course={course.root}", f"--out={course.root / 'out'}", "--final"]) == 0
    place.write_bytes(b"other work")
    assert grade_class(course) == 3
