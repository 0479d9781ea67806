"""sheaflab's own suite, run by the Python of the browser: under Node.js, without one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from graders.publish.site.locking import LOCK, Entry, Lock
from graders.publish.site.pyodide import run_script
from graders.publish.wheel import build_wheel
from tests.browser.conftest import ROOT, once

PACKAGES = ("sheaflab", "matplotlib", "scipy", "ipywidgets", "pytest", "hypothesis", "mpmath")


@pytest.fixture(scope="session")
def workbench(shared, distribution) -> Path:
    """The distribution with the wheel of sheaflab in it, as a site has it, and with what its tests need."""

    def make(folder: Path) -> None:
        partial = folder.with_suffix(".part")
        partial.mkdir()
        for path in distribution.iterdir():
            (partial / path.name).symlink_to(path)
        (partial / LOCK).unlink()
        wheel = build_wheel(partial)
        Lock.read(distribution / LOCK).with_entries([Entry.of_wheel(wheel)]).write(partial / LOCK)
        partial.rename(folder)

    return once(shared, "workbench", make)


def in_webassembly(workbench: Path, folder: Path, *arguments: str) -> str:
    """Run pytest inside on a copy of the tests; return what it printed."""
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "browser"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    script = Path(__file__).with_name("suite.py")
    arguments += ("-o", "faulthandler_timeout=0")  # it needs a thread, and there are none
    done = run_script(workbench, script, arguments, packages=PACKAGES, mounts=[(folder, "/repo")])
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    return done.stdout


def test_the_suite_of_the_library_passes(workbench, tmp_path):
    out = in_webassembly(workbench, tmp_path, "/repo/tests/sheaflab")
    passed = re.search(r"(\d+) passed", out)
    assert passed, out
    assert int(passed[1]) > 100


def test_a_failing_test_is_not_overlooked(workbench, tmp_path):
    """The suite above would be worthless if a failure inside did not come out."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    with pytest.raises(AssertionError, match="1 failed"):
        in_webassembly(workbench, tmp_path, "/repo/wrong")
