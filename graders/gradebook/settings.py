"""What a course's configuration says about grading, for every command that grades."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from traitlets.config import Config

from graders.gradebook import nbgrader_api
from graders.gradebook.doors import TrustedGrader
from graders.gradebook.files import SubmissionFolders
from graders.gradebook.options import configured
from graders.gradebook.penalties import require_rule
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, Limits


@dataclass(frozen=True)
class Settings:
    """How a course's submissions are graded.

    Attributes
    ----------
    config : Config
        All of the configuration, for nbgrader's own parts.
    limits : Limits
    required : Isolation
        The weakest isolation with which to grade.
    checks : str
        Directory of the hidden checks, relative to the course; empty for the course's own.
    excluded : frozenset of str
        Students whom ``CourseDirectory.student_id_exclude`` leaves out.
    overridden : tuple of str
        Options of the command line that replace configured values, as text for the user.
    """

    config: Config
    limits: Limits
    required: Isolation
    checks: str = ""
    excluded: frozenset[str] = frozenset()
    overridden: tuple[str, ...] = ()

    @classmethod
    def load(cls, root: Path) -> Settings:
        """Read the configuration of the course at `root`.

        Raises
        ------
        ValueError
            If the grader's options have a name that it does not know, or a value that is not allowed for its name, or
            the rule for late work lacks its method.
        """
        config = nbgrader_api.load_config(root)
        grader = configured(TrustedGrader, config, root)
        require_rule(config, root)
        excluded = SubmissionFolders(config=config, root=str(root)).student_id_exclude.split(",")
        return cls(config, grader.limits, grader.required, grader.checks, frozenset(excluded) - {""})

    def apply(self, course: Course) -> Course:
        """Return `course` with the checks that are configured."""
        return replace(course, checks=(course.root / self.checks).resolve()) if self.checks else course

    def override(self, *, cpu: float | None = None, wall: float | None = None, required: str | None = None) -> Settings:
        """Return the settings with the options that the command line gives."""
        limits = replace(
            self.limits, cpu=self.limits.cpu if cpu is None else cpu, wall=self.limits.wall if wall is None else wall
        )
        level = self.required if required is None else Isolation[required.upper()]
        pairs = (
            ("--cpu", "cpu_seconds", limits.cpu, self.limits.cpu),
            ("--wall", "wall_seconds", limits.wall, self.limits.wall),
            ("--require-isolation", "require_isolation", level.name, self.required.name),
        )
        replaced = [
            f"{option} {new} replaces TrustedGrader.{name} = {old}"
            for option, name, new, old in pairs
            if new != old
        ]
        return replace(self, limits=limits, required=level, overridden=(*self.overridden, *replaced))
