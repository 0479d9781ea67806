"""A release is made from the manifest and the sources, is checked, and takes the place of the last one whole."""

from __future__ import annotations

import shutil

import nbformat
import pytest

from graders.gradebook import nbgrader_api
from graders.lab.manifest import Course
from graders.lab.percent import convert, grade_id, template
from graders.publish.release import ASIDE, ReleaseError, build
from tests.graders.conftest import edit

pytestmark = pytest.mark.slow
CHECK = """[[notebook.exercise.check]]
name = "arrays"
points = 2
title = "arrays of any shape"
"""


def state(course):
    """All files of the release, and what the gradebook knows of it."""
    files = {path.name: path.read_bytes() for path in sorted((course.root / "release").rglob("*")) if path.is_file()}
    with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
        cells = sorted((cell.name, cell.max_score) for cell in book.find_notebook("mini-1", "mini").grade_cells)
    return files, cells, sorted(path.name for path in course.root.glob(f"{ASIDE}*"))


def source(course):
    return course.source / "mini-1.py"


def test_points_and_titles_come_from_the_manifest_alone(course):
    assert "points" not in source(course).read_text()
    edit(course.manifest, CHECK, CHECK.replace("points = 2", "points = 0.5") + CHECK.replace("arrays", "more"))
    checks = course.checks / "test_mini_1.py"
    edit(checks, "class TestExercise_1_2:", "    def test_more(self, student, instances):\n        pass\n\n\nclass TestExercise_1_2:")
    build(Course.load(course.root))
    files, cells, _ = state(course)
    made = {grade_id(c): c for c in nbformat.reads(files["mini-1.ipynb"].decode(), as_version=4).cells}
    assert made["grade-1-1"].source == (
        "# Exercise 1.1, 3.5 points. Hidden checks on fresh problems look at:\n"
        "#   numbers (1): random numbers\n#   arrays (0.5): arrays of any shape\n#   more (2): more of any shape"
    )
    assert made["grade-1-1"].metadata.nbgrader.points == 3.5
    assert ("grade-1-1", 3.5) in cells
    assert list(made).index("grade-1-1") == list(made).index("check-1-1") + 1
    assert list(made).index("grade-1-2") == list(made).index("ex-1-2") + 1  # that exercise has no visible check


def test_a_release_is_what_the_template_says(course):
    (path,) = (course.root / "release" / "mini").glob("*.ipynb")
    made = nbformat.read(path, as_version=4)
    meant = template(course, course.notebooks[0])
    assert [(c.source, c.metadata.get("nbgrader")) for c in made.cells] == [(c.source, c.metadata.get("nbgrader")) for c in meant.cells]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda c: edit(source(c), 'assert double(2) == 4', '# BEGIN HIDDEN TESTS\nassert double(2) == 4'), id="leak"),
        pytest.param(lambda c: edit(c.manifest, CHECK, CHECK + CHECK.replace("arrays", "more")), id="check without test"),
        pytest.param(lambda c: edit(c.manifest, 'function = "twice"', 'function = "thrice"'), id="another name than the key"),
        pytest.param(lambda c: (c.visible / "mini_1.py").write_text("from sheaflab import astray"), id="visible checks"),
        pytest.param(lambda c: (c.visible / "mini_1.py").write_text("raise SystemExit"), id="visible checks that end it"),
        pytest.param(lambda c: (c.visible / "mini_1.py").write_text('CHECKS = {"1.9": print}'), id="of no exercise"),
        pytest.param(lambda c: (c.visible / "mini_1.py").write_text("CHECKS = {}"), id="exercises without one"),
    ],
)  # fmt: skip
def test_a_refused_build_leaves_release_and_gradebook_as_they_were(course, spoil):
    before = state(course)
    assert before[1]
    assert before[2] == []
    spoil(course)
    with pytest.raises(ReleaseError, match="not fit to be handed out"):
        build(Course.load(course.root))
    assert state(course) == before


def test_what_is_no_more_in_the_course_is_in_no_release(course):
    release = course.root / "release" / "mini"
    shutil.copy(release / "mini-1.ipynb", release / "mini-9.ipynb")
    (release / "notes.txt").write_text("an older build's")
    shutil.copy(course.source / "mini-1.ipynb", course.source / "mini-9.ipynb")
    (course.root / f"{ASIDE}killed").mkdir()
    build(course)
    files, _, aside = state(course)
    assert (list(files), aside) == (["mini-1.ipynb", "requirements.txt"], [])
    assert [path.name for path in course.source.glob("*.ipynb")] == ["mini-1.ipynb"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"written-1-W", "locked": false', '"written-1-W", "points": 3, "locked": false', "points stand in exercises.toml alone"),
        ('"grade_id": "ex-1-4"', '"grade_id": "ex-1-5"', "mini-1.py must have a cell with grade_id 'ex-1-4', as exercises.toml says"),
        ('"grade_id": "ex-1-4"', '"grade_id": "ex-1-3"', "mini-1.py has two cells with grade_id 'ex-1-3'"),
        ('"grade": false, "grade_id": "check-1-1"', '"grade": true, "grade_id": "check-1-1"', "'check-1-1' has points or is a grade cell"),
    ],
)
def test_a_source_that_says_otherwise_is_refused(course, old, new, message):
    edit(source(course), old, new)
    with pytest.raises(ValueError, match=message):
        convert(course, course.notebooks[0])
