"""In every edition that runs outside a browser a right answer passes, and a wrong one fails with its message.

The editions in the browser are in `tests/browser/test_editions.py`.
"""

from __future__ import annotations

import json
import linecache
import os
import re
import subprocess
import sys
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from graders.checking import local
from graders.lab.percent import grade_id, template
from sheaflab.study.catalogue import catalogue
from tests.draws import on_path
from tests.selfstudy.solving import (
    FRESH,
    FRESH_TOLD,
    RAISES,
    RAISES_TOLD,
    RIGHT,
    UNWRITTEN_TOLD,
    WRONG,
    WRONG_TOLD,
    indented,
    marks,
)
from tests.without_posix import COMMANDS, without_posix

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FIRST = "lab09-1"
ALL_GOOD = ["✓", "✓", "✓"]  # the exercise and its two checks on fresh problems


@pytest.fixture(scope="session")
def unpacked(made, tmp_path_factory):
    """The self-study zip, unpacked."""
    folder = tmp_path_factory.mktemp("zip")
    with zipfile.ZipFile(made[1]) as file:
        file.extractall(folder)
    return folder / "sheaflab-self-study"


@pytest.fixture(scope="session")
def installed(unpacked, tmp_path_factory):
    """A fresh environment in which pip has installed the zip's wheels; the packages they need are borrowed."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=os.name != "nt")
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    wheels = [str(path) for path in (unpacked / "wheels").iterdir()]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, *wheels], check=True, env=bare())
    (site,) = home.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")) + "\n")
    where = "import sheaflab, graders; print(sheaflab.__file__); print(graders.__file__)"
    found = subprocess.run([python, "-c", where], check=True, env=bare(), cwd=home, capture_output=True, text=True)
    assert all(Path(line).is_relative_to(site) for line in found.stdout.split()), found.stdout
    return python


def bare():
    """An environment that does not know this checkout."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    return {**kept, "PYTHONPATH": on_path()}


