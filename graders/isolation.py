"""How far student code can be kept apart on this machine: a ladder of ways, best first, and the command for each."""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEGA = 2**20
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # all of the environment that the tools below get


class Isolation(Enum):
    """A way to keep student code apart, best first. The value says what it stops and what would be better."""

    BUBBLEWRAP = "bubblewrap: own files, processes, network and limits"
    UNSHARE = (
        "degraded isolation (unshare): own processes, network and limits, but most of the system's files are readable; "
        "install bubblewrap: apt-get install -y bubblewrap"
    )
    OTHER_USER = (
        "degraded isolation (another user id): limits, and no access to files that are yours alone; network and "
        "world-readable files are open; install bubblewrap: apt-get install -y bubblewrap"
    )
    RLIMITS = (
        "degraded isolation (limits only): student code runs as you and can read and write your files; "
        "install bubblewrap: apt-get install -y bubblewrap"
    )

    @property
    def degraded(self) -> bool:
        """Whether a better way exists."""
        return self is not Isolation.BUBBLEWRAP

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Isolation).index(self)


LADDER = tuple(Isolation)


class IsolationError(RuntimeError):
    """No worker can be started as asked; the text says what to do."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one worker. Times in seconds, sizes in bytes."""

    cpu: float = 20.0
    """CPU time of one cell; a call gets at most half of the default."""
    wall: float = 90.0
    """Wall-clock time of one cell or call: for sleepers, so it may be generous on a busy machine."""
    total_wall: float = 600.0
    """Wall-clock time of a whole notebook."""
    start_wall: float = 60.0
    memory: int = 3 * 1024 * MEGA
    """Address space of one process."""
    processes: int = 24
    file_size: int = 32 * MEGA
    open_files: int = 128
    scratch: int = 64 * MEGA
    """Room in the private /tmp and in /dev/shm."""

    @property
    def call_cpu(self) -> float:
        """CPU time of one call."""
        return min(self.cpu, 10.0)

    def rlimits(self) -> dict[str, int]:
        """Limits that the worker sets on itself before it runs student code."""
        return {
            "AS": self.memory,
            "CPU": int(self.total_wall),
            "NPROC": self.processes,
            "FSIZE": self.file_size,
            "NOFILE": self.open_files,
            "CORE": 0,
        }


@dataclass(frozen=True)
class Command:
    """What to start, and in which environment."""

    argv: list[str]
    env: dict[str, str]
    info_fd: int | None = None
    """Descriptor on which bubblewrap tells the process id of the sandbox's first process."""


@functools.cache
def library_paths() -> tuple[Path, ...]:
    """Directories that a worker needs to import its libraries: interpreter, environment, packages."""
    scheme = sysconfig.get_paths()
    found = [sys.base_prefix, sys.base_exec_prefix, sys.prefix, scheme["purelib"], scheme["platlib"]]
    import numpy

    found.append(str(Path(numpy.__file__).parents[1]))
    paths: list[Path] = []
    for path in sorted({Path(p) for p in found} | {Path(p).resolve() for p in found}, key=lambda p: len(p.parts)):
        if path.exists() and not any(path.is_relative_to(known) for known in (Path("/usr"), *paths)):
            paths.append(path)
    return tuple(paths)


def library_source() -> Path:
    """Where the `sheaflab` package is: the only part of a checkout that a worker may see."""
    import sheaflab

    return Path(sheaflab.__file__).resolve().parent


@functools.cache
def font_list() -> Path | None:
    """Matplotlib's list of fonts, made once here so that a worker need not search the disk each time."""
    import matplotlib
    from matplotlib import font_manager

    path = Path(matplotlib.get_cachedir()) / f"fontlist-v{font_manager.FontManager.__version__}.json"
    return path if path.is_file() else None


def _environment(home: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": f"{home}/home",
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/ipython",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
    }


def _python(worker: str, library: str, control: int, limits: Limits) -> list[str]:
    arguments = [str(control), json.dumps(limits.rlimits())]
    code = (
        f"import runpy, sys; sys.path[:0] = [{worker!r}, {library!r}]; sys.argv[1:] = {arguments!r}; "
        f"runpy.run_path({worker + '/worker.py'!r}, run_name='__main__')"
    )
    return [sys.executable, "-I", "-B", "-c", code]


@dataclass
class _Stage:
    """Bind mounts at neutral places in a private mount namespace, so that another uid reaches what lies under /root."""

    lines: list[str] = field(default_factory=lambda: ["mount -t tmpfs -o mode=755,size=1m tmpfs /run"])

    def add(self, path: Path) -> str:
        spot = f"/run/{len(self.lines)}"
        make = "mkdir" if path.is_dir() else "touch"
        self.lines.append(f"{make} {spot} && mount --bind {shlex.quote(str(path))} {spot}")
        return spot


def _worker_uid() -> int:
    return 61000 + os.getpid() % 3000  # two graders at work at the same time do not share one


def _drop(uid: int) -> list[str]:
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]


