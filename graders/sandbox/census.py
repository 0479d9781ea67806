"""Bounds on a worker as a whole, kept by looking: the kernel's own are for one process, or for a user."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from graders.sandbox.cgroup import MemoryGroup
from graders.sandbox.isolation import MEGA, Limits
from graders.sandbox.tree import Load, descendants, end_tree, held, memory
from graders.status import Status

PERIOD = 0.05  # seconds
MAX_FILES = 4096


class Census:
    """Looks at the processes below a worker twenty times a second; ends all of them if they take too much.

    Parameters
    ----------
    root : int
        Process id of the worker.
    limits : Limits
    count : bool
        Whether processes are to be counted: where the kernel counts all of the user's.
    folder : Path, optional
        Where the worker may write without another bound.
    group : MemoryGroup, optional
        By which the kernel keeps the bound on memory.
    """

    def __init__(
        self, root: int, limits: Limits, *, count: bool, folder: Path | None, group: MemoryGroup | None = None
    ) -> None:
        self.root, self.limits, self.count, self.folder, self.group = root, limits, count, folder, group
        self.found: tuple[Status, str] | None = None
        self._space = max((taken.space for taken in descendants(root).values()), default=0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"census of {root}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = PERIOD
        while not self._over.wait(pause):
            start = time.monotonic()
            self.found = self._excess()
            if self.found is not None:
                end_tree(self.root)
                return
            pause = max(PERIOD, 4 * (time.monotonic() - start))  # whoever makes looking slow shall not make it costly

    def _excess(self) -> tuple[Status, str] | None:
        """What is too much, and how that is told."""
        if self.group is not None and self.group.exceeded():  # one has ended, and others may wait for it
            return too_much_memory(self.limits)
        if self.group is not None and not self.count and self.folder is None:
            return None  # the kernel keeps all bounds
        below = descendants(self.root)
        if self.count and sum(taken.threads for taken in below.values()) > self.limits.processes:
            return Status.KILLED, f"more than {self.limits.processes} processes or threads at once"
        if self.group is None and self._suspicious(below) and self._holds_too_much(below):
            return too_much_memory(self.limits)
        if self.folder is not None and disk(self.folder, below) > self.limits.scratch:
            return (
                Status.KILLED,
                f"files of more than {self.limits.scratch // MEGA} MB, or more than {MAX_FILES} of them",
            )
        return None

    def _holds_too_much(self, below: dict[int, Load]) -> bool:
        """Look twice, the second time while nothing moves.

        What is shared is shown in equal parts by those who share it. Where one of them ends during a look, the parts
        that are read before and after do not fit together, and honest work would seem to hold too much.
        """
        most = self.limits.total_memory
        if memory(below) <= most:
            return False
        with held(self.root) as still:
            return memory(still) > most

    def _suspicious(self, below: dict[int, Load]) -> bool:
        """Whether the processes could hold too much together; to know it takes a look at each of their pages."""
        resident = sum(taken.resident for taken in below.values())
        return resident + sum(max(taken.space - self._space, 0) for taken in below.values()) > self.limits.total_memory


def too_much_memory(limits: Limits) -> tuple[Status, str]:
    """Say which bound on memory it was."""
    return Status.OUT_OF_MEMORY, f"more than {limits.total_memory // MEGA} MB of memory in all its processes"


def disk(folder: Path, below: dict[int, Load]) -> int:
    """Return the bytes that `folder` and files without a name take; more than any bound if it is too tangled."""
    size, seen = 0, set[tuple[int, int]]()
    for found in chain(_files(folder), _open_files(below, folder.stat().st_dev)):
        if found is None or len(seen) > MAX_FILES:
            return 2**63
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            size += found.st_blocks * 512
    return size


def _files(folder: Path) -> Iterator[os.stat_result | None]:
    """Yield what is below `folder`, and None for a directory that cannot be looked into."""
    left = [str(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        yield entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            left.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:  # closed, or its path is too long
            yield None


def _open_files(below: dict[int, Load], device: int) -> Iterator[os.stat_result]:
    """Yield the files on `device` that processes hold open and that have no name any more."""
    for pid in below:
        with contextlib.suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    found = os.stat(f"/proc/{pid}/fd/{number}")
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink and found.st_dev == device:
                        yield found
