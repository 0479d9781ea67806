"""nbgrader's own API with a course's own configuration."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.apps import NbGrader
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from graders.lab.manifest import Course
from sheaflab.startup import own_programs_first

CONFIG = "nbgrader_config.py"


class NbGraderError(RuntimeError):
    """nbgrader refused; the text is the end of its log."""


def course_of(folder: str, resources: Any) -> Course:
    """Return the course on which an nbgrader step works: its configured directory, the assignment of `resources`."""
    return Course.load(Path(folder or "."), ((resources or {}).get("nbgrader") or {}).get("assignment"))


def load_config(root: Path) -> Config:
    """Return nbgrader's configuration for the course at `root`: the machine's, then the user's, then the course's.

    Unlike nbgrader, it passes on the errors of a faulty file, and does not read the current folder.
    """
    app = NbGrader(log=_silent())
    app.load_cwd_config = False
    app.raise_config_file_errors = True
    app.load_config_file()
    config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    app.config.merge(config)
    return app.config


def _silent() -> logging.Logger:
    logger = logging.getLogger("graders.nbgrader")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())  # a missing exchange directory is no problem here
    return logger


def api(root: Path, config: Config | None = None) -> Any:
    """Return nbgrader's API for the course at `root`."""
    own_programs_first()  # opening a gradebook starts the program `alembic`
    with _inside(root):
        return NbGraderAPI(config=load_config(root) if config is None else config, log=_silent())


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def check(outcome: dict[str, Any], what: str) -> str:
    """Return the log of a finished step, or raise NbGraderError with its end."""
    if not outcome.get("success"):
        log = str(outcome.get("error") or "") + str(outcome.get("log") or "")
        raise NbGraderError(f"{what} failed: {log[-3000:].strip()}")
    return str(outcome.get("log") or "")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress SQLAlchemy's warnings about nbgrader's sessions."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=SAWarning)
        yield


def feedback(course: Course, student: str) -> str:
    """Write one student's feedback pages through nbgrader; return the log."""
    with quiet():
        outcome = api(course.root).generate_feedback(course.assignment, student, force=True)
    return check(outcome, f"feedback for {student}")


def gradebook(root: Path, config: Config | None = None) -> Any:
    """Return the course's gradebook, to be used in a `with`."""
    config = load_config(root) if config is None else config
    own_programs_first()
    return Gradebook(config.CourseDirectory.db_url)