def bubblewrap_command(control: int, info_fd: int, limits: Limits) -> Command:
    """Bubblewrap; as root inside a private mount namespace and after dropping to an unprivileged uid."""
    root = os.geteuid() == 0
    stage = _Stage()

    def source(path: Path) -> str:
        return stage.add(path) if root else str(path)

    binds: list[str] = []
    for path in library_paths():
        binds += ["--ro-bind", source(path), str(path)]
    package = library_source()
    binds += ["--ro-bind", source(package), "/opt/library/sheaflab"]
    for name in ("worker.py", "protocol.py"):
        binds += ["--ro-bind", source(HERE / name), f"/opt/worker/{name}"]
    # Before the binds, which may lie in it: an environment made under /tmp is to be seen.
    scratch = ["--size", str(limits.scratch), "--tmpfs", "/tmp"]
    if (fonts := font_list()) is not None:
        scratch += ["--ro-bind", source(fonts), f"/tmp/matplotlib/{fonts.name}"]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"):
        binds += ["--ro-bind-try", name, name]
    for name in ("bin", "lib", "lib64", "lib32", "sbin"):
        if Path("/", name).is_symlink():
            binds += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).is_dir():
            binds += ["--ro-bind", f"/{name}", f"/{name}"]
    argv = [
        "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
        "--unshare-cgroup-try", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--clearenv", "--info-fd", str(info_fd), "--ro-bind", "/usr", "/usr", *scratch, *binds, "--proc", "/proc",
        "--dev", "/dev", "--size", str(limits.scratch), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        "--dir", "/tmp/work", "--chdir", "/tmp/work", "--remount-ro", "/",
    ]  # fmt: skip
    for key, value in _environment("/tmp").items():
        argv += ["--setenv", key, value]
    argv += ["--", *_python("/opt/worker", "/opt/library", control, limits)]
    if root:
        script = " && ".join([*stage.lines, "exec " + shlex.join([*_drop(_worker_uid()), *argv])])
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    return Command(argv, {"PATH": PATH}, info_fd)


def unshare_command(control: int, limits: Limits, scratch: Path) -> Command:
    """Namespaces by util-linux's `unshare`; homes, this checkout and /tmp are covered by empty file systems."""
    root = os.geteuid() == 0
    stage = _Stage()
    checkout = HERE.parent
    keep = [(stage.add(path), path) for path in library_paths()]
    package, worker = stage.add(library_source()), stage.add(_worker_files(scratch))
    covers = {Path("/root"), Path("/home"), Path("/tmp"), Path("/dev/shm"), checkout, Path.cwd(), Path.home()}
    covers = {c.resolve() for c in covers if c.is_dir() and c.resolve() not in (Path("/"), Path("/usr"), Path("/run"))}
    script = list(stage.lines)
    top = [c for c in covers if not any(c != o and c.is_relative_to(o) for o in covers)]
    mode = f"size={limits.scratch},mode=1777"
    script += [f"mount -t tmpfs -o {mode} tmpfs {shlex.quote(str(c))}" for c in sorted(top)]
    for spot, path in keep:
        if any(path.is_relative_to(c) for c in top):
            script.append(f"mkdir -p {shlex.quote(str(path))} && mount --bind {spot} {shlex.quote(str(path))}")
    script += [
        "mkdir /run/library && ln -s " + package + " /run/library/sheaflab",
        "mount -o remount,ro,bind " + package,
    ]
    script += [f"mount -o remount,ro,bind {worker}", "mkdir -p /tmp/work && cd /tmp/work && chmod 1777 /tmp/work"]
    if (fonts := font_list()) is not None:
        text = shlex.quote(str(fonts))
        script.insert(1, f"cp {text} /run/fonts.json && chmod 644 /run/fonts.json")
        script[0] = script[0].replace("size=1m", "size=8m")
        target = f"/tmp/matplotlib/{fonts.name}"
        script.append(f"mkdir -m 1777 /tmp/matplotlib && cp /run/fonts.json {target} && chmod 644 {target}")
    drop = _drop(_worker_uid()) if root else ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    env = [f"{k}={v}" for k, v in _environment("/tmp").items()]
    script.append("exec " + shlex.join([*drop, "env", "-i", *env, *_python(worker, "/run/library", control, limits)]))
    user = [] if root else ["--user", "--map-root-user"]
    argv = ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--mount-proc"]
    return Command(
        [*argv, "--propagation", "private", "sh", "-c", " && ".join(script)], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )


def _worker_files(scratch: Path) -> Path:
    """A directory with the worker's two files and nothing else."""
    folder = scratch / "worker"
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in ("worker.py", "protocol.py"):
        shutil.copyfile(HERE / name, folder / name)
        (folder / name).chmod(0o644)
    return folder


def plain_command(control: int, limits: Limits, scratch: Path, *, other_user: bool) -> Command:
    """No namespaces: limits only, and another uid where the grader is root."""
    scratch.chmod(0o755)
    work, library = scratch / "work", scratch / "library"
    for folder in (work, library):
        folder.mkdir(exist_ok=True)
    shutil.copytree(
        library_source(), library / "sheaflab", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    work.chmod(0o777)
    if (fonts := font_list()) is not None:
        (work / "matplotlib").mkdir(exist_ok=True)
        (work / "matplotlib").chmod(0o777)
        shutil.copy(fonts, work / "matplotlib" / fonts.name)
    drop = _drop(_worker_uid()) if other_user else []
    env = [f"{k}={v}" for k, v in _environment(str(work)).items()]
    argv = [*drop, "env", "-i", *env, *_python(str(_worker_files(scratch)), str(library), control, limits)]
    return Command(argv, {"PATH": PATH})


def tools(level: Isolation) -> Sequence[str]:
    """Programs that `level` needs."""
    root = os.geteuid() == 0
    needs = {
        Isolation.BUBBLEWRAP: ["bwrap", *(["unshare", "setpriv"] if root else [])],
        Isolation.UNSHARE: ["unshare", "setpriv"],
        Isolation.OTHER_USER: ["setpriv"],
        Isolation.RLIMITS: [],
    }
    return needs[level]


def missing_tools(level: Isolation) -> list[str]:
    """Programs that `level` needs and this machine lacks."""
    return [name for name in tools(level) if shutil.which(name) is None]


def run_quietly(argv: Sequence[str]) -> bool:
    """Whether a command ends well."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
