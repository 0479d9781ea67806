"""Do the checks accept what is right and reject what is wrong? Measured, through the real chain.

Every answer of the bank (key, independent right ones, wrong ones, the stub) and every mutant of every key runs in the
sandboxed worker and meets the hidden checks, like a submission. Our own answers are no strangers: the answers of one
process share a worker, and a call may take less time than a student's.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from graders.checking import local
from graders.checking.sandboxed import SandboxedStudent
from graders.checking.suite import run_checks
from graders.checking.verdict import CheckResult, HiddenChecksError
from graders.grading import canary
from graders.grading.canary import best_isolation
from graders.grading.domain import DomainEnded, domain_here
from graders.lab.bank import Answer, Solved, answers, equivalents, solved
from graders.lab.manifest import Course, NotebookSpec
from graders.lab.percent import stub_line
from graders.lab.places import show_visible_checks
from graders.proof.mutants import mutants
from graders.sandbox.isolation import Limits
from graders.sandbox.libraries import View
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import SandboxBroken, Status

SECRET = b"selfcheck"
LIMITS = Limits(cpu=4.0, wall=300.0, total_wall=3000.0)  # judged by CPU time: other work on the machine changes nothing
MAX_TOLD = 400  # characters of what a check said, in a line about a fault
KINDS = ("key", "right", "wrong", "stub", "mutant")


@dataclass(frozen=True)
class AnswerVerdict:
    """What became of one answer.

    Attributes
    ----------
    notebook : str
    answer : Answer
    failed : tuple of str
        Names of the checks that were not passed.
    earned : float
        Points.
    ending : str
        Status of the first check that was not passed, in words.
    told : str
        What that check said, in one line.
    """

    notebook: str
    answer: Answer
    failed: tuple[str, ...]
    earned: float
    ending: str
    told: str = ""

    def fault(self, equivalent: Iterable[tuple[str, str]] = ()) -> str:
        """Say what is wrong with the checks, or with the bank; empty if nothing is."""
        if self.ending.startswith(Status.GRADER.label):
            return self.ending
        kind = self.answer.kind
        if kind in ("key", "right") and self.failed:
            return "false reject"
        if kind == "wrong" and self.answer.check not in self.failed:
            return "false accept" if not self.failed else "not by its named check"
        if kind == "stub" and self.earned:
            return "a stub earns points"
        if kind == "mutant" and not self.failed:
            return "" if (self.answer.exercise, self.answer.label) in set(equivalent) else "survives"
        return ""

    @property
    def reason(self) -> str:
        """What goes behind a fault: the check that an answer names, those that were not passed, what the first said."""
        named = f", named {self.answer.check}" if self.answer.check else ""
        failed = f", failed {', '.join(self.failed) or 'none'}" if self.answer.check or self.failed else ""
        return named + failed + (f"; {self.failed[0]} said: {self.told}" if self.told else "")


def stubs(course: Course, key: Solved) -> list[Answer]:
    """Return what students get, as answers."""
    return [
        Answer(e.id, "stub", "as released", key.heads[e.id] + _indent(key, e.id) + stub_line(course, e.solution_cell))
        for e in key.spec.exercises
    ]


def _indent(key: Solved, exercise: str) -> str:
    first = key.bodies[exercise].split("\n")[0]
    return first[: len(first) - len(first.lstrip())]


@functools.cache
def _loaded(course: Course, notebook: str) -> tuple[NotebookSpec, Solved]:
    spec = course.notebook(notebook)
    return spec, solved(course, spec)


@functools.cache
def _host(visible: Path) -> Host:
    return Host(LIMITS, best_isolation(limits=LIMITS), View(visible))


def judge(course: Course, notebook: str, answer: Answer, secret: bytes = SECRET) -> AnswerVerdict:
    """Run one answer in the sandbox, among the keys of the notebook's other exercises, and the hidden checks on it.

    Parameters
    ----------
    course : Course
    notebook : str
    answer : Answer
    secret : bytes
        Decides the fresh problems.
    """
    spec, key = _loaded(course, notebook)
    exercise = next(e for e in spec.exercises if e.id == answer.exercise)
    sources = {**key.keys, exercise.id: answer.source}
    cells = dict(enumerate([key.setup, *(sources[e.id] for e in spec.exercises)]))
    host = _host(course.visible.parent)
    host.left = LIMITS.total_wall  # each answer is a submission of its own
    try:
        with NotebookRun(cells, host) as run:
            student = SandboxedStudent(run, sources)
            try:
                found = run_checks(student, course, replace(spec, exercises=(exercise,)), secret)
            finally:
                student.next_exercise()  # lets go of the last one's process
    except SandboxBroken as error:
        return AnswerVerdict(notebook, answer, tuple(c.name for c in exercise.checks), 0.0, error.status.label)
    return verdict_of(notebook, answer, list(found.values()))


def verdict_of(notebook: str, answer: Answer, results: Sequence[CheckResult]) -> AnswerVerdict:
    """Return what became of an answer whose checks have had these results."""
    failing = [result for result in results if result.status is not Status.OK]
    ending = failing[0].status.label if failing else Status.OK.label
    earned = sum(result.earned for result in results)
    said = "; ".join(" ".join(line.split()) for line in failing[0].message.splitlines()) if failing else ""
    told = said if len(said) <= MAX_TOLD else said[:MAX_TOLD] + " …"
    return AnswerVerdict(notebook, answer, tuple(result.name for result in failing), earned, ending, told)


def judge_apart(course: Course, notebook: str, answer: Answer) -> AnswerVerdict:
    """:func:`judge` in a limited process of its own; what ends that process is a fault by the answer's name."""
    try:
        return domain_here(canary.vouch, (best_isolation(limits=LIMITS), LIMITS)).call(judge, course, notebook, answer)
    except DomainEnded as end:
        checks = next(e.checks for e in course.notebook(notebook).exercises if e.id == answer.exercise)
        return AnswerVerdict(notebook, answer, tuple(c.name for c in checks), 0.0, f"{Status.GRADER.label}: {end}")


