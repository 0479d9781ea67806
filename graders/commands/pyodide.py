"""`graders pyodide`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from graders.publish.site.locking import LOCK, Lock
from graders.publish.site.pyodide import SiteError, cached


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `graders pyodide`."""
    parser.description = "Build a complete offline Pyodide distribution for `graders site --pyodide`."
    parser.add_argument("dir", type=Path, metavar="DIR", help="where to put it (a folder that is not there, or empty)")


def run(args: argparse.Namespace) -> int:
    """Carry out `graders pyodide`."""
    target: Path = args.dir
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SiteError(f"`DIR` must be a new or an empty folder, got {target}")
    source = cached()
    shutil.copytree(source, target, dirs_exist_ok=True)
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"{target}: {len(Lock.read(target / LOCK).packages)} packages, {size / 1e6:.0f} MB")
    return 0
