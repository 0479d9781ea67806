"""A filter for the system calls of a worker, compiled by libseccomp: what no notebook needs and an attack may.

Namespaces, capabilities and limits bar most of these already. The filter takes the kernel's less trodden code out of
reach, and where there are no namespaces it is what closes the network.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import tempfile
from pathlib import Path

from graders.sandbox.isolation import LACKS, lacks

REFUSED = {
    "namespaces and mounts": (
        "unshare setns mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick "
        "mount_setattr open_tree_attr"
    ),
    "other processes": "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd",
    "keys and files by number": "keyctl add_key request_key name_to_handle_at open_by_handle_at fanotify_init",
    "memory that no process has to show": "memfd_create memfd_secret shmget semget msgget mq_open",
    "wide ways into the kernel": (
        "bpf userfaultfd perf_event_open io_uring_setup io_uring_enter io_uring_register vmsplice lookup_dcookie"
    ),
    "the machine as a whole": (
        "init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl "
        "quotactl_fd syslog iopl ioperm settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname "
        "vhangup nfsservctl"
    ),
}
"""Refused system calls, by what they reach; those that a kernel or a processor does not have are passed over."""
WITHOUT_WALLS = {
    "sockets of other programs": "socket connect bind",
    "owners and attributes of files": (
        "chown fchown lchown fchownat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr "
        "removexattrat"
    ),
}
"""Refused as well where student code sees files that are not its own: the filter cannot look at a path."""
PASSED_OVER = "chmod fchmod fchmodat fchmodat2 utime utimes utimensat futimesat"
"""Modes and times of files, there: nothing is done, and said to be, so that `shutil.copy` goes on."""

_ALLOW, _ERROR = 0x7FFF0000, 0x00050000  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(0)
_NOT_EQUAL, _MASKED_EQUAL = 1, 7  # SCMP_CMP_NE, SCMP_CMP_MASKED_EQ
_NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_TYPE_IN_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_UNIX, _DGRAM, _RAW = 1, 2, 3  # AF_UNIX, SOCK_DGRAM, SOCK_RAW
INSTALL = "apt-get install -y libseccomp2"


class _Comparison(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class _Filter:
    """libseccomp's filter context, as far as it is needed here."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
        if not self.context:
            raise OSError("seccomp_init failed")

    def refuse(self, name: str, code: int = errno.EPERM, *when: _Comparison) -> None:
        """Let the call end with the error `code`, 0 for none, and without effect, if all of `when` hold."""
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # this processor has no such call, or libseccomp is older than it
        array = (_Comparison * len(when))(*when)
        action = ctypes.c_uint32(_ERROR | code)
        if failed := self.library.seccomp_rule_add_array(self.context, action, number, len(when), array):
            raise OSError(-failed, f"seccomp_rule_add_array({name}): {os.strerror(-failed)}")

    def compiled(self) -> bytes:
        """The filter as the kernel takes it."""
        with tempfile.TemporaryFile() as file:
            if failed := self.library.seccomp_export_bpf(self.context, file.fileno()):
                raise OSError(-failed, f"seccomp_export_bpf: {os.strerror(-failed)}")
            file.seek(0)
            return file.read()

    def close(self) -> None:
        self.library.seccomp_release(self.context)


@functools.cache
def missing() -> str:
    """Return why this machine cannot filter system calls, and what to do; empty if it can."""
    if not Path("/proc/sys/kernel/seccomp").is_dir():
        return "the kernel has no seccomp"
    if lacks("libseccomp"):
        return f"libseccomp is not to be used ({LACKS})"
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return f"libseccomp is not installed: {INSTALL}"
    return ""


@functools.cache
def program(walled: bool) -> bytes:
    """Return the compiled filter; empty where there can be none.

    Parameters
    ----------
    walled : bool
        Whether student code sees no files but its own.
    """
    if missing():
        return b""
    made = _Filter(ctypes.CDLL("libseccomp.so.2"))
    try:
        for names in REFUSED.values():
            for name in names.split():
                made.refuse(name)
        for flag in _NEW_NAMESPACES:
            made.refuse("clone", errno.EPERM, _Comparison(0, _MASKED_EQUAL, flag, flag))
        made.refuse("clone3", errno.ENOSYS)  # its flags lie in memory, out of sight; the C library falls back to clone
        for request in _TYPE_IN_TERMINAL:
            made.refuse("ioctl", errno.EPERM, _Comparison(1, _MASKED_EQUAL, 0xFFFFFFFF, request))
        for call in ("socket", "socketpair"):
            if call == "socketpair" or walled:
                made.refuse(call, errno.EPERM, _Comparison(0, _NOT_EQUAL, _UNIX, 0))
        for kind in (_DGRAM, _RAW):  # unlike others, one of a pair can still speak to anybody
            made.refuse("socketpair", errno.EPERM, _Comparison(1, _MASKED_EQUAL, 0xF, kind))
        if not walled:
            for names in WITHOUT_WALLS.values():
                for name in names.split():
                    made.refuse(name)
            for name in PASSED_OVER.split():
                made.refuse(name, 0)
        return made.compiled()
    finally:
        made.close()
