"""The command that starts a worker, for each way of isolation, and what stands in the way of one on this machine."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graders.sandbox import seccomp
from graders.sandbox.bytecode import compiled
from graders.sandbox.inside import confine
from graders.sandbox.isolation import LACKS, Isolation, Limits, lacks
from graders.sandbox.libraries import View, font_list, library_paths
from graders.sandbox.users import PATH, drop

HERE = Path(__file__).resolve().parent / "inside"
WORKER = tuple(sorted(path.name for path in HERE.glob("*.py") if path.stem != "__init__"))
"""All of the graders that a worker ever sees."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")


@dataclass(frozen=True)
class Command:
    """What to start, and in which environment."""

    argv: list[str]
    env: dict[str, str]
    info_fd: int | None = None
    """Descriptor on which bubblewrap tells the process id of the sandbox's first process."""


@dataclass(frozen=True)
class Bind:
    """A file or directory, shown at a place inside; read-only unless told otherwise."""

    source: Path
    place: str
    writable: bool = False


def _environment(home: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": f"{home}/home",
        "USER": "student",  # no list of users in there knows the number; `getpass.getuser()` is content with these
        "LOGNAME": "student",
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/ipython",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
    }


def _python(
    worker: str,
    library: str,
    control: int,
    limits: Limits,
    *,
    walled: bool = False,
    alone: bool = True,
    files: Mapping[str, Any] | None = None,
) -> list[str]:
    """The worker's own command: whether files are walled off, whether user id or namespace are its own, and what
    files landlock leaves it."""
    orders = {
        "rlimits": limits.rlimits(),
        "processes": {"allowed": limits.processes, "alone": alone},
        "seccomp": seccomp.program(walled).hex(),
        "files": files,
    }
    arguments = [str(control), json.dumps(orders)]
    code = (  # no garbage is looked for until the libraries are there: the worker does so once, when it is ready
        f"import gc, runpy, sys; gc.disable(); sys.path[:0] = [{worker!r}, {library!r}]; sys.argv[1:] = {arguments!r}; "
        f"runpy.run_path({worker + '/worker.py'!r}, run_name='__main__')"
    )
    return [sys.executable, "-I", "-B", "-c", code]


@dataclass
class _Stage:
    """Bind mounts at neutral places in a private mount namespace, so that another uid reaches what lies under /root."""

    spots: dict[str, Path] = field(default_factory=dict)

    def add(self, path: Path) -> str:
        spot = f"/run/{len(self.spots)}"
        self.spots[spot] = path
        return spot

    @property
    def lines(self) -> list[str]:
        """The commands. Each starts a program, which costs more than what it does: all places are made by two."""
        folders = [spot for spot, path in self.spots.items() if path.is_dir()]
        files = [spot for spot in self.spots if spot not in folders]
        made = [shlex.join([command, *spots]) for command, spots in (("mkdir", folders), ("touch", files)) if spots]
        mounts = [shlex.join(["mount", "--bind", str(path), spot]) for spot, path in self.spots.items()]
        return ["mount -t tmpfs -o mode=755,size=1m tmpfs /run", *made, *mounts]


