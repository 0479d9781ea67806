"""nbgrader's step that takes the solutions out of a release, with stubs that name their exercise."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions as StockClearSolutions
from traitlets import Unicode

from graders.gradebook.nbgrader_api import course_of
from graders.lab.percent import grade_id, stub_line


class ClearSolutions(StockClearSolutions):  # type: ignore[misc]
    """nbgrader's ClearSolutions with a stub that names its exercise."""

    course = Unicode("", help="Course directory; the current directory if empty.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Load the manifest, then do as nbgrader does."""
        self._course = course_of(self.course, resources)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> Any:
        """Set this cell's stub, then do as nbgrader does."""
        self.code_stub = {"python": stub_line(self._course, grade_id(cell))}
        return super().preprocess_cell(cell, resources, cell_index)
