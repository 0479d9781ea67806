"""The classes by which nbgrader calls the graders: each submission is graded in another process, then written.

Named as dotted strings in ``course/nbgrader_config.py``. nbgrader, formgrader, feedback and export then work unchanged.
"""

from __future__ import annotations

import fnmatch
import glob
import shutil
from collections.abc import Mapping
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import SQLAlchemyError
from traitlets import CaselessStrEnum, Float, Unicode
from traitlets.config import LoggingConfigurable

from graders.gradebook import apart, extensions, marker
from graders.gradebook.files import NO_TEXT, SubmissionFolders, copy_files, folder_of, other_files, shown, with_links
from graders.gradebook.options import configured
from graders.gradebook.penalties import SubmissionPenalty, require_rule
from graders.gradebook.record import (
    about_removed,
    first_line,
    is_of_the_machine,
    open_question,
    removed_students,
    write_rows,
)
from graders.grading.active import is_active
from graders.grading.astray import astray
from graders.grading.canary import best_isolation
from graders.grading.domain import close_here, prepare
from graders.grading.submission import UNTOUCHED, SubmissionResult
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
        """The weakest isolation with which to grade."""
        return Isolation[self.require_isolation]

    def load_course(self, assignment: str) -> Course:
        """The course of `assignment`, with its configured checks."""
        root = Path(self.course or ".")
        return Course.load(root, assignment, root / self.checks if self.checks else None)


