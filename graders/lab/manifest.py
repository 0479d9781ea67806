"""A lab's manifest `exercises.toml`: notebooks, exercises, checks and points, typed and validated."""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graders.lab.tables import ManifestError, Table
from sheaflab.study.catalogue import Task

ID = re.compile(r"\d+\.(\d+|W\d*)")
CHECK = re.compile(r"[a-z][a-z0-9_]*")
ASSIGNMENT = re.compile(r"[a-z][a-z0-9_]*")
MANIFEST = "exercises.toml"
SECRET = ".secret"


def assignments(root: Path) -> tuple[str, ...]:
    """Return the names of a course directory's assignments: the folders in its `source` that have a manifest."""
    return tuple(sorted(path.parent.name for path in (root / "source").glob(f"*/{MANIFEST}")))


def only(names: Sequence[str], root: Path) -> str:
    """Return the one assignment that there is; ManifestError says if there is none, or names the choices."""
    if not names:
        raise ManifestError(f"{root} is no course directory: it has no source/<assignment>/{MANIFEST}")
    if len(names) > 1:
        raise ManifestError(f"{root} has several assignments: name {', '.join(names[:-1])} or {names[-1]}")
    return names[0]


@dataclass(frozen=True)
class Check:
    """One hidden check: `test_<name>` of its exercise's class."""

    name: str
    title: str
    points: float


@dataclass(frozen=True)
class Exercise(Task):
    """A function or class for the student to write: the task, and the hidden checks that give points for it."""

    checks: tuple[Check, ...]

    @property
    def points(self) -> float:
        """Points of all its checks."""
        return sum(check.points for check in self.checks)

    @property
    def check_cell(self) -> str:
        """grade_id of the cell with the visible check."""
        return f"check-{self.slug}"

    @property
    def grade_cell(self) -> str:
        """grade_id of the cell that receives the points."""
        return f"grade-{self.slug}"

    @property
    def test_class(self) -> str:
        """Name of the class of hidden checks."""
        return f"TestExercise_{self.id.replace('.', '_')}"


@dataclass(frozen=True)
class Written:
    """A written answer, graded by hand."""

    id: str
    title: str
    points: float

    @property
    def cell(self) -> str:
        """grade_id of its cell."""
        return f"written-{self.id.replace('.', '-')}"


@dataclass(frozen=True)
class NotebookSpec:
    """One notebook of the assignment."""

    name: str
    title: str
    minutes: int
    exercises: tuple[Exercise, ...]
    written: tuple[Written, ...]

    @property
    def points(self) -> float:
        """Points that the machine gives."""
        return sum(exercise.points for exercise in self.exercises)


