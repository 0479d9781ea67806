"""nbgrader's doors: read a submission whatever it is, grade it elsewhere, write what was found into its cells.

Named as dotted strings in ``course/nbgrader_config.py``. nbgrader, formgrader, feedback and export then work unchanged.
"""

from __future__ import annotations

import fnmatch
import glob
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import CaselessStrEnum, Float, Unicode

from graders.gradebook import marker
from graders.gradebook.files import SubmissionFolders, other_files, with_links
from graders.gradebook.writing import write_result
from graders.grading.canary import best_isolation
from graders.grading.grade import grade_repaired
from graders.grading.repair import Repaired
from graders.grading.submission import NOTHING, Beside, read_beside, read_files, read_notebook
from graders.lab.manifest import Course
from graders.sandbox.isolation import LADDER, Isolation, Limits
from graders.sandbox.libraries import View
from graders.sandbox.notebook import Host
from graders.status import Status

NOTES = "graders_repair"


class WholeSubmissions(Autograde):  # type: ignore[misc]
    """nbgrader's autograde, for which a submission is whatever is in its folder, as it is for ``graders grade``.

    A notebook that is missing is graded as missing, with a page that says so; one under a browser's name is found; a
    folder without notebooks is a submission; links lead nowhere; the folder is marked as graded.
    """

    course: Course
    mark: str
    files: Mapping[str, bytes]
    beside: Beside = NOTHING

    @classmethod
    def adopt(cls, converter: Autograde) -> None:
        """Turn nbgrader's converter, which has done nothing yet, into one of these."""
        converter.__class__ = cls
        plain = converter.coursedir
        converter.coursedir = SubmissionFolders(parent=converter, **plain.trait_values(config=True))
        converter.course = TrustedGrader(parent=converter).load_course(plain.assignment_id)
        converter.mark = marker.fingerprint(converter.course)

    def init_notebooks(self) -> None:
        """Find the submissions: folders, with notebooks or without."""
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        folders = [folder for folder in map(Path, glob.glob(pattern)) if folder.is_dir()]
        if not folders:
            _find_notebooks(self)  # which refuses, in nbgrader's words
        wanted = f"{self.coursedir.notebook_id}.ipynb"
        self.assignments = {str(folder): list(map(str, folder.glob(wanted))) for folder in folders}

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Read the submission, then do as nbgrader does with every notebook that it should have."""
        folder = Path(self._format_source(assignment_id, student_id))
        self.files, self.beside = read_files(folder), read_beside(folder)
        names = fnmatch.filter([spec.name for spec in self.course.ready], self.coursedir.notebook_id)
        self.notebooks = [str(folder / f"{name}.ipynb") for name in names]
        ignore = self.coursedir.ignore
        self.coursedir.ignore = with_links(folder, ignore)
        try:
            super().init_assignment(assignment_id, student_id)
        finally:
            self.coursedir.ignore = ignore

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Mark the submission as graded, as whole as it is, then do as nbgrader does."""
        if self.coursedir.notebook_id == "*":
            folder = Path(self._format_source(assignment_id, student_id))
            others = {str(path.relative_to(folder)): path for path in other_files(folder, self.coursedir.ignore)}
            digest = marker.digest_of({**self.files, **self.beside.files}, others, self.mark)
            with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
                target = Path(self._format_dest(assignment_id, student_id))
                marker.write_marker(target, digest, book, assignment_id, student_id)
        super().set_permissions(assignment_id, student_id)


_find_notebooks = Autograde.init_notebooks


def _begin(converter: Autograde) -> None:
    if issubclass(converter.exporter_class, RepairingExporter):
        WholeSubmissions.adopt(converter)
        converter.init_notebooks()
    else:
        _find_notebooks(converter)


# nbgrader looks for notebooks before it makes the one object that a configuration can choose, the exporter, and refuses
# where no folder has any. This is what it calls first; Autograde with another exporter is as it was.
Autograde.init_notebooks = _begin


class RepairingExporter(NotebookExporter):  # type: ignore[misc]
    """Read a submitted file through :mod:`graders.grading.repair`, so that no file can stop a batch."""

    _shared: tuple[str, Host, weakref.finalize[..., Any]] | None = None

    def host(self, student: str, limits: Limits, level: Isolation, course: Course) -> Host:
        """Return what provides workers to the notebooks of `student`, and to nobody else's; a new one ends the last."""
        if self._shared is None or self._shared[0] != student:
            if self._shared is not None:
                self._shared[2]()
            beside = self.parent.beside.files if isinstance(self.parent, WholeSubmissions) else None
            host = Host(limits, level, View(course.visible.parent, course.private), beside)
            self._shared = student, host, weakref.finalize(self, host.discard)  # where a run of nbgrader ends early
        return self._shared[1]

    def from_filename(self, filename: str, resources: dict[str, Any] | None = None, **kw: Any) -> Any:
        """Convert `filename`; a submission is mended first, what we wrote ourselves is only read."""
        door = self.parent
        if not isinstance(door, WholeSubmissions) or not door._sanitizing:
            return super().from_filename(filename, resources=resources, **kw)
        mended = read_notebook(door.files, door.course, Path(filename).stem, door.beside)
        mended.notebook.metadata[NOTES] = {
            "status": mended.status.name,
            "notes": mended.notes,
            "missing": sorted(mended.missing),
        }
        return self.from_notebook_node(mended.notebook, resources=resources, **kw)


class TrustedGrader(NbGraderPreprocessor):  # type: ignore[misc]
    """In the place of nbgrader's Execute: no student code runs in this process, or in one that can reach it."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)
    checks = Unicode("", help="Directory of the hidden checks; the course's own if empty.").tag(config=True)
    require_isolation = CaselessStrEnum(
        [level.name for level in LADDER], "RLIMITS", help="Refuse to grade with less than this."
    ).tag(config=True)
    cpu_seconds = Float(Limits.cpu, help="CPU time of one cell; a call gets at most 10 s.").tag(config=True)
    wall_seconds = Float(Limits.wall, help="Wall-clock time of one cell or call.").tag(config=True)

    @property
    def limits(self) -> Limits:
        """The bounds on a worker."""
        return Limits(cpu=self.cpu_seconds, wall=self.wall_seconds)

    @property
    def required(self) -> Isolation:
        """The least with which to grade."""
        return Isolation[self.require_isolation]

    def load_course(self, assignment: str) -> Course:
        """The course of `assignment`, with its configured checks."""
        root = Path(self.course or ".")
        return Course.load(root, assignment, root / self.checks if self.checks else None)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Grade `nb` and write outputs and points into it."""
        course = self.load_course(resources["nbgrader"]["assignment"])
        spec = course.notebook(resources["nbgrader"]["notebook"])
        told = nb.metadata.pop(NOTES, None) or {"status": "OK", "notes": [], "missing": []}
        mended = Repaired(nb, Status[told["status"]], list(told["notes"]), frozenset(told["missing"]))
        limits = self.limits
        level = best_isolation(self.required, limits)
        if level.degraded:
            self.log.warning(level.value)
        shares = isinstance(self.parent, RepairingExporter)  # starting a worker costs as much as grading a notebook
        host = self.parent.host(resources["nbgrader"]["student"], limits, level, course) if shares else None
        result = grade_repaired(mended, course, spec, limits=limits, level=level, host=host)
        if host is not None and spec.name == max(ready.name for ready in course.ready):
            host.discard()  # nbgrader takes notebooks by name: this was the student's last
        for exercise in result.exercises:
            self.log.info("%s: %g/%g %s", exercise.id, exercise.earned, exercise.points, exercise.status.label)
        write_result(nb, result)
        return nb, resources
