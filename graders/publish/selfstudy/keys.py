"""Keys for readers: the course's solution, why it is right, other right answers, and common mistakes.

The course's own texts speak to those who grade: a reader who learns alone gets no points, and no rubric.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from nbformat import NotebookNode

from graders.lab.bank import reasons, solved
from graders.lab.manifest import Course
from graders.lab.percent import BEGIN, END, convert, grade_id
from graders.lab.tables import ManifestError

_SHOWN = 3
_HEAD = "**Rubric.**"
_SAID = (
    (re.compile(re.escape(_HEAD)), "**Hold yours against it.** What a good answer has:"),
    (re.compile(r"^\* \d+(\.\d+)? points?: ", re.MULTILINE), "* "),
    (re.compile(r"\bthe student's own\b"), "your own"),
)


def spoken(text: str) -> str:
    """Return a text for those who grade as one for the reader: what a rubric gives points for, a good answer has."""
    for said, instead in _SAID:
        text = said.sub(instead, text)
    return text


def for_readers(notebook: NotebookNode) -> NotebookNode:
    """Return a solved notebook without the cells that receive points, its written answers as :func:`spoken`."""
    notebook.cells = [cell for cell in notebook.cells if not grade_id(cell).startswith("grade-")]
    for cell in notebook.cells:
        if grade_id(cell).startswith("written-"):
            cell.source = spoken(cell.source)
    return notebook


def keys(course: Course) -> dict[str, Any]:
    """Return the keys by exercise, as JSON data of :class:`sheaflab.study.edition.Solution`; written answers included.

    Raises
    ------
    ManifestError
        If an exercise has no reasoning.
    """
    why = reasons(course)
    made: dict[str, Any] = {}
    for spec in course.notebooks:
        key, bank = solved(course, spec), _bank(course, spec.name)
        for exercise in spec.exercises:
            if exercise.id not in why:
                raise ManifestError(f"reasons.toml in {course.bank} must have a text for exercise {exercise.id}")
            entry = bank.get(exercise.id, {})
            made[exercise.id] = {
                "code": key.keys[exercise.id].rstrip() + "\n",
                "reasoning": why[exercise.id].strip(),
                "alternatives": [[right["style"], right["code"]] for right in entry.get("right", [])[:_SHOWN]],
                "mistakes": [
                    [spoken(wrong["misconception"]), _where(exercise.checks, wrong["check"])]
                    for wrong in entry.get("wrong", [])
                ],
            }
        texts = {grade_id(cell): cell.source for cell in convert(course, spec).cells}
        for written in spec.written:
            answer = texts[written.cell].replace(BEGIN, "").replace(END, "").strip()
            made[written.id] = {"code": spoken(answer), "reasoning": "", "alternatives": [], "mistakes": []}
    return made


def _bank(course: Course, notebook: str) -> dict[str, Any]:
    path = course.bank / f"{notebook}.toml"
    if not path.is_file():
        return {}
    return {entry["id"]: entry for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("exercise", [])}


def _where(checks: Any, name: str) -> str:
    return next((f"{check.name}, {check.title}" for check in checks if check.name == name), "")
