"""The commands for learning in the student edition, each as a terminal session, good and bad arguments."""

from __future__ import annotations

import json
import os
import sys

import pytest

import sheaflab
from sheaflab import checks
from sheaflab.checks import CheckFailed
from sheaflab.cli import main
from sheaflab.study import catalogue as catalogues
from sheaflab.study import edition, notebook
from sheaflab.study.catalogue import catalogue
from sheaflab.study.workspace import STATE

RIGHT = "def activation_pattern(z):\n    return z > 0\n"
WRONG = "def activation_pattern(z):\n    return z >= 0\n"
REMEDY = "run the command in the folder with your notebooks, or `sheaflab start` to get them"


def code(source, grade_id=""):
    meta = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": grade_id or "imports",
        "metadata": meta,
        "outputs": [],
        "source": source,
    }


def write(path, answers):
    """A notebook as it is released, with some answers in it."""
    spec = next(n for n in catalogue().notebooks if n.name == path.stem)
    cells = [code("%matplotlib inline\nimport numpy as np\nfrom sheaflab import Network, Sheaf, Euler, Exact")]
    for task in spec.exercises:
        cells.append(code(answers.get(task.id, task.stub).splitlines(keepends=True), task.cell))
        cells.append(code("this cell would raise", f"check-{task.id.replace('.', '-')}"))
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A reader's folder with one notebook, in the student edition."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(edition, "installed", lambda: None)
    for module in ("sheaflab.study.commands", "sheaflab.study.notebook"):
        monkeypatch.setattr(sys.modules[module], "installed", lambda: None)
    monkeypatch.setattr(notebook, "_KEPT", [])
    write(tmp_path / "lab09-1.ipynb", {})
    return tmp_path


@pytest.fixture
def say(capsys):
    def run(*arguments):
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_list(folder, say):
    status, out, _ = say("list")
    assert status == 0
    assert out.startswith(
        "lab09: ReLU-sheaf heat equation\n\nlab09-1  Build the sheaf, 25 minutes\n  · 1.1  the activation pattern, 3 min\n"
    )
    assert "  – 3.W  Does the number of switches depend on the magnitude of the start? (written)\n" in out
    assert out.endswith("✓ solved   ~ tried   · not yet   – no machine reads it\n")
    first = json.loads(say("list", "--json")[1])[0]["exercises"][0]
    assert first == {"id": "1.1", "title": "the activation pattern", "minutes": 3, "requires": [], "state": "open"}


def test_check_not_written(folder, say):
    told = "· 1.1 the activation pattern: nothing written yet: replace the line that raises NotImplementedError\n"
    assert say("check", "1.1") == (1, told, "")


