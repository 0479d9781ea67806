"""What must not go out: lines of solutions and hidden checks, looked for in what does."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from graders.lab.manifest import Course
from graders.lab.percent import BEGIN, END, convert, strip


def secret_lines(course: Course) -> set[str]:
    """Lines that must never be in a release: solutions and hidden checks, if long enough to tell anything."""
    files = [*course.checks.rglob("*.py"), *course.bank.rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    public: set[str] = set()
    for spec in course.notebooks:
        path = course.source / f"{spec.name}.py"
        if not path.is_file():
            continue
        for cell in convert(course, spec).cells:
            texts += re.findall(rf"{BEGIN}\n(.*?){END}", cell.source, flags=re.DOTALL)
            public |= {line.strip() for line in strip(cell.source, "").split("\n")}
    lines = {line.strip() for text in texts for line in text.split("\n")}
    return {
        line for line in lines - public if len(line) > 24 and not line.startswith(("from ", "import ", '"""', "def __"))
    }


def leaks(course: Course, folder: Path) -> list[str]:
    """Return where a file below `folder` holds a line of a solution or hidden check; an empty list is good."""
    secret = secret_lines(course)
    found: list[str] = []
    markers = (BEGIN, END, "BEGIN HIDDEN TESTS")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            lines = [line for cell in notebook.cells for line in cell.source.split("\n")]
        else:
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        found += [
            f"{path.relative_to(folder)}: {line.strip()[:100]}"
            for line in lines
            if line.strip() in secret or any(marker in line for marker in markers)
        ]
    return found
