"""`graders new NAME`: add a lab to a course, or begin a course with it; it grades itself already."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from graders.lab.manifest import ASSIGNMENT, assignments
from graders.lab.places import OUR_COURSE, find_course
from graders.lab.tables import ManifestError

TEMPLATES = Path(__file__).with_name("scaffold")
_FILES = {
    "exercises.toml.txt": "source/{name}/exercises.toml",
    "notebook.py.txt": "source/{name}/{name}-1.py",
    "visible_init.py.txt": "visible/{name}/__init__.py",
    "visible.py.txt": "visible/{name}/{name}_1.py",
    "checks.py.txt": "checks/{name}/test_{name}_1.py",
    "bank.toml.txt": "bank/{name}/{name}-1.toml",
    "reasons.toml.txt": "bank/{name}/reasons.toml",
    "tests.py.txt": "tests/test_{name}.py",
}
_CONFIG, _GUIDE, _IGNORED = "nbgrader_config.py", "hand-in-from-the-browser.md", ".gitignore"


def scaffold(name: str, course: Path) -> list[Path]:
    """Write a working lab into a course directory and return its files; no existing file is changed.

    Parameters
    ----------
    name : str
        Name of the assignment, such as ``lab10``.
    course : Path

    Raises
    ------
    ValueError
        If the course has something of this name.
    """
    targets = {template: course / target.format(name=name) for template, target in _FILES.items()}
    own = [*(course / part / name for part in ("source", "visible", "checks", "bank")), targets["tests.py.txt"]]
    if there := [path for path in own if path.exists()]:
        raise ValueError(f"`NAME` must be new to {course}, got {name!r}: {there[0]} is there")
    for template, path in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((TEMPLATES / template).read_text(encoding="utf-8").replace("LAB", name), encoding="utf-8")
    return [*targets.values()]


def begin_course(name: str, into: Path) -> list[Path]:
    """Write the files of a course directory that belong to no lab into a new or empty folder; return them.

    Raises
    ------
    ValueError
        If the folder holds something, or lies in a course: courses do not nest.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ValueError(f"`--into` must be a new or an empty folder, got {into}; name another")
    for folder in into.resolve().parents:
        if assignments(folder):
            raise ValueError(f"`--into` must not lie in a course, got {into} in {folder}; do without it")
    into.mkdir(parents=True, exist_ok=True)
    texts = {file: (OUR_COURSE / file).read_text(encoding="utf-8") for file in (_CONFIG, _GUIDE, _IGNORED)}
    for lab in assignments(OUR_COURSE):
        texts[_GUIDE] = texts[_GUIDE].replace(lab, name)
    for file, text in texts.items():
        (into / file).write_text(text, encoding="utf-8")
    return [into / file for file in texts]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders new`."""
    parser.add_argument("name", metavar="NAME", help="name of the assignment, such as lab10")
    parser.add_argument("--course", type=Path, help="course to add it to (default: the one the current folder lies in)")
    parser.add_argument("--into", type=Path, help="begin a course instead, in this new or empty folder")


def run(options: argparse.Namespace) -> int:
    """Write the lab and print the next steps."""
    name, into = options.name, options.into
    if not ASSIGNMENT.fullmatch(name):
        raise ValueError(f"`NAME` must be lower-case letters, digits and _, like lab10, got {name!r}")
    begun = begin_course(name, into) if into is not None else []
    course: Path = _course(options.course) if into is None else into
    for path in [*scaffold(name, course), *begun]:
        print(path)
    place = shlex.quote(str(course))
    print(f"\nIt grades itself already:  pytest {shlex.quote(str(course / 'tests' / f'test_{name}.py'))}")
    print(f"The release:               graders build --course={place} --assignment={name}")
    return 0


def _course(given: Path | None) -> Path:
    try:
        course = find_course(Path.cwd()) if given is None else given
    except ManifestError as error:
        raise ManifestError(f"{error}; or begin one in an empty folder with --into") from None
    if not assignments(course):
        raise ManifestError(f"`--course` must be a course directory, got {course}; begin one with --into")
    return course
