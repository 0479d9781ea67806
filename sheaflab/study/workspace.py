"""The reader's folder: notebooks with answers in them, and a small file that remembers hints and progress."""

from __future__ import annotations

import contextlib
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sheaflab.study.catalogue import Catalogue, Exercise, StudyError
from sheaflab.study.edition import Answers
from sheaflab.study.files import cell_names, lost_cell, notebooks, text

STATE = "sheaflab-progress.json"


class Workspace:
    """A folder with the course's notebooks.

    Parameters
    ----------
    folder : Path
    catalogue : Catalogue
    remembers : bool
        Whether hints and progress are written into the folder.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, *, remembers: bool = True) -> None:
        self.folder, self.catalogue, self.remembers = folder, catalogue, remembers
        self.state = self._load()

    @classmethod
    def find(cls, start: Path, catalogue: Catalogue, *, settle: bool = False) -> Workspace:
        """Return the nearest folder with notebooks: `start`, one above it, its own of the lab; else `start`.

        A folder without notebooks does not become the reader's because a command is run there: nothing is written
        into it, unless something is remembered there already or the caller wants to `settle`.
        """
        for folder in (start, *start.parents, start / catalogue.name):
            if any(notebooks(folder, notebook.name) for notebook in catalogue.notebooks):
                return cls(folder, catalogue)
        return cls(start, catalogue, remembers=settle or (start / STATE).is_file())

    # -- memory ---------------------------------------------------------------------------------------------------
    def _load(self) -> dict[str, Any]:
        fresh: dict[str, Any] = {"hints": {}, "solved": {}, "tried": {}, "solutions": []}
        try:
            known = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return fresh
        except (OSError, ValueError) as error:
            raise StudyError(f"{self.folder / STATE} cannot be read ({error}); delete it to begin anew") from None
        if not isinstance(known, dict) or any(type(known.get(k, v)) is not type(v) for k, v in fresh.items()):
            raise StudyError(f"{self.folder / STATE} is not what sheaflab wrote; delete it to begin anew")
        return {**fresh, **known}

    def save(self) -> None:
        """Write the memory, if there is a place for it; a folder that cannot be written is no reason to fail."""
        if not self.remembers:
            return
        with contextlib.suppress(OSError):
            path = self.folder / STATE
            path.write_text(json.dumps(self.state, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def solved(self, exercise: Exercise) -> bool:
        """Whether its checks have passed."""
        return exercise.id in self.state["solved"]

    def tried(self, exercise: Exercise) -> bool:
        """Whether it has been checked with something written in it."""
        return exercise.id in self.state["tried"]

    def remember(self, exercise: Exercise, *, passed: bool) -> None:
        """Note how a check ended. What was solved once stays solved."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        self.state["tried"][exercise.id] = now
        if passed:
            self.state["solved"].setdefault(exercise.id, now)
        self.save()

    def secret(self, *, again: bool) -> bytes:
        """Return what fresh problems are drawn from: new each time, or the last one `again`."""
        if not again or "problems" not in self.state:
            self.state["problems"] = secrets.token_hex(8)
        return str(self.state["problems"]).encode()

    def next_hint(self, exercise: Exercise) -> int:
        """Count the hints shown up and return how many that makes, at most all."""
        shown: int = min(self.state["hints"].get(exercise.id, 0) + 1, len(exercise.hints))
        self.state["hints"][exercise.id] = shown
        self.save()
        return shown

    # -- notebooks ------------------------------------------------------------------------------------------------
    def path(self, exercise: Exercise) -> Path:
        """File of an exercise's notebook; copies such as ``lab10-3 (1).ipynb`` count, the newest is taken.

        Raises
        ------
        StudyError
            If it is not there.
        """
        if found := notebooks(self.folder, exercise.notebook):
            return found[0]
        raise StudyError(
            f"{self.folder / exercise.notebook}.ipynb does not exist; run the command in the folder with your "
            "notebooks, or `sheaflab start` to get them"
        )

    def taken(self, exercise: Exercise) -> str:
        """Say which file was taken, if it goes by another name than expected or there are several."""
        found = notebooks(self.folder, exercise.notebook)
        if len(found) > 1:
            return f"taken from {found[0].name}, the newest of {len(found)} copies"
        return f"taken from {found[0].name}" if found and found[0].stem != exercise.notebook else ""

    def read(self, exercise: Exercise) -> dict[str, Any]:
        """Return a notebook as JSON data.

        Raises
        ------
        StudyError
            If it is missing or no notebook.
        """
        path = self.path(exercise)
        try:
            data = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise StudyError(f"{path} is not a notebook ({error}); save it again in Jupyter") from None
        if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
            raise StudyError(f"{path} is not a notebook; save it again in Jupyter")
        return data

    def answers(self, exercise: Exercise) -> Answers:
        """Return the code cells that an exercise's answer rests on: all up to it.

        Raises
        ------
        StudyError
            If its cell is missing.
        """
        cells: list[tuple[str, str]] = []
        sources: dict[str, str] = {}
        found = self.read(exercise)["cells"]
        for cell, name in zip(found, cell_names(found, self._exercises(exercise)), strict=True):
            if cell.get("cell_type") == "code" and not name.startswith(("check-", "grade-")):
                cells.append((name, text(cell)))
            if name.startswith("ex-"):
                sources[name.removeprefix("ex-").replace("-", ".")] = text(cell)
            if name == exercise.cell:
                return Answers(tuple(cells), sources)
        raise StudyError(
            f"{self.path(exercise).name} has no cell {exercise.cell!r} for exercise {exercise.id}; "
            f"`sheaflab reset {exercise.id}` puts it back"
        )

    def reset(self, exercise: Exercise) -> Path:
        """Put an exercise's cell back to its stub; return the copy of the notebook as it was."""
        path, data = self.path(exercise), self.read(exercise)
        number = 1
        while (copy := path.with_name(f"{path.stem}.before-reset-{number}.ipynb")).exists():
            number += 1
        copy.write_bytes(path.read_bytes())
        cells = data["cells"]
        names = cell_names(cells, self._exercises(exercise))
        if exercise.cell in names:
            mine = cells[names.index(exercise.cell)]
        else:
            mine, after = lost_cell(exercise, cells), exercise.cell.replace("ex-", "check-")
            cells.insert(names.index(after) if after in names else len(cells), mine)
        mine.update(source=exercise.stub.splitlines(keepends=True), outputs=[], execution_count=None)
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.state["solved"].pop(exercise.id, None)
        self.save()
        return copy

    def _exercises(self, exercise: Exercise) -> tuple[Exercise, ...]:
        """The exercises of an exercise's notebook."""
        return next(n.exercises for n in self.catalogue.notebooks if n.name == exercise.notebook)
