"""Feedback pages by nbgrader. Nothing that a student wrote or printed becomes markup."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import GenerateFeedback
from traitlets import Unicode

from graders.gradebook.feedback_page import PageStep, ReadableExporter
from graders.gradebook.files import submitted_timestamp
from graders.gradebook.fresh_pages import begin
from graders.gradebook.lateness import lateness_panel
from graders.gradebook.look_again import answers_panel
from graders.gradebook.nbgrader_api import course_of
from graders.gradebook.writing import RESULT
from graders.grading.folder import TIMESTAMP
from graders.grading.pictures import pictures
from graders.lab.manifest import Course, Exercise
from graders.lab.percent import grade_id
from graders.lab.templates import render
from graders.sandbox.outputs import SVG
from graders.status import Status

HINTS = Path(__file__).with_name("hints.html")
"""An exercise's hints, to be opened one by one. It is one line, because an empty line ends HTML in Markdown."""


class EscapeHtml(PageStep):
    """Make a notebook safe to show: plain text and pictures in outputs, no tags in a student's own text cells.

    It runs when a submission is autograded, for formgrader's pages, and again when feedback is made.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> Any:
        """Clean one cell. A second call changes nothing."""
        info = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "data" in output:
                    output["data"] = shown(output["data"])
        elif info.get("solution") or not info.get("locked"):
            cell.source = cell.source.replace("<", "&lt;")
            cell.cell_type = "markdown"  # a raw cell would go into the page as it is
        if "attachments" in cell:
            cell.attachments = pictures(cell.attachments)
        return cell, resources


_AS_PICTURE = '<img alt="figure drawn by this cell" src="data:{};base64,{}">'
_IS_PICTURE = re.compile(re.escape(_AS_PICTURE).replace(r"\{\}", "([A-Za-z0-9+/=]+)"))


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an output that a page may show; what nbconvert would write as markup becomes a picture."""
    kept = {kind: text for kind, text in data.items() if kind in ("text/plain", "image/png", "image/jpeg")}
    picture = data.get("text/html", "")
    for kind in ("image/gif", SVG):
        if isinstance(text := data.get(kind), str):
            encoded = text if kind != SVG else base64.b64encode(text.encode()).decode()
            picture = _AS_PICTURE.format(kind, encoded)
    if isinstance(picture, str) and (found := _IS_PICTURE.fullmatch(picture)) and found[1] in ("image/gif", SVG):
        kept["text/html"] = picture
    return kept


class Hints(PageStep):
    """Link every exercise that lost points to its hints, which stand at the end of the page, each folded up."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Add links and hints; their text comes from the manifest and the result, never from the student."""
        course = course_of(self.course, resources)
        cells, stuck = {grade_id(cell): cell for cell in nb.cells}, list[Exercise]()
        results = {entry["id"]: entry for entry in nb.metadata.get(RESULT, {}).get("exercises", [])}
        for exercise in course.exercises():
            entry, cell = results.get(exercise.id), cells.get(exercise.grade_cell)
            if entry is None or cell is None or entry["status"] == Status.OK.name or not exercise.hints:
                continue
            failed = [check["name"] for check in entry["checks"] if check["status"] != Status.OK.name]
            link = f'<a href="#hints-{exercise.slug}">hints for exercise {exercise.id}</a>'
            text = f"<p>Stuck on {html.escape(', '.join(failed))}? There are {link}.</p>"
            cell.outputs.append(nbformat.v4.new_output("display_data", data={"text/html": text}))
            stuck.append(exercise)
        if stuck:
            ours = {"nbgrader": {"locked": True, "solution": False}}  # no student's text: it keeps its addresses
            nb.cells.append(nbformat.v4.new_markdown_cell(render(HINTS, exercises=stuck), metadata=ours))
        return nb, resources


def make_releasable(folder: Path, course: Course, student: str) -> None:
    """Add the files without which ``nbgrader release_feedback`` stops for the whole class.

    A submission that did not come through nbgrader's exchange has no secret with which its student could fetch the
    pages, and perhaps no time. It gets a secret that nobody knows: send its pages in another way.
    """
    secret = hmac.new(course.secret, f"{course.assignment}/{student}".encode(), hashlib.sha256).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)  # nbgrader makes it for the first file that goes there
    for name, text in {"submission_secret.txt": secret, TIMESTAMP: ""}.items():
        path = folder / name
        if not path.exists():
            path.write_text(text, encoding="utf-8")


def named(page: str, course: Course, notebook: str) -> str:
    """Return nbgrader's page of a notebook with its title and the assignment in the page's title and heading."""
    title = next((f": {spec.title}" for spec in course.notebooks if spec.name == notebook), "")
    name = html.escape(f"{notebook}{title} – {course.assignment}, {course.title}")
    page = page.replace(f"<title>{notebook}</title>", f"<title>{name}</title>", 1)
    return page.replace(f"<h4>{notebook} (Score: ", f"<h4>{name} (Score: ", 1)


class FeedbackExporter(ReadableExporter):
    """The readable page: names of assignment and exercises, lateness, answers to requests for another look."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Return the page and its resources."""
        course = course_of(self.course, resources)
        page, resources = super().from_notebook_node(nb, resources, **kwargs)
        if isinstance(self.parent, GenerateFeedback):
            work = resources["nbgrader"]
            folder = self.parent._format_dest(work["assignment"], work["student"])
            make_releasable(Path(folder), course, work["student"])
        told = resources.get("nbgrader", {})
        panels = lateness_panel(told) + answers_panel(told, course)
        page = page.replace('<div id="toc">', f'{panels}<div id="toc">', 1)
        page = named(page, course, resources["nbgrader"]["notebook"])
        names = {exercise.grade_cell: f"Exercise {exercise.id}: {exercise.title}" for exercise in course.exercises()}

        def entry(match: re.Match[str]) -> str:
            return f'<a href="#{match[1]}">{html.escape(names.get(match[1], "Test cell"))}</a>'

        return re.sub(r'<a href="#([\w-]+)">Test cell</a>', entry, page), resources


# As with autograding (see doors): a configuration can choose nbgrader's exporter, but not which pages it makes anew.
GenerateFeedback.init_notebooks = begin
# Nor how formgrader reads times; the configuration imports this module wherever pages are made.
NbGraderAPI.get_submitted_timestamp = submitted_timestamp
