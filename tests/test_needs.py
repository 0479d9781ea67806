"""The one way to leave a test out: named, counted, told how to mend, and a failure in CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graders.sandbox.isolation import LACKS
from graders.sandbox.machine import BY_NAME, REQUIREMENTS, advice
from tests.draws import on_path

ROOT = Path(__file__).resolve().parents[1]
SUITE = """
import pytest
from tests.needs import needs
@pytest.mark.needs("chromium")
def test_one(): pass
@pytest.mark.needs("chromium", "bwrap")
def test_two(): pass
@pytest.fixture
def server(): needs("postgresql")
def test_three(server): pass
def test_four(): pass
"""


@pytest.fixture
def run(tmp_path):
    """Run the small suite above with these lacks; by default the machine has everything, as far as it asks."""
    (tmp_path / "test_small.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import *\nfrom graders.sandbox import machine\n"
        "for one in machine.REQUIREMENTS:\n"
        "    object.__setattr__(one, 'trouble', lambda name=one.name: 'it is gone' if name == GONE else '')\n"
    )

    def go(*, lacks="", gone="", ci=False):
        conftest = (tmp_path / "conftest.py").read_text()
        (tmp_path / "conftest.py").write_text(re.sub("^(GONE = .*\n)?", f"GONE = {gone!r}\n", conftest, count=1))
        env = {key: value for key, value in os.environ.items() if key not in ("CI", LACKS)}
        env |= {"PYTHONPATH": on_path(ROOT), LACKS: lacks, **({"CI": "true"} if ci else {})}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull]
        marks = ["-o", "markers=needs(*names): what it needs"]
        done = subprocess.run(
            [*command, *marks, f"--rootdir={tmp_path}", str(tmp_path)],
            cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    return go


def test_where_all_is_there_nothing_is_left_out(run):
    status, out = run(ci=True)
    assert status == 0
    assert "4 passed" in out
    assert "left out" not in out


def test_what_is_missing_is_named_counted_and_told_how_to_get(run):
    status, out = run(gone="chromium")
    assert status == 0
    assert "2 passed, 2 skipped" in out
    assert "2 tests left out: 2 for chromium. To have all of them: apt-get install -y chromium" in out


def test_in_ci_what_is_missing_fails(run):
    status, out = run(gone="postgresql", ci=True)
    assert status == 1
    assert "CI must have postgresql" in out
    assert "apt-get install -y postgresql" in out


def test_in_ci_a_lack_may_be_played(run):
    status, out = run(lacks="chromium,postgresql", ci=True)
    assert status == 0
    assert "1 passed, 3 skipped" in out
    assert "3 tests left out: 2 for chromium, 1 for postgresql" in out
    assert "apt-get install -y chromium postgresql" in out


def test_the_doctor_gives_the_same_advice(monkeypatch, capsys):
    from graders.commands import doctor

    monkeypatch.setattr(doctor, "refusal", lambda level: "")
    monkeypatch.setenv(LACKS, "chromium,postgresql,bwrap")
    doctor.run(__import__("argparse").Namespace(require_isolation=None))
    absent = [one.name for one in REQUIREMENTS if one.missing()]
    assert {"chromium", "postgresql", "bwrap"} <= set(absent)
    assert advice(absent) in capsys.readouterr().out


def test_ci_installs_every_package_that_the_table_names():
    script = (ROOT / ".ci" / "run").read_text()
    for one in REQUIREMENTS:
        assert not one.package or re.search(rf"\b{one.package}\b", script), one.package


def test_every_name_that_a_test_asks_for_is_in_the_table():
    asked = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for call in re.findall(r"\bneeds\(([^)]*)\)", path.read_text(encoding="utf-8")):
            asked |= set(re.findall(r'"([a-z-]+)"', call))
    assert asked
    assert asked <= set(BY_NAME)
