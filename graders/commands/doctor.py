"""`graders doctor`: how well this machine can isolate student code."""

from __future__ import annotations

import argparse
import os
import sys

from graders.grading.canary import refusal
from graders.sandbox import machine, seccomp
from graders.sandbox.isolation import LADDER, Isolation
from graders.sandbox.machine import REQUIREMENTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders doctor`."""
    parser.add_argument(
        "--require-isolation",
        choices=[level.name.lower() for level in LADDER],
        help="end with status 1 if nothing at least as good works",
    )


def run(options: argparse.Namespace) -> int:
    """Try each level of isolation and print the results."""
    print(f"Python {sys.version.split()[0]} at {sys.executable}, user id {os.geteuid()}")
    for level in LADDER:
        why = refusal(level)
        print(f"{'works ' if not why else 'fails '} {level.name.lower():<11} {level.value.partition(';')[0]}")
        if why:
            print(f"{'':<19}because: {why}")
    why = seccomp.missing()
    print(f"{'fails ' if why else 'works '} {'seccomp':<11} beside any of these: refuses calls that no notebook needs")
    if why:
        print(f"{'':<19}because: {why}")
    usable = [level for level in LADDER if not refusal(level)]
    print(f"Grading will use: {usable[0].name.lower()}" if usable else "Nothing can be graded on this machine.")
    absent = [requirement for requirement in REQUIREMENTS if requirement.missing()]
    for requirement in absent:
        print(f"not there: {requirement.name:<16} for {requirement.purpose} ({requirement.missing()})")
    if absent:
        print(f"To have all of it: {machine.advice(requirement.name for requirement in absent)}")
    needed = options.require_isolation
    good = usable and (not needed or usable[0].rank <= Isolation[needed.upper()].rank)
    return 0 if good else 1