def run_notebook(notebook, folder, *, python=sys.executable, env=None):
    """Run a notebook in a real kernel of that Python; errors stay in its outputs."""
    kernel = folder / "kernels" / "reader"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "language": "python", "display_name": "a reader's"}))
    path = folder / f"{FIRST}.ipynb"
    nbformat.write(notebook, path)
    command = ["nbconvert", "--to=notebook", "--execute", "--allow-errors", "--inplace", path.name]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--ExecutePreprocessor.kernel_name=reader"],
        cwd=folder, env={**(env or os.environ), "JUPYTER_PATH": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return nbformat.read(path, as_version=4)


def filled(notebook, answers):
    """A notebook with answers in it, by exercise."""
    for cell in notebook.cells:
        exercise = grade_id(cell).removeprefix("ex-").replace("-", ".")
        if grade_id(cell).startswith("ex-") and exercise in answers:
            cell.source = answers[exercise]
    return notebook


def outputs(notebook, name):
    return next(cell.outputs for cell in notebook.cells if grade_id(cell) == name)


def printed(notebook, name):
    """What a cell printed, and nothing else came out of it; a busy kernel sends it in parts."""
    said = outputs(notebook, name)
    assert {output.get("name") for output in said} == {"stdout"}, said
    return "".join(output["text"] for output in said)


@pytest.fixture(scope="session")
def keys(pack):
    return {task.id: pack.solution(task.id).code for task in catalogue().exercises}


# -- notebook, student edition -----------------------------------------------------------------------------------------
def test_in_a_notebook_right_answers_pass(course, keys, tmp_path):
    spec = course.notebook(FIRST)
    ran = run_notebook(filled(template(course, spec), keys), tmp_path, env={**os.environ, "PYTHONPATH": on_path(ROOT)})
    for exercise in spec.exercises:
        said = printed(ran, f"check-{exercise.slug}")
        told = f"Exercise {exercise.id}: the visible checks pass. Go on with the next cell: it is about fresh problems.\n"
        assert said == told
    done = subprocess.run(  # from any terminal, with nothing checked there
        [sys.executable, "-m", "sheaflab", "progress", "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": on_path(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["solved"] == [exercise.id for exercise in spec.exercises]


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [(WRONG, "CheckFailed", WRONG_TOLD), (RAISES, "CheckFailed", RAISES_TOLD), (None, "NotWritten", UNWRITTEN_TOLD)],
    ids=["wrong", "raises", "unwritten"],
)
def test_in_a_notebook_a_failure_is_its_message_alone(course, tmp_path, answer, kind, told):
    notebook = filled(template(course, course.notebook(FIRST)), {"1.1": answer} if answer else {})
    ran = run_notebook(notebook, tmp_path, env={**os.environ, "PYTHONPATH": on_path(ROOT)})
    (said,) = outputs(ran, "check-1-1")
    assert (said.output_type, said.ename) == ("error", kind)
    assert said.traceback == f"Exercise 1.1: {told}".split("\n")


# -- notebook, self-study edition, from its zip --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "expected", "told"),
    [
        (RIGHT, ALL_GOOD, ""),
        (WRONG, ["✗"], indented(WRONG_TOLD, 2)),
        (RAISES, ["✗"], indented(RAISES_TOLD, 2)),
        (FRESH, ["✗", "✗", "✓"], FRESH_TOLD),
        (None, ["·"], "nothing written yet"),
    ],
    ids=["right", "wrong", "raises", "raises-on-fresh", "unwritten"],
)
def test_in_a_notebook_of_the_zip(unpacked, installed, tmp_path, answer, expected, told, one_secret):
    notebook = nbformat.read(unpacked / "notebooks" / f"{FIRST}.ipynb", as_version=4)
    ran = run_notebook(filled(notebook, {"1.1": answer} if answer else {}), tmp_path, python=installed, env=bare())
    said = printed(ran, "grade-1-1")
    assert marks(said) == expected
    assert re.search(told if isinstance(told, re.Pattern) else re.escape(told), said), said


# -- terminal ------------------------------------------------------------------------------------------------------------
def in_terminal(python, folder, answer, *, env, notebook):
    nbformat.write(filled(notebook, {"1.1": answer} if answer else {}), folder / f"{FIRST}.ipynb")
    command = (
        [str(python), "-m", "sheaflab.cli"] if python == sys.executable else [str(Path(python).with_name("sheaflab"))]
    )
    done = subprocess.run(
        [*command, "check", "1.1"],
        cwd=folder, env={**env, "PYTHONIOENCODING": "utf-8"}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("answer", "status", "expected", "told"),
    [
        (RIGHT, 0, ["✓"], "the visible checks pass; the cell below the check lists what the hidden checks look at"),
        (WRONG, 1, ["✗"], indented(WRONG_TOLD, 2)),
        (RAISES, 1, ["✗"], indented(RAISES_TOLD, 2)),
        (None, 1, ["·"], "nothing written yet"),
    ],
    ids=["right", "wrong", "raises", "unwritten"],
)
def test_in_a_terminal(course, tmp_path, answer, status, expected, told, one_secret):
    env = {**os.environ, "PYTHONPATH": on_path(ROOT)}
    found, out = in_terminal(
        sys.executable, tmp_path, answer, env=env, notebook=template(course, course.notebook(FIRST))
    )
    assert (found, marks(out), told in out) == (status, expected, True), out


@pytest.mark.parametrize(
    ("answer", "status", "expected", "told"),
    [
        (RIGHT, 0, ALL_GOOD, ""),
        (WRONG, 1, ["✗"], indented(WRONG_TOLD, 2)),
        (RAISES, 1, ["✗"], indented(RAISES_TOLD, 2)),
        (FRESH, 1, ["✗", "✗", "✓"], FRESH_TOLD),
        (None, 1, ["·"], "nothing written yet"),
    ],
    ids=["right", "wrong", "raises", "raises-on-fresh", "unwritten"],
)
def test_in_a_terminal_with_the_zip_installed(unpacked, installed, tmp_path, answer, status, expected, told, one_secret):
    notebook = nbformat.read(unpacked / "notebooks" / f"{FIRST}.ipynb", as_version=4)
    found, out = in_terminal(installed, tmp_path, answer, env=bare(), notebook=notebook)
    assert (found, marks(out)) == (status, expected), out
    assert re.search(told if isinstance(told, re.Pattern) else re.escape(told), out), out


# -- a machine that is not POSIX -----------------------------------------------------------------------------------------
def test_without_posix_every_key_passes_from_the_terminal(unpacked, installed, keys, tmp_path, one_secret):
    for path in (unpacked / "notebooks").glob("*.ipynb"):
        nbformat.write(filled(nbformat.read(path, as_version=4), keys), tmp_path / path.name)
    status, out = without_posix(
        installed, tmp_path, COMMANDS + "    print(json.dumps(say('check', '--json')))", env=bare()
    )
    reports = json.loads(out)
    assert {r["exercise"] for r in reports} == set(keys)
    assert [r for r in reports if not r["passed"] or not r["fresh"]] == []
    assert all(outcome["passed"] for report in reports for outcome in report["fresh"])
    assert {r["note"] for r in reports} == {""}
    assert status == 0


@pytest.mark.parametrize(
    ("answer", "expected", "told"),
    [
        (RIGHT, ALL_GOOD, ""),
        (WRONG, ["✗"], WRONG_TOLD),
        (RAISES, ["✗"], RAISES_TOLD),
        (FRESH, ["✗", "✗", "✓"], FRESH_TOLD),
    ],
    ids=["right", "wrong", "raises", "raises-on-fresh"],
)
def test_without_posix_the_whole_way(unpacked, installed, tmp_path, answer, expected, told, one_secret):
    """Start, check, hint, solution, progress, reset, and the same check as a notebook makes it."""
    script = f"""
    said = {{"start": say("start", "work")}}
    os.chdir("work")
    import pathlib
    path = pathlib.Path("{FIRST}.ipynb")
    data = json.loads(path.read_text(encoding="utf-8"))
    for cell in data["cells"]:
        if cell["metadata"].get("nbgrader", {{}}).get("grade_id") == "ex-1-1":
            cell["source"] = {answer!r}
    path.write_text(json.dumps(data), encoding="utf-8")
    for command in (["check", "1.1"], ["list"], ["hint", "1.1"], ["solution", "1.1", "--yes"], ["progress"], ["reset", "1.1", "--yes"]):
        said[command[0]] = say(*command)
    import linecache, sheaflab
    linecache.cache["<cell>"] = (1, None, {answer.splitlines(keepends=True)!r}, "<cell>")
    exec(compile({answer!r}, "<cell>", "exec"), globals())
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        sheaflab.check("1.1")
    said["in process"] = 0, out.getvalue()
    print(json.dumps(said))
    """
    said = without_posix(installed, tmp_path, COMMANDS + script, env=bare())
    good = expected == ALL_GOOD
    assert {command: status for command, (status, _) in said.items() if status} == ({} if good else {"check": 1})
    for way in ("check", "in process"):
        report = said[way][1]
        assert marks(report) == expected, report
        plain = re.sub(r"^  ", "", report, flags=re.MULTILINE)
        assert re.search(told if isinstance(told, re.Pattern) else re.escape(told), plain), report
    assert f"{int(good)} of 25 exercises solved" in said["progress"][1]


def test_what_is_taken_away_is_gone(tmp_path):
    """Or the tests above would prove nothing."""
    script = """
    import json
    gone = []
    for name in ("resource", "fcntl", "pwd"):
        try:
            __import__(name)
        except ImportError:
            gone.append(name)
    gone += [name for name in ("SIGALRM", "SIGPROF", "setitimer") if not hasattr(signal, name)]
    gone += ["fork"] * (not hasattr(os, "fork"))
    print(json.dumps(gone))
    """
    assert len(without_posix(sys.executable, tmp_path, script, env=dict(os.environ))) == 7


def test_an_endless_loop_is_stopped_where_there_are_timers_and_its_line_is_shown(pack, one_secret, monkeypatch):
    monkeypatch.setattr(local, "Limits", lambda: SimpleNamespace(call_cpu=0.1))
    names = {"np": np, "__name__": "__main__"}
    source = "def activation_pattern(z):\n    while len(z) == 9:\n        pass\n    return z > 0\n"
    linecache.cache["<cell>"] = 1, None, source.splitlines(keepends=True), "<cell>"
    exec(compile(source, "<cell>", "exec"), names)
    loops, ends = pack.check_here("1.1", names, {"1.1": source}, one_secret)
    assert re.match(r"timed out\n", ends.message)  # at once: the exercise has had its time
    assert re.match(r"timed out\n  given: +z = np.array\(", loops.message)
    assert re.search(
        r"\n  what:    +the computing time .*\n  line [23]:   (while len\(z\) == 9:|pass)\n  next: ", loops.message
    ), loops.message


def test_in_a_thread_which_has_no_timers(pack, keys, one_secret):
    """As in a server that runs notebooks in threads."""
    names = {"np": np, "__name__": "__main__"}
    exec(keys["1.1"], names)
    with ThreadPoolExecutor(1) as pool:
        outcomes = pool.submit(pack.check_here, "1.1", names, {"1.1": keys["1.1"]}, one_secret).result()
    assert [outcome.message for outcome in outcomes] == ["", ""]


# -- inputs that a failure names -------------------------------------------------------------------------------------------
def test_a_failure_on_fresh_problems_can_be_typed_again(pack, secret):
    """The lines under `given`, then the call: the same comes back."""
    wrong = "def restricted_coboundary(w2, pattern):\n    k, h = w2.shape\n    d = np.eye(h + k)\n    d[h:, :h] = -np.round(w2) * pattern\n    return d\n"
    names = {"np": np, "__name__": "__main__"}
    exec(wrong, names)
    outcomes = {o.name: o for o in pack.check_here("1.2", names, {"1.2": wrong}, secret)}
    rows = dict(re.findall(r"^  (\w[\w ]*): +(.*(?:\n {12}.*)*)", outcomes["sign"].message, re.MULTILINE))
    exec(rows["given"].replace("\n" + " " * 12, "\n"), names)
    again = eval(rows["call"], names)
    assert np.array2string(again, precision=6, separator=", ") == rows["returned"]
    whole = dict(re.findall(r"^  (\w[\w ]*): +(.*(?:\n {12}.*)*)", outcomes["several_outputs"].message, re.MULTILINE))
    exec(whole["given"].replace("\n" + " " * 12, "\n"), names)
    assert names["w2"].shape == (4, 4)


@pytest.mark.parametrize(
    ("earlier", "replaced"),
    [(None, False), ("def wall_verdict(f_minus, f_plus):\n    return 'slides'\n", True)],
    ids=["right", "wrong"],
)
def test_an_earlier_answer_is_said_to_be_wrong_only_where_it_is(pack, keys, secret, earlier, replaced):
    """7.4 calls what 7.1 asks for, of which the stub of 7.4 knows nothing."""
    wrong = "def sliding_euler(sheaf, c0, dt, t_end):\n    return 0, c0\n"
    names = {"np": np, "__name__": "__main__"}
    sources = {"7.1": earlier or keys["7.1"], "7.4": wrong}
    for source in sources.values():
        exec(source, names)
    messages = [o.message for o in pack.check_here("7.4", names, sources, secret) if o.name == "counts_what_exact_counts"]
    (message,) = messages
    assert ("in the place of your `wall_verdict`, for exercise 7.1 is not right yet" in message) == replaced, message
    assert re.search(r"^  given: +sheaf = |^  call: +sliding_euler\(", message, re.MULTILINE)
