"""What the first cell of a notebook tells of it: tasks, time, points, checks, help, hand-in; made from the manifest."""

from __future__ import annotations

from pathlib import Path

from graders.lab.manifest import Course, NotebookSpec
from graders.lab.templates import render

_TEMPLATE = Path(__file__).with_name("orientation.md")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def orientation(course: Course, spec: NotebookSpec, *, graded: bool) -> str:
    """Return the text.

    Parameters
    ----------
    course : Course
    spec : NotebookSpec
    graded : bool
        Whether the notebook is handed in for points; in the self-study edition it is not.
    """
    size = _counted(len(spec.exercises), "exercise")
    if spec.written:
        size += f" and {_counted(len(spec.written), 'written answer')}"
    points = spec.points + sum(written.points for written in spec.written)
    given = {"graded": graded, "points": points, "size": size[0].upper() + size[1:]}
    said = {"rules": course.rules.strip(), "hand_in": course.hand_in.strip()}
    return render(_TEMPLATE, spec=spec, **given, **said).strip()


def _counted(count: int, what: str) -> str:
    return f"{_NUMBERS[count] if count < len(_NUMBERS) else count} {what}{'' if count == 1 else 's'}"
