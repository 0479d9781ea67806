"""nbgrader's configuration of this course: its own doors, our graders behind them.

`nbgrader autograde lab09` in this directory grades with the trusted chain; everything else is stock nbgrader. `graders
grade` and formgrader read this file too. What holds on one site only (exchange, database, rule for late work) goes into
`nbgrader_config_local.py` beside it, which git ignores; what that says counts.
"""

import os
from pathlib import Path

from nbgrader import preprocessors as stock

from graders.gradebook.clearing import ClearSolutions
from graders.gradebook.feedback import EscapeHtml, Hints

c = get_config()  # noqa: F821  (traitlets provides it)
here = str(Path(__file__).resolve().parent)

c.CourseDirectory.root = here
c.CourseDirectory.course_id = "sheaflab"  # without one, nbgrader's tables refuse PostgreSQL
c.CourseDirectory.db_url = os.environ.get("GRADERS_DB_URL", f"sqlite:///{here}/gradebook.db")
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".*", "*.py", "*.toml"]

# Release: a stub names its exercise. Hidden checks are not in the notebooks, so there is nothing else to clear.
c.ClearSolutions.course = here
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
c.GenerateAssignment.preprocessors = [
    stock.LockCells,
    ClearSolutions,
    stock.ClearOutput,
    stock.CheckCellMetadata,
    stock.ComputeChecksums,
    stock.SaveCells,
    stock.ClearMarkScheme,
    stock.ComputeChecksums,
    stock.CheckCellMetadata,
]

# Autograde: whatever was handed in is read, graded and judged in a limited process of its own, in the place of
# nbgrader's preprocessors; what is undecided waits for a person. Files are vetted before nbgrader copies them.
c.Autograde.exporter_class = "graders.gradebook.doors.RepairingExporter"
c.TrustedGrader.course = here

# Terminals: names of submitted files may hold what a terminal obeys.
c.NbGrader.logging_config = {
    "filters": {"plain": {"()": "graders.gradebook.logs.Plain"}},
    "handlers": {"console": {"filters": ["plain"]}},
}

# Pages, formgrader's as well as feedback: nothing that a student wrote acts, leads astray or fetches anything.
c.HTMLExporter.filters = {
    "markdown2html": "graders.gradebook.markup.markdown2html",
    "highlight_code": "graders.gradebook.markup.highlight_code",
}
c.GenerateFeedback.exporter_class = "graders.gradebook.feedback.FeedbackExporter"
c.FeedbackExporter.course = here
c.Hints.course = here
c.GenerateFeedback.preprocessors = [
    stock.GetGrades,
    EscapeHtml,
    Hints,
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

# Formgrader's page of a submission: the rubric beside each written answer; feedback pages have none.
c.HTMLExporter.preprocessors = ["graders.gradebook.rubric.Rubric"]
c.Rubric.course = here

load_subconfig("nbgrader_config_local.py", here)  # noqa: F821  (traitlets provides it; nothing happens without the file)
