"""The two editions of the browser course."""

from __future__ import annotations

from enum import StrEnum


class Edition(StrEnum):
    """The readers of a site."""

    STUDENT = "student"
    SELF_STUDY = "self-study"

    @property
    def hands_in(self) -> bool:
        """Whether the reader hands work in to an instructor."""
        return self is Edition.STUDENT
