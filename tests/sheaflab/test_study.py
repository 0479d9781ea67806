"""The commands for learning in the student edition, each as a terminal session, good and bad arguments."""

from __future__ import annotations

import json
import linecache
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sheaflab
from sheaflab import Sheaf, checks
from sheaflab.checks import CheckFailed, cpu, messages
from sheaflab.cli import main
from sheaflab.study import catalogue as catalogues
from sheaflab.study import edition, limit, notebook
from sheaflab.study.catalogue import catalogue
from sheaflab.study.memory import STATE
from sheaflab.study.problem import problem_of
from tests.draws import on_path

ROOT = Path(__file__).resolve().parents[2]
RIGHT = "def activation_pattern(z):\n    return z > 0\n"
WRONG = "def activation_pattern(z):\n    return z >= 0\n"
REMEDY = "run the command in the folder with your notebooks. If you have none, your instructor gives them out"
UNREAD = (
    "it has no check, no hint and no reset (to begin anew, empty its cell). A person reads it; in the self-study edition "
    "that is you, and `sheaflab solution 3.W` shows what a good answer has"
)


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
        cells.append(code(answers.get(task.id, task.stub).splitlines(keepends=True), task.solution_cell))
        cells.append(code("this cell would raise", f"check-{task.id.replace('.', '-')}"))
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


