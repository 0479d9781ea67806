"""What manifest, source, checks and bank say must fit; a slip of the author is told by file, exercise and remedy."""

from __future__ import annotations

import shutil

import pytest

from graders.commands.cli import main
from graders.lab.agreement import check_manifest
from graders.lab.manifest import Course
from tests.graders.conftest import edit


def problems(course):
    return check_manifest(Course.load(course.root))


def selfcheck(course, capsys):
    """`graders selfcheck`; return its status and what it prints."""
    capsys.readouterr()
    status = main(["selfcheck", f"--course={course.root}", "--jobs=1", "--no-mutants"])
    told = capsys.readouterr()
    return status, told.out + told.err


def test_a_key_defines_what_the_manifest_names(lab, capsys):
    edit(lab.manifest, 'function = "relu"', 'function = "rectify"')
    told = "lab10-1.py: the cell ex-1-1 must define `rectify`, the function of exercise 1.1 in exercises.toml, got relu; rename one of the two"
    assert told in problems(lab)
    status, said = selfcheck(lab, capsys)
    assert (status, told in said) == (2, True)


@pytest.mark.parametrize("key", ["relu = np.vectorize(lambda z: max(z, 0.0))", "from numpy import positive as relu", "if np:\n    def relu(z):\n        return z"])
def test_a_key_may_define_it_in_any_way(lab, key):
    path = lab.source / "lab10-1.py"
    text = path.read_text()
    cell = text[text.index("def relu") : text.index("\n# %% nbgrader={\"grade\": false, \"grade_id\": \"check-1-1\"")]
    path.write_text(text.replace(cell, f"### BEGIN SOLUTION\n{key}\n### END SOLUTION\n"))
    assert problems(lab) == []


def test_every_exercise_has_a_visible_check(lab, capsys):
    edit(lab.visible / "lab10_1.py", 'CHECKS = {"1.1": relu}', "CHECKS = {}")
    (told,) = problems(lab)
    assert told.endswith("visible/lab10: CHECKS has no exercise 1.1; write its visible check in lab10_1.py")
    status, said = selfcheck(lab, capsys)
    assert (status, told in said) == (2, True)


def test_a_cell_that_calls_a_visible_check_has_one(lab):
    (lab.visible / "lab10_1.py").unlink()
    (told,) = problems(lab)
    assert "CHECKS has no exercise 1.1; write its visible check in lab10_1.py" in told
    shutil.rmtree(lab.visible)
    (told,) = problems(lab)
    assert "CHECKS has no exercise 1.1; write its visible check in lab10_1.py" in told


def test_a_lab_may_have_no_visible_check(lab, mini):
    assert check_manifest(mini) == []
    shutil.rmtree(lab.visible)
    edit(lab.source / "lab10-1.py", 'check("1.1", relu)', "assert relu(1.0) == 1.0")
    assert problems(lab) == []


@pytest.mark.parametrize(
    "call", ['check("1.1", rleu)', "check(1.2, relu)", 'sheaflab.check("1.1", answer=rleu)', 'check("1.2", relu)', 'check("1.1")']
)
def test_a_check_cell_hands_over_the_function_of_its_exercise(call, lab, capsys):
    edit(lab.source / "lab10-1.py", 'check("1.1", relu)', call)
    got = call.replace('"', "'")
    (told,) = problems(lab)
    assert told == f'lab10-1.py: the cell check-1-1 must call `check("1.1", relu)`, as exercises.toml says, got `{got}`'
    status, said = selfcheck(lab, capsys)
    assert (status, told in said) == (2, True)


@pytest.mark.parametrize("call", ["check(1.1, relu)", 'check("1.1", lambda z: relu(z))', 'check(*("1.1", relu))', "%time\ncheck(1, 2)"])
def test_a_check_cell_may_do_it_in_any_way(call, lab):
    edit(lab.source / "lab10-1.py", 'check("1.1", relu)', call)
    assert problems(lab) == []


@pytest.mark.slow
def test_a_check_that_no_answer_of_the_bank_must_fail_is_a_fault(lab, capsys):
    edit(lab.bank / "lab10-1.toml", 'check = "negative"', 'check = "fresh_values"')
    told = '* 1.1 check *negative*: no answer of the bank must be caught by it; plant one with check = "negative" in bank/lab10/lab10-1.toml'
    status, said = selfcheck(lab, capsys)
    assert (status, f"\nFaults:\n{told}\n" in said) == (1, True)
    assert main(["selfcheck", f"--course={lab.root}", "--jobs=1", "--secrets=1"]) == 1
    said = capsys.readouterr().out
    assert "0 wrong verdicts" in said
    assert said.endswith(f"{told}\n")


def test_a_new_lab_has_no_fault(lab, capsys):
    status, said = selfcheck(lab, capsys)
    assert (status, "Faults" in said) == (0, False)
    assert main(["selfcheck", f"--course={lab.root}", "--jobs=1", "--secrets=1"]) == 0


@pytest.mark.parametrize("name", ["Sheaf.enrgy", "Shef", "Sheaf.energy.of", "Sheaf energy"])
def test_a_visible_check_forbids_what_the_library_has(name, lab, capsys):
    path = lab.visible / "lab10_1.py"
    edit(path, "from sheaflab.checks.messages", "from sheaflab.checks.forbidden import forbids\nfrom sheaflab.checks.messages")
    edit(path, "def relu(", '@forbids("Euler", "Sheaf.velocity")\ndef relu(')
    assert problems(lab) == []
    edit(path, "Sheaf.velocity", name)
    (told,) = problems(lab)
    assert told.endswith(f"visible/lab10: exercise 1.1 forbids `{name}`, which sheaflab does not have; correct the name in @forbids of lab10_1.py")
    status, said = selfcheck(lab, capsys)
    assert (status, told in said) == (2, True)
