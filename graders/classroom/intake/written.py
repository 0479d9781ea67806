"""What of the student's is in files of one notebook that compete."""

from __future__ import annotations

from pathlib import Path

from graders.grading.blank import Work, work_in
from graders.grading.domain import Domain, DomainEnded
from graders.lab.manifest import Course


class Written:
    """Looks into files, in one limited process that is started for the first of them.

    Parameters
    ----------
    course : Course
    """

    def __init__(self, course: Course) -> None:
        self.course, self._domain = course, Domain()

    def work(self, path: Path, notebook: str) -> Work | None:
        """Return the student's work in a file; None if nobody can say, as the file cannot be read."""
        if not (self.course.source / f"{notebook}.py").is_file():  # nobody knows what was released
            return None
        try:
            return self._domain.call(_work_in, path, self.course, notebook)
        except DomainEnded:
            return None

    def close(self) -> None:
        """End the process."""
        self._domain.close()


def _work_in(path: Path, course: Course, notebook: str) -> Work | None:
    return work_in(path.read_bytes(), course, course.notebook(notebook))
