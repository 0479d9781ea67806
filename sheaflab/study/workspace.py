"""The reader's folder: notebooks with answers in them, and a small file that remembers hints and progress."""

from __future__ import annotations

import contextlib
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sheaflab.study.catalogue import Catalogue, StudyError, StudyTask
from sheaflab.study.edition import Answers, installed
from sheaflab.study.files import CHECKPOINTS, cell_names, defines, lost_cell, notebooks, text, verdict

STATE = "sheaflab-progress.json"


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
    notice : str
        What the reader should know of the folder; empty if all is well.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, *, remembers: bool = True) -> None:
        self.folder, self.catalogue, self.remembers = folder, catalogue, remembers
        self.notice = ""
        self.state = self._load()
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

    # -- memory ---------------------------------------------------------------------------------------------------
    def _load(self) -> dict[str, Any]:
        fresh: dict[str, Any] = {"hints": {}, "solved": {}, "tried": {}, "solutions": []}
        try:
            known = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return fresh
        except OSError as error:
            raise StudyError(f"{self.folder / STATE} cannot be read ({error}); rename or delete it") from None
        except ValueError:
            known = None
        if not isinstance(known, dict) or any(type(known.get(k, v)) is not type(v) for k, v in fresh.items()):
            return self._anew(fresh)
        return {**fresh, **known}

    def _anew(self, fresh: dict[str, Any]) -> dict[str, Any]:
        """Begin a new memory; a damaged one is put aside, for it must not stand in the way of the reader's work."""
        path = self.folder / STATE
        aside = path.with_suffix(".damaged.json")
        try:
            path.replace(aside)
        except OSError as error:
            raise StudyError(f"{path} is damaged and cannot be renamed ({error}); delete it") from None
        self.notice = f"{path} was damaged: it is {aside.name} now, and hints and progress begin anew"
        return fresh

    def save(self) -> None:
        """Write the memory, if there is a place for it; a folder that cannot be written is no reason to fail."""
        if not self.remembers:
            return
        path, text = self.folder / STATE, json.dumps(self.state, indent=1, sort_keys=True) + "\n"
        whole = path.with_suffix(f".{secrets.token_hex(4)}")  # so that nobody reads half of it
        with contextlib.suppress(OSError):
            try:
                whole.write_text(text, encoding="utf-8")
                whole.replace(path)
            except OSError:  # Windows replaces no file that somebody reads
                path.write_text(text, encoding="utf-8")
            finally:
                whole.unlink(missing_ok=True)

    def refresh(self) -> None:
        """Read the memory again: another terminal, a notebook or `sheaflab watch` may have written into it."""
        if (self.folder / STATE).is_file():
            self.state = self._load()

    def solved(self, exercise: StudyTask) -> bool:
        """Whether all its checks have passed, here or (the student edition has no others) in the saved notebook."""
        if exercise.id in self.state["solved"]:
            return True
        return self._seen(exercise) == "pass" and installed() is None

    def tried(self, exercise: StudyTask) -> bool:
        """Whether it has been checked with something written in it."""
        return exercise.id in self.state["tried"] or bool(self._seen(exercise))

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
        self.refresh()
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        self.state["tried"][exercise.id] = now
        if passed:
            self.state["solved"].setdefault(exercise.id, now)
        self.save()

    def secret(self, *, again: bool) -> bytes:
        """Return what fresh problems are drawn from: new each time, or the last one `again`."""
        self.refresh()
        if not again or "problems" not in self.state:
            self.state["problems"] = secrets.token_hex(8)
            self.save()
        return str(self.state["problems"]).encode()

    def next_hint(self, exercise: StudyTask) -> int:
        """Count the hints shown up and return how many that makes, at most all."""
        self.refresh()
        shown: int = min(self.state["hints"].get(exercise.id, 0) + 1, len(exercise.hints))
        self.state["hints"][exercise.id] = shown
        self.save()
        return shown

    def note_solution(self, exercise: StudyTask) -> None:
        """Note that the key of an exercise has been shown."""
        self.refresh()
        if exercise.id not in self.state["solutions"]:
            self.state["solutions"].append(exercise.id)
            self.save()

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
        self.refresh()
        self.state["solved"].pop(exercise.id, None)
        self.save()
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
