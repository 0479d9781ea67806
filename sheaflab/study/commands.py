"""The commands for learning: list, start, check, watch, next, hint, solution, progress, reset.

Exit status: 0 if all is well, 1 if a check did not pass (or nothing was done), 2 if the command was wrong, 130 if it
was stopped by the keyboard.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sheaflab.study import words
from sheaflab.study.catalogue import StudyError, StudyTask, catalogue
from sheaflab.study.edition import Report, installed, required
from sheaflab.study.limit import SECONDS
from sheaflab.study.terminal import terminal_paint
from sheaflab.study.workspace import Workspace

_LONGEST = 86400.0


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's subparsers."""
    _command(commands, "list", _list, "show all notebooks and exercises")
    start = _command(commands, "start", _start, "put the notebooks into a folder (self-study edition)")
    start.add_argument("folder", type=Path, nargs="?", default=None, help="a new or an old one (./ and the lab's name)")
    check = _command(commands, "check", _check, "check exercises in the saved notebooks, or all that have an answer")
    check.add_argument("exercises", nargs="*", metavar="EXERCISE", help="such as 4.1; none: all that have an answer")
    check.add_argument("--again", action="store_true", help="the same fresh problems as last time (self-study edition)")
    check.add_argument("--limit", type=_seconds, default=SECONDS, help="seconds for one exercise (%(default)g)")
    watch = _command(commands, "watch", _watch, "check what you change each time you save, and go on to the next")
    watch.add_argument("exercise", nargs="?", metavar="EXERCISE", help="to begin with (the first that is not solved)")
    watch.add_argument("--limit", type=_seconds, default=SECONDS, help="seconds for one exercise (%(default)g)")
    _command(commands, "next", _next, "show the exercise that comes next")
    hint = _command(commands, "hint", _hint, "show the next hint for an exercise")
    hint.add_argument("exercise", metavar="EXERCISE", help="such as 4.1")
    solution = _command(commands, "solution", _solution, "show the key and the reasoning (self-study edition)")
    solution.add_argument("exercise", metavar="EXERCISE", help="such as 4.1")
    solution.add_argument("--yes", action="store_true", help="do not ask first")
    _command(commands, "progress", _progress, "show what is solved and what comes next")
    reset = _command(commands, "reset", _reset, "put an exercise back to its beginning, keeping a copy")
    reset.add_argument("exercise", metavar="EXERCISE", help="such as 4.1")
    reset.add_argument("--yes", action="store_true", help="do not ask first where it is solved")


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds greater than 0, at most {_LONGEST:g}, got {text!r}"
        )
    return seconds


def _workspace() -> Workspace:
    """Find the notebooks; that they are those of a folder above is said, since it may not be meant."""
    here = Path.cwd()
    workspace = Workspace.find(here, catalogue())
    if workspace.folder in here.parents:
        print(f"(with the notebooks in {workspace.folder}: there are none in this folder)", file=sys.stderr)
    if workspace.memory.notice:
        print(f"({workspace.memory.notice})", file=sys.stderr)
    return workspace


def _tell(options: argparse.Namespace, text: str, data: object) -> None:
    print(json.dumps(data, indent=1, ensure_ascii=False) if options.json else text)


def _list(options: argparse.Namespace) -> int:
    course, workspace = catalogue(), _workspace()
    data = [
        {
            "notebook": notebook.name,
            "title": notebook.title,
            "minutes": notebook.minutes,
            "exercises": [{**_facts(e), "state": _state(workspace, e)} for e in notebook.exercises],
            "written": [{"id": e.id, "title": e.title} for e in notebook.written],
        }
        for notebook in course.notebooks
    ]
    if not any(_there(workspace, task) for task in course.exercises):
        print("(there are no notebooks in this folder: what is solved is not known here)", file=sys.stderr)
    _tell(options, words.listing(course, workspace, terminal_paint()), data)
    return 0


def _facts(exercise: StudyTask) -> dict[str, Any]:
    known = asdict(exercise)
    return {key: known[key] for key in ("id", "title", "minutes", "requires")}


def _state(workspace: Workspace, exercise: StudyTask) -> str:
    return "solved" if workspace.solved(exercise) else "tried" if workspace.tried(exercise) else "open"


def _start(options: argparse.Namespace) -> int:
    edition = required("the notebooks come with")
    folder: Path = options.folder if options.folder is not None else Path(catalogue().name)
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"`folder` must be a folder, {folder} is a file; name another")
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for name, content in edition.notebooks().items():
        if (folder / name).exists():
            kept.append(name)
        else:
            (folder / name).write_bytes(content)
            written.append(name)
    lines = [f"{folder}: {len(written)} notebooks written" + (f", {len(kept)} left as they were" if kept else "")]
    lines += [
        "",
        "Go on with",
        f"  cd {folder}",
        f"  jupyter lab {catalogue().notebooks[0].name}.ipynb",
        "and in a second terminal, as you like,",
    ]
    lines += [f"  sheaflab {text}" for text in ("check 1.1", "hint 1.1", "progress")]
    _tell(options, "\n".join(lines), {"folder": str(folder), "written": written, "kept": kept})
    return 0


