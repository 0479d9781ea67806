"""What of the student's is in a file; nothing, if it is the released notebook as it was given out."""

from __future__ import annotations

import hashlib

from nbformat import NotebookNode

from graders.grading.reading import plain_cells, read
from graders.grading.repair import repair
from graders.lab.manifest import Course, NotebookSpec
from graders.lab.percent import grade_id, shared_template
from graders.status import Status

Work = frozenset[tuple[str, str]]
"""Names of solution and written cells that are not as released, each with a digest of what stands in it."""


def work_in(raw: bytes, course: Course, spec: NotebookSpec) -> Work | None:
    """Return what grading finds of the student's in a file; None if it cannot be read. For a limited process.

    Work that stands in a cell of another name is found as in grading. What cells have shown does not count, nor what is
    neither a solution nor an answer: a notebook with notes of one's own alone, or an older release, is empty.
    """
    mended = repair(raw, course, spec)
    if mended.status is not Status.OK:
        return None
    given = {grade_id(cell): _said(cell) for cell in shared_template(course, spec).cells}
    answers = {written.cell for written in spec.written}
    wanted = {exercise.solution_cell for exercise in spec.exercises} | answers
    own = [(cell["grade_id"], cell["source"].strip()) for cell in plain_cells(read(raw))]
    named = {name for name, source in own if source not in ("", given.get(name))}
    found = set(mended.in_texts.items())
    for cell in mended.notebook.cells:
        name, said = grade_id(cell), _said(cell)
        note = name in answers and name not in named  # a text elsewhere: grading shows it to a person as an answer
        if name in wanted and said not in ("", given[name]) and not note:
            found.add((name, hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()))
    return frozenset(found)


def _said(cell: NotebookNode) -> str:
    pictures = cell.get("attachments")
    return str(cell.source).strip() + (f"\n{pictures!r}" if pictures else "")
