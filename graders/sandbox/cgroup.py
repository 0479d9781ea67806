"""One bound of memory for all that a worker starts, kept by the kernel: where this process may make control groups.

Where it may not, :mod:`graders.sandbox.census` keeps the same bound by looking.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import time
from pathlib import Path

from graders.sandbox.isolation import lacks

_INTO = 'echo $$ > "$0" && exec "$@"'
_number = itertools.count()


class MemoryGroup:
    """A control group for one worker.

    Parameters
    ----------
    folder : Path
        An empty group of ours.
    most : int
        Bytes.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        version = 2 if (folder / "memory.max").exists() else 1
        limit, self._events = (
            ("memory.max", "memory.events") if version == 2 else ("memory.limit_in_bytes", "memory.oom_control")
        )
        (folder / limit).write_text(str(most))
        swap = folder / ("memory.swap.max" if version == 2 else "memory.memsw.limit_in_bytes")
        with contextlib.suppress(OSError):  # there is no swap to be counted
            swap.write_text("0" if version == 2 else str(most))

    def command(self, argv: list[str]) -> list[str]:
        """Return the command that starts `argv` inside."""
        return ["/bin/sh", "-c", _INTO, str(self.folder / "cgroup.procs"), *argv]

    def exceeded(self) -> bool:
        """Whether the kernel has ended a process for it."""
        words = (self.folder / self._events).read_text().split()
        return int(dict(zip(words[::2], words[1::2], strict=True)).get("oom_kill", 0)) > 0

    def members(self) -> set[int]:
        """Return the process ids of all that runs inside at this moment: nothing that forks meanwhile is missed."""
        return set(map(int, (self.folder / "cgroup.procs").read_text().split()))

    def close(self) -> None:
        """Remove it; what has run in it is gone, or a moment from it."""
        for _ in range(100):
            try:
                self.folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.01)


def memory_group(most: int) -> MemoryGroup | None:
    """Return a new group whose processes together get `most` bytes; None where none can be made."""
    parent = _parent()
    if parent is None or lacks("cgroup"):
        return None
    return _made(parent, most)


def trouble() -> str:
    """Return why no group can be made; empty if one can."""
    return "" if _parent() is not None else "this process may make no control groups with a bound of memory"


def _made(parent: Path, most: int) -> MemoryGroup | None:
    folder = parent / f"graders-{os.getpid()}-{next(_number)}"
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        return MemoryGroup(folder, most)
    except OSError:
        folder.rmdir()
        return None


@functools.cache
def _parent() -> Path | None:
    """The group of this process, if it can have groups with a bound of memory below it."""
    own = dict[str, str]()
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), place)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, kind = line.partition(" - ")
        root, mount = fields.split()[3:5]
        name, _, options = kind.split(" ", 2)
        controller = "" if name == "cgroup2" else "memory"
        if name not in ("cgroup", "cgroup2") or controller not in own or (controller and "memory" not in options):
            continue
        for place in (own[controller], "/"):  # in a container, the mount may be our own group
            parent = Path(mount) / os.path.relpath(place, root if place.startswith(root) else "/")
            found = _made(parent, 2**30) if os.access(parent, os.W_OK) else None
            if found is not None:
                found.close()
                _remove_left(parent)
                return parent
    return None


def _remove_left(parent: Path) -> None:
    """Remove the groups of graders that were killed."""
    for folder in parent.glob("graders-*-*"):
        if not Path(f"/proc/{folder.name.split('-')[1]}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
