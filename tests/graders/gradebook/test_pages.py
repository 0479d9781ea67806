"""A graded notebook as a file: what nbformat reads from it, and how it stands there."""

from __future__ import annotations

import nbformat
import pytest

from graders.gradebook.apart import Job, grade_submission, undecided
from graders.grading.canary import best_isolation
from tests.graders.conftest import SHORT


@pytest.mark.slow
def test_a_graded_notebook_is_one_line_that_is_read_as_nbformat_s_own_writer_has_it(course, submit):
    raw = nbformat.writes(submit()).encode()
    job = Job.of(course, "ada", {"mini-1.ipynb": raw}, "digest", SHORT, best_isolation(limits=SHORT))
    for result in (grade_submission(job), undecided(job, "zu spät – 1\u2028½")):
        text = result.notebooks["mini-1"].text
        notebook = nbformat.reads(text, 4)
        nbformat.validate(notebook)
        assert "\n" not in text
        assert nbformat.reads(nbformat.writes(notebook), 4) == notebook
    assert "zu spät" in text
