"""The folder of the self-study edition, also as a zip."""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from graders.lab.leaks import Artefact, refuse_leaks
from graders.lab.manifest import Course, NotebookSpec
from graders.lab.orientation import orientation
from graders.lab.percent import grade_id, template
from graders.publish.key_pages import write_keys
from graders.publish.selfstudy.keys import for_readers, keys
from graders.publish.wheel import build_wheel, write_pack
from graders.sandbox.containment import WORKER
from sheaflab.explorable import page as explorable

STAFF = Path(__file__).resolve().parents[2]
FOLDER = "sheaflab-self-study"
# What a reader's machine runs: the pack, the checks, and the worker, which the sandbox starts as a script.
_ROOTS = ("graders.publish.selfstudy.pack", *(f"graders.sandbox.inside.{name[:-3]}" for name in WORKER))
_DATA = "graders/publish/selfstudy/data"
_README = Path(__file__).with_name("README.md")


def notebook(course: Course, spec: NotebookSpec) -> str:
    """Return a notebook for a reader: as released, but its grade cells run the checks on fresh problems themselves."""
    made = template(course, spec)
    _for_readers(made, course, spec)
    awards = {exercise.grade_cell: exercise.id for exercise in spec.exercises}
    for cell in made.cells:
        name = grade_id(cell)
        if name in awards:
            cell.source = (
                f'# On fresh problems. Stuck? sheaflab.hint("{awards[name]}"); the key: sheaflab.solution\n'
                f'import sheaflab\n\nsheaflab.check("{awards[name]}")'
            )
        if "nbgrader" in cell.metadata:  # the names stay, so that commands find the cells; nothing is handed in
            cell.metadata.nbgrader.pop("checksum", None)
    return str(nbformat.writes(made)) + "\n"


def _for_readers(notebook: NotebookNode, course: Course, spec: NotebookSpec) -> NotebookNode:
    """Let a notebook's first cell speak to a reader, who hands in nothing."""
    said, instead = (orientation(course, spec, graded=graded) for graded in (True, False))
    notebook.cells[0].source = notebook.cells[0].source.replace(said, instead)
    return notebook


def needed(roots: Iterable[str], checks: Iterable[Path] = ()) -> list[Path]:
    """Return the files of some staff modules and of all modules that they import, directly or not.

    Parameters
    ----------
    roots : iterable of str
        Names of modules, such as ``"graders.sandbox.inside.worker"``.
    checks : iterable of Path
        Files outside the package; of them, what they import is returned.
    """
    found: set[Path] = set()
    waiting = [*roots, *(name for path in checks for name in _imported(path))]
    while waiting:
        name = waiting.pop()
        base = STAFF.parent.joinpath(*name.split("."))
        path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        if path in found or not path.is_file():  # seen, or a name inside a module
            continue
        found.add(path)
        waiting += [name.rpartition(".")[0], *_imported(path)]
    return sorted(found)


def _imported(path: Path) -> Iterator[str]:
    """Return the names that a file imports from the staff's package; some may be modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(STAFF.name):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(f"{STAFF.name}."))


def build_pack(out: Path, course: Course) -> Path:
    """Build the second wheel, with checks, keys and notebooks, and return its path.

    Parameters
    ----------
    out : Path
        Folder for it.
    course : Course
    """
    checks = [course.checks_of(spec) for spec in course.notebooks]
    files = {path.relative_to(STAFF.parent).as_posix(): path.read_bytes() for path in needed(_ROOTS, checks)}
    files |= {f"{_DATA}/checks/{path.name}": path.read_bytes() for path in checks}
    files[f"{_DATA}/lab.txt"] = course.assignment.encode()
    files[f"{_DATA}/keys.json"] = json.dumps(keys(course), indent=1, ensure_ascii=False).encode()
    for spec in course.notebooks:
        files[f"{_DATA}/notebooks/{spec.name}.ipynb"] = notebook(course, spec).encode()
    return write_pack(out, files, course.assignment)


def build(course: Course, out: Path, *, pages: bool = True) -> tuple[Path, Path]:
    """Write the folder and, beside it, the zip; return both paths.

    Parameters
    ----------
    course : Course
    out : Path
        The folder; an older one is replaced.
    pages : bool
        Whether to run the solved notebooks and put their pages into it, which takes a minute.

    Raises
    ------
    ValueError
        If `out` holds something else.
    LeakError
        If the edition would hold what it may not: a planted wrong answer, or the course secret.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "wheels").is_dir())):
        raise ValueError(f"`--out` must be a new or an empty folder or an older edition, got {out}")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="self-study-", dir=out.parent) as scratch:
        made = Path(scratch) / out.name
        library = build_wheel(Path(scratch) / "library", course.root)
        pack = build_pack(made / "wheels", course)
        shutil.copyfile(library, made / "wheels" / library.name)
        (made / "notebooks").mkdir()
        for spec in course.notebooks:
            (made / "notebooks" / f"{spec.name}.ipynb").write_text(notebook(course, spec), encoding="utf-8")
        if pages:
            write_keys(course, made / "solutions", edit=lambda spec, key: for_readers(_for_readers(key, course, spec)))
        readme = _README.read_text(encoding="utf-8")
        for mark, text in {"LIBRARY.whl": library.name, "PACK.whl": pack.name, **_facts(course)}.items():
            readme = readme.replace(mark, text)
        (made / "README.md").write_text(readme, encoding="utf-8")
        (made / "explore.html").write_text(explorable.page(), encoding="utf-8")
        refuse_leaks(course, made, Artefact.SELF_STUDY)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    archive = shutil.make_archive(str(out), "zip", out.parent, out.name)
    return out, Path(archive)


def _facts(course: Course) -> dict[str, str]:
    """What the README says of the lab."""
    notebooks, exercises = len(course.notebooks), sum(1 for _ in course.exercises())
    minutes = sum(spec.minutes for spec in course.notebooks)
    size = f"Notebooks: {notebooks}. Exercises: {exercises}. Time: about {minutes} minutes."
    return {"TITLE": course.title, "SIZE": size, "FIRST": course.notebooks[0].name}
