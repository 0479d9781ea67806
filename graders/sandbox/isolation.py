"""How far student code can be kept apart: a ladder of ways, best first, and the bounds on a worker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum

from sheaflab.checks.cpu import CALL_SECONDS

MEGA = 2**20
LACKS = "GRADERS_LACKS"
"""Environment variable: names of :mod:`graders.sandbox.machine` that are to be done without, between commas."""
INSTALL = "install bubblewrap: apt-get install -y bubblewrap"


class Isolation(Enum):
    """A way to keep student code apart, best first. The value says what it stops and what would be better."""

    BUBBLEWRAP = "bubblewrap: own files, processes, network and limits"
    UNSHARE = (
        "degraded isolation (unshare): own processes, network and limits, but most of the system's files are readable; "
        + INSTALL
    )
    OTHER_USER = (
        "degraded isolation (another user id): limits, and no access to files that are yours alone; other processes "
        "can be seen; " + INSTALL
    )
    LANDLOCK = (
        "degraded isolation (landlock): limits, and no access to files but its own; student code runs as you, and "
        "other processes can be seen; " + INSTALL
    )
    RLIMITS = "degraded isolation (limits only): student code runs as you and can read and write your files; " + INSTALL

    @property
    def degraded(self) -> bool:
        """Whether a better way exists."""
        return self is not Isolation.BUBBLEWRAP

    @property
    def changes_user(self) -> bool:
        """Whether a grader that is root starts its workers under another user id."""
        return self in (Isolation.BUBBLEWRAP, Isolation.UNSHARE, Isolation.OTHER_USER)

    @property
    def shares_processes(self) -> bool:
        """Whether no namespace holds the worker's processes together."""
        return self not in (Isolation.BUBBLEWRAP, Isolation.UNSHARE)

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Isolation).index(self)


LADDER = tuple(Isolation)


def lacks(name: str) -> bool:
    """Tell whether this machine is to do without `name`: how grading goes then can be tried where it is not missing."""
    return name in os.environ.get(LACKS, "").split(",")


class IsolationError(RuntimeError):
    """No worker can be started as asked; the text says what to do."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one worker. Times in seconds, sizes in bytes."""

    cpu: float = 20.0
    """CPU time of one cell; a call gets at most half of the default."""
    wall: float = 90.0
    """Wall-clock time of one cell or call: for sleepers, so it may be generous on a busy machine."""
    total_wall: float = 900.0
    """Wall-clock time that is waited for one submission: for the cells and calls of all its notebooks together."""
    start_wall: float = 60.0
    memory: int = 3 * 1024 * MEGA
    """Address space of one process."""
    total_memory: int = 4 * 1024 * MEGA
    """Memory of all processes of a worker together, shared memory included."""
    processes: int = 24
    """Processes and threads that a worker may have at once, whatever else its user runs."""
    file_size: int = 32 * MEGA
    open_files: int = 128
    scratch: int = 64 * MEGA
    """Room in the private /tmp and in /dev/shm; where they are not private, in the working directory."""

    @property
    def call_cpu(self) -> float:
        """CPU time of one call."""
        return min(self.cpu, CALL_SECONDS)

    def rlimits(self) -> dict[str, int]:
        """Limits that the worker sets on itself before it runs student code."""
        return {
            "AS": self.memory,
            "CPU": int(self.total_wall),
            "FSIZE": self.file_size,
            "NOFILE": self.open_files,
            "CORE": 0,
        }