def _check(options: argparse.Namespace) -> int:
    from sheaflab.study.checking import check_saved

    course, workspace, edition = catalogue(), _workspace(), installed()
    if options.again and edition is None:
        raise StudyError("`--again` is for the fresh problems of the self-study edition; leave it out")
    named = [course.task(name) for name in dict.fromkeys(options.exercises)]
    tasks = named or [task for task in course.exercises if _there(workspace, task)]
    if not tasks:
        workspace.path(course.exercises[0])  # says what to do
    secret = workspace.secret(again=options.again)
    reports: list[Report] = []
    troubles: dict[str, None] = {}
    paint = terminal_paint()
    for task in tasks:
        try:
            found = check_saved(workspace, task, edition, secret, options.limit)
        except StudyError as error:  # of one notebook; the others are checked nevertheless
            if len(named) == 1:
                raise
            troubles[str(error)] = None
            continue
        reports.append(found)
        if not options.json and (found.attempted or named):
            print(words.report(found, paint), flush=True)
    tried = [found for found in reports if found.attempted]
    if options.json:
        data = [{**asdict(found), "passed": found.passed} for found in reports]
        print(json.dumps(data, indent=1, ensure_ascii=False))
    elif len(named) != 1:
        print("\n" + words.summary(reports, absent=0 if named else len(course.exercises) - len(tasks)))
    for trouble in troubles:
        print(f"sheaflab: {trouble}", file=sys.stderr)
    if troubles:
        return 2
    return 0 if tried and all(found.passed for found in tried) else 1


def _watch(options: argparse.Namespace) -> int:
    from sheaflab.study.watch import watch

    course, workspace = catalogue(), _workspace()
    first = course.task(options.exercise) if options.exercise else None
    if first or not any(_there(workspace, task) for task in course.exercises):
        workspace.path(first or course.exercises[0])  # says what to do
    with contextlib.suppress(KeyboardInterrupt):  # that is how it ends
        watch(course, workspace, first, limit=options.limit, in_json=options.json)
    return 0


def _next(options: argparse.Namespace) -> int:
    course, workspace = catalogue(), _workspace()
    _some_there(workspace)
    task = words.upcoming(course, workspace)
    data = None
    if task is not None:
        place = {"function": task.function, "file": workspace.file(task), "state": _state(workspace, task)}
        data = {**_facts(task), **place}
    _tell(options, words.following(course, workspace, task, terminal_paint()), data)
    return 0


def _some_there(workspace: Workspace) -> None:
    """Refuse to speak of progress where there is none of the notebooks: it would look as if work were lost."""
    tasks = catalogue().exercises
    if not any(_there(workspace, task) for task in tasks):
        workspace.path(tasks[0])  # says what to do


def _there(workspace: Workspace, task: StudyTask) -> bool:
    try:
        workspace.path(task)
    except StudyError:
        return False
    return True


def _hint(options: argparse.Namespace) -> int:
    task, workspace = catalogue().task(options.exercise), _workspace()
    shown = workspace.next_hint(task)
    left = len(task.hints) - shown
    data = {"exercise": task.id, "number": shown, "left": left, "hint": task.hints[shown - 1]}
    _tell(options, words.hint(task, shown, remembered=workspace.memory.kept), data)
    return 0


def _solution(options: argparse.Namespace) -> int:
    task = catalogue().find(options.exercise)
    edition, workspace = required("solutions are in"), _workspace()
    left = len(task.hints) - workspace.memory.state["hints"].get(task.id, 0)
    offer = f" {left} hint{'s' if left > 1 else ''} left: `sheaflab hint {task.id}`." if left > 0 else ""
    if not options.yes and not _agreed("solution", f"{task.id} ({task.title}).{offer} Show the solution?"):
        print("Not shown.")
        return 1
    key = edition.solution(task.id)
    workspace.note_solution(task)
    _tell(options, words.solution(task, key, terminal_paint()), {"exercise": task.id, **asdict(key)})
    return 0


def _agreed(command: str, question: str) -> bool:
    if not sys.stdin.isatty():
        raise StudyError(f"`{command}` asks first, and there is no one to ask; add --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _progress(options: argparse.Namespace) -> int:
    course, workspace = catalogue(), _workspace()
    _some_there(workspace)
    following = words.upcoming(course, workspace)
    data = {
        "solved": [e.id for e in course.exercises if workspace.solved(e)],
        "tried": [e.id for e in course.exercises if workspace.tried(e) and not workspace.solved(e)],
        "exercises": len(course.exercises),
        "next": following.id if following else None,
    }
    _tell(options, words.progress(course, workspace, terminal_paint()), data)
    return 0


def _reset(options: argparse.Namespace) -> int:
    task, workspace = catalogue().task(options.exercise), _workspace()
    if workspace.folder in Path.cwd().parents:
        raise StudyError(f"a notebook is reset in its own folder only: go to {workspace.folder} and say it there")
    question = f"{task.id} ({task.title}) is solved. Empty it? A copy of your work is kept."
    if workspace.solved(task) and not options.yes and not _agreed("reset", question):
        print("Not reset.")
        return 1
    note = workspace.taken(task)  # before the file is written
    whole = not workspace.sound(task)
    copy = workspace.reset(task)
    told = f"{task.id} {task.title} is as it was at the beginning; your work is kept in {copy.name}.\n"
    if whole:
        told = f"{task.notebook} is a fresh notebook now, all its exercises empty; the damaged file is {copy.name}.\n"
    if note:
        told += f"It was {note}.\n"
    told += "If the notebook is open in Jupyter, reload it from disk (File, Reload Notebook from Disk)."
    _tell(options, told, {"exercise": task.id, "copy": copy.name})
    return 0
