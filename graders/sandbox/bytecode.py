"""What a worker imports, with its bytecode: a worker can write none, and each would compile all of it anew.

Python keeps bytecode beside a module as soon as somebody imports it who may write there. Nobody but a worker imports
its own files; and where the environment says so, as it does in many containers, nobody writes any.
"""

from __future__ import annotations

import compileall
import functools
import os
import shutil
import tempfile
from multiprocessing.util import Finalize
from pathlib import Path

COPIES = "GRADERS_BYTECODE"
"""Environment variable of processes that start workers one after the other: where their starter has put the copies."""


@functools.cache
def make_copies(*sources: Path) -> str:
    """Copy folders of modules, compile the copies and return where they are, as long as this process lives.

    Empty if there is no room for them.
    """
    try:
        made = tempfile.mkdtemp(prefix="graders-")
        Finalize(None, shutil.rmtree, (made, True), exitpriority=0)
        for source in sources:
            copy = _place(made, source)
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            compileall.compile_dir(copy, quiet=2, optimize=0)
    except OSError:
        return ""
    return made


def compiled(source: Path) -> Path:
    """Return the copy of a folder, where one has been made for this process, or else the folder."""
    copy = _place(os.environ.get(COPIES) or os.devnull, source)
    return copy if copy.is_dir() else source


def _place(copies: str, source: Path) -> Path:
    """Return where a folder's copy is: by its whole path, for a course may have folders of any name."""
    return Path(f"{copies}{source.absolute()}")
