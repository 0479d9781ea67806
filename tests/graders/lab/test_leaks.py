"""What each artefact may not hold: every cell of the table turns red on a planted violation, and no true artefact is."""

from __future__ import annotations

import html
import json
import shutil
import zipfile

import nbformat
import pytest

from graders.gradebook import nbgrader_api
from graders.lab.leaks import MAY_NOT_HOLD, Artefact, LeakError, Secret, leaks
from graders.lab.manifest import Course
from graders.lab.percent import BEGIN
from graders.publish.release import ReleaseError, build, copy_course
from graders.publish.selfstudy import folder as selfstudy
from graders.publish.site import jupyterlite
from graders.publish.wheel import build_wheel
from tests.graders.conftest import autograde

SOLUTION = """\
    doubled_by_addition = x + x + 0
    doubled_by_product = 2 * x + 0 * doubled_by_addition
    return doubled_by_product + 0 * doubled_by_addition"""
RIGHT = (
    "def double(x):\n    half_of_the_answer = x * np.ones_like(x)\n    return half_of_the_answer + half_of_the_answer\n"
)
WRONG = "def double(x):\n    square_of_the_input = x * x * np.ones_like(x)\n    return square_of_the_input + 0 * x  # for x = 2 it is\n"
REASON = "Twice a number is the number added to itself, whatever its sign."
BANK = f"""
[[exercise]]
id = "1.1"
[[exercise.right]]
style = "a sum"
code = '''
{RIGHT}'''
[[exercise.wrong]]
check = "numbers"
misconception = "the square, not the double"
code = '''
{WRONG}'''
[[exercise.wrong]]
check = "arrays"
misconception = "an edit of the key"
edit = ["    return doubled_by_product + 0", "    return doubled_by_product[0] + 1"]
"""
EDITED = "return doubled_by_product[0] + 1 * doubled_by_addition"


@pytest.fixture(scope="module")
def course(mini, one_secret, tmp_path_factory):
    """The small course with a bank, reasons, a secret, and answers of several lines."""
    made = copy_course(mini, tmp_path_factory.mktemp("leaks") / "course")
    source = made.source / "mini-1.py"
    text = source.read_text()
    line = "    return 2 * x + 0 * x  # instructor's version of it"
    assert line in text
    source.write_text(text.replace(line, SOLUTION))
    made.bank.mkdir(parents=True)
    (made.bank / "mini-1.toml").write_text(BANK)
    ids = [exercise.id for exercise in made.exercises()]
    (made.bank / "reasons.toml").write_text("".join(f'"{number}" = "{REASON}"\n' for number in ids))
    assert made.secret
    return made


@pytest.fixture(scope="module")
def release(course):
    return build(course)


def build_site(course, out):
    """The site, but for what comes from the network and from JupyterLite itself."""

    def copied(lite):
        shutil.copytree(lite / "files", lite.parent / "out" / "files")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jupyterlite, "download_wheels", lambda folder: [])
        patch.setattr(jupyterlite, "_online", put_wheels)
        patch.setattr(jupyterlite, "_jupyter_lite", copied)
        patch.setattr(jupyterlite, "_configure", lambda *_: None)
        jupyterlite.build_site(out, course, say=lambda _: None)
    return out


def put_wheels(lite, wheels, scratch, say):
    (lite / "static").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, lite / "static")
    return {}


@pytest.fixture(scope="module")
def true(course, release, tmp_path_factory):
    """Every artefact but the feedback, as it goes out."""
    out = tmp_path_factory.mktemp("artefacts")
    (course.root / "hand-in-from-the-browser.md").write_text("# Hand in\n")
    return {
        Artefact.RELEASE: release,
        Artefact.WHEEL: build_wheel(out / "wheel"),
        Artefact.SITE: build_site(course, out / "site"),
        Artefact.SELF_STUDY: selfstudy.build(course, out / "study", pages=False)[1],
    }


