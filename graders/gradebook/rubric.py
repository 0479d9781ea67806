"""Formgrader's page of a submission: the rubric beside each written answer, and what the student has asked about it."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat import NotebookNode
from traitlets import Unicode

from graders.gradebook.feedback_page import PageStep
from graders.gradebook.look_again import requests
from graders.gradebook.markers import marker_of
from graders.gradebook.nbgrader_api import gradebook
from graders.lab.manifest import Course
from graders.lab.percent import BEGIN, END, convert, grade_id


class Rubric(PageStep):
    """Put the key of each written answer after it, in formgrader only.

    It is configured for nbconvert's HTMLExporter, which formgrader uses as it is. The exporter of feedback pages
    inherits that; formgrader alone names a submission by its id.
    """

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Add cells that nothing saves: a page is made from a copy of the autograded notebook."""
        if "submission_id" not in resources or "nbgrader" in resources:
            return nb, resources
        course = Course.load(self.course or ".", resources["assignment_id"])
        spec = next((spec for spec in course.ready if spec.name == resources["notebook_id"]), None)
        if spec is None:
            return nb, resources
        ids = {item.id: item.cell for item in spec.written} | {e.id: e.grade_cell for e in spec.exercises}
        texts: dict[str, list[NotebookNode]] = {cell: [] for cell in ids.values()}
        for cell, text in written_keys(course, spec.name).items():
            texts[cell].append(_quoted(f"**Rubric** (staff only; it is in no feedback page)\n\n{text}", locked=True))
        student = resources["student"]
        with gradebook(course.root) as book:
            for request in requests(book, course.assignment):
                if request.open and request.student == student and request.exercise in ids:
                    head = f"**The student asks for another look at {request.exercise}:**"
                    texts[ids[request.exercise]].append(_quoted(f"{head} {request.note}", locked=False))
            for cell in texts:
                if marker := marker_of(book, course.assignment, student, cell):
                    texts[cell].append(_quoted(f"To be marked by {marker}.", locked=False))
        cells = []
        for cell in nb.cells:
            cells += [cell, *texts.get(grade_id(cell), [])]
        nb.cells = cells
        return nb, resources


def _quoted(text: str, *, locked: bool) -> NotebookNode:
    """A cell with a quotation; only if it is `locked`, :mod:`graders.gradebook.markup` takes it for the staff's own."""
    info = {"grade": False, "solution": False, "task": False, "locked": locked}
    source = "\n".join(f"> {line}" for line in text.splitlines())
    return nbformat.v4.new_markdown_cell(source, metadata={"nbgrader": info})


def written_keys(course: Course, notebook: str) -> dict[str, str]:
    """Return the keys of a notebook's written answers, with their rubrics, by grade_id."""
    spec = course.notebook(notebook)
    sources = {grade_id(cell): cell.source for cell in convert(course, spec).cells}
    return {
        item.cell: "\n".join(line for line in sources[item.cell].splitlines() if BEGIN not in line and END not in line)
        for item in spec.written
    }
