"""Bounds on a worker as a whole, and what no file wall keeps apart: each attack in a real sandbox, at every level.

Beside each attacker an honest student has the full points: the same level grades one afterwards.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from graders.lab.manifest import Course
from graders.sandbox import census, process
from graders.sandbox.isolation import LACKS, LADDER, MEGA, Isolation, Limits
from graders.sandbox.process import Worker
from graders.status import Status
from tests.graders.conftest import HERE, SHORT, grade_bytes
from tests.needs import needs, needs_level

pytestmark = pytest.mark.slow
SHARED_FILES = [level for level in LADDER if level is not Isolation.BUBBLEWRAP]
SHARED_PROCESSES = [level for level in LADDER if level.shares_processes]
ONE_WORKER = replace(SHORT, wall=20.0, total_memory=600 * MEGA)


def each(levels):
    return pytest.mark.parametrize("level", levels, ids=lambda level: level.name.lower())


@pytest.fixture
def attack(grade, submit):
    """Grade an attacker's exercise 1.1 and then an honest student; return what the first exercise came to."""

    def run(source, level, limits=ONE_WORKER, **cells):
        needs_level(level)
        found = grade(submit(ex_1_1=source, **cells), level=level, limits=limits).exercises
        assert grade(submit(), level=level, limits=limits).earned == 10
        return found

    return run


def running(mark):
    """Process ids of those whose command line holds `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


# -- processes ------------------------------------------------------------------------------------------------------
LEAVE = """
import os, time
def leave(program, *arguments):
    # In a session of its own, without environment, and nobody's child: no group, no variable and no parent names it.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(program, [program, *arguments], {})
        os._exit(0)
    os.wait()
"""
BEAT = (
    LEAVE
    + """
import sys, time
beating = "import time\\nwhile True:\\n    open('beat', 'w').write(str(time.time()))\\n    time.sleep(0.01)"
def heard():
    def content():
        try:
            return open('beat').read()
        except OSError:
            return ''
    first = content()
    for _ in range(40):
        time.sleep(0.05)
        if first and content() != first:
            return True
    return False
"""
)
START = """
leave(sys.executable, '-I', '-c', beating)
for _ in range(200):
    if heard():
        break
"""


@each(LADDER)
def test_what_the_cells_have_started_is_ended_before_the_first_exercise(attack, level):
    source = (
        BEAT + START + "def double(x):\n    raise RuntimeError(f'STARTED {os.path.exists(\"beat\")} HEARD {heard()}')"
    )
    assert "STARTED True HEARD False" in attack(source, level, limits=replace(ONE_WORKER, cpu=10.0))[0].message


@each(LADDER)
def test_what_one_exercise_has_started_is_ended_before_the_next(attack, level):
    source = (
        BEAT + "def double(x):\n" + "".join(f"    {line}\n" for line in START.strip().split("\n")) + "    return 2 * x"
    )
    after = "def twice(f, x):\n    raise RuntimeError(f'STARTED {os.path.exists(\"beat\")} HEARD {heard()}')"
    found = attack(source, level, limits=replace(ONE_WORKER, cpu=10.0), ex_1_2=after)
    assert "STARTED True HEARD False" in found[1].message


KILL = """
import signal
leave('/bin/sleep', '{mark}')
def double(x):
    # The worker's processes, from the parent up: whoever has worker.py in its command. Then all are on their own.
    above = [os.getppid()]
    try:
        while 'worker.py' in open(f'/proc/{{above[-1]}}/cmdline').read() and above[-1] > 1:
            above.append(int(open(f'/proc/{{above[-1]}}/stat').read().rpartition(')')[2].split()[1]))
    except OSError:  # landlock; the worker's first process leads the session
        above += [os.getsid(0), 0]
    leave('/bin/sleep', '{mark}')
    for pid in above[:-1] or above:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    leave('/bin/sleep', '{mark}')