def bubblewrap(
    inner: Sequence[str],
    binds: Sequence[Bind],
    env: Mapping[str, str],
    *,
    chdir: str,
    room: int,
    uid: int | None,
    options: Sequence[str] = (),
) -> Command:
    """Return the command for `inner` in a container of its own, without network, with the libraries and `binds` only.

    As root it goes through a private mount namespace and drops to the unprivileged `uid` first: bubblewrap started by
    root could read root's files.

    Parameters
    ----------
    inner : sequence of str
    binds : sequence of Bind
    env : mapping of str to str
        The whole environment inside.
    chdir : str
        Working directory, made if need be.
    room : int
        Bytes of /tmp and of /dev/shm.
    uid : int or None
        None unless we are root.
    options : sequence of str, optional
        Further options of bwrap.
    """
    stage = _Stage()
    shown: list[str] = []
    for bind in [*(Bind(path, str(path)) for path in library_paths()), *binds]:
        source = str(bind.source) if uid is None else stage.add(bind.source)
        shown += ["--bind" if bind.writable else "--ro-bind", source, bind.place]
    for name in SETTINGS:
        shown += ["--ro-bind-try", name, name]
    for name in SYSTEM[1:]:
        if Path(name).is_symlink():
            shown += ["--symlink", f"usr{name}", name]
        elif Path(name).is_dir():
            shown += ["--ro-bind", name, name]
    argv = [
        "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
        "--unshare-cgroup-try", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--clearenv", *options, "--ro-bind", "/usr", "/usr",
        "--size", str(room), "--tmpfs", "/tmp",  # before the binds: an environment made under /tmp is to be seen
        *shown, "--proc", "/proc", "--dev", "/dev", "--size", str(room), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        "--dir", chdir, "--chdir", chdir, "--remount-ro", "/",
    ]  # fmt: skip
    for key, value in env.items():
        argv += ["--setenv", key, value]
    argv += ["--", *inner]
    if uid is not None:
        script = " && ".join([*stage.lines, "exec " + shlex.join([*drop(uid), *argv])])
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    return Command(argv, {"PATH": PATH})


def bubblewrap_command(control: int, info_fd: int, limits: Limits, uid: int | None, view: View) -> Command:
    """A worker in a container of its own."""
    binds = [Bind(compiled(source), f"/opt/library/{place}") for place, source in view.library().items()]
    binds.append(Bind(compiled(HERE), "/opt/worker"))
    if (fonts := font_list()) is not None:
        binds.append(Bind(fonts, f"/tmp/matplotlib/{fonts.name}"))
    inner = _python("/opt/worker", "/opt/library", control, limits, walled=True)
    options = ["--info-fd", str(info_fd)]
    made = bubblewrap(
        inner, binds, _environment("/tmp"), chdir="/tmp/work", room=limits.scratch, uid=uid, options=options
    )
    return Command(made.argv, made.env, info_fd)


def unshare_command(control: int, limits: Limits, scratch: Path, uid: int | None, view: View) -> Command:
    """Namespaces by util-linux's `unshare`; homes, /tmp, this checkout and the hidden are under empty file systems."""
    stage = _Stage()
    checkout = HERE.parents[2]
    keep = [(stage.add(path), path) for path in library_paths()]
    library = {place: stage.add(compiled(source)) for place, source in view.library().items()}
    worker = stage.add(_worker_files(scratch))
    writable = (Path("/tmp"), Path("/dev/shm"))
    covers = {*writable, Path("/root"), Path("/home"), Path("/var/tmp"), checkout, Path.cwd(), Path.home()}
    covers.update(view.hidden)
    covers = {c.resolve() for c in covers if c.is_dir() and c.resolve() not in (Path("/"), Path("/usr"), Path("/run"))}
    script = list(stage.lines)
    top = [c for c in covers if not any(c != o and c.is_relative_to(o) for o in covers)]
    for cover in sorted(top):
        mode = f"size={limits.scratch},mode=1777" if cover in writable else "size=1m,mode=755"
        script.append(f"mount -t tmpfs -o {mode} tmpfs {shlex.quote(str(cover))}")
    for spot, path in keep:
        if any(path.is_relative_to(c) for c in top):
            script.append(f"mkdir -p {shlex.quote(str(path))} && mount --bind {spot} {shlex.quote(str(path))}")
    for place, spot in library.items():
        link = Path("/run/library") / place
        script.append(f"mkdir -p {link.parent} && ln -s {spot} {link} && mount -o remount,ro,bind {spot}")
    script += [f"mount -o remount,ro,bind {worker}", "mkdir -p /tmp/work && cd /tmp/work && chmod 1777 /tmp/work"]
    if (fonts := font_list()) is not None:
        text = shlex.quote(str(fonts))
        script.insert(1, f"cp {text} /run/fonts.json && chmod 644 /run/fonts.json")
        script[0] = script[0].replace("size=1m", "size=8m")
        target = f"/tmp/matplotlib/{fonts.name}"
        script.append(f"mkdir -m 1777 /tmp/matplotlib && cp /run/fonts.json {target} && chmod 644 {target}")
    files = None
    if _landlock():  # it has no places of its own to write to but those above
        read = [*SYSTEM, *SETTINGS, *map(str, library_paths()), "/run", "/proc", "/dev"]
        files = {"read": read, "write": [*map(str, writable), "/dev/null"]}
    own = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if uid is None else drop(uid)
    env = [f"{k}={v}" for k, v in _environment("/tmp").items()]
    inner = _python(worker, "/run/library", control, limits, files=files)
    script.append("exec " + shlex.join([*own, "env", "-i", *env, *inner]))
    user = ["--user", "--map-root-user"] if uid is None else []
    argv = ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--mount-proc"]
    return Command([*argv, "--propagation", "private", "sh", "-c", " && ".join(script)], {"PATH": PATH})