def test_check_wrong(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": WRONG})
    golden = """\
✗ 1.1 the activation pattern
  not right yet
    call:     activation_pattern(np.array([0.0, -0.0, 1e-300]))
    returned: [ True,  True,  True]
    expected: [0, 0, 1]
    off by:   1 at index 0
    hint:     the inequality is strict: zero is inactive, however small a positive number is active
"""
    assert say("check", "1.1") == (1, golden, "")
    assert "\n  ~ 1.1  the activation pattern" in say("list")[1]


def test_check_right_then_progress(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    golden = "✓ 1.1 the activation pattern\n  the visible checks pass; your instructor's look at fresh problems\n"
    assert say("check", "1.1") == (0, golden, "")
    status, out, _ = say("progress")
    assert status == 0
    assert out.startswith("lab09-1  ✓··   1 of 3  Build the sheaf\n")
    assert out.endswith(
        "1 of 25 exercises solved\nNext: 1.2 the restricted coboundary, about 8 minutes, in lab09-1.ipynb\n"
    )
    assert json.loads(say("progress", "--json")[1]) == {"solved": ["1.1"], "tried": [], "exercises": 25, "next": "1.2"}


def test_check_everything_that_is_there(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    status, out, _ = say("check")
    assert status == 0
    assert out.endswith("1 of 1 tried exercises pass, 2 not written yet\n")
    found = json.loads(say("check", "--json")[1])
    assert [(f["exercise"], f["attempted"], f["passed"]) for f in found] == [
        ("1.1", True, True), ("1.2", False, False), ("1.3", False, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            "def activation_pattern(z:\n    return z\n",
            "its cell cannot be read\n    line 1\n      def activation_pattern(z:\n                            ^\n  SyntaxError: '(' was never closed\n",
        ),
        (
            "def activation_pattern(z):\n    return helper(z)\n\ndef helper(z):\n    return q  # oh\n",
            "  your code raises an error\n"
            "    call:     activation_pattern(np.array([0.5, -1.0, 2.0]))\n"
            "    raised:   NameError: name 'q' is not defined\n"
            "    line 2:   return helper(z)\n"
            "    line 5:   return q  # oh   (in helper)\n",
        ),
        (
            "def activation_pattern(z):\n    return np.ones((2, 3)) @ z @ z\n",
            "    line 2:   return np.ones((2, 3)) @ z @ z\n",
        ),
        (
            "def activation_pattern(z):\n    raise SystemExit(3)\n",
            "    raised:   SystemExit: 3\n    line 2:   raise SystemExit(3)\n",
        ),
        (
            "def activation_pattern(z):\n    class Mute(Exception):\n        def __str__(self): return self.q\n    raise Mute\n",
            "    raised:   Mute: (an exception without a readable text)\n    line 4:   raise Mute\n",
        ),
        (
            "def activation_pattern(z):\n    return activation_pattern(z)\n",
            "    raised:   RecursionError: maximum recursion depth exceeded",
        ),
        (
            "x = 1\nimport sys; sys.exit(3)\n",
            "its cell raises an error\n    raised:   SystemExit: 3\n    line 2:   import sys; sys.exit(3)\n",
        ),
        ("pattern = 3\n", "there is no `activation_pattern` yet"),
        ("def activation_pattern():\n    return 1\n", "    raised:   TypeError: activation_pattern() takes 0"),
    ],
)
def test_check_broken_answers(folder, say, answer, told):
    write(folder / "lab09-1.ipynb", {"1.1": answer})
    status, out, _ = say("check", "1.1")
    assert (status, told in out) == (1, True), out
    assert "sheaflab/" not in out  # a path of the library's
    assert "Traceback" not in out


def test_at_a_python_prompt_the_line_has_a_number_at_least():
    names = {"__name__": "__main__"}
    exec(compile("def activation_pattern(z):\n    return z.q\n", "<stdin>", "single"), names)
    with pytest.raises(CheckFailed) as caught:
        checks.check("1.1", names["activation_pattern"])
    assert str(caught.value).endswith("\n  line 2:   of activation_pattern")
    assert caught.value.__suppress_context__
    assert len(caught.traceback) == 2  # the caller's line and the library's last


STUB = 'raise NotImplementedError("Exercise 1.1: the activation pattern")'


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (f"def activation_pattern(z):\n    # {STUB}\n    return z > 0\n", "✓"),
        (f"# {STUB}\ndef activation_pattern(z):\n    return z > 0\n", "✓"),
        (f'def activation_pattern(z):\n    """Was: {STUB}."""\n    return z > 0\n', "✓"),
        (f"def activation_pattern(z):\n    return z > 0\n    {STUB}\n", "✓"),
        (f"def activation_pattern(z):\n    # {STUB}\n    return z >= 0\n", "✗"),
        (f"def activation_pattern(z):\n    half = z / 2  # a beginning\n    {STUB}\n", "·"),
        ("def activation_pattern(z):\n    raise NotImplementedError\n", "·"),
    ],
)
def test_what_is_written_decides_not_the_words_in_it(folder, say, answer, verdict):
    write(folder / "lab09-1.ipynb", {"1.1": answer})
    assert say("check", "1.1")[1].split(" ")[0] == verdict


def test_the_stub_is_not_run_to_be_known(folder, say, monkeypatch):
    """Twenty untouched exercises are no reason to run twenty notebooks, whatever has been added as a remark."""
    task = catalogue().find("1.1")
    write(folder / "lab09-1.ipynb", {"1.1": task.stub.replace("    raise", "    # a thought\n\n    raise")})
    monkeypatch.setattr("sheaflab.study.checking.execute", None)
    assert say("check", "1.1")[1].startswith("· 1.1 the activation pattern: nothing written yet")


def test_an_earlier_exercise_that_is_missing_is_named(folder, say):
    answer = (
        "def switch_counts(sheaf, magnitude, rng, runs=20):\n    return [count_switches(np.zeros((3, 5)), 4)] * runs\n"
    )
    write(folder / "lab09-3.ipynb", {"3.2": answer})
    status, out, _ = say("check", "3.2")
    assert status == 1
    assert out.startswith("✗ 3.2 counts over many random starts\n  it needs exercise 3.1, which is not written yet\n")


