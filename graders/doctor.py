"""`graders doctor`: what this machine can do to keep student code apart."""

from __future__ import annotations

import argparse
import os
import sys

from graders import seccomp
from graders.isolation import LADDER, Isolation
from graders.sandbox import best_isolation, probe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders doctor`."""
    parser.add_argument(
        "--require-isolation",
        choices=[level.name.lower() for level in LADDER],
        help="end with status 1 if nothing at least as good works",
    )


def run(options: argparse.Namespace) -> int:
    """Try each way for real and print what came of it."""
    print(f"Python {sys.version.split()[0]} at {sys.executable}, user id {os.geteuid()}")
    for level in LADDER:
        why = probe(level)
        print(f"{'works ' if not why else 'fails '} {level.name.lower():<11} {level.value.partition(';')[0]}")
        if why:
            print(f"{'':<19}because: {why}")
    why = seccomp.missing()
    print(f"{'fails ' if why else 'works '} {'seccomp':<11} beside any of these: refuses calls that no notebook needs")
    if why:
        print(f"{'':<19}because: {why}")
    best = best_isolation()
    print(f"Grading will use: {best.name.lower()}")
    if best.degraded:
        print(f"To improve: {advice()}")
    needed = options.require_isolation
    return 1 if needed and best.rank > Isolation[needed.upper()].rank else 0


def advice() -> str:
    """What to do for better isolation."""
    why = probe(Isolation.BUBBLEWRAP)
    if "not installed" in why:
        return "apt-get install -y bubblewrap"
    allow = "sysctl -w kernel.unprivileged_userns_clone=1"
    return f"bubblewrap is installed but does not work ({why}); allow user namespaces: {allow}"