def judge_secrets_apart(course: Course, notebook: str, pool: Sequence[Answer], secrets: Sequence[int]) -> list[str]:
    """:func:`judge_secrets` in a limited process of its own."""
    try:
        return domain_here().call(judge_secrets, course, notebook, pool, secrets)
    except DomainEnded as end:
        return [f"{pool[0].exercise} under secrets {secrets[0]} to {secrets[-1]}: {end}"]


def judge_secrets(course: Course, notebook: str, pool: Sequence[Answer], secrets: Sequence[int]) -> list[str]:
    """Hold answers against their checks under many secrets, in this process; return what is at fault.

    All answers to an exercise meet the same problems under one secret, so that these are looked for once. What they
    print is not shown: the command prints what it found.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        faults = (_under_secret(course, notebook, answer, number) for number in secrets for answer in pool)
        return list(itertools.chain.from_iterable(faults))


def _under_secret(course: Course, notebook: str, answer: Answer, number: int) -> Iterator[str]:
    where = f"{answer.exercise} {answer.kind} {answer.label!r} under secret {number}"
    try:
        results = judge_here(course, notebook, answer.exercise, answer.source, f"secret {number}".encode())
    except HiddenChecksError as error:
        yield f"{where}: {error}"
        return
    verdict = verdict_of(notebook, answer, results)
    if fault := verdict.fault():
        yield f"{where}: {fault}{verdict.reason}"


def judge_here(
    course: Course, notebook: str, exercise: str, source: str, secret: bytes, others: Mapping[str, str] | None = None
) -> list[CheckResult]:
    """Hold an answer, among the keys of the notebook's other exercises, against its checks in this process.

    For our own answers only: nothing is between them and this process. An empty `source` stands for the key; `others`
    are answers to other exercises.
    """
    spec, key = _loaded(course, notebook)
    show_visible_checks(course)
    changed = {**key.keys, **(others or {}), **({exercise: source} if source else {})}
    checks = next(e.checks for e in spec.exercises if e.id == exercise)
    student = local.LocalStudent(namespace(key, changed), changed)
    numbers = np.random.SeedSequence(list(secret)).generate_state(1)
    np.random.seed(int(numbers[0]))  # noqa: NPY002 - an answer that draws from it is right by chance now and then
    return local.run_checks(student, course.checks_of(spec), notebook, exercise, checks, secret)


def namespace(key: Solved, instead: Mapping[str, str]) -> dict[str, Any]:
    """Execute a solved notebook's imports and answers here, some answers replaced: for our own answers only."""
    names: dict[str, Any] = {}
    for source in (key.setup, *{**key.keys, **instead}.values()):
        exec(compile(source, key.spec.name, "exec"), names)
    return names


