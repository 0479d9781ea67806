"""A class in which everybody but one cheats, breaks things or is awkward; graded for real, all at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import nbformat
import pytest

from graders.gradebook import nbgrader_api
from graders.gradebook.writing import read_result
from graders.sandbox.machine import chromium
from graders.status import Status
from tests.graders.conftest import autograde, grade_class, hand_in
from tests.graders.hostile import BAD, BLIND, CODE, NOTEBOOKS, blind, by_code, corpus, hand_in_case, slug

pytestmark = pytest.mark.slow


def snapshot(course):
    """Digests of all that nobody may change."""
    kept = [course.checks, course.root / "source", course.root / "submitted", course.root / "release"]
    files = [path for root in kept for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    files += [course.root / "nbgrader_config.py", course.manifest]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_class_of_cheats_and_accidents(course, submit, capsys):
    cases = {slug(name): case for name, case in corpus(submit).items()}
    for student, case in cases.items():
        hand_in_case(course.root, student, case)
    before = snapshot(course)

    assert grade_class(course, "--workers=2", "--cpu=1", "--wall=12") == 3  # for the files that cannot be read

    assert snapshot(course) == before
    problems, told = [], {}
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        scores = {
            (s.student.id, grade.name): grade.auto_score
            for s in book.assignment_submissions("mini")
            for notebook in s.notebooks
            for grade in notebook.grades
        }
    for student, case in cases.items():
        points, label = case.points, case.label
        result = read_result(course.root / "autograded" / student / "mini" / "mini-1.ipynb")
        told[student] = result
        status = Status[result["exercises"][0]["status"]]
        if status is Status.UNREADABLE:
            points = None  # no 0: a person must look
        if scores.get((student, "grade-1-1")) != points or status is Status.GRADER:
            problems.append(f"{student}: {scores.get((student, 'grade-1-1'))} points, not {points}; {status.name}")
        if (label is None and status is Status.OK) or (label is not None and status.label != label):
            problems.append(f"{student}: {status.label!r}, not {label!r}: {result['exercises'][0]['message'][:200]}")
    assert not problems, "\n".join(problems)
    honest = [student for student, case in cases.items() if case.honest]
    assert len(honest) >= 5
    for student in honest:
        total = sum(scores[student, f"grade-1-{k}"] for k in (1, 2, 3, 4))
        assert total == 10, (student, told[student])
    assert "mini-1 (1).ipynb was taken" in told["renamed-by-a-browser"]["notes"][0]
    assert "was taken for mini-1.ipynb" in told["another-name"]["notes"][0]
    text = "".join(path.read_text() for path in (course.root / "autograded").glob("*/mini/*.ipynb"))
    assert text.count("FOUND []") >= 2
    assert "FOUND ['" not in text
    assert "WROTE" not in text
    assert "test_numbers" not in text
    for secret in (course.secret.decode(), str(course.root)):
        assert secret not in text
    for cheat in map(slug, CODE):  # the others hand in the key, in which these words are
        assert "instructor's version" not in (course.root / "autograded" / cheat / "mini" / "mini-1.ipynb").read_text()


def test_a_class_of_blind_attacks(course, submit):
    cases = {slug(name): case for name, case in blind(submit).items()}
    assert len(cases) == len(BLIND) >= 60
    honest = ("aaa", "mmm", "zzz")
    for student in honest:
        hand_in(course, student, submit())
    for student, case in cases.items():
        hand_in_case(course.root, student, case)
    before = snapshot(course)

    assert grade_class(course, "--workers=2", "--cpu=1.0", "--wall=12.0") == 0

    assert snapshot(course) == before
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        scores = {
            (s.student.id, grade.name): grade.auto_score
            for s in book.assignment_submissions("mini")
            for notebook in s.notebooks
            for grade in notebook.grades
        }
    found = {student: scores.get((student, "grade-1-1")) for student in (*honest, *cases)}
    assert found == dict.fromkeys(honest, 3) | {student: case.points for student, case in cases.items()}
    for student in (*honest, *(student for student, case in cases.items() if case.honest)):
        assert sum(scores[student, f"grade-1-{k}"] for k in (1, 2, 3, 4)) == 10, student
    text = "".join(path.read_text() for path in (course.root / "autograded").glob("*/mini/*.ipynb"))
    for secret in (course.secret.decode(), str(course.root), "test_numbers"):
        assert secret not in text
    assert not list(Path("/tmp").glob("pwned-*"))


def test_nothing_of_one_submission_reaches_the_next(grade, submit):
    before = grade(submit(ex_1_1=BAD)).summary()
    grade(submit(ex_1_1=CODE["leaves startup files"][0]))
    after = grade(submit(ex_1_1=BAD)).summary()
    for summary in (before, after):
        del summary["seconds"], summary["memory"]
    assert before == after


@pytest.mark.needs("chromium")
def test_pages_with_hostile_content_run_no_script(course, submit):
    from playwright.sync_api import sync_playwright

    hand_in(course, "eve", NOTEBOOKS["markup everywhere"](submit))
    hand_in(course, "mal", by_code(submit, CODE["marks up its messages"][0]))
    pages = []
    for student in ("eve", "mal"):
        autograde(course, student)
        nbgrader_api.feedback(course, student)
        pages.append(course.root / "feedback" / student / "mini" / "mini-1.html")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for path in pages:
            page = browser.new_page()
            dialogs = []
            page.on("dialog", lambda dialog, seen=dialogs: seen.append(dialog.message))
            page.route("http*://**", lambda route: route.abort())
            page.goto(path.as_uri(), wait_until="load")
            assert page.evaluate("window.pwned") is None
            assert not dialogs
            assert page.locator("text=not right yet").count() or page.locator("text=raised").count()
            assert "test_numbers" not in page.content()
            hint = page.locator("h3#hints-1-1 + details")
            assert not hint.locator("p").is_visible()
            page.locator("a[href='#hints-1-1']").click()
            hint.locator("summary").click()
            assert hint.locator("p").inner_text() == "Multiply."
        browser.close()


def test_formgrader_gets_no_markup_either(course, submit):
    hand_in(course, "eve", NOTEBOOKS["markup everywhere"](submit))
    autograde(course, "eve")
    notebook = nbformat.read(course.root / "autograded" / "eve" / "mini" / "mini-1.ipynb", as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type != "code"]
    assert any("&lt;" in text for text in texts)
    assert not any("<" in text for text in texts)
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any(shown)
    assert not any("text/html" in data for data in shown)