def _worker_files(scratch: Path) -> Path:
    """A directory with the worker's files and nothing else."""
    folder = scratch / "worker"
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in WORKER:
        shutil.copyfile(HERE / name, folder / name)
        (folder / name).chmod(0o644)
    return folder


def plain_command(
    control: int, limits: Limits, scratch: Path, level: Isolation, uid: int | None, view: View
) -> Command:
    """No namespaces: limits, another uid where the grader is root, and landlock unless it is to be done without."""
    scratch.chmod(0o755)
    work, library = scratch / "work", scratch / "library"
    for folder in (work, library):
        folder.mkdir(exist_ok=True)
    for place, source in view.library().items():
        shutil.copytree(source, library / place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    if (fonts := font_list()) is not None:
        (work / "matplotlib").mkdir(exist_ok=True)
        shutil.copyfile(fonts, work / "matplotlib" / fonts.name)
    if uid is not None:
        for path in (work, *work.rglob("*")):
            os.chown(path, uid, uid)
    worker, files = _worker_files(scratch), None
    if level is not Isolation.RLIMITS and _landlock():
        read = [*SYSTEM, *SETTINGS, *map(str, library_paths()), str(library), str(worker), "/dev/urandom", "/dev/zero"]
        files = {"read": read, "write": [str(work), "/dev/null"]}
    env = [f"{k}={v}" for k, v in _environment(str(work)).items()]
    inner = _python(str(worker), str(library), control, limits, alone=level is Isolation.OTHER_USER, files=files)
    argv = [*([] if uid is None else drop(uid)), "env", "-i", "-C", str(work), *env, *inner]
    return Command(argv, {"PATH": PATH})


def _landlock() -> bool:
    return bool(confine.landlock_version()) and not lacks("landlock")


def hindrance(level: Isolation) -> str:
    """Return why `level` cannot work on this machine, as far as that can be told without a try; empty if nothing."""
    root = os.geteuid() == 0
    needs = {
        Isolation.BUBBLEWRAP: ["bwrap", *(["unshare", "setpriv"] if root else [])],
        Isolation.UNSHARE: ["unshare", "setpriv"],
        Isolation.OTHER_USER: ["setpriv"],
    }
    if missing := [name for name in needs.get(level, []) if shutil.which(name) is None or lacks(name)]:
        return f"{', '.join(missing)} not installed"
    namespaces = level is Isolation.BUBBLEWRAP or (level is Isolation.UNSHARE and not root)
    if namespaces and lacks("user-namespaces"):
        return f"user namespaces are not to be used ({LACKS})"
    if level is Isolation.OTHER_USER:
        if not root:
            return "needs root"
        closed = [place for path in library_paths() if (place := closed_to_others(path)) is not None]
        if closed:
            return f"{closed[0]} is closed to other users, and {sys.executable} needs it; install Python elsewhere"
    if level is Isolation.LANDLOCK and not _landlock():
        return "the kernel has no landlock (Linux 5.13, and `landlock` among its security modules)"
    return ""


def closed_to_others(path: Path) -> Path | None:
    """Return the uppermost directory on the way to `path` that only its owner may enter, if there is one."""
    for place in (*reversed(path.parents), path):
        if not place.stat().st_mode & 0o001:
            return place
    return None
