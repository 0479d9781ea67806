"""Processes outside any namespace: counted, and ended with all that they have started."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

from graders.sandbox.events import Deadline


class Census:
    """Counts the processes and threads below a worker where the kernel counts all of its user's; ends them if too many.

    Parameters
    ----------
    root : int
        Process id of the worker.
    most : int
        How many there may be below it.
    """

    def __init__(self, root: int, most: int) -> None:
        self.root, self.most, self.exceeded = root, most, False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"census of {root}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop counting."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            if sum(descendants(self.root).values()) > self.most:
                self.exceeded = True
                end_tree(self.root)
                return


def descendants(root: int) -> dict[int, int]:
    """Return how many threads each process below `root` has, by process id."""
    parents: dict[int, int] = {}
    threads: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()  # proc(5); the name may hold brackets
                parents[int(entry.name)], threads[int(entry.name)] = int(fields[1]), int(fields[17])
    below: dict[int, int] = {}
    grown = True
    while grown:
        fresh = [pid for pid, parent in parents.items() if pid not in below and (parent == root or parent in below)]
        below |= {pid: threads[pid] for pid in fresh}
        grown = bool(fresh)
    return below


def end_tree(root: int) -> None:
    """Kill all below `root`, then `root`, which has adopted whatever lost its parent.

    All are stopped before any is killed, since one that runs may start another; and one that was just starting may
    appear after the last look.
    """
    end = Deadline(10.0)
    while end.left and (below := descendants(root)):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in below:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
    with contextlib.suppress(OSError):
        os.kill(root, signal.SIGKILL)


def kill_marked(mark: str) -> None:
    """Kill processes whose environment holds `mark`: the last resort where no process namespace contains them."""
    for _ in range(50):
        found = False
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        os.kill(int(entry.name), signal.SIGKILL)
                        found = True
        if not found:
            return
        time.sleep(0.02)
