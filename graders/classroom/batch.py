"""Grade a class: submissions in parallel through any executor, one writer, the same result whoever computes it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from graders.gradebook.feedback import EscapeHtml
from graders.gradebook.marker import digest_of
from graders.gradebook.writing import write_result
from graders.grading import canary
from graders.grading.domain import Domain, DomainEnded
from graders.grading.grade import grade_repaired
from graders.grading.repair import untouched
from graders.grading.submission import (
    TIMESTAMP,
    Beside,
    Graded,
    SubmissionResult,
    read_beside,
    read_files,
    read_notebook,
)
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.libraries import View
from graders.sandbox.notebook import Host
from graders.status import Status


@dataclass(frozen=True)
class Job:
    """All that is needed to grade one submission, anywhere; the course is read from a path that all workers share."""

    student: str
    files: dict[str, bytes]
    beside: Beside
    course: Path
    assignment: str
    checks: Path
    secret: bytes
    limits: Limits
    level: Isolation
    digest: str


def students(course: Course) -> list[str]:
    """Names of those who have handed in anything."""
    folder = course.root / "submitted"
    return sorted(path.parent.name for path in folder.glob(f"*/{course.assignment}") if path.is_dir())


def read_job(
    course: Course,
    student: str,
    fingerprint: str,
    limits: Limits,
    level: Isolation,
    others: Mapping[str, Path] | None = None,
) -> Job:
    """Read a submission's notebooks into a job, which knows by a digest of the whole submission what it is.

    Parameters
    ----------
    course : Course
    student : str
    fingerprint : str
        Digest of what the grade depends on beside the submission.
    limits : Limits
    level : Isolation
    others : mapping of str to Path, optional
        The submission's other files.
    """
    folder = course.root / "submitted" / student / course.assignment
    files, beside = read_files(folder), read_beside(folder)
    digest = digest_of({**files, **beside.files}, others or {}, fingerprint)
    return Job(
        student, files, beside, course.root, course.assignment, course.checks, course.secret, limits, level, digest
    )


def grade_submission(job: Job) -> SubmissionResult:
    """Grade one submission: a pure function of the job, whatever the submission does."""
    start = time.monotonic()
    course = Course.load(job.course, job.assignment, job.checks)
    made: dict[str, Graded] = {}
    with Host(job.limits, job.level, View(course.visible.parent, course.private), job.beside.files) as host:
        for spec in course.ready:
            mended = read_notebook(job.files, course, spec.name, job.beside)
            result = grade_repaired(mended, course, spec, secret=job.secret, host=host)
            write_result(mended.notebook, result)
            EscapeHtml().preprocess(mended.notebook, {})
            text = nbformat.writes(mended.notebook)
            made[spec.name] = Graded(text, replace(result, cells={}))  # the text has the cells' outputs
    return SubmissionResult(job.student, job.digest, made, job.files.get(TIMESTAMP), time.monotonic() - start)


_here = threading.local()
_domains: weakref.WeakSet[Domain] = weakref.WeakSet()


def stop_all() -> None:
    """End all processes of :func:`grade_apart` at once; what they were at is not recorded."""
    for domain in list(_domains):
        domain.stop()


def grade_apart(job: Job) -> SubmissionResult:
    """Grade one submission in a process of its own, one per thread; what ends that process is the submission's status.

    Raises
    ------
    IsolationError
        If this machine does not grade as it should: no submission's fault.
    """
    key = (job.level, job.limits)
    if getattr(_here, "key", None) != key:
        if (last := getattr(_here, "domain", None)) is not None:
            last.close()
        canary.require(job.level, job.limits)
        _here.key, _here.domain = key, Domain(begin=canary.vouch, arguments=key)
        _domains.add(_here.domain)
    try:
        result: SubmissionResult = _here.domain.call(grade_submission, job)
        return result
    except DomainEnded as end:
        return undecided(job, str(end))


def undecided(job: Job, why: str) -> SubmissionResult:
    """Return the result of a submission that could not be graded: a person must look, and a later run tries again."""
    course = Course.load(job.course, job.assignment, job.checks)
    made: dict[str, Graded] = {}
    for spec in course.ready:
        mended = untouched(course, spec, Status.GRADER, f"this submission could not be graded: {why}")
        result = grade_repaired(mended, course, spec)
        write_result(mended.notebook, result)
        made[spec.name] = Graded(nbformat.writes(mended.notebook), result)
    return SubmissionResult(job.student, "", made, job.files.get(TIMESTAMP), 0.0)


def run_jobs(jobs: Iterator[Job], executor: Executor, window: int) -> Iterator[SubmissionResult]:
    """Grade jobs through `executor`, at most `window` at a time; yields results as they come."""
    running: dict[Future[SubmissionResult], Job] = {}

    def harvest() -> Iterator[SubmissionResult]:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            try:
                yield future.result()
            except BrokenExecutor as error:
                yield undecided(job, f"the process that served it ended ({error})")

    for job in jobs:
        try:
            running[executor.submit(grade_apart, job)] = job
        except BrokenExecutor as error:
            yield undecided(job, f"the process that served it ended ({error})")
        if len(running) >= window:
            yield from harvest()
    while running:
        yield from harvest()