@pytest.fixture(scope="module")
def feedback(course, release):
    """The feedback on what was handed in as it was released."""
    shutil.copytree(release, course.root / "submitted" / "ada" / course.assignment)
    autograde(course, "ada")
    nbgrader_api.feedback(course, "ada")
    return course.root / "feedback" / "ada"


def violations(course):
    """Texts that hold what is kept back, by kind; of several ways the least conspicuous."""
    return {
        Secret.CHECKS: ['        for x in instances.rng("numbers").uniform(0.5, 2.0, 3) * [1, -1, 1]:  # both signs, whatever the secret', course.checks_of(course.notebooks[0]).read_text()],
        Secret.SOLUTIONS: [SOLUTION],
        Secret.RIGHT: [RIGHT],
        Secret.WRONG: [WRONG, BANK, SOLUTION.rpartition("\n")[0] + "\n    " + EDITED],
        Secret.REASONS: [REASON, f"# {REASON}\n{REASON}"],
        Secret.MARKERS: [f"    {BEGIN}\n"],
        Secret.COURSE: [f"a word {course.secret.decode()} in a line"],
    }  # fmt: skip


def in_cell(path, text):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source += "\n" + text
    nbformat.write(notebook, path)


def in_output(path, text):
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text=text)]
    nbformat.write(notebook, path)


def in_metadata(path, text):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata["note"] = text
    nbformat.write(notebook, path)


def in_file(path, text):
    path.write_text(text)


def in_json(path, text):
    path.write_text(json.dumps({"content": [{"source": text}]}))


def in_page(path, text):
    """Each word is marked, as highlighted code is."""
    marked = [" ".join(f"<span>{html.escape(word)}</span>" for word in line.split(" ")) for line in text.split("\n")]
    before = path.read_text() if path.exists() else "<html><body></body></html>"
    lines = "\n".join(marked)
    assert "</body>" in before
    path.write_text(before.replace("</body>", f"<pre>{lines}</pre></body>"))


def in_archive(path, name, text):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, text)


def in_inner_wheel(path, text):
    inner = path.with_name("inner.whl")
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if "sheaflab_selfstudy-" in name)
        inner.write_bytes(archive.read(name))
    in_archive(inner, "graders/more.py", text)
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(inner, "study/more/sheaflab_selfstudy-2.whl")


# Where each artefact might hold a text by mistake.
PLACES = {
    Artefact.RELEASE: {
        "cell": lambda path, text: in_cell(path / "mini-1.ipynb", text),
        "output": lambda path, text: in_output(path / "mini-1.ipynb", text),
        "metadata": lambda path, text: in_metadata(path / "mini-1.ipynb", text),
        "file beside": lambda path, text: in_file(path / "notes.txt", text),
    },
    Artefact.WHEEL: {
        "module": lambda path, text: in_archive(path, "sheaflab/checks/more.py", text),
        "data": lambda path, text: in_archive(path, "sheaflab/checks/more.json", json.dumps({"text": text})),
    },
    Artefact.SITE: {
        "wheel": lambda path, text: in_archive(next((path / "static").glob("sheaflab-*.whl")), "sheaflab/more.py", text),
        "notebook": lambda path, text: in_cell(next((path / "files").rglob("*.ipynb")), text),
        "page": lambda path, text: in_page(path / "more.html", text),
        "data": lambda path, text: in_json(path / "all.json", text),
    },
    Artefact.SELF_STUDY: {
        "wheel": in_inner_wheel,
        "file": lambda path, text: in_archive(path, "study/notes.md", text),
    },
    Artefact.FEEDBACK: {"page": lambda path, text: in_page(next(path.rglob("*.html")), text)},
}


CELLS = [
    pytest.param(artefact, kind, place, id=f"{artefact.name}-{kind.name}-{place}".lower())
    for artefact in Artefact
    if artefact is not Artefact.FEEDBACK
    for kind in Secret
    for place in PLACES[artefact]
]


def name_of(part):
    return part.name.lower()


