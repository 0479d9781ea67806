"""Feedback pages: formulas without the network, due date and penalty, figures in the column, no rubric."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from nbgrader.server_extensions.formgrader.handlers import template_path as templates

from graders.commands.cli import main
from graders.gradebook import nbgrader_api
from graders.gradebook.feedback_page import ReadableExporter
from graders.gradebook.formulas import mathml
from graders.gradebook.rubric import Rubric, written_keys
from tests.graders.conftest import autograde, grade_class, hand_in

FORMULA = r"\dot c = -L_\Omega\,c + \tfrac12 \lVert x \rVert^2"


def page(*sources):
    cells = [nbformat.v4.new_markdown_cell(source) for source in sources]
    return ReadableExporter(template_name="lab").from_notebook_node(nbformat.v4.new_notebook(cells=cells))[0]


def test_formulas_are_in_the_page_itself():
    found = page(f"Inline ${FORMULA}$ and\n\n$$ {FORMULA} $$\n\n\\begin{{align}} a &= b \\end{{align}}")
    assert found.count("<math") == 3
    assert found.count('<math display="block" tabindex="0">') == 2
    assert "\\tfrac" not in found
    assert 'src="http' not in found
    assert "MathJax" not in found


@pytest.mark.parametrize("formula", [r"\href{javascript:alert(1)}{x}", r"\style{color:red}{x}", "<script>x</script>"])
def test_a_students_formula_is_no_markup(formula):
    found = mathml(formula)
    for word in ("href", "style=", "<script", "javascript:alert"):
        assert word not in found


def test_what_is_no_formula_stays_as_it_is_written():
    assert mathml(r"<b> \frac{a}{") == r"<code>&lt;b&gt; \frac{a}{</code>"


def test_the_rubric_is_for_formgrader_alone(mini, tmp_path):
    key = written_keys(mini, "mini-1")["written-1-W"]
    assert key == "Because twice the half is the whole; the rubric gives a point a reason."
    assert Rubric(course=str(mini.root)).preprocess("as it is", {"nbgrader": {}}) == ("as it is", {"nbgrader": {}})


def test_a_feedback_page_cleans_a_students_text_and_sets_its_formulas():
    found = page("<b>bold</b> [x](javascript:alert(1)) <script>alert(1)</script> $a<b$ [y](https://b.c)")
    assert "<script>alert" not in found
    assert "javascript:alert" not in found.replace("[x](javascript:alert", "")
    assert "<mi>a</mi><mo>&lt;</mo><mi>b</mi>" in found
    assert 'href="https://b.c"' in found
    assert "formula-" not in found


@pytest.mark.slow
def test_a_late_student_reads_what_it_costs(course, submit):
    (course.root / "nbgrader_config_local.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\nc = get_config()\n"
        "class Rule(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late // 3600\n"
        "c.AssignLatePenalties.plugin_class = Rule\n"
    )
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.update_or_create_assignment("mini", duedate="2026-01-02 12:00:00 UTC")
    for name, time in (("ann", "2026-01-02 14:30:00 UTC"), ("bob", "2026-01-02 11:30:00 UTC")):
        folder = hand_in(course, name, submit(written_1_W="It is $x^2$.")).parent
        (folder / "timestamp.txt").write_text(time)
        autograde(course, name)
        nbgrader_api.feedback(course, name)
    pages = {name: (course.root / "feedback" / name / "mini" / "mini-1.html").read_text() for name in ("ann", "bob")}
    assert "Due: 2026-01-02 12:00 UTC<br>Handed in: 2026-01-02 14:30 UTC, 2 h 30 min late<br>" in pages["ann"]
    assert "Penalty for handing in late: 2 points of the whole assignment, 2 of them in this notebook." in pages["ann"]
    assert "Handed in: 2026-01-02 11:30 UTC, on time" in pages["bob"]
    assert "Penalty" not in pages["bob"]
    for found in pages.values():
        assert "<msup><mi>x</mi><mn>2</mn></msup>" in found
        assert "MathJax" not in found
        assert "the rubric gives a point a reason" not in found


@pytest.mark.slow
def test_a_page_that_shows_something_else_than_the_gradebook_is_made_anew(course, submit):
    for name in ("ann", "bob"):
        hand_in(course, name, submit())
    assert grade_class(course) == 0
    pages = {name: course.root / "feedback" / name / "mini" / "mini-1.html" for name in ("ann", "bob")}

    def made():
        """Who has new pages after `nbgrader generate_feedback mini`."""
        before = {name: path.stat().st_mtime_ns if path.exists() else 0 for name, path in pages.items()}
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "generate_feedback", "mini"],
            cwd=course.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "not recognized" not in done.stderr
        return {name for name, path in pages.items() if path.stat().st_mtime_ns != before[name]}

    assert made() == {"ann", "bob"}
    assert made() == set()
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        grade = book.find_grade("written-1-W", "mini-1", "mini", "ann")
        grade.manual_score, grade.needs_manual_grade = 2.0, False
        book.db.commit()
    assert made() == {"ann"}
    assert "12.0" in pages["ann"].read_text()
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.find_comment("written-1-W", "mini-1", "mini", "bob").manual_comment = "Say why."
        book.db.commit()
    assert made() == {"bob"}
    assert "Say why." in pages["bob"].read_text()
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        book.update_or_create_assignment("mini", duedate="2100-01-02 12:00:00 UTC")
    assert made() == {"ann", "bob"}
    assert main(["extend", "bob", f"--course={course.root}", "--until", "2100-01-03 12:00 UTC"]) == 0
    assert made() == {"bob"}
    assert "Due: 2100-01-03 12:00 UTC (extended for you)" in pages["bob"].read_text()
    hand_in(course, "ann", submit(ex_1_1="def double(x): return 3 * x"))
    assert grade_class(course) == 0
    assert made() == {"ann"}
    assert made() == set()


@pytest.fixture
def opened(tmp_path):
    """Open a feedback page with a figure 13 inches wide and a long formula; nothing may be fetched."""
    from playwright.sync_api import sync_playwright

    figure = Figure(figsize=(13, 4))
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    output = nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(buffer.getvalue()).decode()})
    cells = [nbformat.v4.new_markdown_cell(f"$$ {' + '.join(['x_1'] * 80)} $$")]
    cells.append(nbformat.v4.new_markdown_cell("| points | minutes |\n|---|---:|\n| 1.1 | the pattern |"))
    cells.append(nbformat.v4.new_code_cell("plot()", outputs=[output]))
    static = str(Path(templates).parent / "static" / "node_modules" / "bootstrap" / "dist" / "css")
    exporter = ReadableExporter(
        template_name="feedback", extra_template_basedirs=[templates], extra_template_paths=[static]
    )
    told = {"nbgrader": {"notebook": "mini-1", "score": 1, "max_score": 2, "late_penalty": 0}}
    html = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells), told)[0]
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1000, "height": 800})
        fetched = []
        page.on("request", lambda request: fetched.append(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        yield page, fetched
        chromium.close()


@pytest.mark.browser
@pytest.mark.needs("chromium")
def test_a_wide_figure_and_a_long_formula_stay_in_the_column_on_screen_and_on_paper(opened):
    page, fetched = opened
    for medium in ("screen", "print"):
        page.emulate_media(media=medium)
        right = page.evaluate("document.querySelector('#notebook-container').getBoundingClientRect().right")
        for what in (".output_area img", ".output_area", "math"):
            assert page.evaluate(f"document.querySelector('{what}').getBoundingClientRect().right") <= right + 1, what
        assert page.evaluate("document.documentElement.scrollWidth") <= 1000
    assert page.evaluate("document.querySelector('math mi').getBoundingClientRect().height") > 0  # it is set
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
@pytest.mark.needs("chromium")
def test_the_cells_of_a_table_stand_apart(opened):
    page, _ = opened
    for cell in ("th", "td"):
        style = page.evaluate(f"getComputedStyle(document.querySelector('.rendered_html {cell}')).paddingLeft")
        assert float(style.removesuffix("px")) >= 2, cell
