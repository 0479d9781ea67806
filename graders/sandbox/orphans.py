"""Processes whose worker was killed by its own student code, where no namespace and no user id holds them together.

They become children of this process, and are known by a limit that they cannot raise again.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time

from graders.sandbox.inside import confine
from graders.sandbox.tree import children, end_tree, send

ROOTS = set[int]()
"""Process ids of the workers that this process has started and not yet ended."""


def adopt() -> None:
    """Let whatever loses its parent below this process become its child."""
    confine.adopt_orphans()


def end(root: int, open_files: int) -> None:
    """End what has outlived its worker, of `root` or of another that is gone, and take notice of it.

    Parameters
    ----------
    root : int
        Process id of a worker that has ended.
    open_files : int
        Hard limit of open files of everything that workers start; nothing is done if it is our own as well.
    """
    ROOTS.discard(root)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= open_files:
        return
    for _ in range(200):
        left = [pid for pid in children(os.getpid()) if pid not in ROOTS and _is_marked(pid, open_files)]
        if not left:
            return
        send(signal.SIGSTOP, left)
        for pid in left:
            end_tree(pid)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        time.sleep(0.001)


def _is_marked(pid: int, open_files: int) -> bool:
    try:
        return resource.prlimit(pid, resource.RLIMIT_NOFILE)[1] <= open_files
    except OSError:
        return False