def cell_test(course, artefact, kind, path, tmp_path, place):
    for number, text in enumerate(violations(course)[kind]):
        copy = tmp_path / str(number) / path.name
        copy.parent.mkdir()
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copy(path, copy)
        PLACES[artefact][place](copy, text)
        named = [entry for entry in leaks(course, copy, artefact) if f": {kind.value}" in entry]
        assert bool(named) is (kind in MAY_NOT_HOLD[artefact]), (text, named)


def test_the_table_has_a_row_for_every_artefact_and_a_violation_for_every_kind(course):
    assert set(MAY_NOT_HOLD) == set(Artefact)
    assert set(violations(course)) == set(Secret)
    assert all(violations(course).values())
    assert set(PLACES) == set(Artefact)
    assert all(PLACES.values())
    assert set(Secret) - MAY_NOT_HOLD[Artefact.SELF_STUDY] == {
        Secret.CHECKS, Secret.SOLUTIONS, Secret.RIGHT, Secret.REASONS, Secret.MARKERS,
    }  # fmt: skip
    assert all(MAY_NOT_HOLD[artefact] == set(Secret) for artefact in set(Artefact) - {Artefact.SELF_STUDY})


@pytest.mark.parametrize("artefact", [a for a in Artefact if a is not Artefact.FEEDBACK], ids=name_of)
@pytest.mark.slow
def test_what_goes_out_holds_nothing_that_is_kept_back(course, true, artefact):
    assert leaks(course, true[artefact], artefact) == []


@pytest.mark.parametrize(("artefact", "kind", "place"), CELLS)
@pytest.mark.slow
def test_a_planted_violation_is_found(course, true, tmp_path, artefact, kind, place):
    cell_test(course, artefact, kind, true[artefact], tmp_path, place)


@pytest.mark.slow
@pytest.mark.parametrize("kind", Secret, ids=name_of)
def test_the_feedback_on_an_empty_submission(course, feedback, tmp_path, kind):
    assert leaks(course, feedback, Artefact.FEEDBACK) == []
    cell_test(course, Artefact.FEEDBACK, kind, feedback, tmp_path, "page")


@pytest.mark.slow
def test_the_guard_stands_before_each_way_out(course, release, tmp_path):
    """Not only the scanner: the commands that write a release, a site and the edition refuse, and leave nothing behind."""
    made = copy_course(course, tmp_path / "course")
    shutil.copy(course.root / ".secret", made.root)
    source = made.source / "mini-1.py"
    clean = source.read_text()
    line = WRONG.splitlines()[1].strip()
    source.write_text(clean.replace("assert double(2) == 4", f"if False:\n    {line}\nassert double(2) == 4"))
    with pytest.raises(ReleaseError, match="planted wrong answer"):
        build(made)
    with pytest.raises(LeakError, match=r"(?s)the self-study edition must not go out.*planted wrong answer"):
        selfstudy.build(made, tmp_path / "study", pages=False)
    assert not (tmp_path / "study").exists()
    source.write_text(clean)
    (made.root / "hand-in-from-the-browser.md").write_text(f"# Hand in\n\n{course.secret.decode()}\n")
    shutil.copytree(release, made.root / "release" / made.assignment, dirs_exist_ok=True)
    with pytest.raises(LeakError, match=r"(?s)the student's site must not go out.*index.html: the course secret"):
        build_site(made, tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.slow
def test_our_own_course_and_library_hold_nothing(tmp_path):
    """The library computes what the answers compute, and must still not hold one."""
    from tests.test_architecture import ROOT

    ours = Course.load(ROOT / "course")
    wheel = build_wheel(tmp_path)
    assert leaks(ours, wheel, Artefact.WHEEL) == []
    for file in (*ours.bank.glob("*.toml"), *ours.checks.glob("*.py"), *ours.source.glob("*.py")):
        copy = shutil.copy(wheel, tmp_path / f"sheaflab-{file.stem}.whl")
        in_archive(copy, "sheaflab/more.py", file.read_text())
        assert leaks(ours, copy, Artefact.WHEEL), file
