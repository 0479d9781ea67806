"""Grade one submission in a process of its own: bytes go in, finished pages and checked rows come out.

`graders grade`, `nbgrader autograde` and formgrader all grade by this module. The process that serves a class decodes
nothing of what was handed in.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from traitlets.log import get_logger

from graders.gradebook import marker
from graders.gradebook.feedback import EscapeHtml
from graders.gradebook.scores import rows_of
from graders.gradebook.writing import leave_to_a_person, write_result
from graders.grading import canary
from graders.grading.beside import beside
from graders.grading.domain import DomainEnded, domain_here
from graders.grading.folder import TIMESTAMP
from graders.grading.grade import grade_repaired
from graders.grading.repair import untouched
from graders.grading.results import NotebookResult
from graders.grading.submission import Files, Graded, Submission, SubmissionResult
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, IsolationError, Limits
from graders.sandbox.libraries import View
from graders.sandbox.notebook import Host
from graders.sandbox.outputs import LEFT_OUT
from graders.status import Status

MAX_PAGES = 32 * 2**20
"""Characters of a submission's graded notebooks; beyond them the outputs of cells are left out."""


@dataclass(frozen=True)
class Job:
    """All that is needed to grade one submission on any machine that has the course at the same path."""

    student: str
    files: Files
    course: Path
    assignment: str
    checks: Path
    secret: bytes
    limits: Limits
    level: Isolation
    digest: str
    only: tuple[str, ...] | None = None
    """Notebooks to be graded; by default all."""

    @classmethod
    def of(
        cls,
        course: Course,
        student: str,
        files: Files,
        digest: str,
        limits: Limits,
        level: Isolation,
        only: tuple[str, ...] | None = None,
    ) -> Job:
        """Return the job of grading these files."""
        return cls(
            student=student,
            files=files,
            course=course.root,
            assignment=course.assignment,
            checks=course.checks,
            secret=course.secret,
            limits=limits,
            level=level,
            digest=digest,
            only=only,
        )

    def load_course(self) -> Course:
        """Read the course."""
        return Course.load(self.course, self.assignment, self.checks)

    @property
    def timestamp(self) -> bytes | None:
        """What the submission's time stamp says."""
        return self.files.get(TIMESTAMP)


def grade_submission(job: Job) -> SubmissionResult:
    """Grade one submission: a pure function of the job, whatever the submission does."""
    start = time.monotonic()
    course = job.load_course()
    made: dict[str, Graded] = {}
    room, submission = MAX_PAGES, Submission(job.files, course)
    with Host(job.limits, job.level, View(course.visible.parent, course.private), beside(job.files)) as host:
        for spec in course.ready:
            if job.only is None or spec.name in job.only:
                mended = submission.read(spec.name)
                result = grade_repaired(mended, course, spec, secret=job.secret, host=host, student=job.student)
                if mended.status.waits:
                    leave_to_a_person(mended.notebook, mended.unread)
                made[spec.name] = _written(mended.notebook, result, room)
                room -= len(made[spec.name].text)
    return SubmissionResult(job.student, job.digest, made, job.timestamp, time.monotonic() - start, submission.drawings)


def _written(notebook: NotebookNode, result: NotebookResult, room: int) -> Graded:
    """Return a notebook as it goes into `autograded/`; if there is no room, without the outputs of its cells."""
    write_result(notebook, result)
    EscapeHtml().preprocess(notebook, {})
    text = _text(notebook)
    if len(text) > room:
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.outputs and not cell.metadata.get("nbgrader", {}).get("grade"):
                cell.outputs = [nbformat.from_dict(LEFT_OUT)]
        text = _text(notebook)
    return Graded(text, replace(result, cells={}), rows_of(notebook.cells))  # the text has the cells' outputs


def _text(notebook: NotebookNode) -> str:
    """Return a notebook as a file holds it, in one line: nbformat's writer indents, which takes ten times as long."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:  # as nbformat's writer has it
        get_logger().error("Notebook JSON is invalid: %s", error)
    return json.dumps(notebook, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def grade_apart(job: Job) -> SubmissionResult:
    """Grade one submission in a separate process, one per thread. If that process ends, a person must look.

    Raises
    ------
    IsolationError
        If this machine does not grade as it should, whatever the submission.
    """
    canary.require(job.level, job.limits)
    try:
        return domain_here(canary.vouch, (job.level, job.limits)).call(grade_submission, job)
    except DomainEnded as end:
        return undecided(job, str(end))
    except IsolationError as error:
        if why := canary.trial(job.level, job.limits, loop=False):
            raise IsolationError(f"{error} ({why})") from None
        return undecided(job, f"while it was graded, the machine did not work as it should: {error}")


def undecided(job: Job, why: str) -> SubmissionResult:
    """Return the result of a submission that could not be graded: a person must look, or a later run grades it."""
    course = job.load_course()
    made: dict[str, Graded] = {}
    for spec in course.ready:
        if job.only is None or spec.name in job.only:
            mended = untouched(course, spec, Status.GRADER, f"this submission could not be graded: {why}")
            leave_to_a_person(mended.notebook)
            made[spec.name] = _written(mended.notebook, grade_repaired(mended, course, spec), MAX_PAGES)
    return SubmissionResult(job.student, marker.AGAIN + job.digest, made, job.timestamp, 0.0)
