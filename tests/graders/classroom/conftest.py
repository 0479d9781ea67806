"""What a large class is graded with: a database server, a cluster."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import pytest

from graders.sandbox.machine import postgresql


@pytest.fixture
def cluster():
    """The address of a dask scheduler with two workers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dask.distributed import LocalCluster

        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
            yield made.scheduler_address


@pytest.fixture
def postgres():
    """A PostgreSQL server of this test's own; its URL."""
    binaries = postgresql()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    drop = []
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    port = random.Random(os.getpid()).randrange(20000, 50000)

    def call(name, *arguments):
        command = [*drop, str(binaries / name), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    call("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "grader", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    call("pg_ctl", "-D", str(folder / "data"), "-o", options, "-w", "start")
    try:
        call("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "grader", "course")
        yield f"postgresql+psycopg2://grader@127.0.0.1:{port}/course"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            call("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
