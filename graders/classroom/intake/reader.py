"""Runs the walker in a process with limits, and starts it again after a file that ends the process."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from graders.classroom.intake.entries import mark_of
from graders.classroom.intake.walker import Item, Walker

MEMORY = 2**30  # bytes that the walk may use
START = 300.0  # seconds for the process to start
PATIENCE = 120.0  # seconds for one file; reading one of the largest takes a few


def read(sources: Sequence[Path], spool: Path, memory: int = MEMORY, patience: float = PATIENCE) -> Iterator[Item]:
    """Yield every file in `sources`. A file that ends or delays the reading process is left, with that reason.

    Parameters
    ----------
    sources : sequence of Path
        Files, folders and zip archives.
    spool : Path
        Folder for copies of what may be a hand-in.
    memory, patience : int, float
        Bytes that reading may take, and seconds for one file.
    """
    bad: set[int] = set()
    resume = 0
    context = multiprocessing.get_context("spawn")
    while True:
        ours, theirs = context.Pipe(duplex=False)
        arguments = (theirs, sources, spool, resume, frozenset(bad), memory)
        child = context.Process(target=_walk, args=arguments, daemon=True)
        child.start()
        theirs.close()
        current: tuple[int, int, tuple[str, ...], tuple[int, ...]] | None = None
        ended = False
        try:
            # A busy machine may take its time to start a process: that is no file's fault.
            while ours.poll(patience if current else START):
                try:
                    message = ours.recv()
                except EOFError:
                    ended = True
                    break
                if message[0] == "done":
                    return
                if message[0] == "begin":
                    current = message[1:]
                else:
                    yield message[1]
        finally:
            child.join(timeout=5 if ended else 0)
            child.kill()
            child.join()
            ours.close()
        if current is None:
            raise RuntimeError(f"the process that reads hand-ins did not start; its exit code was {child.exitcode}")
        number, source, parts, archives = current
        how = f"ended the reader (exit code {child.exitcode})" if ended else f"took more than {patience:g} seconds"
        copy = spool / str(number)
        mark = mark_of(copy if copy.exists() else sources[source].joinpath(*parts))
        yield Item(source, parts, archives, "left", problem=f"reading it {how}", mark=mark)
        bad.add(number)
        resume = number + 1


def is_readable(path: Path) -> bool:
    """Whether grading can read a file as a notebook."""
    with tempfile.TemporaryDirectory(prefix="collect-") as spool:
        return any(item.content.notebook for item in read([path], Path(spool)))


def _walk(
    connection: Connection[Any, Any],
    sources: Sequence[Path],
    spool: Path,
    resume: int,
    bad: frozenset[int],
    memory: int,
) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    walker = Walker(connection.send, spool, resume, bad)
    for number, source in enumerate(sources):
        walker.walk(number, source)
    connection.send(("done",))
