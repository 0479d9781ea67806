"""Grade one notebook: a pure function from a submission, a course and a secret to a result."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Container, Mapping
from dataclasses import replace

from nbformat import NotebookNode

from graders.checking.sandboxed import SandboxedStudent
from graders.checking.suite import run_checks
from graders.checking.verdict import CheckResult, HiddenChecksError
from graders.grading import canary
from graders.grading.overwritten import look_again
from graders.grading.reading import CUT
from graders.grading.repair import Repaired
from graders.grading.results import LEFT_ASIDE, ExerciseResult, NotebookResult
from graders.grading.skipping import as_given, spare
from graders.lab.manifest import Course, Exercise, NotebookSpec
from graders.lab.percent import grade_id, shared_template, template
from graders.sandbox.isolation import Isolation, IsolationError, Limits
from graders.sandbox.libraries import View
from graders.sandbox.notebook import Host, NotebookRun
from graders.sandbox.outputs import CellRun
from graders.status import SandboxBroken, Status
from sheaflab.checks.machine import difference

HARMLESS = (Status.OK, Status.WRONG, Status.NOT_ATTEMPTED, Status.RAISED, Status.UNDEFINED)
"""Ends of a check after which the same worker may serve the same student's next notebook."""
OUT_OF_ROOM = ("can't start new thread", "Resource temporarily unavailable", "Cannot allocate memory")
"""What Python says when the kernel refuses it a thread, a process or a page."""
IN_A_TEXT = "{} stands in a cell that is a text and was not run: give the points, or make it a code cell, then grade"
AS_HANDED_IN = {"output_type": "stream", "name": "stdout", "text": "(As handed in: no points depend on this cell.)\n"}


def grade_repaired(
    mended: Repaired,
    course: Course,
    spec: NotebookSpec,
    *,
    limits: Limits | None = None,
    level: Isolation | None = None,
    secret: bytes | None = None,
    host: Host | None = None,
    student: str = "",
) -> NotebookResult:
    """Grade a mended notebook. Never raises for what a student did.

    Parameters
    ----------
    mended : Repaired
    course : Course
    spec : NotebookSpec
    limits : Limits, optional
    level : Isolation, optional
        By default the best there is.
    secret : bytes, optional
        By default the course's.
    host : Host, optional
        A worker to share with other notebooks of the *same* submission; limits and level are then the host's.
    student : str
        Whose it is. With the solution cells it decides which problems the hidden checks pose.

    Raises
    ------
    IsolationError
        If no worker can be started, or this machine does not grade as it should.
    HiddenChecksError
        If the hidden checks are at fault.
    """
    start = time.monotonic()
    if mended.status is not Status.OK:
        return _without_work(mended.status, mended.notes, spec)
    cells = {
        index: cell.source
        for index, cell in enumerate(mended.notebook.cells)
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade") and cell.source.strip()
    }
    released = shared_template(course, spec)
    given, texts = as_given(released), {cell.source.strip() for cell in released.cells}
    untouched = all(cell.source.strip() in texts for cell in mended.notebook.cells)  # no work that a figure could show
    shown = [k for k in cells if cells[k].strip() in given and (untouched or mended.notebook.cells[k].outputs)]
    kept = spare(cells, shown, (exercise.function for exercise in spec.exercises))
    sources = {
        exercise.id: cell.source
        for exercise in spec.exercises
        for cell in mended.notebook.cells
        if grade_id(cell) == exercise.solution_cell and exercise.solution_cell not in mended.missing
    }
    stubs = {k: name for k, name in _stubs(released, mended.notebook, spec).items() if k in cells}
    setup = _setup(released, mended.notebook, spec)
    own = _host(course, limits, level) if host is None else host
    canary.require(own.level, own.limits)
    decided = course.secret if secret is None else secret

    def look(cells: Mapping[int, str], spec: NotebookSpec) -> tuple[NotebookRun, dict[tuple[str, str], CheckResult]]:
        with NotebookRun(cells, own, stubs, setup) as run:
            answers = SandboxedStudent(run, sources)
            try:
                return run, run_checks(answers, course, spec, decided, submission_of(student, sources))
            finally:
                answers.next_exercise()  # lets go of the last one's process

    try:
        ran = {k: cells[k] for k in cells if k not in kept}
        run, found = look(ran, spec)
        done = run.done
        places = {grade_id(mended.notebook.cells[k]): k for k in ran if k not in stubs}
        again = look_again(found, ran, places, spec, look, own)
        mended.notes += again.notes
        done |= {k: CellRun(Status.OK, outputs=[*mended.notebook.cells[k].outputs, AS_HANDED_IN]) for k in kept}
    except SandboxBroken as error:
        own.discard()
        _blame_no_student_for_the_machine(own)
        return _without_work(error.status, [*mended.notes, error.message], spec)
    finally:
        if host is None:
            own.discard()
    ends = again.ends + [(r.status, r.message) for r in done.values()]
    if any(_may_be_the_machine(status, message) for status, message in ends):
        _blame_no_student_for_the_machine(own)
    if any(status not in HARMLESS for status, _ in again.ends):
        own.discard()
    failed = [_told_of_setup(done[k]) for k in run.after_error if k in done and done[k].status is not Status.OK]
    mended.notes += failed
    by_cell = {grade_id(mended.notebook.cells[index]): cell_run for index, cell_run in done.items()}
    exercises = tuple(_exercise(exercise, found, by_cell, mended) for exercise in spec.exercises)
    if failed and exercises:
        exercises = replace(exercises[0], notes=(*exercises[0].notes, *failed)), *exercises[1:]
    seconds = time.monotonic() - start
    memory = max(run.memory, again.memory)
    return NotebookResult(spec.name, Status.OK, exercises, own.level, tuple(mended.notes), done, seconds, memory)


