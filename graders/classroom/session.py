"""`graders grade`: grade everything that was handed in, in parallel; stop and start it as you like."""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from graders.classroom.batch import Job, fingerprint, read_job, run_jobs, students
from graders.gradebook import nbgrader_api
from graders.gradebook.record import Recorder
from graders.grading import canary
from graders.lab.manifest import Course
from graders.lab.places import default_course
from graders.sandbox.isolation import LADDER, Isolation, Limits
from sheaflab.startup import import_matplotlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders grade`."""
    parser.add_argument("assignment", nargs="?", help="by default the course's")
    parser.add_argument("--course", type=Path, default=default_course(), help="course directory (%(default)s)")
    parser.add_argument("--student", action="append", help="only this student; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--scheduler", help="address of a dask scheduler, in the place of local processes")
    parser.add_argument(
        "--since-change",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="skip submissions that have been graded just as they are (default)",
    )
    parser.add_argument("--cpu", type=float, default=Limits.cpu, help="CPU seconds of one cell (%(default)s)")
    parser.add_argument("--wall", type=float, default=Limits.wall, help="seconds of one cell or call (%(default)s)")
    levels = [level.name.lower() for level in LADDER]
    parser.add_argument("--require-isolation", choices=levels, default="rlimits", help="refuse less (%(default)s)")


def run(options: argparse.Namespace, course: Course | None = None) -> int:
    """Grade, write, summarise; status 0 once every submission has a grade and a reason."""
    course = Course.load(options.course) if course is None else course
    if options.assignment not in (None, course.assignment):
        raise ValueError(f"the assignment of {course.root} is {course.assignment!r}, got {options.assignment!r}")
    limits = Limits(cpu=options.cpu, wall=options.wall)
    level = canary.best_isolation(Isolation[options.require_isolation.upper()], limits)
    if level.degraded:
        print(f"Attention: {level.value}.", file=sys.stderr)
    chosen = options.student or students(course)
    if not chosen:
        print(f"Nothing in {course.root / 'submitted'}.")
        return 0
    with executor(options.workers, options.scheduler, level, limits) as pool:
        reasons, graded = grade_class(
            course, chosen, pool, limits, level, since_change=options.since_change, window=2 * options.workers
        )
    print(f"{graded} of {len(chosen)} submissions graded, the others unchanged since they were.")
    for label, count in reasons.most_common():
        print(f"{count:6}  {label}")
    return 0


def main_with(course: Course, *, workers: int, cpu: float, wall: float, force: bool = False) -> int:
    """Grade a course from Python; see `graders grade`."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = [course.assignment, f"--course={course.root}", f"--workers={workers}", f"--cpu={cpu}", f"--wall={wall}"]
    return run(parser.parse_args([*given, *(["--no-since-change"] if force else [])]), course)


@contextlib.contextmanager
def executor(workers: int, scheduler: str | None, level: Isolation, limits: Limits) -> Iterator[Executor]:
    """Local processes, for which this one has tried `level`, or a dask cluster's executor."""
    if scheduler is not None:
        try:
            from dask.distributed import Client
        except ImportError:
            raise ValueError("--scheduler needs dask: pip install 'sheaflab[cluster]'") from None
        with Client(scheduler) as client, client.get_executor(pure=False) as pool:
            yield pool
        return
    if workers < 1:
        raise ValueError(f"`--workers` must be at least 1, got {workers}")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["graders.commands.cli", "graders.classroom.batch"])
    with ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker, initargs=(level, limits)) as pool:
        yield pool


def begin_worker(level: Isolation, limits: Limits) -> None:
    """Prepare a worker process; it imports for itself what the command line has imported with care."""
    import_matplotlib()
    die_with_parent()
    canary.vouch(level, limits)


def die_with_parent() -> None:
    """Let a killed grader leave no worker behind: this process ends when the one that grades has ended.

    Its parent by the kernel's count is the fork server, which outlives a killed grader as long as a worker lives.
    """
    grader = multiprocessing.parent_process()
    assert grader is not None

    def watch() -> None:
        grader.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


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
