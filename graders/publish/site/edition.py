"""The two editions of the browser course."""

from __future__ import annotations

from enum import StrEnum


class Edition(StrEnum):
    """For whom a site is."""

    STUDENT = "student"
    SELF_STUDY = "self-study"

    @property
    def hands_in(self) -> bool:
        """Whether the reader has an instructor to hand anything in to."""
        return self is Edition.STUDENT
