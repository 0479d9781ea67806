"""Grades a class in parallel and writes each result as it comes. A run can be stopped at any time and started again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

from tqdm import tqdm

from graders.classroom.batch import read_job, run_jobs
from graders.gradebook import nbgrader_api
from graders.gradebook.apart import Job
from graders.gradebook.files import configured_zone, shown, submission_time
from graders.gradebook.marker import fingerprint
from graders.gradebook.record import Recorder, removed_students, unlisted_students
from graders.gradebook.settings import Settings
from graders.grading.folder import TIMESTAMP
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation


@dataclass
class RunSummary:
    """What one run of grading a class has done.

    Attributes
    ----------
    graded : int
        Submissions that were graded; the others had not changed.
    penalties : int
        Submissions among the others whose penalty for late work has changed.
    reasons : Counter of str
        How the graded exercises ended.
    problems : list of str
        What is wrong with a submission, and extensions that were set anew, as text.
    undecided : dict of str to str
        Students at whose work a person must look, and why.
    skipped : list of str
        Students who were taken out of the gradebook.
    unlisted : list of str
        Students of this run who are in the gradebook and not on the roster.
    untouched : list of str
        Students among the graded in whose hand-in no exercise is attempted.
    """

    graded: int = 0
    penalties: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    undecided: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)


def grade_class(
    course: Course,
    chosen: list[str],
    pool: Executor,
    settings: Settings,
    level: Isolation,
    *,
    since_change: bool = True,
    removed_too: bool = True,
    window: int = 4,
    settled: Callable[[str], None] = lambda _: None,
) -> RunSummary:
    """Grade `chosen` through `pool` and write each result as it comes.

    Without `removed_too`, who was taken out of the gradebook is skipped. `settled` is called with each student whose
    result is written, unless a person must look.

    Raises
    ------
    ValueError
        If the gradebook does not have the assignment, or has it with other points; nothing is graded then.
    """
    mark, done, zone = fingerprint(course), RunSummary(), configured_zone(settings.config)
    with (
        Recorder(course, settings.config) as recorder,
        nbgrader_api.quiet(),
        tqdm(
            total=len(chosen), unit="submission", file=sys.stderr, mininterval=0.5 if sys.stderr.isatty() else 10
        ) as bar,
    ):
        if changed := recorder.other_points():
            raise ValueError(
                f"the manifest has other points than the release: {changed}; run `graders regrade`, which builds first "
                "and says whose grade changes, or `graders build` if nobody has been graded yet"
            )
        done.problems += recorder.kept
        removed = set[str]() if removed_too else removed_students(recorder.gradebook, course.assignment)

        def job_of(student: str) -> Job | None:
            if student in removed:
                done.skipped.append(student)
                return None
            if why := recorder.refusal(student):
                done.undecided[shown(student)] = why
                return None
            job = read_job(course, student, mark, settings.limits, level, recorder.other_files(student))
            stamp = course.root / "submitted" / student / course.assignment / TIMESTAMP
            if problem := submission_time(job.files.get(TIMESTAMP), stamp, zone)[1]:
                done.problems.append(problem)
            if since_change and recorder.is_done(student, job.digest):
                done.penalties += recorder.update_penalty(student)
                return None
            return job

        def jobs() -> Iterator[Job]:
            for student in chosen:
                try:
                    job = job_of(student)
                except Exception as error:  # of whatever kind: the others are graded all the same
                    job, done.undecided[shown(student)] = None, f"it cannot be looked up: {recorder.failed(error)}"
                if job is None:
                    bar.update()
                else:
                    yield job

        for result in run_jobs(jobs(), pool, window):
            done.graded += 1
            done.untouched += [result.student] if result.untouched else []
            done.problems += [f"{result.student}: {remark.rstrip('.')}" for remark in result.remarks]
            try:
                why = recorder.write(result)
                if not why:
                    settled(result.student)
            except Exception as error:  # of files beside the notebooks, their names, a course's own rule for late work
                why = f"it cannot be written: {recorder.failed(error)}"
            if why:
                done.undecided[result.student] = why
            labels = [e.status.label for n in result.notebooks.values() for e in n.result.exercises]
            done.reasons.update(labels)
            bar.set_postfix_str(", ".join(f"{label} {count}" for label, count in done.reasons.most_common(4)))
            bar.update()
        done.problems += sorted(recorder.left)
        done.unlisted = [name for name in unlisted_students(recorder.gradebook) if name in chosen]
    return done
