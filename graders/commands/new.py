"""`graders new NAME`: scaffold a further lab as a course directory of its own that already grades itself."""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

TEMPLATES = Path(__file__).with_name("scaffold")
_FILES = {
    "exercises.toml.txt": "exercises.toml",
    "notebook.py.txt": "source/{name}/{name}-1.py",
    "checks.py.txt": "checks/{name}/test_{stem}_1.py",
    "bank.toml.txt": "bank/{name}/{name}-1.toml",
    "tests.py.txt": "tests/test_{stem}.py",
}
_IGNORED = """\
source/**/*.ipynb
visible/*/catalogue.json
release/
.release-*/
submitted/
autograded/
feedback/
gradebook.db*
.secret
__pycache__/
nbgrader_config_local.py
"""


def scaffold(name: str, into: Path) -> list[Path]:
    """Write a working course directory and return its files.

    Parameters
    ----------
    name : str
        Name of the assignment, such as ``lab10``.
    into : Path
        A new or an empty folder.

    Raises
    ------
    ValueError
        If the name is no such name, or the folder holds something.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ValueError(f"`NAME` must be lower-case letters, digits and single hyphens, like lab10, got {name!r}")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ValueError(f"`--into` must be a new or an empty folder, got {into}; name another")
    stem, written = name.replace("-", "_"), []
    for template, target in _FILES.items():
        path = into / target.format(name=name, stem=stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((TEMPLATES / template).read_text(encoding="utf-8").replace("LAB", name), encoding="utf-8")
        written.append(path)
    config = into / "nbgrader_config.py"
    shutil.copyfile(Path(__file__).resolve().parents[2] / "course" / config.name, config)
    (into / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    return [*written, config]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders new`."""
    parser.add_argument("name", metavar="NAME", help="name of the assignment, such as lab10")
    parser.add_argument("--into", type=Path, help="a new or an empty folder (./NAME)")


def run(options: argparse.Namespace) -> int:
    """Scaffold and say what comes next."""
    into: Path = options.into or Path(options.name)
    for path in scaffold(options.name, into):
        print(path)
    print(f"\nIt grades itself already:  pytest {into / 'tests'}")
    print(f"The release:               graders build --course {into}")
    return 0
