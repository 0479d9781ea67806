"""nbgrader's doors: a submission is whatever was handed in; it is graded elsewhere, and what was found is written.

Named as dotted strings in ``course/nbgrader_config.py``. nbgrader, formgrader, feedback and export then work unchanged.
"""

from __future__ import annotations

import fnmatch
import glob
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from traitlets import CaselessStrEnum, Float, Unicode
from traitlets.config import LoggingConfigurable

from graders.gradebook import apart, marker
from graders.gradebook.files import NO_TEXT, SubmissionFolders, other_files, shown, with_links
from graders.gradebook.penalties import SubmissionPenalty
from graders.gradebook.record import write_rows
from graders.grading.canary import best_isolation
from graders.grading.domain import close_here, prepare
from graders.grading.submission import SubmissionResult, read_files
from graders.lab.manifest import Course
from graders.sandbox.isolation import LADDER, Isolation, Limits

A_PERSON_MUST_LOOK = 3
"""Exit status of a run that has graded everything it could."""


class TrustedGrader(LoggingConfigurable):  # type: ignore[misc]
    """What a course's configuration says about grading."""

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


class WholeSubmissions(Autograde):  # type: ignore[misc]
    """nbgrader's autograde, for which a submission is whatever is in its folder, as it is for ``graders grade``.

    nbgrader finds submissions, decides which of them are to be graded, copies the files beside the notebooks and goes
    on to the next submission; between these steps one is graded as a whole, in a process of its own, and written. A
    notebook that is missing is graded as missing, with a page that says so; one under a browser's name is found; a
    folder without notebooks is a submission; links lead nowhere; the folder is marked as graded.
    """

    course: Course
    mark: str
    limits: Limits
    level: Isolation
    result: SubmissionResult
    undecided: dict[str, str]

    @classmethod
    def adopt(cls, converter: Autograde) -> None:
        """Turn nbgrader's converter, which has done nothing yet, into one of these."""
        converter.__class__ = cls
        plain = converter.coursedir
        converter.coursedir = SubmissionFolders(parent=converter, **plain.trait_values(config=True))
        grader = TrustedGrader(parent=converter)
        converter.course, converter.undecided = grader.load_course(plain.assignment_id), {}
        converter.mark = marker.fingerprint(converter.course)
        converter.limits, converter.level = grader.limits, best_isolation(grader.required, grader.limits)

    def init_notebooks(self) -> None:
        """Find the submissions: folders, with notebooks or without."""
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        folders = [folder for folder in glob.glob(pattern) if Path(folder).is_dir()]
        if not folders:
            _find_notebooks(self)  # which refuses, in nbgrader's words
        named: dict[str, list[str]] = {folder: [] for folder in folders if folder == shown(folder)}
        self.assignments = named
        for folder in set(folders) - named.keys():
            self.undecided[shown(folder)] = NO_TEXT

    def convert_notebooks(self) -> None:
        """Do as nbgrader does; end with those whom a person must look at, and with status 3 if there are any."""
        if self.level.degraded:
            self.log.warning(self.level.value)
        prepare(apart.__name__)
        try:
            super().convert_notebooks()
        finally:
            close_here()
            for student, why in self.undecided.items():
                self.log.error("A person must look at %s: %s", student, why)
        if self.undecided and isinstance(self.parent, AutogradeApp):  # formgrader shows it in its tables
            raise SystemExit(A_PERSON_MUST_LOOK)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Let nbgrader copy files, and grade the submission."""
        folder = Path(self._format_source(assignment_id, student_id))
        files = read_files(folder)
        names = tuple(fnmatch.filter([spec.name for spec in self.course.ready], self.coursedir.notebook_id))
        self.notebooks = [str(folder / f"{name}.ipynb") for name in names]
        others = {str(path.relative_to(folder)): path for path in other_files(folder, self.coursedir.ignore)}
        digest = marker.digest_of(files, others, self.mark)
        job = apart.Job.of(self.course, student_id, files, digest, self.limits, self.level, names)
        ignore = self.coursedir.ignore
        self.coursedir.ignore = with_links(folder, ignore)
        try:
            super().init_assignment(assignment_id, student_id)
        except (OSError, ValueError) as error:
            self.result = apart.undecided(job, f"its files cannot be copied: {error}")
        else:
            self.result = apart.grade_apart(job)
        finally:
            self.coursedir.ignore = ignore

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Write a graded notebook, in the place of all that nbgrader would do with it."""
        resources = self.init_single_notebook_resources(notebook_filename)
        graded = self.result.notebooks[resources["nbgrader"]["notebook"]]
        for exercise in graded.result.exercises:
            self.log.info("%s: %g/%g %s", exercise.id, exercise.earned, exercise.points, exercise.status.label)
        self.write_single_notebook(graded.text, {**resources, "output_extension": ".ipynb"})

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Write the gradebook and mark the submission as graded, as whole as it is, then do as nbgrader does."""
        if self.result.undecided:
            self.undecided[student_id] = self.result.undecided
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
            write_rows(book, SubmissionPenalty(parent=self), self.result, self.course)
            if self.coursedir.notebook_id == "*":
                target = Path(self._format_dest(assignment_id, student_id))
                marker.write_marker(target, self.result.digest, book, assignment_id, student_id)
        super().set_permissions(assignment_id, student_id)


class RepairingExporter(NotebookExporter):  # type: ignore[misc]
    """The way in: nbgrader's autograde is ours where a configuration names this exporter."""


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
