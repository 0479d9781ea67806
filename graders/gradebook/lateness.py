"""The paragraph of a feedback page on lateness: when the work was due, when it was handed in, what that costs."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from graders.lab.printing import counted

_TIME = "%Y-%m-%d %H:%M UTC"


def lateness_panel(resources: Mapping[str, Any]) -> str:
    """Return a paragraph for a feedback page; empty where there is no due date.

    Parameters
    ----------
    resources : mapping
        What nbgrader's converter says of the notebook: gradebook, assignment, student, and its share of the penalty.
    """
    if "db_url" not in resources:
        return ""
    with Gradebook(resources["db_url"]) as book:
        try:
            submission = book.find_submission(resources["assignment"], resources["student"])
        except MissingEntry:
            return ""
        lines = _lines(submission, float(resources.get("late_penalty") or 0.0))
    return f"<p>{'<br>'.join(html.escape(line) for line in lines)}</p>" if lines else ""


def _lines(submission: Any, share: float) -> list[str]:
    due, time = submission.duedate, submission.timestamp
    if due is None:
        return []
    lines = [f"Due: {due:{_TIME}}" + (" (extended for you)" if submission.extension else "")]
    if time is None:
        return [*lines, "Handed in: the time is not known; it counts as on time."]
    late = submission.total_seconds_late
    lines.append(f"Handed in: {time:{_TIME}}, {f'{duration(late)} late' if late > 0 else 'on time'}")
    if late > 0:
        whole = float(submission.late_submission_penalty or 0.0)
        text = f"Penalty for handing in late: {counted(round(whole, 2), 'point')} of the whole assignment"
        lines.append(f"{text}, {round(share, 2):g} of them in this notebook." if whole else f"{text}.")
    return lines


def duration(seconds: float) -> str:
    """Return how late, in the two largest units; empty if it is not late."""
    if seconds <= 0:
        return ""
    minutes = math.ceil(seconds / 60)
    for size, unit, small, name in ((1440, "d", 60, "h"), (60, "h", 1, "min")):
        if minutes >= size:
            rest = minutes % size // small
            return f"{minutes // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{minutes} min"
