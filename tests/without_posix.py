"""A Python from which everything POSIX-only is taken, for what has to work without it."""

from __future__ import annotations

import json
import subprocess
import textwrap

WITHOUT_POSIX = """
import importlib.abc, os, signal, sys

GONE = {"resource", "fcntl", "pwd", "grp", "termios", "syslog", "spwd", "crypt", "pty", "tty"}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for name in GONE:
    sys.modules.pop(name, None)
for name in ("SIGALRM", "SIGPROF", "SIGVTALRM", "SIGKILL", "SIGXCPU", "setitimer", "getitimer", "alarm", "pthread_kill",
             "ITIMER_REAL", "ITIMER_PROF", "ITIMER_VIRTUAL"):
    delattr(signal, name)
for name in ("fork", "forkpty", "getuid", "geteuid", "killpg", "wait4", "posix_spawn", "setsid"):
    delattr(os, name)
"""


def without_posix(python, folder, script, *, env):
    """Run a script in a Python from which everything POSIX-only on a reader's path is taken before anything is imported."""
    done = subprocess.run(
        [str(python), "-c", WITHOUT_POSIX + textwrap.dedent(script)],
        cwd=folder, env={**env, "PYTHONIOENCODING": "utf-8"}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# `sys.platform` is set once everything is imported: the interpreter itself and numpy need the true one.
COMMANDS = """
    import contextlib, io, json
    from sheaflab.cli import main
    import matplotlib.pyplot, scipy.linalg
    sys.platform = "win32"
    def say(*arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = main(arguments)
        return status, out.getvalue()
"""