def test_hints_go_on_by_one_and_say_how_many_are_left(folder, say):
    first = "1.1 the activation pattern, hint 1 of 3 (2 hints left):\n  The pattern answers one yes/no question for every hidden neuron: is it switched on?\n"
    assert say("hint", "1.1") == (0, first, "")
    assert "hint 2 of 3 (1 hint left)" in say("hint", "1.1")[1]
    assert json.loads(say("hint", "1.1", "--json")[1])["left"] == 0
    assert "hint 3 of 3 (no hint left)" in say("hint", "1.1")[1]


def test_reset_keeps_a_copy(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT, "1.2": "mine = 1\n"})
    say("check", "1.1")
    status, out, _ = say("reset", "1.1")
    assert status == 0
    assert out.startswith(
        "1.1 the activation pattern is as it was at the beginning; your work is kept in lab09-1.before-reset-1.ipynb.\n"
    )
    assert "return z > 0" in (folder / "lab09-1.before-reset-1.ipynb").read_text(encoding="utf-8")
    now = (folder / "lab09-1.ipynb").read_text(encoding="utf-8")
    assert "Exercise 1.1: the activation pattern" in now
    assert "mine = 1" in now
    assert say("progress", "--json")[1].count('"1.1"') == 2  # tried, and next again
    assert say("reset", "1.1", "--json")[1].count("before-reset-2")


def test_reset_brings_a_lost_cell_back(folder, say):
    path = folder / "lab09-1.ipynb"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["cells"] = [cell for cell in data["cells"] if cell["id"] != "ex-1-2"]
    path.write_text(json.dumps(data), encoding="utf-8")
    status, _, err = say("check", "1.2")
    assert (status, err) == (
        2,
        "sheaflab: lab09-1.ipynb has no cell 'ex-1-2' for exercise 1.2; `sheaflab reset 1.2` puts it back\n",
    )
    assert say("reset", "1.2")[0] == 0
    ids = [cell["id"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    assert ids.index("ex-1-2") == ids.index("check-1-2") - 1


def without_names(path, *, ids):
    """What other programs make of a notebook: nbgrader's metadata gone, perhaps the ids too."""
    data = json.loads(path.read_text(encoding="utf-8"))
    for cell in data["cells"]:
        cell["metadata"] = {}
        if not ids:
            del cell["id"]
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize("ids", [True, False])
def test_a_notebook_without_metadata_is_checked_and_reset_like_any_other(folder, say, ids):
    path = folder / "lab09-1.ipynb"
    write(path, {"1.1": RIGHT})
    without_names(path, ids=ids)
    cells = len(json.loads(path.read_text(encoding="utf-8"))["cells"])
    assert say("check", "1.1")[0] == 0
    assert say("reset", "1.1")[0] == 0
    after = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert len(after) == cells
    assert sum("def activation_pattern" in "".join(cell["source"]) for cell in after) == 1
    assert say("check", "1.1")[1].startswith("· 1.1")


def test_no_two_cells_get_one_id(folder, say):
    path = folder / "lab09-1.ipynb"
    data = json.loads(path.read_text(encoding="utf-8"))
    next(cell for cell in data["cells"] if cell["id"] == "ex-1-2").update(metadata={}, cell_type="markdown")
    path.write_text(json.dumps(data), encoding="utf-8")
    assert say("reset", "1.2")[0] == 0
    ids = [cell["id"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    assert len(set(ids)) == len(ids)


def test_a_hint_leaves_nothing_behind_where_there_are_no_notebooks(folder, say, monkeypatch):
    elsewhere = folder / "elsewhere"
    work = elsewhere / "work" / "lab09"
    work.mkdir(parents=True)
    (folder / "lab09-1.ipynb").rename(work / "lab09-1.ipynb")
    monkeypatch.chdir(elsewhere)
    status, out, _ = say("hint", "1.1")
    assert (status, "hint 1 of 3" in out) == (0, True)
    assert out.endswith(
        "\nThe next hint comes in the folder with your notebooks: there it is remembered what you have seen.\n"
    )
    assert not list(elsewhere.glob("*.json"))
    (elsewhere / STATE).write_text("{}", encoding="utf-8")  # from an earlier version, or from somebody else
    monkeypatch.chdir(elsewhere / "work")
    assert say("hint", "1.1")[0] == 0
    assert (work / STATE).is_file()  # the notebooks decide, not a file above them
    assert (elsewhere / STATE).read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "1.7"], "sheaflab: there is no exercise '1.7'; this notebook has 1.1, 1.2, 1.3\n"),
        (["check", "lab"], "sheaflab: there is no exercise 'lab'; `sheaflab list` shows them all\n"),
        (["check", "3.W"], "sheaflab: 3.W is a written answer: no machine reads it, and it has no hints\n"),
        (["check", "2.1"], f"lab09-2.ipynb does not exist; {REMEDY}\n"),
        (["hint", "0"], "sheaflab: there is no exercise '0'; `sheaflab list` shows them all\n"),
        (["hint"], "the following arguments are required: EXERCISE\n"),
        (["reset", "9.9"], "sheaflab: there is no exercise '9.9'; `sheaflab list` shows them all\n"),
        (["progress", "1.1"], "unrecognized arguments: 1.1\n"),
        (["start"], "sheaflab: the notebooks come with the self-study edition only, and this is the student edition. "
         "Without an instructor, install the second wheel of the self-study folder\n"),
        (["solution", "1.1", "--yes"], "sheaflab: solutions are in the self-study edition only, and this is the student edition. "
         "Without an instructor, install the second wheel of the self-study folder\n"),
    ],
)  # fmt: skip
def test_bad_arguments_say_what_to_do(folder, say, arguments, message):
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert err.endswith(message)


