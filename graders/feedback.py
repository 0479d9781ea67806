"""Feedback pages by nbgrader, in which nothing that a student wrote or printed becomes markup."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from graders.feedback_page import FeedbackExporter as ReadableExporter
from graders.manifest import Course


class EscapeHtml(NbGraderPreprocessor):  # type: ignore[misc]
    """Make a notebook safe to show: plain text and pictures in outputs, no tags in a student's own text cells.

    It runs when a submission is autograded, for formgrader's pages, and again when feedback is made.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> Any:
        """Doing it twice changes nothing more."""
        info = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "data" in output:
                    output["data"] = {k: v for k, v in output["data"].items() if k in ("text/plain", "image/png")}
        elif info.get("solution") or not info.get("locked"):
            cell.source = cell.source.replace("<", "&lt;")
            cell.cell_type = "markdown"  # a raw cell would go into the page as it is
        cell.pop("attachments", None)
        return cell, resources


class FeedbackExporter(ReadableExporter):
    """The readable page, with the names of the exercises in its contents."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Return the page and its resources."""
        page, resources = super().from_notebook_node(nb, resources, **kwargs)
        course = Course.load(Path(self.course or "."))
        names = {exercise.grade_cell: f"Exercise {exercise.id}: {exercise.title}" for exercise in course.exercises()}

        def entry(match: re.Match[str]) -> str:
            return f'<a href="#{match[1]}">{html.escape(names.get(match[1], "Test cell"))}</a>'

        return re.sub(r'<a href="#([\w-]+)">Test cell</a>', entry, page), resources