"""


@each(LADDER)
def test_nothing_outlives_its_worker_even_if_the_worker_is_killed_from_within(attack, level):
    mark = f"{os.getpid()}{time.monotonic_ns()}"
    assert attack(LEAVE + KILL.format(mark=mark), level)[0].status is not Status.OK
    assert running(mark) == []


@each([Isolation.LANDLOCK, Isolation.RLIMITS])
def test_processes_are_counted_where_the_kernel_counts_those_of_others(attack, level):
    source = (
        "import os, time\ndef double(x):\n    for _ in range(40):\n        if os.fork() == 0:\n"
        "            time.sleep(60)\n            os._exit(0)\n    time.sleep(60)"
    )
    found = attack(source, level)[0]
    assert found.status is Status.KILLED
    assert "more than 24 processes or threads at once" in found.message


def test_two_workers_of_root_have_two_user_ids():
    needs_level(Isolation.OTHER_USER)
    with Worker(SHORT, Isolation.OTHER_USER) as first, Worker(SHORT, Isolation.OTHER_USER) as second:
        told = [Path(f"/proc/{worker.process.pid}/status").read_text() for worker in (first, second)]
        uids = {line.split()[1] for text in told for line in text.splitlines() if line.startswith("Uid:")}
        assert len(uids) == 2
        assert "0" not in uids


# -- memory ---------------------------------------------------------------------------------------------------------
HOLD = """
import mmap, os, time
def hold(make, count):
    kept = []
    for _ in range(count):
        kept.append(os.fork() or (make(), time.sleep(60)))
    time.sleep(60)
def private():
    global held
    held = bytearray(200 * 2**20)
    for k in range(0, len(held), 4096):
        held[k] = 1
def shared():
    global held
    held = mmap.mmap(-1, 200 * 2**20)
    for k in range(0, len(held), 4096):
        held[k] = 1
    held.madvise(mmap.MADV_DONTNEED)  # no process shows these pages any more, and they are still there
"""


@each(LADDER)
@pytest.mark.parametrize("kind", ["private", "shared"])
def test_processes_together_have_one_bound_of_memory(attack, level, kind):
    source = HOLD + f"def double(x):\n    hold({kind}, 4)"
    found = attack(source, level, limits=replace(ONE_WORKER, cpu=10.0))[0]
    assert found.status is Status.OUT_OF_MEMORY
    assert "more than 600 MB of memory in all its processes" in found.message


@each([LADDER[0], LADDER[-1]])
def test_that_bound_is_kept_by_the_kernel_where_it_can_be(attack, level, monkeypatch):
    needs("cgroup")
    monkeypatch.setattr(census.Census, "_holds_too_much", lambda *_: False)  # nobody looks
    found = attack(HOLD + "def double(x):\n    hold(private, 4)", level, limits=replace(ONE_WORKER, cpu=10.0))[0]
    assert found.status is Status.OUT_OF_MEMORY
    assert "more than 600 MB of memory in all its processes" in found.message


@each([LADDER[0], LADDER[-1]])
def test_that_bound_is_kept_by_looking_where_the_kernel_does_not(attack, level, monkeypatch):
    monkeypatch.setenv(LACKS, "cgroup")
    found = attack(HOLD + "def double(x):\n    hold(private, 4)", level, limits=replace(ONE_WORKER, cpu=10.0))[0]
    assert found.status is Status.OUT_OF_MEMORY


def test_no_group_is_left_behind():
    needs("cgroup")
    with Worker(SHORT, Isolation.RLIMITS) as worker:
        folder = worker._group.folder
        assert str(worker.process.pid) in (folder / "cgroup.procs").read_text().split()
    assert not folder.exists()


def test_the_kernel_tells_at_once_that_nobody_was_left_behind(monkeypatch):
    needs("cgroup")
    looks = []
    monkeypatch.setattr(process, "end_others", lambda *given: looks.append(given) or True)
    with Worker(SHORT, Isolation.RLIMITS) as worker, subprocess.Popen(["sleep", "60"]) as stray:
        worker.end_others()
        assert not looks
        (worker._group.folder / "cgroup.procs").write_text(str(stray.pid))
        worker.end_others()
        assert looks
        stray.kill()


def test_who_seems_to_hold_too_much_is_looked_at_while_nothing_moves(monkeypatch):
    """A look meanwhile others end counts what they share more than once; only a look at still processes counts."""
    looks = []

    def crowded(below):
        looks.append({Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in below})
        return 2**40 if len(looks) == 1 else 0

    monkeypatch.setattr(census, "memory", crowded)
    monkeypatch.setattr(census.Census, "_suspicious", lambda *_: True)
    child = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & sleep 60; true"], start_new_session=True)
    watching = census.Census(child.pid, SHORT, count=False, folder=None)
    try:
        while len(looks) < 4:
            time.sleep(0.01)
        assert looks[1] == {"T"}
        assert "T" not in looks[3]
        assert watching.found is None
    finally:
        watching.close()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def test_nobody_looks_where_the_kernel_keeps_every_bound(monkeypatch):
    looks, asked = [], []
    monkeypatch.setattr(census, "descendants", lambda root: looks.append(root) or {})
    group = SimpleNamespace(exceeded=lambda: len(asked) > 2 or asked.append("") is not None)
    monkeypatch.setattr(census, "end_tree", lambda root: looks.append(root))
    watching = census.Census(os.getpid(), SHORT, count=False, folder=None, group=group)
    watching._thread.join()
    assert watching.found[0] is Status.OUT_OF_MEMORY
    assert looks.count(os.getpid()) == 2  # before the first round, and the end of all; others watch theirs


@each(LADDER)
def test_what_is_shared_after_a_fork_counts_once(grade, submit, level):
    needs_level(level)
    source = (
        "import os, time\nheld = bytearray(b'x') * (200 * 2**20)\ndef double(x):\n"
        "    pids = [os.fork() or (time.sleep(1), os._exit(0)) for _ in range(4)]\n"
        "    for pid in pids:\n        os.waitpid(pid, 0)\n    return 2 * x"
    )
    found = grade(submit(ex_1_1=source), level=level, limits=replace(ONE_WORKER, cpu=10.0))
    assert found.earned == 10, [exercise.text() for exercise in found.exercises]


NAMELESS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "memfd_create": "libc.syscall({'x86_64': 319, 'aarch64': 279}[os.uname().machine], b'x', 0)",
    "shmget": "libc.shmget(0, 2**20, 0o1600)",
    "semget": "libc.semget(0, 1, 0o1600)",
    "msgget": "libc.msgget(0, 0o1600)",
    "datagrams": "libc.socketpair(1, 2, 0, ctypes.create_string_buffer(8))",
}
def double(x):
    found = {}
    for name, call in CALLS.items():
        ctypes.set_errno(0)
        found[name] = errno.errorcode.get(ctypes.get_errno()) if eval(call) == -1 else 'done'
    raise RuntimeError(f'CALLED {found}')
"""


