"""Doors that a process closes behind itself by the kernel's own means: limits, seccomp and landlock.

The worker does this before student code runs; all its later processes inherit it, and nothing takes it back. Like
`protocol.py` this file runs inside the sandbox and imports nothing of `graders`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Iterable

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

_SET_SECCOMP, _FILTER, _SET_SUBREAPER, _SET_NO_NEW_PRIVS = 22, 2, 36, 38  # linux/prctl.h, linux/seccomp.h
_INSTRUCTION = 8  # bytes of a struct sock_filter

# linux/landlock.h; these system calls have the same number on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # rights known since a version
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15  # the others are rights of a directory
_TCP = 0b11  # bind and connect, since version 4
_SCOPES = 0b11  # abstract sockets and signals to processes outside, since version 6


MORE_THAN_ANY = 1 << 22
"""The kernel's own bound on process ids, PID_MAX_LIMIT."""
SPARE = 512
"""Processes of the same user that may start while a worker runs, before the kernel refuses the worker one."""


def set_cpu(seconds: float | None) -> None:
    """Let this process use `seconds` more of CPU time; SIGXCPU ends it, and then the hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = hard if seconds is None else int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard) if hard >= 0 else soft, hard))


def adopt_orphans() -> None:
    """Make this process the parent of all below it whose own parent ends: none of them leaves its tree."""
    if _libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def limit_processes(allowed: int, *, alone: bool) -> bool:
    """Let `allowed` processes and threads be started from here on; tell whether the kernel sees to that exactly.

    RLIMIT_NPROC counts every process and thread of the user, and since Linux 5.14 those of the user namespace alone.
    So the limit is set above what is counted at present. That count can be read nowhere; it is found by trial.

    Parameters
    ----------
    allowed : int
    alone : bool
        Whether this process has a user id or a user namespace of its own. If not, or if the kernel counts others all
        the same, the limit leaves `SPARE` for them, and somebody else has to count.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    top = MORE_THAN_ANY if hard == resource.RLIM_INFINITY else hard
    low, high = -1, 16  # `low` is too small a limit for one more process, `high` is large enough
    while high < top and not _can_fork(high, hard):
        low, high = high, 4 * high
    high = min(high, top)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _can_fork(middle, hard) else (middle, high)
    exact = alone and 0 < high <= 8  # 0: the kernel does not count at all, as for root
    limit = min(high - 1 + allowed + (0 if exact else SPARE), top)
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
    return exact


def _can_fork(limit: int, hard: int) -> bool:
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
    try:
        pid = os.fork()
    except BlockingIOError:
        return False
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


def _no_new_privileges() -> None:
    if _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def load_filter(program: bytes) -> None:
    """Let `program`, a compiled seccomp filter, judge every later system call of this process."""
    _no_new_privileges()
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a 16-bit count and a pointer, aligned as C does it
    filter_ = struct.pack("@HP", len(program) // _INSTRUCTION, ctypes.addressof(code))
    if _libc.prctl(_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(filter_, len(filter_)), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


def landlock_version() -> int:
    """Return the version of landlock that the kernel speaks, 0 for none."""
    return max(int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION)), 0)


def restrict_files(read: Iterable[str], write: Iterable[str]) -> None:
    """Leave this process these files and directories, and what is beneath them; what does not exist is passed over.

    Newer kernels close TCP, and signals and abstract sockets to processes outside, as well.
    """
    version = landlock_version()
    if not version:
        raise OSError("the kernel has no landlock")
    every = max(bits for since, bits in _ALL_FILES.items() if since <= version)
    rules = struct.pack("=QQQ", every, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    rules = rules[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_CREATE_RULESET, rules, len(rules), 0)
    try:
        for paths, rights in ((read, _EXECUTE | _READ_FILE | _READ_DIR), (write, every & ~_EXECUTE)):
            for path in paths:
                _allow(ruleset, path, rights)
        _no_new_privileges()
        _checked(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights &= ~0 if os.path.isdir(path) else _OF_A_FILE
        _checked(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _checked(number: int, *arguments: int | bytes) -> int:
    whole = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    found = int(_libc.syscall(ctypes.c_long(number), *whole))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock system call {number}: {os.strerror(code)}")
    return found
