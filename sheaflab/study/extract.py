"""From a lab's manifest and notebooks to its catalogue: the part of them that is no secret.

A checkout reads its catalogue from the course by this module, so it is never out of step. The build of a wheel reads it
by this module too and packs the result; the module itself is in no wheel. It needs nothing but Python, because a wheel
is built where there may be nothing else.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

MANIFEST = "exercises.toml"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_CELL = re.compile(r"^# %%.*?$\n", re.MULTILINE)
_GRADE_ID = re.compile(r'"grade_id": "([^"]+)"')


def stub_line(exercise: str, title: str) -> str:
    """Return the line that stands in the place of an exercise's solution."""
    return f'raise NotImplementedError("Exercise {exercise}: {title}")'


def strip(source: str, stub: str) -> str:
    """Return a cell's source with its solution regions replaced by `stub`, at the indentation of the marker."""
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN in line:
            inside = True
            lines.append(line[: len(line) - len(line.lstrip())] + stub)
        elif END in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def named_cells(source: str) -> dict[str, str]:
    """Return the cells of a notebook's percent text that have a name, by it."""
    heads = [*_CELL.finditer(source)]
    ends = [*(head.start() for head in heads[1:]), len(source)]
    texts = {head[0]: source[head.end() : end].strip("\n") for head, end in zip(heads, ends, strict=True)}
    return {name[1]: text for head, text in texts.items() if (name := _GRADE_ID.search(head))}


def extract(source: Path) -> dict[str, Any]:
    """Return titles, minutes, hints, names of checks and stubs, as JSON data of :func:`sheaflab.study.catalogue.parse`.

    Parameters
    ----------
    source : Path
        The folder of a lab: its manifest and its notebooks as percent text. It has the lab's name.

    Raises
    ------
    KeyError
        If the manifest or a notebook lacks something; ``graders build`` says more.
    """
    data = tomllib.loads((source / MANIFEST).read_text(encoding="utf-8"))
    notebooks = []
    for spec in data["notebook"]:
        if not (path := source / f"{spec['name']}.py").is_file():  # still to be written
            continue
        cells = named_cells(path.read_text(encoding="utf-8"))
        exercises = [
            {
                **{key: item[key] for key in ("id", "title", "function")},
                "minutes": item.get("minutes", 0),
                "requires": item.get("requires", []),
                "hints": item.get("hints", []),
                "checks": [{"name": check["name"], "title": check["title"]} for check in item["check"]],
                "stub": strip(cells[f"ex-{item['id'].replace('.', '-')}"], stub_line(item["id"], item["title"])),
            }
            for item in spec.get("exercise", [])
        ]
        written = [{"id": item["id"], "title": item["title"]} for item in spec.get("written", [])]
        head = {"name": spec["name"], "title": spec["title"], "minutes": spec.get("minutes", 0)}
        notebooks.append({**head, "exercises": exercises, "written": written})
    return {"name": source.name, "title": data["assignment"]["title"], "notebooks": notebooks}


def text(data: dict[str, Any]) -> str:
    """Return an extract as the text of a file."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