@each(LADDER)
def test_memory_that_no_process_shows_is_refused(attack, level):
    needs("libseccomp")
    message = attack(NAMELESS, level)[0].message
    for name in ("memfd_create", "shmget", "semget", "msgget", "datagrams"):
        assert f"'{name}': 'EPERM'" in message


# -- disk -----------------------------------------------------------------------------------------------------------
FILL = {
    "large files": "    for k in range(200):\n        open(f'f{k}', 'wb').write(bytes(2**20))\n",
    "files without a name": "    kept = []\n    for k in range(100):\n        kept.append(open('f', 'wb'))\n"
    "        os.unlink('f')\n        kept[-1].write(bytes(2**20))\n        kept[-1].flush()\n",
    "many files": "    for k in range(10000):\n        open(f'f{k}', 'w').close()\n",
    "a closed directory": "    os.mkdir('d')\n    for k in range(200):\n        open(f'd/f{k}', 'wb').write(bytes(2**20))\n"
    "        if k == 3:\n            os.mkdir('d/e', 0)\n",
}


@each(SHARED_PROCESSES)
@pytest.mark.parametrize("way", FILL)
def test_the_working_directory_has_a_bound(attack, level, way):
    source = f"import os, time\ndef double(x):\n{FILL[way]}    time.sleep(3)\n    return 2 * x"
    found = attack(source, level, limits=replace(ONE_WORKER, cpu=10.0))[0]
    assert found.status is Status.KILLED
    assert "files of more than 64 MB" in found.message


# -- files that are not walled off ------------------------------------------------------------------------------------
TOUCH = """
import os, socket
def tried(call):
    try:
        return call()
    except OSError as error:
        return error
def double(x):
    place, ear = {place!r}, {ear!r}
    for call in (
        lambda: os.chmod(place, 0o777), lambda: os.utime(place, (1, 1)), lambda: os.chown(place, 12345, 12345),
        lambda: os.setxattr(place, 'user.x', b'x'), lambda: os.chmod(os.path.dirname(place), 0o777),
    ):
        tried(call)
    def speak():
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(ear)
            line.sendall(b'x')
    def whisper():
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        pair[0].sendto(b'x', ear + '.d')
    tried(speak), tried(whisper)
    raise RuntimeError('TRIED')
"""


