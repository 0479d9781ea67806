"""One submission, graded: plain data for whoever writes it down."""

from __future__ import annotations

from dataclasses import dataclass

from graders.grading.results import NotebookResult

TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class Graded:
    """One notebook as it goes into `autograded/`, and what was found."""

    text: str
    result: NotebookResult
    handed_in: bool


@dataclass(frozen=True)
class SubmissionResult:
    """One submission, graded."""

    student: str
    digest: str
    notebooks: dict[str, Graded]
    timestamp: bytes | None
    seconds: float

    @property
    def earned(self) -> float:
        """Points that the machine gives."""
        return sum(graded.result.earned for graded in self.notebooks.values())
