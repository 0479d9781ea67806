"""Grade a class: submissions in parallel through any executor, one writer, the same result whoever computes it."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from graders.gradebook.feedback import EscapeHtml
from graders.gradebook.writing import write_result
from graders.grading.grade import grade_repaired
from graders.grading.repair import MAX_FILE, Repaired, repair, untouched
from graders.grading.submission import TIMESTAMP, Graded, SubmissionResult
from graders.lab.filenames import candidates
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.notebook import Host
from graders.status import Status


@dataclass(frozen=True)
class Job:
    """All that is needed to grade one submission, anywhere; the course is read from a path that all workers share."""

    student: str
    files: dict[str, bytes]
    course: Path
    checks: Path
    secret: bytes
    limits: Limits
    level: Isolation
    digest: str


def students(course: Course) -> list[str]:
    """Names of those who have handed in anything."""
    folder = course.root / "submitted"
    return sorted(path.parent.name for path in folder.glob(f"*/{course.assignment}") if path.is_dir())


def read_job(course: Course, student: str, fingerprint: str, limits: Limits, level: Isolation) -> Job:
    """Read a submission's notebooks, and nothing else of it, into a job."""
    files: dict[str, bytes] = {}
    folder = course.root / "submitted" / student / course.assignment
    for path in sorted(folder.iterdir()):
        if path.suffix == ".ipynb" or path.name == TIMESTAMP:
            with contextlib.suppress(OSError):
                if path.is_file() and not path.is_symlink():  # a link could name any file of this machine
                    with path.open("rb") as file:
                        files[path.name] = file.read(MAX_FILE + 1)
    digest = hashlib.sha256(fingerprint.encode())
    for name, raw in files.items():
        digest.update(f"\0{name}\0{len(raw)}\0".encode() + raw)
    return Job(student, files, course.root, course.checks, course.secret, limits, level, digest.hexdigest())


def fingerprint(course: Course) -> str:
    """Digest of what a grade depends on beside the submission: manifest, sources, checks, graders, library, secret."""
    import sheaflab

    digest = hashlib.sha256(course.secret)
    roots = [
        course.source,
        course.checks,
        course.visible,
        Path(__file__).resolve().parents[1],
        Path(sheaflab.__file__).resolve().parent,
    ]
    paths = {course.root / "exercises.toml", *(path for root in roots for path in root.rglob("*.py"))}
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def grade_submission(job: Job) -> SubmissionResult:
    """Grade one submission: a pure function of the job, whatever the submission does."""
    start = time.monotonic()
    course = Course.load(job.course, job.checks)
    made: dict[str, Graded] = {}
    with Host(job.limits, job.level) as host:
        for spec in course.ready:
            mended, handed_in = _read(job, course, spec.name)
            result = grade_repaired(mended, course, spec, secret=job.secret, host=host)
            write_result(mended.notebook, result)
            EscapeHtml().preprocess(mended.notebook, {})
            text = nbformat.writes(mended.notebook)
            made[spec.name] = Graded(text, replace(result, cells={}), handed_in)  # the text has the cells' outputs
    return SubmissionResult(job.student, job.digest, made, job.files.get(TIMESTAMP), time.monotonic() - start)


def _read(job: Job, course: Course, name: str) -> tuple[Repaired, bool]:
    spec, raw = course.notebook(name), job.files.get(f"{name}.ipynb")
    others = candidates(name, list(job.files))
    notes = []
    if raw is None and len(others) == 1:
        raw = job.files[others[0]]
        notes.append(f"{others[0]} was taken for {name}.ipynb.")
    elif raw is not None and others:
        notes.append(f"{', '.join(others)} was left aside: {name}.ipynb is what counts.")
    if raw is None:
        known = {f"{s.name}.ipynb" for s in course.notebooks}
        strange = [file for file in job.files if file.endswith(".ipynb") and file not in known]
        why = f"there is no {name}.ipynb"
        if strange:
            why += f"; {', '.join(strange[:5])} has no name of this assignment: rename it"
        return untouched(course, spec, Status.MISSING, why), False
    mended = repair(raw, course, spec)
    mended.notes[:0] = notes
    return mended, True


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