def _told_of_setup(cell: CellRun) -> str:
    """Say how the student's own code before the first exercise has ended, and what became of it."""
    if cell.status is Status.RAISED:
        return f"Your changed cell ended with {cell.message}; the code as handed out was run after it."
    told = "the code as handed out was run in its place."
    return f"Your changed cell was left out ({cell.status.label}: {cell.message}); {told}"


def _setup(released: NotebookNode, notebook: NotebookNode, spec: NotebookSpec) -> dict[int, str]:
    """Return the student's own code before the first exercise, and what of the release's there is nowhere any more.

    That is run where such a cell ends with an error, or breaks its process: a line that works on the student's machine
    alone, beside the imports, is to cost no exercise.
    """
    solutions = {exercise.solution_cell for exercise in spec.exercises}
    given, there = as_given(released), {cell.source.strip() for cell in notebook.cells}
    lost = [cell.source for cell in _before(released, solutions) if cell.source.strip() in given - there]
    cells = enumerate(_before(notebook, solutions))
    own = [k for k, cell in cells if cell.cell_type == "code" and cell.source.strip() not in given]
    return dict.fromkeys(own, "\n".join(lost)) if lost else {}


def _before(notebook: NotebookNode, names: Container[str]) -> list[NotebookNode]:
    """Return the cells before the first one of these names."""
    return list(itertools.takewhile(lambda cell: grade_id(cell) not in names, notebook.cells))


def _stubs(released: NotebookNode, notebook: NotebookNode, spec: NotebookSpec) -> dict[int, str]:
    """Return the places of solution cells that are as released, and the name that each should define."""
    functions = {exercise.solution_cell: exercise.function for exercise in spec.exercises}
    texts = {name: cell.source.strip() for cell in released.cells if (name := grade_id(cell)) in functions}
    return {
        index: functions[name]
        for index, cell in enumerate(notebook.cells)
        if (name := grade_id(cell)) in functions and cell.source.strip() == texts[name]
    }


def _host(course: Course, limits: Limits | None, level: Isolation | None) -> Host:
    limits = limits or Limits()
    level = canary.best_isolation(limits=limits) if level is None else level
    return Host(limits, level, View(course.visible.parent, course.private))


def _may_be_the_machine(status: Status, message: str) -> bool:
    """Tell whether a machine without room for one more process or page could have done this to honest work."""
    return status in (Status.KILLED, Status.OUT_OF_MEMORY) or any(text in message for text in OUT_OF_ROOM)


