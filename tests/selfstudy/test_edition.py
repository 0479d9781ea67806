"""The self-study edition: what is in it, and the commands with it, from a terminal and from a notebook."""

from __future__ import annotations

import builtins
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest

import sheaflab
from graders.lab.percent import convert
from graders.publish.key_pages import mathjax, page
from graders.publish.selfstudy.keys import for_readers, keys
from sheaflab.checks.messages import read_rows
from sheaflab.cli import main
from sheaflab.explorable import page as explorable
from sheaflab.study import notebook
from sheaflab.study.catalogue import catalogue

pytestmark = pytest.mark.slow

SAMPLE = "1.1", "2.1"


@pytest.fixture
def folder(pack, tmp_path, secret, monkeypatch):
    """The folder that `sheaflab start` makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sheaflab.study.edition._edition", lambda lab: pack)
    monkeypatch.setattr(notebook, "_KEPT", [])
    assert main(["start"]) == 0
    monkeypatch.chdir(tmp_path / "lab09")
    return tmp_path / "lab09"


def fill(folder, exercise, source):
    task = catalogue().find(exercise)
    path = folder / f"{task.notebook}.ipynb"
    data = nbformat.read(path, as_version=4)
    next(c for c in data.cells if c.metadata.get("nbgrader", {}).get("grade_id") == task.solution_cell).source = source
    nbformat.write(data, path)


def test_every_exercise_has_a_key_with_reasons(course):
    found = keys(course)
    for exercise in course.exercises():
        key = found[exercise.id]
        assert len(key["reasoning"]) > 80
        compile(key["code"], exercise.id, "exec")
        assert "SOLUTION" not in key["code"]
        assert key["alternatives"]
        assert key["mistakes"]
        assert all(check for _, check in key["mistakes"])


def test_keys_speak_to_the_reader_and_not_to_who_gives_points(course):
    found = keys(course)
    grading = re.compile(r"rubric|\bpoints?:|student|^### |graders", re.IGNORECASE | re.MULTILINE)
    written = [found[w.id]["code"] for spec in course.notebooks for w in spec.written]
    assert len(written) == 5
    for code in written:
        assert "\n**Hold yours against it.** What a good answer has:\n\n* " in code
    for name, key in found.items():
        texts = [key["code"], key["reasoning"], *(what for what, _ in key["mistakes"])]
        assert (name, [grading.findall(text) for text in texts if grading.search(text)]) == (name, [])
    spec = course.notebook("lab09-3")
    solved = convert(course, spec)
    page = "\n".join(cell.source for cell in for_readers(solved).cells)
    assert "What a good answer has" in page
    assert not re.search(r"Rubric|\d points?\b|Hidden checks on fresh problems look at", page)



def test_the_folder_and_the_zip_hold_the_same(made):
    folder, archive = made
    with zipfile.ZipFile(archive) as file:
        inside = {name for name in file.namelist() if not name.endswith("/")}
    there = {f"{folder.name}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}
    assert inside == there
    readme = (folder / "README.md").read_text(encoding="utf-8")
    wheels = [wheel.name for wheel in (folder / "wheels").iterdir()]
    assert len(wheels) == 2
    assert [name for name in wheels if f"wheels/{name}" not in readme] == []


def test_the_folder_has_the_explorable_and_its_readme_begins_with_it(made):
    folder, _ = made
    assert (folder / "explore.html").read_text(encoding="utf-8") == explorable.page()
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert 0 < readme.index("explore.html") < readme.index("pip install")


def test_the_readme_tells_words_and_where_the_named_texts_are(made):
    readme = (made[0] / "README.md").read_text(encoding="utf-8")
    words = {word for row in re.findall(r"^\| ([^|]+) \| [^|]+ \|$", readme, re.MULTILINE) for word in re.findall(r"\w+", row)}
    wanted = {"sheaf", "cellular", "cochain", "coboundary", "Dirichlet", "harmonic", "pattern", "wall", "switch", "sliding"}
    assert wanted <= words, wanted - words
    for name in ("<https://arxiv.org/abs/2603.14831>", "Theorem 9.4", "Definition 9.1", "*How Exact works*"):
        assert name in readme


def test_the_pack_does_not_carry_the_staffs_gradebook(made):
    with zipfile.ZipFile(next((made[0] / "wheels").glob("sheaflab_selfstudy-*.whl"))) as file:
        names = file.namelist()
    assert {name.split("/")[0] for name in names} == {"graders", f"sheaflab_selfstudy-{sheaflab.__version__}.dist-info"}
    assert not [name for name in names if "/gradebook/" in name or name.endswith((".toml", ".db"))]


def test_the_pages_of_solutions_load_nothing_from_elsewhere():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("$x$")])
    html = page(notebook, "the key")
    assert "mathjax/tex-svg-full.js" in html
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="http', html)
    assert mathjax().is_file()


def test_a_figure_on_a_page_has_its_titles_as_its_text():
    drawn = "ax.set(title='One \"of\" two')\nplot_energy_decay(b)\nc.set_title(f'width {w}')\nd.set(title=f'{w}')"
    picture = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c, outputs=[picture]) for c in (drawn, "plt.show()")])
    texts = re.findall(r'<img[^>]*alt="([^"]*)"', page(notebook, "key"))
    assert texts == ["Figure: One &quot;of&quot; two; energy decay; width …", "figure drawn by this cell"]


def test_start_leaves_what_is_there(folder, capsys):
    fill(folder, "1.1", "mine = 1")
    capsys.readouterr()
    assert main(["start", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}: 0 notebooks written, 7 left as they were\n")
    assert "mine = 1" in (folder / "lab09-1.ipynb").read_text(encoding="utf-8")
    assert main(["start", str(folder / "lab09-1.ipynb")]) == 2
    assert "is a file; name another" in capsys.readouterr().err


@pytest.mark.parametrize("exercise", SAMPLE)
def test_a_key_passes_all_checks_in_the_sandbox(folder, pack, capsys, exercise):
    task = catalogue().find(exercise)
    for earlier in catalogue().exercises:
        if earlier.notebook == task.notebook:
            fill(folder, earlier.id, pack.solution(earlier.id).code)
    capsys.readouterr()
    assert main(["check", exercise]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert out.count("✓") == 1 + len(task.checks)
    assert f"  ✓ {task.checks[0][0]}: {task.checks[0][1]}\n" in out


def test_a_plausible_slip_fails_on_fresh_problems_only(folder, capsys):
    fill(
        folder,
        "1.2",
        "def restricted_coboundary(w2, pattern):\n    k, h = w2.shape\n    d = np.eye(h + k)\n    d[h:, :h] = -np.round(w2) * pattern\n    return d\n",
    )
    capsys.readouterr()
    assert main(["check", "1.2", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["visible"] == ""
    failing = {outcome["name"] for outcome in found["fresh"] if not outcome["passed"]}
    assert {"sign", "mask"} <= failing
    assert all("call:" in o["message"] and "hint:" in o["message"] for o in found["fresh"] if not o["passed"])


def test_the_same_problems_again(folder, capsys):
    fill(
        folder,
        "1.2",
        "def restricted_coboundary(w2, pattern):\n    k, h = w2.shape\n    d = np.eye(h + k)\n    d[h:, :h] = -np.round(w2) * pattern\n    return d\n",
    )
    said = []
    for arguments in (["check", "1.2"], ["check", "1.2", "--again"], ["check", "1.2"]):
        capsys.readouterr()
        main(arguments)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_without_a_sandbox_the_check_runs_in_this_process(folder, pack, capsys, monkeypatch):
    monkeypatch.setattr(type(pack), "check_apart", lambda *_: None)
    fill(folder, "1.1", "def activation_pattern(z):\n    return z > 0\n")
    capsys.readouterr()
    assert main(["check", "1.1"]) == 0
    out = capsys.readouterr().out
    assert "✓ fresh_values" in out


def test_without_a_sandbox_an_endless_loop_is_stopped_all_the_same(folder, pack, capsys, monkeypatch):
    monkeypatch.setattr(type(pack), "check_apart", lambda *_: None)
    fill(folder, "1.1", "def activation_pattern(z):\n    while len(z) == 9:\n        pass\n    return z > 0\n")
    capsys.readouterr()
    assert main(["check", "1.1", "--limit", "0.5"]) == 1
    assert "stopped after 0.5 s\n    line " in capsys.readouterr().out


def test_in_the_sandbox_too_an_endless_loop_is_told_with_the_call_and_the_line(folder, capsys):
    soon = "import sheaflab.checks.cpu\nsheaflab.checks.cpu.CALL_SECONDS = 0.2\n"
    fill(folder, "1.1", soon + "def activation_pattern(z):\n    while True:\n        pass\n")
    capsys.readouterr()
    assert main(["check", "1.1"]) == 1
    out = capsys.readouterr().out
    assert "\n  timed out\n    call:     activation_pattern(np.array([0.5, -1.0, 2.0]))\n" in out, out
    assert re.search(r"\n    line [45]:   (while True:|pass)\n    next:     look for a loop that never ends", out), out


def test_a_damaged_notebook_is_put_back_whole(folder, capsys):
    name = catalogue().notebooks[0].name
    path = folder / f"{name}.ipynb"
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    assert main(["check", "1.1"]) == 2
    assert "`sheaflab reset 1.1` keeps this file under another name" in capsys.readouterr().err
    assert main(["reset", "1.1"]) == 0
    assert f"{name} is a fresh notebook now, all its exercises empty" in capsys.readouterr().out
    assert path.read_bytes() == whole
    assert (folder / f"{name}.before-reset-1.ipynb").read_bytes() == whole[:3000]


def test_solution_asks_first(folder, capsys, monkeypatch):
    capsys.readouterr()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert main(["solution", "1.1"]) == 2
    assert "there is no one to ask; add --yes" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr(builtins, "input", lambda text: asked.append(text) or "n")
    assert main(["solution", "1.1"]) == 1
    told = "1.1 (the activation pattern). 3 hints left: `sheaflab hint 1.1`. Show the solution? [y/N] "
    assert asked == [told]
    assert capsys.readouterr().out == "Not shown.\n"
    monkeypatch.setattr(builtins, "input", lambda _: "y")
    assert main(["solution", "1.1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1.1 the activation pattern\n\ndef activation_pattern(")
    for heading in ("\nWhy\n", "\nAlso right\n", "\nCommon mistakes, and the check that finds them\n"):
        assert heading in out
    assert main(["solution", "3.W", "--yes"]) == 0
    assert "What a good answer has" in capsys.readouterr().out


def test_what_failed_in_a_terminal_is_met_again_in_a_notebook(folder, capsys, monkeypatch):
    monkeypatch.setattr(sheaflab.checks, "failed", {})
    slip = "import numpy as np\ndef restricted_coboundary(w2, pattern):\n    k, h = w2.shape\n    d = np.eye(h + k)\n    d[h:, :h] = -np.round(w2) * pattern\n    return d\n"
    fill(folder, "1.2", slip)
    capsys.readouterr()
    assert main(["check", "1.2", "--json"]) == 1
    (report,) = json.loads(capsys.readouterr().out)
    names = {}
    exec(slip, names)
    with pytest.raises(ValueError, match=r"a terminal has found is not known here: .*check\(\"1\.2\", again=True\)"):
        sheaflab.problem("1.2")
    sheaflab.check("1.2", names["restricted_coboundary"], again=True)
    message = next(outcome["message"] for outcome in report["fresh"] if not outcome["passed"])
    problem = sheaflab.problem("1.2")
    assert problem.given
    assert problem.given == read_rows(message)["given"]


def test_after_the_last_hint_comes_the_solution(folder, capsys):
    said = []
    for _ in range(4):
        capsys.readouterr()
        assert main(["hint", "1.1"]) == 0
        said.append("`sheaflab solution 1.1` shows the key" in capsys.readouterr().out)
    assert said == [False, False, True, True]


def test_of_a_written_answer_nobody_says_that_a_person_reads_it(folder, capsys):
    capsys.readouterr()
    for command in ("check", "hint", "reset"):
        assert main([command, "3.W"]) == 2
        told = capsys.readouterr().err
        assert told.endswith("that is you, and `sheaflab solution 3.W` shows what a good answer has\n")
    assert main(["list"]) == 0
    assert capsys.readouterr().out.endswith("   – written: compare it with `sheaflab solution`\n")


def test_from_a_notebook(folder, capsys, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the shell puts its own there, and leaves it
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("import sheaflab\nimport numpy as np", store_history=True)
        shell.run_cell("def activation_pattern(z):\n    return z > 0", store_history=True)
        capsys.readouterr()
        assert shell.run_cell("sheaflab.check('1.1')").success
        assert "✓ strict_at_zero" in capsys.readouterr().out
        slip = "import numpy as np\ndef restricted_coboundary(w2, pattern):\n    k, h = w2.shape\n    d = np.eye(h + k)\n    d[h:, :h] = -np.round(w2) * pattern\n    return d"
        shell.run_cell(slip, store_history=True)
        shell.run_cell("sheaflab.check('1.2')")  # right in the visible check
        capsys.readouterr()
        shell.run_cell("problem = sheaflab.problem('1.2')\nresult = restricted_coboundary(**problem)")
        problem, result = shell.user_ns["problem"], shell.user_ns["result"]
        assert list(problem) == ["w2", "pattern"]
        assert not np.array_equal(problem["w2"], np.round(problem["w2"]))  # fresh numbers
        assert len(result) == sum(problem["w2"].shape)
        assert shell.run_cell("sheaflab.solution('1.1')").success
        assert 'sheaflab.solution("1.1", sure=True)' in capsys.readouterr().out
        assert shell.run_cell("sheaflab.solution('1.1', sure=True)").success
        assert "\nWhy\n" in capsys.readouterr().out
        # `own_work` reads the cell that was run: one that leans on the library is seen through
        shell.run_cell(
            "from sheaflab import Sheaf\ndef dirichlet_energy(net, x, c):\n    return Sheaf(net, x).energy(c)",
            store_history=True,
        )
        assert shell.run_cell("sheaflab.check('1.3')").success
        assert "✗ own_work" in capsys.readouterr().out
    finally:
        InteractiveShell.clear_instance()


def test_from_the_zip_to_the_first_solved_exercise_with_the_network_off(made, tmp_path, secret):
    """In an environment of its own that has the two wheels and the packages they name, nothing of this checkout."""
    _, archive = made
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    home = tmp_path / "sheaflab-self-study"
    site = tmp_path / "site"
    site.mkdir()
    for wheel in (home / "wheels").iterdir():  # what pip does with a pure wheel
        with zipfile.ZipFile(wheel) as file:
            file.extractall(site)
    script = f"""
import json, sys, socket, pathlib
sys.path.insert(0, {str(site)!r})
def refuse(*_): raise OSError("the network is off")
socket.create_connection = socket.getaddrinfo = refuse
import sheaflab
assert sheaflab.__file__.startswith({str(site)!r}), sheaflab.__file__
from sheaflab.cli import main
path = pathlib.Path("lab09-1.ipynb")
data = json.loads(path.read_text())
for cell in data["cells"]:
    if cell["metadata"].get("nbgrader", {{}}).get("grade_id") == "ex-1-1":
        source = "".join(cell["source"])
        cell["source"] = source[: source.index("raise NotImplementedError")] + "return z > 0\\n"
path.write_text(json.dumps(data))
sys.exit(main(["check", "1.1"]) or main(["progress"]))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=home / "notebooks", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ strict_at_zero" in done.stdout
    assert "1 of 25 exercises solved" in done.stdout
    assert "without a sandbox" not in done.stdout  # all that the sandbox needs is in the wheel
    assert Path(home / "notebooks" / "sheaflab-progress.json").is_file()