@dataclass(frozen=True)
class Course:
    """An assignment of a course directory, and what its manifest says.

    Attributes
    ----------
    root : Path
        The nbgrader course directory; it may have more assignments.
    checks : Path
        The directory of the hidden checks.
    assignment, title : str
    lead : str
        What it is about, for the first page of its site; may be empty.
    rules : str
        What holds in every exercise, for the first cell of each notebook; may be empty.
    hand_in : str
        How it is handed in, for the first cell of each notebook; empty for what holds most everywhere.
    notebooks : tuple of NotebookSpec
    """

    root: Path
    checks: Path
    assignment: str
    title: str
    lead: str
    rules: str
    hand_in: str
    notebooks: tuple[NotebookSpec, ...]

    @classmethod
    def load(cls, root: Path | str, assignment: str | None = None, checks: Path | str | None = None) -> Course:
        """Read and validate `root/source/<assignment>/exercises.toml`.

        Parameters
        ----------
        root : path
        assignment : str, optional
            By default the only one of the course.
        checks : path, optional
            Where the hidden checks are; by default the course's own, ``checks/<assignment>``.

        Raises
        ------
        ManifestError
            Naming the place, the rule and the value.
        """
        root = Path(root).resolve()
        name = assignment or only(assignments(root), root)
        if not ASSIGNMENT.fullmatch(name):
            raise ManifestError(f"an assignment must be named in lower-case letters, digits and _, got {name!r}")
        path = root / "source" / name / MANIFEST
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            known = ", ".join(assignments(root)) or "none"
            raise ManifestError(f"{path} does not exist; the assignments of {root}: {known}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ManifestError(f"{path} is not TOML: {error}") from error
        top = Table(data, MANIFEST)
        head = top.table("assignment")
        notebooks = tuple(_notebook(table) for table in top.tables("notebook"))
        if not notebooks:
            raise ManifestError(f"{MANIFEST} must have at least one [[notebook]]")
        course = cls(
            root=root,
            checks=Path(checks).resolve() if checks else root / "checks" / name,
            assignment=name,
            title=head.text("title"),
            lead=head.text("lead", ""),
            rules=head.text("rules", ""),
            hand_in=head.text("hand_in", ""),
            notebooks=notebooks,
        )
        top.refuse_others()
        course._validate()
        return course

    def _validate(self) -> None:
        seen: set[str] = set()
        names: set[str] = set()
        for notebook in self.notebooks:
            if notebook.name in names:
                raise ManifestError(f"notebook {notebook.name!r} is there twice")
            names.add(notebook.name)
            items: tuple[Exercise | Written, ...] = (*notebook.exercises, *notebook.written)
            for item in items:
                if item.id in seen:
                    raise ManifestError(f"exercise id {item.id!r} is there twice; ids are unique in an assignment")
                if isinstance(item, Exercise) and (unknown := set(item.requires) - seen):
                    raise ManifestError(
                        f"exercise {item.id} requires {sorted(unknown)[0]!r}, which no earlier exercise is called"
                    )
                seen.add(item.id)

    @property
    def private(self) -> tuple[Path, ...]:
        """Directories that no student code may read."""
        return self.root, self.checks

    @property
    def ready(self) -> tuple[NotebookSpec, ...]:
        """The notebooks whose source is there."""
        return tuple(spec for spec in self.notebooks if (self.source / f"{spec.name}.py").is_file())

    def notebook(self, name: str) -> NotebookSpec:
        """Return the notebook called `name`; KeyError lists the names there are."""
        for notebook in self.notebooks:
            if notebook.name == name:
                return notebook
        raise KeyError(f"no notebook {name!r}; there are {', '.join(n.name for n in self.notebooks)}")

    def exercises(self) -> Iterator[Exercise]:
        """All exercises in order."""
        for notebook in self.notebooks:
            yield from notebook.exercises

    @property
    def manifest(self) -> Path:
        """The manifest's file."""
        return self.source / MANIFEST

    @property
    def source(self) -> Path:
        """Directory of the instructor's percent-text sources."""
        return self.root / "source" / self.assignment

    @property
    def bank(self) -> Path:
        """Directory of the planted answers and of the reasons why the keys are right."""
        return self.root / "bank" / self.assignment

    @property
    def visible(self) -> Path:
        """Directory of the visible checks, which students get as ``sheaflab.checks.<assignment>``."""
        return self.root / "visible" / self.assignment

    def checks_of(self, notebook: NotebookSpec) -> Path:
        """File of the hidden checks of a notebook."""
        return self.checks / f"test_{notebook.name.replace('-', '_')}.py"

    @cached_property
    def secret(self) -> bytes:
        """The course secret that fresh problems are drawn from; made at first use, readable by its owner only."""
        import os

        path = self.root / SECRET
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(32).encode())
        return path.read_bytes()


def _notebook(table: Table) -> NotebookSpec:
    name = table.text("name")
    if not re.fullmatch(r"[\w-]+", name):
        raise ManifestError(f"`name` of {table.where} must be a file stem of letters, digits, - and _, got {name!r}")
    table.where = f"notebook {name}"
    written = [Written(_id(item), item.text("title"), item.points("points")) for item in table.tables("written")]
    exercises = tuple(_exercise(item) for item in table.tables("exercise"))
    return NotebookSpec(name, table.text("title"), table.count("minutes"), exercises, tuple(written))


def _id(table: Table) -> str:
    number = table.text("id")
    if not ID.fullmatch(number):
        raise ManifestError(f"`id` of {table.where} must look like 1.2 or 3.W, got {number!r}")
    return number


def _exercise(table: Table) -> Exercise:
    number = _id(table)
    table.where = f"exercise {number}"
    function = table.text("function")
    if not function.isidentifier():
        raise ManifestError(f"`function` of {table.where} must be a Python name, got {function!r}")
    checks: list[Check] = []
    for item in table.tables("check"):
        name = item.text("name")
        if not CHECK.fullmatch(name) or name in {check.name for check in checks}:
            raise ManifestError(f"`name` of {item.where} must be a new name like sign_of_weights, got {name!r}")
        checks.append(Check(name, item.text("title"), item.points("points")))
    if not checks:
        raise ManifestError(f"{table.where} must have at least one check")
    return Exercise(
        number, table.text("title"), function, table.count("minutes"), table.texts("requires"), table.texts("hints"),
        tuple(checks),
    )  # fmt: skip
