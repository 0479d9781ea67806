"""`python -m graders.publish.selfstudy.extract`: write the part of the manifest that is no secret into the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graders.lab.manifest import Course
from graders.lab.percent import grade_id, template

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "sheaflab" / "study" / "course.json"


def extract(course: Course) -> dict[str, Any]:
    """Return titles, minutes, hints, names of checks and stubs, as JSON data."""
    notebooks = []
    for spec in course.notebooks:
        cells = {grade_id(cell): cell.source for cell in template(course, spec).cells}
        exercises = [
            {
                "id": exercise.id,
                "title": exercise.title,
                "function": exercise.function,
                "minutes": exercise.minutes,
                "requires": list(exercise.requires),
                "hints": list(exercise.hints),
                "checks": [{"name": check.name, "title": check.title} for check in exercise.checks],
                "stub": cells[exercise.solution_cell],
            }
            for exercise in spec.exercises
        ]
        written = [{"id": item.id, "title": item.title} for item in spec.written]
        head = {"name": spec.name, "title": spec.title, "minutes": spec.minutes}
        notebooks.append({**head, "exercises": exercises, "written": written})
    return {"name": course.assignment, "title": course.title, "notebooks": notebooks}


def text(course: Course) -> str:
    """Return the file's content."""
    return json.dumps(extract(course), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(Course.load(ROOT / "course")), encoding="utf-8")
    print(TARGET.relative_to(ROOT))