def collect(course: Course, notebooks: Sequence[str], kinds: Iterable[str] = KINDS) -> list[tuple[str, Answer]]:
    """Return all answers of some notebooks, with the notebook's name."""
    wanted, jobs = set(kinds), list[tuple[str, Answer]]()
    for name in notebooks:
        spec = course.notebook(name)
        key = solved(course, spec)
        pool = [*answers(course, spec), *stubs(course, key)]
        if "mutant" in wanted:
            pool += [mutant for exercise in spec.exercises for mutant in mutants(key, exercise.id)]
        jobs += [(name, answer) for answer in pool if answer.kind in wanted]
    return jobs


def judge_all(
    course: Course, jobs: Sequence[tuple[str, Answer]], executor: Executor, *, progress: bool = True
) -> list[AnswerVerdict]:
    """Judge many answers with any executor; the order of the result is that of `jobs`."""
    waiting = {executor.submit(judge_apart, course, name, answer): k for k, (name, answer) in enumerate(jobs)}
    done: dict[int, AnswerVerdict] = {}
    for future in tqdm(as_completed(waiting), total=len(waiting), unit="answer", disable=not progress, leave=False):
        done[waiting[future]] = future.result()
    return [done[k] for k in range(len(jobs))]


def table(course: Course, verdicts: Sequence[AnswerVerdict], idle: Sequence[str] = ()) -> str:
    """Return the table of the self-check as Markdown: one line an exercise, then every fault by name, and `idle`."""
    known = equivalents(course)
    head = "| exercise | right | false rejects | wrong | false accepts | mutants | killed | equivalent | survive |"
    rows = [head, "|---|" + "---:|" * 8]
    total: Counter[str] = Counter()
    for exercise in course.exercises():
        mine = [v for v in verdicts if v.answer.exercise == exercise.id]
        if not mine:
            continue
        n: Counter[str] = Counter()
        for v in mine:
            n[v.answer.kind] += 1
            n[v.fault(known)] += 1
            if v.answer.kind == "mutant":
                n["killed" if v.failed else "alive"] += 1
        n["equivalent"] = n["alive"] - n["survives"]
        total += n
        rows.append(_row(f"{exercise.id} {exercise.title}", n))
    rows.append(_row("**all**", total))
    faults = [
        f"* {v.answer.exercise} {v.answer.kind} *{v.answer.label}*: {fault}{v.reason}"
        for v in verdicts
        if (fault := v.fault(known))
    ]
    faults += idle
    blind = [v for v in verdicts if v.answer.blind]
    if blind:
        n = Counter(v.answer.kind for v in blind)
        faulty = sum(bool(v.fault()) for v in blind)
        told = f"{n['right']} right and {n['wrong']} wrong ones are by others, who had seen the release alone"
        rows.append(f"\n{told}: {faulty} faults.")
    killable = total["mutant"] - total["equivalent"]
    if killable:
        share = 100 * total["killed"] / killable
        rows.append(f"\n{total['killed']} of {killable} non-equivalent mutants killed: {share:.1f} %.")
    return "\n".join([*rows, *(["", "Faults:", *faults] if faults else [])]) + "\n"


def _row(name: str, n: Counter[str]) -> str:
    cells = [n["key"] + n["right"], n["false reject"], n["wrong"], n["false accept"] + n["not by its named check"]]
    cells += [n["mutant"], n["killed"], n["equivalent"], n["survives"]]
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"
