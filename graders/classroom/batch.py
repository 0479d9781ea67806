"""Grade a class: submissions in parallel through any executor, one writer, the same result whoever computes it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from graders.gradebook.feedback import EscapeHtml
from graders.gradebook.marker import digest_of
from graders.gradebook.writing import write_result
from graders.grading.grade import grade_repaired
from graders.grading.submission import TIMESTAMP, Graded, SubmissionResult, read_files, read_notebook
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.notebook import Host


@dataclass(frozen=True)
class Job:
    """All that is needed to grade one submission, anywhere; the course is read from a path that all workers share."""

    student: str
    files: dict[str, bytes]
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
    files = read_files(course.root / "submitted" / student / course.assignment)
    digest = digest_of(files, others or {}, fingerprint)
    return Job(
        student, files, course.root, course.assignment, course.checks, course.secret, limits, level, digest
    )


def grade_submission(job: Job) -> SubmissionResult:
    """Grade one submission: a pure function of the job, whatever the submission does."""
    start = time.monotonic()
    course = Course.load(job.course, job.assignment, job.checks)
    made: dict[str, Graded] = {}
    with Host(job.limits, job.level, course.visible.parent) as host:
        for spec in course.ready:
            mended = read_notebook(job.files, course, spec.name)
            result = grade_repaired(mended, course, spec, secret=job.secret, host=host)
            write_result(mended.notebook, result)
            EscapeHtml().preprocess(mended.notebook, {})
            text = nbformat.writes(mended.notebook)
            made[spec.name] = Graded(text, replace(result, cells={}))  # the text has the cells' outputs
    return SubmissionResult(job.student, job.digest, made, job.files.get(TIMESTAMP), time.monotonic() - start)


def run_jobs(jobs: Iterator[Job], executor: Executor, window: int) -> Iterator[SubmissionResult]:
    """Grade jobs through `executor`, at most `window` at a time; yields results as they come."""
    running: dict[Future[SubmissionResult], Job] = {}

    def harvest() -> Iterator[SubmissionResult]:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            try:
                yield future.result()
            except BrokenExecutor:
                yield grade_submission(job)  # a worker process was killed from outside: this one can do it as well

    for job in jobs:
        try:
            running[executor.submit(grade_submission, job)] = job
        except BrokenExecutor:
            yield grade_submission(job)
        if len(running) >= window:
            yield from harvest()
    while running:
        yield from harvest()
