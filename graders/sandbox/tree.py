"""Processes below a worker, as this side's kernel shows them: found, measured and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graders.sandbox.events import Deadline

PAGE = os.sysconf("SC_PAGE_SIZE")
_LISTED = Path(f"/proc/self/task/{os.getpid()}/children").exists()
"""Whether the kernel lists a process's children; if not, everybody's parent has to be looked at."""


@dataclass(frozen=True)
class Load:
    """What one process takes: threads, and bytes of address space and of memory."""

    threads: int
    space: int
    resident: int


def load(pid: int) -> Load | None:
    """Return what a process takes; None once it has ended, though nobody may have taken notice of that yet."""
    if (fields := _stat(pid)) is None or fields[0] in "ZX":
        return None
    return Load(int(fields[17]), int(fields[20]), int(fields[21]) * PAGE)


def _stat(pid: int) -> list[str] | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()  # proc(5); the name may hold brackets
    except OSError:
        return None


def children(pid: int) -> list[int]:
    """Return the process ids of the children of `pid`."""
    if not _LISTED:
        everybody = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return [other for other in everybody if (told := _stat(other)) is not None and int(told[1]) == pid]
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def descendants(root: int) -> dict[int, Load]:
    """Return what each process below `root` takes, by process id; those that have ended are left out."""
    below: dict[int, Load] = {}
    left = children(root)
    while left:
        pid = left.pop()
        left += children(pid)  # what a dead one has left behind is its heir's by now
        if pid not in below and (taken := load(pid)) is not None:
            below[pid] = taken
    return below


def end_others(root: int, kept: Collection[int]) -> bool:
    """Kill all below `root` but `kept`; tell whether they are gone.

    All are stopped before any is killed, since one that runs may start another; and one that was just starting may
    appear after the last look, which is why only the second look without a find is believed.
    """
    end, quiet = Deadline(10.0), 0
    while end.left:
        strays = [pid for pid in descendants(root) if pid not in kept]
        if not strays:
            if quiet:
                return True
            quiet += 1
            continue
        quiet = 0
        for number in (signal.SIGSTOP, signal.SIGKILL):
            send(number, strays)
    return False


def end_tree(root: int) -> None:
    """Kill all below `root`, then `root`, which has adopted whatever lost its parent."""
    end_others(root, ())
    send(signal.SIGKILL, [root])


@contextlib.contextmanager
def held(root: int) -> Iterator[dict[int, Load]]:
    """Stop all below `root` for a moment; yield what they take. None of them can start or end another meanwhile."""
    stopped, below = set[int](), descendants(root)
    try:
        for _ in range(100):
            send(signal.SIGSTOP, below.keys() - stopped)
            stopped |= below.keys()
            time.sleep(0.001)  # one that was ending already is let go of
            before, below = below, descendants(root)
            if before.keys() == below.keys() and all(_is_still(pid) for pid in below):
                break
        yield below
    finally:
        send(signal.SIGCONT, stopped)


def _is_still(pid: int) -> bool:
    """Whether a process that was told to stop has done so, for which it needs a processor; or has ended."""
    return (fields := _stat(pid)) is None or fields[0] in "TtZX"


def send(number: int, pids: Iterable[int]) -> None:
    """Send a signal to processes, as far as they are there."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def memory(below: dict[int, Load]) -> int:
    """Return the bytes that processes hold together: what they share counts once, and so does shared memory."""
    whole, shared = 0, dict[str, int]()
    for pid, taken in below.items():
        own = taken.resident
        with contextlib.suppress(OSError, ValueError, IndexError):
            parts = _rollup(pid)
            own = parts["Pss"] - parts.get("Pss_Shmem", 0)
            for place, end in _shared_objects(pid):
                shared[place] = max(shared.get(place, 0), end)
        whole += own
    return whole + sum(shared.values())


def _rollup(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    rows = (line.split() for line in text.splitlines()[1:])
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def _shared_objects(pid: int) -> Iterator[tuple[str, int]]:
    """Yield what of memory without a name a process has mapped to share it: pages may lie there that nobody shows."""
    for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
        span, rights, offset, device, inode, *name = line.split(maxsplit=5)
        if (rights[3] == "s" and name and name[0].endswith("(deleted)")) or (name and name[0].startswith("/SYSV")):
            first, last = (int(value, 16) for value in span.split("-"))
            yield f"{device} {inode}", int(offset, 16) + last - first
