"""What is said about exercises, as text: the same in a terminal and in a notebook."""

from __future__ import annotations

from sheaflab.study.catalogue import Catalogue, Exercise
from sheaflab.study.edition import Report, Solution
from sheaflab.study.workspace import Workspace


class Paint:
    """Colours for a terminal; without them the text alone."""

    def __init__(self, *, on: bool) -> None:
        self.on = on

    def __call__(self, colour: str, text: str) -> str:
        code = {"green": "32", "red": "31", "dim": "2", "bold": "1"}[colour]
        return f"\033[{code}m{text}\033[0m" if self.on else text


PLAIN = Paint(on=False)


def report(found: Report, paint: Paint = PLAIN) -> str:
    """Return a check's report."""
    head = f"{found.exercise} {found.title}"
    if not found.attempted:
        return f"{paint('dim', '·')} {head}: {found.visible}"
    if found.visible:
        return f"{paint('red', '✗')} {head}\n{_indent(found.visible)}" + _note(found)
    lines = [f"{paint('green', '✓') if found.passed else paint('red', '✗')} {head}"]
    for outcome in found.fresh:
        mark = paint("green", "✓") if outcome.passed else paint("red", "✗")
        lines.append(f"  {mark} {outcome.name}: {outcome.title}")
        if outcome.message:
            lines.append(_indent(outcome.message, 6))
    if found.passed and not found.fresh:
        lines.append("  the visible checks pass; your instructor's look at fresh problems")
    return "\n".join(lines) + _note(found)


def _note(found: Report) -> str:
    return f"\n  ({found.note})" if found.note else ""


def hint(exercise: Exercise, shown: int) -> str:
    """Return the hint number `shown` and how many are left."""
    total = len(exercise.hints)
    left = total - shown
    rest = "no hint left" if not left else f"{left} hint{'s' if left > 1 else ''} left"
    return f"{exercise.id} {exercise.title}, hint {shown} of {total} ({rest}):\n{_indent(exercise.hints[shown - 1])}"


def solution(exercise: Exercise, key: Solution, paint: Paint = PLAIN) -> str:
    """Return a key with its reasoning, other ways and common mistakes."""
    parts = [paint("bold", f"{exercise.id} {exercise.title}"), "", key.code.rstrip()]
    if key.reasoning:
        parts += ["", paint("bold", "Why"), _indent(key.reasoning)]
    if key.alternatives:
        parts += ["", paint("bold", "Also right")]
        for name, code in key.alternatives:
            parts += [_indent(f"{name}:"), _indent(code.strip("\n"), 4)]
    if key.mistakes:
        parts += ["", paint("bold", "Often got wrong, by the check that tells")]
        for check in dict.fromkeys(check for _, check in key.mistakes):
            parts += [_indent(check + ":"), *(_indent(f"- {name}", 4) for name, told in key.mistakes if told == check)]
    return "\n".join(parts)


def listing(catalogue: Catalogue, workspace: Workspace, paint: Paint = PLAIN) -> str:
    """Return all notebooks and exercises with their state."""
    lines = [f"{catalogue.name}: {catalogue.title}"]
    for notebook in catalogue.notebooks:
        lines += ["", paint("bold", f"{notebook.name}  {notebook.title}, {notebook.minutes} minutes")]
        for exercise in notebook.exercises:
            lines.append(
                f"  {_mark(workspace, exercise, paint)} {exercise.id}  {exercise.title}, {exercise.minutes} min"
            )
        lines += [f"  {paint('dim', '–')} {written.id}  {written.title} (written)" for written in notebook.written]
    return "\n".join([*lines, "", "✓ solved   ~ tried   · not yet   – no machine reads it"])


def progress(catalogue: Catalogue, workspace: Workspace, paint: Paint = PLAIN) -> str:
    """Return how far the reader is and what comes next."""
    lines = []
    for notebook in catalogue.notebooks:
        marks = "".join(_mark(workspace, exercise, paint) for exercise in notebook.exercises)
        solved = sum(workspace.solved(exercise) for exercise in notebook.exercises)
        room = " " * (4 - len(notebook.exercises))
        lines.append(f"{notebook.name}  {marks}{room}  {solved} of {len(notebook.exercises)}  {notebook.title}")
    done = sum(workspace.solved(exercise) for exercise in catalogue.exercises)
    lines += ["", f"{done} of {len(catalogue.exercises)} exercises solved"]
    following = upcoming(catalogue, workspace)
    if following is None:
        lines.append("All done. What the last notebook leaves open is in the documentation: sliding at depth.")
    else:
        lines.append(
            f"Next: {following.id} {following.title}, about {following.minutes} minutes, in {following.notebook}.ipynb"
        )
    return "\n".join(lines)


def upcoming(catalogue: Catalogue, workspace: Workspace) -> Exercise | None:
    """Return the first exercise that is not solved yet, or None."""
    return next((exercise for exercise in catalogue.exercises if not workspace.solved(exercise)), None)


def _mark(workspace: Workspace, exercise: Exercise, paint: Paint) -> str:
    if workspace.solved(exercise):
        return paint("green", "✓")
    return "~" if workspace.tried(exercise) else paint("dim", "·")


def _indent(text: str, width: int = 2) -> str:
    return "\n".join(" " * width + line if line else "" for line in text.split("\n"))
