"""The reader's folder: notebooks with answers in them, and how far the reader has come."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sheaflab.study.catalogue import Catalogue, StudyError, StudyTask
from sheaflab.study.edition import Answers, installed
from sheaflab.study.files import CHECKPOINTS, cell_names, defines, lost_cell, notebooks, text, verdict
from sheaflab.study.memory import STATE, Memory


class Workspace:
    """A folder with the course's notebooks.

    Parameters
    ----------
    folder : Path
    catalogue : Catalogue
    remembers : bool
        Whether hints and progress are written into the folder.

    Attributes
    ----------
    memory : Memory
        Hints, progress and the problems drawn.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, *, remembers: bool = True) -> None:
        self.folder, self.catalogue = folder, catalogue
        self.memory = Memory(folder, kept=remembers)
        self._shown: dict[Path, tuple[int, dict[str, str]]] = {}

    @classmethod
    def find(cls, start: Path, catalogue: Catalogue, *, settle: bool = False) -> Workspace:
        """Return the nearest folder with notebooks: `start`, one above it, its own of the lab; else `start`.

        A folder without notebooks does not become the reader's because a command is run there: nothing is written
        into it, unless something is remembered there already or the caller wants to `settle`.
        """
        for folder in (start, *start.parents, start / catalogue.name):
            if folder.name != CHECKPOINTS and any(notebooks(folder, notebook.name) for notebook in catalogue.notebooks):
                return cls(folder, catalogue)
        return cls(start, catalogue, remembers=settle or (start / STATE).is_file())

    # -- progress -------------------------------------------------------------------------------------------------
    def solved(self, exercise: StudyTask) -> bool:
        """Whether all its checks have passed, here or (the student edition has no others) in the saved notebook."""
        if exercise.id in self.memory.state["solved"]:
            return True
        return self._seen(exercise) == "pass" and installed() is None

    def tried(self, exercise: StudyTask) -> bool:
        """Whether it has been checked with something written in it."""
        return exercise.id in self.memory.state["tried"] or bool(self._seen(exercise))

    def _seen(self, exercise: StudyTask) -> str:
        """How the visible check ended in the notebook, as it was saved: ``pass``, ``fail`` or nothing."""
        try:
            path = self.path(exercise)
            stamp = path.stat().st_mtime_ns
            if self._shown.get(path, (0, {}))[0] != stamp:
                cells = self.read(exercise)["cells"]
                told = {e.id: [verdict(cell, e) for cell in cells] for e in self._exercises(exercise)}
                self._shown[path] = stamp, {name: next(filter(None, ends), "") for name, ends in told.items()}
        except (StudyError, OSError):  # `check` says what is wrong with it
            return ""
        return self._shown[path][1].get(exercise.id, "")

    def remember(self, exercise: StudyTask, *, passed: bool) -> None:
        """Note how a check ended. What was solved once stays solved."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        with self.memory.change() as state:
            state["tried"][exercise.id] = now
            if passed:
                state["solved"].setdefault(exercise.id, now)

    def secret(self, *, again: bool) -> bytes:
        """Return what fresh problems are drawn from: new each time, or the last one `again`."""
        with self.memory.change() as state:
            if not again or "problems" not in state:
                state["problems"] = secrets.token_hex(8)
        return str(state["problems"]).encode()

    def next_hint(self, exercise: StudyTask) -> int:
        """Count the hints shown up and return how many that makes, at most all."""
        with self.memory.change() as state:
            shown: int = min(state["hints"].get(exercise.id, 0) + 1, len(exercise.hints))
            state["hints"][exercise.id] = shown
        return shown

    def note_solution(self, exercise: StudyTask) -> None:
        """Note that the key of an exercise has been shown."""
        with self.memory.change() as state:
            if exercise.id not in state["solutions"]:
                state["solutions"].append(exercise.id)

    # -- notebooks ------------------------------------------------------------------------------------------------
    def path(self, exercise: StudyTask) -> Path:
        """File of an exercise's notebook; copies such as ``lab10-3 (1).ipynb`` count, the newest is taken.

        Raises
        ------
        StudyError
            If it is not there.
        """
        if found := notebooks(self.folder, exercise.notebook):
            return found[0]
        last = "`sheaflab start` writes them" if installed() else "your instructor gives them out"
        raise StudyError(
            f"{self.folder / exercise.notebook}.ipynb does not exist; run the command in the folder with your "
            f"notebooks. If you have none, {last}"
        )

    def file(self, exercise: StudyTask) -> str:
        """Name of the file with an exercise, or the one that it should have."""
        found = notebooks(self.folder, exercise.notebook)
        return found[0].name if found else f"{exercise.notebook}.ipynb"

    def taken(self, exercise: StudyTask) -> str:
        """Say which file was taken, if it goes by another name than expected or there are several."""
        found = notebooks(self.folder, exercise.notebook)
        if len(found) > 1:
            return f"taken from {found[0].name}, the newest of {len(found)} copies"
        return f"taken from {found[0].name}" if found and found[0].stem != exercise.notebook else ""

    def read(self, exercise: StudyTask) -> dict[str, Any]:
        """Return a notebook as JSON data.

        Raises
        ------
        StudyError
            If it is missing or no notebook.
        """
        path = self.path(exercise)
        try:
            data = json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise StudyError(f"{path} cannot be read ({error})") from None
        except ValueError:
            data = None
        cells = data.get("cells") if isinstance(data, dict) else None
        if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
            cells = []
        if not any(cell_names(cells, self._exercises(exercise))):
            raise StudyError(f"{path} is empty, damaged or another notebook; {self._way_out(path, exercise)}")
        return dict(data)

    def sound(self, exercise: StudyTask) -> bool:
        """Whether an exercise's notebook can be read."""
        try:
            self.read(exercise)
        except StudyError:
            return False
        return True

    def _way_out(self, path: Path, exercise: StudyTask) -> str:
        if installed():
            return f"`sheaflab reset {exercise.id}` keeps this file under another name and writes a fresh notebook"
        saved = path.parent / CHECKPOINTS / f"{path.stem}-checkpoint.ipynb"
        before = f"Jupyter has kept an earlier one as {saved}: copy it here, or " if saved.is_file() else ""
        return f"{before}rename it and download the notebook again from where your instructor put it"

    def answers(self, exercise: StudyTask) -> Answers:
        """Return the code cells that an exercise's answer rests on: all up to it.

        Raises
        ------
        StudyError
            If its cell is missing.
        """
        cells = self.read(exercise)["cells"]
        names = cell_names(cells, self._exercises(exercise))
        if exercise.solution_cell not in names:
            raise StudyError(
                f"{self.path(exercise).name} has no cell {exercise.solution_cell!r} for exercise {exercise.id}; "
                f"`sheaflab reset {exercise.id}` puts it back"
            )
        own = names.index(exercise.solution_cell)
        last = next((k for k in range(own + 1, len(names)) if names[k]), len(names)) - 1
        extra = [k for k, name in enumerate(names) if not name and cells[k].get("cell_type") == "code"]
        mine = [k for k in extra if k > own and defines(text(cells[k]), exercise.function)]
        if mine:  # written in a cell of its own below: in a notebook the last definition counts
            last, names[own], names[mine[-1]] = max(last, mine[-1]), "", exercise.solution_cell
        kept = [k for k in range(last + 1) if cells[k].get("cell_type") == "code"]
        kept = [k for k in kept if not names[k].startswith(("check-", "grade-"))]
        sources = {
            names[k].removeprefix("ex-").replace("-", "."): text(cells[k]) for k in kept if names[k].startswith("ex-")
        }
        return Answers(tuple((names[k], text(cells[k])) for k in kept), sources)

    def reset(self, exercise: StudyTask) -> Path:
        """Put an exercise's cell back to its stub; return the copy of the notebook as it was.

        Raises
        ------
        StudyError
            If the notebook is damaged, and no self-study edition is installed that has a fresh one.
        """
        path = self.path(exercise)
        try:
            data = self.read(exercise)
            self._put_back(exercise, data["cells"])
            content = (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()
        except StudyError:
            pack = installed()
            fresh = pack.notebooks() if pack else {}
            if f"{exercise.notebook}.ipynb" not in fresh:
                raise
            content = fresh[f"{exercise.notebook}.ipynb"]
        number = 1
        while (copy := path.with_name(f"{path.stem}.before-reset-{number}.ipynb")).exists():
            number += 1
        copy.write_bytes(path.read_bytes())
        path.write_bytes(content)
        with self.memory.change() as state:
            state["solved"].pop(exercise.id, None)
        return copy

    def _put_back(self, exercise: StudyTask, cells: list[dict[str, Any]]) -> None:
        names = cell_names(cells, self._exercises(exercise))
        if exercise.solution_cell in names:
            mine = cells[names.index(exercise.solution_cell)]
        else:
            mine, after = lost_cell(exercise, cells), f"check-{exercise.slug}"
            cells.insert(names.index(after) if after in names else len(cells), mine)
        mine.update(source=exercise.stub.splitlines(keepends=True), outputs=[], execution_count=None)
        for cell in cells:
            if verdict(cell, exercise):  # of the answer that is gone
                cell.update(outputs=[], execution_count=None)

    def _exercises(self, exercise: StudyTask) -> tuple[StudyTask, ...]:
        """The exercises of an exercise's notebook."""
        return next(n.exercises for n in self.catalogue.notebooks if n.name == exercise.notebook)
