"""What systems and editors put into a hand-in: no work of the student's, passed over, and counted in one line."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from graders.grading.folder import PACKAGES

FOLDERS = {
    "__MACOSX", "__pycache__", ".ipynb_checkpoints", ".virtual_documents", ".history", ".git", ".venv", ".cache",
    *PACKAGES,
}  # fmt: skip
"""Of these a notebook, too, is passed over, as a copy that a program keeps; of other hidden folders it is the work."""
_FILES = {"Thumbs.db", "desktop.ini", "submission_secret.txt"}
_ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
"""What tells a virtual environment, whatever its folder is called."""
LEVELS = 40  # of folders, deeper than which nothing is read


def passed_over(parts: Sequence[str], environments: Container[tuple[str, ...]] = ()) -> int:
    """Return how many parts of a path lead to what is passed over; 0 if the file may be the student's.

    Parameters
    ----------
    parts : sequence of str
    environments : container of tuple of str
        Folders that are virtual environments.

    Examples
    --------
    >>> passed_over(("lab", ".vscode", "settings.json")), passed_over(("lab", ".git", "x.ipynb"))
    (2, 2)
    >>> passed_over((".lab", "lab10-1.ipynb")), passed_over(("lab", ".lab10-1.ipynb.icloud"))
    (0, 0)
    """
    levels = range(1, min(len(parts), LEVELS))
    inside = [level for level in levels if environments and tuple(parts[:level]) in environments]
    inside += [level for level, part in enumerate(parts, 1) if part in FOLDERS]
    name = parts[-1]
    if not inside and not name.startswith("._") and (".ipynb" in name.lower() or name.lower().endswith(".zip")):
        return 0
    inside += [level for level, part in enumerate(parts, 1) if part.startswith(".")]
    return min([*inside, *([len(parts)] if name in _FILES else [])], default=0)


def is_copy(name: str) -> bool:
    """Whether a file in what is passed over may be a notebook that a program keeps a copy of."""
    return name.lower().endswith(".ipynb") and not name.startswith("._")


def is_environment(folder: Path, names: Iterable[str]) -> bool:
    """Whether a folder with these names in it is a virtual environment, and no folder of notebooks."""
    if _ENVIRONMENT.isdisjoint(names):
        return False
    for _, folders, files in os.walk(folder):
        if any(is_copy(name) for name in files):
            return False
        folders[:] = [name for name in folders if name not in FOLDERS]
    return True


def environments_in(paths: Sequence[Sequence[str]]) -> set[tuple[str, ...]]:
    """Return the folders of an archive that are virtual environments, by the paths of its entries."""
    short = [path[:LEVELS] for path in paths]
    found = {tuple(path[:level]) for path in short for level, part in enumerate(path) if level and part in _ENVIRONMENT}
    notebooks = [path for path in short if is_copy(path[-1]) and FOLDERS.isdisjoint(path)]
    return found - {tuple(path[:level]) for path in notebooks for level in range(1, len(path))}