class WholeSubmissions(Autograde):  # type: ignore[misc]
    """nbgrader's autograde, which grades whole submissions, as ``graders grade`` does.

    nbgrader finds the submissions, decides which of them to grade, and copies the files beside the notebooks. Its steps
    for each notebook are replaced: the submission is graded as a whole, in another process, and written. A missing
    notebook is graded as missing, with a page that says so. A notebook that a browser has renamed is found. A folder
    without notebooks is a submission, too. No link is followed. The folder is marked as graded.
    """

    course: Course
    mark: str
    limits: Limits
    level: Isolation
    result: SubmissionResult
    unwritten: str
    """Why this submission cannot be written; empty as long as it can."""
    undecided: dict[str, str]

    @classmethod
    def adopt(cls, converter: Autograde) -> None:
        """Turn nbgrader's converter into a :class:`WholeSubmissions`, before it has done anything."""
        converter.__class__ = cls
        plain = converter.coursedir
        converter.coursedir = SubmissionFolders(parent=converter, **plain.trait_values(config=True))
        try:
            grader = configured(TrustedGrader, converter.config, Path(plain.root))
            require_rule(converter.config, Path(plain.root))
        except ValueError as error:
            converter.log.error("%s", error)
            raise NbGraderException(str(error)) from None
        converter.course, converter.undecided = grader.load_course(plain.assignment_id), {}
        converter.mark = marker.fingerprint(converter.course)
        converter.limits, converter.level = grader.limits, best_isolation(grader.required, grader.limits)

    def init_notebooks(self) -> None:
        """Find the submissions: folders, with notebooks or without. Who was removed comes back only when named."""
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        folders = [folder for folder in glob.glob(pattern) if Path(folder).is_dir()]
        if not folders:
            _find_notebooks(self)  # which refuses, in nbgrader's words
        if self.coursedir.student_id == "*":
            with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
                for student in sorted(removed_students(book, self.coursedir.assignment_id)):
                    if (folder := self._format_source(self.coursedir.assignment_id, student)) in folders:
                        self.log.warning("Skipped: %s.", about_removed(student))
                        folders.remove(folder)
        named: dict[str, list[str]] = {folder: [] for folder in folders if folder == shown(folder)}
        self.assignments = named
        for folder in set(folders) - named.keys():
            self.undecided[shown(folder)] = NO_TEXT
        if self.coursedir.student_id == "*":
            excluded = self.coursedir.student_id_exclude.split(",")
            with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
                found = astray(self.course, {student.id for student in book.students})
            lost = {name: why for name, why in found.items() if name not in excluded}
            self.undecided |= {shown(name): why for name, why in lost.items()}

    def convert_notebooks(self) -> None:
        """Do as nbgrader does; then list the students at whom a person must look, and end with status 3."""
        if self.level.degraded:
            self.log.warning(self.level.value)
        extensions.keep_and_log(self)
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
        self.unwritten, folder = "", Path(self._format_source(assignment_id, student_id))
        names = tuple(fnmatch.filter([spec.name for spec in self.course.ready], self.coursedir.notebook_id))
        self.notebooks = [str(folder / f"{name}.ipynb") for name in names]
        others = {str(path.relative_to(folder)): path for path in other_files(folder, self.coursedir.ignore)}
        files, digest = marker.read_submission(folder, others, self.mark)
        job = apart.Job.of(self.course, student_id, files, digest, self.limits, self.level, names)
        ignore = self.coursedir.ignore
        try:
            self.coursedir.ignore = with_links(folder, ignore)
            super().init_assignment(assignment_id, student_id)
            self._clear(others, Path(self._format_dest(assignment_id, student_id)))
        except (NbGraderException, SQLAlchemyError):  # of the gradebook, and no student's
            raise
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self.result = apart.undecided(job, f"its files cannot be copied: {first_line(error)}")
        else:
            self.result = apart.grade_apart(job)
            drawings = [others[name] for name in self.result.drawings & others.keys()]
            copy_files(drawings, folder, Path(self._format_dest(assignment_id, student_id)))
        finally:
            self.coursedir.ignore = ignore

    def _clear(self, others: Mapping[str, Path], target: Path) -> None:
        """Remove what a browser may run of the files that nbgrader has copied; the course's own stays."""
        source = folder_of(self.coursedir, self.coursedir.source_directory, ".", self.course.assignment)
        kept = {source / name for name in self.exclude_overwriting.get(self.course.assignment, [])}
        ours = set(other_files(source, self.coursedir.ignore, bounded=False)) - kept
        for name in others:
            if is_active(name) and source / name not in ours:
                (target / name).unlink(missing_ok=True)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Write a graded notebook. nbgrader's own steps for a notebook are not run."""
        if self.unwritten:
            return
        resources = self.init_single_notebook_resources(notebook_filename)
        graded = self.result.notebooks[resources["nbgrader"]["notebook"]]
        for exercise in graded.result.exercises:
            self.log.info("%s: %g/%g %s", exercise.id, exercise.earned, exercise.points, exercise.status.label)
        try:
            self.write_single_notebook(graded.text, {**resources, "output_extension": ".ipynb"})
        except Exception as error:
            self.unwritten = _said(error)

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Write the gradebook and mark the submission as graded, as whole as it is, then do as nbgrader does.

        What cannot be written is left as it is where nothing has been graded, and a person must look.
        """
        why = self.result.undecided
        for remark in self.result.remarks:
            self.log.warning("%s: %s", student_id, remark)
        if self.result.untouched and self.coursedir.notebook_id == "*":
            self.log.warning("%s: %s.", student_id, UNTOUCHED)
        try:
            if not self.unwritten:
                why = self._record(assignment_id, student_id)
        except Exception as error:
            self.unwritten = _said(error)
        if self.unwritten or why:
            self.undecided[student_id] = self.unwritten or why
        if self.unwritten and self.coursedir.notebook_id == "*":
            shutil.rmtree(self._format_dest(assignment_id, student_id), ignore_errors=True)

    def _record(self, assignment_id: str, student_id: str) -> str:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
            write_rows(book, SubmissionPenalty(parent=self), self.result, self.course)
            if self.coursedir.notebook_id == "*":
                target = Path(self._format_dest(assignment_id, student_id))
                marker.write_marker(target, self.result.digest, book, assignment_id, student_id)
            why = open_question(book, self.result, self.course)
        super().set_permissions(assignment_id, student_id)
        return why


def _said(error: Exception) -> str:
    if is_of_the_machine(error):
        raise error
    return f"it cannot be written: {first_line(error)}"


class RepairingExporter(NotebookExporter):  # type: ignore[misc]
    """An exporter whose name in a configuration turns nbgrader's autograde into :class:`WholeSubmissions`."""


_find_notebooks = Autograde.init_notebooks


def _begin(converter: Autograde) -> None:
    if issubclass(converter.exporter_class, RepairingExporter):
        WholeSubmissions.adopt(converter)
        converter.init_notebooks()
    else:
        _find_notebooks(converter)


# A configuration can choose nbgrader's exporter, but nbgrader looks for notebooks before it makes one, and refuses
# folders without notebooks. So the method that looks for them is replaced; with another exporter it does what it did.
Autograde.init_notebooks = _begin