def _blame_no_student_for_the_machine(host: Host) -> None:
    """Raise if a tiny submission with known answers does not come out as known any more.

    Raises
    ------
    IsolationError
    """
    if why := canary.trial(host.level, host.limits, loop=False):
        raise IsolationError(
            f"this machine no longer grades as it should ({host.level.name.lower()}: {why}); "
            "this submission has no grade yet: mend the machine and grade again"
        )


def submission_of(student: str, sources: Mapping[str, str]) -> bytes:
    """Return what stands for a notebook's submission when problems are drawn: the same for the same work, at any door.

    Parameters
    ----------
    student : str
    sources : mapping of str to str
        Solution cells by exercise, as mended.
    """
    return hashlib.sha256(json.dumps([student, sorted(sources.items())]).encode()).digest()


def _without_work(status: Status, notes: list[str], spec: NotebookSpec) -> NotebookResult:
    """The result of a notebook none of whose work can be graded."""
    message = "; ".join(notes)
    exercises = tuple(
        ExerciseResult(
            exercise.id,
            exercise.title,
            status,
            tuple(CheckResult(check.name, check.title, status, check.points) for check in exercise.checks),
            message,
        )
        for exercise in spec.exercises
    )
    return NotebookResult(spec.name, status, exercises, None, tuple(notes))


def _exercise(
    exercise: Exercise, found: Mapping[tuple[str, str], CheckResult], by_cell: Mapping[str, CellRun], mended: Repaired
) -> ExerciseResult:
    """Put an exercise's checks together; a cell that failed explains why its function is not there."""
    checks = tuple(found[exercise.id, check.name] for check in exercise.checks)
    if any(check.status is Status.NOT_ATTEMPTED for check in checks):
        checks = tuple(replace(check, status=Status.NOT_ATTEMPTED) for check in checks)  # a stub earns nothing
    failing = [check for check in checks if check.status is not Status.OK]
    status, message = (failing[0].status, failing[0].message) if failing else (Status.OK, "")
    cell = by_cell.get(exercise.solution_cell)
    if status is Status.UNDEFINED:
        if exercise.solution_cell in mended.missing:
            status, message = Status.CELL_MISSING, ""
        elif cell is not None and cell.message.startswith(f"NotImplementedError: Exercise {exercise.id}:"):
            status, message = Status.NOT_ATTEMPTED, ""  # the stub of a class whose body is the task
            checks = tuple(replace(check, status=status, message="") for check in checks)
        elif cell is not None and cell.status is not Status.OK:
            status = Status.RAISED if cell.status is Status.RAISED else cell.status
            message = f"your cell ended with {cell.message}"
            trace: list[str] = next((o["traceback"] for o in cell.outputs if o["output_type"] == "error"), [])
            message += ":\n" + "\n".join(trace) if cell.status is Status.RAISED else ""
    elif status is Status.NOT_ATTEMPTED and exercise.solution_cell in mended.missing:
        status = Status.CELL_MISSING
    elif status is Status.WRONG:
        message = ""  # each check brings its own
    if status is Status.RAISED and (hint := difference(message)) and hint not in message:
        message += f"\nhint:     {hint}"
    if status is not Status.OK and any(note.startswith(CUT) for note in mended.notes):
        status, message = Status.GRADER, f"{status.label}; but a part of this notebook was too long to be read"
    without = status in (Status.NOT_ATTEMPTED, Status.CELL_MISSING, Status.UNDEFINED)
    if unread := mended.in_texts.get(exercise.solution_cell, "") if without else "":
        status, message = Status.GRADER, IN_A_TEXT.format(exercise.function)
    about = (exercise.solution_cell, f"exercise {exercise.id};", *([] if status is Status.OK else [LEFT_ASIDE]))
    notes = tuple(note for note in mended.notes if any(text in note for text in about))
    return ExerciseResult(exercise.id, exercise.title, status, checks, message, notes, unread)


def answered(course: Course, spec: NotebookSpec, cells: Mapping[str, str]) -> NotebookNode:
    """Return the released notebook with some cells' sources replaced, by grade_id: a submission made by hand."""
    notebook = template(course, spec)
    there = {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}
    for name, source in cells.items():
        there[name].source = source.strip("\n")
    return notebook


__all__ = ["HiddenChecksError", "IsolationError", "answered", "grade_repaired"]
