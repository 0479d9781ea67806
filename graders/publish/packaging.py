"""Build hook: the staff's `graders` command exists in a checkout only, never in a wheel that a student gets."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StaffCommandHook(BuildHookInterface):  # type: ignore[type-arg]
    """Drop the `graders` entry point from every build but an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it writes the wheel; `version` is "standard" or "editable"."""
        if version != "editable":
            self.metadata.core.scripts.pop("graders", None)
