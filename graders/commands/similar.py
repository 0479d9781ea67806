"""`graders similar`: its arguments, and what it prints."""

from __future__ import annotations

import argparse

from graders.classroom.similar import FEWEST, find, together
from graders.commands.choice import add_course_arguments, chosen_course
from graders.commands.grade import report_undecided

USUAL = (
    "The usual answer is one that more than a third of those have who wrote an answer of their own to the exercise, "
    f"{FEWEST} students or more: many found it by themselves, so nobody is named for it."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders similar`."""
    parser.description = (
        "List groups of near-identical solutions, exercise by exercise: a reason to talk, never a proof. " + USUAL
    )
    add_course_arguments(parser, positional=True)
    parser.add_argument("--threshold", type=float, default=0.9, help="likeness from 0 to 1 (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Print the groups by exercise, then pairs alike in several; status 3 if a student's work could not be compared."""
    if not 0 < options.threshold <= 1:
        raise ValueError(f"`--threshold` must be above 0 and at most 1, got {options.threshold}")
    problems: list[tuple[str, str]] = []
    groups = find(chosen_course(options), options.threshold, problems)
    print("Likeness is no proof: short exercises have few different answers, and working together may be allowed.")
    print("Left out: the course's own solutions, stubs and short answers.")
    for group in groups:
        if group.usual:
            print(f"{group.exercise:5} {len(group.students)} of {group.compared} have the usual answer")
        else:
            print(f"{group.exercise:5} {group.likeness:4.0%}  {' '.join(group.students)}")
    if any(group.usual for group in groups):
        print(USUAL)
    pairs = together(groups)
    if pairs:
        print("\nAlike in three or more exercises, usual answers left out:")
    for first, second, exercises in pairs:
        print(f"  {first} and {second}: {', '.join(exercises)}")
    if not groups:
        print("No two of the other solutions are that similar.")
    return report_undecided(dict(problems))
