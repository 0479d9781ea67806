"""A user id for one worker, where root starts them: nobody else's, and all that runs under it can be ended by it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from graders.sandbox.isolation import IsolationError

FREE = range(60578, 61184)
"""User ids that no system hands out (systemd's table, "Users, Groups, UIDs and GIDs"), and below 2¹⁶ for containers."""
OPEN_TO_ALL = ("/tmp", "/var/tmp", "/dev/shm")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""All of the environment that programs of the system get from us."""


class User:
    """An unprivileged user id that no other worker on this machine has, until it is released.

    Raises
    ------
    IsolationError
        If all are taken.
    """

    def __init__(self) -> None:
        for number in (FREE[(os.getpid() + k) % len(FREE)] for k in range(len(FREE))):
            self._lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                self._lock.bind(f"\0graders-user-{number}")  # the kernel takes the name back when we end, however we do
                pwd.getpwuid(number)
            except KeyError:
                self.number = number
                return
            except OSError:
                pass
            self._lock.close()
        raise IsolationError(f"no user id is free among {FREE[0]} to {FREE[-1]}")

    def release(self, *, everything: bool) -> None:
        """Give the id back.

        Parameters
        ----------
        everything : bool
            Whether processes may still run under it, and files lie about: where no namespace has ended with them.
        """
        if everything:
            self.end_processes()
            self._remove_files()
        self._lock.close()

    def end_processes(self) -> None:
        """Kill whatever runs under the id, all at one blow: no process can start another in between."""
        command = [*drop(self.number), "sh", "-c", "kill -s KILL -- -1"]
        for _ in range(20):
            done = subprocess.run(command, env={"PATH": PATH}, capture_output=True, cwd="/", check=False)
            if done.returncode:  # there is none
                return
            time.sleep(0.005)

    def _remove_files(self) -> None:
        """Remove what the id has left where everybody may write: the next one who gets it must not find it."""
        for place in map(Path, OPEN_TO_ALL):
            with contextlib.suppress(OSError):
                for path in place.iterdir():
                    with contextlib.suppress(OSError):
                        if path.lstat().st_uid == self.number:
                            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def drop(uid: int) -> list[str]:
    """Return the command that starts another one under `uid`, without privileges."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
