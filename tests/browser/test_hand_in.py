"""From the browser's downloads folder to the gradebook, by nbgrader itself."""

from __future__ import annotations

import pytest
from nbgrader.api import Gradebook

from sheaflab.startup import own_programs_first
from tests.browser.conftest import COURSE, NOTEBOOKS, STUDENT


@pytest.fixture(scope="session")
def marks(course_root) -> dict[str, float]:
    """The student's points by grade_id, as the gradebook has them."""
    own_programs_first()  # opening a gradebook starts the program `alembic`
    with Gradebook(f"sqlite:///{course_root / 'gradebook.db'}") as gradebook:
        notebooks = gradebook.find_submission(COURSE.assignment, STUDENT).notebooks
        return {grade.name: grade.auto_score for notebook in notebooks for grade in notebook.grades}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_key_typed_in_the_browser_gets_full_marks(marks, name):
    exercises = COURSE.notebook(name).exercises
    assert {e.id: marks[e.grade_cell] for e in exercises} == {e.id: e.points for e in exercises}


def test_there_is_a_feedback_page_for_each(course_root):
    pages = sorted(path.stem for path in (course_root / "feedback" / STUDENT / COURSE.assignment).glob("*.html"))
    assert pages == sorted(NOTEBOOKS)
