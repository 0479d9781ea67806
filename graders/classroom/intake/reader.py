"""The walk through sources in a process with limits, which is started again after a file that ends it."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from graders.classroom.intake.walker import Item, Walker

MEMORY = 2**30  # bytes that the walk may use
PATIENCE = 120.0  # seconds for one file; reading 64 MB takes a few


def read(sources: Sequence[Path], spool: Path, memory: int = MEMORY, patience: float = PATIENCE) -> Iterator[Item]:
    """Yield every file in `sources`. A file that ends the reading process, or holds it up, is left with that reason.

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
    resume, last = 0, None
    context = multiprocessing.get_context("spawn")
    while True:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(
            target=_walk, args=(theirs, sources, spool, resume, frozenset(bad), memory), daemon=True
        )
        child.start()
        theirs.close()
        problem = ""
        try:
            while not problem:
                if not ours.poll(patience):
                    problem = f"reading it took more than {patience:.0f} seconds"
                    break
                try:
                    message = ours.recv()
                except EOFError:
                    problem = "reading it ended the reader: it takes more memory than it may"
                    break
                if message[0] == "done":
                    child.join()
                    return
                if message[0] == "begin":
                    last = message[1:]
                else:
                    yield message[1]
        finally:
            child.kill()
            child.join()
            ours.close()
        if last is None or last[0] in bad:
            raise RuntimeError(f"the process that reads hand-ins does not start; its exit code was {child.exitcode}")
        number, source, parts, archives = last
        yield Item(source, parts, archives, "left", problem=problem)
        bad.add(number)
        resume = number + 1


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
