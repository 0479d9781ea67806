"""Build hook of the wheel that a student gets: visible checks and catalogue in, the staff's command out."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VISIBLE = "visible"
EXTRACT = "catalogue.json"


class StudentWheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes every build but an editable install a student's: `sheaflab`, the public part of each lab, no `graders`.

    An editable install has all of that from the checkout itself: :mod:`sheaflab.checks` and
    :mod:`sheaflab.study.catalogue` look into its course.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it writes the wheel; `version` is "standard" or "editable"."""
        if version == "editable":
            return
        self.metadata.core.scripts.pop("graders", None)
        self._made = Path(tempfile.mkdtemp(prefix="sheaflab-wheel-"))
        course = os.environ.get("SHEAFLAB_COURSE") or Path(self.root) / "course"
        collect_public(Path(self.root), Path(course), self._made)
        build_data["force_include"][str(self._made)] = "sheaflab/checks"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling when the wheel is written."""
        if version != "editable":
            shutil.rmtree(self._made)


def collect_public(root: Path, course: Path, out: Path) -> None:
    """Write the public part of each lab of a course: its visible checks and the catalogue of its exercises.

    Parameters
    ----------
    root : Path
        The checkout.
    course : Path
    out : Path
        An empty folder.
    """
    extract = _load(root / "sheaflab" / "study" / "extract.py")
    shutil.copytree(course / VISIBLE, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for lab in sorted(path for path in out.iterdir() if path.is_dir()):
        data = extract.extract(course / "source" / lab.name)
        (lab / EXTRACT).write_text(extract.text(data), encoding="utf-8")


def _load(path: Path) -> ModuleType:
    """Import a file by its path: where a wheel is built, the package's own requirements need not be there."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
