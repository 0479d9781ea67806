"""Feedback pages: formulas without the network, due date and penalty, figures in the column, no rubric."""

from __future__ import annotations

import base64
import contextlib
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
        assert "<title>mini-1: Doubling – mini, A small course</title>" in found
        assert "<h4>mini-1: Doubling – mini, A small course (Score: " in found
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


def png(width, height):
    """A picture of so many pixels, as base64."""
    figure = Figure(figsize=(width / 100, height / 100))
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return base64.b64encode(buffer.getvalue()).decode()


@contextlib.contextmanager
def shown(folder, *cells):
    """Open a feedback page; yields it and the addresses that were asked for."""
    from playwright.sync_api import sync_playwright

    static = str(Path(templates).parent / "static" / "node_modules" / "bootstrap" / "dist" / "css")
    exporter = ReadableExporter(
        template_name="feedback", extra_template_basedirs=[templates], extra_template_paths=[static]
    )
    told = {"nbgrader": {"notebook": "mini-1", "score": 1, "max_score": 2, "late_penalty": 0}}
    html = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=list(cells)), told)[0]
    (folder / "page.html").write_text(html, encoding="utf-8")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1000, "height": 800})
        fetched = []
        page.on("request", lambda request: fetched.append(request.url))
        page.goto((folder / "page.html").as_uri())
        yield page, fetched
        chromium.close()


@pytest.fixture
def opened(tmp_path):
    """A page with a figure 13 inches wide and a long formula; nothing may be fetched."""
    output = nbformat.v4.new_output("display_data", {"image/png": png(1300, 400)})
    cells = [nbformat.v4.new_markdown_cell(f"$$ {' + '.join(['x_1'] * 80)} $$")]
    cells.append(nbformat.v4.new_markdown_cell("| points | minutes |\n|---|---:|\n| 1.1 | the pattern |"))
    cells.append(nbformat.v4.new_code_cell("plot()", outputs=[output]))
    with shown(tmp_path, *cells) as both:
        yield both


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


@pytest.fixture
def graded(tmp_path):
    """A page with an exercise that was graded and a written answer, both with a score, and a wide picture in the answer."""
    info = {"grade": True, "score": 4.0, "points": 4.0, "schema_version": 3}
    text = "".join(f"check {k}: the network switches several neurons between consecutive states\n" for k in range(4))
    words = "A sentence of an answer that is long enough to fill more than one line of the page on any screen. " * 6
    code = nbformat.v4.new_code_cell(
        f"# {words}", outputs=[nbformat.v4.new_output("stream", text=text)],
        metadata={"nbgrader": {**info, "grade_id": "grade-1-1", "solution": False, "locked": True}},
    )  # fmt: skip
    written = nbformat.v4.new_markdown_cell(
        f"{words}\n\n![plot](attachment:plot.png)\n\n```\n{text}```\n",
        attachments={"plot.png": {"image/png": png(900, 500)}},
        metadata={"nbgrader": {**info, "grade_id": "written-1-W", "solution": True, "locked": False}},
    )
    with shown(tmp_path, code, written) as (page, _):
        yield page


CONTRAST = """element => {
    element.scrollIntoView({block: 'center'});
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, k) => sum + part * [0.2126, 0.7152, 0.0722][k], 0);
    const box = element.getClientRects()[0];
    const under = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
        .map(found => getComputedStyle(found).backgroundColor).find(colour => colour !== 'rgba(0, 0, 0, 0)');
    const both = [light(getComputedStyle(element).color), light(under || 'rgb(255, 255, 255)')].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05);
}"""  # of WCAG, against what lies under the middle of the text
BROKEN_WORDS = """() => {
    const broken = [], range = document.createRange();
    for (const box of document.querySelectorAll('pre')) {
        const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
        for (let node; (node = texts.nextNode());) for (const word of node.data.matchAll(/\\S+/g)) {
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map(line => line.top)).size > 1) broken.push(word[0]);
        }
    }
    return broken;
}"""
WIDTHS = pytest.mark.parametrize("width", [390, 820, 1280])  # of a phone, a tablet and a laptop


@pytest.mark.browser
@pytest.mark.needs("chromium")
@WIDTHS
def test_a_picture_in_an_answer_fits_its_column_and_the_answer_fills_the_page(graded, width):
    graded.set_viewport_size({"width": width, "height": 900})
    box = {what: graded.locator(what).bounding_box() for what in (".written", ".written img", ".written >> xpath=..")}
    answer, picture, column = box.values()
    assert graded.evaluate("document.documentElement.scrollWidth") <= width
    assert answer["width"] == pytest.approx(column["width"], abs=1)
    assert graded.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.written'))") == 0
    assert answer["x"] <= picture["x"]
    assert picture["x"] + picture["width"] <= answer["x"] + answer["width"] + 1
    assert picture["width"] / picture["height"] == pytest.approx(900 / 500, abs=0.02)


@pytest.mark.browser
@pytest.mark.needs("chromium")
@WIDTHS
def test_the_score_of_a_cell_can_be_read_on_its_bar(graded, width):
    graded.set_viewport_size({"width": width, "height": 900})
    scores = graded.locator(".nbgrader_cell .panel-heading .pull-right").all()
    assert len(scores) == 2
    for score in scores:
        assert score.inner_text().strip() == "Score: 4.0 / 4.0 (Top)"
        for text in (score, score.locator("a")):
            assert text.evaluate(CONTRAST) >= 4.5  # what WCAG asks for


@pytest.mark.browser
@pytest.mark.needs("chromium")
@WIDTHS
def test_no_line_of_a_box_ends_within_a_word(graded, width):
    graded.set_viewport_size({"width": width, "height": 900})
    assert graded.locator("pre").count() == 3
    assert graded.evaluate(BROKEN_WORDS) == []
