"""What is said about exercises, as text: the same in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sheaflab.study.catalogue import Catalogue, StudyTask
from sheaflab.study.edition import Report, Solution, installed
from sheaflab.study.workspace import Workspace


class Paint:
    """How marks and headings look: in colours, or as text alone; marks that can be told apart in any encoding.

    Parameters
    ----------
    on : bool
        Whether there are colours.
    encoding : str
        Of the terminal. One that lacks a mark gets all of them in letters.
    """

    _MARKS: ClassVar = {
        "pass": ("✓", "ok"),
        "fail": ("✗", "no"),
        "tried": ("~", "~~"),
        "open": ("·", ".."),
        "none": ("–", "--"),
    }
    _COLOURS: ClassVar = {"pass": "green", "fail": "red", "open": "dim", "none": "dim"}

    def __init__(self, *, on: bool, encoding: str = "utf-8") -> None:
        self.on = on
        try:
            "".join(sign for sign, _ in self._MARKS.values()).encode(encoding)
            self._column = 0
        except (UnicodeEncodeError, LookupError):
            self._column = 1

    def __call__(self, colour: str, text: str) -> str:
        code = {"green": "32", "red": "31", "dim": "2", "bold": "1"}[colour]
        return f"\033[{code}m{text}\033[0m" if self.on else text

    def mark(self, kind: str, *, plain: bool = False) -> str:
        """Return a mark: ``pass``, ``fail``, ``tried``, ``open``, or ``none`` for what no machine reads."""
        sign = self._MARKS[kind][self._column]
        return sign if plain or kind not in self._COLOURS else self(self._COLOURS[kind], sign)

    def row(self, kinds: Sequence[str], size: int) -> str:
        """Return several marks in a row, as wide as `size` of them."""
        gap = " " * self._column
        room = " " * ((size - len(kinds)) * (1 + 2 * self._column))
        return gap.join(self.mark(kind) for kind in kinds) + room


PLAIN = Paint(on=False)
_MOST = 4  # exercises in a notebook


def report(found: Report, paint: Paint = PLAIN) -> str:
    """Return a check's report."""
    head = f"{found.exercise} {found.title}"
    if not found.attempted:
        return f"{paint.mark('open')} {head}: {found.visible}" + _note(found)
    if found.visible:
        return f"{paint.mark('fail')} {head}\n{_indent(found.visible)}" + _note(found)
    lines = [f"{paint.mark('pass' if found.passed else 'fail')} {head}"]
    for outcome in found.fresh:
        mark = paint.mark("pass" if outcome.passed else "fail")
        lines.append(f"  {mark} {outcome.name}: {outcome.title}")
        if outcome.message:
            lines.append(_indent(outcome.message, 6))
    if found.passed and not found.fresh:
        lines.append("  the visible checks pass; the cell below the check lists what the hidden checks look at")
    return "\n".join(lines) + _note(found)


def summary(reports: Sequence[Report], absent: int = 0) -> str:
    """Return the last line of several checks; `absent` exercises are in notebooks that are not there."""
    tried = [found for found in reports if found.attempted]
    parts = [f"{sum(found.passed for found in tried)} of {len(tried)} tried exercises pass"]
    parts.append(f"{len(reports) - len(tried)} not written yet")
    if absent:
        parts.append(f"{absent} in notebooks that are not in this folder")
    return ", ".join(parts)


def _note(found: Report) -> str:
    return f"\n  ({found.note})" if found.note else ""


def hint(exercise: StudyTask, shown: int, *, remembered: bool = True) -> str:
    """Return the hint number `shown` and how many are left, and whether the next call will know of it."""
    total = len(exercise.hints)
    left = total - shown
    rest = "no hint left" if not left else f"{left} hint{'s' if left > 1 else ''} left"
    told = f"{exercise.id} {exercise.title}, hint {shown} of {total} ({rest}):\n{_indent(exercise.hints[shown - 1])}"
    if not left and installed():
        told += f"\n\nStill stuck? `sheaflab solution {exercise.id}` shows the key and its reasons."
    if left and not remembered:
        told += (
            "\n\nFor the next hint run this in the folder with your notebooks: which hints you have seen is kept there."
        )
    return told


