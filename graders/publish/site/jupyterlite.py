"""A JupyterLite site around a release: the same notebooks and checks, nothing to install.

The site is a folder of static files. Into it go the released notebooks, the wheel of `sheaflab` and, for a site that
works without the internet, Pyodide. Nothing else of the course goes into it: what is not in the release cannot leak.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.lab.leaks import Artefact, refuse_leaks
from graders.lab.manifest import Course
from graders.publish.site import landing, quick
from graders.publish.site.edition import Edition
from graders.publish.site.locking import LOCK, Entry, Lock
from graders.publish.site.notebooks import Released, explorer, released
from graders.publish.site.pyodide import (
    CORE,
    KERNEL_EXTENSION,
    KERNEL_ROOTS,
    LATER,
    LIBRARY_ROOTS,
    Say,
    SiteError,
    compile_archives,
    download_wheels,
    extension,
    rehashed,
)
from graders.publish.wheel import build_wheel

WIDGETS_EXTENSION = "@jupyter-widgets/jupyterlab-manager"
PAGE_EXTENSION = Path(__file__).with_name("page")
"""What this course adds to JupyterLite's page, as an extension of JupyterLab that needs no build."""
# Where a kernel's worker script lies, seen from which a relative address of a wheel is read.
_WORKER_TO_ROOT = "../../../../"
_AUTOSAVE_SECONDS = 10


@dataclass(frozen=True)
class Site:
    """A finished site.

    Attributes
    ----------
    folder : Path
    notebooks : tuple of Released
    files, size : int
        Number of files and their bytes.
    """

    folder: Path
    notebooks: tuple[Released, ...]
    files: int
    size: int

    def __str__(self) -> str:
        return f"{self.folder}: {len(self.notebooks)} notebooks, {self.files} files, {self.size / 1e6:.0f} MB"


def build_site(
    out: Path,
    course: Course,
    *,
    release: Path | None = None,
    pyodide: Path | None = None,
    edition: Edition = Edition.STUDENT,
    say: Say = print,
) -> Site:
    """Write the site.

    Parameters
    ----------
    out : Path
        A new or an empty folder, or an older site, which is replaced.
    course : Course
        Titles and minutes come from its manifest, the guide for handing in from its page on that.
    release : Path, optional
        The folder of the notebooks; by default what `graders build` made, or the self-study edition's own.
    pyodide : Path, optional
        What `graders pyodide` made. Without it the browser fetches Pyodide from JupyterLite's own address for it.
    edition : Edition
    say : callable
        Called with a text about each step.

    Raises
    ------
    SiteError
        If `out` holds something else, there is no release, or JupyterLite cannot build.
    LeakError
        If the site would hold what it may not, such as a line of a hidden check.
    """
    _refuse_foreign(out)
    if pyodide is not None and not (pyodide / LOCK).exists():
        raise SiteError(f"`--pyodide` must be a folder made by `graders pyodide`, got {pyodide} without {LOCK}")
    if release is None and edition is Edition.STUDENT:
        release = course.root / "release" / course.assignment
    if release is not None:
        released(release, course)  # before anything takes time
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="site-", dir=out.parent) as scratch:
        lite, made = Path(scratch) / "lite", Path(scratch) / "out"
        (lite / "files").mkdir(parents=True)
        say("building the wheel of sheaflab")
        wheels = [build_wheel(Path(scratch) / "wheel", course.root)]
        if edition is Edition.SELF_STUDY:
            wheels.append(_self_study(course, Path(scratch) / "wheel", Path(scratch) / "release"))
        release = release or Path(scratch) / "release"
        notebooks = released(release, course)
        for notebook in notebooks:
            (lite / "files" / notebook.served).write_text(notebook.text(), encoding="utf-8")
        for extra in _data_files(release):
            shutil.copyfile(extra, lite / "files" / extra.name)
        explore = explorer()
        (lite / "files" / explore.served).write_text(explore.text, encoding="utf-8")
        kernel = _offline(lite, pyodide, wheels, say) if pyodide else _online(lite, wheels, Path(scratch), say)
        say("building the site with JupyterLite")
        titles = [(each.served, each.heading) for each in notebooks] + [(explore.served, explore.heading)]
        _configure(lite, made, kernel, titles)
        _jupyter_lite(lite)
        if pyodide:
            quick.begin_early(made)
        else:  # of `static` JupyterLite copies Pyodide only
            shutil.copytree(lite / "static", made / "static", dirs_exist_ok=True)
        landing.write(made, notebooks, explore, course, edition, offline=pyodide is not None)
        refuse_leaks(course, made, Artefact.SITE if edition is Edition.STUDENT else Artefact.SELF_STUDY)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    return Site(out, notebooks, len(sizes), sum(sizes))


