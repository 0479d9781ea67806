"""`graders selfcheck`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import as_completed
from pathlib import Path

from tqdm import tqdm

from graders.classroom.pool import executor
from graders.commands.choice import add_course_arguments, chosen_course
from graders.lab.agreement import check_manifest
from graders.lab.bank import equivalents, idle_checks
from graders.lab.manifest import Course
from graders.lab.printing import counted
from graders.lab.tables import ManifestError
from graders.proof.selfcheck import KINDS, collect, judge_all, judge_secrets_apart, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `graders selfcheck`."""
    add_course_arguments(parser, positional=True)
    parser.add_argument("--notebook", action="append", metavar="NAME", help="only this notebook; may be repeated")
    parser.add_argument("--exercise", action="append", metavar="ID", help="only this exercise; may be repeated")
    parser.add_argument("--no-mutants", action="store_true", help="the bank's core only: a few minutes")
    parser.add_argument("--secrets", type=int, metavar="N", help="instead: the bank's core under N secrets")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--out", type=Path, help="also write the table to this Markdown file")


def run(options: argparse.Namespace) -> int:
    """Judge the bank and print the table; status 1 if a check is at fault, or stands for nothing."""
    course = chosen_course(options)
    names = options.notebook or [spec.name for spec in course.notebooks]
    exercises = {exercise.id for name in names for exercise in course.notebook(name).exercises}
    if options.exercise:
        if strange := [name for name in options.exercise if name not in exercises]:
            raise ValueError(f"`--exercise` must be one of {', '.join(sorted(exercises))}, got {', '.join(strange)}")
        exercises = set(options.exercise)
        names = [name for name in names if any(e.id in exercises for e in course.notebook(name).exercises)]
    if problems := check_manifest(course, [course.notebook(name) for name in names]):
        raise ManifestError("; ".join(problems))
    told = {exercise: lines for name in names for exercise, lines in idle_checks(course, course.notebook(name)).items()}
    idle = [line for exercise in told if exercise in exercises for line in told[exercise]]
    if options.secrets is not None:
        faults = [*_secrets(course, names, exercises, options), *idle]
        print(*faults, sep="\n", end="\n" if faults else "")
        return 1 if faults else 0
    every = collect(course, names, KINDS[:-1] if options.no_mutants else KINDS)
    jobs = [(name, answer) for name, answer in every if answer.exercise in exercises]
    what = counted(len(jobs), "answer"), counted(len(names), "notebook"), counted(options.jobs, "process", "processes")
    print("{} to {}, {}".format(*what))
    start = time.monotonic()
    with executor(options.jobs, None) as pool:
        verdicts = judge_all(course, jobs, pool)
    text = table(course, verdicts, idle)
    print(text)
    print(f"{time.monotonic() - start:.0f} s")
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    known = equivalents(course)
    hard = [v for v in verdicts if (fault := v.fault(known)) and fault != "survives"]
    alive = [v for v in verdicts if v.fault(known) == "survives"]
    mutants = {(v.answer.exercise, v.answer.label) for v in verdicts if v.answer.kind == "mutant"}
    killable = len(mutants - known.keys())
    if options.exercise:  # of so few mutants no share can be asked for
        return 1 if hard or idle else 0
    return 1 if hard or idle or len(alive) > 0.05 * max(1, killable) else 0


def _secrets(course: Course, names: Sequence[str], exercises: set[str], options: argparse.Namespace) -> list[str]:
    batch = 5
    bank = [job for job in collect(course, names, KINDS[:-1]) if job[1].exercise in exercises]
    by_exercise = {
        (name, exercise.id): [answer for _, answer in bank if answer.exercise == exercise.id]
        for name in names
        for exercise in course.notebook(name).exercises
        if exercise.id in exercises
    }
    jobs = [
        (name, pool, range(first, min(first + batch, options.secrets)))
        for (name, _), pool in by_exercise.items()
        for first in range(0, options.secrets, batch)
    ]
    faults: list[str] = []
    with executor(options.jobs, None) as processes:
        waiting = [processes.submit(judge_secrets_apart, course, *job) for job in jobs]
        for future in tqdm(as_completed(waiting), total=len(waiting), unit="batch", leave=False):
            faults += future.result()
    what = counted(len(bank), "answer"), counted(options.secrets, "secret"), counted(len(names), "notebook")
    print(f"{', '.join(what)}: {counted(len(faults), 'wrong verdict')}.")
    return faults
