"""Grade everything that was handed in, in parallel; stop and start it as you like."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor

from tqdm import tqdm

from graders.classroom.batch import Job, fingerprint, read_job, run_jobs
from graders.gradebook import nbgrader_api
from graders.gradebook.record import Recorder
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, Limits


def grade_class(
    course: Course,
    chosen: list[str],
    pool: Executor,
    limits: Limits,
    level: Isolation,
    *,
    since_change: bool = True,
    window: int = 4,
) -> tuple[Counter[str], int]:
    """Grade `chosen` through `pool` and write each result as it comes; return reasons and how many were graded."""
    db_url = nbgrader_api.load_config(course.root).CourseDirectory.db_url
    mark, reasons, graded = fingerprint(course), Counter[str](), 0
    with (
        Recorder(course, db_url) as recorder,
        nbgrader_api.quiet(),
        tqdm(
            total=len(chosen), unit="submission", file=sys.stderr, mininterval=0.5 if sys.stderr.isatty() else 10
        ) as bar,
    ):

        def jobs() -> Iterator[Job]:
            for student in chosen:
                job = read_job(course, student, mark, limits, level)
                if since_change and recorder.is_done(student, job.digest):
                    bar.update()
                else:
                    yield job

        for result in run_jobs(jobs(), pool, window):
            recorder.write(result)
            graded += 1
            told = [e.status.label for n in result.notebooks.values() for e in n.result.exercises]
            reasons.update(told)
            bar.set_postfix_str(", ".join(f"{label} {count}" for label, count in reasons.most_common(4)))
            bar.update()
    return reasons, graded