def _self_study(course: Course, wheels: Path, notebooks: Path) -> Path:
    """Write the self-study edition's notebooks; return the wheel with their checks and keys."""
    from graders.publish.selfstudy import folder as selfstudy  # which builds wheels by this module

    notebooks.mkdir()
    for spec in course.notebooks:
        (notebooks / f"{spec.name}.ipynb").write_text(selfstudy.notebook(course, spec), encoding="utf-8")
    return selfstudy.build_pack(wheels, course)


def _refuse_foreign(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / "jupyter-lite.json").exists():
        raise SiteError(f"`OUT` must be a new or an empty folder or an older site, got {out}")


def _data_files(release: Path) -> list[Path]:
    """Return the images and tables that the notebooks read; never a file that could be a program."""
    return sorted(path for path in release.iterdir() if path.suffix in (".png", ".svg", ".csv", ".npz", ".json"))


def _offline(lite: Path, pyodide: Path, wheels: Sequence[Path], say: Say) -> dict[str, Any]:
    """Put Pyodide and the course's wheels into the site; return the kernel's settings."""
    folder = lite / "static" / "pyodide"
    folder.mkdir(parents=True)
    say("compiling sheaflab for the browser")
    compile_archives(pyodide, wheels[0].parent, [wheel.name for wheel in wheels], folder)
    own = {entry.name: rehashed(entry, folder / entry.file) for entry in map(Entry.of_wheel, wheels)}
    packages = [*(name for name in LIBRARY_ROOTS if name != LATER), *own, *KERNEL_ROOTS]
    lock = Lock.read(pyodide / LOCK).with_entries(entry.without(LATER) for entry in own.values())
    for name in CORE:
        shutil.copyfile(pyodide / name, folder / name)
    joined = [entry for entry in lock.closure(packages).packages.values() if entry.name not in own]
    wheel_files = lock.closure([LATER, *own]).without(entry.name for entry in joined)
    for entry in wheel_files.packages.values():
        if entry.name not in own:
            shutil.copyfile(pyodide / entry.file, folder / entry.file)
    wheel_files.write(folder / LOCK)
    say("joining the packages")
    quick.write(folder, [pyodide / entry.file for entry in joined], [entry.file for entry in own.values()])
    return {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": packages}}


def _online(lite: Path, wheels: Sequence[Path], scratch: Path, say: Say) -> dict[str, Any]:
    """Put the wheels that Pyodide's own index lacks into the site; return the kernel's settings."""
    say("fetching the pure wheels that Pyodide's index lacks")
    fetched = {Entry.of_wheel(path).name: path for path in download_wheels(scratch / "fetched")}
    own = [*wheels, *(fetched[name] for name in ("ipywidgets", "jupyterlab-widgets", "comm"))]
    folder = lite / "static" / "wheels"
    folder.mkdir(parents=True)
    for path in own:
        shutil.copyfile(path, folder / path.name)
    indexed = [name for name in LIBRARY_ROOTS if name not in fetched and name != LATER]
    addresses = [f"{_WORKER_TO_ROOT}static/wheels/{path.name}" for path in own]
    return {"loadPyodideOptions": {"packages": [*indexed, "ipython", *addresses]}}


def _configure(lite: Path, out: Path, kernel: dict[str, Any], titles: list[tuple[str, str]]) -> None:
    settings = {
        "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": _AUTOSAVE_SECONDS},
        "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    }
    shell = {
        "appName": "sheaflab",
        "exposeAppInBrowser": True,  # scripts can run and read notebooks: for tests, and for teachers
        "litePluginSettings": {
            f"{KERNEL_EXTENSION}:kernel": kernel,
            "@sheaflab/page:notebooks": {"notebooks": [{"file": file, "title": title} for file, title in titles]},
        },
    }
    build = {
        "LiteBuildConfig": {
            "apps": ["lab"],
            "output_dir": str(out.resolve()),
            "contents": [str((lite / "files").resolve())],
            "no_sourcemaps": True,
            "no_unused_shared_packages": True,
            "no_libarchive": True,
            # Of what is installed here only what a reader needs: not, say, nbgrader's own extension.
            "ignore_sys_prefix": ["federated_extensions"],
            "federated_extensions": [
                str(folder) for folder in (*map(extension, (KERNEL_EXTENSION, WIDGETS_EXTENSION)), PAGE_EXTENSION)
            ],
        }
    }
    _write_json(lite / "overrides.json", settings)
    _write_json(lite / "jupyter-lite.json", {"jupyter-lite-schema-version": 0, "jupyter-config-data": shell})
    _write_json(lite / "jupyter_lite_config.json", build)


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _jupyter_lite(lite: Path) -> None:
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", "."]
    done = subprocess.run(command, cwd=lite, capture_output=True, text=True, check=False)
    if done.returncode:
        hint = 'pip install -e ".[site]"' if re.search("No module named", done.stderr) else "see above"
        raise SiteError(f"JupyterLite could not build the site ({hint}):\n{(done.stdout + done.stderr)[-3000:]}")