@pytest.mark.parametrize("content", ["{", "[]", '{"hints": 3}'])
def test_a_damaged_memory_is_named(folder, say, content):
    (folder / STATE).write_text(content, encoding="utf-8")
    status, _, err = say("progress")
    assert status == 2
    assert "delete it to begin anew" in err


def test_a_damaged_notebook_is_named(folder, say):
    (folder / "lab09-1.ipynb").write_text("<html>", encoding="utf-8")
    status, _, err = say("check", "1.1")
    assert status == 2
    assert "is not a notebook" in err


@pytest.mark.parametrize(
    "name",
    ["lab09-1 (1)", "lab09-1(2)", "lab09-1-Copy1", "lab09-1-Copy12", "lab09-1 - Copy", "lab09-1 - Copy (2)",
     "lab09-1 copy", "lab09-1 copy 2", "lab09-1.v3fa2", "lab09-1.v3fa2 (1)", "lab09-1-Copy1-Copy2"],
)  # fmt: skip
def test_copies_are_known_and_the_newest_is_taken(folder, say, name):
    write(folder / "lab09-1.ipynb", {"1.1": WRONG})
    copy = folder / f"{name}.ipynb"
    copy.write_bytes((folder / "lab09-1.ipynb").read_bytes().replace(b"z >= 0", b"z > 0"))
    os.utime(folder / "lab09-1.ipynb", (1e9, 1e9))
    status, out, _ = say("check", "1.1")
    assert (status, out.endswith(f"\n  (taken from {name}.ipynb, the newest of 2 copies)\n")) == (0, True), out
    os.utime(copy, (1e8, 1e8))
    status, out, _ = say("check", "1.1")
    assert (status, out.endswith("\n  (taken from lab09-1.ipynb, the newest of 2 copies)\n")) == (1, True), out
    (folder / "lab09-1.ipynb").unlink()
    status, out, _ = say("check", "1.1")
    assert (status, out.endswith(f"\n  (taken from {name}.ipynb)\n")) == (0, True), out
    assert f"\nIt was taken from {name}.ipynb.\n" in say("reset", "1.1")[1]


@pytest.mark.parametrize("name", ["lab09-10", "lab09-1.before-reset-1", "lab09-1-mine", "lab09-1.v3fa2.bak"])
def test_other_files_are_not_taken_for_copies(folder, say, name):
    (folder / "lab09-1.ipynb").rename(folder / f"{name}.ipynb")
    assert say("check", "1.1")[0] == 2


def test_a_folder_below_the_notebooks_is_found(folder, say, monkeypatch):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    (folder / "deeper").mkdir()
    monkeypatch.chdir(folder / "deeper")
    assert say("check", "1.1")[0] == 0


