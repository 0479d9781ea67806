"""What of this machine a worker needs to see: interpreter and packages, the library with its visible checks, fonts."""

from __future__ import annotations

import functools
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

VISIBLE = "course/visible"
"""Where :mod:`sheaflab.checks` finds the visible checks in a checkout, and in the same way in the sandbox."""


@functools.cache
def library_paths() -> tuple[Path, ...]:
    """Directories that a worker needs to import its libraries: interpreter, environment, packages."""
    scheme = sysconfig.get_paths()
    found = [sys.base_prefix, sys.base_exec_prefix, sys.prefix, scheme["purelib"], scheme["platlib"]]
    import numpy

    found.append(str(Path(numpy.__file__).parents[1]))
    paths: list[Path] = []
    for path in sorted({Path(p) for p in found} | {Path(p).resolve() for p in found}, key=lambda p: len(p.parts)):
        if path.exists() and not any(path.is_relative_to(known) for known in (Path("/usr"), *paths)):
            paths.append(path)
    return tuple(paths)


def library_source() -> Path:
    """Where the `sheaflab` package is: with the visible checks the only part of a checkout that a worker may see."""
    import sheaflab

    return Path(sheaflab.__file__).resolve().parent


@dataclass(frozen=True)
class View:
    """What a worker sees of a course, and what it may not see.

    Attributes
    ----------
    visible : Path, optional
        Visible checks of the course; by default the checkout's own.
    hidden : tuple of Path, optional
        Directories that student code must not read, such as the course; they are covered where files are not walled
        off otherwise.
    """

    visible: Path | None = None
    hidden: tuple[Path, ...] = ()

    def library(self) -> dict[str, Path]:
        """Return what a worker has of a checkout, or of an installed package: place below its library, and source."""
        visible = library_source().parent / VISIBLE if self.visible is None else self.visible
        return {"sheaflab": library_source(), **({VISIBLE: visible} if visible.is_dir() else {})}


@functools.cache
def font_list() -> Path | None:
    """Matplotlib's list of fonts, made once here so that a worker need not search the disk each time."""
    import matplotlib
    from matplotlib import font_manager

    path = Path(matplotlib.get_cachedir()) / f"fontlist-v{font_manager.FontManager.__version__}.json"
    return path if path.is_file() else None
