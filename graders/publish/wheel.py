"""Builds the two wheels: the student's library, and the self-study pack."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import sheaflab
from graders.lab.places import OUR_COURSE, environment

ROOT = Path(__file__).resolve().parents[2]
LOADER = "graders.publish.selfstudy.pack"
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "sheaflab-selfstudy"
version = "{version}"
description = "Checks, keys and notebooks of the sheaflab course, for learning alone"
requires-python = ">=3.11"
dependencies = ["sheaflab=={version}"]

[project.entry-points."sheaflab.edition"]
{lab} = {load}

[tool.hatch.build.targets.wheel]
packages = ["graders"]
"""


class WheelError(RuntimeError):
    """A wheel could not be built; the text is the end of what the builder said."""


def build_wheel(out: Path, course: Path = OUR_COURSE) -> Path:
    """Build the wheel that students get, without the network, and return its path.

    Parameters
    ----------
    out : Path
        Folder for it.
    course : Path
        The course directory whose labs it has.
    """
    return _build(ROOT, out, environment(course.resolve()))


def write_pack(out: Path, files: Mapping[str, bytes], lab: str) -> Path:
    """Write the self-study wheel and return its path.

    Parameters
    ----------
    out : Path
        Folder for it.
    files : mapping of str to bytes
        Contents by their names in the wheel.
    lab : str
        Name of the assignment.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name, content in files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        values = {"version": sheaflab.__version__, "lab": json.dumps(lab), "load": json.dumps(f"{LOADER}:load")}
        (project / "pyproject.toml").write_text(PROJECT.format(**values), encoding="utf-8")
        return _build(project, out)


def _build(project: Path, out: Path, env: Mapping[str, str] | None = None) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    code = "import sys, hatchling.build as backend; print(backend.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out.resolve())],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WheelError(f"the wheel could not be built:\n{done.stderr[-2000:]}")
    return out / done.stdout.split()[-1]
