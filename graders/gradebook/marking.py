"""A Jupyter server extension: formgrader's list shows each marker only the submissions assigned to that marker.

Switch it on with ``jupyter server extension enable graders.gradebook.marking``. The marker's name is
JupyterHub's name of the user, or the environment variable ``GRADERS_MARKER``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join
from nbgrader.server_extensions.formgrader import apihandlers, handlers
from tornado import web

from graders.gradebook.markers import own_students
from graders.lab.manifest import Course


class _Own:
    """Finds the students who are assigned to the marker that sends the request."""

    def own(self: Any, assignment: str, notebook: str) -> set[str] | None:
        name = os.environ.get("GRADERS_MARKER") or str(getattr(self.current_user, "username", ""))
        course = Course.load(Path(self.coursedir.root), assignment)
        students: set[str] | None = own_students(self.gradebook, course, notebook, name)
        return students


class OwnSubmissions(_Own, apihandlers.SubmittedNotebookCollectionHandler):  # type: ignore[misc]
    """The list of a notebook's submissions."""

    @web.authenticated
    @handlers.check_xsrf  # type: ignore[untyped-decorator]
    @handlers.check_notebook_dir  # type: ignore[untyped-decorator]
    def get(self, assignment_id: str, notebook_id: str) -> None:
        """Answer with the marker's own submissions, or with all if the user is no marker."""
        own = self.own(assignment_id, notebook_id)
        entries = self.api.get_notebook_submissions(assignment_id, notebook_id)
        self.write(json.dumps([entry for entry in entries if own is None or entry["student"] in own]))


class OwnNavigation(_Own, handlers.SubmissionNavigationHandler):  # type: ignore[misc]
    """The arrows to the next and the previous submission."""

    def _get_submission_ids(self, assignment_id: str, notebook_id: str) -> list[str]:
        own = self.own(assignment_id, notebook_id)
        notebooks = self.gradebook.notebook_submissions(notebook_id, assignment_id)
        there = self.api._filter_existing_notebooks(assignment_id, notebooks)
        here = self.request.path.rstrip("/").split("/")[-2]  # the open submission stays in the list
        return sorted(found.id for found in there if own is None or found.student.id in own or found.id == here)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "graders.gradebook.marking"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Answer before formgrader does: extensions are loaded in the order of their names, and the first answers."""
    base = server.web_app.settings["base_url"]
    routes = [
        (r"/formgrader/api/submitted_notebooks/([^/]+)/([^/]+)/?", OwnSubmissions),
        (rf"/formgrader/submissions/(?P<submission_id>[^/]+)/{handlers._navigation_regex}/?", OwnNavigation),
    ]
    server.web_app.add_handlers(".*$", [(url_path_join(base, pattern), handler) for pattern, handler in routes])
