"""What a sandbox keeps apart: each refusal tried from inside a real one, and why a way of isolation is not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from graders.sandbox import containment, seccomp
from graders.sandbox.inside import confine
from graders.sandbox.isolation import LADDER, Isolation, Limits
from graders.sandbox.libraries import View
from graders.status import Status
from tests.needs import needs, needs_level

# Each returns the number of the error it was refused with, or 0. x86-64 and arm64 differ in their numbers, so the C
# library's own functions are called; where it has none, `syscall` with the number of both (they are new calls).
PROBES = {
    "unshare": "libc.unshare(0x10000000)",
    "namespace by clone": "libc.syscall({'x86_64': 56, 'aarch64': 220}[os.uname().machine], 0x10000000 | 17, 0, 0, 0, 0)",
    "setns": "libc.setns(0, 0)",
    "mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "chroot": "libc.chroot(b'/')",
    "ptrace": "libc.ptrace(0, 0, 0, 0)",
    "process_vm_readv": "libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0)",
    "keyctl": "libc.syscall({'x86_64': 250, 'aarch64': 219}[os.uname().machine], 0, -3, 0)",
    "bpf": "libc.syscall({'x86_64': 321, 'aarch64': 280}[os.uname().machine], 0, 0, 0)",
    "userfaultfd": "libc.syscall({'x86_64': 323, 'aarch64': 282}[os.uname().machine], 1)",
    "perf_event_open": "libc.syscall({'x86_64': 298, 'aarch64': 241}[os.uname().machine], 0, 0, -1, -1, 0)",
    "io_uring": "libc.syscall(425, 1, ctypes.create_string_buffer(120))",
    "pidfd_getfd": "libc.syscall(438, 0, 0, 0)",
    "TCP socket": "libc.socket(2, 1, 0)",
    "netlink socket": "libc.socket(16, 3, 0)",
    "terminal input": "libc.ioctl(0, 0x5412, b'x')",
}
CODE = f"""
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
PROBES = {PROBES!r}
def double(x):
    found = dict()
    for name, call in PROBES.items():
        ctypes.set_errno(0)
        done = eval(call)
        if name == "namespace by clone" and done == 0:
            os._exit(0)
        found[name] = errno.errorcode.get(ctypes.get_errno()) if done == -1 else "done"
    raise RuntimeError(f"PROBED {{found}}")
"""


def told(result):
    """What the exercise's function raised."""
    exercise = result.exercises[0]
    assert exercise.status is Status.RAISED, exercise
    return exercise.message


@pytest.mark.slow
@pytest.mark.parametrize("level", LADDER)
def test_system_calls_that_no_notebook_needs_are_refused(grade, submit, level):
    needs_level(level)
    needs("libseccomp")
    message = told(grade(submit(ex_1_1=CODE), level=level))
    for name in PROBES:
        assert f"'{name}': 'EPERM'" in message


@pytest.mark.slow
def test_threads_and_processes_still_start_under_the_filter(grade, submit):
    source = (
        "import subprocess, threading\ndef double(x):\n    found = []\n"
        "    thread = threading.Thread(target=found.append, args=(2 * x,))\n    thread.start()\n    thread.join()\n"
        "    assert subprocess.run(['/bin/echo', 'hi'], capture_output=True).stdout == b'hi\\n'\n    return found[0]"
    )
    assert grade(submit(ex_1_1=source)).earned == 10


UNSIGNED = """
import gc, inspect, matplotlib.artist, matplotlib.lines
class Own(matplotlib.lines.Line2D):
    def set_halo(self, width):
        self.halo = width
def double(x):
    line = Own([], [])
    line.set(halo=3, label="own")
    assert (line.halo, line.get_label()) == (3, "own")
    assert "halo" in inspect.signature(Own.set).parameters and "label" in matplotlib.artist.kwdoc(Own)
    assert gc.isenabled()
    return 2 * x
"""


def test_what_a_worker_does_without_at_its_start_is_there_for_a_notebook(grade, submit):
    assert grade(submit(ex_1_1=UNSIGNED)).earned == 10


