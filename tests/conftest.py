"""What all tests share: how they are spread over processes, how a test is left out, from which secrets they draw."""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
import sys

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the suite has a process per core already


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run tests that are named one by one in this very process: at once, and under a debugger if need be."""
    if config.args and all("::" in argument for argument in config.args):
        config.option.dist = "no"
        return 0
    return None  # as many as there are cores


def pytest_addoption(parser):
    parser.addoption(
        "--secrets",
        type=int,
        default=1,
        metavar="N",
        help="run the tests that draw from a secret, and no others, under N secrets each",
    )


def pytest_generate_tests(metafunc):
    if "secret" in metafunc.fixturenames and (count := metafunc.config.option.secrets) > 1:
        metafunc.parametrize("secret", range(count), ids="secret {}".format, indirect=True, scope="session")


def pytest_collection_modifyitems(config, items):
    if config.option.secrets > 1:
        config.hook.pytest_deselected(items=[item for item in items if "secret" not in item.fixturenames])
        items[:] = [item for item in items if "secret" in item.fixturenames]


class Draws:
    """What the product draws in the place of random secrets: each is another one, and the same in each run."""

    asked = False  # whether the running test has the fixture `secret`

    def __init__(self, number: int) -> None:
        self.number, self.count = number, itertools.count()

    def token_hex(self, size: int) -> str:
        if sys._getframe(1).f_globals["__name__"].partition(".")[0] in ("graders", "sheaflab") and not Draws.asked:
            pytest.fail("this test draws a secret: it must ask for the fixture `secret`, so that --secrets finds it")
        return hashlib.sha256(f"secret {self.number}, draw {next(self.count)}".encode()).hexdigest()[: 2 * size]


@pytest.fixture(scope="session", autouse=True)
def _draws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_hex", Draws(0).token_hex)
        yield


@pytest.fixture(scope="session")
def secret(request):
    """A secret; what this process draws for a course or a self-study workspace is decided by it, too."""
    number = getattr(request, "param", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_hex", Draws(number).token_hex)
        yield f"secret {number}".encode()


@pytest.hookimpl(tryfirst=True)  # before the fixtures
def pytest_runtest_setup(item):
    Draws.asked = "secret" in item.fixturenames
    for mark in item.iter_markers("needs"):
        from tests.needs import needs  # not at the top: the library's tests also run where there is no `graders`

        needs(*mark.args)


def pytest_terminal_summary(terminalreporter):
    if skipped := terminalreporter.stats.get("skipped"):
        from tests.needs import summary

        if line := summary(str(report.longrepr[2]) for report in skipped):
            terminalreporter.write_line(line, yellow=True)
