"""The small file in the reader's folder that remembers hints and progress."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sheaflab.study.catalogue import StudyError

STATE = "sheaflab-progress.json"
PATIENCE = 2.0
"""Seconds after which the lock of another process counts as left behind; a change takes some milliseconds."""


class Memory:
    """What is remembered of a folder: hints shown, exercises tried and solved, solutions shown, problems drawn.

    Several processes change it: a notebook, commands in a terminal, `sheaflab watch`. So nothing is written but by
    :meth:`change`, which reads the file again and keeps the others from it meanwhile.

    Parameters
    ----------
    folder : Path
    kept : bool
        Whether it is written into the folder.

    Attributes
    ----------
    state : dict
        As it was last read or changed.
    notice : str
        What the reader should know of the file; empty if all is well.

    Raises
    ------
    StudyError
        If the file cannot be read, or is damaged and cannot be put aside.
    """

    def __init__(self, folder: Path, *, kept: bool) -> None:
        self.path, self.kept, self.notice = folder / STATE, kept, ""
        self.state = self._load()

    def refresh(self) -> None:
        """Read the file again, if there is one: another process may have written into it."""
        if self.path.is_file():
            self.state = self._load()

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """Give the state as it is now, to be changed; if it was, it is written."""
        with _alone(self.path.with_suffix(".lock")) if self.kept else contextlib.nullcontext():
            self.refresh()
            before = self._text()
            yield self.state
            if self.kept and (text := self._text()) != before:
                self._write(text)

    def _load(self) -> dict[str, Any]:
        fresh: dict[str, Any] = {"hints": {}, "solved": {}, "tried": {}, "solutions": []}
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return fresh
        except OSError as error:
            raise StudyError(f"{self.path} cannot be read ({error}); rename or delete it") from None
        except ValueError:
            known = None
        if not isinstance(known, dict) or any(type(known.get(k, v)) is not type(v) for k, v in fresh.items()):
            return self._anew(fresh)
        return {**fresh, **known}

    def _anew(self, fresh: dict[str, Any]) -> dict[str, Any]:
        """Begin a new memory; a damaged one is put aside, for it must not stand in the way of the reader's work."""
        aside = self.path.with_suffix(".damaged.json")
        try:
            self.path.replace(aside)
        except OSError as error:
            raise StudyError(f"{self.path} is damaged and cannot be renamed ({error}); delete it") from None
        self.notice = f"{self.path} was damaged: it is {aside.name} now, and hints and progress begin anew"
        return fresh

    def _text(self) -> str:
        return json.dumps(self.state, indent=1, sort_keys=True) + "\n"

    def _write(self, text: str) -> None:
        """Write it, if there is a place for it; a folder that cannot be written is no reason to fail."""
        whole = self.path.with_suffix(f".{os.getpid()}")  # so that nobody reads half of it
        with contextlib.suppress(OSError):
            try:
                whole.write_text(text, encoding="utf-8")
                whole.replace(self.path)
            except OSError:  # Windows replaces no file that somebody reads
                self.path.write_text(text, encoding="utf-8")
            finally:
                whole.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock as a file, which works on every system and on network drives.

    Where no file can be made, nothing is locked: there nothing is written either.
    """
    begun = time.monotonic()
    try:
        while not _made(lock):
            if time.monotonic() - begun > PATIENCE:  # its process was killed
                lock.unlink(missing_ok=True)
                begun = time.monotonic()
            time.sleep(0.005)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()


def _made(lock: Path) -> bool:
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True
