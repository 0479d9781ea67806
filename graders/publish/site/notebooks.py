"""The notebooks of a site: which there are, under which names they are served, their titles."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from graders.lab.manifest import Course
from graders.publish.site.pyodide import SiteError

_KERNEL = {
    "kernelspec": {"name": "python", "display_name": "Python (Pyodide)", "language": "python"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Released:
    """A released notebook.

    Attributes
    ----------
    name : str
        Its name in nbgrader, say "lab10-3".
    title : str
    minutes : int or None
    source : Path
    served : str
        Its file name on the site.
    """

    name: str
    title: str
    minutes: int | None
    source: Path
    served: str

    @property
    def heading(self) -> str:
        """Number and title, for people."""
        return f"{self.name.rsplit('-', 1)[-1]}. {self.title}"

    def text(self) -> str:
        """The notebook as it is served: as released, but for the kernel that the page offers.

        JupyterLab would ask for a kernel if the notebook named another.
        """
        notebook = nbformat.read(self.source, as_version=4)
        notebook.metadata.update(_KERNEL)
        return str(nbformat.writes(notebook)) + "\n"


@dataclass(frozen=True)
class Explorer:
    """The notebook of the interactive figure."""

    served: str
    heading: str
    text: str


def released(release: Path, course: Course) -> tuple[Released, ...]:
    """Return the notebooks of a release folder, in the order of their names.

    Parameters
    ----------
    release : Path
    course : Course
        Titles and minutes come from its manifest.

    Raises
    ------
    SiteError
        If there is no notebook, or one that the manifest does not name.
    """
    paths = sorted(release.glob("*.ipynb")) if release.is_dir() else []
    if not paths:
        raise SiteError(f"no released notebook in {release}; run `graders build` first, or name it with --release")
    known = {notebook.name: notebook for notebook in course.notebooks}
    if foreign := [path.name for path in paths if path.stem not in known]:
        raise SiteError(f"{release} has {foreign[0]}, which the manifest of {course.root} does not name")
    return tuple(
        Released(
            path.stem,
            known[path.stem].title,
            known[path.stem].minutes,
            path,
            f"{path.stem}.v{version(path)}.ipynb",
        )
        for path in paths
    )


def version(path: Path) -> str:
    """Return four hexadecimal digits of what a notebook says: its cells' texts and their places in the grade book."""
    notebook = nbformat.read(path, as_version=4)
    said = [[c.cell_type, c.source, c.metadata.get("nbgrader", {}).get("grade_id")] for c in notebook.cells]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:4]


def explorer() -> Explorer:
    """Return the notebook that opens the interactive figure."""
    heading = "Play with a sheaf"
    text = f"""\
# {heading}

A small ReLU network, its input pinned, starts from a random cochain and relaxes to the forward pass. Change
*magnitude* to start further out in the same direction, *start seed* to start in another direction, *network seed* to
get another network. Each switch of a neuron changes the colour in the bands; where a neuron crosses zero or begins to
slide along it, the energy has a kink, and where it ends sliding it has none. Nothing here is graded.

Click the cell below, then press Shift+Enter."""
    code = "from sheaflab.explore import explore\n\nexplore()"
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(text, id="about"),
            nbformat.v4.new_code_cell(code, id="explore"),
        ],
        metadata=_KERNEL,
    )
    return Explorer("play.ipynb", heading, nbformat.writes(notebook) + "\n")