@each([level for level in SHARED_FILES if level is not Isolation.RLIMITS])
def test_modes_times_and_sockets_outside_are_out_of_reach(attack, level):
    needs("libseccomp")
    for top in ("/srv", "/var/lib", "/var/tmp"):  # not under /tmp, which some levels cover
        if os.access(top, os.W_OK):
            break
    folder = Path(tempfile.mkdtemp(dir=top))
    try:
        folder.chmod(0o777)
        place, ear = folder / "gradebook.db", folder / "ear"
        place.write_text("")
        place.chmod(0o666)
        before = place.stat(), folder.stat()
        with (
            socket.socket(socket.AF_UNIX) as stream,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
        ):
            stream.bind(str(ear))
            stream.listen()
            datagrams.bind(f"{ear}.d")
            for path in (ear, Path(f"{ear}.d")):
                path.chmod(0o777)
            listed = folder.stat()
            assert "TRIED" in attack(TOUCH.format(place=str(place), ear=str(ear)), level)[0].message
            for line in (stream, datagrams):
                line.setblocking(False)
            with pytest.raises(BlockingIOError):
                stream.accept()
            with pytest.raises(BlockingIOError):
                datagrams.recv(10)
        after = place.stat(), folder.stat()
        assert [stat.S_IMODE(found.st_mode) for found in after] == [0o666, 0o777]
        assert (after[0].st_mtime_ns, after[0].st_uid) == (before[0].st_mtime_ns, before[0].st_uid)
        assert after[1].st_mtime_ns == listed.st_mtime_ns
        assert not os.listxattr(place)
    finally:
        shutil.rmtree(folder)


@each(LADDER)
def test_copies_of_files_can_still_be_made(grade, submit, level):
    needs_level(level)
    source = (
        "import multiprocessing, pathlib, shutil\npathlib.Path('a').write_text('a')\nshutil.copy('a', 'b')\n"
        "shutil.copy2('a', 'c')\npathlib.Path('a').touch()\ndef double(x):\n"
        "    assert open('b').read() + open('c').read() == 'aa'\n    return 2 * x"
    )
    assert grade(submit(ex_1_1=source), level=level).earned == 10


READ = """
import os
def double(x):
    found = []
    for folder, _, names in os.walk({root!r}):
        found += names
    raise RuntimeError(f'FOUND {{found}}')
"""


@pytest.mark.parametrize(
    ("level", "lacks"),
    [*((level, "") for level in LADDER if level is not Isolation.RLIMITS), (Isolation.UNSHARE, "landlock")],
)
def test_the_course_is_covered_wherever_it_is(submit, one_secret, level, lacks, monkeypatch):
    needs_level(level)
    top = next(top for top in ("/srv", "/var/lib", "/var/tmp") if os.access(top, os.W_OK))
    folder = Path(tempfile.mkdtemp(dir=top))
    try:
        root = shutil.copytree(HERE / "course", folder / "course")
        folder.chmod(0o755)
        made = Course.load(root)
        monkeypatch.setenv(LACKS, lacks)
        raw = nbformat.writes(submit(ex_1_1=READ.format(root=str(root)))).encode()
        found = grade_bytes(raw, made, limits=SHORT, level=level, secret=one_secret)
        if level is Isolation.OTHER_USER:  # a course that is its owner's alone, as the level says
            return
        assert "FOUND []" in found.exercises[0].message
    finally:
        shutil.rmtree(folder)


PLACES = """
import sys
def double(x):
    raise RuntimeError('\\n'.join([*sys.path, sys.prefix, open('/proc/self/mountinfo').read()]))
print(open('/proc/self/mountinfo').read(), sys.path, sys.prefix)
"""


@each([level for level in LADDER if level in (Isolation.BUBBLEWRAP, Isolation.UNSHARE, Isolation.RLIMITS)])
def test_no_path_of_this_machine_is_shown(grade, mini, submit, level):
    import sys

    needs_level(level)
    found = grade(submit(ex_1_1=PLACES), level=level)
    shown = repr(found) + found.exercises[0].text()
    assert "mountinfo" not in found.exercises[0].message.split("\n")[-1] or level is Isolation.UNSHARE
    for path in (mini.root, Path(__file__).resolve().parents[3], Path.home(), Path(sys.prefix)):
        assert f"{path}/" not in shown or path == Path("/usr")


# -- time -------------------------------------------------------------------------------------------------------------
@each([LADDER[0], LADDER[-1]])
def test_a_submission_has_one_budget_of_time(attack, level):
    sleep = "import time\ndef double(x):\n    time.sleep(2)\n    return 2 * x"
    later = "import time\ndef twice(f, x):\n    time.sleep(2)\n    return f(f(x))"
    found = attack(sleep, level, limits=replace(ONE_WORKER, total_wall=3.0), ex_1_2=later)
    assert [exercise.status for exercise in found] == [Status.TIMED_OUT] * 4
    assert "the submission as a whole took more than 3 s" in found[3].message


def test_cells_take_from_the_same_budget(attack):
    found = attack("import time\ntime.sleep(60)", Isolation.RLIMITS, limits=replace(Limits(), total_wall=2.0))
    assert {exercise.status for exercise in found} == {Status.TIMED_OUT}
