"""What all tests share: how they are spread over processes, how a test is left out, one thread per process."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the suite has a process per core already


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run tests that are named one by one in this very process: at once, and under a debugger if need be."""
    if config.args and all("::" in argument for argument in config.args):
        config.option.dist = "no"
        return 0
    return None  # as many as there are cores


@pytest.hookimpl(tryfirst=True)  # before the fixtures
def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        from tests.needs import needs  # not at the top: the library's tests also run where there is no `graders`

        needs(*mark.args)


def pytest_terminal_summary(terminalreporter):
    if skipped := terminalreporter.stats.get("skipped"):
        from tests.needs import summary

        if line := summary(str(report.longrepr[2]) for report in skipped):
            terminalreporter.write_line(line, yellow=True)
