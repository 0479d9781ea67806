from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from graders.lab.manifest import Course
from graders.publish.selfstudy.folder import build
from graders.publish.selfstudy.pack import Pack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def course():
    return Course.load(ROOT / "course", "lab09")


@pytest.fixture(scope="session")
def made(course, tmp_path_factory):
    """The self-study folder and its zip."""
    return build(course, tmp_path_factory.mktemp("edition") / "sheaflab-self-study", pages=False)


@pytest.fixture(scope="session")
def pack(made, tmp_path_factory):
    """The edition as an installed wheel offers it, its data taken from the wheel."""
    out = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(next((made[0] / "wheels").glob("sheaflab_selfstudy-*.whl"))) as archive:
        archive.extractall(out)
    return Pack(out / "graders" / "publish" / "selfstudy" / "data")
