"""The site as files: what is on its pages, for whom they are readable, and what must not be in them."""

from __future__ import annotations

import json
import zipfile

import pytest

from graders.commands.cli import main
from graders.lab.leaks import leaks
from graders.publish.site import landing, quick
from graders.publish.site.edition import Edition
from graders.publish.site.jupyterlite import build_site
from graders.publish.site.locking import LOCK, Lock, sha256
from graders.publish.site.notebooks import explorer, released, version
from graders.publish.site.pyodide import CORE, SiteError
from tests.browser.conftest import COURSE, NOTEBOOKS, STUDENT, served
from tests.browser.lab import browser, findings


@pytest.fixture
def page(tmp_path):
    with browser(tmp_path / "profile") as context:
        yield context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_landing_page_is_accessible(address, page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    assert findings(page) == []


def test_the_landing_page_fits_a_phone(address, page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_feedback_pages_are_accessible(course_root, page):
    for name in NOTEBOOKS:
        page.goto((course_root / "feedback" / STUDENT / COURSE.assignment / f"{name}.html").as_uri())
        assert findings(page) == [], name


def test_the_landing_page_leads_to_every_notebook(site, address, page):
    page.goto(address)
    links = {link.get_attribute("href") for link in page.locator("main a").all()}
    files = [served(site, name) for name in NOTEBOOKS] + ["play.ipynb"]
    assert {*(f"lab/index.html?path={file}" for file in files), "explore.html"} == links
    assert (site / "explore.html").exists()
    assert all((site / "files" / file).exists() for file in files)
    text = page.inner_text("body")
    for spec in COURSE.notebooks:
        assert spec.title in text
    for promise in ("Hand in from the browser", "seconds", "File → Download"):
        assert promise in text
    assert page.locator("#served").is_hidden()


def test_python_is_fetched_while_the_landing_page_is_read(site, address, page):
    fetched = []
    page.on("requestfinished", lambda request: fetched.append(request.url.removeprefix(f"{address}/")))
    python = {path.name: path.relative_to(site).as_posix() for path in (site / "static" / "pyodide").rglob("*")}
    wasm = python["pyodide.asm.wasm"]
    with page.expect_event("requestfinished", lambda request: request.url.endswith(wasm)):
        page.goto(address)
    assert fetched.index("sheaf.png") < fetched.index(wasm)
    wanted = page.evaluate("[...document.querySelectorAll('link[rel=prefetch]')].map((link) => link.getAttribute('href'))")
    assert {python[name] for name in (*CORE, LOCK, *quick.FILES)} <= set(wanted)
    assert all((site / file).exists() for file in wanted)
    assert not [file for file in wanted if "scipy" in file]  # the first figure does without


def test_python_is_compiled_while_the_landing_page_is_read_and_ends(address, page):
    with page.expect_event("worker") as begun:
        page.goto(address)
    assert begun.value.url.endswith("rehearsal.mjs")
    with begun.value.expect_event("close", timeout=180_000):
        pass


def test_where_data_are_dear_the_landing_page_fetches_no_python(address, page):
    page.add_init_script("Object.defineProperty(navigator, 'connection', {value: {saveData: true}})")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert page.locator("link[rel=prefetch]").count() == 0


def test_opened_as_a_file_the_page_says_how_to_serve_it(site, page):
    page.goto((site / "index.html").as_uri())
    assert "python -m http.server" in page.locator("#served").inner_text()


def test_the_self_study_page_speaks_of_no_hand_in(tmp_path, release):
    notebooks = released(release, COURSE)
    landing.write(tmp_path, notebooks, explorer(), COURSE, Edition.SELF_STUDY, offline=True)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Hand in" not in text
    assert "$" not in text


def test_the_landing_page_leads_to_the_explorable(tmp_path, release, page):
    notebooks = released(release, COURSE)
    landing.write(tmp_path, notebooks, explorer(), COURSE, Edition.STUDENT, offline=True)
    page.goto((tmp_path / "index.html").as_uri())
    page.get_by_role("link", name="drag a start").click()
    page.locator("#handle").press("ArrowUp")
    assert "Exact: 4 switches" in page.inner_text("#counts")


def test_nothing_of_the_solutions_or_the_hidden_checks_is_on_the_site(site, tmp_path):
    """Looked for in every text of the site and of the wheel of sheaflab in it."""
    texts = tmp_path / "texts"
    texts.mkdir()
    for number, path in enumerate(sorted(site.rglob("*"))):
        if path.suffix in (".ipynb", ".html", ".json", ".py", ".txt", ".md") and "extensions" not in path.parts:
            (texts / f"{number}-{path.name}").write_bytes(path.read_bytes())
    (wheel,) = (site / "static" / "pyodide").glob("sheaflab-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if not name.startswith("sheaflab")]
    assert any(texts.iterdir())
    assert leaks(COURSE, texts) == []
    assert not list(site.rglob("exercises.toml"))


def test_the_lock_names_what_is_there_and_nothing_else_is(site):
    folder = site / "static" / "pyodide"
    packages = Lock.read(folder / LOCK).packages.values()
    wheels = {entry.file for entry in packages}
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {LOCK, *CORE, *quick.FILES, *wheels}
    for entry in packages:
        assert sha256(folder / entry.file) == entry.sha256, entry.name


def test_a_file_name_changes_with_what_the_notebook_says_and_with_nothing_else(release, tmp_path):
    source = release / f"{NOTEBOOKS[0]}.ipynb"
    notebook = json.loads(source.read_text(encoding="utf-8"))
    notebook["metadata"]["kernelspec"]["name"] = "another"
    for cell in notebook["cells"]:
        cell["id"] += "x"
    same = tmp_path / "same.ipynb"
    same.write_text(json.dumps(notebook), encoding="utf-8")
    assert version(same) == version(source)
    notebook["cells"][0]["source"] += "!"
    same.write_text(json.dumps(notebook), encoding="utf-8")
    assert version(same) != version(source)


def test_a_foreign_folder_is_not_overwritten(tmp_path, release):
    (tmp_path / "thesis.tex").write_text("keep")
    with pytest.raises(SiteError, match="`OUT` must be a new or an empty folder or an older site"):
        build_site(tmp_path, COURSE, release=release)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pyodide", "."], "`--pyodide` must be a folder made by `graders pyodide`"),
        (["--release", "."], "run `graders build` first"),
        (["--course", "/"], "/ is no course directory: it has no source/<assignment>/exercises.toml"),
    ],
)
def test_bad_arguments_are_named(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    where = [] if "--course" in arguments else ["--course", str(COURSE.root)]
    assert main(["site", str(tmp_path / "out"), *arguments, *where]) == 2
    assert message in capsys.readouterr().err
