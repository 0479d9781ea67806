"""Build hook of the wheel that a student gets: the visible checks go into it, the staff's command does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VISIBLE = "course/visible"


class StudentWheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Make every build but an editable install a student's: `sheaflab` with each lab's visible checks, no `graders`.

    An editable install has both from the checkout itself: :mod:`sheaflab.checks` looks into its course.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it writes the wheel; `version` is "standard" or "editable"."""
        if version != "editable":
            self.metadata.core.scripts.pop("graders", None)
            build_data["force_include"][str(Path(self.root) / VISIBLE)] = "sheaflab/checks"
