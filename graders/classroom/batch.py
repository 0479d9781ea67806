"""Runs the jobs of a class in parallel through any executor; the result does not depend on the executor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path

from graders.gradebook import apart
from graders.gradebook.apart import Job, undecided
from graders.gradebook.marker import read_submission
from graders.grading.submission import SubmissionResult
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, IsolationError, Limits


def students(course: Course) -> list[str]:
    """Return the names of all who have handed in anything."""
    folder = course.root / "submitted"
    return sorted(path.parent.name for path in folder.glob(f"*/{course.assignment}") if path.is_dir())


def require_known(names: Iterable[str], handed_in: Iterable[str], course: Course) -> None:
    """Raise an error if one of `names` has handed in nothing.

    Raises
    ------
    ValueError
        It names the first of them.
    """
    there = set(handed_in)
    for name in names:
        if name not in there:
            raise ValueError(
                f"`--student` must be one of the {len(there)} who have handed in {course.assignment}, got {name!r}: "
                f"there is no {course.root / 'submitted' / name / course.assignment}"
            )


def read_job(
    course: Course,
    student: str,
    fingerprint: str,
    limits: Limits,
    level: Isolation,
    others: Mapping[str, Path] | None = None,
) -> Job:
    """Read a submission into a job, with a digest of the whole submission.

    Parameters
    ----------
    course : Course
    student : str
    fingerprint : str
        Digest of all else that the grade depends on.
    limits : Limits
    level : Isolation
    others : mapping of str to Path, optional
        The submission's other files.
    """
    folder = course.root / "submitted" / student / course.assignment
    return Job.of(course, student, *read_submission(folder, others or {}, fingerprint), limits, level)


def run_jobs(jobs: Iterator[Job], executor: Executor, window: int) -> Iterator[SubmissionResult]:
    """Grade jobs through `executor`, at most `window` at a time; yields results as they come.

    Raises
    ------
    IsolationError
        If this machine does not grade as it should. All else that fails is the result of one job.
    """
    running: dict[Future[SubmissionResult], Job] = {}

    def harvest() -> Iterator[SubmissionResult]:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            try:
                yield future.result()
            except BrokenExecutor as error:
                yield undecided(job, f"the process that served it ended ({error})")
            except IsolationError:
                raise
            except Exception as error:
                yield undecided(job, f"the process that served it failed ({type(error).__name__}: {error})")

    for job in jobs:
        try:
            running[executor.submit(apart.grade_apart, job)] = job
        except BrokenExecutor as error:
            yield undecided(job, f"the process that served it ended ({error})")
        if len(running) >= window:
            yield from harvest()
    while running:
        yield from harvest()
