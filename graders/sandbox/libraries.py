"""What of this machine a worker needs to see: interpreter and packages, the library with its visible checks, fonts."""

from __future__ import annotations

import compileall
import functools
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from multiprocessing.util import Finalize
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


_asked = set[Path]()


def with_bytecode(source: Path) -> Path:
    """Return a folder of modules, from the second time on as a copy of it with their bytecode.

    Each worker starts Python anew and writes nothing: where nobody else has compiled the library, it compiles all that
    it imports, which is a fifth of what its start takes. The copy costs as much as that, so it is made where there is
    more than one worker; it is gone when this process ends.
    """
    if source not in _asked:
        _asked.add(source)
        return source
    try:
        return _compiled(source, tuple((path, path.stat().st_mtime_ns) for path in sorted(source.rglob("*.py"))))
    except OSError:  # no room for it: each worker compiles for itself
        return source


@functools.cache
def _compiled(source: Path, stamps: tuple[tuple[Path, int], ...]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="graders-"))
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=0)
    copy = folder / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(copy, quiet=2)
    return copy


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
