"""Processes that grade: local ones, or a cluster's."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

from graders.grading import canary
from graders.sandbox.isolation import Isolation, Limits
from sheaflab.startup import import_matplotlib


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
    context.set_forkserver_preload(["graders.classroom.batch"])
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
