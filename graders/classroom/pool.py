"""Processes that grade: local ones, or a cluster's."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from graders.gradebook import apart
from graders.grading.domain import die_with_parent, prepare, start_server, stop_all
from sheaflab.startup import import_matplotlib


@contextlib.contextmanager
def executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    """Return an executor for `workers` submissions at a time on this machine, or that of a dask cluster."""
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
    prepare(apart.__name__)
    with ThreadPoolExecutor(workers) as pool:  # each thread has a process that works for it
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_all()
            raise


@contextlib.contextmanager
def processes_beside(number: int = 1) -> Iterator[Executor]:
    """Return an executor of processes for work that is no grading."""
    start_server()
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(number, mp_context=context, initializer=_begin) as pool:
        yield pool


def _begin() -> None:
    """Prepare a process: it imports what the command line has imported."""
    import_matplotlib()
    die_with_parent()
