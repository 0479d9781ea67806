"""The bank holds: right answers pass every check, each wrong one fails the check that it names, mutants are mistakes."""

from __future__ import annotations

import ast
import os
import signal
import warnings
from collections import Counter
from pathlib import Path

import matplotlib as mpl
import pytest

from graders.checking.verdict import CheckResult
from graders.classroom.pool import executor
from graders.commands import demo
from graders.lab.bank import Answer, BankError, Solved, _edited, answers, equivalents, idle_checks, solved
from graders.lab.manifest import Course
from graders.proof import selfcheck
from graders.proof.mutants import mutants
from graders.proof.selfcheck import (
    AnswerVerdict,
    collect,
    judge_all,
    judge_here,
    judge_secrets,
    stubs,
    table,
)
from graders.sandbox.session import Session
from graders.status import Status

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
COURSE = Course.load(ROOT / "course", "lab09")
EVERY = [(spec, exercise) for spec in COURSE.notebooks for exercise in spec.exercises]
every_exercise = pytest.mark.parametrize(("spec", "exercise"), EVERY, ids=[e.id for _, e in EVERY])


def failed(spec, answer, secret):
    """Names of the checks that an answer does not pass, without a sandbox: these answers are ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wrong answer may divide by zero
        results = judge_here(COURSE, spec.name, answer.exercise, answer.source, secret)
    return {result.name for result in results if result.status is not Status.OK}


@every_exercise
def test_bank_of_an_exercise(spec, exercise, secret):
    mpl.use("Agg")
    mine = [answer for answer in answers(COURSE, spec) if answer.exercise == exercise.id]
    count = Counter(answer.kind for answer in mine)
    assert count["right"] >= 4
    assert count["wrong"] >= 10
    blind = Counter(answer.kind for answer in mine if answer.blind)  # by others, so that bank and checks have two authors
    assert blind["right"] >= 4
    assert blind["wrong"] >= 12
    assert len({answer.source for answer in mine}) == len(mine)
    assert {
        answer.label: missed for answer in mine if answer.kind != "wrong" and (missed := failed(spec, answer, secret))
    } == {}
    wrong = {answer.label: (answer.check, failed(spec, answer, secret)) for answer in mine if answer.kind == "wrong"}
    assert {label: caught for label, caught in wrong.items() if caught[0] not in caught[1]} == {}


@pytest.mark.parametrize("spec", COURSE.notebooks, ids=lambda spec: spec.name)
def test_samples_of_the_demonstration_lose_what_they_are_made_to_lose(spec, secret):
    """Whatever it draws: the demonstration itself has one secret a run."""
    mpl.use("Agg")
    samples = demo.read_samples(COURSE)
    for name in ("key", "wrong"):
        sample = samples[name]
        for exercise in spec.exercises:
            answer = Answer(exercise.id, name, name, sample.cells[exercise.solution_cell])
            assert failed(spec, answer, secret) == (sample.checks if exercise.id == sample.exercise else set()), exercise.id


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (
            "2.4",
            "def plot_energy_decay(ax, times, energies, rate):\n    ax.semilogy(times, energies, label='energy')\n"
            "    ax.semilogy(times, energies[0] * np.exp(-2 * rate * times), '--', label='envelope')\n    ax.legend()",
        ),
        (
            "3.3",
            "def plot_histogram(ax, counts):\n    values, runs = np.unique(counts, return_counts=True)\n"
            "    ax.bar(values, runs)",
        ),
    ],
)
def test_axes_without_names_cost_that_point_alone(exercise, answer):
    """The visible figure, too, is judged part by part."""
    mpl.use("Agg")
    spec = next(spec for spec, found in EVERY if found.id == exercise)
    assert failed(spec, Answer(exercise, "wrong", "no names", answer), b"any") == {"labels"}


@every_exercise
def test_mutants_change_the_solution_and_nothing_else(spec, exercise):
    key = solved(COURSE, spec)
    found = mutants(key, exercise.id)
    assert len(found) >= 3
    assert len({mutant.source for mutant in found}) == len(found)
    original = ast.unparse(ast.parse(key.keys[exercise.id]))
    for mutant in found:
        assert ast.unparse(ast.parse(mutant.source)) != original
        same = [a == b for a, b in zip(mutant.source.split("\n"), original.split("\n"), strict=False)]
        assert all(same[:2])  # the signature stands


def test_equivalent_mutants_exist_and_have_a_reason():
    known = {
        (exercise.id, mutant.label) for spec, exercise in EVERY for mutant in mutants(solved(COURSE, spec), exercise.id)
    }
    found = equivalents(COURSE)
    assert len(found) >= 10
    for judged, reason in found.items():
        assert judged in known
        assert len(reason) > 20


def test_each_check_has_an_answer_that_it_must_catch():
    idle = [line for spec in COURSE.notebooks for lines in idle_checks(COURSE, spec).values() for line in lines]
    assert idle == []


def test_an_edit_must_fit_at_one_place():
    key = Solved(COURSE.notebooks[0], "", {"1.1": "def f():\n"}, {"1.1": "    return 1 + 1"})
    with pytest.raises(BankError, match="'1' is 2 times in the key, must be once"):
        _edited(key, "1.1", {"edit": ["1", "2"]}, "here")
    assert _edited(key, "1.1", {"edit": ["1 + 1", "2"]}, "here") == "def f():\n    return 2"


def test_through_the_real_chain():
    """The sandbox says the same: one exercise's key, right and wrong answers, stub and mutants."""
    exercise = COURSE.notebooks[0].exercises[0]
    jobs = [(name, answer) for name, answer in collect(COURSE, [COURSE.notebooks[0].name]) if answer.exercise == exercise.id]
    with executor(1, None) as pool:
        verdicts = judge_all(COURSE, jobs, pool, progress=False)
    assert {v.answer.label: v.fault() for v in verdicts if v.fault()} == {}
    assert [v.earned for v in verdicts if v.answer.kind == "key"] == [exercise.points]
    (stub,) = (v for v in verdicts if v.answer.kind == "stub")
    assert (stub.earned, stub.ending) == (0, "not attempted")
    n = Counter(answer.kind for _, answer in jobs)
    assert min(n["right"], n["wrong"], n["mutant"]) > 0
    text = table(COURSE, verdicts)
    counted = f"{1 + n['right']} | 0 | {n['wrong']} | 0 | {n['mutant']} | {n['mutant']} | 0 | 0"
    assert f"| {exercise.id} {exercise.title} | {counted} |" in text
    assert f"{n['mutant']} of {n['mutant']} non-equivalent mutants killed: 100.0 %" in text
    assert "Faults" not in text
    n = Counter(answer.kind for _, answer in jobs if answer.blind)
    told = f"{n['right']} right and {n['wrong']} wrong ones are by others, who had seen the release alone: 0 faults."
    assert min(n["right"], n["wrong"]) > 0
    assert told in text