FILES = """
import os
def double(x):
    read, written = [], []
    for place in {places!r}:
        try:
            open(place).close()
            read.append(place)
        except OSError:
            pass
        try:
            open(place, 'a').close()
            written.append(place)
        except OSError:
            pass
    try:
        os.kill({pid}, 0)
        signalled = True
    except OSError:
        signalled = False
    open('mine', 'w').close()
    raise RuntimeError(f"READ {{read}} WRITTEN {{written}} SIGNALLED {{signalled}}")
"""


@pytest.mark.parametrize("level", [level for level in LADDER if level is not Isolation.RLIMITS])
@pytest.mark.slow
def test_files_and_processes_of_the_grader_are_out_of_reach(grade, submit, level, tmp_path):
    needs_level(level)
    mine = tmp_path / "gradebook.db"
    mine.write_text("")
    mine.chmod(0o666)
    places = [str(mine), __file__, containment.__file__, f"/proc/{os.getpid()}/environ"]
    message = told(grade(submit(ex_1_1=FILES.format(places=places, pid=os.getpid())), level=level))
    assert "READ [] WRITTEN []" in message
    if level is not Isolation.LANDLOCK or confine.landlock_version() >= 6:
        assert "SIGNALLED False" in message


LIBRARY = """
import os, sheaflab
from pathlib import Path
from sheaflab.checks import labs
def double(x):
    root = Path(sheaflab.__file__).parents[1]
    found = [Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names]
    parts = sorted({path.relative_to(root).parts[:2] for path in found if path.relative_to(root).parts[0] != "sheaflab"})
    raise RuntimeError(f"LABS {labs()} BESIDE {parts} HIDDEN {[str(p) for p in found if p.name.startswith('test_')]}")
"""


@pytest.mark.parametrize("level", LADDER)
@pytest.mark.slow
def test_a_worker_sees_the_library_with_the_visible_checks_and_nothing_else_of_the_course(grade, submit, level):
    needs_level(level)
    message = told(grade(submit(ex_1_1=LIBRARY), level=level))
    assert "LABS ('mini',) BESIDE [('course', 'visible')] HIDDEN []" in message


def test_a_closed_home_is_a_reason_not_a_failure(monkeypatch, tmp_path):
    home = tmp_path / "home"
    (home / "python").mkdir(parents=True)
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_uid == os.getuid() and not place.stat().st_mode & 1:
            place.chmod(place.stat().st_mode | 0o111)  # pytest's own folders are closed as well
    assert containment.closed_to_others(home / "python") is None
    home.chmod(0o700)
    assert containment.closed_to_others(home / "python") == home
    monkeypatch.setattr(containment, "library_paths", lambda: (home / "python",))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert "closed to other users" in containment.hindrance(Isolation.OTHER_USER)
    assert "install Python elsewhere" in containment.hindrance(Isolation.OTHER_USER)


def test_another_user_needs_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert containment.hindrance(Isolation.OTHER_USER) == "needs root"


@pytest.mark.slow
def test_without_libseccomp_grading_goes_on_and_the_doctor_says_so(monkeypatch, capsys):
    from graders.commands import doctor

    monkeypatch.setattr(seccomp, "missing", lambda: "libseccomp is not installed: apt-get install -y libseccomp2")
    seccomp.program.cache_clear()
    try:
        assert seccomp.program(True) == b""
        command = containment.bubblewrap_command(3, 4, Limits(), None, View())
        assert '"seccomp": ""' in " ".join(command.argv)
        assert doctor.run(__import__("argparse").Namespace(require_isolation=None)) == 0
        assert "apt-get install -y libseccomp2" in capsys.readouterr().out
    finally:
        seccomp.program.cache_clear()


@pytest.mark.slow
def test_the_doctor_names_every_way_and_refuses_what_is_not_there():
    done = subprocess.run(
        [sys.executable, "-m", "graders.commands.cli", "doctor", "--require-isolation=rlimits"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for level in LADDER:
        assert f" {level.name.lower()} " in done.stdout
    assert "seccomp" in done.stdout
