"""Near-identical solutions: names, comments and layout do not matter; groups, not pairs."""

from __future__ import annotations

import random

import pytest

from graders.classroom import similar
from graders.commands.cli import main
from tests.graders.conftest import hand_in

FIRST = "def f(a, b):\n    '''Doc.'''\n    total = 0  # start\n    for x in a:\n        total += x * b\n    return total\n"


def test_likeness_looks_past_names_comments_and_layout():
    second = "def g(p,q):\n  s=0\n  for item in p: s+=item*q\n  return s"
    without_doc = similar.shape(FIRST.replace("    '''Doc.'''\n", ""))
    assert without_doc == similar.shape(second)
    assert similar.shape("def f(:") == ()
    assert similar.shape(second) != similar.shape(second.replace("0", "1"))


def form(*numbers):
    return tuple(f"node {number}" for number in numbers)


def test_likeness_is_1_for_the_same_and_0_for_nothing_in_common():
    found = similar.likenesses([form(*range(50)), form(*range(50)), form(*range(100, 150)), form(*range(49), 7)])
    assert found[0, 1] == found[2, 2] == 1
    assert found[0, 2] == 0
    assert 0.9 < found[0, 3] < 1
    assert (found == found.T).all()


def test_pairs_become_groups_and_a_usual_answer_is_told_from_a_copied_one():
    draw = random.Random(1)
    shapes = {f"s{k:02}": form(*(draw.randrange(1000) for _ in range(60))) for k in range(20)}
    base = shapes["s00"]
    shapes["s01"], shapes["s02"] = base[:-1] + form(9999), base
    (group,) = similar.groups("1.1", shapes, 0.9)
    assert group.students == ("s00", "s01", "s02")
    assert not group.usual
    assert 0.9 <= group.likeness < 1
    shapes |= {f"s{k:02}": base for k in range(10)}
    (group,) = similar.groups("1.1", shapes, 0.9)
    assert group.usual


def test_who_is_alike_in_several_exercises_comes_last():
    found = [similar.Group(f"1.{k}", ("ann", "bob", "cem") if k < 2 else ("ann", "bob"), 1.0, 30) for k in range(3)]
    found += [similar.Group(f"2.{k}", tuple(f"s{n}" for n in range(20)), 1.0, 30) for k in range(3)]  # the usual answer
    assert similar.together(found) == [("ann", "bob", ["1.0", "1.1", "1.2"])]


@pytest.mark.slow
def test_the_keys_own_words_make_no_group_and_the_page_says_so(course, submit, capsys):
    for student in ("ada", "bob", "cem"):
        hand_in(course, student, submit())
    assert main(["similar", f"--course={course.root}"]) == 0
    told = capsys.readouterr().out
    assert "Left out: the course's own solutions, stubs and short answers." in told
    assert told.endswith("No two of the other solutions are that similar.\n")


def test_the_usual_answer_is_explained_where_it_is_told(course, capsys, monkeypatch):
    found = [similar.Group("1.1", ("ann", "bob"), 1.0, 30)]
    monkeypatch.setattr("graders.commands.similar.find", lambda *_: found)
    where = f"--course={course.root}"
    assert main(["similar", where]) == 0
    assert "usual" not in capsys.readouterr().out
    found.append(similar.Group("1.2", tuple(f"s{n}" for n in range(20)), 1.0, 30))
    assert main(["similar", where]) == 0
    told = capsys.readouterr().out
    assert "1.2   20 of 30 have the usual answer\nThe usual answer is one that more than a third of those have" in told
    with pytest.raises(SystemExit):
        main(["similar", "--help"])
    assert "The usual answer is one that" in " ".join(capsys.readouterr().out.split())
