"""What this machine has of the programs and kernel features that grading and the tests make use of.

One table: tests are left out by it, `graders doctor` prints it, and both name the one command that brings the rest.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from graders.sandbox import cgroup, containment, seccomp
from graders.sandbox.inside import confine
from graders.sandbox.isolation import LACKS, Isolation, lacks


@dataclass(frozen=True)
class Requirement:
    """A program or a kernel feature.

    Attributes
    ----------
    name : str
    purpose : str
        What goes without it.
    package : str
        Debian's package of it; empty if it is no program.
    trouble : callable
        Returns why it is not there, or an empty text.
    remedy : str
        What to do where no package brings it.
    """

    name: str
    purpose: str
    package: str
    trouble: Callable[[], str]
    remedy: str = ""

    def missing(self) -> str:
        """Return why it is not there, or an empty text."""
        return f"{self.name} is not to be used ({LACKS})" if lacks(self.name) else self.trouble()


def _program(*names: str) -> Callable[[], str]:
    def trouble() -> str:
        return "" if any(shutil.which(name) for name in names) else f"{names[0]} is not installed"

    return trouble


def chromium() -> str | None:
    """Return the path of the system's Chromium, None if there is none."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


def postgresql() -> Path | None:
    """Return the directory of PostgreSQL's newest server programs, None if there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    elsewhere = shutil.which("initdb")
    return debian[-1].parent if debian else Path(elsewhere).parent if elsewhere else None


@functools.cache
def _user_namespaces() -> str:
    """Try one as an ordinary user: root may make them where others may not."""
    code = (
        "import ctypes, os, sys\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "sys.exit(os.strerror(ctypes.get_errno()) if libc.unshare(0x10000000) else 0)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no user namespaces for ordinary users ({done.stderr.strip()[-100:]})"


REQUIREMENTS = (
    Requirement("bwrap", "the best isolation", "bubblewrap", _program("bwrap")),
    Requirement("unshare", "the second level of isolation", "util-linux", _program("unshare")),
    Requirement("setpriv", "isolation by namespaces or another user", "util-linux", _program("setpriv")),
    Requirement("libseccomp", "a filter of system calls", "libseccomp2", seccomp.missing),
    Requirement(
        "user-namespaces",
        "isolation by namespaces without being root",
        "",
        _user_namespaces,
        "sysctl -w kernel.unprivileged_userns_clone=1, or ask who runs this machine",
    ),
    Requirement(
        "landlock",
        "files out of reach where there are no namespaces",
        "",
        lambda: "" if confine.landlock_version() else "the kernel has no landlock",
        "a kernel from 5.13 on with `landlock` among its security modules",
    ),
    Requirement(
        "cgroup",
        "a bound on the memory of all of a worker's processes that the kernel keeps; without it, a watcher does",
        "",
        cgroup.trouble,
        "run as root, or have a control group with the memory controller delegated to you",
    ),
    Requirement(
        "another-user",
        "isolation by another user id",
        "",
        lambda: containment.hindrance(Isolation.OTHER_USER),
        "run as root, with a Python that every user may read, such as Debian's",
    ),
    Requirement(
        "chromium",
        "tests of pages and of the browser edition",
        "chromium",
        lambda: "" if chromium() else "chromium is not installed",
    ),
    Requirement(
        "flint",
        "`certify(rigorous=True)` of the library",
        "",
        lambda: "" if importlib.util.find_spec("flint") else "python-flint is not installed",
        "pip install 'sheaflab[proof]'",
    ),
    Requirement(
        "postgresql",
        "tests of a gradebook on a server",
        "postgresql",
        lambda: "" if postgresql() else "postgresql is not installed",
    ),
    Requirement("cc", "the library's benchmark against plain C, and the test of it", "gcc libc6-dev", _program("cc")),
)
BY_NAME = {requirement.name: requirement for requirement in REQUIREMENTS}


def needed_for(level: Isolation) -> tuple[str, ...]:
    """Return the names of what a level needs on this machine."""
    root = os.geteuid() == 0
    return {
        Isolation.BUBBLEWRAP: ("bwrap", "user-namespaces", *(("unshare", "setpriv") if root else ())),
        Isolation.UNSHARE: ("unshare", "setpriv", *(() if root else ("user-namespaces",))),
        Isolation.OTHER_USER: ("another-user",),
        Isolation.LANDLOCK: ("landlock",),
        Isolation.RLIMITS: (),
    }[level]


def advice(names: Iterable[str]) -> str:
    """Return one line: the command that brings all of `names`, and what no command brings."""
    chosen = [BY_NAME[name] for name in dict.fromkeys(names)]
    packages = dict.fromkeys(requirement.package for requirement in chosen if requirement.package)
    lines = [f"apt-get install -y {' '.join(packages)}"] if packages else []
    lines += [f"{requirement.name}: {requirement.remedy}" for requirement in chosen if not requirement.package]
    return "; ".join(lines)
