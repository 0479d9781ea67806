"""nbgrader's doors: read a submission whatever it is, grade it elsewhere, write what was found into its cells.

Named as dotted strings in ``course/nbgrader_config.py``. nbgrader, formgrader, feedback and export then work unchanged.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Unicode

from graders.gradebook.writing import write_result
from graders.grading.canary import best_isolation
from graders.grading.grade import grade_repaired
from graders.grading.repair import Repaired, repair_file
from graders.lab.manifest import Course
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.notebook import Host
from graders.status import Status

NOTES = "graders_repair"


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
