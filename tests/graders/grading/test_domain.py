"""Whatever a call makes of its process ends that call alone, with a reason; the next one is served."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from graders.grading.domain import Budget, Domain, DomainEnded
from graders.sandbox.isolation import MEGA, Isolation, IsolationError, Limits
from graders.sandbox.notebook import Host, NotebookRun
from tests.needs import needs_level

SMALL = Budget(memory=200 * MEGA, cpu=1.0, wall=600.0)


def double(x):
    return 2 * x


def compute():
    while True:
        pass


def hold(size):
    return len(bytearray(size))


def fail(error):
    raise error


@pytest.fixture(scope="module")
def domain():
    with Domain(SMALL) as made:
        yield made


def test_a_result_comes_back_from_the_same_process(domain):
    first = domain.call(os.getpid)
    assert first != os.getpid()
    assert domain.call(double, [1]) == [1, 1]
    assert domain.call(os.getpid) == first


def compute_in_threads(number):
    with ThreadPoolExecutor(number) as pool:
        meet = threading.Barrier(number, timeout=60)
        list(pool.map(lambda k: (meet.wait(), [bytes(k) for k in range(200, 2000)]), range(number)))
    return os.getpid()


def test_threads_do_not_use_up_a_process():
    """Each thread's own arena reserves address space, and a process that has used up its own is replaced."""
    with Domain() as domain:
        first = domain.call(compute_in_threads, 10)
        assert domain.call(os.getpid) == first


@pytest.mark.slow
def test_it_computes_in_one_thread_and_its_starter_in_as_many_as_before():
    """Threads of OpenBLAS, one per core in each of a process per core, would wait for each other."""
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
    code = f"""if True:
        import os
        from concurrent.futures import ThreadPoolExecutor
        from graders.classroom.pool import processes_beside
        from graders.grading.domain import Domain, domain_here
        with ThreadPoolExecutor(2) as threads:  # each with a domain of its own, begun at once
            list(threads.map(lambda _: domain_here().call(os.getpid), range(2)))
        with processes_beside() as pool, Domain() as domain:
            print(*(pool.submit(os.getenv, name).result() for name in {names}))
            print(*(domain.call(os.getenv, name) for name in {names}))
        print(*map(os.getenv, {names}))"""
    env = {name: value for name, value in os.environ.items() if name not in names}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["1 1", "1 1", "None None"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        (compute, (), "more than 1 s of computing time"),
        (hold, (400 * MEGA,), "more than 200 MiB of memory"),
        (os._exit, (3,), "exit code 3"),
        (signal.raise_signal, (signal.SIGKILL,), "signal 9"),
        (fail, (ValueError("a fault of ours"),), "ValueError: a fault of ours"),
        (fail, (RecursionError("too deep"),), "RecursionError: too deep"),
    ],
)
def test_what_ends_a_call_is_its_reason_and_the_next_is_served(domain, function, arguments, reason):
    with pytest.raises(DomainEnded, match=reason):
        domain.call(function, *arguments)
    assert domain.call(double, 21) == 42


@pytest.mark.slow
def test_who_sleeps_is_ended_at_the_deadline():
    with Domain(Budget(wall=1.0)) as domain:
        with pytest.raises(DomainEnded, match="takes more than 1 s"):
            domain.call(time.sleep, 1000)
        assert domain.call(double, 1) == 2


@pytest.mark.slow
def test_who_holds_its_own_deadline_back_is_killed(monkeypatch):
    monkeypatch.setattr("graders.grading.domain.GRACE", 20.0)
    with Domain(Budget(wall=1.0)) as domain:
        with pytest.raises(DomainEnded, match="takes more than 1 s"):
            domain.call(os.kill, domain.call(os.getpid), signal.SIGSTOP)
        assert domain.call(double, 1) == 2


def test_limits_hold_for_each_call_anew(domain):
    for _ in range(3):
        assert domain.call(hold, 80 * MEGA) == 80 * MEGA


def test_a_failure_of_the_machine_is_nobodys_status(domain):
    with pytest.raises(IsolationError, match="no level"):
        domain.call(fail, IsolationError("no level"))


def test_each_process_begins_as_told_and_without_its_limits():
    with Domain(Budget(memory=50 * MEGA), hold, (100 * MEGA,)) as domain:
        assert domain.call(double, 1) == 2


def ran(cell, level):
    with Host(Limits(), level) as host, NotebookRun({0: cell}, host) as run:
        return run.done[0].outputs


@pytest.mark.parametrize("level", [Isolation.BUBBLEWRAP, Isolation.UNSHARE])
def test_no_worker_of_a_domain_compiles_the_library(level):
    """It cannot write bytecode, and there need not be any: a container may ask Python to write none."""
    needs_level(level)
    cell = """
import os, sheaflab, sys
folder = os.path.dirname(sheaflab.__file__)
files = [m.__spec__.cached for name, m in sys.modules.items() if name.split(".")[0] == "sheaflab"]
print(len(files) > 50, [file for file in files if not os.path.isfile(file)], os.access(folder, os.W_OK))
"""
    with Domain() as domain:
        (shown,) = domain.call(ran, cell, level)
    assert shown["text"] == "True [] False\n"
