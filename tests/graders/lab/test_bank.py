"""An entry of the bank that breaks a rule is told by file, entry and key."""

from __future__ import annotations

import pytest

from graders.commands.cli import main
from graders.lab.bank import BankError, answers, equivalents
from tests.graders.conftest import edit


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('misconception = "the', 'misconcepton = "the', "wrong 1 of exercise 1.1 in lab10-1.toml must have `misconception` (a text)"),
        ('check = "fresh_values"', 'chek = "fresh_values"', "wrong 2 of exercise 1.1 in lab10-1.toml must have `check` (a text)"),
        ('style = "where"', 'stile = "where"', "right 2 of exercise 1.1 in lab10-1.toml must have `style` (a text)"),
        ('edit = ["np', 'edits = ["np', "lab10-1.toml: exercise 1.1, 'the absolute value' must have `code`, or `edit` with an old and a new text of the key, got None"),
        ('["np.maximum(z, 0.0)", "np.abs(z)"]', '["np.maximum"]', "lab10-1.toml: exercise 1.1, 'the absolute value' must have `code`, or `edit` with an old and a new text of the key, got ['np.maximum']"),
        ('id = "1.1"', 'name = "1.1"', "exercise 1 of lab10-1.toml must have `id` (a text)"),
        ('check = "negative"', 'check = "negativ"', "lab10-1.toml: exercise 1.1, 'the absolute value' names check 'negativ'; the manifest has fresh_values, negative"),
        ('id = "1.1"', 'id = "1.2"', "lab10-1.toml: no exercise 1.2 in the manifest"),
        ('[[exercise]]', '[[exercise', "lab10-1.toml is not TOML: Expected ']]' at the end of an array declaration (at line 4, column 11)"),
    ],
)  # fmt: skip
def test_an_entry_that_breaks_a_rule(lab, was, now, told, capsys):
    edit(lab.bank / "lab10-1.toml", was, now)
    with pytest.raises(BankError) as refused:
        answers(lab, lab.notebooks[0])
    assert str(refused.value) == told
    capsys.readouterr()
    assert main(["selfcheck", f"--course={lab.root}", "--jobs=1"]) == 2
    assert capsys.readouterr().err == f"graders selfcheck: {told}\n"


def test_a_judged_mutant_has_its_reason(lab):
    (lab.bank / "equivalent.toml").write_text('[[equivalent]]\nexercise = "1.1"\nmutant = "line 1"\nreson = "it is"\n')
    with pytest.raises(BankError) as refused:
        equivalents(lab)
    assert str(refused.value) == "equivalent 1 of equivalent.toml must have `reason` (a text)"


def test_a_file_of_the_bank_has_exercises_and_may_have_one_twice(lab):
    path = lab.bank / "lab10-1.toml"
    before = answers(lab, lab.notebooks[0])
    more = 'def relu(z):\n    return (z + np.abs(z)) / 2'
    with path.open("a") as file:
        file.write(f"\n[[exercise]]\nid = \"1.1\"\n[[exercise.right]]\nstyle = \"by hand\"\ncode = \"\"\"\n{more}\n\"\"\"\n")
    found = answers(lab, lab.notebooks[0])
    assert found[:-1] == before
    assert (found[-1].label, found[-1].source) == ("by hand", more)
    path.write_text('[[task]]\nid = "1.1"\n')
    with pytest.raises(BankError, match=r"lab10-1\.toml must have at least one \[\[exercise\]\]"):
        answers(lab, lab.notebooks[0])
