"""The reader's folder: notebooks with answers in them, and a small file that remembers hints and progress."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sheaflab.study.catalogue import Catalogue, Exercise, StudyError
from sheaflab.study.edition import Answers

STATE = "sheaflab-progress.json"


class Workspace:
    """A folder with the course's notebooks.

    Parameters
    ----------
    folder : Path
    catalogue : Catalogue
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder, self.catalogue = folder, catalogue
        self.state = self._load()

    @classmethod
    def find(cls, start: Path, catalogue: Catalogue) -> Workspace:
        """Return the nearest folder with notebooks: `start`, one above it, `start`'s own ``lab09``; else `start`."""
        for folder in (start, *start.parents, start / catalogue.name):
            if (folder / STATE).is_file() or any((folder / f"{n.name}.ipynb").is_file() for n in catalogue.notebooks):
                return cls(folder, catalogue)
        return cls(start, catalogue)

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
        """Write the memory; a folder that cannot be written is no reason to fail."""
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
        """File of an exercise's notebook; names as a browser makes them, ``lab09-3 (1).ipynb``, count, newest first.

        Raises
        ------
        StudyError
            If it is not there.
        """
        plain = self.folder / f"{exercise.notebook}.ipynb"
        if plain.is_file():
            return plain
        pattern = re.compile(re.escape(exercise.notebook) + r"(\.v[0-9a-f]{4})?( ?\(\d+\))?\.ipynb")
        others = [p for p in self.folder.glob(f"{exercise.notebook}*.ipynb") if pattern.fullmatch(p.name)]
        if others:
            return max(others, key=lambda p: p.stat().st_mtime)
        raise StudyError(
            f"{plain} does not exist; run the command in the folder with your notebooks, "
            "or `sheaflab start` to get them"
        )

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
        for cell in self.read(exercise)["cells"]:
            name, source = _grade_id(cell), text(cell)
            if cell.get("cell_type") == "code" and not name.startswith(("check-", "grade-")):
                cells.append((name, source))
            if name.startswith("ex-"):
                sources[name.removeprefix("ex-").replace("-", ".")] = source
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
        mine = next((cell for cell in data["cells"] if _grade_id(cell) == exercise.cell), None)
        if mine is None:
            mine = _lost_cell(exercise)
            after = exercise.cell.replace("ex-", "check-")
            where = [k for k, cell in enumerate(data["cells"]) if _grade_id(cell) == after]
            data["cells"].insert(where[0] if where else len(data["cells"]), mine)
        mine.update(source=exercise.stub.splitlines(keepends=True), outputs=[], execution_count=None)
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.state["solved"].pop(exercise.id, None)
        self.save()
        return copy


def text(cell: dict[str, Any]) -> str:
    """Return a cell's source as one text."""
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def _grade_id(cell: dict[str, Any]) -> str:
    meta = cell.get("metadata", {}).get("nbgrader", {})
    return str(meta.get("grade_id", "")) if isinstance(meta, dict) else ""


def _lost_cell(exercise: Exercise) -> dict[str, Any]:
    meta = {"grade": False, "grade_id": exercise.cell, "locked": False, "schema_version": 3, "solution": True}
    nbgrader = {"nbgrader": {**meta, "task": False}}
    return {"cell_type": "code", "execution_count": None, "id": exercise.cell, "metadata": nbgrader, "outputs": []}