def test_no_process_of_an_answer_is_left_open(monkeypatch):
    """Sockets that wait for the garbage collector fail a further lab's tests where warnings are errors."""
    made, fork = [], Session.fork
    monkeypatch.setattr(Session, "fork", lambda session: made.append(fork(session)) or made[-1])
    (name, answer), *_ = collect(COURSE, [COURSE.notebooks[0].name], ("key",))
    assert selfcheck.judge(COURSE, name, answer).fault() == ""
    assert {process.sock.fileno() for process in made} == {-1}


def ends(course, notebook, answer):
    os.kill(os.getpid(), signal.SIGKILL)


def test_an_answer_that_ends_the_process_is_a_fault_by_its_name_and_the_others_are_judged(monkeypatch):
    jobs = collect(COURSE, [COURSE.notebooks[0].name], ("stub",))[:2]
    monkeypatch.setattr(selfcheck, "judge", ends)
    with executor(1, None) as pool:
        verdicts = judge_all(COURSE, jobs, pool, progress=False)
    assert [v.fault() for v in verdicts] == ["grader error: the process that worked on it ended (signal 9)"] * 2
    assert "signal 9" in table(COURSE, verdicts)


def test_faults_are_named():
    def verdict(kind, failed, check="", earned=0.0):
        return AnswerVerdict("lab09-1", Answer("1.1", kind, "this one", "", check), failed, earned, "wrong")

    assert verdict("right", ("a",)).fault() == "false reject"
    assert verdict("wrong", (), "a").fault() == "false accept"
    assert verdict("wrong", ("b",), "a").fault() == "not by its named check"
    assert verdict("stub", ("a",), earned=1.0).fault() == "a stub earns points"
    assert verdict("mutant", ()).fault() == "survives"
    assert verdict("mutant", ()).fault([("1.1", "this one")]) == ""
    assert verdict("wrong", ("a", "b"), "a").fault() == ""
    assert "* 1.1 wrong *this one*: false accept, named a, failed none\n" in table(COURSE, [verdict("wrong", (), "a")])


def test_a_fault_says_what_the_first_check_said():
    """The author of a key that is rejected has nothing else to go by."""
    said = "not right yet\n  call:     f(1)\n  returned: 2"
    results = [
        CheckResult("a", "", Status.OK, 1.0),
        CheckResult("b", "", Status.WRONG, 1.0, said),
        CheckResult("c", "", Status.WRONG, 1.0, "x" * 500),
    ]
    rejected = selfcheck.verdict_of("lab09-1", Answer("1.1", "key", "the course's own", ""), results)
    line = "* 1.1 key *the course's own*: false reject, failed b, c; b said: not right yet; call: f(1); returned: 2\n"
    assert line in table(COURSE, [rejected])


@every_exercise
def test_verdicts_do_not_depend_on_the_secret(spec, exercise):
    """A sample; `graders selfcheck --secrets 200` is the whole measurement."""
    pool = [answer for _, answer in collect(COURSE, [spec.name], ("key", "right", "wrong", "stub"))]
    assert judge_secrets(COURSE, spec.name, [a for a in pool if a.exercise == exercise.id], [7]) == []


def test_what_an_answer_prints_is_not_what_the_command_says(capsys):
    loud = Answer("1.1", "right", "loud", "def activation_pattern(z):\n    return z > 0\n\nprint('loud')")
    assert judge_secrets(COURSE, "lab09-1", [loud], [0]) == []
    assert capsys.readouterr().out == ""


def test_stub_of_every_exercise_is_what_students_get():
    for spec in COURSE.notebooks:
        assert [stub.exercise for stub in stubs(COURSE, solved(COURSE, spec))] == [e.id for e in spec.exercises]
