"""What all tests share: how they are spread over processes, how a test is left out, from which secrets they draw."""

from __future__ import annotations

import os
import secrets

import pytest
from hypothesis import HealthCheck, settings

from tests.draws import on_path
from tests.draws.sitecustomize import NUMBER, Draws

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the suite has a process per core already
# On a busy machine an example may take any time: what is slow is measured by the benchmarks.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


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
        help="run the tests that drawn problems can decide, and no others, under N secrets each",
    )


def pytest_generate_tests(metafunc):
    if "secret" in metafunc.fixturenames and (count := metafunc.config.option.secrets) > 1:
        metafunc.parametrize("secret", range(count), ids="secret {}".format, indirect=True, scope="session")


def pytest_collection_modifyitems(config, items):
    if config.option.secrets > 1:
        config.hook.pytest_deselected(items=[item for item in items if "secret" not in item.fixturenames])
        items[:] = [item for item in items if "secret" in item.fixturenames]


@pytest.fixture(scope="session", autouse=True)
def _draws():
    """Let this process and all that it starts draw secrets by number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_hex", Draws().token_hex)
        patch.setenv("PYTHONPATH", on_path(*filter(None, [os.environ.get("PYTHONPATH")])))
        yield


@pytest.fixture(scope="session")
def secret(request):
    """A secret; what the product draws for a course or a self-study workspace is decided by it, too."""
    number = getattr(request, "param", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_hex", Draws().token_hex)
        yield f"secret {number}".encode()


@pytest.fixture(scope="session")
def one_secret():
    """The first secret alone, for tests that drawn problems cannot decide.

    What the small course says to each answer is the same under every secret (tests/graders/proof/test_small_course.py), and
    what the course's checks say to its keys is proven by the bank. Walls, doors, gradebooks and pages see no more of a secret.
    """
    return b"secret 0"


@pytest.hookimpl(tryfirst=True)  # before the fixtures
def pytest_runtest_setup(item):
    if {"secret", "one_secret"} & set(item.fixturenames):
        os.environ[NUMBER] = str((getattr(item, "callspec", None) and item.callspec.params.get("secret")) or 0)
    else:
        os.environ.pop(NUMBER, None)
    for mark in item.iter_markers("needs"):
        from tests.needs import needs  # not at the top: the library's tests also run where there is no `graders`

        needs(*mark.args)


def pytest_terminal_summary(terminalreporter):
    if skipped := terminalreporter.stats.get("skipped"):
        from tests.needs import summary

        if line := summary(str(report.longrepr[2]) for report in skipped):
            terminalreporter.write_line(line, yellow=True)
