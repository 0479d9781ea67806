"""What the browser tests share. Making it takes minutes, so it is made once, whichever worker asks first."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from graders.commands.cli import main
from graders.lab.manifest import Course
from graders.lab.percent import BEGIN, END, convert, grade_id, template
from graders.publish.release import copy_course
from graders.publish.site import pyodide
from graders.publish.site.jupyterlite import build_site
from tests.browser.lab import Lab, browser, serve

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course.load(ROOT / "course", "lab09")
NOTEBOOKS = [spec.name for spec in COURSE.notebooks]
STUDENT = "jane"
WRITTEN = "The energy falls on both sides of a switch; only its slope may jump."


IN_A_BROWSER = {"page", "lab", "visitor", "sitting", "played", "alone", "public"}
"""Fixtures that open one."""


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out by marks
def pytest_collection_modifyitems(items):
    for item in items:
        if IN_A_BROWSER & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs("chromium"))
        if "distribution" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of this run see."""
    if kept := os.environ.get("SHEAFLAB_BROWSER_TESTS"):  # to look at, or to use again while working on these tests
        folder = Path(kept)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "browser"
    folder.mkdir(exist_ok=True)
    return folder


def once(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return `folder / name`, made by the first who asks; the others wait."""
    target = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            make(target)
    return target


@pytest.fixture(scope="session")
def distribution(shared) -> Path:
    """The offline Pyodide, from the user's cache; on a new machine it is made first."""
    where = once(shared, "distribution.txt", lambda path: path.write_text(str(pyodide.cached())) and None)
    return Path(where.read_text())


@pytest.fixture(scope="session")
def release(shared) -> Path:
    """The course's notebooks as students get them."""

    def make(folder: Path) -> None:
        partial = folder.with_suffix(".part")
        partial.mkdir()
        for spec in COURSE.notebooks:
            nbformat.write(template(COURSE, spec), partial / f"{spec.name}.ipynb")
        partial.rename(folder)

    return once(shared, "release", make)


@pytest.fixture(scope="session")
def site(shared, release, distribution) -> Path:
    """The whole site, for use without the internet."""

    def make(folder: Path) -> None:
        build_site(folder, COURSE, release=release, pyodide=distribution)

    return once(shared, "site", make)


@pytest.fixture(scope="session")
def address(site):
    with serve(site) as url:
        yield url


def served(site: Path, name: str) -> str:
    """The file name under which the site has a notebook."""
    (path,) = (site / "files").glob(f"{name}.v*.ipynb")
    return path.name


def key(name: str) -> dict[str, str]:
    """The instructor's solutions by the grade_id of their cells; an answer in words for the written ones."""
    answers = {}
    for cell in convert(COURSE, COURSE.notebook(name)).cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            lines = [line for line in cell.source.split("\n") if BEGIN not in line and END not in line]
            answers[grade_id(cell)] = WRITTEN if cell.cell_type == "markdown" else "\n".join(lines)
    return answers


@dataclass(frozen=True)
class Sitting:
    """A student's sitting over one notebook, from the first click to the download.

    Attributes
    ----------
    cells : list of dict
        After all of them ran.
    reloaded : list of dict
        After the page was saved and loaded again.
    python : list of dict
        The same cells after CPython ran them.
    download : str
        The file that the browser saved.
    outside : list of str
        Addresses beyond the site that were asked for.
    to_kernel, to_end : float
        Seconds from the first request, with an empty cache, until the kernel is ready and until all cells have run.
    picture : str
        A screenshot.
    """

    cells: list[dict[str, Any]]
    reloaded: list[dict[str, Any]]
    python: list[dict[str, Any]]
    download: str
    outside: list[str]
    to_kernel: float
    to_end: float
    picture: str


def sit(site: Path, address: str, name: str, folder: Path) -> Sitting:
    """Open a notebook, type the key into its gaps, run it, save, reload, download."""
    folder.mkdir()
    answers = key(name)
    with browser(folder / "profile") as context:
        lab = Lab(context, address)
        start = time.monotonic()
        lab.open(served(site, name))
        to_kernel = time.monotonic() - start
        for index, cell in enumerate(lab.cells()):
            mark = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if mark in answers:
                lab.type_into(index, answers.pop(mark))
        assert not answers, f"{name} has no cell for {sorted(answers)}"
        lab.run_all()
        to_end = time.monotonic() - start
        cells = lab.cells()
        picture = folder / "picture.png"
        lab.page.screenshot(path=picture)
        lab.save()
        lab.reload()
        reloaded = lab.cells()
        download = lab.download(folder)
    return Sitting(
        cells, reloaded, _in_python(cells, folder), str(download), lab.outside, to_kernel, to_end, str(picture)
    )


def _in_python(cells: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Run the cells in the Python that runs the tests, as a notebook."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(c["source"], id=c["id"])
            if c["cell_type"] == "code"
            else nbformat.v4.new_markdown_cell(c["source"], id=c["id"])
            for c in cells
        ]
    )
    nbformat.write(notebook, folder / "python.ipynb")
    command = ["nbconvert", "--to", "notebook", "--execute", "--allow-errors", "--inplace", "python.ipynb"]
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return list(json.loads((folder / "python.ipynb").read_text(encoding="utf-8"))["cells"])


@pytest.fixture(scope="session")
def sitting(shared, site, address) -> Callable[[str], Sitting]:
    """A sitting over a notebook of that name: the browser is started at the first call for it."""

    def of(name: str) -> Sitting:
        def make(path: Path) -> None:
            result = sit(site, address, name, shared / f"sitting-{name}")
            path.write_text(json.dumps(asdict(result)))

        return Sitting(**json.loads(once(shared, f"{name}.json", make).read_text()))

    return of


@pytest.fixture(scope="session")
def course_root(shared, sitting, one_secret) -> Path:
    """A course with one student, whose downloads were collected, autograded and given feedback."""

    def make(folder: Path) -> None:
        root = copy_course(COURSE, folder.with_suffix(".part")).root
        downloads = folder.with_suffix(".downloads") / STUDENT
        downloads.mkdir(parents=True)
        for name in NOTEBOOKS:  # as if the browser already had a file of that name
            source = Path(sitting(name).download)
            shutil.copy(source, downloads / f"{source.stem} (1).ipynb")
        assert main(["build", "--course", str(root)]) == 0
        assert main(["collect", str(downloads.parent), "--course", str(root)]) == 0
        for step in ("autograde", "generate_feedback"):  # as an instructor does
            command = [sys.executable, "-m", "nbgrader", step, COURSE.assignment]
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
        root.rename(folder)

    return once(shared, "course", make)
