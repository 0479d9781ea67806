"""A lab as `graders new` writes it, for the tests of what its author may get wrong."""

from __future__ import annotations

import pytest

from graders.commands.cli import main
from graders.lab.agreement import check_manifest
from graders.lab.manifest import Course


@pytest.fixture
def lab(tmp_path):
    """A new lab; it fits."""
    assert main(["new", "lab10", "--into", str(tmp_path / "new")]) == 0
    made = Course.load(tmp_path / "new")
    assert check_manifest(made) == []
    return made