@pytest.fixture
def folder(tmp_path, one_secret, monkeypatch):
    """A reader's folder with one notebook, in the student edition."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(edition, "_edition", lambda lab: None)
    monkeypatch.setattr(notebook, "_KEPT", [])
    monkeypatch.setattr(checks, "failed", {})
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
    assert out.endswith("✓ solved   ~ tried   · not yet   – read by a person\n")
    first = json.loads(say("list", "--json")[1])[0]["exercises"][0]
    assert first == {"id": "1.1", "title": "the activation pattern", "minutes": 3, "requires": [], "state": "open"}


def test_check_not_written(folder, say):
    told = "· 1.1 the activation pattern: nothing written yet, or the line that raises NotImplementedError is still there\n"
    told += "  (the saved file is read: save the notebook in Jupyter first)\n"
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


def test_what_a_wrong_answer_prints_is_shown_the_beginning_of_it(folder, say):
    spoken = WRONG.replace("    return", "    print('z is', z)\n    return")
    write(folder / "lab09-1.ipynb", {"1.1": spoken})
    out = say("check", "1.1")[1]
    assert "\n    printed:  z is [ 0.5 -1.   2. ]\n              z is [ 0.e+000 -0.e+000  1.e-300]\n" in out
    write(folder / "lab09-1.ipynb", {"1.1": spoken.replace("'z is', z", "'z' * 5000")})
    out = say("check", "1.1")[1]
    assert "printed:  " + "z" * 1000 + " …\n" in out
    assert len(out) < 2000


def test_a_right_answer_that_uses_what_its_task_forbids_is_told_so(folder, say, capsys):
    own = "def dirichlet_energy(net, x, c):\n    return Sheaf(net, x).energy(c)\n"
    write(folder / "lab09-1.ipynb", {"1.3": own})
    status, out, _ = say("check", "1.3")
    assert status == 0
    told = "It uses `Sheaf.energy`; the task asks for your own, and a point is paid for that."
    assert out.endswith(f"({told})\n")
    names = {"Sheaf": Sheaf}
    exec(own, names)
    checks.check("1.3", names["dirichlet_energy"])
    assert capsys.readouterr().out == f"Exercise 1.3: the visible checks pass. Go on with the next cell: it is about fresh problems.\n{told}\n"


def test_check_right_then_progress(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    golden = "✓ 1.1 the activation pattern\n  the visible checks pass; the cell below the check lists what the hidden checks look at\n"
    assert say("check", "1.1") == (0, golden, "")
    status, out, _ = say("progress")
    assert status == 0
    assert out.startswith("lab09-1  ✓··   1 of 3  Build the sheaf\n")
    assert out.endswith(
        "1 of 25 exercises solved\nNext: 1.2 the restricted coboundary, about 8 minutes, in lab09-1.ipynb\n"
        "(Checks in a notebook count when the notebook is saved.)\n"
    )
    assert json.loads(say("progress", "--json")[1]) == {"solved": ["1.1"], "tried": [], "exercises": 25, "next": "1.2"}


def test_check_everything_that_is_there(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    status, out, _ = say("check")
    assert status == 0
    assert out.endswith("1 of 1 tried exercises pass, 2 not written yet, 22 in notebooks that are not in this folder\n")
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
            "x = 1\nimport sys; sys.exit(3)\ndef activation_pattern(z): pass\n",
            "its cell raises an error\n    raised:   SystemExit: 3\n    line 2:   import sys; sys.exit(3)\n",
        ),
        ("pattern = 3\n", "its cell does not define `activation_pattern`\n"),
        (
            "import numpy\ndef pattern(z):\n    return z > 0\n",
            "its cell defines `pattern`, and not `activation_pattern`\n",
        ),
        ("# def activation_pattern(z):\n#     return z > 0\n", "its cell has no code: it is empty or commented out\n"),
        ("", "its cell has no code: it is empty or commented out\n"),
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
    status, out, _ = say("reset", "1.1", "--yes")
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


def test_reset_asks_first_where_an_exercise_is_solved(folder, say, monkeypatch):
    path = folder / "lab09-1.ipynb"
    write(path, {"1.1": RIGHT})
    whole = path.read_bytes()
    say("check", "1.1")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert say("reset", "1.1") == (2, "", "sheaflab: `reset` asks first, and there is no one to ask; add --yes\n")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "n")
    assert say("reset", "1.1") == (1, "Not reset.\n", "")
    assert asked == ["1.1 (the activation pattern) is solved. Empty it? A copy of your work is kept. [y/N] "]
    assert path.read_bytes() == whole
    assert say("reset", "1.2")[0] == 0  # not solved: nothing is asked
    assert len(asked) == 1
    monkeypatch.setattr("builtins.input", lambda text: "y")
    assert say("reset", "1.1")[0] == 0
    assert "return z > 0" not in path.read_text(encoding="utf-8")


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
    assert say("reset", "1.1", "--yes")[0] == 0
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
        "\nFor the next hint run this in the folder with your notebooks: which hints you have seen is kept there.\n"
    )
    assert not list(elsewhere.glob("*.json"))
    (elsewhere / STATE).write_text("{}", encoding="utf-8")  # from an earlier version, or from somebody else
    monkeypatch.chdir(elsewhere / "work")
    assert say("hint", "1.1")[0] == 0
    assert (work / STATE).is_file()  # the notebooks decide, not a file above them
    assert (elsewhere / STATE).read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize("command", ["progress", "next"])
def test_where_there_are_no_notebooks_nothing_is_said_to_be_unsolved(folder, say, monkeypatch, command):
    above = folder / "above"
    (above / "notebooks").mkdir(parents=True)
    (folder / "lab09-1.ipynb").rename(above / "notebooks" / "lab09-1.ipynb")
    monkeypatch.chdir(above)
    status, out, err = say(command)
    assert (status, out) == (2, "")
    assert err.endswith(f"lab09-1.ipynb does not exist; {REMEDY}\n")
    assert say("list")[2] == "(there are no notebooks in this folder: what is solved is not known here)\n"
    monkeypatch.chdir(above / "notebooks")
    assert say(command)[0] == 0
    assert say("list")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "1.7"], "sheaflab: there is no exercise '1.7'; this notebook has 1.1, 1.2, 1.3\n"),
        (["check", "lab"], "sheaflab: there is no exercise 'lab'; `sheaflab list` shows them all\n"),
        (["check", "3.W"], f"sheaflab: 3.W is a written answer, which no program reads: {UNREAD}\n"),
        (["reset", "3.W"], f"sheaflab: 3.W is a written answer, which no program reads: {UNREAD}\n"),
        (["check", "2.1"], f"lab09-2.ipynb does not exist; {REMEDY}\n"),
        (["hint", "0"], "sheaflab: there is no exercise '0'; `sheaflab list` shows them all\n"),
        (["hint"], "the following arguments are required: EXERCISE\n"),
        (["check", "1.1", "--again"], "sheaflab: `--again` is for the fresh problems of the self-study edition; leave it out\n"),
        (["reset", "9.9"], "sheaflab: there is no exercise '9.9'; `sheaflab list` shows them all\n"),
        (["progress", "1.1"], "unrecognized arguments: 1.1\n"),
        (["start"], "sheaflab: the notebooks come with the self-study edition only, and this is the student edition: ask your instructor. "
         "If you learn alone, install the second wheel of the self-study folder too\n"),
        (["solution", "1.1", "--yes"], "sheaflab: solutions are in the self-study edition only, and this is the student edition: ask your instructor. "
         "If you learn alone, install the second wheel of the self-study folder too\n"),
    ],
)  # fmt: skip
def test_bad_arguments_say_what_to_do(folder, say, arguments, message):
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert err.endswith(message)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"hints": 3}'])
@pytest.mark.parametrize("command", [["check", "1.1"], ["hint", "1.1"], ["progress"], ["reset", "1.1"]])
def test_a_damaged_memory_is_put_aside_and_stops_nothing(folder, say, content, command):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    (folder / STATE).write_text(content, encoding="utf-8")
    status, _, err = say(*command)
    assert (status, "was damaged: it is sheaflab-progress.damaged.json now" in err) == (0, True)
    assert (folder / "sheaflab-progress.damaged.json").read_text(encoding="utf-8") == content
    assert say("progress")[2] == ""


@pytest.mark.parametrize(
    "content", ["", "<html>", '{"cells": [{"cell_type": "co', '{"cells": []}', '{"cells": [3]}', "[]"]
)
def test_a_damaged_notebook_is_named_and_the_others_are_checked(folder, say, content):
    write(folder / "lab09-3.ipynb", {"3.4": "def differs(a, b):\n    return True\n"})
    path = folder / "lab09-1.ipynb"
    path.write_text(content, encoding="utf-8")
    for command in (["check", "1.1"], ["reset", "1.1"]):
        status, _, err = say(*command)
        assert status == 2
        assert "lab09-1.ipynb is empty, damaged or another notebook; rename it and download the notebook again" in err
    assert path.read_text(encoding="utf-8") == content
    status, out, err = say("check")
    assert (status, out.startswith("✗ 3.4")) == (2, True)
    assert err.count("lab09-1.ipynb is empty, damaged or another notebook") == 1
    assert say("progress")[0] == say("list")[0] == 0
    (folder / ".ipynb_checkpoints").mkdir()
    write(folder / ".ipynb_checkpoints" / "lab09-1.ipynb", {})
    (folder / ".ipynb_checkpoints" / "lab09-1.ipynb").rename(folder / ".ipynb_checkpoints" / "lab09-1-checkpoint.ipynb")
    assert "Jupyter has kept an earlier one as " in say("check", "1.1")[2]


def test_several_exercises_at_once(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    status, out, _ = say("check", "1.1", "1.2", "1.1")
    assert status == 0
    assert [line[:5] for line in out.splitlines() if line[:1] in ("✓", "✗", "·")] == ["✓ 1.1", "· 1.2"]
    assert out.endswith("\n1 of 1 tried exercises pass, 1 not written yet\n")
    assert say("check", "1.1", "9.9")[0] == 2


def insert(path, after, source):
    data = json.loads(path.read_text(encoding="utf-8"))
    place = next(k for k, cell in enumerate(data["cells"]) if cell["id"] == after)
    data["cells"].insert(place + 1, {**code(source), "id": f"mine-{place}"})
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize("after", ["ex-1-1", "check-1-1", "check-1-3"])
def test_an_answer_in_a_new_cell_counts_as_it_does_in_the_notebook(folder, say, after):
    path = folder / "lab09-1.ipynb"
    insert(path, after, RIGHT)
    assert say("check", "1.1")[0] == 0
    assert say("check", "1.2")[1].startswith("· 1.2")
    insert(path, after, WRONG)  # above the right one, which is the last and counts
    assert say("check", "1.1")[0] == 0


def test_a_helper_in_a_cell_below_the_answer_is_run(folder, say):
    path = folder / "lab09-1.ipynb"
    write(path, {"1.1": "def activation_pattern(z):\n    return helper(z)\n"})
    insert(path, "ex-1-1", "def helper(z):\n    return z > 0\n")
    assert say("check", "1.1")[0] == 0


CENSUS = "def switch_counts(sheaf, magnitude, rng, runs=20):\n    return [count_switches(np.zeros((3, 5)), 4)] * runs\n"


@pytest.mark.parametrize(
    ("earlier", "told"),
    [
        ("def count_switches(states, h:\n    return 3\n", "`count_switches` is exercise 3.1, and its cell cannot be read (line 1): mend it first"),
        ("def count(states, h):\n    return 3\n", "`count_switches` is exercise 3.1: write it first, in a cell above"),
    ],
)  # fmt: skip
def test_an_earlier_exercise_that_is_broken_is_named(folder, say, earlier, told):
    write(folder / "lab09-3.ipynb", {"3.1": earlier, "3.2": CENSUS})
    status, out, _ = say("check", "3.2")
    assert status == 1
    assert "raised:   NameError: name 'count_switches' is not defined" in out
    assert out.endswith(f"    next:     {told}\n")


def shown(path, exercise, **output):
    """A notebook in which the check of an exercise was run and saved."""
    data = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in data["cells"] if cell["id"] == f"check-{exercise.replace('.', '-')}")
    cell["outputs"] = output.pop("parts", None) or [output]
    path.write_text(json.dumps(data), encoding="utf-8")


def test_progress_counts_the_checks_in_saved_notebooks(folder, say, capsys):
    path = folder / "lab09-1.ipynb"
    write(path, {"1.1": RIGHT, "1.2": "x = 1\n"})
    checks.check("1.1", lambda z: z > 0)
    printed = capsys.readouterr().out
    shown(
        path,
        "1.1",
        parts=[{"output_type": "stream", "name": "stdout", "text": t} for t in ([printed[:20]], printed[20:])],
    )
    shown(
        path,
        "1.2",
        output_type="error",
        ename="sheaflab.checks.CheckFailed",
        evalue="Exercise 1.2: not right yet",
        traceback=[],
    )
    shown(path, "1.3", output_type="error", ename="NotWritten", evalue="Exercise 1.3: not written yet", traceback=[])
    assert json.loads(say("progress", "--json")[1]) == {
        "solved": ["1.1"],
        "tried": ["1.2"],
        "exercises": 25,
        "next": "1.2",
    }
    assert say("progress")[1].startswith("lab09-1  ✓~·   1 of 3")
    sheaflab.progress()
    assert "1 of 25 exercises solved" in capsys.readouterr().out
    say("reset", "1.1", "--yes")  # its check has nothing to say of the stub
    assert json.loads(say("progress", "--json")[1])["solved"] == []


LOOPS = {
    "while True": "def activation_pattern(z):\n    while True:\n        pass\n",
    "in the cell": "def activation_pattern(z):\n    return z > 0\nwhile True:\n    pass\n",
    "that catches": "def activation_pattern(z):\n    while True:\n        try:\n            len(z)\n        except Exception:\n            pass\n",
}


@pytest.mark.parametrize("answer", LOOPS.values(), ids=LOOPS)
def test_an_endless_loop_is_stopped_and_the_others_are_checked(folder, say, answer):
    write(folder / "lab09-1.ipynb", {"1.1": answer, "1.2": "def restricted_coboundary(w2, pattern):\n    return 3\n"})
    assert "while True" in answer
    status, out, _ = say("check", "--limit", "0.3")
    assert status == 1
    first, _, rest = out.partition("✗ 1.2")
    assert first.startswith("✗ 1.1 the activation pattern\n  stopped after 0.3 s\n    line ")
    assert first.endswith("look for a loop that never ends; if it only needs more time, add `--limit 3`\n")
    assert "stopped after" in rest or "not right yet" in rest  # the loop in the cell stands in the way of 1.2, too


@pytest.mark.parametrize("task", catalogue().exercises, ids=lambda task: task.id)
def test_in_a_notebook_the_visible_check_stops_an_endless_loop_and_shows_the_call_and_the_line(task, monkeypatch):
    monkeypatch.setattr(cpu, "CALL_SECONDS", 0.05)
    answer = re.sub(r"raise NotImplementedError.*", "while True: pass", task.stub)
    names = {"__name__": "__main__"}
    exec("import numpy as np\nimport matplotlib.pyplot as plt\nfrom sheaflab import *", names)
    linecache.cache["<cell>"] = len(answer), None, answer.splitlines(keepends=True), "<cell>"
    exec(compile(answer, "<cell>", "exec"), names)
    with pytest.raises(CheckFailed) as failed:
        checks.check(task.id, names[task.function])
    told = str(failed.value)
    assert told.startswith(f"Exercise {task.id}: timed out\n"), told
    assert re.search(rf"\n  call: +.*{task.function}\(", told), told
    assert re.search(r"\n  what: .*\(0\.05 s\) is used up\n  line \d+: +while True: pass\n  next: ", told), told
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_of_two_limits_the_inner_one_ends_first_and_the_outer_one_goes_on():
    ended = []

    def spin(name, *more):
        try:
            with cpu.cpu_limit(0.1 if more else 0.01):
                for inner in more:
                    spin(inner)
                while True:
                    pass
        except cpu.CpuTimeError:
            ended.append(name)

    spin("outer", "inner")
    assert ended == ["inner", "outer"]


def test_without_timers_there_is_no_limit(monkeypatch):
    monkeypatch.delattr(signal, "SIGPROF", raising=False)
    with cpu.cpu_limit(1e-6):
        assert sum(range(10**5)) == 4999950000


@pytest.mark.slow
def test_a_loop_that_catches_everything_ends_with_the_command(folder):
    answer = "def activation_pattern(z):\n    while True:\n        try:\n            while True:\n                len(z)\n        except BaseException:\n            pass\n"
    write(folder / "lab09-1.ipynb", {"1.1": answer})
    done = subprocess.run(
        [sys.executable, "-m", "sheaflab", "check", "1.1", "--limit", "0.3"],
        cwd=folder, env={**os.environ, "PYTHONPATH": on_path(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith(
        "1.1 does not stop: an `except` catches the stop, or one numpy call takes very long. Ended.\n"
    )


def test_advice_comes_before_the_limit_and_the_keyboard_still_stops(monkeypatch, capfd):
    monkeypatch.setattr(limit, "_ADVICE", 0.05)
    before = signal.getsignal(signal.SIGINT)

    def work():
        while "has been running for 0.05 s" not in (said := capfd.readouterr().err):
            pass
        heard.append(said)
        raise KeyboardInterrupt

    heard = []
    with pytest.raises(KeyboardInterrupt):
        limit.limited(work, 3600.0, "1.1")
    assert "It is stopped after 3600 s; Ctrl+C stops it now." in heard[0]
    assert limit.limited(lambda: 3, 3600.0, "1.1") == 3
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("seconds", ["0", "soon", "nan", "-1", "inf"])
def test_a_limit_is_a_number_of_seconds(folder, say, seconds):
    status, _, err = say("check", "--limit", seconds)
    assert status == 2
    assert "must be a number of seconds greater than 0" in err


def test_what_is_remembered_is_written_where_a_file_in_use_cannot_be_replaced(folder, say, monkeypatch):
    def refuse(self, target):
        raise PermissionError(32, "used by another process")

    monkeypatch.setattr(Path, "replace", refuse)
    assert "hint 1 of 3" in say("hint", "1.1")[1]
    assert "hint 2 of 3" in say("hint", "1.1")[1]
    assert sorted(path.name for path in folder.iterdir()) == ["lab09-1.ipynb", STATE]


@pytest.mark.parametrize(
    "name",
    ["lab09-1 (1)", "lab09-1(2)", "lab09-1-Copy1", "lab09-1-Copy12", "lab09-1 - Copy", "lab09-1 - Copy (2)",
     "lab09-1 copy", "lab09-1 copy 2", "lab09-1-checkpoint", "lab09-1.v3fa2", "lab09-1.v3fa2 (1)", "lab09-1-Copy1-Copy2"],
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
    assert f"\nIt was taken from {name}.ipynb.\n" in say("reset", "1.1", "--yes")[1]


@pytest.mark.parametrize("name", ["lab09-10", "lab09-1.before-reset-1", "lab09-1-mine", "lab09-1.v3fa2.bak"])
def test_other_files_are_not_taken_for_copies(folder, say, name):
    (folder / "lab09-1.ipynb").rename(folder / f"{name}.ipynb")
    assert say("check", "1.1")[0] == 2


def test_jupyters_folder_of_copies_is_nobodys_workspace(folder, say, monkeypatch):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    kept = folder / ".ipynb_checkpoints"
    kept.mkdir()
    (kept / "lab09-1-checkpoint.ipynb").write_bytes((folder / "lab09-1.ipynb").read_bytes().replace(b"z > 0", b"z < 0"))
    monkeypatch.chdir(kept)
    status, out, err = say("check", "1.1")
    assert (status, out.startswith("✓ 1.1"), str(folder) in err) == (0, True, True)
    assert (folder / STATE).is_file()
    assert not (kept / STATE).exists()


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
    assert (
        "there is no `restricted_coboundary` here: run the cell that defines it, under exactly this name"
        in capsys.readouterr().out
    )
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


def test_the_problem_of_the_last_failed_check_is_handed_over(folder, capsys):
    with pytest.raises(CheckFailed):
        checks.check("1.2", lambda w2, pattern: w2)
    problem = sheaflab.problem("1.2")
    assert list(problem) == ["w2", "pattern"]
    assert problem["w2"].tolist() == [[5, 7]]
    assert repr(problem) == (
        "1.2 the restricted coboundary\nto repeat the call:\n"
        "    restricted_coboundary(np.array([[5, 7]]), np.array([True, True]))\n"
        "its inputs:\n    w2 = array([[5, 7]])\n    pattern = array([ True,  True])"
    )
    sheaflab.check("1.1", lambda z: z >= 0)
    assert sheaflab.problem(1.1)["z"].tolist() == [0.0, -0.0, 1e-300]
    sheaflab.check("1.1", lambda z: z > 0)
    with pytest.raises(ValueError, match=r"no check of 1\.1 has failed since this session began, or the last one passed"):
        sheaflab.problem("1.1")
    checks.check("1.1", lambda z: z > 0)
    with pytest.raises(CheckFailed):
        checks.check("1.1", 3)
    with pytest.raises(ValueError, match=r"the check of 1\.1 failed before it called anything"):
        sheaflab.problem("1.1")


def test_inputs_that_are_too_large_for_a_message_are_said_to_be(folder):
    told = f"x\n{messages.rows([('given', 'w2: an array of shape (9, 9)'), ('call', 'restricted_coboundary(w2, pattern)')])}"
    with pytest.raises(ValueError, match=r"too large to write out:\nw2: an array of shape \(9, 9\)"):
        problem_of(catalogue().task("1.2"), told)


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