def solution(exercise: StudyTask, key: Solution, paint: Paint = PLAIN) -> str:
    """Return a key with its reasoning, other ways and common mistakes."""
    parts = [paint("bold", f"{exercise.id} {exercise.title}"), "", key.code.rstrip()]
    if key.reasoning:
        parts += ["", paint("bold", "Why"), _indent(key.reasoning)]
    if key.alternatives:
        parts += ["", paint("bold", "Also right")]
        for name, code in key.alternatives:
            parts += [_indent(f"{name}:"), _indent(code.strip("\n"), 4)]
    if key.mistakes:
        parts += ["", paint("bold", "Common mistakes, and the check that finds them")]
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
                f"  {paint.mark(_kind(workspace, exercise))} {exercise.id}  {exercise.title}, {exercise.minutes} min"
            )
        lines += [f"  {paint.mark('none')} {written.id}  {written.title} (written)" for written in notebook.written]
    reader = "written: compare it with `sheaflab solution`" if installed() else "read by a person"
    told = {"pass": "solved", "tried": "tried", "open": "not yet", "none": reader}
    return "\n".join([*lines, "", "   ".join(f"{paint.mark(kind, plain=True)} {text}" for kind, text in told.items())])


def progress(catalogue: Catalogue, workspace: Workspace, paint: Paint = PLAIN) -> str:
    """Return how far the reader is and what comes next."""
    lines = []
    for notebook in catalogue.notebooks:
        marks = paint.row([_kind(workspace, exercise) for exercise in notebook.exercises], _MOST)
        solved = sum(workspace.solved(exercise) for exercise in notebook.exercises)
        lines.append(f"{notebook.name}  {marks}  {solved} of {len(notebook.exercises)}  {notebook.title}")
    lines += ["", tally(catalogue, workspace), upcoming_line(workspace, upcoming(catalogue, workspace))]
    if installed() is None:
        lines.append("(Checks in a notebook count when the notebook is saved.)")
    return "\n".join(lines)


def tally(catalogue: Catalogue, workspace: Workspace) -> str:
    """Return how many exercises are solved."""
    done = sum(workspace.solved(exercise) for exercise in catalogue.exercises)
    return f"{done} of {len(catalogue.exercises)} exercises solved"


def upcoming_line(workspace: Workspace, exercise: StudyTask | None) -> str:
    """Return the line that says what comes next, and where it is."""
    if exercise is None:
        return 'All done. Read on in the documentation, "How Exact works": sliding in deep networks.'
    file = workspace.file(exercise)
    return f"Next: {exercise.id} {exercise.title}, about {exercise.minutes} minutes, in {file}"


def following(catalogue: Catalogue, workspace: Workspace, exercise: StudyTask | None, paint: Paint = PLAIN) -> str:
    """Return what comes next and how one goes about it."""
    lines = [tally(catalogue, workspace), paint("bold", upcoming_line(workspace, exercise))]
    if exercise is None:
        return "\n".join(lines)
    lines.append(f"  write `{exercise.function}` there, in the cell that raises NotImplementedError")
    if lacking := [name for name in exercise.requires if not workspace.solved(catalogue.find(name))]:
        lines.append(f"  it builds on {' and '.join(lacking)}, not solved yet")
    lines.append(f"  then `sheaflab check {exercise.id}`; stuck: `sheaflab hint {exercise.id}`")
    return "\n".join(lines)


def screen(
    catalogue: Catalogue,
    workspace: Workspace,
    reports: Sequence[Report],
    trouble: str,
    current: StudyTask | None,
    paint: Paint = PLAIN,
) -> str:
    """Return what `sheaflab watch` shows: reports, what is the matter with a notebook, what is to be done now."""
    parts = [report(found, paint) for found in reports] + ([trouble] if trouble else [])
    parts.append(f"{tally(catalogue, workspace)}\n{paint('bold', upcoming_line(workspace, current))}")
    if current is not None:
        stuck = f"Stuck? `sheaflab hint {current.id}` in another terminal."
        parts.append(f"Watching: save {workspace.file(current)} and it is checked. {stuck} Ctrl+C ends.")
    return "\n\n".join(parts)


def upcoming(catalogue: Catalogue, workspace: Workspace) -> StudyTask | None:
    """Return the first exercise that is not solved yet, or None."""
    return next((exercise for exercise in catalogue.exercises if not workspace.solved(exercise)), None)


def _kind(workspace: Workspace, exercise: StudyTask) -> str:
    return "pass" if workspace.solved(exercise) else "tried" if workspace.tried(exercise) else "open"


def _indent(text: str, width: int = 2) -> str:
    return "\n".join(" " * width + line if line else "" for line in text.split("\n"))