def test_no_colours_but_on_a_terminal(folder, say, monkeypatch):
    assert "\033" not in say("list")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\033[1mlab09-1" in say("list")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in say("list")[1]


def test_from_a_notebook(folder, capsys):
    sheaflab.check("1.1", lambda z: z >= 0)
    assert "✗ 1.1 the activation pattern\n  not right yet" in capsys.readouterr().out
    sheaflab.check("1.1", lambda z: z > 0)
    assert capsys.readouterr().out.startswith("✓ 1.1 the activation pattern\n")
    sheaflab.check("1.2")
    assert "there is no `restricted_coboundary` yet: run its cell first" in capsys.readouterr().out
    sheaflab.hint("1.2")
    assert "hint 1 of 3 (2 hints left)" in capsys.readouterr().out
    sheaflab.progress()
    assert "1 of 25 exercises solved" in capsys.readouterr().out
    with pytest.raises(ValueError, match="self-study edition only"):
        sheaflab.solution("1.2")
    with pytest.raises(ValueError, match=r"there is no exercise '8\.1'"):
        sheaflab.check("8.1")
    sheaflab.hint(1.3)
    assert capsys.readouterr().out.startswith("1.3 the Dirichlet energy, hint 1 of 3")
    sheaflab.check(1.1, lambda z: z > 0)
    assert capsys.readouterr().out.startswith("✓ 1.1")
    for wrong in (None, True, ["1.2"], b"1.2"):
        with pytest.raises(ValueError, match=r"must be the id of an exercise in quotes, such as '1\.2', got a "):
            sheaflab.hint(wrong)


def test_every_exercise_has_what_a_reader_needs():
    for task in catalogue().exercises:
        assert len(task.hints) >= 3
        assert len(set(task.hints)) == len(task.hints)
        assert task.minutes > 0
        assert task.checks
        assert f"Exercise {task.id}: {task.title}" in task.stub
        compile(task.stub, task.id, "exec")
        for earlier in task.requires:
            assert catalogue().find(earlier)
    assert catalogues.parse(json.loads(json.dumps({"name": "n", "title": "t", "notebooks": []}))).exercises == ()


def lab_at(folder, name):
    """An installed lab of one notebook: a package with its catalogue beside it."""
    place = folder / "checks" / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("")
    first = catalogue().notebooks[0].exercises[0]
    item = {"id": "1.1", "title": f"of {name}", "function": first.function, "stub": first.stub, "hints": ["look"]}
    notebooks = [{"name": f"{name}-1", "title": "One", "minutes": 5, "exercises": [item], "written": []}]
    (place / catalogues.EXTRACT).write_text(json.dumps({"name": name, "title": name, "notebooks": notebooks}))


@pytest.fixture
def several(tmp_path, monkeypatch):
    """A library with two labs, and a folder in which nothing lies."""
    for name in ("laba", "labb"):
        lab_at(tmp_path, name)
    monkeypatch.setattr(checks, "__path__", [str(tmp_path / "checks")])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: ())
    catalogues.read.cache_clear()
    (tmp_path / "reader").mkdir()
    monkeypatch.chdir(tmp_path / "reader")
    yield tmp_path / "reader"
    catalogues.read.cache_clear()


def test_of_several_labs_the_reader_s_is_the_one_whose_notebooks_are_there(several, monkeypatch, capsys):
    (several / "labb-1 (2).ipynb").write_text("{}")
    assert catalogue().name == "labb"
    (several / "deeper").mkdir()
    monkeypatch.chdir(several / "deeper")
    assert main(["list"]) == 0
    assert "of labb" in capsys.readouterr().out
    (several / "deeper" / "laba-1.ipynb").write_text("{}")
    assert catalogue().name == "laba"


def test_where_nothing_tells_which_lab_the_choices_are_named(several, monkeypatch, capsys):
    assert main(["list"]) == 2
    said = "there are the labs laba, labb; run the command in the folder with the notebooks of one"
    assert said in capsys.readouterr().err
    point = type("Point", (), {"name": "labb"})
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: (point,))  # the self-study edition of one
    assert catalogue().name == "labb"
    for name in ("laba", "labb"):
        (several / f"{name}-1.ipynb").write_text("{}")
    assert main(["list"]) == 2
    assert "has notebooks of laba and labb; put those of each lab into a folder of its own" in capsys.readouterr().err
