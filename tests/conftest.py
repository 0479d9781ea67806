"""What all tests share: how a test is left out, and how long a command may hang."""

from __future__ import annotations

import pytest

from tests.needs import needs, summary


@pytest.hookimpl(tryfirst=True)  # before the fixtures
def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        needs(*mark.args)


def pytest_terminal_summary(terminalreporter):
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    if line := summary(reasons):
        terminalreporter.write_line(line, yellow=True)
