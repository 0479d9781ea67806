"""A page about the class: grades, the checks that fail most, lateness, time and memory, and what to do about each."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from graders.classroom.report import LOOKED_AT
from graders.classroom.standing import Class, Row
from graders.gradebook.lateness import duration
from graders.lab.manifest import Course
from graders.lab.printing import counted
from graders.lab.templates import render
from graders.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = Path(__file__).with_name("class.html")
BLUE, ORANGE = "#0072B2", "#D55E00"
TOP = 12
ANSWERED_WRONGLY = (Status.WRONG.name, Status.RAISED.name, Status.BAD_VALUE.name)
"""Outcomes of a check that met an answer. The others say nothing of the check: unreadable, timed out, missing …"""


def write_page(group: Class, course: Course, path: Path) -> None:
    """Write the page. It holds its figures, and no script."""
    rows = [row for row in group.rows if row.handed_in]
    seconds, memory = [_seconds(row) for row in rows], [_memory(row) for row in rows]
    time_label, memory_label = "seconds for one submission", "MiB, the most that one process of a submission held"
    scores = [row.score for row in rows]
    page = render(
        TEMPLATE,
        title=f"{course.title}: the class",
        handed_in=len(rows),
        everybody=len(group.rows),
        unfinished=len(group.unfinished),
        of=f"{group.max_score:g}",
        mean=f"{fmean(scores):.1f}" if scores else "–",
        median=f"{median(scores):.1f}" if scores else "–",
        late=sum(row.seconds_late > 0 for row in rows),
        absent=[row for row in group.rows if not row.handed_in and not row.open],
        left=[*(one for row in group.rows for one in row.left), *group.ownerless],
        astray=[row for row in group.rows if row.astray],
        looked_at=LOOKED_AT,
        scores=_picture(_scores(scores, group.max_score), f"Histogram of scores, {counted(len(rows), 'student')}"),
        failing=_picture(_failing(rows), "Bars: the hidden checks that most submissions fail"),
        outcomes=Counter(Status[e["status"]].label for row in rows for e in row.exercises).most_common(),
        time=_picture(_histogram(seconds, time_label), "Histogram of the seconds that grading one submission took"),
        memory=_picture(
            _histogram(memory, memory_label), "Histogram of the most memory that one process of a submission held"
        ),
        students=[
            {
                "student": row.student,
                "name": ", ".join(part for part in (row.last_name, row.first_name) if part),
                "score": row.score,
                "penalty": row.late_penalty,
                "late": duration(row.seconds_late),
                "waits": row.waits,
                "seconds": _seconds(row),
                "memory": _memory(row),
                "notes": _notes(row),
            }
            for row in rows
        ],
    )
    path.write_text(page, encoding="utf-8")


def _notes(row: Row) -> list[str]:
    """Return what the staff may have to know of a submission; the notebooks that are not there come last, together."""
    plain = {f"there is no {name}.ipynb" for name in row.missing}
    notes = {note for result in row.results.values() for note in result.get("notes", [])}
    missing = [f"not handed in: {', '.join(row.missing)}"] if row.missing else []
    return sorted(notes - plain) + missing


def _picture(figure: Figure, text: str) -> dict[str, str]:
    """Return a figure as base64 with its alternative text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return {"text": text, "data": base64.b64encode(buffer.getvalue()).decode()}


def _new(height: float = 3.0) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _scores(scores: Sequence[float], most: float) -> Figure:
    figure = _new()
    ax = figure.subplots()
    top = max(most, 1.0)
    ax.hist(scores, bins=list(np.linspace(0, top, 21)), color=BLUE)
    ax.set(xlabel=f"score (of {top:g})", ylabel="students")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _failing(rows: Sequence[Row]) -> Figure:
    fails = Counter(
        f"{e['id']} {check['name']}"
        for row in rows
        for e in row.exercises
        for check in e["checks"]
        if check["status"] in ANSWERED_WRONGLY
    ).most_common(TOP)
    figure = _new(1.0 + 0.3 * max(len(fails), 3))
    ax = figure.subplots()
    ax.barh([name for name, _ in fails][::-1], [count for _, count in fails][::-1], color=ORANGE)
    ax.set(xlabel="submissions whose answer fails it")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _seconds(row: Row) -> float:
    return sum(float(result.get("seconds", 0.0)) for result in row.results.values())


def _memory(row: Row) -> float:
    return max((float(result.get("memory", 0)) for result in row.results.values()), default=0.0) / 1024


def _histogram(values: Sequence[float], label: str) -> Figure:
    figure = _new()
    ax = figure.subplots()
    shown = [value for value in values if value]  # 0: nothing of the submission was run
    ax.hist(shown, bins=20, range=(0.0, max([1.0, *shown])), color=BLUE)
    ax.set(xlabel=label, ylabel="students")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
