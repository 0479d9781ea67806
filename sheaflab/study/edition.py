"""The self-study edition, if it is installed: hidden checks, solutions and notebooks in a wheel of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from sheaflab.study.catalogue import GROUP, StudyError, catalogue


@dataclass(frozen=True)
class CheckOutcome:
    """How one check ended; `message` is empty if it passed."""

    name: str
    title: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Report:
    """What the checks of one exercise found.

    Attributes
    ----------
    exercise, title : str
    visible : str
        Message of the visible check; empty if it passed.
    fresh : tuple of CheckOutcome
        Checks on fresh problems; empty in the student edition, which has none.
    attempted : bool
        Whether anything has been written.
    note : str
        What else is to be said: how it was run, or that it uses what its task forbids.
    """

    exercise: str
    title: str
    visible: str
    fresh: tuple[CheckOutcome, ...] = ()
    attempted: bool = True
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check passed that was run."""
        return self.attempted and not self.visible and all(outcome.passed for outcome in self.fresh)


@dataclass(frozen=True)
class Solution:
    """The key of an exercise and how one comes to it.

    Attributes
    ----------
    code : str
        The filled-in cell.
    reasoning : str
    alternatives : tuple of (str, str)
        Name and code of other right answers.
    mistakes : tuple of (str, str)
        What is often got wrong, and the check that tells.
    """

    code: str
    reasoning: str
    alternatives: tuple[tuple[str, str], ...] = ()
    mistakes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answers:
    """A reader's work, as text.

    Attributes
    ----------
    cells : tuple of (str, str)
        grade_id (or an empty text) and source of the code cells up to the exercise's own check.
    sources : dict
        Source of the solution cells by exercise id.
    """

    cells: tuple[tuple[str, str], ...]
    sources: Mapping[str, str] = field(default_factory=dict)


class Edition(Protocol):
    """What the self-study wheel offers."""

    def notebooks(self) -> Mapping[str, bytes]:
        """Files of the notebooks by file name."""

    def solution(self, exercise: str) -> Solution:
        """The key."""

    def check_here(
        self, exercise: str, namespace: Mapping[str, Any], sources: Mapping[str, str], secret: bytes
    ) -> tuple[CheckOutcome, ...]:
        """Run the checks on fresh problems in this process, on what a notebook has defined."""

    def check_apart(self, exercise: str, answers: Answers, secret: bytes) -> Report | None:
        """Run everything in a sandbox; None where this machine has none."""


def installed() -> Edition | None:
    """Return the self-study edition of the reader's lab, or None in the student edition."""
    return _edition(catalogue().name)


@cache
def _edition(lab: str) -> Edition | None:
    from importlib.metadata import entry_points  # its parts cost more than the rest of the import

    for point in entry_points(group=GROUP):
        if point.name == lab:
            made: Edition = point.load()()
            return made
    return None


def required(what: str) -> Edition:
    """Return the self-study edition.

    Raises
    ------
    StudyError
        If it is not installed; `what` says what it was needed for.
    """
    edition = installed()
    if edition is None:
        raise StudyError(
            f"{what} the self-study edition only, and this is the student edition: ask your instructor. "
            "If you learn alone, install the second wheel of the self-study folder too"
        )
    return edition
