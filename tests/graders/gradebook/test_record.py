"""What writing a submission into the gradebook costs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import event

from graders.gradebook.penalties import SubmissionPenalty
from graders.gradebook.record import rows, write_rows
from graders.grading.submission import Graded, Rows, SubmissionResult


@pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own
def test_no_row_asks_the_gradebook_for_its_cell_by_itself(tmp_path):
    """A class of hundreds is written by one process: each statement counts."""
    url = f"sqlite:///{tmp_path}/gradebook.db"
    names, asked = [f"cell-{k}" for k in range(40)], list[str]()
    with Gradebook(url) as book:
        book.add_assignment("lab")
        book.add_notebook("lab-1", "lab")
        for name in names:
            book.add_grade_cell(name, "lab-1", "lab", max_score=2.0, cell_type="code")
        scores = Rows(scores=dict.fromkeys(names, 1.5), comments={}, answers=dict.fromkeys(names, "digest"))
        result = SubmissionResult("ada", "digest", {"lab-1": Graded("", None, scores)}, None, 0.0)
        course = SimpleNamespace(assignment="lab", ready=[SimpleNamespace(name="lab-1")])
        event.listen(book.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        write_rows(book, SubmissionPenalty(), result, course)
    assert sum("FROM base_cell" in text and "WHERE base_cell.id" in text for text in asked) < len(names) / 4
    assert sum("INSERT INTO graders_note" in text for text in asked) == 1
    assert [row[5] for row in rows(url)] == [1.5] * len(names)
