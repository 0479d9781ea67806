"""nbgrader's doors: read a submission whatever it is, grade it elsewhere, write what was found into its cells.

Named as dotted strings in ``course/nbgrader_config.py``. nbgrader, formgrader, feedback and export then work unchanged.
"""

from __future__ import annotations

import json
import weakref
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Unicode

from graders.grading.canary import best_isolation
from graders.grading.grade import grade_repaired
from graders.grading.repair import Repaired, repair_file
from graders.grading.results import NotebookResult
from graders.lab.manifest import Course
from graders.lab.percent import grade_id
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.notebook import Host
from graders.status import Status

NOTES = "graders_repair"
RESULT = "graders"


class RepairingExporter(NotebookExporter):  # type: ignore[misc]
    """Read a submitted file through :mod:`graders.grading.repair`, so that no file can stop a batch."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)
    _shared: tuple[str, Host, weakref.finalize[..., Any]] | None = None

    def host(self, student: str, limits: Limits, level: Isolation) -> Host:
        """Return what provides workers to the notebooks of `student`, and to nobody else's; a new one ends the last."""
        if self._shared is None or self._shared[0] != student:
            if self._shared is not None:
                self._shared[2]()
            host = Host(limits, level)
            self._shared = student, host, weakref.finalize(self, host.discard)  # where a run of nbgrader ends early
        return self._shared[1]

    def from_filename(self, filename: str, resources: dict[str, Any] | None = None, **kw: Any) -> Any:
        """Convert `filename`; a submission is mended first, what we wrote ourselves is only read."""
        info = (resources or {}).get("nbgrader", {})
        course = Course.load(Path(self.course or "."))
        names = {spec.name: spec for spec in course.notebooks}
        if not getattr(self.parent, "_sanitizing", False) or info.get("notebook") not in names:
            return super().from_filename(filename, resources=resources, **kw)
        mended = repair_file(Path(filename), course, names[info["notebook"]])
        mended.notebook.metadata[NOTES] = {
            "status": mended.status.name,
            "notes": mended.notes,
            "missing": sorted(mended.missing),
        }
        return self.from_notebook_node(mended.notebook, resources=resources, **kw)


class TrustedGrader(NbGraderPreprocessor):  # type: ignore[misc]
    """In the place of nbgrader's Execute: no student code runs in this process, or in one that can reach it."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)
    checks = Unicode("", help="Directory of the hidden checks; the course's own if empty.").tag(config=True)
    require_isolation = Unicode("RLIMITS", help="Refuse to grade with less than this.").tag(config=True)
    cpu_seconds = Float(Limits.cpu, help="CPU time of one cell; a call gets at most 10 s.").tag(config=True)
    wall_seconds = Float(Limits.wall, help="Wall-clock time of one cell or call.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Grade `nb` and write outputs and points into it."""
        course = Course.load(Path(self.course or "."), self.checks or None)
        spec = course.notebook(resources["nbgrader"]["notebook"])
        told = nb.metadata.pop(NOTES, None) or {"status": "OK", "notes": [], "missing": []}
        mended = Repaired(nb, Status[told["status"]], list(told["notes"]), frozenset(told["missing"]))
        limits = Limits(cpu=self.cpu_seconds, wall=self.wall_seconds)
        level = best_isolation(Isolation[self.require_isolation], limits)
        if level.degraded:
            self.log.warning(level.value)
        shares = isinstance(self.parent, RepairingExporter)  # starting a worker costs as much as grading a notebook
        host = self.parent.host(resources["nbgrader"]["student"], limits, level) if shares else None
        result = grade_repaired(mended, course, spec, limits=limits, level=level, host=host)
        if host is not None and spec.name == max(ready.name for ready in course.ready):
            host.discard()  # nbgrader takes notebooks by name: this was the student's last
        for exercise in result.exercises:
            self.log.info("%s: %g/%g %s", exercise.id, exercise.earned, exercise.points, exercise.status.label)
        write_result(nb, result)
        return nb, resources


def write_result(nb: NotebookNode, result: NotebookResult) -> None:
    """Write outputs, messages and points of `result` into the cells of `nb`."""
    awards = {f"grade-{exercise.id.replace('.', '-')}": exercise for exercise in result.exercises}
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        run = result.cells.get(index)
        cell.outputs = [nbformat.from_dict(output) for output in run.outputs] if run else []
        cell.execution_count = run.count if run else None
        exercise = awards.get(grade_id(cell))
        if exercise is not None:
            text = exercise.text()
            if result.isolation is not None and result.isolation.degraded:
                text += f"Note: {result.isolation.value}\n"
            points = float(cell.metadata.nbgrader.get("points", exercise.points))
            award = min(max(float(exercise.earned), 0.0), points)
            cell.outputs = [
                nbformat.v4.new_output("stream", name="stdout", text=text),
                nbformat.v4.new_output("execute_result", data={"text/plain": repr(award)}, execution_count=None),
            ]
    nb.metadata[RESULT] = result.summary()


def read_result(path: Path) -> dict[str, Any]:
    """Return the summary that :func:`write_result` left in an autograded notebook; empty if there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = data["metadata"].get(RESULT, {})
    except (OSError, ValueError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}
