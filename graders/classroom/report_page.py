"""A page about the class: scores, the checks that fail most, statuses, time and memory used."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from graders.classroom.standing import Row
from graders.lab.manifest import Course
from graders.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072B2", "#D55E00"
TOP = 12


def write_page(rows: Sequence[Row], course: Course, path: Path) -> None:
    """Write the page; figures are inside it, no script is."""
    parts = [
        _figure(_scores(rows), f"Histogram of the scores of {len(rows)} students"),
        _figure(_failing(rows), "Bars: the hidden checks that most submissions fail"),
        _figure(
            _histogram([_seconds(row) for row in rows], "seconds for one submission"),
            "Histogram of the seconds that grading one submission took",
        ),
        _figure(
            _histogram([_memory(row) for row in rows], "MiB, the most that one process of a submission held"),
            "Histogram of the most memory that one process of a submission held",
        ),
    ]
    statuses = Counter(Status[e["status"]].label for row in rows for e in row.exercises)
    counts = "".join(f"<tr><td>{escape(label)}</td>{_number(count)}</tr>" for label, count in statuses.most_common())
    lines = "".join(
        f"<tr><td>{escape(row.student)}</td>{_number(f'{row.score:g}')}{_number(f'{row.max_score:g}')}"
        f"<td>{'yes' if row.needs_manual else ''}</td>{_number(f'{_seconds(row):.1f}')}{_number(f'{_memory(row):.0f}')}"
        f"<td>{escape('; '.join(_notes(row)))}</td></tr>"
        for row in rows
    )
    title = escape(f"{course.title}: the class")
    path.write_text(
        f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font-family:sans-serif;max-width:55rem;margin:2rem auto;padding:0 1rem;color:#222}}
table{{border-collapse:collapse}}td,th{{border:1px solid #bbb;padding:.2rem .6rem;text-align:left}}
.wide{{overflow-x:auto}}.number{{text-align:right}}img{{max-width:100%}}</style></head><body><main>
<h1>{title}</h1>
<h2>Scores</h2>{parts[0]}
<h2>Checks that fail most</h2>{parts[1]}
<h2>Outcomes of exercises</h2>
<table><thead><tr><th>outcome</th><th>exercises</th></tr></thead><tbody>{counts}</tbody></table>
<h2>Time</h2>{parts[2]}
<h2>Memory</h2>{parts[3]}
<h2>Students</h2><div class="wide" tabindex="0" role="region" aria-label="Students"><table>
<thead><tr><th>student</th><th>score</th><th>of</th><th>to grade by hand</th>
<th>time, s</th><th>memory, MiB</th><th>notes</th></tr></thead>
<tbody>{lines}</tbody></table></div>
</main></body></html>
""",
        encoding="utf-8",
    )


def _notes(row: Row) -> list[str]:
    return sorted({note for result in row.results.values() for note in result.get("notes", [])})


def _number(value: object) -> str:
    return f'<td class="number">{value}</td>'


def _figure(figure: Figure, text: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(text, quote=True)}" src="data:image/png;base64,{data}">'


def _new(height: float = 3.0) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _scores(rows: Sequence[Row]) -> Figure:
    figure = _new()
    ax = figure.subplots()
    top = max(max(row.max_score for row in rows), 1.0)
    ax.hist([row.score for row in rows], bins=list(np.linspace(0, top, 21)), color=BLUE)
    ax.set(xlabel=f"score (of {top:g})", ylabel="students")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _failing(rows: Sequence[Row]) -> Figure:
    fails = Counter(
        f"{e['id']} {check['name']}"
        for row in rows
        for e in row.exercises
        for check in e["checks"]
        if check["status"] not in (Status.OK.name, Status.NOT_ATTEMPTED.name, Status.MISSING.name)
    ).most_common(TOP)
    figure = _new(1.0 + 0.3 * max(len(fails), 3))
    ax = figure.subplots()
    ax.barh([name for name, _ in fails][::-1], [count for _, count in fails][::-1], color=ORANGE)
    ax.set(xlabel="submissions that fail it (not attempted left out)")
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
